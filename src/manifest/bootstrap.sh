#!/bin/sh
# Starts a node of a Redis Cluster: keeps a nodes.conf that has its data beside it and
# brings what it says up to date; without data it finds out what it may start as
# (guard.sh); then it runs the server.
#
# CLUSTER_CONFIG  the nodes.conf of the cluster's first start, addresses filled in
# CLUSTER_BUS     the port of the bus, where it is this node's own (since Redis 7.0)
# REDIS_CONFIG    further lines of redis.conf
# REDISCLI_AUTH   the password; not set where none was asked for
set -eu

folder=${BOOTSTRAP_CONFIG:-/redis-cluster}
data=${BOOTSTRAP_DATA:-/data}
tmp=${BOOTSTRAP_TMP:-/tmp}
# INFO tells this path: by its folder one sees which scripts a running server was started by.
conf=$tmp/scripts-$(cat "$folder/scripts.version")/redis.conf

# shellcheck source=ask.sh
. "$folder/ask.sh"
# shellcheck source=guard.sh
. "$folder/guard.sh"

say() { printf 'bootstrap: %s\n' "$*"; }

refuse() {
    say "$*"
    exit 1
}

# The server by either name, and what it really is: tags lie.
server=$(command -v redis-server || command -v valkey-server) || refuse "this image has no redis-server"
version=$("$server" --version)
case $version in *' v='*) ;; *) refuse "cannot read the server's version: $version" ;; esac
product=${version%% *}
version=${version#* v=}
version=${version%% *}
major=${version%%.*}
minor=${version#*.}
patch=${minor#*.}
patch=${patch%%[!0-9]*}
minor=${minor%%[!0-9]*}

at_least() { [ "$major" -gt "$1" ] || { [ "$major" = "$1" ] && [ "$minor" -ge "$2" ]; }; }

# Sets id, address and master ("-" for none) to what the text's own line of "myself" says.
find_myself() {
    id='' address='' master=''
    while read -r line_id line_address line_flags line_master _; do
        case ",$line_flags," in *,myself,*) id=$line_id address=$line_address master=$line_master ;; esac
    done <<END
$1
END
}

# The kept file with the addresses of the nodes that CLUSTER_CONFIG knows; all
# else stays as the server wrote it, epochs, roles and slots above all.
#
# CLUSTER_CONFIG begins each line with a node's ID, and names a master's ID in
# the middle of its replicas' lines: only the first place counts here,
# which is right because a master's line stands before its replicas'.
with_new_addresses() {
    while IFS= read -r line; do
        node=${line%% *}
        known=${CLUSTER_CONFIG#*"$node "}
        if [ "${#node}" = 40 ] && [ "$known" != "$CLUSTER_CONFIG" ]; then
            rest=${line#* }
            old=${rest%% *}
            main=${old%%,*}
            host=${known%% *}
            line="$node ${host%:*}:${main##*:}${old#"$main"} ${rest#* }"
        fi
        printf '%s\n' "$line"
    done <"$data/nodes.conf"
}

# Servers that make up a shard ID for every node that they read without one, and
# confuse themselves when they are restarted before it has settled (redis#13428,
# valkey#2171), start with one ID a shard. Newer ones must be left to find them.
wants_shard_ids() {
    case $product-$major.$minor in
    Redis-7.2) [ "${patch:-0}" -lt 6 ] ;;
    Valkey-7.2) true ;;
    Valkey-8.0) [ "${patch:-0}" -lt 10 ] ;;
    Valkey-8.1) [ "${patch:-0}" -lt 9 ] ;;
    *) false ;;
    esac
}

with_shard_ids() {
    if wants_shard_ids; then
        printf '%s\n' "$CLUSTER_CONFIG" | awk '
            NF >= 8 { port = $2; sub(/.*:/, "", port); $2 = $2 "@" port + 10000 ",,shard-id=" ($3 ~ /slave/ ? $4 : $1) }
            { print }'
    else
        printf '%s\n' "$CLUSTER_CONFIG"
    fi
}

# One process a volume, where its file system knows locks. The server inherits it.
lock_volume() {
    exec 9>"$data/lock"
    ! command -v flock >/dev/null || until flock -n 9; do
        : >"$tmp/waiting"
        say "waiting for another process to release this volume"
        sleep 2
    done
    rm -f "$tmp/waiting"
}

is_persistent() { grep -q '^appendonly yes' "$folder/redis.conf"; }

# What the server will read at its start: with "appendonly yes" that is the AOF alone. A
# dump.rdb beside it stays where it is, and is no data.
has_data() {
    if [ -e "$data/appendonly.aof" ]; then return 0; fi
    [ -n "$(ls -A "$data/appendonlydir" 2>/dev/null)" ] || return 1
    at_least 7 0 || refuse "the volume has the AOF of Redis 7.0 or newer, which $product $version cannot read: use the newer image again"
}

