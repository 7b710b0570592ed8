//! Where a connection leads to: URL, `PG*` variables and TLS modes, resolved in one place with libpq's rules.
//!
//! A password is nowhere in what is displayed, logged or said in an error.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use postgres::config::Host;
use postgres::error::DbError;
use postgres::{CancelToken, Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;
use crate::model::desired::Cluster;
use crate::model::env::{Env, expand};

use super::conninfo::{self, Keywords};
use super::passfile::{self, Login};
use super::tls::{self, TlsMode};

/// A connection target, ready to be connected to.
#[derive(Clone)]
pub struct Target {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    place: String,
    password: Option<String>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Target {
    /// Host, port, database and user for messages, as in `main-db:5432/app as deploy`.
    #[must_use]
    pub fn place(&self) -> String {
        self.place.clone()
    }

    /// The password, so that output can be cleaned of it.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Opens a connection whose notices go to `on_notice`.
    pub(super) fn connect(
        &self,
        on_notice: impl Fn(DbError) + Send + Sync + 'static,
    ) -> Result<Client, postgres::Error> {
        let mut config = self.config.clone();
        config.notice_callback(on_notice);
        match &self.tls {
            Some(tls) => config.connect(tls.clone()),
            None => config.connect(NoTls),
        }
    }

    /// How long the server may take to let somebody in: `connect_timeout`, or 10 s where that is 0.
    pub(super) fn quiet(&self) -> Duration {
        let given = self.config.get_connect_timeout().copied();
        given.unwrap_or(Duration::from_secs(10))
    }

    /// How long connecting may take: every host may be tried for that long.
    pub(super) fn connecting(&self) -> Duration {
        let hosts = self.config.get_hosts().len();
        let hosts = hosts.max(self.config.get_hostaddrs().len()).max(1);
        // The driver's own timeout, which knows which host it was, comes first where it applies.
        self.quiet() * u32::try_from(hosts).unwrap_or(u32::MAX) + Duration::from_secs(1)
    }

    /// Asks the server to cancel what a connection is doing, on a connection of its own and as well encrypted.
    pub(super) fn cancel(&self, token: &CancelToken) -> Result<(), postgres::Error> {
        match &self.tls {
            Some(tls) => token.cancel_query(tls.clone()),
            None => token.cancel_query(NoTls),
        }
    }
}

/// libpq's variables (manual, 34.15) that fill what a URL leaves open.
const VARIABLES: [(&str, &str); 12] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
];

/// Settings that would lead elsewhere, or do something else, if they were passed over.
const REFUSED: [(&str, &str, &str); 7] = [
    ("PGOPTIONS", "options", NO_OPTIONS),
    ("PGSERVICE", "service", "service files aren't supported yet"),
    (
        "PGREQUIREAUTH",
        "require_auth",
        "the driver can't hold the server to it",
    ),
    (
        "PGREQUIREPEER",
        "requirepeer",
        "the driver can't hold the server to it",
    ),
    (
        "PGSSLCERT",
        "sslcert",
        "client certificates aren't supported yet",
    ),
    ("PGSSLCRL", "sslcrl", NO_REVOCATION),
    ("PGSSLCRLDIR", "sslcrldir", NO_REVOCATION),
];

const NO_REVOCATION: &str = "revocation lists aren't supported yet";

const NO_OPTIONS: &str = "start-up options aren't sent, since they don't pass a transaction-pooling proxy; \
                          set such things with ALTER ROLE … SET";

/// In seconds. The driver has no read timeout, so a peer that is gone must show on the socket.
const DEFAULTS: [(&str, &str); 4] = [
    ("connect_timeout", "10"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "10"),
    ("keepalives_retries", "3"),
];

const TCP_USER_TIMEOUT: Duration = Duration::from_mins(1);

/// Where distributions put the server's socket.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Resolves a cluster's target; of these the first wins: `--database-url`, the cluster's `url`,
/// `TENANTRY_DATABASE_URL`, `DATABASE_URL`. What it leaves open comes from `PG*`, and then from libpq's defaults,
/// a password at last from the password file.
///
/// `application_name` is always ours, so that whoever meets a lock of ours sees whose it is.
///
/// # Errors
/// A setting is malformed, unknown or unsupported; the message says where it comes from.
pub fn resolve(flag: Option<&str>, cluster: &Cluster, env: Env<'_>) -> Result<Target, Error> {
    let (source, text) = connection_string(flag, cluster, env)?;
    let fault = |problem: String| {
        Error::failed(format!("connection settings ({source}): {problem}"))
            .hint("Write postgresql://user@host:port/database?sslmode=verify-full, or set PGHOST and others.")
    };
    let mut keywords = conninfo::parse(&text).map_err(fault)?;
    from_environment(&mut keywords, env).map_err(fault)?;
    defaults(&mut keywords).map_err(fault)?;
    password_from_file(&mut keywords, env);
    target(keywords).map_err(fault)
}

/// The text that names the target, and where it was found.
fn connection_string(
    flag: Option<&str>,
    cluster: &Cluster,
    env: Env<'_>,
) -> Result<(&'static str, String), Error> {
    if let Some(text) = flag {
        return Ok(("--database-url", text.to_owned()));
    }
    if let Some(text) = &cluster.url {
        let text = expand(text, env).map_err(|problem| {
            Error::failed(format!("connection settings (`url`): {problem}"))
                .hint("Set the variable, or give --database-url.")
        })?;
        if text.trim().is_empty() {
            // Taken for no URL at all, it would lead to the database of `PG*`.
            return Err(Error::failed("connection settings (`url`): it is empty")
                .hint("Set the variables that it names, or give --database-url."));
        }
        return Ok(("`url`", text));
    }
    let found = ["TENANTRY_DATABASE_URL", "DATABASE_URL"]
        .into_iter()
        .find_map(|name| Some((name, set(env, name)?)));
    Ok(found.unwrap_or(("PG* variables", String::new())))
}

/// An empty variable counts as none.
fn set(env: Env<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

fn from_environment(keywords: &mut Keywords, env: Env<'_>) -> Result<(), String> {
    for (variable, keyword, why) in REFUSED {
        if keywords.contains_key(keyword) {
            return Err(format!("`{keyword}`: {why}"));
        }
        if set(env, variable).is_some() {
            return Err(format!("{variable} is set: {why}"));
        }
    }
    for (variable, keyword) in VARIABLES {
        if let Some(value) = set(env, variable) {
            keywords.entry(keyword.to_owned()).or_insert(value);
        }
    }
    Ok(())
}

fn defaults(keywords: &mut Keywords) -> Result<(), String> {
    // libpq's name of it.
    if let Some(count) = keywords.remove("keepalives_count") {
        keywords.insert("keepalives_retries".to_owned(), count);
    }
    for (keyword, value) in DEFAULTS {
        let entry = keywords.entry(keyword.to_owned());
        entry.or_insert_with(|| value.to_owned());
    }
    if !keywords.contains_key("host") {
        let host = keywords
            .get("hostaddr")
            .cloned()
            .unwrap_or_else(|| local_host(keywords.get("port").map_or("5432", String::as_str)));
        keywords.insert("host".to_owned(), host);
    }
    if !keywords.contains_key("user") {
        let user = whoami::username().map_err(|error| format!("no user is given, and {error}"))?;
        keywords.insert("user".to_owned(), user);
    }
    let user = keywords["user"].clone();
    keywords.entry("dbname".to_owned()).or_insert(user);
    Ok(())
}

/// Looks a password up that nothing else gave.
fn password_from_file(keywords: &mut Keywords, env: Env<'_>) {
    let given = keywords.remove("passfile");
    if keywords.contains_key("password") {
        return;
    }
    let Some(text) = passfile::read(given.as_deref(), env) else {
        return;
    };
    let logins = logins(keywords);
    let mut found: Vec<_> = logins
        .iter()
        .map(|login| passfile::password(&text, *login))
        .collect();
    found.dedup();
    match <[_; 1]>::try_from(found) {
        Ok([Some(password)]) => {
            keywords.insert("password".to_owned(), password);
        }
        Ok([None]) => {}
        Err(_) => log::warn!(
            "the password file has different passwords for these hosts, and the driver takes one for all; none is used"
        ),
    }
}

/// One for each host.
fn logins(keywords: &Keywords) -> Vec<Login<'_>> {
    let ports: Vec<&str> = keywords
        .get("port")
        .map_or("5432", String::as_str)
        .split(',')
        .collect();
    let hosts = keywords["host"].split(',').enumerate();
    hosts
        .map(|(index, host)| Login {
            // So does libpq.
            host: if SOCKET_FOLDERS.contains(&host) {
                "localhost"
            } else {
                host
            },
            port: ports
                .get(index)
                .or(ports.first())
                .filter(|port| !port.is_empty())
                .unwrap_or(&"5432"),
            database: &keywords["dbname"],
            user: &keywords["user"],
        })
        .collect()
}

/// The folder that holds the server's socket, else `localhost`.
fn local_host(port: &str) -> String {
    let socket = |folder: &&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
    let found = SOCKET_FOLDERS.iter().find(|folder| socket(folder));
    found.unwrap_or(&"localhost").to_string()
}

fn target(mut keywords: Keywords) -> Result<Target, String> {
    let root = keywords.remove("sslrootcert");
    let mode = tls_mode(keywords.remove("sslmode"), root.as_deref())?;
    let tcp_user_timeout = tcp_user_timeout(keywords.remove("tcp_user_timeout"))?;
    let password = keywords.get("password").cloned();
    keywords.insert("application_name".to_owned(), "tenantry".to_owned());
    let mut config = for_driver(&keywords)?;
    config.tcp_user_timeout(tcp_user_timeout);
    let by_socket = config.get_hosts().iter().all(is_socket);
    // A socket isn't encrypted, whatever the mode, as with libpq.
    let mode = if by_socket { TlsMode::Disable } else { mode };
    config.ssl_mode(mode.driver());
    let place = place(&config);
    if mode == TlsMode::Prefer && !config.get_hosts().iter().all(is_local) {
        log::warn!(
            "{place}: sslmode=prefer verifies nothing and falls back to plain text; give sslmode=verify-full"
        );
    }
    Ok(Target {
        tls: tls::connector(mode, root.as_deref())?,
        config,
        place,
        password,
    })
}

/// `prefer`, but `verify-full` with the machine's roots, is the default, as with libpq.
fn tls_mode(text: Option<String>, root: Option<&str>) -> Result<TlsMode, String> {
    match text {
        Some(text) => TlsMode::parse(&text).ok_or_else(|| {
            "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full".to_owned()
        }),
        None if root == Some("system") => Ok(TlsMode::VerifyFull),
        None => Ok(TlsMode::Prefer),
    }
}

/// In milliseconds with libpq, in seconds with the driver.
fn tcp_user_timeout(text: Option<String>) -> Result<Duration, String> {
    let Some(text) = text else {
        return Ok(TCP_USER_TIMEOUT);
    };
    let parsed = text.parse().map(Duration::from_millis);
    parsed.map_err(|_| "tcp_user_timeout isn't a number of milliseconds".to_owned())
}

/// Lets the driver judge what is left.
fn for_driver(keywords: &Keywords) -> Result<Config, String> {
    let mut text = String::new();
    for (keyword, value) in keywords {
        let is_word = keyword
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !is_word {
            return Err("a keyword isn't one of PostgreSQL's".to_owned());
        }
        let value = value.replace('\\', r"\\").replace('\'', r"\'");
        text.extend([keyword.as_str(), "='", &value, "' "]);
    }
    text.parse().map_err(|error: postgres::Error| {
        use std::error::Error as _;
        let source = error.source().map(ToString::to_string);
        source.unwrap_or_else(|| error.to_string())
    })
}

fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        Host::Unix(_) => true,
    }
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
            match host {
                Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        })
        .collect();
    format!(
        "{}/{} as {}",
        hosts.join(","),
        config.get_dbname().unwrap_or_default(),
        config.get_user().unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(url: Option<&str>) -> Cluster {
        Cluster {
            url: url.map(str::to_owned),
            parallel: None,
        }
    }

    fn resolved(
        flag: Option<&str>,
        url: Option<&str>,
        env: &[(&str, &str)],
    ) -> Result<Target, Error> {
        resolve(flag, &cluster(url), &|name| {
            env.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_url_leads_nowhere() {
        let error = resolved(None, Some("${MAIN}"), &[("MAIN", ""), ("PGHOST", "pg")]);
        assert!(error.unwrap_err().message.contains("empty"));
    }

    #[test]
    fn the_first_source_wins_and_the_variables_fill_it() {
        let env = [
            ("TENANTRY_DATABASE_URL", "postgres://t@tenantry/t"),
            ("DATABASE_URL", "postgres://d@database/d"),
            ("PGHOST", "pg"),
            ("PGPORT", "6000"),
            ("PGUSER", "u"),
            ("WHERE", "there"),
        ];
        let place = |flag, url, env: &[_]| resolved(flag, url, env).unwrap().place();
        let flag = Some("postgres://f@flag:1/f");
        let url = Some("postgres://c@${WHERE}/${NAME:-c}");
        assert_eq!(place(flag, url, &env), "flag:1/f as f");
        assert_eq!(place(None, url, &env), "there:6000/c as c");
        assert_eq!(place(None, None, &env), "tenantry:6000/t as t");
        assert_eq!(place(None, None, &env[1..]), "database:6000/d as d");
        assert_eq!(place(None, None, &env[2..]), "pg:6000/u as u");
        assert_eq!(place(Some("dbname=x"), None, &env), "pg:6000/x as u");
        assert_eq!(
            place(Some("host=a,b port=1,2"), None, &env),
            "a:1,b:2/u as u"
        );
        assert_eq!(
            place(Some("host=::1 user='a b'"), None, &[]),
            "[::1]:5432/a b as a b"
        );
    }

    #[test]
    fn nothing_given_leads_to_this_machine() {
        let place = resolved(None, None, &[("DATABASE_URL", "")])
            .unwrap()
            .place();
        let user = whoami::username().unwrap();
        assert!(
            place.ends_with(&format!(":5432/{user} as {user}")),
            "{place}"
        );
        assert!(
            place.starts_with('/') || place.starts_with("localhost"),
            "{place}"
        );
    }

    #[test]
    fn every_connection_has_its_timeouts() {
        let config = resolved(Some("postgres://h"), None, &[]).unwrap().config;
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(10)));
        assert_eq!(config.get_keepalives_idle(), Duration::from_secs(30));
        assert_eq!(
            config.get_keepalives_interval(),
            Some(Duration::from_secs(10))
        );
        assert_eq!(config.get_keepalives_retries(), Some(3));
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_mins(1)));
        assert_eq!(config.get_application_name(), Some("tenantry"));
        let given = "postgres://h?tcp_user_timeout=5000&connect_timeout=2&keepalives_count=7&application_name=x";
        let config = resolved(Some(given), None, &[]).unwrap().config;
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(5)));
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(2)));
        assert_eq!(config.get_keepalives_retries(), Some(7));
        assert_eq!(config.get_application_name(), Some("tenantry"));
    }

    #[test]
    fn tls_modes_are_the_drivers() {
        use postgres::config::SslMode;
        let cases = [
            ("postgres://h", SslMode::Prefer),
            ("postgres://h?sslmode=disable", SslMode::Disable),
            ("postgres://h?sslmode=allow", SslMode::Prefer),
            ("postgres://h?sslmode=require", SslMode::Require),
            ("postgres://%2Ftmp?sslmode=verify-full", SslMode::Disable),
        ];
        for (url, mode) in cases {
            let target = resolved(Some(url), None, &[("PGSSLMODE", "")]).unwrap();
            assert_eq!(target.config.get_ssl_mode(), mode, "{url}");
            assert_eq!(target.tls.is_some(), mode != SslMode::Disable, "{url}");
        }
    }

    /// URL, environment, and what the error names.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

    #[test]
    fn bad_settings_are_named_without_secrets() {
        let cases: [Case; 13] = [
            ("postgres://u:hush@h?nonsense=hush", &[], "nonsense"),
            ("postgres://u:hush@h?HU=hush", &[], "keyword"),
            ("postgres://u:hush@h?sslmode=hush", &[], "sslmode"),
            ("postgres://u:hush@h:hush", &[], "port"),
            ("postgres://u:hush@h?options=-chush", &[], "`options`"),
            ("postgres://u:hush@h?sslcert=hush", &[], "sslcert"),
            (
                "postgres://u:hush@h?tcp_user_timeout=hush",
                &[],
                "tcp_user_timeout",
            ),
            (
                "postgres://u:hush@h",
                &[("PGOPTIONS", "-c hush=on")],
                "PGOPTIONS",
            ),
            ("postgres://u:hush@h", &[("PGSERVICE", "hush")], "PGSERVICE"),
            (
                "postgres://u:hush@h",
                &[("PGREQUIREPEER", "hush")],
                "PGREQUIREPEER",
            ),
            ("postgres://u:hush@h", &[("PGSSLCERT", "hush")], "PGSSLCERT"),
            ("postgres://u:hush@h", &[("PGSSLCRL", "hush")], "PGSSLCRL"),
            (
                "postgres://h?sslmode=verify-ca&sslrootcert=/none.pem",
                &[],
                "/none.pem",
            ),
        ];
        for (url, env, named) in cases {
            let error = resolved(Some(url), None, env).unwrap_err();
            assert!(error.message.contains(named), "{error}");
            assert!(!error.message.to_lowercase().contains("hu"), "{error}");
        }
        let error = resolved(None, Some("postgres://${NONE}"), &[]).unwrap_err();
        assert!(error.message.contains("NONE"), "{error}");
    }

    #[test]
    fn the_password_file_fills_in_what_is_left() {
        use std::os::unix::fs::OpenOptionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passfile");
        let mut options = std::fs::File::options();
        let mut file = options
            .write(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        let lines = "a:5432:d:u:one\nb:6000:d:u:one\nc:*:*:*:two\nlocalhost:*:d:u:here\n";
        std::io::Write::write_all(&mut file, lines.as_bytes()).unwrap();
        let path = path.to_str().unwrap();
        let password = |url: &str, env: &[_]| {
            let target = resolved(Some(url), None, env).unwrap();
            let driver = target.config.get_password().map(<[u8]>::to_vec);
            assert_eq!(driver.as_deref(), target.password().map(str::as_bytes));
            target.password
        };
        let file = [("PGPASSFILE", path)];
        let cases = [
            ("postgres://u@a/d", Some("one")),
            ("postgres://u:given@a/d", Some("given")),
            ("postgres://u@a,b:6000/d", Some("one")),
            ("postgres://u@a,c/d", None),
            ("postgres://u@b/d", None),
            ("postgres://u@%2Fvar%2Frun%2Fpostgresql/d", Some("here")),
        ];
        for (url, expected) in cases {
            assert_eq!(password(url, &file).as_deref(), expected, "{url}");
        }
        let variables = [file[0], ("PGPASSWORD", "variable")];
        assert_eq!(
            password("postgres://u@a/d", &variables).as_deref(),
            Some("variable")
        );
        let keyword = format!("host=a user=u dbname=d passfile={path}");
        assert_eq!(password(&keyword, &[]).as_deref(), Some("one"));
    }

    #[test]
    fn a_target_shows_no_password() {
        let target = resolved(Some("postgres://u:hush@h/d"), None, &[]).unwrap();
        assert_eq!(target.password(), Some("hush"));
        for shown in [format!("{target:?}"), target.to_string(), target.place()] {
            assert_eq!(shown, "h:5432/d as u");
        }
    }
}
