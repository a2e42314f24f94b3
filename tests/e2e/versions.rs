//! Every server that the images hold, with a password, in memory and on a volume.

use testkit::{Namespace, until};

fn lives(test: &str, image: &str, version: &str) {
    let namespace = Namespace::new(test);
    namespace.plugin(&["create", "a", "--image", image]).ok();
    let info = namespace.wait_ok(&["a"]);
    let master = &info["status"]["shards"][0]["master"];
    assert!(master["version"].as_str().is_some_and(|seen| seen.starts_with(version)), "{master:#}");
    namespace.wait_ok(&["a", "--via", "exec"]);
    for via in ["port-forward", "exec"] {
        until(30, "nothing to be found", || {
            let said = namespace.plugin(&["check", "a", "--via", via, "--ask-timeout", "10s"]);
            said.code == Some(0) && said.out.ends_with("healthy: no findings\n")
        });
    }
    let pod = "a-node-101-0";
    assert_eq!(namespace.answers(pod, "SET x y\nGET x\n"), ["OK", "y"]);
    // The server is a pod's first process, and waits for no child that others have left. A probe
    // that has just ended is one for a moment, until the container's runtime has asked for it.
    let zombies = "grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
    until(20, "no zombie left", || namespace.kubectl(&["exec", pod, "--", "sh", "-c", zombies]).ok().trim() == "0");
    // A kept nodes.conf of this version, with its own fields, is read again.
    namespace.kubectl(&["delete", "pod", pod]).ok();
    namespace.wait_ok(&["a"]);
    assert_eq!(namespace.answers(pod, "GET x\n"), ["y"]);
}

#[test]
fn redis_7() {
    lives("redis7", "redis:7.0", "7.0.");
}

#[test]
fn valkey_8_on_busybox() {
    lives("valkey8", "valkey/valkey:8.1", "8.1.");
}

#[test]
fn valkey_9() {
    lives("valkey9", "valkey/valkey:9.1", "9.1.");
}
