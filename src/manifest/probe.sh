#!/bin/sh
# probe.sh alive: the server answers (that it is loading, runs a script or refuses the
# password is an answer), or the start-up script is waiting for something, which it says.
# probe.sh ready: the server holds its data: it is not loading, and as a replica it is linked
# to its master with no sync under way.
# shellcheck source=ask.sh
. "${BOOTSTRAP_CONFIG:-/redis-cluster}/ask.sh"

waiting=${BOOTSTRAP_TMP:-/tmp}/waiting

case ${1:-} in
alive)
    [ ! -e "$waiting" ] || exit 0
    # Only what a server says: a shell has words of its own for a redis-cli that was ended.
    case $(ask_within 8 "$own_host" "$port" PING) in
    *PONG* | *LOADING* | *BUSY* | *MASTERDOWN* | *MISCONF* | *NOAUTH* | *WRONGPASS* | *NOPERM* | *'ERR '* | *'invalid password'*) ;;
    *) exit 1 ;;
    esac
    ;;
ready)
    [ ! -e "$waiting" ] || exit 1
    reply=$(ask_myself 'INFO replication')
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
