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
# A replica that was linked until it stopped takes over before: it has all that is on the
# volume, and what a slow disk has not taken. How long it has been without its link is held
# against the age of the AOF, so that one which lacks later writes is not asked.

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

# Whether no majority of owners has said what it knows: $answering of $owners have. Who owns
# slots is told by the newest that is said of each node.
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
            }
            print answering + 0, owners + 0
        }' me="$my_id" ./*)
    answering=${counts% *} owners=${counts#* }
    [ $((answering * 2)) -le "$owners" ]
}

# When the server last wrote down anything; 0 when there is nothing.
last_written() {
    for file in "$data"/appendonly.aof "$data"/appendonlydir/* "$data/dump.rdb"; do
        [ ! -e "$file" ] || date -r "$file" +%s
    done | sort -n | awk '{ last = $0 } END { print last + 0 }'
}

# Whether this node, which has kept its data, is known to own its slots still, or not to.
# While a slow disk syncs, a server hands on writes, and answers them, that it has not written
# down. One that is killed then comes back without them, and its replica, which has them,
# would copy it. (A replica that lags far behind may lack more: it is taken as by any
# failover.)
confirm() {
    began=$(date +%s)
    look_around lacks_owners
    find_successor
    find_heir "$written"
    if [ -n "$successor" ]; then
        say "$(name "${successor% *}") owns this shard's slots since: starting as its replica"
        step_down || refuse "cannot write to the volume"
    elif lacks_owners; then
        wait_for "owned slots when it stopped: waits for a majority of owners to answer ($answering of $owners do, $((owners / 2 + 1)) must)"
        return 1
    elif [ -n "$heir" ] && [ $((began - ${since:-$began})) -le "$patience" ]; then
        await_failover "owned slots when it stopped: waits for its replica $(name "${heir##* }"), which was linked until then, to take over"
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
    # Who has its volume is the only one.
    restarted=yes
    prepare kept
    until confirm; do :; done
    close_startup
}
