//! The server program that the nodes of a test run: this machine's, or another version's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

#[derive(Clone)]
pub struct Server {
    folder: PathBuf,
    /// Major and minor; Valkey's own count.
    version: (u32, u32),
}

impl Server {
    /// The server of all tests that name none: `TEST_REDIS`'s, else the one in /usr/bin. The pods'
    /// scripts find its redis-cli; the tests themselves use the redis-cli on the PATH.
    pub fn chosen() -> &'static Self {
        static CHOSEN: OnceLock<Server> = OnceLock::new();
        CHOSEN.get_or_init(|| {
            #[expect(clippy::disallowed_methods, reason = "which server to test, as CONTRIBUTING says")]
            let named = std::env::var("TEST_REDIS").ok().filter(|name| !name.is_empty());
            named.map_or_else(|| Self::in_folder("/usr/bin".into()), |name| Self::of(&name))
        })
    }

    /// Of this version, by the names that `fetch-server` knows.
    pub fn of(name: &str) -> Self {
        let said = fetch_server(name);
        Self::in_folder(said.trim_end().into())
    }

    /// Those that `of` takes.
    pub fn names() -> Vec<String> {
        fetch_server("names").lines().map(str::to_owned).collect()
    }

    fn in_folder(folder: PathBuf) -> Self {
        let output = Command::new(folder.join("redis-server")).arg("--version").output();
        let output = output.expect("install redis-server: apt-get install redis-server busybox-static");
        let said = String::from_utf8_lossy(&output.stdout);
        let numbers = said.split(" v=").nth(1).expect("a version").split('.');
        let numbers: Vec<u32> = numbers.take(2).map(|number| number.parse().expect("a number")).collect();
        Self { folder, version: (numbers[0], numbers[1]) }
    }

    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        self.version >= (major, minor)
    }

    /// One like this that its replicas can log in with: 3.0 and 3.2 send it without quotes.
    pub fn password(&self, like: &str) -> String {
        let is_plain = |letter: &char| letter.is_ascii_alphanumeric();
        if self.at_least(4, 0) { like.to_owned() } else { like.chars().filter(is_plain).collect() }
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The PATH of a pod that has it.
    pub fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.folder.display())
    }
}

fn fetch_server(argument: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/redis/fetch-server");
    let output = Command::new(script).arg(argument).stderr(Stdio::inherit()).output().expect("fetch-server runs");
    assert!(output.status.success(), "no server {argument}: what fetch-server said is above");
    String::from_utf8(output.stdout).expect("text")
}
