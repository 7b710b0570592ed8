//! A resolved target, and how it is connected to: its routes one after the other, as libpq goes through them.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use postgres::error::DbError;
use postgres::{CancelToken, Client, Config, NoTls};
use uuid::Uuid;

use crate::error::Error;
use crate::model::env::Env;
use crate::pg::error::PgError;

use super::password_command::PasswordCommand;
use super::route::{self, Route};
use super::session::Wanted;
use super::tls::{Tls, TlsMode};
use super::values::{Values, fault};

/// A connection target, ready to be connected to.
#[derive(Clone)]
pub struct Target {
    /// What holds for every route.
    config: Config,
    routes: Vec<Route>,
    /// Whether each connection goes through the routes in another order.
    shuffled: bool,
    tls: Tls,
    wanted: Wanted,
    command: Option<PasswordCommand>,
    on_secret: Learn,
}

/// Hears of a secret before it can get into any output.
type Learn = Arc<dyn Fn(&str) + Send + Sync>;

/// Notices of a connection.
type OnNotice = Arc<dyn Fn(DbError) + Send + Sync>;

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

/// Why a route didn't lead to a session.
struct Failure {
    error: PgError,
    /// Whether another address or host is tried; a server's refusal is final.
    go_on: bool,
}

impl Target {
    pub(super) fn new(
        values: &Values,
        command: Option<PasswordCommand>,
        env: Env<'_>,
    ) -> Result<Self, Error> {
        let mut routes = route::routes(values)?;
        let config = config(values)?;
        if command.is_none() {
            let (database, user) = (config.get_dbname(), config.get_user());
            let login = (database.unwrap_or_default(), user.unwrap_or_default());
            route::passwords_from_file(&mut routes, values, login, env);
        }
        let over_network = !routes.iter().all(Route::is_socket);
        let target = Self {
            tls: Tls::new(values, over_network, env)?,
            wanted: Wanted::new(values)?,
            shuffled: values.word(
                "load_balance_hosts",
                &[("disable", false), ("random", true)],
            )?,
            config,
            routes,
            command,
            on_secret: Arc::new(|_| {}),
        };
        target.check_names(values)?;
        target.warn();
        Ok(target)
    }

    /// A certificate is for a name.
    fn check_names(&self, values: &Values) -> Result<(), Error> {
        if self.tls.mode == TlsMode::VerifyFull && self.routes.iter().any(|route| route.is_nameless)
        {
            return Err(values.fault(
                "sslmode",
                "verify-full needs the host's name; give host beside hostaddr",
            ));
        }
        Ok(())
    }

    fn warn(&self) {
        let is_weak = matches!(self.tls.mode, TlsMode::Prefer | TlsMode::Allow);
        if is_weak && !self.routes.iter().all(Route::is_local) {
            log::warn!(
                "{self}: sslmode=prefer and allow fall back to plain text; give sslmode=verify-full"
            );
        }
    }

    /// Has every password told to `learn`, those known now and those a `password_command` will print.
    #[must_use]
    pub fn on_secret(mut self, learn: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let known = self.config.get_password().map(String::from_utf8_lossy);
        for password in known
            .as_deref()
            .into_iter()
            .chain(self.passwords_from_file())
        {
            learn(password);
        }
        drop(known);
        self.on_secret = Arc::new(learn);
        self
    }

    fn passwords_from_file(&self) -> impl Iterator<Item = &str> {
        self.routes
            .iter()
            .filter_map(|route| route.password.as_deref())
    }

    /// Hosts, ports, database and user for messages, as in `main-db:5432/app as deploy`.
    #[must_use]
    pub fn place(&self) -> String {
        let routes: Vec<String> = self.routes.iter().map(ToString::to_string).collect();
        format!(
            "{}/{} as {}",
            routes.join(","),
            self.config.get_dbname().unwrap_or_default(),
            self.config.get_user().unwrap_or_default()
        )
    }

    /// Opens a connection whose notices go to `on_notice`.
    ///
    /// # Errors
    /// What the password command, the network or the server said, of every host that was tried.
    pub(in crate::pg) fn connect(
        &self,
        on_notice: impl Fn(DbError) + Send + Sync + 'static,
    ) -> Result<Client, PgError> {
        let on_notice: OnNotice = Arc::new(on_notice);
        let config = self.with_password()?;
        let mut errors = Vec::new();
        for wanted in self.wanted.rounds() {
            for route in self.order() {
                match self.follow(&route, &config, *wanted, &on_notice) {
                    Ok(client) => return Ok(client),
                    Err(Failure { error, go_on }) => {
                        errors.push((route, error));
                        if !go_on {
                            return Err(together(errors));
                        }
                    }
                }
            }
        }
        Err(together(errors))
    }

