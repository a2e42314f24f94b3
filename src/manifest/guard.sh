# shellcheck shell=sh
# shellcheck disable=SC2154 # what bootstrap.sh and ask.sh have set
# What a node may start as that holds no data; read in by bootstrap.sh.
#
# Redis trusts whoever answers at a master's address: a master that comes back empty
# empties its replicas without an error. So a node without data starts
#   - as a replica of the owner of its shard's slots, when that one says so itself and
#     no answer of a majority of shards knows of a newer owner; or
#   - as it was declared, when every other node of its shard is there and empty too,
#     and no answer of a majority of shards remembers the shard; or when all nodes of
#     the cluster have just said that they are empty; or
#   - as the owner, when a person has accepted the loss of the shard.
# Until one of these is true its ports stay closed, so that its peers see that it is
# gone and elect its replica. Nothing but answers decides, no clock and no phase; that
# create has noted in the ConfigMap that the cluster had formed can only forbid a start.
#
# Whether a shard is remembered shows in the epoch of its owner: CLUSTER_CONFIG says 0
# of every node but the own one, and the server itself writes down a higher one as soon
# as it hears it.
#
# While it waits, the node answers on the start-up port (startup.sh).

# shellcheck source=startup.sh
. "$folder/startup.sh"
# shellcheck source=look.sh
. "$folder/look.sh"
# shellcheck source=gather.sh
. "$folder/gather.sh"
# shellcheck source=kept.sh
. "$folder/kept.sh"

# The owner of the shard's slots by the newest of all views; for a shard without slots,
# the one of its masters that this node follows in that one's view.
find_owner() {
    owner=$(cd "$seen" && awk -v me="$my_id" -v shard=" $my_shard_ids " '
        length($1) != 40 || !index(shard, " " $1 " ") { next }
        $3 ~ /master/ && $9 ~ /^[0-9]/ && $7 > epoch { owner = $1; epoch = $7 }
        $1 == me && $3 ~ /slave/ && FILENAME == "./" $4 { leader = $4 }
        END { print owner ? owner : leader }' ./*)
}

# find_heir [WRITTEN]: the replica that holds most of the shard's data, and whether the one
# that it follows is gone in its eyes; nothing when no replica holds any. With WRITTEN only one
# that stays, and was linked to this node at that time or later.
find_heir() {
    heir=$(while read -r _ peer host; do
        state_of "$peer"
        [ "$state" != living ] || awk -v me="$my_id" -v peer="$peer" -v host="$host" -v written="${1:-}" -v looked="${looked:-}" '
            { sub(/\r$/, "") }
            $1 == me { gone = $3 ~ /(^|,)fail/ }
            $1 == peer { mine = $4 == me && $3 !~ /nofailover/ }
            /^master_link_down_since_seconds:/ { down = substr($0, 32) + 0 }
            # A text: some print large numbers shortened.
            /^slave_repl_offset:/ { offset = substr($0, 19) }
            $0 == "master_link_status:up" { up = 1 }
            $0 == "role:slave" { replica = 1 }
            /^[0-9]+$/ { keys = $0 }
            END {
                # Each clock tells whole seconds; -1 is that of a link that never was.
                was_linked = written == "" || mine && down >= 0 && looked - down + 2 >= written
                if (replica && (offset + 0 > 0 || up || keys > 0) && was_linked)
                    print offset, host, (gone || !up ? "gone" : "there"), peer
            }
        ' "$seen/$peer"
    done <"$tmp/siblings" | sort -rn | head -n 1)
}

# The replica is promoted by its peers when they agree that this node is gone; where that
# takes too long, or is certain because it was this very pod, it is asked to.
urge_heir() {
    # shellcheck disable=SC2086 # OFFSET HOST GONE ID
    set -- $heir
    : "${since:=$(date +%s)}"
    waited=$(($(date +%s) - since))
    if [ "$3" = gone ] && { [ "$restarted" = yes ] || [ "$waited" -gt "$patience" ]; }; then
        # It tries for 5 s.
        if [ $(($(date +%s) - ${asked:-0})) -ge 5 ]; then
            asked=$(date +%s)
            say "asking $(name "$4") to take over"
            ask "$2" "$port" 'CLUSTER FAILOVER FORCE' >/dev/null || true
        fi
    fi
}

# compose MODE VIEW-FILE: a nodes.conf made of a view, in the form that every version
# loads. As a replica of $owner, or with MODE "owner" as the owner of the slots of the
# shard, in an epoch of its own.
compose() {
    printf '%s\n' "$CLUSTER_CONFIG" | awk -v me="$my_id" -v mode="$1" -v owner="$owner" -v shard=" $my_shard_ids " '
        FNR == NR { if (NF >= 8) known[$1] = $2; next }
        { sub(/\r$/, "") }
        /^cluster_current_epoch:/ { current = substr($0, 23) + 0 }
        $1 == "vars" { current = $3 + 0 }
        length($1) != 40 || NF < 8 || $3 ~ /handshake/ || !($1 in known) && $3 ~ /noaddr/ { next }
        {
            address = $2
            sub(/,.*/, "", address)
            if ($1 in known) address = known[$1]
            slots = ""
            for (i = 9; i <= NF; i++) if ($i !~ /^\[/) slots = slots " " $i
            if (mode == "owner" && index(shard, " " $1 " ")) {
                mine = mine slots
                if ($1 != me) lines = lines $1 " " address " slave " me " 0 0 0 connected\n"
                else place = address
            } else if ($1 == me) {
                lines = lines me " " address " myself,slave " owner " 0 0 " $7 " connected\n"
            } else {
                role = $3 ~ /slave/ ? "slave " $4 : "master -"
                lines = lines $1 " " address " " role " 0 0 " $7 " connected" slots "\n"
            }
        }
        END {
            if (place == "") place = known[me]
            if (mode == "owner") printf "%s %s myself,master - 0 0 %d connected%s\n", me, place, ++current, mine
            printf "%svars currentEpoch %d lastVoteEpoch %d\n", lines, current, current
        }' - "$2"
}

# Whether this pod alone answers behind its Service, as often as it is asked: one redis-cli
# tells, where the knocks of has_double are many.
is_alone() {
    answers=$(for _ in 1 2 3 4 5 6 7 8; do
        printf 'CONNECT %s %s\n%s\nPING\n' "$my_host" "$port" "$login"
        printf 'CONNECT %s %s\n%s\nINFO server\n' "$my_host" "$startup_port" "$login"
    done | limited $((slowness + shards / 8)) "$cli" -h "$own_host" -p "$startup_port" 2>&1 |
        awk -v run="$my_run" -v door=":$startup_port" '
            /^run_id:/ { if (index($0, run)) mine++; else others++ }
            /PONG|LOADING|MASTERDOWN/ || /Could not connect/ && index($0, door) { others++ }
            END { print mine + 0, others + 0 }')
    [ "$answers" = '8 0' ]
}

# Another process of this node, behind the same Service: the old pod of a
# ReplicationController that still ends, maybe on a worker that is cut off and may come
# back with it. The Service chooses between the two anew each time: whoever reaches itself
# at one time and not at another is not alone. Where a pod cannot reach itself through its
# Service at all, only what answers on the client port, which is closed here, tells.
# A StatefulSet never starts a pod beside another; volumes are locked besides.
has_double() {
    ! is_persistent || return 1
    login=$(login)
    ! is_alone || return 1
    knocks=''
    : >"$tmp/knocks"
    for _ in 1 2 3 4 5 6 7 8; do
        knock >>"$tmp/knocks" &
        knocks="$knocks $!"
    done
    # shellcheck disable=SC2086 # a list
    wait $knocks
    case $(sort -u "$tmp/knocks" | tr '\n' ' ') in
    *another*) wait_for "waits for another process of this node to end" ;;
    'myself nobody ') wait_for "waits for another pod of this node to be gone: it does not answer; where its worker is lost for good, delete it by force" ;;
    *) return 1 ;;
    esac
}

