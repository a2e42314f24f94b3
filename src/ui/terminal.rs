//! Standard output for data, standard error for everything else.

use super::screen::{ENTER, LEAVE, frame};
use crate::error::{Error, ErrorKind};
use crate::k8s::traffic::{Listener, Notice};
use crate::k8s::wait::Stage;
use futures::channel::oneshot;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Green,
    Yellow,
    Red,
    /// One of twelve colours for nodes.
    Node(u8),
}

pub struct Ui {
    out: Box<dyn Write>,
    stderr: Stderr,
    colored: bool,
    /// Whether standard input and error are terminals, so that the user can confirm.
    asks: bool,
    is_terminal: bool,
    /// Whether standard output is a terminal with a screen to refresh.
    has_screen: bool,
    /// What the screen shows.
    shown: Option<String>,
}

impl Ui {
    pub fn new(color: Color) -> Self {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced = ["CLICOLOR_FORCE", "FORCE_COLOR"].iter().any(|name| is_set(name) && !is_zero(name));
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let plain = is_set("NO_COLOR") || dumb;
        let colored = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !is_set("NO_COLOR") && (forced || terminal && !dumb),
        };
        Self {
            colored: colored(stdout.is_terminal()),
            asks: std::io::stdin().is_terminal() && stderr.is_terminal(),
            is_terminal: stdout.is_terminal(),
            has_screen: stdout.is_terminal() && !dumb,
            shown: None,
            stderr: Stderr::new(colored(stderr.is_terminal()), stderr.is_terminal() && !plain, Box::new(stderr)),
            out: Box::new(std::io::BufWriter::new(stdout)),
        }
    }

    /// For tests.
    pub fn captured(out: Box<dyn Write>, err: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            stderr: Stderr::new(false, false, err),
            colored: false,
            asks: false,
            is_terminal: false,
            has_screen: false,
            shown: None,
        }
    }

    /// Prints warnings and requests as they occur.
    pub fn listener(&self) -> Listener {
        let stderr = self.stderr.clone();
        Arc::new(move |notice| match notice {
            Notice::Warning(text) => stderr.warning(&text),
            Notice::Traffic(text) => stderr.note(&text),
        })
    }

    pub fn is_colored(&self) -> bool {
        self.colored
    }

    /// The width of the terminal; none if standard output is not one.
    pub fn columns(&self) -> Option<usize> {
        let size = self.is_terminal.then(terminal_size::terminal_size).flatten();
        size.map(|(width, _)| usize::from(width.0))
    }

    /// Prints a line of data and flushes, so that a pipe's reader gets it at once.
    ///
    /// # Errors
    /// If the reader is gone.
    pub fn line(&mut self, line: &str) -> Result<(), Error> {
        self.stderr.end_progress();
        writeln!(self.out, "{line}")?;
        Ok(self.out.flush()?)
    }

    pub fn has_screen(&self) -> bool {
        self.has_screen
    }

    /// For `--watch`: on a screen of its own, in place of what was there before.
    ///
    /// # Errors
    /// If the reader is gone.
    pub fn screen(&mut self, head: &str, text: &str) -> Result<(), Error> {
        let rows = terminal_size::terminal_size().map_or(24, |(_, height)| usize::from(height.0));
        let enter = if self.shown.is_none() { ENTER } else { "" };
        write!(self.out, "{enter}{}", frame(head, text, rows))?;
        self.shown = Some(format!("{head}\n\n{text}"));
        Ok(self.out.flush()?)
    }

    /// What was shown last stays among the terminal's other lines.
    fn leave_screen(&mut self) {
        if let Some(shown) = self.shown.take() {
            // The terminal may be gone.
            let _ = writeln!(self.out, "{LEAVE}{shown}").and_then(|()| self.out.flush());
        }
    }

    /// Raw bytes of data, without a line break.
    ///
    /// # Errors
    /// If the reader is gone.
    pub fn data(&mut self, data: &[u8]) -> Result<(), Error> {
        Ok(self.out.write_all(data)?)
    }

    /// Also ends the progress.
    ///
    /// # Errors
    /// If the reader is gone.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.stderr.end_progress();
        self.leave_screen();
        Ok(self.out.flush()?)
    }

    /// A message on standard error; failures to write it are ignored.
    pub fn note(&mut self, text: &str) {
        self.stderr.note(text);
    }

    /// `Warning: …`, as kubectl prints it.
    pub fn warning(&mut self, text: &str) {
        self.stderr.warning(text);
    }

    /// On a terminal, one line that is cleared at the end; elsewhere, a line for each new state.
    pub fn progress(&mut self, stage: &Stage) {
        self.stderr.progress(stage);
    }

    /// The last sentence of the progress, where its lines stay and there were some.
    pub fn conclude(&mut self, text: &str) {
        self.stderr.conclude(text);
    }

    /// The error, its causes and its hints.
    pub fn error(&mut self, error: &Error) {
        self.leave_screen();
        // After Ctrl-C, only a hint how to continue is worth printing.
        let known = error.kind() == ErrorKind::Interrupted && error.hints().is_empty();
        if known || error.kind() == ErrorKind::BrokenPipe {
            self.stderr.end_progress();
            return;
        }
        self.note(&error.headline());
        for cause in error.causes() {
            self.note(&format!("caused by: {cause}"));
        }
        for hint in error.hints() {
            self.note(&format!("hint: {hint}"));
        }
    }

    /// Only a clear yes confirms. The future can be dropped, so that Ctrl-C ends the question.
    ///
    /// # Errors
    /// If standard input is not a terminal: confirmation is never assumed.
    pub async fn confirm(&mut self, question: &str) -> Result<bool, Error> {
        if !self.asks {
            return Err(Error::user("cannot ask for confirmation: stdin is not a terminal").hint("add --yes"));
        }
        self.stderr.ask(&format!("{question} (y/N): "))?;
        let (sender, receiver) = oneshot::channel();
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = std::io::stdin().lock().read_line(&mut answer);
            // The receiver may be gone.
            let _ = sender.send(read.map(|_| answer));
        });
        let answer = receiver.await.map_err(|_| Error::user("the question was not answered"))??;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// Standard error, shared with the [`Listener`].
