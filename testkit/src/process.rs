//! Programs: run, fed, in the background; and what they printed.

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// What a command printed and how it ended.
#[derive(Debug)]
#[must_use = "look at what it printed, or say ok()"]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: Option<i32>,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }

    /// The data, from a command that must have gone well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }

    /// The JSON data.
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }

    /// The complaint, from a command that must have failed with nothing on stdout.
    pub fn refused(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "stderr:\n{}", self.err);
        self.err
    }
}

/// The longest that one command may take: those that wait have shorter deadlines.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn run(command: &mut Command) -> Said {
    let what = format!("{command:?}");
    ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs"), what)
}

/// Waits for a program's end, and makes one where it hangs: it has failed then.
fn ended(child: Child, what: String) -> Said {
    let pid = child.id().to_string();
    let (done, over) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("ended after {} s: {what}", PATIENCE.as_secs());
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
        }
    });
    let output = child.wait_with_output().expect("it ends");
    drop(done);
    watchdog.join().expect("it ends");
    Said::of(output)
}

pub fn feed(command: &mut Command, input: &str) -> Said {
    let what = format!("{command:?}");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    ended(child, what)
}

/// A command that goes on in the background, its output in files.
pub struct Background {
    child: Child,
    out: PathBuf,
    _folder: tempfile::TempDir,
}

impl Background {
    pub fn start(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        let file = std::fs::File::create(&out).expect("a file");
        let child = command.stdout(file).stderr(Stdio::null()).spawn().expect("it runs");
        Self { child, out, _folder: folder }
    }

    pub fn out(&self) -> String {
        std::fs::read_to_string(&self.out).expect("text")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends Ctrl-C's signal.
pub fn interrupt(child: &Child) {
    let done = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(done.success());
}
