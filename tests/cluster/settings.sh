# Where the throwaway Kubernetes keeps its things, and the addresses it uses.
# Sourced by every script of this folder; sets variables only.
# shellcheck shell=bash disable=SC2034

# Built programs and images, kept between runs. Safe to delete.
CACHE=${KUBE_CACHE:-/var/cache/kubectl-redis-cluster}
# The running cluster. One per machine, so this does not depend on the checkout.
STATE=/var/lib/kubectl-redis-cluster-throwaway
CGROUP=kubectl-redis-cluster-throwaway

# Debian 12 has the last source package that holds the server programs.
KUBERNETES_VERSION=1.20.2
KUBERNETES_PACKAGE=kubernetes
# The mirror that this machine itself uses; empty before its first "apt-get update".
# shellcheck disable=SC2016
MIRROR=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Codename: bookworm' 'Component: main' 2>/dev/null | head -n 1 || true)

# Documentation and benchmark ranges only (RFC 5737, RFC 2544): they belong to
# nobody, so a stray packet or a forgotten route can harm nothing real.
BRIDGE=krc0
NODE_NET=198.51.100
API_ADDRESS=$NODE_NET.1
API_PORT=6443
POD_RANGE=198.18.0.0/16
SERVICE_RANGE=198.19.0.0/16
SERVICE_API=198.19.0.1
# Nobody answers there: nothing in the tests needs names, but pods want to be told.
SERVICE_DNS=198.19.0.10
POD_AND_SERVICE_RANGE=198.18.0.0/15

DEFAULT_NODES=3
MAX_NODES=9
DEFAULT_PROXY_MODE=iptables
MIN_MEMORY_MIB=4096

PAUSE_IMAGE=throwaway/pause:1
KUBE_PROXY_IMAGE=k8s.gcr.io/kube-proxy-amd64:v$KUBERNETES_VERSION