#[derive(Clone)]
struct Stderr(Arc<Mutex<StderrState>>);

struct StderrState {
    err: Box<dyn Write + Send>,
    colored: bool,
    rewrites: bool,
    progress: Stage,
}

impl Stderr {
    fn new(colored: bool, rewrites: bool, err: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(StderrState { err, colored, rewrites, progress: Stage::default() })))
    }

    fn with<T>(&self, act: impl FnOnce(&mut StderrState) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, text: &str) {
        self.with(|state| {
            state.end_progress();
            let _ = writeln!(state.err, "{text}");
        });
    }

    fn warning(&self, text: &str) {
        let colored = self.with(|state| state.colored);
        let word = if colored { painted("Warning:", Paint::Yellow) } else { "Warning:".into() };
        self.note(&format!("{word} {text}"));
    }

    fn progress(&self, stage: &Stage) {
        self.with(|state| state.progress(stage));
    }

    fn conclude(&self, text: &str) {
        let is_told = self.with(|state| !state.rewrites && state.progress != Stage::default());
        if is_told {
            self.note(text);
        }
    }

    fn end_progress(&self) {
        self.with(StderrState::end_progress);
    }

    fn ask(&self, question: &str) -> std::io::Result<()> {
        self.with(|state| {
            state.end_progress();
            write!(state.err, "{question}")?;
            state.err.flush()
        })
    }
}

impl StderrState {
    fn progress(&mut self, stage: &Stage) {
        if *stage == self.progress {
            return;
        }
        if self.rewrites {
            let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
            let shown: String = stage.to_string().chars().take(width.saturating_sub(1)).collect();
            let _ = write!(self.err, "\r\x1b[K{shown}").and_then(|()| self.err.flush());
        } else if stage.state != self.progress.state {
            let _ = writeln!(self.err, "{stage}");
        }
        stage.clone_into(&mut self.progress);
    }

    fn end_progress(&mut self) {
        if self.rewrites && self.progress != Stage::default() {
            let _ = write!(self.err, "\r\x1b[K").and_then(|()| self.err.flush());
        }
        self.progress = Stage::default();
    }
}

fn is_zero(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "0")
}

pub fn painted(text: &str, paint: Paint) -> String {
    let code = match paint {
        Paint::Green => 32,
        Paint::Yellow => 33,
        Paint::Red => 31,
        // Six colours, then the same six brighter.
        Paint::Node(index) if index % 12 < 6 => 31 + index % 12,
        Paint::Node(index) => 91 + index % 12 - 6,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
