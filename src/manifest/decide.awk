# Decides what a node may start as, from what the other nodes have answered; run by guard.sh.
# It reads files and writes one. It asks nobody and knows no clock, so every rule is a row of
# a table in its test. POSIX awk: the same in gawk, mawk and busybox.
#
# docs/start.md has the rules in the order in which they are tried, and why.
#
# Variables:
#   me, shard        this node's ID, and that of its shard's first master
#   mode             empty: it holds no data; damaged: it holds data, but its nodes.conf does
#                    not say what it was; kept: it holds data and owned slots when it stopped
#   accepted         "yes" when a person has accepted the loss of the shard
#   formed           "yes" when the cluster was complete once, with volumes
#   volumes          "yes" when the nodes keep their data on volumes, not in memory only
#   restarted        "yes" when the process that is gone was this pod's own
#   waited           for how many seconds a replica has been waited for
#   patience         after how many it is asked to take over, or (kept) waited for no longer
#   written, polled  (kept) when the volume was written to, and when the nodes of the shard
#                    were asked, in seconds since 1970
#   output           where the nodes.conf to start with goes
#
# Operands:
#   from=initial FILE      the nodes.conf of the cluster's first start
#   from=heard FILE        (kept) CLUSTER SHARDS of a node of another shard
#   from=answers FILE ...  one a node, named by its ID. In the first line its state, then what
#                          it knows: CLUSTER NODES, CLUSTER INFO, INFO replication, INFO memory
#                          and DBSIZE of a running server, the nodes.conf of a node that has kept one
#
# States: living (a server runs), empty (waiting to start without data, or a running replica that
# never had any), kept and damaged (waiting to start; as the modes), unreachable, loading,
# refusing (the password). This node's own is its mode.
#
# Prints lines of a name and a value: verdict; action (start or wait); text; enough, when a
# majority has answered; node and host of the replica or owner that the verdict is
# about; request, when that replica is to be asked to take over; blocked, when the own shard
# alone forbids a start; lost, when only a person can end the wait; survey, when the answers of
# all nodes would change the verdict; end ID HOST for a running node that this one is to end; ask
# ID HOST for an owner that the first nodes.conf does not have and that has not been asked.

{ sub(/\r$/, "") }

from == "heard" {
    if (label == "id") heard_of = $0
    if (label == "replication-offset" && heard_of == me) heard = $0 + 0
    label = $0
    next
}

from == "initial" && NF >= 8 {
    peer = "initial"
    initial_address[$1] = $2
    shard_of[$1] = $3 ~ /slave/ ? $4 : $1
    if (!(shard_of[$1] in is_shard)) shards++
    is_shard[shard_of[$1]] = 1
    if (shard_of[$1] == shard) is_of_shard[$1] = 1
}

