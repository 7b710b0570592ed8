//! Every keyword and variable of libpq (manual, 34.1.2 and 34.15, versions 15 to 18), and what becomes of each.
//!
//! None is passed over without a reason: one that would lead elsewhere, or make something else of a connection, is
//! honoured or refused.

/// What becomes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Honoured,
    /// These values ask for what is done anyway; another is refused, for this reason.
    Only(&'static [&'static str], &'static str),
    /// Changes nothing here, for this reason.
    Idle(&'static str),
    /// Refused unless it is empty, for this reason.
    Refused(&'static str),
}

use Decision::{Honoured, Idle, Only, Refused};

/// A keyword, a variable, or both for the same thing.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub keyword: Option<&'static str>,
    pub variable: Option<&'static str>,
    pub decision: Decision,
}

const fn both(keyword: &'static str, variable: &'static str, decision: Decision) -> Setting {
    Setting {
        keyword: Some(keyword),
        variable: Some(variable),
        decision,
    }
}

const fn keyword(keyword: &'static str, decision: Decision) -> Setting {
    Setting {
        keyword: Some(keyword),
        variable: None,
        decision,
    }
}

const fn variable(variable: &'static str, decision: Decision) -> Setting {
    Setting {
        keyword: None,
        variable: Some(variable),
        decision,
    }
}

/// All of them; `user` and the like first, then what guards a connection, then what is only about how it works.
pub const SETTINGS: [Setting; 58] = [
    both("service", "PGSERVICE", Honoured),
    variable("PGSERVICEFILE", Honoured),
    variable("PGSYSCONFDIR", Honoured),
    both("host", "PGHOST", Honoured),
    both("hostaddr", "PGHOSTADDR", Honoured),
    both("port", "PGPORT", Honoured),
    both("dbname", "PGDATABASE", Honoured),
    both("user", "PGUSER", Honoured),
    both("password", "PGPASSWORD", Honoured),
    both("passfile", "PGPASSFILE", Honoured),
    both("target_session_attrs", "PGTARGETSESSIONATTRS", Honoured),
    both("load_balance_hosts", "PGLOADBALANCEHOSTS", Honoured),
    both("sslmode", "PGSSLMODE", Honoured),
    variable("PGREQUIRESSL", Honoured),
    both("sslnegotiation", "PGSSLNEGOTIATION", Honoured),
    both("sslrootcert", "PGSSLROOTCERT", Honoured),
    both("sslcert", "PGSSLCERT", Honoured),
    both("sslkey", "PGSSLKEY", Honoured),
    keyword("sslpassword", Refused(NO_ENCRYPTED_KEY)),
    both(
        "sslcertmode",
        "PGSSLCERTMODE",
        Only(
            &["", "allow", "disable"],
            "whether the server asked for a certificate isn't known here",
        ),
    ),
    both("sslcrl", "PGSSLCRL", Honoured),
    both("sslcrldir", "PGSSLCRLDIR", Honoured),
    both("sslsni", "PGSSLSNI", Honoured),
    both(
        "ssl_min_protocol_version",
        "PGSSLMINPROTOCOLVERSION",
        Honoured,
    ),
    both(
        "ssl_max_protocol_version",
        "PGSSLMAXPROTOCOLVERSION",
        Honoured,
    ),
    both(
        "sslcompression",
        "PGSSLCOMPRESSION",
        Only(&["", "0", "1"], "nothing is compressed"),
    ),
    keyword(
        "sslkeylogfile",
        Refused("keys of TLS sessions aren't written out"),
    ),
    both("channel_binding", "PGCHANNELBINDING", Honoured),
    both("require_auth", "PGREQUIREAUTH", Refused(NO_HOLD)),
    both("requirepeer", "PGREQUIREPEER", Refused(NO_HOLD)),
    both(
        "gssencmode",
        "PGGSSENCMODE",
        Only(&["disable", "prefer"], NO_GSSAPI),
    ),
    both("krbsrvname", "PGKRBSRVNAME", Idle(NO_GSSAPI)),
    both("gsslib", "PGGSSLIB", Idle(NO_GSSAPI)),
    both("gssdelegation", "PGGSSDELEGATION", Idle(NO_GSSAPI)),
    keyword("scram_client_key", Refused(NO_KEYS)),
    keyword("scram_server_key", Refused(NO_KEYS)),
    keyword("oauth_issuer", Refused(NO_OAUTH)),
    keyword("oauth_client_id", Refused(NO_OAUTH)),
    keyword("oauth_client_secret", Refused(NO_OAUTH)),
    keyword("oauth_scope", Refused(NO_OAUTH)),
    variable("PGOAUTHDEBUG", Idle(NO_OAUTH)),
    both("connect_timeout", "PGCONNECT_TIMEOUT", Honoured),
    keyword("keepalives", Honoured),
    keyword("keepalives_idle", Honoured),
    keyword("keepalives_interval", Honoured),
    keyword("keepalives_count", Honoured),
    keyword("tcp_user_timeout", Honoured),
    both(
        "min_protocol_version",
        "PGMINPROTOCOLVERSION",
        Only(&["", "3.0"], ONE_PROTOCOL),
    ),
    both(
        "max_protocol_version",
        "PGMAXPROTOCOLVERSION",
        Only(&["", "3.0", "3.2", "latest"], ONE_PROTOCOL),
    ),
    keyword(
        "replication",
        Only(
            &["", "0", "false", "off", "no"],
            "a replication connection runs no plans",
        ),
    ),
    both("options", "PGOPTIONS", Refused(NO_OPTIONS)),
    variable("PGDATESTYLE", Refused(NO_OPTIONS)),
    variable("PGTZ", Refused(NO_OPTIONS)),
    variable("PGGEQO", Refused(NO_OPTIONS)),
    both("client_encoding", "PGCLIENTENCODING", Idle("it is UTF-8")),
    both("application_name", "PGAPPNAME", Idle(OWN_NAME)),
    keyword("fallback_application_name", Idle(OWN_NAME)),
    variable("PGLOCALEDIR", Idle("messages are in English")),
];

