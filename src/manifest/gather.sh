# shellcheck shell=sh
# shellcheck disable=SC2154 # what bootstrap.sh, ask.sh and guard.sh have set
# shellcheck disable=SC2034 # what guard.sh and startup.sh read
# How the nodes of a new cluster start together; read in by guard.sh.

# Whether all nodes of a new cluster have said that they are empty: they start together then. A
# hundred would cost much if each asked all others, and more if half of them ran: a server tries
# ten times a second to reach each that does not. So they sign in at the start-up server of the
# first node: once to hear that all have come, and then once more, since one that came early may
# be another one by now. Where that node is not there, or nobody comes any more, all goes on
# without it.
gather() {
    if [ -n "${met:-}" ] || has_formed; then return 1; fi
    if grep -qxE 'living|kept|damaged|loading|refusing' "$seen"/*; then return 1; fi
    came=0
    while meet come && [ "$count" -gt "$came" ]; do
        came=$count met=no
        tell_count
        if await come; then
            ! { meet empty && await empty; } || met=all
            break
        fi
    done
    began=$(now)
    [ "${met:-}" = all ]
}

# meet LIST: signs in on the first node's list, and hears how many are on it. Who says nothing
# may be busy; who is not there, refuses. Another cluster's server, to which a Service may lead
# for a moment, has no list of this first node.
meet() {
    for _ in 1 ${met:+2 3 4 5}; do
        count=$(ask_within "$slowness" "$first_host" "$startup_port" "SADD $1-$first_id $my_id" "SCARD $1-$first_id" |
            awk '/^[0-9]+\r?$/ { replies++; count = $1 + 0 }
                /Could not connect/ { absent = 1 }
                END { if (replies == 2) print count; else if (absent) print "absent" }')
        case $count in '') ;; absent) return 1 ;; *) return 0 ;; esac
    done
    return 1
}

# await LIST: whether all come to be on it, within the time in which some more should; at the
# second list nobody goes on by itself before the first node has given up. In the background: a
# shell that waits hears of a signal at once.
await() {
    if [ "$first_id" = "$my_id" ]; then
        count_up "$1"
    else
        [ "$1" = come ] && longest=$lull || longest=$((2 * lull))
        ask_within $((longest + 2)) "$first_host" "$startup_port" \
            "BRPOPLPUSH $1-$first_id-all $1-$first_id-all $longest" >"$tmp/told" &
        wait $!
        grep -q '^here' "$tmp/told"
    fi
}

# The same for the first node, which counts and tells the others. Who signs in on the second
# list does so after all were on the first. Once all are on it nobody can sign in any more: who
# comes anew has been another one meanwhile.
count_up() {
    grown=$(now)
    until [ "$count" -ge "$nodes" ]; do
        [ $(($(now) - grown)) -lt "$lull" ] || return 1
        pause
        before=$count
        meet "$1" || count=$before
        if [ "$1" = come ] && [ "$count" -gt "$before" ]; then
            tell_count
            grown=$(now)
        fi
    done
    over=empty-$first_id
    [ "$1" = come ] || over="come-$first_id come-$first_id-all empty-$first_id"
    ask_within "$slowness" "$own_host" "$startup_port" \
        MULTI "DEL $over" "LPUSH $1-$first_id-all here" "EXPIRE $1-$first_id-all $lull" EXEC >/dev/null
}

tell_count() {
    if [ "$first_id" = "$my_id" ]; then
        tell "holds no data: waiting for all nodes ($count of $nodes joined)"
    else
        tell "holds no data: waiting for all nodes, which $(name "$first_id") counts"
    fi
}
