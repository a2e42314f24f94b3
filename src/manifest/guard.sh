# shellcheck shell=sh
# shellcheck disable=SC2154 # what bootstrap.sh and ask.sh have set
# What a node may start as; read in by bootstrap.sh.
#
# Redis trusts whoever answers at a master's address: a master that comes back empty empties
# its replicas without an error. So a node keeps its ports closed, and its peers see that it is
# gone and elect its replica, until the answers of the others allow a start. These scripts ask
# (poll.sh), decide.awk decides, and docs/start.md has its rules. Answers decide, and no clock, but
# for how long a replica is waited for that could be promoted; that create has noted in the
# ConfigMap that the cluster has formed can only forbid a start.
#
# While it waits, the node answers on the start-up port (startup.sh).

# shellcheck source=startup.sh
. "$folder/startup.sh"
# shellcheck source=poll.sh
. "$folder/poll.sh"
# shellcheck source=gather.sh
. "$folder/gather.sh"

# Waits until this node, which holds no data, may start, and leaves its nodes.conf in
# nodes.conf.new.
guard_empty() {
    prepare empty
    until may_start_empty; do :; done
    close_startup
}

# The same for one that holds data and has a good nodes.conf in nodes.conf.new, which is
# corrected where it is out of date.
guard_kept() {
    owns_slots "$data/nodes.conf.new" || return 0
    written=$(last_written)
    # The process before this one has left the volume.
    restarted=yes
    prepare kept
    until may_start_kept; do :; done
    close_startup
}

# The same for one that holds data without a good nodes.conf.
guard_damaged() {
    prepare damaged
    until may_start_damaged; do :; done
    close_startup
    [ "$verdict" = accepted ] || guard_kept
}

may_start_empty() {
    began=$(now)
    poll_some
    decide
    [ "$enough" = no ] || : "${forgets:=$((began + 10 + 2 * shards))}"
    case $verdict in
    apart | unclear | initial)
        if gather; then
            start_as initial 'no node of the shard holds data: starting as declared'
            return
        fi
        ;;
    esac
    # Nothing is done on a remembered answer.
    case $action-$verdict-$survey in start-* | *-failover-* | *-remnant-* | *-yes) poll_all ;; esac
    case $verdict in
    failover) request_promotion ;;
    remnant) end_remnants ;;
    esac
    [ "$verdict" = remnant ] || remnant_since=''
    if [ "$action" = wait ]; then
        wait_for "$text" "$lost"
        return 1
    fi
    start_as "$verdict" "$text"
}

# start_as VERDICT TEXT: unless another process of this node is there.
start_as() {
    if [ "$1" != accepted ] && has_double; then return 1; fi
    say "$2"
    if [ "$1" = initial ]; then
        with_shard_ids >"$data/nodes.conf.new" || refuse "cannot write to the volume"
    else
        mv "$data/nodes.conf.decided" "$data/nodes.conf.new"
    fi
}

may_start_kept() {
    began=$(now)
    poll_all
    if [ "$verdict" = promotion ]; then
        hear
        decide
    fi
    case $verdict in
    promotion) request_promotion ;;
    apart) since='' ;;
    esac
    if [ "$action" = wait ]; then
        wait_for "$text"
        return 1
    fi
    [ -z "$text" ] || say "$text"
    [ ! -e "$data/nodes.conf.decided" ] || mv "$data/nodes.conf.decided" "$data/nodes.conf.new"
}

may_start_damaged() {
    began=$(now)
    poll_all
    if [ "$action" = wait ]; then
        wait_for "$text" "$lost"
        return 1
    fi
    say "$text"
    mv "$data/nodes.conf.decided" "$data/nodes.conf.new"
}

