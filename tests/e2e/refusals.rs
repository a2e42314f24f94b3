//! What cannot be done is said in one to three lines, and nothing is left half made.

use testkit::workers::{names, workers};
use testkit::{Namespace, program, run, until};

fn nothing_was_made(namespace: &Namespace) {
    let made = namespace
        .values(&["services,statefulsets,configmaps,pvc", "-l", "app.kubernetes.io/managed-by"], "{.metadata.name}");
    assert!(made.is_empty(), "{made:?}");
}

fn refusal(namespace: &Namespace, arguments: &[&str]) -> String {
    let refusal = namespace.plugin(arguments).refused();
    assert!(refusal.lines().count() <= 3, "{refusal}");
    nothing_was_made(namespace);
    refusal
}

#[test]
fn impossible_specs() {
    let namespace = Namespace::new("refused");
    let name = "a".repeat(60);
    insta::assert_snapshot!(refusal(&namespace, &["create", &name]), @r#"error: the name "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" has 60 characters; a cluster of this size allows at most 43"#);
    let classes = names("storageclasses").join(", ");
    insta::assert_snapshot!(refusal(&namespace, &["create", "a", "--storage-class", "nope"]).replace(&classes, "standard"), @r#"
    error: storageclass "nope" not found
    hint: there are: standard
    "#);
    let there = workers();
    let (all, usable) = (there.len(), there.iter().filter(|worker| worker.takes_pods).count());
    let replicas = usable.max(5);
    let refused = refusal(&namespace, &["create", "a", "--replicas", &replicas.to_string()]);
    let refused = refused.replace(&format!("{usable} of {all}"), "3 of 3").replace(&(replicas + 1).to_string(), "6");
    insta::assert_snapshot!(refused, @r"
    error: a shard needs 6 workers for its 6 nodes, 3 of 3 are available
    hint: to let them share a worker, add --spread preferred; if that worker fails, keys may be lost
    ");
    insta::assert_snapshot!(refusal(&namespace, &["create", "a", "--shards", "2"]), @r"
    error: with 2 shard(s) no failover is possible: it needs the votes of a majority of at least 3 masters
    hint: to allow that, add --allow-small
    ");
    insta::assert_snapshot!(refusal(&namespace, &["create", "a", "--auth-secret", "nope"]).replace(&namespace.name, "<ns>"), @r#"error: secret "nope" not found in namespace "<ns>""#);
    let refused = refusal(&namespace, &["create", "a", "--annotation", "bad key=x"]);
    assert!(refused.contains("The StatefulSet.apps \"a-node-101\" is invalid: spec.template.annotations"), "{refused}");
    let usage = namespace.plugin(&["create", "a", "--config", "port=1"]).refused();
    assert!(
        usage.starts_with(
            "error: invalid argument \"port=1\" for \"--config\" flag: \"port\" cannot be set with --config"
        ),
        "{usage}"
    );
    let usage = namespace.plugin(&["create", "A_b"]).refused();
    assert!(usage.contains("\"A_b\" is not a valid cluster name"), "{usage}");
}

#[test]
fn objects_of_others_are_left_alone() {
    let namespace = Namespace::new("foreign");
    namespace.kubectl(&["create", "service", "clusterip", "a-node-201", "--tcp=80"]).ok();
    let refused = refusal(&namespace, &["create", "a"]);
    assert!(refused.contains("already exist and belong to something else: service/a-node-201"), "{refused}");
    let missing = namespace.plugin(&["delete", "a", "--yes"]).refused();
    assert!(missing.contains("redis cluster \"a\" not found"), "{missing}");
    assert_eq!(namespace.values(&["services"], "{.metadata.name}"), ["a-node-201"]);
}

#[test]
fn a_deletion_without_a_terminal_needs_yes() {
    let namespace = Namespace::new("yes");
    namespace.plugin(&["create", "a", "--ephemeral", "--wait=false"]).ok();
    insta::assert_snapshot!(namespace.plugin(&["delete", "a"]).refused(), @r"
    error: cannot ask for confirmation: stdin is not a terminal
    hint: add --yes
    ");
    assert_eq!(namespace.values(&["statefulsets"], "{.metadata.name}").len(), 6);
}

#[test]
fn without_a_server() {
    let plugin = |arguments: &[&str]| {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = program("kubectl-redis_cluster");
        command.args(arguments).env("HOME", home.path()).env_remove("KUBECONFIG");
        let said = run(&mut command);
        let text = format!("{}{}", said.out, said.err).replace(&home.path().display().to_string(), "<home>");
        (said.code, text)
    };
    let (code, text) = plugin(&["info"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(text, @r"
    error: no kubeconfig found (tried <home>/.kube/config) and not running in a cluster
    hint: set one with --kubeconfig or the KUBECONFIG environment variable
    ");
    let (code, text) = plugin(&["info", "--server", "https://127.0.0.1:1"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(text, @"The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?");
    let (code, text) = plugin(&["info", "--kubeconfig", "/nope"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(text, @"error: stat /nope: no such file or directory");
    let (code, text) = plugin(&["create", "a", "--dry-run=client", "-o", "name"]);
    assert_eq!((code, text.lines().next()), (Some(0), Some("secret/a")));
}

#[test]
fn a_cluster_that_cannot_form_says_what_holds_it_up_and_how_to_go_on() {
    let namespace = Namespace::new("holdup");
    let create = ["create", "a", "--ephemeral", "--image", "nope:1"];
    namespace.plugin(&[&create[..], &["--wait=false"]].concat()).ok();
    let reason = "{.status.containerStatuses[0].state.waiting.reason}";
    until(60, "the image to be missed", || {
        namespace.values(&["pods"], reason).iter().any(|reason| reason.contains("Image"))
    });
    let said = namespace.plugin(&[&create[..], &["--timeout", "25s"]].concat());
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("error: timed out after 25s waiting for redis cluster \"a\" to form"), "{}", said.err);
    assert!(
        said.err.contains("cannot pull its image: ") && said.err.contains("run the same command again to continue"),
        "{}",
        said.err
    );
}
