#!/bin/sh
# Before a pod ends: a master hands its slots to a replica that has all its data, so
# that nothing is lost and nobody waits for a failover. It succeeds in any case: the pod
# ends anyway, and what remains to be done its peers do.
# shellcheck source=ask.sh
. "${BOOTSTRAP_CONFIG:-/redis-cluster}/ask.sh"

say() { printf 'stop: %s\n' "$*"; }

# Who leaves takes over nothing any more, which other leaving nodes can read here.
leave='cluster-slave-no-failover'

# Within the pod's grace period of 60 s, with room for the server's own end.
deadline=$(($(now) + 40))

# Replicas that stay, linked ones first and of these the one that is nearest to the master:
# LINK OFFSET HOST PORT, where LINK is 1 or 0, or -1 when it does not answer. They are asked
# even when they are flagged here: a replica that has just come back is still marked FAIL for
# a while.
replicas() {
    nodes=$(ask_myself 'CLUSTER NODES')
    [ -n "$nodes" ] || echo "-1 0 $own_host $port"
    printf '%s\n' "$nodes" | awk '
        $3 ~ /myself/ { me = $1 }
        $3 ~ /slave/ && $3 !~ /noaddr/ { master[$1] = $4; address[$1] = $2 }
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
        '') echo "-1 0 $host $port" ;;
        *"$leave"*yes*) ;;
        *role:slave*)
            printf '%s\n' "$reply" | tr -d '\r' | awk -v host="$host" -v port="$port" '
                $0 == "master_link_status:up" { link = 1 }
                # A text: some print large numbers shortened.
                /^slave_repl_offset:/ { offset = substr($0, 19) }
                END { print link + 0, (offset ? offset : 0), host, port }'
            ;;
        esac
    done | sort -rn -k 1,1 -k 2,2
}

# Whether there may be something to hand over: whatever a server says that is not "slave". One
# too busy to say so is no replica yet: taken for one it would end while another takes its place,
# and start again as the owner that it is no more. Before Redis 7.0 a server answers nothing
# while it hands over, and what comes is the answer to the login alone.
is_master() {
    case $(ask_myself ROLE) in
    *slave* | *'Could not connect'* | *'onnection refused'*) return 1 ;;
    esac
    return 0
}

# A failover that a replica was asked for gives up by itself after 5 s.
handed_over() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        is_master || return 0
        [ "$(now)" -lt "$deadline" ] || return 1
        pause
    done
    return 1
}

unanswered=0
# Each time anew: it may have been too busy to hear of it.
while ask_myself "CONFIG SET $leave yes" >/dev/null; is_master && [ "$(now)" -lt "$deadline" ]; do
    # shellcheck disable=SC2046 # LINK OFFSET HOST PORT
    set -- $(replicas | head -n 1)
    case ${1:-} in
    1)
        ask "$3" "$4" 'CLUSTER FAILOVER' >/dev/null
        if handed_over; then
            say "handed over to $3"
            break
        fi
        # After a cut in the network its link may look sound and hang for half a minute.
        say "$3 did not take over: closing its link so that it connects again"
        ask "$3" "$4" 'CLIENT KILL TYPE master' >/dev/null
        ;;
    0)
        say "waiting for $3 to sync"
        pause
        ;;
    -1)
        # Busy, if its link is still there; else gone.
        unanswered=$((unanswered + 1))
        if [ "$unanswered" -ge 3 ] || ! ask_myself 'INFO replication' | grep -q '^connected_slaves:[1-9]'; then break; fi
        pause
        ;;
    *) break ;;
    esac
done
exit 0
