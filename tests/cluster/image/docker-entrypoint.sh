#!/bin/sh
# What the official images' entry point does: options alone mean the server,
# and a server started by root gives up root.
set -e
case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    chown -R redis /data
    exec gosu 999 999 "$@"
fi
exec "$@"
