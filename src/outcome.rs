//! How a command without an error ended.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success; for a command that checks something: healthy.
    Done,
    /// A check found a problem.
    Bad,
    /// A check was incomplete.
    Unclear,
}

impl Outcome {
    /// The exit status, like that of `diff`.
    pub fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bad => 1,
            Self::Unclear => 2,
        }
    }
}