# Who opens at the door of the own Service.
knock() {
    case $(ask "$my_host" "$port" PING) in
    *PONG* | *LOADING* | *MASTERDOWN*) echo another ;;
    *) case $(ask "$my_host" "$startup_port" 'INFO server') in
        *"run_id:$my_run"*) echo myself ;;
        *run_id:*) echo another ;;
        *) echo nobody ;;
        esac ;;
    esac
}

accepted() { [ -e "$seen/accepted" ]; }

# In the newest view, or, when nobody lives, in the declared one.
compose_owner() {
    find_newest
    if [ -n "$newest" ]; then
        compose owner "$seen/$newest"
    else
        printf '%s\n' "$CLUSTER_CONFIG" >"$tmp/declared"
        compose owner "$tmp/declared"
    fi
}

# The node whose view has the highest epoch.
find_newest() {
    newest=$(cd "$seen" && awk '
        $1 == "vars" { current = $3 + 0 }
        /^cluster_current_epoch:/ { current = substr($0, 23) + 0 }
        current > epoch { epoch = current; newest = FILENAME }
        END { print newest }' ./*)
}

# Whether there have been data on volumes, as create has noted, whatever is left of them.
has_begun() { [ -e "$folder/formed" ] && is_persistent; }

# What the answers allow, as $verdict.
judge() {
    find_owner
    find_heir
    unclear=$(siblings_in kept silent loading refusing)
    living=$(siblings_in living)
    if accepted; then
        verdict=accepted
    elif [ "$answering" -lt "$majority" ]; then
        verdict=apart
    elif [ -n "$owner" ] && [ "$owner" != "$my_id" ] && state_of "$owner" && [ "$state" = living ]; then
        verdict=follow
    elif [ "$owner" = "$my_id" ] && [ -n "$heir" ]; then
        verdict=failover
    elif [ -n "$unclear" ]; then
        verdict=unclear
    elif [ -n "$heir" ]; then
        verdict=heir
    elif [ -n "$owner" ]; then
        verdict=lost
    elif [ -n "$living" ]; then
        verdict=ownerless
    elif has_begun; then
        verdict=emptied
    else
        verdict=birth
    fi
}

# Decides once: writes nodes.conf and succeeds, or waits a little and fails.
decide() {
    began=$(date +%s)
    glance_around
    judge
    # Nothing is done on a remembered answer.
    case $verdict in
    apart | unclear | birth) ! gather || verdict='born together' ;;
    esac
    case $verdict in
    accepted | follow | failover | birth)
        look_around is_apart
        judge
        ;;
    esac
    case $verdict in
    accepted)
        say "the loss of this shard's data is accepted: starting as its owner, empty"
        compose_owner >"$data/nodes.conf.new"
        return 0
        ;;
    apart) wait_for "holds no data: waits for a majority of shards to answer ($answering of $shards do, $majority must)" ;;
    follow) join && return 0 ;;
    failover)
        urge_heir
        wait_for "holds no data: waits for its replica $(name "${heir##* }") to take over"
        ;;
    unclear) wait_for "holds no data: waits for $unclear, which may hold this shard's data, to answer" ;;
    heir) wait_for "holds no data: waits for $(name "${heir##* }") to take over" ;;
    lost) wait_for "no node holds this shard's data any more: restore its volumes, or accept the loss: kubectl redis-cluster accept-loss" lost ;;
    ownerless) wait_for "holds no data: waits for $living to own the shard's slots" ;;
    emptied) wait_for "the cluster has formed once, and all volumes of this shard are empty now: restore them, or accept the loss: kubectl redis-cluster accept-loss" lost ;;
    birth | 'born together')
        if ! has_double; then
            say "no node of the shard holds data: starting as declared"
            with_shard_ids >"$data/nodes.conf.new"
            return 0
        fi
        ;;
    esac
    return 1
}

