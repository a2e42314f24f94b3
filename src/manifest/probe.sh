#!/bin/sh
# probe.sh alive: the server answers, whatever it says (loading is alive).
# probe.sh ready: it holds its data: not loading, and as a replica linked to its
# master with no copying under way.
cli=$(command -v redis-cli || command -v valkey-cli) || exit 1

# The password goes through standard input: old versions know no variable for it.
ask() {
    {
        if [ -n "${REDISCLI_AUTH:-}" ]; then
            printf 'AUTH "%s"\n' "$(printf '%s' "$REDISCLI_AUTH" | sed 's/[\\"]/\\&/g')"
        fi
        echo "$1"
    } | "$cli" 2>&1
}

case ${1:-} in
alive)
    case $(ask PING) in
    '' | *'Could not connect'* | *'onnection refused'*) exit 1 ;;
    esac
    ;;
ready)
    reply=$(ask 'INFO replication')
    case $reply in
    *role:master*) ;;
    *role:slave*)
        case $reply in *master_link_status:up*) ;; *) exit 1 ;; esac
        case $reply in *master_sync_in_progress:1*) exit 1 ;; esac
        ;;
    *) exit 1 ;;
    esac
    ;;
*) exit 1 ;;
esac
