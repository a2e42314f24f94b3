#!/bin/sh
# probe.sh alive: the server answers, whatever it says (loading is alive), or the
# start-up script waits for something (which it says itself).
# probe.sh ready: it holds its data: not loading, and as a replica linked to its
# master with no copying under way.
# shellcheck source=ask.sh
. "${BOOTSTRAP_CONFIG:-/redis-cluster}/ask.sh"

waiting=${BOOTSTRAP_TMP:-/tmp}/waiting

case ${1:-} in
alive)
    [ ! -e "$waiting" ] || exit 0
    case $(ask_myself PING) in
    '' | *'Could not connect'* | *'onnection refused'*) exit 1 ;;
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
