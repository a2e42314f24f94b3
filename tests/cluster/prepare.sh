# What a first run installs and builds, and what it needs beforehand. Sourced.
# shellcheck shell=bash

PACKAGES=(etcd-server containerd runc containernetworking-plugins iptables conntrack ethtool socat ipset
    iproute2 util-linux mount openssl procps dpkg-dev golang-go rsync make gcc libc6-dev
    mmdebstrap busybox-static mawk gawk python3-pip ca-certificates
    redis-server shellcheck time
    bash-completion zsh fish tmux binutils groff-base unzip zip)

preflight() {
    [ "$(id -u)" = 0 ] || fail "the throwaway Kubernetes makes network namespaces and mounts: it must run as root" \
        "sudo $0 $*"
    grep -qsE '^(ID|ID_LIKE)=.*debian' /etc/os-release ||
        fail "this is not Debian: the throwaway Kubernetes is built from Debian 12's packages" \
            "set TEST_KUBECONFIG to a cluster of your own to run the tests that need no throwaway one"
    local free
    free=$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
    [ "$free" -ge "$MIN_MEMORY_MIB" ] ||
        fail "a three-node Kubernetes needs $MIN_MEMORY_MIB MiB of free memory, this machine has $free MiB"
    mkdir -p "$CACHE"
}

missing_packages() {
    local package
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

# Debian starts the services of a new package; none is wanted here.
install_packages() {
    local policy=/usr/sbin/policy-rc.d ours=false status=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        ours=true
    fi
    apt-get -q update
    DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "$@" || status=$?
    if $ours; then rm -f "$policy"; fi
    return "$status"
}

# A plain upstream kubectl of 1.26 or newer (older ones cannot complete plugins).
kubectl_suits() {
    local version
    version=$("$1" version --client 2>/dev/null | sed -n 's/^Client Version: //p')
    [[ $version =~ ^v1\.([0-9]+)\.[0-9]+$ ]] && [ "${BASH_REMATCH[1]}" -ge 26 ]
}

# Debian 13's kubectl, unpacked into the cache: the machine's own stays as it is.
install_kubectl() {
    local work apt
    work=$(mktemp -d "$CACHE/kubectl.XXXXXX")
    mkdir -p "$work/lists/partial"
    echo "deb $MIRROR trixie main" >"$work/sources.list"
    apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root
        -o Dir::State::status=/dev/null)
    "${apt[@]}" update
    (cd "$work" && "${apt[@]}" download kubectl)
    dpkg-deb -x "$work"/kubectl_*.deb "$work/root"
    mkdir -p "$CACHE/bin"
    cp "$work/root/usr/bin/kubectl" "$CACHE/bin/kubectl"
    rm -rf "$work"
}

find_kubectl() {
    local found
    found=$(command -v kubectl || true)
    if [ -n "$found" ] && kubectl_suits "$found"; then return; fi
    [ -x "$CACHE/bin/kubectl" ] || step "installing kubectl from Debian 13" install_kubectl
    PATH="$CACHE/bin:$PATH"
}

prepare() {
    local packages
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} = 0 ] || step "installing ${#packages[@]} Debian packages" install_packages "${packages[@]}"
    [ -n "$MIRROR" ] || step "reading the package lists" apt-get -q update
    # shellcheck source=/dev/null
    . "$HERE/settings.sh"
    [ -n "$MIRROR" ] || fail "apt's sources name no mirror of Debian 12 (bookworm, main)"
    find_kubectl
    if [ ! -d "$KUBERNETES" ]; then
        say "building Kubernetes $KUBERNETES_VERSION into $KUBERNETES (once, about 7 minutes on 2 cores)"
        "$HERE/build-kubernetes.sh" "$KUBERNETES"
    fi
    if [ ! -d "$IMAGES" ]; then
        say "building the images into $IMAGES (once, about 2 minutes)"
        "$HERE/build-images.sh" "$KUBERNETES" "$IMAGES"
    fi
}
