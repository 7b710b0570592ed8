//! Where a schema's files run: as whom, along which path and for how long; and what keeps one from the next.

use std::time::Duration;

use crate::model::desired::Timeouts;
use crate::model::name::{RoleName, SchemaName, SqlName, quote_literal};

use super::files::Files;
use super::runner::Script;
use super::wire::{self, BEGIN, OWN_PATH, guards};

/// A schema that files run in, inside one transaction.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    pub schema: &'a SchemaName,
    /// `None` means the connecting role.
    pub owner: Option<&'a RoleName>,
    /// What follows the schema on the path.
    pub search_path: &'a [SchemaName],
    pub timeouts: Timeouts,
    /// The name under which the server shows the transaction; that it still holds proves that no file ended it.
    pub application_name: String,
}

impl Stage<'_> {
    /// Begins the transaction.
    #[must_use]
    pub fn begin(&self) -> String {
        format!(
            "{BEGIN}; DISCARD TEMP; {OWN_PATH}; {}; SET LOCAL standard_conforming_strings = on; {HEAR_ALL}",
            self.settings()
        )
    }

    /// What holds for the whole transaction, but for what files set for themselves.
    fn settings(&self) -> String {
        format!(
            "{} SET LOCAL application_name = {}",
            guards(self.timeouts),
            quote_literal(&self.application_name)
        )
    }

    /// What follows a file: nothing it has set or left in the session reaches another file or tenant.
    #[must_use]
    pub fn afresh(&self) -> String {
        [
            OWN_PATH.to_owned(),
            still_in_transaction(&self.application_name),
            CLEAN.to_owned(),
            self.settings(),
        ]
        .join(";\n")
    }

    /// Becomes the owner.
    #[must_use]
    pub fn role(&self) -> String {
        self.owner.map_or_else(
            || "SET LOCAL ROLE NONE".to_owned(),
            |owner| format!("SET LOCAL ROLE {}", owner.quoted()),
        )
    }

    /// Role, `search_path` and timeouts, as they stand before every file.
    #[must_use]
    pub fn pin(&self) -> String {
        let shared = self.search_path.iter().map(SqlName::quoted);
        let path: Vec<String> = std::iter::once(self.schema.quoted())
            .chain(shared)
            .collect();
        // In milliseconds, as PostgreSQL takes them without a unit.
        let lock = self.timeouts.lock.0.as_millis();
        let statement = self.timeouts.statement.0.as_millis();
        format!(
            "{}; SET LOCAL search_path = {}, pg_temp; SET LOCAL lock_timeout = {lock}; \
             SET LOCAL statement_timeout = {statement}",
            self.role(),
            path.join(", ")
        )
    }

    /// What stands between two files. Where nothing was put off, nothing needs to be settled.
    #[must_use]
    pub fn between(&self, settles: bool) -> String {
        let settle = if settles { SETTLE_CONSTRAINTS } else { "" };
        [self.afresh(), self.pin(), settle.to_owned()].join(";\n")
    }

    /// Makes the schema.
    #[must_use]
    pub fn create_schema(&self) -> String {
        let authorization = self
            .owner
            .map(|owner| format!(" AUTHORIZATION {}", owner.quoted()));
        format!(
            "CREATE SCHEMA {}{}",
            self.schema.quoted(),
            authorization.unwrap_or_default()
        )
    }

    /// How long a message of ours may take: together its statements are as quick as one of a file's may be.
    #[must_use]
    pub fn one(&self) -> Duration {
        wire::limit(times(self.timeouts.statement.0, 1))
    }

    /// How long the message with the files may take: each of their statements its timeout, and once more for ours.
    #[must_use]
    pub fn all(&self, script: &Script, sent: &Files<'_>) -> Duration {
        let timeout = self.timeouts.statement.0;
        let files = script.texts().map(|text| {
            let own = sent.directives(text.file);
            let own = own.and_then(|directives| directives.statement_timeout);
            // As many semicolons as statements, or more.
            let statements = 1 + text.sql.bytes().filter(|byte| *byte == b';').count();
            times(own.unwrap_or(timeout), statements)
        });
        wire::limit(files.fold(times(timeout, 1), Duration::saturating_add))
    }
}

/// The time of so many statements; a timeout of zero is none, as it is to the server.
fn times(timeout: Duration, statements: usize) -> Duration {
    if timeout.is_zero() {
        return Duration::MAX;
    }
    timeout.saturating_mul(u32::try_from(statements).unwrap_or(u32::MAX))
}

/// Undoes what a file may leave in the session, which the next tenant would find there: settings and roles that
/// `set_config` gave it for good, temporary tables, cursors, listening, locks of the session. Inside of the
/// transaction, so that it goes with the commit, and no session is ever handed on to others unclean. What others
/// have left in a pooler's session goes too; they couldn't count on it.
/// `DEALLOCATE` isn't among it: behind a proxy the prepared statements may be other clients'.
const CLEAN: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET client_encoding = 'UTF8'; \
     DISCARD TEMP; DISCARD SEQUENCES; CLOSE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all()";

/// The notice of a name that is cut must come, and it comes when a message is parsed.
const HEAR_ALL: &str = "SET LOCAL client_min_messages = notice";

/// Fails when the application name isn't ours any more: then a file has ended the transaction it was set in.
fn still_in_transaction(name: &str) -> String {
    // The cast of the setting can't be folded away, and is only reached when the names differ.
    format!(
        "SELECT CASE WHEN pg_catalog.current_setting('application_name') = {} THEN 0 \
         ELSE ('a file ended its transaction, or set application_name: ' || pg_catalog.current_setting('application_name'))::int END",
        quote_literal(name)
    )
}

/// Checks what the files so far have put off, since PostgreSQL refuses to alter a table with pending trigger
/// events (55006). Only the schema's own INITIALLY DEFERRED constraints, by name: `ALL` would put off others too.
/// Found through `pg_depend`, because `pg_constraint` and `pg_class` have no index that starts with the schema.
const SETTLE_CONSTRAINTS: &str = "DO 'DECLARE names text; BEGIN \
SELECT pg_catalog.string_agg(pg_catalog.format(''%I.%I'', n.nspname, c.conname), '', '') INTO names \
FROM pg_catalog.pg_namespace n \
JOIN pg_catalog.pg_depend d ON d.refclassid = ''pg_catalog.pg_namespace''::pg_catalog.regclass::pg_catalog.oid \
AND d.refobjid = n.oid AND d.classid = ''pg_catalog.pg_class''::pg_catalog.regclass::pg_catalog.oid \
JOIN pg_catalog.pg_constraint c ON c.conrelid = d.objid AND c.condeferred \
WHERE n.nspname = pg_catalog.current_schema(); \
IF names IS NOT NULL THEN EXECUTE ''SET CONSTRAINTS '' || names || '' IMMEDIATE''; \
EXECUTE ''SET CONSTRAINTS '' || names || '' DEFERRED''; END IF; END'";
