# etcd, the API server, the controller manager and the scheduler. Sourced.
# shellcheck shell=bash

# Every process of the cluster carries this variable, so that "down" finds them
# all, also those of an "up" that was killed.
MARK=KUBECTL_REDIS_CLUSTER_THROWAWAY

# daemon NAME PROGRAM [ARGUMENT ...]: in the background, its log and id kept.
daemon() {
    local name=$1
    shift
    mkdir -p "$STATE/log" "$STATE/pid"
    env "$MARK=1" setsid "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null 9>&- &
    echo $! >"$STATE/pid/$name"
}

alive() { [ -e "$STATE/pid/$1" ] && kill -0 "$(cat "$STATE/pid/$1")" 2>/dev/null; }

etcd_up() {
    daemon etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --logger zap --log-level warn \
        --listen-client-urls "http://$API_ADDRESS:2379" --advertise-client-urls "http://$API_ADDRESS:2379" \
        --listen-peer-urls "http://$API_ADDRESS:2380" --initial-advertise-peer-urls "http://$API_ADDRESS:2380" \
        --initial-cluster "default=http://$API_ADDRESS:2380"
}

# What is asked of pods' processes: tests look for secrets in it.
audit_policy() {
    cat <<END
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Request
  resources: [{group: "", resources: [pods/exec, pods/attach, pods/portforward]}]
- level: None
END
}

# The tolerations are short so that the loss of a node is seen soon.
apiserver_up() {
    audit_policy >"$STATE/audit-policy.yaml"
    daemon apiserver "$KUBERNETES/kube-apiserver" \
        --advertise-address="$API_ADDRESS" --bind-address="$API_ADDRESS" --secure-port="$API_PORT" --insecure-port=0 \
        --etcd-servers="http://$API_ADDRESS:2379" --service-cluster-ip-range="$SERVICE_RANGE" \
        --authorization-mode=Node,RBAC --allow-privileged --anonymous-auth=true \
        --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" \
        --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" \
        --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --service-account-key-file="$PKI/service-account.key" --service-account-signing-key-file="$PKI/service-account.key" \
        --service-account-issuer=https://kubernetes.default.svc \
        --enable-admission-plugins=NodeRestriction \
        --audit-log-path="$STATE/log/audit.log" --audit-policy-file="$STATE/audit-policy.yaml" --audit-log-maxsize=50 \
        --default-not-ready-toleration-seconds=20 --default-unreachable-toleration-seconds=20
}

# Its host-path provisioner makes folders that only its own user may write to:
# it runs as the user of the Redis images. It makes them below /tmp, which is a
# folder of the cluster's here and on every node.
controller_manager_up() {
    mkdir -p "$STATE/tmp"
    chmod 1777 "$STATE/tmp"
    # shellcheck disable=SC2016
    daemon controller-manager unshare --mount sh -c 'mount --bind "$1" /tmp && shift && exec "$@"' sh "$STATE/tmp" \
        setpriv --reuid 999 --regid 999 --clear-groups \
        "$KUBERNETES/kube-controller-manager" --kubeconfig="$PKI/controller-manager.kubeconfig" \
        --bind-address="$API_ADDRESS" --port=0 --leader-elect=false --use-service-account-credentials \
        --service-account-private-key-file="$PKI/service-account.key" --root-ca-file="$PKI/ca.crt" \
        --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
        --enable-hostpath-provisioner=true --node-monitor-grace-period=12s --node-monitor-period=2s \
        --authentication-skip-lookup
}

scheduler_up() {
    daemon scheduler "$KUBERNETES/kube-scheduler" --kubeconfig="$PKI/scheduler.kubeconfig" \
        --bind-address="$API_ADDRESS" --port=0 --leader-elect=false --authentication-skip-lookup
}

api_port_free() { [ -z "$(ss -Hltn "src $API_ADDRESS and sport = :$API_PORT")" ]; }

apiserver_ready() { kubectl --request-timeout=2s get --raw /readyz >/dev/null 2>&1; }

control_plane_up() {
    etcd_up
    apiserver_up
    wait_for 300 "the API server" apiserver_ready
    controller_manager_up
    scheduler_up
}

# Ends every process that carries the mark, and so every node with all its pods.
processes_down() {
    local environ pid
    for environ in /proc/[0-9]*/environ; do
        pid=${environ#/proc/} pid=${pid%/environ}
        if [ "$pid" != $$ ] && grep -qz "^$MARK=" "$environ" 2>/dev/null; then
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
}
