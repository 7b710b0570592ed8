//! What went wrong, for people, and the exit code it leads to.

use std::fmt;

/// Exit codes of the program; documented, stable, one test each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed; nothing was changed.
    Failed = 1,
    /// Changes pending, drift or damage found.
    Differs = 2,
    /// Something was changed, and something else wasn't.
    Partial = 3,
    /// Refused; nothing was changed.
    Refused = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// Wrong usage.
    Usage = 64,
    /// Invalid desired state, template or migration.
    Invalid = 65,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The exit of this code; `Failed` for one that isn't ours.
    #[must_use]
    pub fn of_code(code: u8) -> Self {
        [
            Self::Done,
            Self::Differs,
            Self::Partial,
            Self::Refused,
            Self::Locked,
            Self::Usage,
            Self::Invalid,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|exit| *exit as u8 == code)
        .unwrap_or(Self::Failed)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure: what was attempted and where, the cause's own words, and what to do next.
#[derive(Clone, Debug)]
pub struct Error {
    pub exit: Exit,
    pub message: String,
    /// One imperative sentence.
    pub hint: Option<String>,
}

impl Error {
    /// Failed; nothing was changed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Refused; nothing was changed.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// Wrong usage.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An error that ends the program with `exit`.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_exits() {
        let codes = (0..=u8::MAX).filter(|code| Exit::of_code(*code) as u8 == *code);
        assert_eq!(codes.collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 64, 65, 130]);
        assert_eq!(Exit::of_code(99), Exit::Failed);
    }
}