const NO_ENCRYPTED_KEY: &str =
    "encrypted keys aren't supported; name a key file without a password";
const NO_HOLD: &str = "the driver can't hold the server to it";
const NO_KEYS: &str = "the driver takes a password only";
const NO_GSSAPI: &str = "GSSAPI isn't supported";
const NO_OAUTH: &str = "OAuth isn't supported; use password_command";
const ONE_PROTOCOL: &str = "the driver speaks protocol 3.0";
const OWN_NAME: &str = "it is always ours, so that whoever meets a lock of ours sees whose it is";
const NO_OPTIONS: &str = "settings of a session aren't sent, since they don't pass a transaction-pooling proxy; \
                          set such things with ALTER ROLE … SET";

/// What a keyword is; `None` for one that libpq doesn't know.
pub fn of_keyword(keyword: &str) -> Option<&'static Setting> {
    SETTINGS
        .iter()
        .find(|setting| setting.keyword == Some(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PQconndefaults()` and the variables read beside it, of libpq 15, 16, 17 and 18 together.
    const KEYWORDS: &str = "service user password passfile channel_binding connect_timeout dbname host hostaddr port \
        client_encoding options application_name fallback_application_name keepalives keepalives_idle \
        keepalives_interval keepalives_count tcp_user_timeout sslmode sslnegotiation sslcompression sslcert sslkey \
        sslcertmode sslpassword sslrootcert sslcrl sslcrldir sslsni requirepeer require_auth min_protocol_version \
        max_protocol_version ssl_min_protocol_version ssl_max_protocol_version gssencmode krbsrvname gsslib \
        gssdelegation replication target_session_attrs load_balance_hosts scram_client_key scram_server_key \
        oauth_issuer oauth_client_id oauth_client_secret oauth_scope sslkeylogfile";
    const VARIABLES: &str = "PGSERVICE PGUSER PGPASSWORD PGPASSFILE PGCHANNELBINDING PGCONNECT_TIMEOUT PGDATABASE \
        PGHOST PGHOSTADDR PGPORT PGCLIENTENCODING PGOPTIONS PGAPPNAME PGSSLMODE PGSSLNEGOTIATION PGSSLCOMPRESSION \
        PGSSLCERT PGSSLKEY PGSSLCERTMODE PGSSLROOTCERT PGSSLCRL PGSSLCRLDIR PGSSLSNI PGREQUIREPEER PGREQUIREAUTH \
        PGMINPROTOCOLVERSION PGMAXPROTOCOLVERSION PGSSLMINPROTOCOLVERSION PGSSLMAXPROTOCOLVERSION PGGSSENCMODE \
        PGKRBSRVNAME PGGSSLIB PGGSSDELEGATION PGTARGETSESSIONATTRS PGLOADBALANCEHOSTS PGREQUIRESSL PGDATESTYLE PGTZ \
        PGGEQO PGSERVICEFILE PGSYSCONFDIR PGLOCALEDIR PGOAUTHDEBUG";

    #[test]
    fn every_keyword_and_variable_of_libpq_is_decided_once() {
        let sorted = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        let keywords = SETTINGS.iter().filter_map(|setting| setting.keyword);
        assert_eq!(
            sorted(keywords.collect()),
            sorted(KEYWORDS.split_whitespace().collect())
        );
        let variables = SETTINGS.iter().filter_map(|setting| setting.variable);
        assert_eq!(
            sorted(variables.collect()),
            sorted(VARIABLES.split_whitespace().collect())
        );
    }

    /// Of the libpq that the system's loader finds, if it has one: what it holds between two NULs.
    #[test]
    fn the_variables_of_the_libpq_at_hand_are_decided() {
        let listed = std::process::Command::new("ldconfig").arg("-p").output();
        let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let text = listed.unwrap_or_default();
        let line = text.lines().find(|line| line.contains("libpq.so.5"));
        let Some((_, path)) = line.and_then(|line| line.split_once("=> ")) else {
            return;
        };
        let bytes = std::fs::read(path.trim()).unwrap();
        let is_variable = |text: &&str| {
            let is_capital = |byte: u8| byte.is_ascii_uppercase();
            text.len() > 3 && text.starts_with("PG") && text.bytes().all(is_capital)
        };
        let texts = bytes.split(|byte| *byte == 0);
        let found: Vec<&str> = texts
            .filter_map(|text| std::str::from_utf8(text).ok())
            .filter(is_variable)
            // The name of the SQLSTATE table's owner, and no variable.
            .filter(|text| *text != "PGSQL")
            .collect();
        assert!(found.contains(&"PGHOST"), "{found:?}");
        let known: Vec<&str> = VARIABLES.split_whitespace().collect();
        let unknown: Vec<&&str> = found.iter().filter(|name| !known.contains(*name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
