//! How a command that went well ended.

/// How a command that went well ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should; of a command that judges: all is well.
    Done,
    /// A command that judges found something wrong.
    Bad,
    /// A command that judges could not tell.
    Unclear,
}

impl Outcome {
    /// The exit status, after the pattern of `diff`.
    pub fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bad => 1,
            Self::Unclear => 2,
        }
    }
}