# nodes_conf_state FILE: absent, damaged (empty, cut, or blocks of it never written: power was lost
# meanwhile), or whole.
nodes_conf_state() {
    if [ ! -e "$1" ]; then
        echo absent
    elif [ "$(tail -c 1 "$1" | wc -l)" -eq 0 ] || [ "$(tr -d '\000' <"$1" | wc -c)" -ne "$(wc -c <"$1")" ]; then
        echo damaged
    else
        # The server writes the line of "vars" last.
        awk 'NF == 0 { next }
            $1 == "vars" { vars = NF == 5; next }
            { vars = 0 }
            NF < 8 || length($1) != 40 { damaged = 1 }
            $3 ~ /(^|,)myself(,|$)/ { myself++ }
            END { print (damaged || !vars || myself != 1) ? "damaged" : "whole" }' "$1"
    fi
}

# Only a nodes.conf with its data beside it is worth keeping: one without would make an empty
# master. And data without a nodes.conf is never taken for none.
provide_nodes_conf() {
    restarted=no
    state=$(nodes_conf_state "$data/nodes.conf")
    find_myself "$(cat "$data/nodes.conf" 2>/dev/null)"
    [ -z "$id" ] || [ "$id" = "$my_id" ] || refuse "the volume belongs to another node: its nodes.conf says \"$id\", this is $my_id"
    if ! is_persistent; then
        # Every new process is without data; what a replica has left of its first copy is older
        # than anything that its peers may know.
        [ "$state" = absent ] || restarted=yes
        rm -f "$data/nodes.conf" "$data"/*.rdb
        guard_empty
    elif ! has_data; then
        [ "$state" = absent ] || say "nodes.conf ($state) has no data beside it: ignored"
        rm -f "$data/nodes.conf"
        guard_empty
    elif [ "$state" = whole ]; then
        say "keeping nodes.conf of $my_id"
        with_new_addresses >"$data/nodes.conf.new" || refuse "cannot write to the volume"
        guard_kept
    else
        say "the volume holds data, but its nodes.conf is $state"
        guard_damaged
    fi
    mv "$data/nodes.conf.new" "$data/nodes.conf"
}

# ACLs came with Redis 6.0; a file of them forbids users anywhere else.
has_users() {
    case ${REDIS_CONFIG:-} in *aclfile*) return 1 ;; esac
    at_least 6 0
}

# A server copies whoever answers at its master's address, and a Service may lead for a
# moment to a pod that has got the address of a pod that is gone: another shard's, even
# another cluster's. So a replica logs in as its shard, whom only its shard knows.
write_replication_user() {
    echo "masteruser shard-$my_shard"
    if [ -n "${REDISCLI_AUTH:-}" ]; then
        printf 'user shard-%s on ">%s" +psync +replconf +ping\n' "$my_shard" "$(escaped "$REDISCLI_AUTH")"
    else
        printf 'user shard-%s on nopass +psync +replconf +ping\nmasterauth none\n' "$my_shard"
    fi
}

write_conf() {
    cat "$folder/redis.conf"
    echo "dir $data"
    ! at_least 3 2 || echo "protected-mode no"
    if at_least 6 2; then
        echo "cluster-allow-replica-migration no"
    else
        echo "cluster-migration-barrier 1000"
    fi
    if at_least 4 0; then
        echo "cluster-announce-ip $my_host"
        echo "cluster-announce-port ${my_address##*:}"
        echo "cluster-announce-bus-port $((${my_address##*:} + 10000))"
    fi
    if at_least 5 0; then
        echo "replica-announce-ip $my_host"
    elif at_least 3 2; then
        echo "slave-announce-ip $my_host"
    fi
    ! at_least 7 0 || [ -z "${CLUSTER_BUS:-}" ] || echo "cluster-port $CLUSTER_BUS"
    ! has_users || write_replication_user
    printf '%s\n' "${REDIS_CONFIG:-}"
    if [ -n "${REDISCLI_AUTH:-}" ]; then
        password=$(escaped "$REDISCLI_AUTH")
        printf 'requirepass "%s"\nmasterauth "%s"\n' "$password" "$password"
    fi
}

# shellcheck disable=SC2016 # the text is meant
case $CLUSTER_CONFIG in
*'$('*) refuse "a Service of this cluster was not there yet when this container was made; the next one will see it" ;;
esac
find_myself "$CLUSTER_CONFIG"
my_id=$id my_address=$address my_host=${address%:*}
# A shard is called by the ID of its first master.
my_shard=$master
[ "$my_shard" != - ] || my_shard=$my_id
[ -n "$my_id" ] || refuse "CLUSTER_CONFIG has no line of this node"

if [ -n "${CLUSTER_BUS:-}" ] && ! at_least 7 0; then
    refuse "$product $version cannot have a port of its own for its bus: create the cluster with an image whose tag begins with its version"
fi

# Set and empty: a Secret without a password, where one was asked for.
if [ -n "${REDISCLI_AUTH+set}" ]; then
    case $REDISCLI_AUTH in
    '') refuse "the password in the Secret is empty: the server would let everybody in" ;;
    *'
'*) refuse "the password in the Secret has a line break (echo adds one): nobody could log in with it" ;;
    esac
fi

# They send it without quotes.
if ! at_least 4 0; then
    case ${REDISCLI_AUTH:-} in
    *[[:space:]\"\']*) refuse "replicas of $product $version cannot log in with a password that has blanks or quotes: use another password or a newer image" ;;
    esac
fi

lock_volume
provide_nodes_conf
mkdir -p "${conf%/*}"
(umask 077 && write_conf >"$conf")
say "starting ${server##*/} $version as $my_id at $my_address"
exec "$server" "$conf"
