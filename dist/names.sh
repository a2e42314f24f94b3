# What the files of a release are called. Sourced, in the checkout's folder.
# shellcheck shell=bash

PROGRAM=kubectl-redis_cluster
PACKAGE=kubectl-redis-cluster
VERSION=$(grep -m 1 "^version" Cargo.toml | cut -d \" -f 2)
# shellcheck disable=SC2034
DIST_BUILD=target/dist-build

fail() {
    echo "error: $1" >&2
    exit 1
}

# From Rust's name of a platform to krew's: x86_64-unknown-linux-musl is linux amd64.
platform() {
    case $1 in
    x86_64-*-linux-*) echo linux amd64 ;;
    aarch64-*-linux-*) echo linux arm64 ;;
    x86_64-apple-darwin) echo darwin amd64 ;;
    aarch64-apple-darwin) echo darwin arm64 ;;
    x86_64-*-windows-*) echo windows amd64 ;;
    aarch64-*-windows-*) echo windows arm64 ;;
    *) fail "no release is made for $1" ;;
    esac
}

# program_of OS, archive_of OS ARCH, deb_of ARCH, sbom_of: the files' names.
program_of() { if [ "$1" = windows ]; then echo "$PROGRAM.exe"; else echo "$PROGRAM"; fi; }
archive_of() { echo "${PROGRAM}_v${VERSION}_$1_$2.$(if [ "$1" = windows ]; then echo zip; else echo tar.gz; fi)"; }
deb_of() { echo "${PACKAGE}_${VERSION}_$1.deb"; }
sbom_of() { echo "${PACKAGE}_v${VERSION}.cdx.json"; }