    /// Asks the server to cancel what a connection is doing, on a connection of its own and as well encrypted.
    pub(in crate::pg) fn cancel(&self, token: &CancelToken) -> Result<(), postgres::Error> {
        match &self.tls.connector {
            Some(tls) => token.cancel_query(tls.clone()),
            None => token.cancel_query(NoTls),
        }
    }

    /// With the password of this very connection, where a command prints it.
    fn with_password(&self) -> Result<Config, PgError> {
        let mut config = self.config.clone();
        if let Some(command) = &self.command {
            let password = command.run(&*self.on_secret).map_err(PgError::own)?;
            config.password(password);
        }
        Ok(config)
    }

    fn order(&self) -> Vec<Route> {
        let mut routes = self.routes.clone();
        if self.shuffled {
            routes.sort_by_cached_key(|_| Uuid::new_v4());
        }
        routes
    }

    /// Tries the addresses of a route.
    fn follow(
        &self,
        route: &Route,
        config: &Config,
        wanted: Wanted,
        on_notice: &OnNotice,
    ) -> Result<Client, Failure> {
        let unresolved = |error: io::Error| Failure {
            error: PgError::own(format!("error connecting to server: {error}")),
            go_on: true,
        };
        let mut addresses = route.addresses().map_err(unresolved)?;
        if self.shuffled {
            addresses.sort_by_cached_key(|_| Uuid::new_v4());
        }
        let mut failure = unresolved(io::Error::other("the name has no address"));
        for address in addresses {
            let opened = self.open(route, address, config, on_notice);
            match opened.and_then(|client| fitting(client, wanted)) {
                Err(next) if next.go_on => failure = next,
                done => return done,
            }
        }
        Err(failure)
    }

    /// Tries what `sslmode` allows.
    fn open(
        &self,
        route: &Route,
        address: Option<IpAddr>,
        config: &Config,
        on_notice: &OnNotice,
    ) -> Result<Client, Failure> {
        let mut config = config.clone();
        route.apply(&mut config, address);
        let heard = Arc::clone(on_notice);
        config.notice_callback(move |notice| heard(notice));
        let mut said: Vec<PgError> = Vec::new();
        for mode in self.tls.attempts(route.is_socket()) {
            config.ssl_mode(*mode);
            let opened = match &self.tls.connector {
                Some(tls) => config.connect(tls.clone()),
                None => config.connect(NoTls),
            };
            let error = match opened {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            let go_on = is_unreachable(&error);
            let falls_back = falls_back(*mode, &error);
            said.push(error.into());
            if !falls_back {
                return Err(Failure {
                    error: joined(said),
                    go_on,
                });
            }
        }
        Err(Failure {
            error: joined(said),
            go_on: false,
        })
    }
}

/// What holds for every route: who, where, and the timeouts.
fn config(values: &Values) -> Result<Config, Error> {
    let mut config = Config::new();
    let user = match values.given("user") {
        Some("") => return Err(values.fault("user", "it is empty")),
        Some(user) => user.to_owned(),
        None => whoami::username()
            .map_err(|error| fault("default", format_args!("no user is given, and {error}")))?,
    };
    config.dbname(values.get("dbname").unwrap_or(&user));
    config.user(&user);
    if let Some(password) = values.get("password") {
        config.password(password);
    }
    config.application_name("tenantry");
    let bindings = [
        ("prefer", ChannelBinding::Prefer),
        ("disable", ChannelBinding::Disable),
        ("require", ChannelBinding::Require),
    ];
    config.channel_binding(values.word("channel_binding", &bindings)?);
    let negotiations = [
        ("postgres", SslNegotiation::Postgres),
        ("direct", SslNegotiation::Direct),
    ];
    config.ssl_negotiation(values.word("sslnegotiation", &negotiations)?);
    timeouts(&mut config, values)?;
    Ok(config)
}

/// The driver has no read timeout, so a peer that is gone must show on the socket. As with libpq, 0 is no limit to
/// connecting, and the system's own to the others.
fn timeouts(config: &mut Config, values: &Values) -> Result<(), Error> {
    let seconds = |keyword, default: i64| -> Result<Option<Duration>, Error> {
        let seconds = values.number::<i64>(keyword)?.unwrap_or(default);
        Ok(u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs))
    };
    if let Some(limit) = seconds("connect_timeout", 10)? {
        config.connect_timeout(limit);
    }
    config.keepalives(values.number::<i64>("keepalives")? != Some(0));
    if let Some(idle) = seconds("keepalives_idle", 30)? {
        config.keepalives_idle(idle);
    }
    if let Some(interval) = seconds("keepalives_interval", 10)? {
        config.keepalives_interval(interval);
    }
    let count = values.number::<u32>("keepalives_count")?.unwrap_or(3);
    if count > 0 {
        config.keepalives_retries(count);
    }
    let milliseconds = values.number::<u64>("tcp_user_timeout")?.unwrap_or(60_000);
    if milliseconds > 0 {
        config.tcp_user_timeout(Duration::from_millis(milliseconds));
    }
    Ok(())
}

