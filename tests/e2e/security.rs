//! What pods may, and where the password must never be.

use testkit::Namespace;

#[test]
fn the_password_is_in_the_secret_and_nowhere_else() {
    let namespace = Namespace::new("password");
    namespace.plugin(&["create", "redis-001", "--ephemeral", "--network-policy"]).ok();
    let password = namespace.password("redis-001");
    assert_eq!(password.len(), 32);
    // Everything that uses it: both ways to ask, a start that has to wait, a planned end.
    namespace.info(&["redis-001", "--via", "exec"]);
    namespace.kubectl(&["delete", "pod", "redis-001-node-101-0"]).ok();
    namespace.wait_ok(&["redis-001"]);

    let objects = "pods,statefulsets,services,endpoints,configmaps,events,networkpolicies,poddisruptionbudgets";
    let mut texts = vec![namespace.kubectl(&["get", objects, "-o", "yaml"]).ok()];
    for pod in namespace.values(&["pods"], "{.metadata.name}") {
        texts.push(namespace.kubectl(&["logs", &pod]).ok());
        let commands = "for process in /proc/[0-9]*; do tr '\\0' ' ' <$process/cmdline; done; true";
        texts.push(namespace.kubectl(&["exec", &pod, "--", "sh", "-c", commands]).ok());
    }
    assert!(texts.iter().any(|text| text.contains("redis-server")), "the command lines must be among them");
    assert!(texts.iter().all(|text| !text.contains(&password)));
}

#[test]
fn pods_have_no_rights_and_no_room_for_mischief() {
    let namespace = Namespace::new("pods");
    namespace.plugin(&["create", "redis-001", "--ephemeral"]).ok();
    let shell = |script: &str| namespace.kubectl(&["exec", "redis-001-node-201-0", "--", "sh", "-c", script]);
    assert_eq!(shell("id -u").ok().trim(), "999");
    let token = shell("[ -e /var/run/secrets/kubernetes.io ] || echo none").ok();
    assert_eq!(token.trim(), "none", "no service account token");
    let file = shell("touch /here 2>/dev/null || echo refused").ok();
    assert_eq!(file.trim(), "refused", "the root file system is read-only");
    assert_eq!(shell("grep CapEff /proc/1/status").ok().trim().rsplit('\t').next(), Some("0000000000000000"));
    assert_eq!(shell("grep NoNewPrivs /proc/1/status").ok().trim().rsplit('\t').next(), Some("1"));
}