from == "answers" && FNR == 1 {
    peer = FILENAME
    sub(/.*\//, "", peer)
    peers[++peer_count] = peer
    state[peer] = $1
    next
}

length($1) == 40 && NF >= 8 && $3 !~ /handshake/ {
    line[peer, $1] = $0
    known[peer] = known[peer] " " $1
}

$1 == "vars" { current[peer] = $3 + 0 }
/^cluster_state:ok/ { serves = 1 }
/^cluster_current_epoch:/ { current[peer] = substr($0, 23) + 0 }
/^master_link_down_since_seconds:/ { down[peer] = substr($0, 32) + 0 }
# As a text: some awks print large numbers shortened.
/^slave_repl_offset:/ { offset[peer] = substr($0, 19) }
$0 == "master_link_status:up" { is_linked[peer] = 1 }
$0 == "role:slave" { is_replica[peer] = 1 }
/^[0-9]+$/ { keys[peer] = $0 + 0 }
/^number_of_functions:[1-9]/ { has_functions[peer] = 1 }

END {
    if (mode == "kept") judge_kept()
    else if (mode == "damaged") judge_damaged()
    else judge_empty()
    print "verdict", verdict
    print "action", action
    print "text", text
    if (enough) print "enough yes"
    if (node) print "node", node
    if (node) print "host", host(node)
    if (request) print "request yes"
    if (blocked) print "blocked yes"
    if (lost) print "lost yes"
    if (survey) print "survey yes"
    if (verdict == "remnant" && !serves && first_empty() == me) print_remnants()
    if (action == "wait") for (id in unasked) print "ask", id, host(id)
}

function wait(rule, sentence) {
    verdict = rule
    text = sentence
    action = "wait"
}

function wait_for_person(rule, sentence) {
    wait(rule, sentence)
    lost = 1
}

function start(rule, sentence) {
    wait(rule, sentence)
    action = "start"
}

# --- A node without data

function judge_empty(owner, replica, unclear, living) {
    count_shards()
    owner = find_owner()
    replica = find_replica()
    unclear = names_in("kept damaged unreachable loading refusing")
    living = names_in("living")
    blocked = unclear && !living
    if (accepted == "yes") return start_as_owner("accepted", "empty")
    if (!enough) return wait("apart", "holds no data: waiting for a majority of shards to answer " counted(shards))
    if (is_remnant()) return wait("remnant", "no node of the cluster has a key, and too few owners are left to elect others: waiting for the nodes that still run to end, to begin anew")
    if (owner && owner != me && state[owner] == "living") return judge_owner(owner)
    if (owner == me && replica) return await("failover", replica, "holds no data: waiting for its replica " name(replica) " to be promoted")
    if (unclear) return wait("unclear", "holds no data: waiting for " unclear ", which may hold this shard's data, to answer")
    if (replica) return wait("promotion", "holds no data: waiting for " name(replica) " to be promoted")
    if (owner && !find_owner(1)) return wait("leaving", "holds no data: waiting for the terminating nodes to be gone, since only they have heard of this shard")
    if (owner) return wait_for_person("lost", "no node holds this shard's data any more: " (volumes == "yes" ? "restore its volumes, or " : "") "accept the loss with accept-loss")
    if (living) return wait("ownerless", "holds no data: waiting for " living " to own the shard's slots")
    if (formed == "yes") return wait_for_person("emptied", "the cluster has formed once, and all volumes of this shard are empty now: restore them, or accept the loss with accept-loss")
    start("initial", "no node of the shard holds data: starting as declared")
}

# In memory only: whether nothing is left of the cluster but running nodes that have no key and
# can never serve again. All have answered; with a majority of its owners the cluster would mend
# itself, and who joined later was not asked. Owners that nobody has heard of are about to start.
function is_remnant(id, i, missing, running, alive, count) {
    if (volumes == "yes") return 0
    for (id in shard_of) {
        if (!state[id]) missing++
        if (state[id] == "living") running++
        if (state[id] && state[id] != "living" && state[id] != "empty") return 0
        if (state[id] == "living" && keys[id] != "0" || has_functions[id]) return 0
    }
    for (i = 1; i <= peer_count; i++) note_newest(peers[i])
    for (id in newest) {
        if (!(id in shard_of)) return 0
        if (!owns_slots(id) || !newest_epoch[id]) continue
        count++
        if (state[id] == "living") alive++
    }
    if (!running || !count || alive * 2 > count) return 0
    survey = missing > 0
    return !missing
}

# The first node of all that wait without data: it acts for them.
function first_empty(count, ids, i) {
    count = split(known["initial"], ids, " ")
    for (i = 1; i <= count; i++) if (state[ids[i]] == "empty") return ids[i]
}

function print_remnants(id) {
    for (id in shard_of) if (state[id] == "living") print "end", id, host(id)
}

function judge_owner(owner, itself) {
    itself = line[owner, owner]
    node = owner
    if (flags(itself) !~ /myself/ || flags(itself) !~ /master/) return wait("unconfirmed", "holds no data: waiting for " name(owner) " to say that it is a master")
    if (flags(itself) ~ /nofailover/) return wait("terminating", "holds no data: waiting for " name(owner) ", which is terminating, to be succeeded")
    if (!line[owner, me]) return wait("forgotten", "the cluster does not know this node any more: it was forgotten by " name(owner))
    start("follow", "joining as a replica of " name(owner))
    write_as_replica(owner, owner)
}

# --- A node with data whose nodes.conf is damaged

function judge_damaged(view, owner) {
    count_shards()
    view = newest_view(1)
    owner = find_owner()
    if (accepted == "yes") return start_as_owner("accepted", "with what its volume holds")
    if (!enough && somebody_may_answer()) return wait("apart", "holds data, but its nodes.conf is damaged: waiting for a majority of shards to answer " counted(shards))
    if (!enough || !view) return wait_for_person("unknown", "holds data, but its nodes.conf is damaged, and what other nodes know cannot replace it: restore nodes.conf, or let this node own its shard with what its volume holds, with accept-loss")
    start("rebuilt", "nodes.conf is damaged: rebuilt from what " name(view) " knows")
    # Its slots are gone to its successor, or it was a replica.
    if (owner && owner != me && slots(line[view, me]) == "") return write_as_replica(owner, view)
    write_as_known(view)
}

# --- A node with data that owned slots when it stopped

function judge_kept(i, successor, replica) {
    for (i = 1; i <= peer_count; i++) note_newest(peers[i])
    count_owners()
    successor = find_successor()
    replica = find_replica()
    if (successor) return start_as_replica("succeeded", successor)
    if (!enough) return wait("apart", "owned slots when it stopped: waiting for a majority of owners to answer " counted(owners))
    if (!replica) return start("alone", "")
    if (voters * 2 <= owners) return start("voteless", "")
    if (heard > offset[replica] + 0) return start("ahead", "")
    if (waited + 0 > patience + 0) return start("unpromoted", name(replica) " was not promoted: starting with what this node has written down")
    await("promotion", replica, "owned slots when it stopped: waiting for its replica " name(replica) ", which was linked at the last write, to be promoted")
}

function start_as_replica(rule, successor) {
    node = successor
    start(rule, name(successor) " owns this shard's slots since: starting as its replica")
    write_as_replica(successor, state[successor] == "living" ? successor : newest[successor])
}

# --- What the answers say

function has_answered(peer) {
    return state[peer] == "living" || state[peer] == "empty" || state[peer] == "kept"
}

# One node of each shard is enough.
function count_shards(i, seen, answering) {
    for (i = 1; i <= peer_count; i++) if (has_answered(peers[i])) seen[shard_of[peers[i]]] = 1
    for (i in seen) if (i in is_shard) answering++
    set_majority(answering, shards)
}

# Whether a node that has not answered may do so by itself.
function somebody_may_answer(id) {
    for (id in shard_of) if (id != me && state[id] !~ /living|empty|kept|damaged/) return 1
    return 0
}

# All owners, whether the first nodes.conf has them or not: who was elected had the votes of a
# majority of them, and a running one still has its vote.
function count_owners(id, answering) {
    for (id in newest) {
        if (!owns_slots(id)) continue
        owners++
        if (id == me) { answering++; continue }
        if (state[id] == "living") voters++
        if (state[id] == "living" || state[id] == "kept") answering++
        if (!state[id] && !(id in initial_address)) unasked[id] = 1
    }
    set_majority(answering, owners)
}

function set_majority(answering, all) {
    answers = answering + 0
    majority = int(all / 2) + 1
    enough = answers >= majority
}

function counted(all) { return "(" answers " of " all " do, " majority " must)" }

# Which view says the newest of each node: the highest epoch, and of these its own.
function note_newest(peer, count, ids, i, id, text) {
    count = split(known[peer], ids, " ")
    for (i = 1; i <= count; i++) {
        id = ids[i]
        text = line[peer, id]
        if (id in newest && (epoch(text) < newest_epoch[id] || epoch(text) == newest_epoch[id] && id != peer)) continue
        newest[id] = peer
        newest_epoch[id] = epoch(text)
    }
}

function newest_line(id) { return line[newest[id], id] }

function is_owner(text) { return flags(text) ~ /master/ && slots(text) != "" }

function owns_slots(id) { return is_owner(newest_line(id)) }

# The owner of the shard's slots by the newest of all views; for a shard without slots the
# master that this node follows in that one's own view. An epoch of 0 is only what the first
# nodes.conf says of others: it was never heard of them. By those alone that stay, if wanted.
function find_owner(of_staying, i, id, text, highest, owner, leader) {
    for (i = 1; i <= peer_count; i++) for (id in is_of_shard) {
        if (of_staying && state[peers[i]] == "living" && flags(line[peers[i], peers[i]]) ~ /nofailover/) continue
        text = line[peers[i], id]
        if (is_owner(text) && epoch(text) > highest + 0) { highest = epoch(text); owner = id }
        if (id == me && flags(text) ~ /slave/ && master(text) == peers[i]) leader = peers[i]
    }
    return owner ? owner : leader
}

# The replica that holds most of the shard's data. For a node that has kept its own it must
# have all that was written here: its link was up then or later (each clock tells whole
# seconds, and -1 is a link that never was).
function find_replica(i, peer, best) {
    for (i = 1; i <= peer_count; i++) {
        peer = peers[i]
        if (peer == me || !of_shard(peer)) continue
        if (!is_replica[peer]) continue
        if (offset[peer] + 0 <= 0 && !is_linked[peer] && keys[peer] + 0 <= 0) continue
        if (mode == "kept" && master(line[peer, peer]) != me) continue
        if (mode == "kept" && flags(line[peer, peer]) ~ /nofailover/) continue
        if (mode == "kept" && down[peer] < 0) continue
        if (mode == "kept" && polled - down[peer] + 2 < written + 0) continue
        if (best && offset[peer] + 0 <= offset[best] + 0) continue
        best = peer
    }
    return best
}

# Who owns most of this node's slots in a newer epoch and is of its shard, or has them all. Slots
# that are somewhere else were moved, which makes nobody a successor.
function find_successor(id, all, held, most, found) {
    all = common(slots(line[me, me]), slots(line[me, me]))
    for (id in newest) {
        if (id == me) continue
        if (newest_epoch[id] <= epoch(line[me, me])) continue
        held = common(slots(line[me, me]), slots(newest_line(id)))
        if (held < all && !of_shard(id)) continue
        if (held <= most + 0) continue
        most = held
        found = id
    }
    return found
}

# By the first nodes.conf, or as some view has it: a replica that was added later.
function of_shard(id, i, text) {
    if (id in is_of_shard) return 1
    for (i = 1; i <= peer_count; i++) {
        text = line[peers[i], id]
        if (flags(text) ~ /slave/ && (master(text) in is_of_shard)) return 1
    }
    return 0
}

# The view with the highest epoch; where that is wanted, of those that have heard of this node.
function newest_view(knows_me, i, peer, best) {
    for (i = 1; i <= peer_count; i++) {
        peer = peers[i]
        if (peer == me || !known[peer] || !has_answered(peer)) continue
        if (knows_me && !has_heard_of(peer, me)) continue
        if (best && current[peer] <= current[best]) continue
        best = peer
    }
    return best
}

# Before Redis 7.0 a replica's line has no epoch: its master's tells.
function has_heard_of(view, id, text) {
    text = line[view, id]
    if (flags(text) ~ /slave/) text = line[view, master(text)]
    return epoch(text) > 0
}

# The names of the shard's other nodes in these states; but for a replica that runs as declared,
# with whom its master starts as declared: whether it has a copy, find_replica tells.
function names_in(states, count, ids, i, id, list) {
    count = split(known["initial"], ids, " ")
    for (i = 1; i <= count; i++) {
        id = ids[i]
        if (id == me || !(id in is_of_shard)) continue
        if (me == shard && is_replica[id] && master(line[id, id]) == me) continue
        if (index(" " states " ", " " (state[id] ? state[id] : "unreachable") " ")) list = list (list ? ", " : "") name(id)
    }
    return list
}

# Its peers promote a replica when they agree that its master is gone. It is asked to when
# that takes too long, or is certain, since it was this very pod.
function await(rule, replica, sentence) {
    node = replica
    if (!is_linked[replica] || flags(line[replica, me]) ~ /(^|,)fail/) request = restarted == "yes" || waited + 0 > patience + 0
    wait(rule, sentence)
}

# --- The nodes.conf to start with, in the form that every version loads

function write_as_replica(owner, view) {
    write_others(view)
    print entry(me, line[view, me], "myself,slave " owner, epoch(line[view, me]), "") >output
    write_epoch(current[view])
}

function write_as_known(view, text) {
    text = line[view, me]
    write_others(view)
    print entry(me, text, "myself," role(text), epoch(text), slots(text)) >output
    write_epoch(current[view])
}

# As the owner of all slots of the shard, in an epoch of its own: by the newest view, or as
# declared where there is none.
function start_as_owner(rule, how, view, count, ids, i, mine) {
    view = newest_view(0)
    if (!view) view = "initial"
    count = split(known[view], ids, " ")
    for (i = 1; i <= count; i++) if (ids[i] in is_of_shard) mine = mine slots(line[view, ids[i]])
    takes_over = 1
    write_others(view)
    print entry(me, line[view, me], "myself,master -", current[view] + 1, mine) >output
    write_epoch(current[view] + 1)
    start(rule, "the loss of this shard's data is accepted: starting as its owner, " how)
}

function write_others(view, count, ids, i, id, text) {
    count = split(known[view], ids, " ")
    for (i = 1; i <= count; i++) {
        id = ids[i]
        text = line[view, id]
        if (id == me) continue
        if (flags(text) ~ /noaddr/ && !(id in initial_address)) continue
        if (takes_over && id in is_of_shard) print entry(id, text, "slave " me, 0, "") >output
        else print entry(id, text, role(text), epoch(text), slots(text)) >output
    }
}

# What this node's own nodes.conf has behind the address, its server wrote: a shard ID, by which
# some versions know the replicas of a master at their start.
function entry(id, text, as, since, ranges, address, own) {
    address = id in initial_address ? initial_address[id] : field(text, 2)
    own = field(line[me, id], 2)
    sub(/,.*/, "", address)
    if (own ~ /,/) address = address substr(own, index(own, ","))
    return id " " address " " as " 0 0 " (since + 0) " connected" ranges
}

# Whoever may have voted in an epoch votes in it no more.
function write_epoch(highest) {
    if (highest < current[me]) highest = current[me]
    print "vars currentEpoch " (highest + 0) " lastVoteEpoch " (highest + 0) >output
}

# --- A line of nodes.conf: ID ADDRESS FLAGS MASTER PING PONG EPOCH LINK SLOT ...

function field(text, number, fields) {
    split(text, fields, " ")
    return fields[number]
}

function flags(text) { return field(text, 3) }
function master(text) { return field(text, 4) }
function epoch(text) { return field(text, 7) + 0 }
function role(text) { return flags(text) ~ /slave/ ? "slave " master(text) : "master -" }

# Its slots, each range after a space; open slots are left out.
function slots(text, count, fields, i, ranges) {
    count = split(text, fields, " ")
    for (i = 9; i <= count; i++) if (fields[i] !~ /^\[/) ranges = ranges " " fields[i]
    return ranges
}

# How many slots two lists of ranges have in common.
function common(some, others, a, b, i, j, n, m, from, to, total) {
    n = split(some, a, " ")
    m = split(others, b, " ")
    for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) {
        from = first(a[i]) > first(b[j]) ? first(a[i]) : first(b[j])
        to = last(a[i]) < last(b[j]) ? last(a[i]) : last(b[j])
        if (from <= to) total += to - from + 1
    }
    return total + 0
}

function first(range) { return range + 0 }

function last(range) {
    sub(/.*-/, "", range)
    return range + 0
}

# Of IP:PORT@BUS,HOSTNAME the IP.
function host(id, address) {
    address = id in initial_address ? initial_address[id] : field(newest_line(id), 2)
    sub(/[@,].*/, "", address)
    sub(/:[0-9]+$/, "", address)
    return address
}

# By the number that an ID of ours ends with; its zeros go first, since some awks read what
# begins with one as octal.
function name(id) {
    sub(/.*node0*/, "", id)
    return "node " id
}