# join: follows $owner, if that says itself that it is a master and knows this node.
join() {
    if ! awk -v owner="$owner" '$1 == owner && $3 ~ /myself/ && $3 ~ /master/ { found = 1 }
            END { exit !found }' "$seen/$owner"; then
        wait_for "holds no data: waits for $(name "$owner") to say that it is a master"
    elif grep -q "^$owner [^ ]* [^ ]*myself[^ ]*nofailover" "$seen/$owner"; then
        wait_for "holds no data: waits for $(name "$owner"), which is leaving, to be succeeded"
    elif ! grep -q "^$my_id " "$seen/$owner"; then
        wait_for "the cluster does not know this node any more: it was forgotten by $(name "$owner")"
    elif has_double; then
        return 1
    else
        say "joining as a replica of $(name "$owner")"
        compose replica "$seen/$owner" >"$data/nodes.conf.new"
        return 0
    fi
    return 1
}

# Waits until this node, which is empty, may start, and leaves its nodes.conf in nodes.conf.new.
guard() {
    prepare empty
    until decide; do :; done
    close_startup
}

# prepare STATE: who is there, and the start-up server, which says that this one is too.
prepare() {
    my_state=$1
    roster >"$tmp/roster"
    my_shard_ids=$(awk -v shard="$my_shard" '$1 == shard { printf "%s ", $2 }' "$tmp/roster")
    awk -v shard="$my_shard" -v me="$my_id" '$1 == shard && $2 != me' "$tmp/roster" >"$tmp/siblings"
    # The first masters before all others: one node of a shard is enough.
    awk -v shard="$my_shard" '$1 != shard { print($1 == $2 ? 0 : 1, $0) }' "$tmp/roster" |
        sort -n -k 1,1 | cut -d ' ' -f 2- >"$tmp/others"
    shards=$(cut -d ' ' -f 1 "$tmp/roster" | sort -u | wc -l)
    majority=$((shards / 2 + 1))
    nodes=$(wc -l <"$tmp/roster")
    read -r _ first_id first_host <"$tmp/roster"
    [ "$first_id" != "$my_id" ] || first_host=$own_host
    # Seconds within which a node answers that lives, and some more come: the more there are,
    # the busier their workers may be.
    slowness=$((2 + shards / 16)) lull=$((10 + shards / 2))
    patience=$(awk '$1 == "cluster-node-timeout" { print int($2 / 500) }' "$folder/redis.conf")
    rounds=0
    forget
    open_startup
}
