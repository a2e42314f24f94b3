# How the scripts of this folder speak. Sourced.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for hint in "$@"; do printf 'hint: %s\n' "$hint" >&2; done
    exit 1
}

# step "what it does" COMMAND ...: one line with the time it took; the command's
# own output is shown only when it fails. Calls from inside a step keep errexit.
step() {
    local what=$1 log status begin=$SECONDS
    shift
    log=$(mktemp)
    printf '  %s ... ' "$what" >&2
    set +e
    (set -e; "$@") >"$log" 2>&1
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        printf 'failed (exit %s)\n' "$status" >&2
        tail -n 40 "$log" | sed 's/^/    | /' >&2
        rm -f "$log"
        exit 1
    fi
    printf '%s s\n' $((SECONDS - begin)) >&2
    rm -f "$log"
}
