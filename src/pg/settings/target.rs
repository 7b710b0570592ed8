//! A resolved target, and how it is connected to: its routes one after the other, as libpq goes through them.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use postgres::error::DbError;
use postgres::{Client, Config, NoTls};
use uuid::Uuid;

use crate::error::Error;
use crate::model::env::Env;
use crate::pg::error::PgError;

use super::driver;
use super::failure::{Failure, falls_back, is_unreachable, joined, together};
use super::password_command::{LIMIT, PasswordCommand};
use super::route::{self, Route};
use super::session::Wanted;
use super::tls::{Tls, TlsMode};
use super::values::Values;

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
    /// What gave the connection string.
    origin: &'static str,
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

impl Target {
    pub(super) fn new(
        values: &Values,
        command: Option<PasswordCommand>,
        origin: &'static str,
        env: Env<'_>,
    ) -> Result<Self, Error> {
        let mut routes = route::routes(values)?;
        let config = driver::config(values)?;
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
            origin,
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
        if is_weak && !self.is_local() {
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

    /// What gave the connection string, such as `DATABASE_URL`.
    #[must_use]
    pub fn origin(&self) -> &'static str {
        self.origin
    }

    /// What a password comes from, if there is one.
    #[must_use]
    pub fn password_source(&self) -> Option<&'static str> {
        if self.command.is_some() {
            return Some("`password_command`");
        }
        if self.config.get_password().is_some() {
            return Some("these settings");
        }
        let mut of_file = self.passwords_from_file();
        of_file.next().map(|_| "the password file")
    }

    /// Whether nothing leaves this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.routes.iter().all(Route::is_local)
    }

    /// Whether nothing goes over a network in plain text.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        let may_be_plain = [TlsMode::Disable, TlsMode::Allow, TlsMode::Prefer];
        !may_be_plain.contains(&self.tls.mode)
    }

    /// Whether a server that encrypts must show a certificate of a CA that is trusted.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.tls.verifies
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

    /// How long the server may take to let somebody in: `connect_timeout`, or 10 s where that is 0.
    pub(in crate::pg) fn quiet(&self) -> Duration {
        let given = self.config.get_connect_timeout().copied();
        given.unwrap_or(Duration::from_secs(10))
    }

    /// How long connecting may take: a host may have two addresses, and each may be tried for that long.
    pub(in crate::pg) fn connecting(&self) -> Duration {
        let tries = u32::try_from(self.routes.len() * 2).unwrap_or(u32::MAX);
        let command = self.command.as_ref().map_or(Duration::ZERO, |_| LIMIT);
        // The driver's own timeout, which knows which host it was, comes first where it applies.
        self.quiet().saturating_mul(tries) + command + Duration::from_secs(1)
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
