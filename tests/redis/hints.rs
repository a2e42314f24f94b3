//! Runs a finding's hint as a user would paste it, with a `kubectl` that knows the nodes on loopback.

use super::servers::{Cluster, Shell};
use kubectl_redis_cluster::cluster::commands::{Caller, GivenFlags};
use kubectl_redis_cluster::cluster::health::{Hints, check};
use kubectl_redis_cluster::cluster::snapshot::Snapshot;
use kubectl_redis_cluster::cluster::topology::Topology;
use kubectl_redis_cluster::ops::questions::Scope;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

const KUBECTL: &str = include_str!("kubectl");

/// redis-cli in a pod: there the server is on 127.0.0.1.
const REDIS_CLI: &str = "#!/bin/sh\nfor word; do\n  shift\n  case $word in 127.0.0.1:*) word=$ADDRESS:${word#*:} ;; esac\n  \
                         set -- \"$@\" \"$word\"\ndone\nPATH=$MACHINE exec redis-cli -h \"$ADDRESS\" \"$@\"\n";

/// What the hints of these clusters must repeat: the current context is another one.
pub fn caller() -> Caller {
    let connection = GivenFlags::default().with("--context", Some("the other")).with("--as", Some("o'neill"));
    Caller { namespace: "n".into(), connection, nodes: GivenFlags::default().with("--via", Some("exec")) }
}

/// The same, word by word.
const CONNECTION: &str = "--context\nthe other\n--as\no'neill\n-n\nn\n";
const PLUGIN: &str = "--context\nthe other\n--as\no'neill\n-n\nn\n--via\nexec\n";

/// What a hint did.
#[derive(Debug)]
pub struct Followed {
    /// The words of each kubectl, without those that all have.
    pub asked: Vec<String>,
    pub said: String,
}

#[test]
fn redis_cli_logs_in_as_the_plugin_did() {
    let mut cluster = Cluster::new(46, Some("p\"a 's\\"));
    cluster.start_all(Shell::Dash);
    cluster.wait_ok();
    let mut snapshot = cluster.snapshot(Scope::Nodes);
    let answers = |snapshot: &Snapshot, command: &str| cluster.paste(snapshot, command).said.matches("PONG").count();
    let ping = |snapshot: &Snapshot| Hints { snapshot }.redis_cluster("call", "ping");
    let confirmed = |snapshot: &Snapshot| Hints { snapshot }.redis_cluster_on_terminal("call", "ping");
    for command in [ping, confirmed] {
        assert_eq!(answers(&snapshot, &command(&snapshot)), 6);
    }
    // The pod has no password, the default user no rights.
    let password = cluster.password().expect("one").to_owned();
    for number in [101, 102, 201, 202, 301, 302] {
        let said = cluster.cli(
            number,
            &["ACL", "SETUSER", "o'neill", "on", &format!(">{password}"), "+@all"],
            Some(&password),
        );
        assert_eq!(said, "OK");
        assert_eq!(cluster.cli(number, &["ACL", "SETUSER", "default", "-ping"], Some(&password)), "OK");
    }
    for shell in snapshot.seen.iter_mut().filter_map(|seen| seen.member.shell.as_mut()) {
        shell.password_secret = Some(("login".into(), "password".into()));
    }
    assert_eq!(answers(&snapshot, &ping(&snapshot)), 0);
    for shell in snapshot.seen.iter_mut().filter_map(|seen| seen.member.shell.as_mut()) {
        shell.user = Some("o'neill".into());
    }
    for command in [ping, confirmed] {
        assert_eq!(answers(&snapshot, &command(&snapshot)), 6);
    }
}

impl Cluster {
    /// Runs the hint of the first finding with this code. A pod that it deletes starts again.
    pub fn follow(&mut self, code: &str) -> Followed {
        self.follow_in(Scope::All, code)
    }

    pub fn follow_in(&mut self, scope: Scope, code: &str) -> Followed {
        let snapshot = self.snapshot(scope);
        let report = check(&snapshot, &Topology::of(&snapshot));
        let finding = report.findings.iter().find(|finding| finding.code.name() == code);
        let finding = finding.unwrap_or_else(|| panic!("{code} is not found: {:#?}", report.findings));
        let followed = self.paste(&snapshot, &finding.hint);
        for pod in followed.asked.iter().filter_map(|words| words.strip_prefix("delete pod ")) {
            let number = pod.trim_end_matches("-0").parse().expect("a node's pod");
            self.kill(&[number]);
            self.start(number, Shell::Dash);
        }
        followed
    }

    /// Runs a command with `sh`, and answers `yes` to all that it asks.
    pub fn paste(&self, snapshot: &Snapshot, command: &str) -> Followed {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        let program = |name: &str, text: &str| {
            write(name, text);
            let executable = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(folder.path().join(name), executable).expect("executable");
        };
        ["bin", "pod"].into_iter().for_each(|name| std::fs::create_dir(folder.path().join(name)).expect("a folder"));
        program("bin/kubectl", KUBECTL);
        program("pod/redis-cli", REDIS_CLI);
        write("connection", CONNECTION);
        write("plugin", PLUGIN);
        write("name", snapshot.name());
        let pods = snapshot
            .seen
            .iter()
            .filter_map(|seen| Some(format!("{} {}\n", seen.member.pod.as_ref()?, seen.member.pod_ip.as_ref()?)));
        write("nodes", &pods.collect::<String>());
        let password = self.password().unwrap_or_default();
        write("password", password);
        let own = format!("REDISCLI_AUTH='{}'; export REDISCLI_AUTH\n", password.replace('\'', r"'\''"));
        let of_secret = snapshot.seen.iter().filter_map(|seen| seen.member.shell.as_ref()?.password_secret.as_ref());
        let has_own = !password.is_empty() && of_secret.count() == 0;
        write("environment", if has_own { &own } else { "unset REDISCLI_AUTH\n" });
        write("asked", "");

        #[expect(clippy::disallowed_methods, reason = "the programs of this machine, as in a user's shell")]
        let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").expect("a PATH"));
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).env("PATH", path).env("HINTS", folder.path());
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sh");
        // Who asks nothing does not read it.
        let _ = shell.stdin.take().expect("piped").write_all("yes\n".repeat(20).as_bytes());
        let output = shell.wait_with_output().expect("it ends");
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(output.status.success(), "{command}\n{said}");
        let asked = std::fs::read_to_string(folder.path().join("asked")).expect("noted");
        assert!(!asked.is_empty(), "no kubectl in: {command}");
        Followed { asked: asked.lines().map(str::to_owned).collect(), said }
    }
}
