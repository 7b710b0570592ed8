//! What the driver is told of every route alike: who, where, and how long to wait.

use std::time::Duration;

use postgres::Config;
use postgres::config::{ChannelBinding, SslNegotiation};

use crate::error::Error;

use super::values::{Values, fault};

/// Its configuration, without hosts.
pub fn config(values: &Values) -> Result<Config, Error> {
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
}
