# shellcheck shell=sh
# How the scripts of a pod ask a server; read in by each of them.
#
# REDISCLI_AUTH   the password, if there is one
# BOOTSTRAP_BIND  the own address, where it is not the whole pod's loopback

# No subshell: a probe that is killed must have no children.
cli=redis-cli
command -v "$cli" >/dev/null || cli=valkey-cli
command -v "$cli" >/dev/null || {
    echo "this image has no redis-cli"
    exit 1
}
# shellcheck disable=SC2034 # for whoever reads this in
port=6379 startup_port=26379 own_host=${BOOTSTRAP_BIND:-127.0.0.1}

# limited SECONDS COMMAND ...: ends it when it takes longer. Not by `timeout`: busybox'
# leaves a process behind each time, which nobody would ever wait for in a pod whose first
# process is the server. Everything that is started here is waited for.
limited() {
    limit=$1
    shift
    exec 3<&0
    "$@" <&3 3<&- &
    limited=$!
    exec 3<&-
    watch >/dev/null 2>&1 &
    watcher=$!
    wait "$limited" || true
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" || true
}

# Its end may be asked for at any moment, also between the start of sleep and what follows: "$!"
# is the command until then, and sleep from then on. By KILL: it may still be the shell, with the
# trap that it is about to lose.
watch() {
    trap '[ "$!" = "$limited" ] || { kill -KILL "$!"; wait "$!"; }; exit 0' TERM
    sleep "$limit" &
    wait "$!"
    kill "$limited"
}

# A probe runs every few seconds in every pod: no program where none is needed.
escaped() {
    case $1 in
    *[\\\"]*) printf '%s' "$1" | sed 's/[\\"]/\\&/g' ;;
    *) printf '%s' "$1" ;;
    esac
}

# The password goes through standard input: old versions know no variable for it. It is
# printf that writes it, not echo, which reads backslashes in some shells.
login() { [ -z "${REDISCLI_AUTH:-}" ] || printf 'AUTH "%s"\n' "$(escaped "$REDISCLI_AUTH")"; }

# ask HOST PORT COMMAND ...: the replies.
ask() { ask_within 2 "$@"; }

# ask_within SECONDS HOST PORT COMMAND ...: the same, as far as they come in this time.
ask_within() {
    ask_limit=$1 ask_host=$2 ask_port=$3
    shift 3
    {
        login
        printf '%s\n' "$@"
    } | limited "$ask_limit" "$cli" -h "$ask_host" -p "$ask_port" 2>&1
}

# ask_myself COMMAND ...: this pod's own server.
ask_myself() { ask "$own_host" "$port" "$@"; }

pause() { sleep 0.3 2>/dev/null || sleep 1; }

# Seconds by a clock that nobody sets: one that steps back would make a wait endless, or as
# short as none.
now() {
    read -r uptime _ </proc/uptime
    echo "${uptime%%.*}"
}
