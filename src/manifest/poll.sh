# shellcheck shell=sh
# shellcheck disable=SC2154 # what bootstrap.sh, ask.sh and guard.sh have set
# shellcheck disable=SC2034 # what guard.sh reads
# How a node that is waiting to start asks the others; read in by guard.sh. What each has
# answered is a file of $seen: its state in the first line, then what it knows.

seen=$tmp/seen

# Everybody in CLUSTER_CONFIG, one a line: SHARD ID HOST.
roster() {
    printf '%s\n' "$CLUSTER_CONFIG" |
        awk 'NF >= 8 { host = $2; sub(/:[0-9]+$/, "", host); print($3 ~ /slave/ ? $4 : $1, $1, host) }'
}

# poll: asks all nodes that standard input lists as SHARD ID HOST. Those behind one that hangs
# get a redis-cli each: a connection that was begun before the worker knew the Service hangs
# for good, another one does not.
poll() {
    cat >"$tmp/asked"
    poll_in_turn $((slowness + $(wc -l <"$tmp/asked") / 8)) "$tmp/asked"
    polls=''
    while read -r listed; do
        peer=${listed#* }
        peer=${peer%% *}
        if [ ! -e "$seen/$peer" ]; then
            printf '%s\n' "$listed" >"$tmp/asked-$peer"
            poll_in_turn "$slowness" "$tmp/asked-$peer" &
            polls="$polls $!"
        fi
    done <"$tmp/asked"
    # shellcheck disable=SC2086 # a list
    [ -z "$polls" ] || wait $polls
    # Who hangs has no answer: it has been asked all the same.
    while read -r _ peer _; do
        [ -e "$seen/$peer" ] || echo unreachable >"$seen/$peer"
    done <"$tmp/asked"
    rm -f "$tmp"/asked*
}

# poll_in_turn SECONDS FILE: the same by one redis-cli, as far as it gets in this time; a
# process for each node would cost ten times as much.
poll_in_turn() {
    # shellcheck disable=SC2046 # a list
    (cd "$seen" && rm -f $(cut -d ' ' -f 2 "$2"))
    questions <"$2" | limited "$1" "$cli" -h "$own_host" -p "$startup_port" 2>/dev/null | note_answers "$tmp/accepted"
}

# Who is asked next, the own start-up server says: it answers whatever the others do.
questions() {
    login=$(login)
    printf '%s\nGET accepted\n' "$login"
    while read -r _ peer host; do
        printf 'CONNECT %s %s\n%s\nECHO "asked: %s"\n' "$own_host" "$startup_port" "$login" "$peer"
        printf 'CONNECT %s %s\n%s\nCLUSTER NODES\nCLUSTER INFO\nINFO replication\nINFO memory\nDBSIZE\nECHO complete\n' "$host" "$port" "$login"
        printf 'CONNECT %s %s\n%s\nMGET node kept\n' "$host" "$startup_port" "$login"
    done
    printf 'CONNECT %s %s\n%s\nECHO "asked: nobody"\n' "$own_host" "$startup_port" "$login"
}

# note_answers FILE: what redis-cli prints, as files of $seen; FILE when a person has accepted
# the loss. Half an answer of a busy node is none: what is missing in it would be taken for lost. A
# replica that was never linked to its master is as good as empty, and what it knows it
# has from others; since when it has no link is -1 then, or in old versions since 1970. In
# memory only it may be ended instead (end_remnants).
note_answers() {
    awk -v folder="$seen" -v accepted="$1" -v volumes="$(yes_if is_persistent)" '
        function note(file) {
            if (me == peer && starting) state = has_role ? "kept" : "damaged"
            else if (me == peer) state = !complete ? "unreachable" : never_synced() ? "empty" : "living"
            else if (me == "" && loading) state = "loading"
            else if (refusing) state = "refusing"
            else state = starting ? "empty" : "unreachable"
            file = folder "/" peer
            print state >file
            if (state == "living" || state == "kept") print view >file
            close(file)
        }
        function never_synced() { return volumes == "yes" && replica && !up && (down < 0 || down > 1000000000) && keys == 0 }
        { sub(/\r$/, "") }
        peer == "" && $0 == "yes" { printf "" >accepted }
        $1 == "asked:" {
            if (peer != "") note()
            peer = $2 == "nobody" ? "" : $2
            view = me = ""
            has_role = complete = loading = refusing = starting = replica = up = down = keys = 0
            next
        }
        $3 ~ /(^|,)myself(,|$)/ { me = $1; has_role = $3 ~ /master|slave/ }
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

state_of() { if [ -e "$seen/$1" ]; then read -r state <"$seen/$1"; else state=unreachable; fi; }

# Whether there is no need to ask the node again.
has_answered() {
    state_of "$1"
    case $state in living | kept | empty) return 0 ;; *) return 1 ;; esac
}

# Asks the own shard, and others as long as their answers may change the decision, and decides.
poll_all() {
    forget
    poll <"$tmp/siblings"
    polled=$(date +%s)
    decide
    while { [ "$enough" = no ] || [ "$survey" = yes ]; } && next_to_poll; do
        poll <"$tmp/next"
        decide
    done
}

# The next nodes that have not been asked: first those of CLUSTER_CONFIG, then the owners that
# came later, of whom only the others know.
next_to_poll() {
    sed -n "$first,$((first + 15))p" "$tmp/others" >"$tmp/next"
    first=$((first + 16))
    [ -s "$tmp/next" ] || printf '%s' "$unlisted" | sed 's/^/- /' >"$tmp/next"
    [ -s "$tmp/next" ]
}

# Asks some, for a node that has to wait anyway: what others have answered is remembered for a
# while, and of those that have not a few are asked at a time; the fewer where the own shard
# alone forbids a start. Where each of a hundred nodes asked all others each time, none would
# get to answer.
poll_some() {
    [ -z "$forgets" ] || [ "$began" -lt "$forgets" ] || forget
    if [ "$enough" = no ]; then
        few=16
        [ "$blocked" = no ] || few=4
        unanswered >"$tmp/unanswered"
        [ "$first" -le "$(wc -l <"$tmp/unanswered")" ] || first=1
        sed -n "$first,$((first + few - 1))p" "$tmp/unanswered" >"$tmp/some"
        poll_in_turn $((slowness + few / 8)) "$tmp/some" &
        some=$!
        poll <"$tmp/siblings"
        wait "$some"
        # Behind one that hangs it goes on the next time.
        while read -r _ peer _; do
            has_answered "$peer" || first=$((first + 1))
            [ -e "$seen/$peer" ] || break
        done <"$tmp/some"
    else
        poll <"$tmp/siblings"
    fi
}

# Begins to ask anew, with what this node itself knows.
forget() {
    rm -rf "$seen" "$tmp/accepted"
    mkdir "$seen"
    : >"$tmp/heard"
    {
        echo "$mode"
        [ "$mode" != kept ] || cat "$data/nodes.conf.new"
    } >"$seen/$my_id"
    first=1 forgets='' enough=no blocked=yes
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
