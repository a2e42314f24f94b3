//! Where output goes: standard output for data, standard error for everything else.

use crate::error::{Error, ErrorKind};
use futures::channel::oneshot;
use std::io::{BufRead, IsTerminal, Write};

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
    err: Box<dyn Write>,
    colored: bool,
    /// Whether somebody can be asked.
    asks: bool,
    /// Whether progress may overwrite its own line.
    rewrites: bool,
    /// Whether standard output can be cleared.
    clears: bool,
    progress: String,
}

impl Ui {
    /// The process's own terminal.
    pub fn new(color: Color) -> Self {
        let stdout = std::io::stdout();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let clears = stdout.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let colored = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => stdout.is_terminal() && !plain,
        };
        Self {
            out: Box::new(std::io::BufWriter::new(stdout)),
            err: Box::new(std::io::stderr()),
            colored,
            asks: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            rewrites: std::io::stderr().is_terminal() && !plain,
            clears,
            progress: String::new(),
        }
    }

    /// Output that is kept instead of shown.
    pub fn captured(out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self { out, err, colored: false, asks: false, rewrites: false, clears: false, progress: String::new() }
    }

    /// Whether colours are used.
    pub fn is_colored(&self) -> bool {
        self.colored
    }

    /// A line of data. Shown at once: a pipe's reader need not wait for the end.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn line(&mut self, line: &str) -> Result<(), Error> {
        self.end_progress();
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
        self.end_progress();
        let _ = writeln!(self.err, "{text}");
    }

    /// A sentence that the user should not miss, in kubectl's form.
    pub fn warning(&mut self, text: &str) {
        let word = if self.rewrites && self.colored { painted("Warning:", Paint::Yellow) } else { "Warning:".into() };
        self.note(&format!("{word} {text}"));
    }

    /// How far something is. On a terminal each replaces the one before it;
    /// elsewhere each that says something new is a line.
    pub fn progress(&mut self, text: &str) {
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

    /// An error, what it came from, and what may help.
    pub fn error(&mut self, error: &Error) {
        // Who pressed Ctrl-C knows it: only what to do next is worth a word.
        let known = error.kind() == ErrorKind::Interrupted && error.hints().is_empty();
        if known || error.kind() == ErrorKind::BrokenPipe {
            self.end_progress();
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
        self.end_progress();
        write!(self.err, "{question} (y/N): ")?;
        self.err.flush()?;
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
