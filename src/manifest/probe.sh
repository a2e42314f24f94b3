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
    # redis-cli fails where no server answers, and an error is an answer. It takes the place of
    # this shell and has no deadline but the probe's: when the kubelet kills it, nothing is left
    # that the server, the pod's first process, would have to wait for. Without the password,
    # for a wrong one would be a failure.
    unset REDISCLI_AUTH
    exec "$cli" -h "$own_host" -p "$port" PING
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
