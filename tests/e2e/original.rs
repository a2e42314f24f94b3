//! The original example's layout, and its scripts as the oracle.

use std::path::Path;
use testkit::{Namespace, program, run, until, wait};

/// What the scripts print, with all that changes from one moment to the next masked.
fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

fn masked_line(line: &str) -> String {
    let counter = ["cluster_stats_messages", "total_cluster_links"].iter().any(|word| line.starts_with(word));
    if let Some((name, value)) = line.split_once(':').filter(|_| counter) {
        let end = value.trim_start_matches(|c: char| c.is_ascii_digit());
        return format!("{name}:N{end}");
    }
    let fields: Vec<&str> = line.split(' ').collect();
    match fields[..] {
        // ping-sent and pong-received of CLUSTER NODES
        [id, address, flags, master, _, _, ref rest @ ..] if id.len() == 40 => {
            format!("{id} {address} {flags} {master} P P {}", rest.join(" "))
        }
        _ => line.to_owned(),
    }
}

fn script(namespace: &Namespace, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/original").join(name);
    let kubeconfig = tempfile::NamedTempFile::new().expect("a file");
    let flattened = run(program("kubectl").args(["config", "view", "--raw", "--flatten"])).ok();
    std::fs::write(kubeconfig.path(), flattened).expect("written");
    let set = ["config", "set-context", "--current", "--namespace", &namespace.name];
    run(program("kubectl").args(set).env("KUBECONFIG", kubeconfig.path())).ok();
    run(program(path).env("KUBECONFIG", kubeconfig.path()).env("LC_ALL", "C")).ok()
}

/// A link or a flag may change between the two queries: then both are repeated.
fn same_at_last(look: impl Fn() -> (String, [String; 2])) {
    wait(15, "the same from all", || {
        let (script, [ours, by_exec]) = look();
        let is_same = ours == script && by_exec == script;
        if is_same { Ok(()) } else { Err(format!("--- script\n{script}\n--- ours\n{ours}\n--- by exec\n{by_exec}")) }
    });
}

fn shows_what_the_scripts_show(namespace: &Namespace) {
    let info = ["info", "-o", "raw", "-l", "app=redis"];
    same_at_last(|| {
        let script_info = script(namespace, "redis-cluster-info.sh");
        assert_eq!(script_info.matches("Pod: ").count(), 6);
        let by_exec = namespace.plugin(&[&info[..], &["--via", "exec"]].concat()).ok();
        (masked(&script_info), [masked(&namespace.plugin(&info).ok()), masked(&by_exec)])
    });
    // Between the two a node may write one more line: then repeat.
    until(30, "both to print the same logs", || {
        script(namespace, "redis-cluster-logs.sh") == namespace.plugin(&["logs", "-o", "raw", "-l", "app=redis"]).ok()
    });
}

/// By its name and by its labels alike.
fn is_healthy(namespace: &Namespace) {
    for which in [&["redis-001"][..], &["-l", "app=redis"]] {
        until(30, "a healthy cluster", || {
            let said = namespace.plugin(&[&["check", "--ask-timeout", "10s"], which].concat());
            said.code == Some(0) && said.out.ends_with("healthy: no findings\n")
        });
    }
}

#[test]
fn the_replication_controllers_of_the_original() {
    let namespace = Namespace::new("original");
    namespace.plugin(&["create", "redis-001", "--workload", "replicationcontroller", "--no-auth"]).ok();
    shows_what_the_scripts_show(&namespace);
    is_healthy(&namespace);
    until(30, "the list to say ok", || {
        namespace.plugin(&["list", "-l", "app=redis", "--no-headers"]).ok().contains("ok")
    });
}

#[test]
fn the_originals_image_with_redis_3() {
    let namespace = Namespace::new("redis3");
    let image = ["--image", "balon/docker-redis:3.0.7", "--image-entrypoint"];
    let create = ["create", "redis-001", "--workload", "replicationcontroller", "--no-auth"];
    let created = namespace.plugin(&[&create[..], &image].concat());
    assert!(created.err.contains("Warning: the image's own entry point"), "{}", created.err);
    created.ok();
    // Peers learn each other's pod addresses from connections; a replica whose master's
    // address becomes another one links anew.
    let info = namespace.wait_ok(&["-l", "app=redis"]);
    assert!(
        info["status"]["shards"][0]["master"]["version"].as_str().is_some_and(|version| version.starts_with("3.0"))
    );
    shows_what_the_scripts_show(&namespace);
    is_healthy(&namespace);
}

#[test]
fn two_clusters_under_one_selector_are_told_apart() {
    let namespace = Namespace::new("two");
    for name in ["one", "two"] {
        let create =
            ["create", name, "--workload", "replicationcontroller", "--no-auth", "--shards", "1", "--replicas", "0"];
        namespace.plugin(&[&create[..], &["--allow-small"]].concat()).ok();
    }
    let refused = namespace.plugin(&["info", "-l", "app=redis"]).refused();
    assert!(refused.contains("matches the nodes of 2 clusters: one-node (1 nodes), two-node (1 nodes)"), "{refused}");
    assert_eq!(namespace.plugin(&["info", "-o", "raw", "-l", "app=redis"]).ok().matches("Pod: ").count(), 2);
    assert_eq!(namespace.plugin(&["list", "-l", "app=redis", "--no-headers"]).ok().lines().count(), 2);
    let refused = namespace.plugin(&["info"]).refused();
    assert!(refused.contains("has 2 redis clusters: specify one by name\nhint: one, two"), "{refused}");
}
