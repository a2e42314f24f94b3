//! Where output goes: standard output for data, standard error for everything else.

use crate::error::{Error, ErrorKind};
use crate::k8s::traffic::{Listener, Notice};
use futures::channel::oneshot;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A colour for a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Good.
    Green,
    /// A warning.
    Yellow,
    /// Bad.
    Red,
    /// One of the colours that tell nodes apart.
    Node(u8),
}

/// The terminal, or what stands for it in tests.
pub struct Ui {
    out: Box<dyn Write>,
    aside: Aside,
    colored: bool,
    /// Whether somebody can be asked.
    asks: bool,
    /// Whether standard output is a terminal.
    is_terminal: bool,
    /// Whether that can be cleared.
    clears: bool,
}

impl Ui {
    /// The process's own terminal.
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
            clears: stdout.is_terminal() && !dumb,
            aside: Aside::new(colored(stderr.is_terminal()), stderr.is_terminal() && !plain, Box::new(stderr)),
            out: Box::new(std::io::BufWriter::new(stdout)),
        }
    }

    /// Output that is kept instead of shown.
    pub fn captured(out: Box<dyn Write>, err: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            aside: Aside::new(false, false, err),
            colored: false,
            asks: false,
            is_terminal: false,
            clears: false,
        }
    }

    /// What tells the user of warnings and requests the moment that they come.
    pub fn listener(&self) -> Listener {
        let aside = self.aside.clone();
        Arc::new(move |notice| match notice {
            Notice::Warning(text) => aside.warning(&text),
            Notice::Traffic(text) => aside.note(&text),
        })
    }

    /// Whether colours are used.
    pub fn is_colored(&self) -> bool {
        self.colored
    }

    /// How many columns a line of data may have; any number where it goes to no terminal.
    pub fn columns(&self) -> Option<usize> {
        let size = self.is_terminal.then(terminal_size::terminal_size).flatten();
        size.map(|(width, _)| usize::from(width.0))
    }

    /// A line of data. Shown at once: a pipe's reader need not wait for the end.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn line(&mut self, line: &str) -> Result<(), Error> {
        self.aside.end_progress();
        writeln!(self.out, "{line}")?;
        Ok(self.out.flush()?)
    }

    /// The newest of several texts: on a terminal it takes the place of the one before,
    /// elsewhere it follows it, if it says something new.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn replace(&mut self, before: &str, text: &str) -> Result<(), Error> {
        if self.clears {
            write!(self.out, "\x1b[H\x1b[2J\x1b[3J")?;
        } else if before == text {
            return Ok(());
        }
        self.line(text)
    }

    /// Data as it is.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn data(&mut self, data: &[u8]) -> Result<(), Error> {
        Ok(self.out.write_all(data)?)
    }

    /// Shows what has been written as data so far.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn flush(&mut self) -> Result<(), Error> {
        Ok(self.out.flush()?)
    }

    /// A sentence for the user. That nobody sees it is no failure of the command.
    pub fn note(&mut self, text: &str) {
        self.aside.note(text);
    }

    /// A sentence that the user should not miss, in kubectl's form.
    pub fn warning(&mut self, text: &str) {
        self.aside.warning(text);
    }

    /// How far something is. On a terminal each replaces the one before it;
    /// elsewhere each that says something new is a line.
    pub fn progress(&mut self, text: &str) {
        self.aside.progress(text);
    }

    /// An error, what it came from, and what may help.
    pub fn error(&mut self, error: &Error) {
        // Who pressed Ctrl-C knows it: only what to do next is worth a word.
        let known = error.kind() == ErrorKind::Interrupted && error.hints().is_empty();
        if known || error.kind() == ErrorKind::BrokenPipe {
            self.aside.end_progress();
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

    /// Asks; only a clear yes is one. Whoever waits for the answer may stop waiting: Ctrl-C
    /// ends the question too.
    ///
    /// # Errors
    /// When there is nobody to ask: nothing is ever taken for granted.
    pub async fn confirm(&mut self, question: &str) -> Result<bool, Error> {
        if !self.asks {
            return Err(Error::user("cannot ask for confirmation: this is no terminal").hint("add --yes"));
        }
        self.aside.ask(&format!("{question} (y/N): "))?;
        let (tell, hear) = oneshot::channel();
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = std::io::stdin().lock().read_line(&mut answer);
            // Nobody may be waiting any more.
            let _ = tell.send(read.map(|_| answer));
        });
        let answer = hear.await.map_err(|_| Error::user("the question was not answered"))??;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// Standard error, shared with what speaks up in the middle of a request.
#[derive(Clone)]
struct Aside(Arc<Mutex<AsideState>>);

struct AsideState {
    err: Box<dyn Write + Send>,
    colored: bool,
    /// Whether progress may overwrite its own line.
    rewrites: bool,
    progress: String,
}

impl Aside {
    fn new(colored: bool, rewrites: bool, err: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(AsideState { err, colored, rewrites, progress: String::new() })))
    }

    fn with<T>(&self, act: impl FnOnce(&mut AsideState) -> T) -> T {
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

    fn progress(&self, text: &str) {
        self.with(|state| state.progress(text));
    }

    fn end_progress(&self) {
        self.with(AsideState::end_progress);
    }

    fn ask(&self, question: &str) -> std::io::Result<()> {
        self.with(|state| {
            state.end_progress();
            write!(state.err, "{question}")?;
            state.err.flush()
        })
    }
}

impl AsideState {
    fn progress(&mut self, text: &str) {
        if text == self.progress {
            return;
        }
        let _ = if self.rewrites {
            let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
            let shown: String = text.chars().take(width.saturating_sub(1)).collect();
            write!(self.err, "\r\x1b[K{shown}").and_then(|()| self.err.flush())
        } else {
            writeln!(self.err, "{text}")
        };
        text.clone_into(&mut self.progress);
    }

    fn end_progress(&mut self) {
        if self.rewrites && !self.progress.is_empty() {
            let _ = write!(self.err, "\r\x1b[K");
        }
        self.progress.clear();
    }
}

fn is_zero(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "0")
}

/// The text in a colour, for terminals.
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
