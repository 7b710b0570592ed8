//! `target_session_attrs`: what kind of server a session must be on.

use postgres::{Client, SimpleQueryMessage};

use crate::error::Error;

use super::values::Values;

/// What a session must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    /// A standby if one of the hosts is one.
    PreferStandby,
}

impl Wanted {
    /// Reads the keyword.
    pub fn new(values: &Values) -> Result<Self, Error> {
        let words = [
            ("any", Self::Any),
            ("read-write", Self::ReadWrite),
            ("read-only", Self::ReadOnly),
            ("primary", Self::Primary),
            ("standby", Self::Standby),
            ("prefer-standby", Self::PreferStandby),
        ];
        values.word("target_session_attrs", &words)
    }

    /// What to go through all hosts for, one after the other.
    pub fn rounds(self) -> &'static [Self] {
        match self {
            Self::Any => &[Self::Any],
            Self::ReadWrite => &[Self::ReadWrite],
            Self::ReadOnly => &[Self::ReadOnly],
            Self::Primary => &[Self::Primary],
            Self::Standby => &[Self::Standby],
            Self::PreferStandby => &[Self::Standby, Self::Any],
        }
    }

    /// Why this session isn't it, if it isn't.
    pub fn misfit(self, client: &mut Client) -> Result<Option<&'static str>, postgres::Error> {
        let (question, unwanted, why) = match self {
            Self::Any | Self::PreferStandby => return Ok(None),
            Self::ReadWrite => (READ_ONLY, "on", "the session is read-only"),
            Self::ReadOnly => (READ_ONLY, "off", "the session isn't read-only"),
            Self::Primary => (RECOVERY, "t", "the server is a standby"),
            Self::Standby => (RECOVERY, "f", "the server isn't a standby"),
        };
        let answer = client.simple_query(question)?;
        let is_unwanted = answer.iter().any(|message| {
            matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(unwanted))
        });
        Ok(is_unwanted.then_some(why))
    }
}

const READ_ONLY: &str = "SHOW transaction_read_only";
const RECOVERY: &str = "SELECT pg_catalog.pg_is_in_recovery()";
