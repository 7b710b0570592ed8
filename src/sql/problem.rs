//! What is wrong with a file.

use super::place::line_column;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    pub message: String,
    /// One imperative sentence.
    pub hint: Option<String>,
}

/// A problem at a byte of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub at: usize,
    pub message: String,
    pub hint: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn in_text(self, text: &str) -> Problem {
        let (line, column) = line_column(text, self.at);
        Problem {
            line,
            column,
            message: self.message,
            hint: Some(self.hint),
        }
    }
}
