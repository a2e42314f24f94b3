//! `kubectl redis-cluster <TAB>` in real shells: typed into a terminal, read off the screen.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use testkit::workers::names;
use testkit::{Namespace, plugin_linked, program, run, variables, wait};

/// A shell in a terminal of its own.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn new(shell: &str, path: &str) -> Self {
        let terminal =
            Self { socket: format!("krc-{}-{}", shell.split(' ').next().unwrap_or(shell), std::process::id()) };
        let start = format!("env PATH={path} PS1='> ' {shell}");
        let mut tmux = program("tmux");
        tmux.args(["-L", &terminal.socket, "-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", &start]);
        run(&mut tmux).ok();
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        run(program("tmux").args(["-L", &self.socket]).args(arguments)).ok()
    }

    fn type_keys(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J"])
    }

    /// Runs a line to its end.
    fn runs(&self, line: &str) {
        self.type_keys(&format!("{line}; echo do''ne"));
        self.press("Enter");
        self.waits_for(line, |screen| screen.lines().any(|line| line.trim() == "done"));
        self.clear();
    }

    fn clear(&self) {
        self.type_keys("clear");
        self.press("Enter");
        self.waits_for("an empty screen", |screen| screen.trim() == ">");
    }

    fn waits_for(&self, what: &str, mut condition: impl FnMut(&str) -> bool) {
        wait(30, &format!("{what} on the screen"), || {
            let screen = self.screen();
            if condition(&screen) { Ok(()) } else { Err(screen) }
        });
    }

    /// Types a line and the tabulator, and waits until the screen shows all of that.
    fn completes(&self, line: &str, shown: &[&str]) {
        self.type_keys(line);
        self.press("Tab");
        let (mut pressed, mut patience) = (Instant::now(), Duration::from_secs(4));
        self.waits_for(&format!("{shown:?} after {line}<TAB>"), |screen| {
            // A choice is listed at the second press; more would pile up before a slow kubectl.
            if pressed.elapsed() > patience {
                self.press("Tab");
                (pressed, patience) = (Instant::now(), patience * 2);
            }
            shown.iter().all(|text| screen.contains(text))
        });
        // Takes the line away: Ctrl-C would swallow what is typed right behind it.
        self.press("C-u");
        self.clear();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = program("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}

/// A folder with the plugin and the link that `completion install` makes.
fn folder() -> PathBuf {
    let folder = plugin_linked("completion", "kubectl-redis_cluster");
    let plugin = folder.join("kubectl-redis_cluster");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("a PATH"));
    let install = || run(program(&plugin).args(["completion", "install"]).env("PATH", &path));
    let link = folder.join("kubectl_complete-redis_cluster");
    assert_eq!(install().ok(), format!("{} created\n", link.display()));
    assert_eq!(install().ok(), format!("{} unchanged\n", link.display()));
    folder
}

#[test]
fn bash_zsh_and_fish() {
    let namespace = Namespace::new("shells");
    namespace.plugin(&["create", "redis-001", "--ephemeral", "--wait=false"]).ok();
    let folder = folder();
    let (_, path) = variables().iter().find(|(name, _)| name == "PATH").expect("a PATH");
    let path = format!("{}:{path}", folder.display());
    let shells = [
        (
            "bash --norc --noprofile -i",
            "source /usr/share/bash-completion/bash_completion; source <(kubectl completion bash)",
        ),
        ("zsh -f", "autoload -U compinit; compinit -u -D; source <(kubectl completion zsh); PS1='> '"),
        ("fish --no-config", "function fish_prompt; echo '> '; end; kubectl completion fish | source"),
    ];
    let words = format!("kubectl redis-cluster -n {} ", namespace.name);
    let (workers, classes) = (names("nodes"), names("storageclasses"));
    let workers: Vec<&str> = workers.iter().map(String::as_str).collect();
    let class = classes.first().expect("a StorageClass");
    for (shell, setup) in shells {
        let terminal = Terminal::new(shell, &path);
        terminal.runs(setup);
        terminal.completes("kubectl redis-cluster acc", &["redis-cluster accept-loss "]);
        terminal.completes("kubectl redis-cluster info --ask-", &["info --ask-timeout"]);
        terminal.completes("kubectl redis-cluster list --output=js", &["--output=json"]);
        terminal.completes("kubectl redis-cluster list -o ", &["json", "yaml", "wide", "name"]);
        terminal.completes(
            &format!("kubectl redis-cluster info -n {}", &namespace.name[..namespace.name.len() - 3]),
            &[&namespace.name],
        );
        terminal.completes(&format!("{words}info "), &["info redis-001"]);
        terminal.completes(&format!("{words}logs redis-001 --node 30"), &["301", "302"]);
        terminal.completes(
            &format!("{words}create x --storage-class {}", &class[..class.len() - 1]),
            &[&format!("--storage-class {class}")],
        );
        terminal.completes("kubectl redis-cluster set-gke-proxy-mode iptables --node ", &workers);
    }
}

/// What kubectl's scripts get: candidates, then a directive.
fn offered(words: &[&str]) -> String {
    run(program(completing_folder().join("kubectl_complete-redis_cluster")).args(words)).ok()
}

fn completing_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| plugin_linked("offered", "kubectl_complete-redis_cluster"))
}

#[test]
fn servers_that_are_not_there() {
    let contexts = offered(&["info", "--context", ""]);
    assert!(contexts.ends_with("\n:4\n") && contexts.lines().count() >= 2, "{contexts}");
    assert_eq!(offered(&["info", "--kubeconfig", ""]), ":0\n");
    // One that refuses, one that has no name, and one that never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}", silent.local_addr().expect("an address"));
    for server in ["http://127.0.0.1:1", "http://nowhere.invalid", &silent] {
        let begin = Instant::now();
        assert_eq!(offered(&["-s", server, "info", ""]), ":4\n", "{server}");
        // 1.2 s by itself, and on a busy machine still not the 30 s of a request.
        assert!(begin.elapsed() < Duration::from_secs(25), "{server}: {:?}", begin.elapsed());
    }
    // A program that would ask the user, and hang.
    let kubeconfig = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("asks.yaml");
    let text = "{apiVersion: v1, kind: Config, current-context: a, clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}], \
                contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {exec: \
                {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ['120'], interactiveMode: Always}}}]}";
    std::fs::write(&kubeconfig, text).expect("written");
    let begin = Instant::now();
    assert_eq!(offered(&["--kubeconfig", &kubeconfig.display().to_string(), "info", ""]), ":4\n");
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[test]
fn kubectl_itself_asks_and_prints_what_it_hears() {
    let folder = completing_folder();
    let (_, path) = variables().iter().find(|(name, _)| name == "PATH").expect("a PATH");
    let mut kubectl: Command = program("kubectl");
    kubectl.args(["__complete", "redis-cluster", "accept"]).env("PATH", format!("{}:{path}", folder.display()));
    assert_eq!(run(&mut kubectl).ok(), "accept-loss\tAccept data loss and bring a shard back into service\n:4\n");
}
