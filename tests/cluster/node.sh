# A node: its configuration, power on and power off. Sourced.
# shellcheck shell=bash

node_folder() { echo "$STATE/nodes/$1"; }

node_configure() {
    local n=$1 mode=$2 folder name
    folder=$(node_folder "$n") name=$(node_name "$n")
    mkdir -p "$folder"/{kubelet,cni,net.d,kubernetes/manifests,kube-proxy,pods-log,containers-log,log}
    cp -a "$IMAGES" "$folder/containerd"
    cp "$PKI/$name.kubeconfig" "$folder/kubernetes/kubelet.kubeconfig"
    cp "$PKI/$name.crt" "$folder/kubernetes/kubelet.crt"
    cp "$PKI/$name.key" "$folder/kubernetes/kubelet.key"
    cp "$PKI/ca.crt" "$folder/kubernetes/"
    cp "$PKI/kube-proxy.kubeconfig" "$folder/kube-proxy/kubeconfig"
    printf 'zone-%s' "$(echo abc | cut -c$(((n - 1) % 3 + 1)))" >"$folder/zone"
    containerd_configuration >"$folder/containerd.toml"
    cni_configuration "$n" >"$folder/net.d/10-bridge.conflist"
    kubelet_configuration >"$folder/kubernetes/kubelet.yaml"
    kube_proxy_manifest "$mode" >"$folder/kubernetes/manifests/kube-proxy.manifest"
}

# restrict_oom_score_adj: without CAP_SYS_RESOURCE no container could start.
containerd_configuration() {
    cat <<END
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/$PAUSE_IMAGE"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
END
}

cni_configuration() {
    cat <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$(node_pods "$1").0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
}

kubelet_configuration() {
    cat <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /etc/kubernetes/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: /etc/kubernetes/kubelet.crt
tlsPrivateKeyFile: /etc/kubernetes/kubelet.key
clusterDomain: cluster.local
clusterDNS: [$SERVICE_DNS]
staticPodPath: /etc/kubernetes/manifests
fileCheckFrequency: 2s
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
oomScoreAdj: 0
maxPods: 250
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 50
kubeAPIBurst: 100
nodeStatusUpdateFrequency: 3s
volumeStatsAggPeriod: 5s
containerLogMaxSize: 100Mi
imageGCHighThresholdPercent: 100
evictionHard:
  memory.available: 100Mi
  nodefs.available: 1%
  imagefs.available: 1%
END
}

# As on GKE; two manifests differ by --proxy-mode alone.
kube_proxy_manifest() {
    cat <<END
apiVersion: v1
kind: Pod
metadata:
  name: kube-proxy
  namespace: kube-system
  labels:
    tier: node
    component: kube-proxy
spec:
  hostNetwork: true
  priorityClassName: system-node-critical
  tolerations:
  - operator: Exists
    effect: NoExecute
  - operator: Exists
    effect: NoSchedule
  containers:
  - name: kube-proxy
    image: $KUBE_PROXY_IMAGE
    imagePullPolicy: IfNotPresent
    resources:
      requests:
        cpu: 100m
    command:
    - /bin/sh
    - -c
    - exec kube-proxy --master=https://$API_ADDRESS:$API_PORT --kubeconfig=/var/lib/kube-proxy/kubeconfig --cluster-cidr=$POD_RANGE --oom-score-adj=0 --v=2 --feature-gates=EndpointSliceProxying=false --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0 --iptables-sync-period=1m --iptables-min-sync-period=0 --proxy-mode=$1 1>>/var/log/kube-proxy.log 2>&1
    securityContext:
      privileged: true
    volumeMounts:
    - {mountPath: /var/log, name: varlog, readOnly: false}
    - {mountPath: /var/lib/kube-proxy/kubeconfig, name: kubeconfig, readOnly: true}
    - {mountPath: /run/xtables.lock, name: iptableslock, readOnly: false}
    - {mountPath: /lib/modules, name: lib-modules, readOnly: true}
  volumes:
  - name: varlog
    hostPath: {path: /var/log}
  - name: kubeconfig
    hostPath: {path: /var/lib/kube-proxy/kubeconfig, type: File}
  - name: iptableslock
    hostPath: {path: /run/xtables.lock, type: FileOrCreate}
  - name: lib-modules
    hostPath: {path: /lib/modules}
END
}

# A process tree of its own: to kill its first process is to cut the node's power.
node_start() {
    local n=$1
    daemon "$(node_name "$n")" nsenter "--net=/run/netns/$(node_namespace "$n")" \
        unshare --mount --uts --pid --fork --mount-proc --kill-child \
        "$HERE/node-init.sh" "$(node_name "$n")" "$(node_address "$n")" "$(node_folder "$n")" "$STATE" "$KUBERNETES"
}

node_kill() {
    local name
    name=$(node_name "$1")
    alive "$name" || fail "$name is not running" "tests/cluster/kube start-node $1"
    kill -KILL "$(cat "$STATE/pid/$name")"
    rm "$STATE/pid/$name"
}

node_ready() {
    kubectl get node "$(node_name "$1")" \
        -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null | grep -q True
}
