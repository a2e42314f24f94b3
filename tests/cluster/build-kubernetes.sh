#!/bin/bash
# Builds the Kubernetes server programs from Debian's source package into the
# cache: build-kubernetes.sh TARGET-FOLDER
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
. "$(dirname "${BASH_SOURCE[0]}")/say.sh"

target=$1
work=$(mktemp -d "$CACHE/build.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# A source list and package lists of our own: the machine's stay as they are.
fetch_source() {
    mkdir -p "$work/lists/partial" "$work/source"
    echo "deb-src $MIRROR bookworm main" >"$work/sources.list"
    local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list"
        -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists"
        -o APT::Sandbox::User=root)
    "${apt[@]}" update
    (cd "$work/source" && "${apt[@]}" source --download-only "$KUBERNETES_PACKAGE")
    (cd "$work/source" && dpkg-source -x ./*.dsc "$work/tree" >/dev/null)
}

# 1.20.0 to 1.20.2 keep a deleted pod in the API until its sandbox is collected,
# which they do once a minute (kubernetes#98424); every other release deletes the
# sandbox at once. Here it is collected every second.
collect_sandboxes_sooner() {
    local file=$work/tree/pkg/kubelet/kubelet.go
    sed -i 's/ContainerGCPeriod = time.Minute$/ContainerGCPeriod = time.Second/' "$file"
    grep -q 'ContainerGCPeriod = time.Second$' "$file"
}

# The tree is from before Go modules: it wants to be below a GOPATH, and its
# generators want that GOPATH to be the tree's own .go folder.
generate_code() {
    mkdir -p "$work/tree/.go/src/k8s.io"
    ln -s ../../.. "$work/tree/.go/src/k8s.io/kubernetes"
    cat >"$work/version" <<END
KUBE_GIT_COMMIT='debian'
KUBE_GIT_TREE_STATE='archive'
KUBE_GIT_VERSION='v$KUBERNETES_VERSION'
KUBE_GIT_MAJOR='1'
KUBE_GIT_MINOR='20'
END
    KUBE_GIT_VERSION_FILE="$work/version" make -C "$work/tree" generated_files
}

# The version is kept in two packages: the API server answers from the second.
version_flags() {
    local package
    for package in component-base/version client-go/pkg/version; do
        package=k8s.io/kubernetes/vendor/k8s.io/$package
        echo "-X $package.gitVersion=v$KUBERNETES_VERSION -X $package.gitTreeState=archive" \
            "-X $package.gitMajor=1 -X $package.gitMinor=20"
    done
}

build() {
    cd "$work/tree/.go/src/k8s.io/kubernetes"
    go build -o "$work/out/$1" -ldflags "-s -w $(version_flags | tr '\n' ' ')" "./cmd/$1"
}

export GOPATH="$work/tree/.go" GO111MODULE=off GOFLAGS='' CGO_ENABLED=0 GOCACHE="$work/go-cache"
mkdir -p "$work/out"
step "fetching the Kubernetes source package" fetch_source
step "correcting its collection of sandboxes" collect_sandboxes_sooner
step "generating code (about 90 s)" generate_code
for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
    step "building $program" build "$program"
done
mv "$work/out" "$target"
