#!/bin/sh
# What the original example's logs script does: the oracle for `logs -o raw`.
for pod in $(kubectl get pods -l app=redis -o 'jsonpath={.items[*].metadata.name}'); do
    echo "Pod: $pod"
    kubectl logs "$pod"
done
