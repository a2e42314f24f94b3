#!/bin/sh
# What the original example's info script does: the oracle for `info -o raw`.
for pod in $(kubectl get pods -l app=redis -o 'jsonpath={.items[*].metadata.name}'); do
    echo "======================================"
    echo "Pod: $pod"
    kubectl exec "$pod" -- redis-cli cluster nodes | sort
    kubectl exec "$pod" -- redis-cli cluster info
done
