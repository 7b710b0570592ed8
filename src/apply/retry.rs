//! What an error of the server means for a tenant's step, by its SQLSTATE (manual, appendix A).

use std::time::Duration;

use crate::pg::error::PgError;
use crate::pg::locate::{self, Located};
use crate::report::Failure;

/// How often a transaction is begun anew before its error counts.
pub const MAX_RETRIES: u32 = 6;

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Rolled back; worth another try.
    Retry,
    /// Rolled back; the tenant's or its files' fault.
    Fail,
    /// Rolled back; every other tenant would meet it too.
    Systemic,
    /// COMMIT was sent and no answer came.
    Unknown,
    /// No answer comes any more; COMMIT wasn't sent.
    Silent,
}

/// Where in a tenant's transaction an error came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connect,
    /// Our own statements: locks, checks, the schema, the control rows.
    Own,
    /// A template's or migration's SQL.
    File,
    Commit,
}

/// Judges an error.
#[must_use]
pub fn judge(error: &PgError, phase: Phase) -> Verdict {
    let code = error.sqlstate.as_deref().unwrap_or_default();
    if error.silent && phase != Phase::Commit {
        return Verdict::Silent;
    }
    if error.closed || matches!(code, "57P01" | "57P02" | "57P03") {
        return if phase == Phase::Commit {
            Verdict::Unknown
        } else {
            Verdict::Retry
        };
    }
    match code {
        // A stack of connections has waited for a slot already.
        _ if phase == Phase::Connect && error.is_full() => Verdict::Systemic,
        "40001" | "40P01" | "55P03" | "53300" => Verdict::Retry,
        "25006" | "3D000" | "53100" | "53200" => Verdict::Systemic,
        // In a file it may be about one tenant's object; in our own statements the role lacks what all need.
        "42501" if phase != Phase::File => Verdict::Systemic,
        _ if code.starts_with("28") || code.starts_with("XX") => Verdict::Systemic,
        "" if phase == Phase::Connect => Verdict::Retry,
        _ if code.starts_with("08") => Verdict::Retry,
        _ => Verdict::Fail,
    }
}

/// How long to wait before the `attempt`th retry (from 1); `noise` is in 0..=255.
#[must_use]
pub fn back_off(attempt: u32, noise: u8) -> Duration {
    let base = Duration::from_millis(100 << (attempt.clamp(1, MAX_RETRIES) - 1));
    // Between half and one and a half of the base, so that tenants that met don't meet again.
    base / 2 + base * u32::from(noise) / 255
}

/// An error as it goes into the report, with a hint where a general answer exists.
#[must_use]
pub fn failure(error: &PgError, attempted: &str, located: Option<Located>) -> Failure {
    let failure = locate::failure(error, attempted, located);
    Failure {
        hint: failure.hint.or_else(|| hint(error).map(str::to_owned)),
        ..failure
    }
}

/// What a person can do about an error, where a general answer exists.
#[must_use]
pub fn hint(error: &PgError) -> Option<&'static str> {
    Some(match error.sqlstate.as_deref()? {
        "08P01" if error.is_full() => "Raise the pooler's max_client_conn.",
        "42501" => {
            "Grant the connecting role what it lacks, or make it a member of the declared owner."
        }
        "25006" => "Connect to the primary: this server or role is read-only.",
        "53200" => {
            "Raise max_locks_per_transaction on the server, or lower --parallel: \
             parallel × locks of one tenant must fit into it × max_connections."
        }
        "53100" => "Free disk space on the server, then apply again.",
        "55P03" => {
            "Find who holds the lock (pg_blocking_pids) or raise `timeouts: {lock: …}`, then apply again."
        }
        "57014" => {
            "If it took too long, raise `timeouts: {statement: …}` or give the file `-- tenantry: timeout statement=…`."
        }
        "53300" => "Close connections that nobody needs, or raise max_connections.",
        "55P04" => "Use a new enum value in a later apply than the one that adds it.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> PgError {
        PgError {
            sqlstate: Some(code.to_owned()),
            ..PgError::own("x")
        }
    }

    #[test]
    fn codes_lead_to_verdicts() {
        let cases = [
            ("40001", Phase::File, Verdict::Retry),
            ("40P01", Phase::Commit, Verdict::Retry),
            ("55P03", Phase::File, Verdict::Retry),
            ("53300", Phase::Connect, Verdict::Systemic),
            ("53300", Phase::File, Verdict::Retry),
            ("57P01", Phase::File, Verdict::Retry),
            ("57P01", Phase::Commit, Verdict::Unknown),
            ("57014", Phase::File, Verdict::Fail),
            ("42501", Phase::File, Verdict::Fail),
            ("42501", Phase::Own, Verdict::Systemic),
            ("25006", Phase::File, Verdict::Systemic),
            ("28P01", Phase::Connect, Verdict::Systemic),
            ("23505", Phase::File, Verdict::Fail),
            ("23503", Phase::Commit, Verdict::Fail),
            ("XX001", Phase::File, Verdict::Systemic),
        ];
        for (code, phase, verdict) in cases {
            assert_eq!(judge(&error(code), phase), verdict, "{code} in {phase:?}");
        }
    }

    #[test]
    fn a_lost_connection_is_unknown_only_after_commit_was_sent() {
        let lost = PgError {
            closed: true,
            ..PgError::own("connection closed")
        };
        assert_eq!(judge(&lost, Phase::File), Verdict::Retry);
        assert_eq!(judge(&lost, Phase::Commit), Verdict::Unknown);
        let silent = PgError {
            silent: true,
            ..lost
        };
        assert_eq!(judge(&silent, Phase::Connect), Verdict::Silent);
        assert_eq!(judge(&silent, Phase::File), Verdict::Silent);
        assert_eq!(judge(&silent, Phase::Commit), Verdict::Unknown);
    }

    #[test]
    fn back_off_grows_and_stays_within_its_bounds() {
        assert_eq!(back_off(1, 0), Duration::from_millis(50));
        assert_eq!(back_off(1, 255), Duration::from_millis(150));
        assert!(back_off(6, 255) <= Duration::from_secs(5));
    }
}
