#!/bin/bash
# The first process of a node, in its own network, mount, name and process
# namespaces: node-init.sh NAME ADDRESS FOLDER STATE KUBERNETES-FOLDER
set -euo pipefail
name=$1 address=$2 folder=$3 state=$4 kubernetes=$5

# own SOURCE TARGET: the node sees its private folder where a real one has it.
own() {
    mkdir -p "$1" "$2"
    mount --bind "$1" "$2"
}

hostname "$name"
mount --make-rshared /
# A power cut clears what real machines keep in memory.
rm -rf "$folder/run" "$folder/cni"
mkdir -p "$folder/run"
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
own "$folder/kubelet" /var/lib/kubelet
own "$folder/containerd" /var/lib/containerd
own "$folder/run" /run/containerd
own "$folder/cni" /var/lib/cni
own "$folder/net.d" /etc/cni/net.d
own "$folder/kubernetes" /etc/kubernetes
own "$folder/kube-proxy" /var/lib/kube-proxy
own "$folder/log" /var/log
own "$folder/pods-log" /var/log/pods
own "$folder/containers-log" /var/log/containers
own "$state/tmp" /tmp
mount --make-rshared /var/lib/kubelet

# Two dead containers are kept: with sandboxes collected every second, one would
# not outlive its successor's start, and "kubectl logs -p" would find nothing.
containerd --config "$folder/containerd.toml" >>"$folder/log/containerd.log" 2>&1 &
"$kubernetes/kubelet" --config=/etc/kubernetes/kubelet.yaml --kubeconfig=/etc/kubernetes/kubelet.kubeconfig \
    --hostname-override="$name" --node-ip="$address" --container-runtime=remote \
    --container-runtime-endpoint=unix:///run/containerd/containerd.sock --runtime-request-timeout=2m \
    --node-labels="topology.kubernetes.io/zone=$(cat "$folder/zone")" --housekeeping-interval=30s \
    --maximum-dead-containers-per-container=2 \
    >>"$folder/log/kubelet.log" 2>&1 &
# The first of the two that ends takes the node down: a half node helps nobody.
wait -n
echo "$name: containerd or kubelet ended" >&2
