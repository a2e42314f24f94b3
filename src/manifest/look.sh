# shellcheck shell=sh
# shellcheck disable=SC2154 # what bootstrap.sh, ask.sh and guard.sh have set
# shellcheck disable=SC2034 # what guard.sh reads
# How a node that waits looks at the others; read in by guard.sh. What each has answered is
# a file of $seen: its state in the first line, then its view when it has one.

seen=$tmp/seen

# Everybody whom CLUSTER_CONFIG names, one a line: SHARD ID HOST.
roster() {
    printf '%s\n' "$CLUSTER_CONFIG" |
        awk 'NF >= 8 { host = $2; sub(/:[0-9]+$/, "", host); print($3 ~ /slave/ ? $4 : $1, $1, host) }'
}

# look_at: at all nodes that standard input lists as SHARD ID HOST; the state of each, and
# its view when it has one, in a file. Those behind one that hangs get a redis-cli each: a
# connection that was begun before the worker knew the Service hangs for good, another one
# does not.
look_at() {
    cat >"$tmp/asked"
    look $((slowness + $(wc -l <"$tmp/asked") / 8)) "$tmp/asked"
    looks=''
    while read -r node; do
        peer=${node#* }
        peer=${peer%% *}
        if [ ! -e "$seen/$peer" ]; then
            printf '%s\n' "$node" >"$tmp/asked-$peer"
            look "$slowness" "$tmp/asked-$peer" &
            looks="$looks $!"
        fi
    done <"$tmp/asked"
    # shellcheck disable=SC2086 # a list
    [ -z "$looks" ] || wait $looks
    rm -f "$tmp"/asked*
}

# look SECONDS FILE: the same by one redis-cli, as far as it gets in this time; a process
# for each node would cost ten times as much.
look() {
    # shellcheck disable=SC2046 # a list
    (cd "$seen" && rm -f $(cut -d ' ' -f 2 "$2"))
    questions <"$2" | limited "$1" "$cli" -h "$own_host" -p "$startup_port" 2>/dev/null | note_answers
}

# Who is asked next, the own start-up server says: it answers whatever the others do.
questions() {
    login=$(login)
    printf '%s\nGET accepted\n' "$login"
    while read -r _ peer host; do
        printf 'CONNECT %s %s\n%s\nECHO "asked: %s"\n' "$own_host" "$startup_port" "$login" "$peer"
        printf 'CONNECT %s %s\n%s\nCLUSTER NODES\nCLUSTER INFO\nINFO replication\nDBSIZE\nECHO complete\n' "$host" "$port" "$login"
        printf 'CONNECT %s %s\n%s\nMGET node kept\n' "$host" "$startup_port" "$login"
    done
    printf 'CONNECT %s %s\n%s\nECHO "asked: nobody"\n' "$own_host" "$startup_port" "$login"
}

# Half an answer of a busy node is none: what is missing in it would be taken for lost. A
# replica that was never linked to its master is as good as empty, and what it knows it
# has from others; since when it has no link is -1 then, or in old versions since 1970.
note_answers() {
    awk -v folder="$seen" '
        function note(file) {
            if (me == peer && starting) state = "kept"
            else if (me == peer) state = !complete ? "silent" : hollow() ? "empty" : "living"
            else if (me == "" && loading) state = "loading"
            else if (refusing) state = "refusing"
            else state = starting ? "empty" : "silent"
            file = folder "/" peer
            print state >file
            if (state == "living" || state == "kept") print view >file
            close(file)
        }
        function hollow() { return replica && !up && (down < 0 || down > 1000000000) && keys == 0 }
        { sub(/\r$/, "") }
        peer == "" && $0 == "yes" { printf "" >(folder "/accepted") }
        $1 == "asked:" {
            if (peer != "") note()
            peer = $2 == "nobody" ? "" : $2
            view = me = ""
            complete = loading = refusing = starting = replica = up = down = keys = 0
            next
        }
        $3 ~ /(^|,)myself(,|$)/ { me = $1 }
        $0 == "role:slave" { replica = 1 }
        $0 == "master_link_status:up" { up = 1 }
        /^master_link_down_since_seconds:/ { down = substr($0, 32) + 0 }
        /^[0-9]+$/ { keys = $0 + 0 }
        $0 == "complete" { complete = 1 }
        $0 == peer { starting = 1 }
        /LOADING/ { loading = 1 }
        /NOAUTH|WRONGPASS|invalid password/ { refusing = 1 }
        { view = view $0 "\n" }'
}

state_of() { if [ -e "$seen/$1" ]; then read -r state <"$seen/$1"; else state=silent; fi; }

# Whether the node has said what it knows.
has_answered() {
    state_of "$1"
    case $state in living | kept | empty) ;; *) return 1 ;; esac
}

# How many shards have answered: one node of each is enough.
answering_shards() {
    while read -r shard peer _; do
        ! has_answered "$peer" || echo "$shard"
    done <"$tmp/roster" | sort -u | wc -l
}

# look_around CONDITION: at the own shard, and at others as long as the condition holds.
look_around() {
    forget
    look_at <"$tmp/siblings"
    looked=$(date +%s)
    others=$(wc -l <"$tmp/others")
    while "$1" && [ "$first" -le "$others" ]; do
        sed -n "$first,$((first + 15))p" "$tmp/others" | look_at
        first=$((first + 16))
    done
}

# The same for who has to wait anyway: what others have answered is remembered for a
# while, and of those that have not a few are asked at a time; the fewer where the own
# shard alone forbids a start. Where each of a hundred nodes asked all others each time,
# none would get to answer.
glance_around() {
    [ -z "$forgets" ] || [ "$began" -lt "$forgets" ] || forget
    if is_apart; then
        few=16
        [ -n "$(siblings_in living)" ] || [ -z "$(siblings_in kept silent loading refusing)" ] || few=4
        unanswered >"$tmp/unanswered"
        [ "$first" -le "$(wc -l <"$tmp/unanswered")" ] || first=1
        sed -n "$first,$((first + few - 1))p" "$tmp/unanswered" >"$tmp/glanced"
        look $((slowness + few / 8)) "$tmp/glanced" &
        glance=$!
        look_at <"$tmp/siblings"
        wait "$glance"
        # Behind one that hangs it goes on the next time.
        while read -r _ peer _; do
            has_answered "$peer" || first=$((first + 1))
            [ -e "$seen/$peer" ] || break
        done <"$tmp/glanced"
    else
        look_at <"$tmp/siblings"
    fi
    is_apart || : "${forgets:=$((began + 10 + 2 * shards))}"
}

forget() {
    rm -rf "$seen"
    mkdir "$seen"
    echo "$my_state" >"$seen/$my_id"
    first=1 forgets=''
}

is_apart() {
    answering=$(answering_shards)
    [ "$answering" -lt "$majority" ]
}

unanswered() {
    while read -r shard peer host; do
        has_answered "$peer" || echo "$shard $peer $host"
    done <"$tmp/others"
}

# name ID: the node, by the number that its ID ends with.
name() {
    zeros=${1##*node}
    zeros=${zeros%%[1-9]*}
    printf 'node %s' "${1##*"node$zeros"}"
}

# siblings_in STATE ...: the names of the shard's other nodes in one of these states.
siblings_in() {
    while read -r _ peer _; do
        state_of "$peer"
        case " $* " in *" $state "*) printf '%s%s' "${comma:-}" "$(name "$peer")" && comma=', ' ;; esac
    done <"$tmp/siblings"
}
