# shellcheck shell=sh
# shellcheck disable=SC2154 # what bootstrap.sh, ask.sh and guard.sh have set
# The start-up server; read in by guard.sh. A node that is waiting to start answers on the
# start-up port: a plain server that says which node is here, what it has kept and what it is
# waiting for, and takes a person's acceptance.

# The start-up server, with what it tells.
open_startup() {
    : >"$tmp/waiting"
    (umask 077 && startup_conf >"$tmp/startup.conf")
    "$server" "$tmp/startup.conf" >"$tmp/startup.log" 2>&1 9>&- &
    startup=$!
    trap 'kill $startup; exit 143' TERM INT
    tries=0
    until my_run=$(ask_startup 'INFO server' | sed -n 's/^run_id:\([0-9a-f]*\).*/\1/p') && [ -n "$my_run" ] &&
        present_myself | grep -q '^presented'; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || refuse "the start-up server does not answer: $(tail -n 1 "$tmp/startup.log")"
        pause
    done
}

# Who is here, and what it has kept, a line at a time: old versions read no long ones. Both
# at once: who is here without anything kept is empty. Who has kept data, but no good
# nodes.conf, says that in a line without a role.
present_myself() {
    case $mode in
    empty) kept='' ;;
    damaged) kept="APPEND kept \"$my_id $my_address myself - 0 0 0 connected\\n\"" ;;
    *) kept=$(awk '{ printf "APPEND kept \"%s\\n\"\n", $0 }' "$data/nodes.conf.new") ;;
    esac
    ask_startup MULTI 'DEL kept' "$kept" "SET node $my_id" 'ECHO presented' EXEC | tail -n 1
}

startup_conf() {
    echo "port $startup_port"
    echo "dir $tmp"
    echo 'save ""'
    echo "hz 1"
    [ -z "${BOOTSTRAP_BIND:-}" ] || echo "bind $BOOTSTRAP_BIND"
    ! at_least 3 2 || echo "protected-mode no"
    [ -z "${REDISCLI_AUTH:-}" ] || printf 'requirepass "%s"\n' "$(escaped "$REDISCLI_AUTH")"
}

close_startup() {
    trap - TERM INT
    kill "$startup"
    wait "$startup" || true
    rm -f "$tmp/waiting" "$tmp/startup.conf" "$tmp/startup.log"
}

ask_startup() { ask "$own_host" "$startup_port" "$@"; }

# Without its start-up server a node would wait unseen, and see nobody.
check_startup() { kill -0 "$startup" 2>/dev/null || refuse "the start-up server has ended: $(tail -n 1 "$tmp/startup.log")"; }

# tell TEXT [lost]: what this node is waiting for, when it is new, and every ten seconds; "lost"
# when nothing but a person's acceptance can end it.
tell() {
    if [ "$1" != "${waits_for:-}" ]; then
        ask_startup "SET waiting \"$1\"" "SET lost ${2:-no}" >/dev/null || true
        said=''
    fi
    waits_for=$1
    if [ -z "$said" ] || [ $(($(now) - said)) -ge 10 ]; then
        say "$1"
        said=$(now)
    fi
}

# wait_for TEXT [lost]: tells it, and rests before the others are asked again.
wait_for() {
    check_startup
    tell "$@"
    # Quick at first, when all others are about to start too; the more there are and the
    # slower they answer, the less often: they have to answer each other.
    rounds=$((rounds + 1))
    if [ "$rounds" -lt 20 ] && { [ "$shards" -le 16 ] || [ "${met:-}" = all ]; }; then
        pause
    else
        sleep $((1 + shards / 8 + $(now) - began))
    fi
}