# What the answers allow: sets verdict, action (start or wait), text, enough, blocked, lost, node,
# host, request, survey, remnants and unlisted, as decide.awk prints them.
decide() {
    verdict='' action=wait text='' enough=no blocked=no lost=no node='' host='' request=no survey=no
    remnants='' unlisted=''
    waited=0
    [ -z "${since:-}" ] || waited=$(($(now) - since))
    rm -f "$data/nodes.conf.decided"
    awk -v me="$my_id" -v shard="$my_shard" -v mode="$mode" -v accepted="$(yes_if [ -e "$tmp/accepted" ])" \
        -v formed="$(yes_if has_formed)" -v volumes="$(yes_if is_persistent)" -v restarted="$restarted" -v waited="$waited" -v patience="$patience" \
        -v written="${written:-}" -v polled="${polled:-}" -v output="$data/nodes.conf.decided" \
        -f "$folder/decide.awk" from=initial "$tmp/initial" from=heard "$tmp/heard" \
        from=answers "$seen"/* >"$tmp/decision" || refuse "cannot decide what to start as: awk has failed"
    while read -r name value; do
        case $name in
        verdict) verdict=$value ;;
        action) action=$value ;;
        text) text=$value ;;
        enough) enough=$value ;;
        blocked) blocked=$value ;;
        lost) lost=lost ;;
        node) node=$value ;;
        host) host=$value ;;
        request) request=$value ;;
        survey) survey=$value ;;
        end) remnants="$remnants$value
" ;;
        ask) unlisted="$unlisted$value
" ;;
        esac
    done <"$tmp/decision"
    # Some awks do not say that the disk is full.
    [ ! -e "$data/nodes.conf.decided" ] || [ "$(nodes_conf_state "$data/nodes.conf.decided")" = whole ] ||
        refuse "cannot write to the volume"
}

yes_if() { if "$@"; then echo yes; fi; }

# Whether there has been data on volumes, as create has noted, whatever is left of it.
has_formed() { [ -e "$folder/formed" ] && is_persistent; }

# Asks the replica that is waited for to take over, where decide.awk says so: again after 5 s,
# for so long it tries by itself.
request_promotion() {
    : "${since:=$(now)}"
    if [ "$request" = yes ] && [ $(($(now) - ${requested:--5})) -ge 5 ]; then
        requested=$(now)
        say "asking $(name "$node") to take over"
        ask "$host" "$port" 'CLUSTER FAILOVER FORCE' >/dev/null || true
    fi
}

# Whether the answers are those of this node, which refuses clients and has neither keys nor
# functions: its address may be another pod's by now.
is_without_keys() {
    grep -qx "$1" "$2" && grep -q '^cluster_state:fail' "$2" && grep -qx 0 "$2" || return 1
    ! grep -q '^number_of_functions:[1-9]' "$2"
}

# Ends what still runs of a cluster that has no key, where decide.awk says so: its container is
# restarted, without data like all others. Not at once: what terminating pods of a
# ReplicationController have, their Services may hide for a moment. Since Redis 6.2 its writes are
# paused between the last look and its end: a function can be loaded while the cluster is down.
end_remnants() {
    : "${remnant_since:=$(now)}"
    [ $(($(now) - remnant_since)) -ge "$patience" ] || return 0
    printf '%s' "$remnants" >"$tmp/remnants"
    while read -r peer address; do
        ask "$address" "$port" 'CLIENT PAUSE 5000 WRITE' 'CLUSTER MYID' 'CLUSTER INFO' DBSIZE 'INFO memory' \
            >"$tmp/remnant" || true
        if ! is_without_keys "$peer" "$tmp/remnant"; then
            ask "$address" "$port" 'CLIENT UNPAUSE' >/dev/null || true
            continue
        fi
        say "ending $(name "$peer"), which has no key, so that all begin anew"
        ask "$address" "$port" 'SHUTDOWN NOSAVE' >/dev/null || true
    done <"$tmp/remnants"
    rm -f "$tmp/remnants" "$tmp/remnant"
}

# What another shard has heard of how far this node came before it stopped; versions before
# Redis 7.0 keep that to themselves.
hear() {
    while read -r _ peer address; do
        state_of "$peer"
        [ "$state" = living ] || continue
        ask "$address" "$port" 'CLUSTER SHARDS' >"$tmp/heard" || true
        return 0
    done <"$tmp/others"
}

# When the server last wrote anything to the volume that it reads at its start; 0 for never.
last_written() {
    {
        echo 0
        for file in "$data"/appendonly.aof "$data"/appendonlydir/*; do
            [ ! -e "$file" ] || date -r "$file" +%s
        done
    } | sort -n | tail -n 1
}

owns_slots() { awk -v me="$my_id" '$1 == me && $3 ~ /master/ && NF > 8 { found = 1 } END { exit !found }' "$1"; }

# Whether this pod alone answers behind its Service, as often as it is asked: one redis-cli
# tells, where the probes of has_double are many.
is_alone() {
    answers=$(for _ in 1 2 3 4 5 6 7 8; do
        printf 'CONNECT %s %s\n%s\nPING\n' "$my_host" "$port" "$login"
        printf 'CONNECT %s %s\n%s\nINFO server\n' "$my_host" "$startup_port" "$login"
    done | limited $((slowness + shards / 8)) "$cli" -h "$own_host" -p "$startup_port" 2>&1 |
        awk -v run="$my_run" -v startup_port=":$startup_port" '
            /^run_id:/ { if (index($0, run)) mine++; else others++ }
            /PONG|LOADING|MASTERDOWN/ || /Could not connect/ && index($0, startup_port) { others++ }
            END { print mine + 0, others + 0 }')
    [ "$answers" = '8 0' ]
}

# Another process of this node, behind the same Service: the old pod of a
# ReplicationController that is still terminating, maybe on a worker that is cut off and may
# come back with it. The Service chooses between the two anew each time: whoever reaches itself
# at one time and not at another is not alone. Where a pod cannot reach itself through its
# Service at all, only what answers on the client port, which is closed here, tells.
# A StatefulSet never starts a pod beside another; volumes are locked besides.
has_double() {
    if is_persistent; then return 1; fi
    login=$(login)
    if is_alone; then return 1; fi
    probes=''
    : >"$tmp/probes"
    for _ in 1 2 3 4 5 6 7 8; do
        probe_service >>"$tmp/probes" &
        probes="$probes $!"
    done
    # shellcheck disable=SC2086 # a list
    wait $probes
    case $(sort -u "$tmp/probes" | tr '\n' ' ') in
    *another*) wait_for "waiting for another process of this node to end" ;;
    'myself nobody ') wait_for "waiting for another pod of this node to be gone: it does not respond; where its worker is lost for good, delete it by force" ;;
    *) return 1 ;;
    esac
    return 0
}

# Who answers behind this node's own Service.
probe_service() {
    case $(ask "$my_host" "$port" PING) in
    *PONG* | *LOADING* | *MASTERDOWN*) echo another ;;
    *) case $(ask "$my_host" "$startup_port" 'INFO server') in
        *"run_id:$my_run"*) echo myself ;;
        *run_id:*) echo another ;;
        *) echo nobody ;;
        esac ;;
    esac
}

# prepare MODE: who is there, and the start-up server, which tells others about this node.
prepare() {
    mode=$1
    printf '%s\n' "$CLUSTER_CONFIG" >"$tmp/initial"
    roster >"$tmp/roster"
    awk -v shard="$my_shard" -v me="$my_id" '$1 == shard && $2 != me' "$tmp/roster" >"$tmp/siblings"
    # The first masters before all others: one node of a shard is enough.
    awk -v shard="$my_shard" '$1 != shard { print($1 == $2 ? 0 : 1, $0) }' "$tmp/roster" |
        sort -n -k 1,1 | cut -d ' ' -f 2- >"$tmp/others"
    shards=$(cut -d ' ' -f 1 "$tmp/roster" | sort -u | wc -l)
    nodes=$(wc -l <"$tmp/roster")
    read -r _ first_id first_host <"$tmp/roster"
    [ "$first_id" != "$my_id" ] || first_host=$own_host
    # Seconds within which a node answers that lives, and some more come: the more there are,
    # the busier their workers may be.
    slowness=$((2 + shards / 16)) lull=$((10 + shards / 2))
    patience=$(awk '$1 == "cluster-node-timeout" { print int($2 / 500) }' "$folder/redis.conf")
    rounds=0 since='' requested='' remnant_since=''
    forget
    open_startup
}
