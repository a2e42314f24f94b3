# The cluster's network: a bridge, and a network namespace for each node. Sourced.
# shellcheck shell=bash

# Node N is "node-N"; its address, pod range and namespace follow from N.
node_name() { echo "node-$1"; }
node_address() { echo "$NODE_NET.$((10 + $1))"; }
node_pods() { echo "${POD_RANGE%.0.0/16}.$1"; }
node_namespace() { echo "krc-node-$1"; }
node_link() { echo "krc$1"; }

network_up() {
    local nodes=$1 n
    ip link add "$BRIDGE" type bridge
    ip address add "$API_ADDRESS/24" dev "$BRIDGE"
    ip link set "$BRIDGE" up
    # Nothing may leave through this machine, whatever its own settings are.
    echo 0 >"/proc/sys/net/ipv4/conf/$BRIDGE/forwarding"
    ip route replace blackhole "$POD_AND_SERVICE_RANGE"
    # The neighbour table is shared by all namespaces: 100 pods overflow the default.
    raise /proc/sys/net/ipv4/neigh/default/gc_thresh3 32768
    raise /proc/sys/net/ipv4/neigh/default/gc_thresh2 16384
    raise /proc/sys/net/ipv4/neigh/default/gc_thresh1 8192
    for n in $(seq "$nodes"); do node_network_up "$n" "$nodes"; done
}

raise() { [ "$(cat "$1")" -ge "$2" ] || echo "$2" >"$1"; }

node_network_up() {
    local n=$1 nodes=$2 other namespace
    namespace=$(node_namespace "$n")
    ip netns add "$namespace"
    ip link add "$(node_link "$n")" type veth peer name eth0 netns "$namespace"
    ip link set "$(node_link "$n")" master "$BRIDGE" up
    ip -n "$namespace" link set lo up
    ip -n "$namespace" address add "$(node_address "$n")/24" dev eth0
    ip -n "$namespace" link set eth0 up
    # kube-proxy's userspace mode wants a default route; the bridge forwards nothing.
    ip -n "$namespace" route add default via "$API_ADDRESS"
    ip netns exec "$namespace" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    # The API server's machine knows no way to pods: they reach it in their node's name.
    ip netns exec "$namespace" iptables -t nat -A POSTROUTING -s "$POD_RANGE" -d "$API_ADDRESS" -j MASQUERADE
    for other in $(seq "$nodes"); do
        [ "$other" = "$n" ] ||
            ip -n "$namespace" route add "$(node_pods "$other").0/24" via "$(node_address "$other")"
    done
}

network_down() {
    local n
    for n in $(seq "$MAX_NODES"); do
        ip link delete "$(node_link "$n")" 2>/dev/null || true
        ip netns delete "$(node_namespace "$n")" 2>/dev/null || true
    done
    ip link delete "$BRIDGE" 2>/dev/null || true
    ip route delete blackhole "$POD_AND_SERVICE_RANGE" 2>/dev/null || true
}

# Says who has one of our ranges or ports already; silent when all are free.
network_conflict() {
    ip -o address | grep -F -e " $NODE_NET." -e ' 198.18.' -e ' 198.19.' && return
    ip route | grep -E "^(blackhole )?($NODE_NET|198\.18|198\.19)\." && return
    ss -Hltn "( sport = :$API_PORT or sport = :2379 )" | grep -E '(0\.0\.0\.0|\*|\[::\]):'
}
