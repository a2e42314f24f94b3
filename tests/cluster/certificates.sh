# The cluster's keys and kubeconfigs, new at every start. Sourced.
# shellcheck shell=bash

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key" 2>/dev/null; }

# certificate NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
certificate() {
    local name=$1 subject=$2 names=${3:-DNS:localhost}
    key "$name"
    openssl req -new -key "$PKI/$name.key" -subj "$subject" -out "$PKI/$name.csr"
    printf 'subjectAltName=%s\nextendedKeyUsage=clientAuth,serverAuth\n' "$names" >"$PKI/$name.ext"
    openssl x509 -req -in "$PKI/$name.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -CAcreateserial \
        -days 365 -extfile "$PKI/$name.ext" -out "$PKI/$name.crt" 2>/dev/null
}

# kubeconfig NAME: for the certificate of that name, written to $PKI/NAME.kubeconfig
kubeconfig() {
    cat >"$PKI/$1.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters:
- name: throwaway
  cluster:
    server: https://$API_ADDRESS:$API_PORT
    certificate-authority-data: $(base64 -w0 <"$PKI/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 <"$PKI/$1.crt")
    client-key-data: $(base64 -w0 <"$PKI/$1.key")
contexts:
- name: throwaway
  context: {cluster: throwaway, user: $1}
current-context: throwaway
END
}

certificates_up() {
    local nodes=$1 n name
    mkdir -p "$PKI"
    key ca
    openssl req -x509 -new -key "$PKI/ca.key" -subj /CN=throwaway -days 365 -out "$PKI/ca.crt"
    key service-account
    certificate apiserver /CN=kube-apiserver "IP:$API_ADDRESS,IP:$SERVICE_API,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    certificate admin /O=system:masters/CN=admin
    certificate controller-manager /CN=system:kube-controller-manager
    certificate scheduler /CN=system:kube-scheduler
    certificate kube-proxy /CN=system:kube-proxy
    for n in $(seq "$nodes"); do
        name=$(node_name "$n")
        certificate "$name" "/O=system:nodes/CN=system:node:$name" "DNS:$name,IP:$(node_address "$n")"
        kubeconfig "$name"
    done
    for name in admin controller-manager scheduler kube-proxy; do kubeconfig "$name"; done
    # The controller manager runs as user 999, see control-plane.sh.
    chown 999 "$PKI"/controller-manager.kubeconfig "$PKI"/service-account.key "$PKI"/ca.key
    cp "$PKI/admin.kubeconfig" "$STATE/kubeconfig"
}