/// A session of the wrong kind is let go; another host may have the right one.
fn fitting(mut client: Client, wanted: Wanted) -> Result<Client, Failure> {
    match wanted.misfit(&mut client) {
        Ok(None) => Ok(client),
        Ok(Some(why)) => Err(Failure {
            error: PgError::own(why),
            go_on: true,
        }),
        Err(error) => Err(Failure {
            error: error.into(),
            go_on: false,
        }),
    }
}

/// Whether nobody was reached who could say no: the network's fault, or a server that is starting or stopping.
fn is_unreachable(error: &postgres::Error) -> bool {
    match error.as_db_error() {
        Some(db) => db.code().code() == "57P03",
        // The driver tells its kinds apart by these words only.
        None => {
            let words = error.to_string();
            words.starts_with("error connecting") || words.starts_with("timeout")
        }
    }
}

/// Whether libpq tries the other way after this. A password that was refused is not sent again in plain text.
fn falls_back(mode: SslMode, error: &postgres::Error) -> bool {
    let code = error.as_db_error().map(|db| db.code().code());
    match mode {
        SslMode::Prefer => code == Some("28000") || is_handshake(error),
        SslMode::Disable => code.is_some_and(|code| code.starts_with("28")),
        _ => false,
    }
}

fn is_handshake(error: &postgres::Error) -> bool {
    let cause = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    cause
        .and_then(io::Error::get_ref)
        .is_some_and(|cause| cause.is::<rustls::Error>())
}

/// The last error, with the words of those before it.
fn joined(mut errors: Vec<PgError>) -> PgError {
    let last = errors.pop().unwrap_or_default();
    let mut words: Vec<String> = errors.into_iter().map(|error| error.message).collect();
    words.push(last.message);
    words.dedup();
    PgError {
        message: words.join("; "),
        ..last
    }
}

/// What was said of every host; of one alone without its name, which the place tells.
fn together(mut errors: Vec<(Route, PgError)>) -> PgError {
    if errors.len() > 1 {
        for (route, error) in &mut errors {
            error.message = format!("{route}: {}", error.message);
        }
    }
    joined(errors.into_iter().map(|(_, error)| error).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_of(text: &str) -> Config {
        config(&Values::parse(text, "test").unwrap()).unwrap()
    }

    #[test]
    fn every_connection_has_its_timeouts() {
        let seconds = |number| Some(Duration::from_secs(number));
        let found = |config: &Config| {
            (
                config.get_connect_timeout().copied(),
                Some(config.get_keepalives_idle()),
                config.get_keepalives_interval(),
                config.get_keepalives_retries(),
                config.get_tcp_user_timeout().copied(),
            )
        };
        let default = config_of("host=h user=u");
        let ours = (seconds(10), seconds(30), seconds(10), Some(3), seconds(60));
        assert_eq!(found(&default), ours);
        assert_eq!(default.get_application_name(), Some("tenantry"));
        let given = config_of(
            "user=u tcp_user_timeout=5000 connect_timeout=2 keepalives_count=7 keepalives_idle=4 \
             keepalives_interval=3 application_name=x",
        );
        let theirs = (seconds(2), seconds(4), seconds(3), Some(7), seconds(5));
        assert_eq!(found(&given), theirs);
        assert_eq!(given.get_application_name(), Some("tenantry"));
        let none = config_of("user=u tcp_user_timeout=0 connect_timeout=0 keepalives=0");
        assert_eq!(found(&none).0, None);
        assert_eq!(found(&none).4, None);
        assert!(!none.get_keepalives());
    }

    #[test]
    fn modes_are_tried_as_libpq_tries_them() {
        let attempts = |text: &str, over_network: bool| {
            let values = Values::parse(text, "test").unwrap();
            let tls = Tls::new(&values, over_network, &|_| None).unwrap();
            assert_eq!(
                tls.connector.is_none(),
                tls.mode == TlsMode::Disable,
                "{text}"
            );
            tls.attempts(!over_network)
        };
        let cases: [(&str, &[SslMode]); 5] = [
            ("", &[SslMode::Prefer, SslMode::Disable]),
            ("sslmode=disable", &[SslMode::Disable]),
            ("sslmode=allow", &[SslMode::Disable, SslMode::Require]),
            ("sslmode=require", &[SslMode::Require]),
            ("sslrootcert=system", &[SslMode::Require]),
        ];
        for (text, expected) in cases {
            assert_eq!(attempts(text, true), expected, "{text}");
        }
        assert_eq!(attempts("sslmode=verify-full", false), [SslMode::Disable]);
    }
}
