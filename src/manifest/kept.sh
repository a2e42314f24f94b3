# shellcheck shell=sh
# shellcheck disable=SC2154 # what bootstrap.sh and guard.sh have set
# shellcheck disable=SC2034 # what guard.sh reads
# What a node may start as that has kept its data; read in by guard.sh.
#
# A node that has kept its data starts with it, and as the owner of slots only when a
# majority of all owners has answered and none of them knows of a newer one: who was elected
# had the votes of a majority. The server itself serves two seconds after its start, whether
# it has heard from anybody or not.
#
# A replica that was linked until the last write takes over before: it has what is on the
# volume, and what a slow disk has not taken. One that lacks something, as far as can be seen,
# is not asked: how long it has been without its link is held against the age of the AOF, and
# how far it came against what others have heard of its master.

# The node that owns all slots of this one in a newer epoch, by what others know.
find_successor() {
    successor=$(awk -v me="$my_id" '
        function holds(slot, i, limits, n) {
            for (i = 9; i <= NF; i++) {
                if ($i ~ /^\[/) continue
                n = split($i, limits, "-")
                if (limits[1] + 0 <= slot && slot <= limits[n] + 0) return 1
            }
            return 0
        }
        function holds_all(range) {
            for (range in mine) if (!holds(range + 0)) return 0
            return 1
        }
        FNR == NR && $1 == me {
            epoch = $7 + 0
            for (i = 9; i <= NF; i++) if ($i !~ /^\[/) mine[$i]
        }
        FNR == NR { next }
        length($1) == 40 && $1 != me && $3 ~ /master/ && $7 + 0 > epoch && holds_all() { epoch = $7 + 0; owner = $1 }
        END { if (owner) print owner, epoch }' "$data/nodes.conf.new" "$seen"/*)
}

# The kept nodes.conf, with this node as a replica of $successor, which has its slots: what
# the server would make of it as soon as it hears of the newer owner.
step_down() {
    awk -v me="$my_id" -v owner="${successor% *}" -v epoch="${successor#* }" '
        FNR == NR && $1 == me { for (i = 9; i <= NF; i++) if ($i !~ /^\[/) slots = slots " " $i }
        FNR == NR { next }
        $1 == me { print me, $2, "myself,slave", owner, 0, 0, epoch, "connected"; next }
        $1 == owner { print owner, $2, "master", "-", 0, 0, epoch, "connected" slots; next }
        $1 == "vars" && $3 < epoch { $3 = epoch }
        { print }' "$data/nodes.conf.new" "$data/nodes.conf.new" >"$data/nodes.conf.down" &&
        mv "$data/nodes.conf.down" "$data/nodes.conf.new"
}

# Whether no majority of owners has said what it knows: $answering of $owners have, and $voters
# could elect a replica. Who owns slots is told by the newest that is said of each node.
lacks_owners() {
    cp "$data/nodes.conf.new" "$seen/$my_id"
    counts=$(cd "$seen" && awk '
        FNR == 1 && FILENAME != "./" me { state[substr(FILENAME, 3)] = $1 }
        length($1) != 40 || NF < 8 || $7 + 0 < epoch[$1] { next }
        $7 + 0 > epoch[$1] || $3 ~ /myself/ || !($1 in owns) { owns[$1] = $3 ~ /master/ && $9 ~ /^[0-9]/ }
        { epoch[$1] = $7 + 0 }
        END {
            for (id in owns) if (owns[id]) {
                owners++
                if (id == me || state[id] == "living" || state[id] == "kept") answering++
                if (id != me && state[id] == "living") voters++
            }
            print answering + 0, owners + 0, voters + 0
        }' me="$my_id" ./*)
    # shellcheck disable=SC2086 # three numbers
    set -- $counts
    answering=$1 owners=$2 voters=$3
    [ $((answering * 2)) -le "$owners" ]
}

# When the server last wrote down anything; 0 when there is nothing.
last_written() {
    {
        echo 0
        for file in "$data"/appendonly.aof "$data"/appendonlydir/* "$data/dump.rdb"; do
            [ ! -e "$file" ] || date -r "$file" +%s
        done
    } | sort -n | tail -n 1
}

# The replica that shall take over, if it can.
find_successor_to_be() {
    find_heir "$written"
    [ -z "$heir" ] || { [ $((voters * 2)) -gt "$owners" ] && ! lags; } || heir=''
}

# Whether the replica has less than another shard has heard of from this node before it
# stopped. Old versions keep that to themselves.
lags() {
    # shellcheck disable=SC2086 # OFFSET HOST GONE ID
    set -- $heir
    while read -r _ peer host; do
        state_of "$peer"
        [ "$state" != living ] || break
    done <"$tmp/others"
    ask "$host" "$port" 'CLUSTER SHARDS' | awk -v me="$my_id" -v offset="$1" '
        { sub(/\r$/, "") }
        label == "id" { id = $0 }
        label == "replication-offset" && id == me { heard = $0 }
        { label = $0 }
        END { exit heard + 0 <= offset + 0 }'
}

# Whether this node, which has kept its data, is known to own its slots still, or not to.
# While a slow disk syncs, a server hands on writes, and answers them, that it has not written
# down. One that is killed then comes back without them, and its replica, which has them,
# would copy it.
confirm() {
    began=$(date +%s)
    look_around lacks_owners
    find_successor
    if [ -n "$successor" ]; then
        say "$(name "${successor% *}") owns this shard's slots since: starting as its replica"
        step_down || refuse "cannot write to the volume"
        return 0
    elif lacks_owners; then
        since=''
        wait_for "owned slots when it stopped: waits for a majority of owners to answer ($answering of $owners do, $((owners / 2 + 1)) must)"
        return 1
    fi
    find_successor_to_be
    if [ -n "$heir" ] && [ $((began - ${since:-$began})) -le "$patience" ]; then
        urge_heir
        wait_for "owned slots when it stopped: waits for its replica $(name "${heir##* }"), which was linked at the last write, to take over"
        return 1
    elif [ -n "$heir" ]; then
        say "$(name "${heir##* }") has not taken over: starting with what this node has written down"
    fi
}

owns_slots() { awk -v me="$my_id" '$1 == me && $3 ~ /master/ && NF > 8 { found = 1 } END { exit !found }' "$1"; }

# Waits until a node that has kept its data may start with nodes.conf.new, which it corrects
# where that is out of date.
guard_kept() {
    owns_slots "$data/nodes.conf.new" || return 0
    written=$(last_written)
    # The process before this one has left the volume.
    restarted=yes
    prepare kept
    until confirm; do :; done
    close_startup
}
