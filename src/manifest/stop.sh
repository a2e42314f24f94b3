#!/bin/sh
# Before a pod ends: a master hands its slots to a replica that has all its data, so
# that nothing is lost and nobody waits for a failover. It succeeds in any case: the pod
# ends anyway, and what remains to be done its peers do.
# shellcheck source=ask.sh
. "${BOOTSTRAP_CONFIG:-/redis-cluster}/ask.sh"

say() { printf 'stop: %s\n' "$*"; }

# Who leaves takes over nothing any more, which other leaving nodes can read here.
leave='cluster-slave-no-failover'

# Linked replicas that stay, the one that is nearest to the master first: OFFSET HOST PORT.
heirs() {
    ask_myself 'CLUSTER NODES' | awk '
        $3 ~ /myself/ { me = $1 }
        $3 ~ /slave/ && $3 !~ /fail/ { master[$1] = $4; address[$1] = $2 }
        END {
            for (id in master) if (master[id] == me) {
                host = address[id]
                sub(/[@,].*/, "", host)
                port = host
                sub(/.*:/, "", port)
                sub(/:[0-9]+$/, "", host)
                print host, port
            }
        }' | while read -r host port; do
        reply=$(ask "$host" "$port" 'INFO replication' "CONFIG GET $leave")
        case $reply in
        *"$leave"*yes*) ;;
        *master_link_status:up*) printf '%s %s %s\n' "$(printf '%s\n' "$reply" | tr -d '\r' | sed -n 's/^slave_repl_offset://p')" "$host" "$port" ;;
        esac
    done | sort -rn
}

is_master() { ask_myself ROLE | grep -q '^master'; }

# A failover that a replica was asked for gives up by itself after 5 s.
handed_over() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        is_master || return 0
        pause
    done
    return 1
}

ask_myself "CONFIG SET $leave yes" >/dev/null
is_master || exit 0
for attempt in first second; do
    heir=$(heirs | head -n 1)
    [ -n "$heir" ] || break
    # shellcheck disable=SC2086 # OFFSET HOST PORT
    set -- $heir
    ask "$2" "$3" 'CLUSTER FAILOVER' >/dev/null
    if handed_over; then
        say "handed over to $2"
        exit 0
    fi
    say "the $attempt attempt to hand over to $2 failed"
done
exit 0
