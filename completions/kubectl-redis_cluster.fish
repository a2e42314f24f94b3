# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_redis_cluster_global_optspecs
    string join \n via= ask-timeout= auth-secret= redis-user= redis-container= redis-port= tls tls-secret= color= n/namespace= kubeconfig= context= cluster= user= s/server= certificate-authority= insecure-skip-tls-verify= tls-server-name= client-certificate= client-key= token= username= password= as= as-group= as-uid= as-user-extra= request-timeout= disable-compression= cache-dir= v/v= h/help V/version
end

function __fish_kubectl_redis_cluster_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_redis_cluster_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_redis_cluster_using_subcommand
    set -l cmd (__fish_kubectl_redis_cluster_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "create" -d 'Create a cluster and wait until it is healthy'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "info" -d 'Show the shards, nodes and slots of a cluster, and its problems'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "check" -d 'Report problems and suggest fixes'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "list" -d 'List the clusters of a namespace'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "ls" -d 'List the clusters of a namespace'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "logs" -d 'Print the logs of all nodes, merged in time order'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "delete" -d 'Delete a cluster; its volumes and password are kept unless --delete-data'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "accept-loss" -d 'Accept data loss and bring a shard back into service'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "check-proxy-mode" -d 'Show kube-proxy\'s mode on each worker and check whether source IPs are preserved'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "set-gke-proxy-mode" -d 'Set kube-proxy\'s mode on GKE workers, through the API server'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "completion" -d 'Install completion for "kubectl redis-cluster", or print a shell\'s completion script'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "options" -d 'List the flags of all commands'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "version" -d 'Show the versions of the plugin and the API server'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l shards -d 'Number of shards, each with its own master' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l replicas -d 'Number of replicas of each master' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l image -d 'Image of the server: Redis or Valkey' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l image-pull-secret -d 'Secret to pull the image with' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l workload -d 'Controller kind for each node' -r -f -a "statefulset\t''
replicationcontroller\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l storage -d 'Size of each node\'s volume [default: 1Gi, none with a replicationcontroller]' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l storage-class -d 'StorageClass of the volumes (default: the cluster\'s default StorageClass)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l memory -d 'Memory request and limit per node; five eighths of it are for keys' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l cpu -d 'CPU request per node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l maxmemory-policy -d 'Eviction policy when the memory is full' -r -f -a "noeviction\t''
allkeys-lru\t''
allkeys-lfu\t''
allkeys-random\t''
volatile-lru\t''
volatile-lfu\t''
volatile-random\t''
volatile-ttl\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l config -d 'Extra line of redis.conf (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l node-timeout -d 'How long a node may be unreachable before its peers mark it as failed' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l spread -d 'Whether the nodes of a shard must run on different workers' -r -f -a "required\t'Always on different workers: a pod that finds none stays pending'
preferred\t'On different workers if possible'
none\t'On any workers'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l node-selector -d 'Label that a worker must have (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l toleration -d 'Toleration for the pods (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l priority-class -d 'Priority class of the pods' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l annotation -d 'Annotation for the pods (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l dry-run -d 'Only show what would be created: none, client or server' -r -f -a "none\t'Changes are applied'
client\t'Nothing is sent to the server'
server\t'The server validates without applying'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -s o -l output -d 'Output format; yaml and json print the manifests' -r -f -a "name\t''
yaml\t''
json\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l wait -d 'Wait until the cluster is healthy' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l timeout -d 'How long to wait before giving up' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l allow-small -d 'Allow fewer than three shards, with which no failover is possible'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l image-entrypoint -d 'Start the image\'s own entry point, which reads CLUSTER_CONFIG and REDIS_CONFIG'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l ephemeral -d 'Keep all data in memory only'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l network-policy -d 'Admit only pods of the namespace, and to the cluster bus only the nodes'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l no-auth -d 'Disable password authentication'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -s l -l selector -d 'Label selector for the Redis pods of any tool' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l interval -d 'Refresh interval' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -s o -l output -d 'Output format; raw prints each node\'s CLUSTER NODES (sorted) and CLUSTER INFO' -r -f -a "wide\t''
json\t''
yaml\t''
name\t''
raw\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -s w -l watch -d 'Watch for changes until Ctrl-C; without a terminal, print only changes'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -s l -l selector -d 'Label selector for the Redis pods of any tool' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l severity -d 'Minimum severity that affects the exit status; all findings are shown' -r -f -a "info\t''
warning\t''
error\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l interval -d 'Refresh interval' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -s o -l output -d 'Output format' -r -f -a "json\t'Indented JSON'
yaml\t'YAML'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l search-multiple-owners -d 'Also search for keys in slots that another master owns: 16384 small commands to each master'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -s w -l watch -d 'Watch for changes until Ctrl-C; without a terminal, print only changes'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -s l -l selector -d 'Label selector for the Redis pods of any tool' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l sort-by -d 'Sort by a field of the JSON output, such as .nodesReady' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -s o -l output -d 'Output format' -r -f -a "wide\t''
json\t''
yaml\t''
name\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -s A -l all-namespaces -d 'List the clusters of all namespaces'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l state -d 'Query the nodes for the state of their cluster'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l no-headers -d 'Do not print headers'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -s l -l selector -d 'Label selector for the Redis pods of any tool' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l sort-by -d 'Sort by a field of the JSON output, such as .nodesReady' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -s o -l output -d 'Output format' -r -f -a "wide\t''
json\t''
yaml\t''
name\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -s A -l all-namespaces -d 'List the clusters of all namespaces'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l state -d 'Query the nodes for the state of their cluster'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l no-headers -d 'Do not print headers'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s l -l selector -d 'Label selector for the Redis pods of any tool' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l since -d 'Only show logs newer than this' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l since-time -d 'Only show logs after this time (RFC 3339)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l tail -d 'Lines of recent log to show per node; -1 shows all' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s c -l container -d 'Container (default: the server\'s)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l node -d 'Only this node (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l shard -d 'Only the initial nodes of this shard (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l role -d 'Only nodes that have this role now' -r -f -a "master\t''
replica\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l grep -d 'Only lines that match this regular expression' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l max-log-requests -d 'Maximum number of logs to read in parallel' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s o -l output -d 'Output format; raw prints pod after pod, like the original script' -r -f -a "raw\t''
json\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s f -l follow -d 'Stream new lines, also from restarted containers and new pods'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s p -l previous -d 'Show the previous container\'s logs'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l timestamps -d 'Show the timestamp of each line'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l no-prefix -d 'Do not prefix lines with the node'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l dry-run -d 'Only show what would be deleted: none, client or server' -r -f -a "none\t'Changes are applied'
client\t'Nothing is sent to the server'
server\t'The server validates without applying'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l wait -d 'Wait until all pods are gone' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l timeout -d 'How long to wait before giving up' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l grace-period -d 'Seconds that each pod gets to terminate (default: the pod\'s own)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -s o -l output -d 'Output format' -r -f -a "name\t'`type/name`'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -s y -l yes -d 'Do not ask for confirmation'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l keep-data -d 'Keep the volumes and the Secret (the default)'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l delete-data -d 'Delete the volumes with all keys, and the Secret'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l ignore-not-found -d 'Succeed if the cluster does not exist'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l shard -d 'Shard to give up (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l dry-run -d 'Only show what would be done: none, client or server' -r -f -a "none\t'Changes are applied'
client\t'Nothing is sent to the server'
server\t'The server validates without applying'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l timeout -d 'How long to wait for all shards before giving up' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -s y -l yes -d 'Do not ask for confirmation'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand accept-loss" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -s l -l selector -d 'Label selector for the Redis pods of any tool' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l image -d 'Image of these pods, with a Redis or Valkey server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l timeout -d 'How long to wait before giving up' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -s o -l output -d 'Output format' -r -f -a "json\t'Indented JSON'
yaml\t'YAML'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l probe -d 'Measure between short-lived pods in this namespace, one per worker'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand check-proxy-mode" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l node -d 'Only this worker (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l image -d 'Image of the helper pod, with a shell (default: kube-proxy\'s own)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l probe-image -d 'Image of the pods that measure whether Services still forward' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l probe -d 'Measure whether Services still forward' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l timeout -d 'How long the change of a worker may take before its old manifest is restored' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l dry-run -d 'Only show what would be done'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -s y -l yes -d 'Do not ask for confirmation'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l allow-any-provider -d 'Also allow workers that are not GKE\'s, if kube-proxy is a static pod'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand set-gke-proxy-mode" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l dir -d 'Directory of the link (default: that of this program)' -r -f -a "(__fish_complete_directories)"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand options" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -s o -l output -d 'Output format' -r -f -a "json\t'Indented JSON'
yaml\t'YAML'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l via -d 'How to connect to the nodes' -r -f -a "auto\t'Port-forward, or exec if port-forward is not possible'
port-forward\t'Only port-forward'
exec\t'Only exec of redis-cli'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l ask-timeout -d 'How long to wait for the response of one node' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l auth-secret -d 'Secret with the password, and its key (default "password")' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l redis-user -d 'ACL user to authenticate as' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l redis-container -d 'Container that runs the server (default: found by its port, command, image or name)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l redis-port -d 'Port on which the server listens in its pod (default: by the container\'s command and ports)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l tls-secret -d 'Secret with the CA of the nodes\' certificates (ca.crt), and with a client certificate if they require one (tls.crt, tls.key); implies --tls' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -s n -l namespace -d 'Namespace for this request' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l kubeconfig -d 'Path to the kubeconfig file' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l context -d 'Name of the kubeconfig context to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l cluster -d 'Name of the kubeconfig cluster to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l user -d 'Name of the kubeconfig user to use' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -s s -l server -d 'Address and port of the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l certificate-authority -d 'Path to a CA certificate for the API server' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate; this makes the connection insecure' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l tls-server-name -d 'Server name to verify in the API server\'s certificate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l client-certificate -d 'Path to a client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l client-key -d 'Path to the key of the client certificate' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l username -d 'User name for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l password -d 'Password for basic authentication' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l as -d 'User to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l as-user-extra -d 'Extra attribute of the impersonated user (repeatable)' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l request-timeout -d 'How long to wait for a single request before giving up; 0 means the default of 30s' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l disable-compression -d 'Disable compression of the API server\'s responses' -r -f -a "true\t''
false\t''"
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l cache-dir -d 'Cache directory of kubectl; accepted and ignored' -r -F
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -s v -l v -d 'Log level for API requests: 6 logs each request, 8 also response headers' -r
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l client -d 'Show only the plugin\'s version'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -l tls -d 'Use TLS; without --tls-secret, certificates are not verified'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "create" -d 'Create a cluster and wait until it is healthy'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "info" -d 'Show the shards, nodes and slots of a cluster, and its problems'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "check" -d 'Report problems and suggest fixes'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "list" -d 'List the clusters of a namespace'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "logs" -d 'Print the logs of all nodes, merged in time order'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "delete" -d 'Delete a cluster; its volumes and password are kept unless --delete-data'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "accept-loss" -d 'Accept data loss and bring a shard back into service'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "check-proxy-mode" -d 'Show kube-proxy\'s mode on each worker and check whether source IPs are preserved'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "set-gke-proxy-mode" -d 'Set kube-proxy\'s mode on GKE workers, through the API server'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "completion" -d 'Install completion for "kubectl redis-cluster", or print a shell\'s completion script'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "options" -d 'List the flags of all commands'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "version" -d 'Show the versions of the plugin and the API server'
complete -c kubectl-redis_cluster -n "__fish_kubectl_redis_cluster_using_subcommand help; and not __fish_seen_subcommand_from create info check list logs delete accept-loss check-proxy-mode set-gke-proxy-mode completion options version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
