#!/bin/sh
# Like the entry point of the 2016 image: runs as root, lets the shell expand
# every line of the two variables, appends them to the files, and starts the
# server as the user redis. A second start over a kept folder therefore ends in
# two "myself" lines, as it did there.
set -e
expand_into() {
    printf '%s\n' "$1" | while IFS= read -r line; do
        [ -z "$line" ] || eval "echo $line"
    done >>"$2"
}
expand_into "$CLUSTER_CONFIG" nodes.conf
expand_into "$REDIS_CONFIG" /etc/redis.conf
chown -R redis .
[ "${1:-}" != redis-server ] || shift
exec gosu 999 999 redis-server /etc/redis.conf "$@"
