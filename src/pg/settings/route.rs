//! Hosts, addresses, ports and passwords: the routes a connection may take, in libpq's pairing.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use postgres::Config;

use crate::error::Error;
use crate::model::env::Env;

use super::passfile::{self, Login};
use super::values::Values;

/// Where distributions put the server's socket.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

const PORT: u16 = 5432;

/// One host of a connection string.
#[derive(Clone)]
pub struct Route {
    /// A name, an address or a socket's folder; what a certificate must be for.
    pub host: String,
    /// Goes before what the host's name stands for.
    address: Option<IpAddr>,
    /// Whether only an address was given, or a folder beside it, which no certificate is for.
    pub is_nameless: bool,
    pub port: u16,
    /// Of this host, from the password file.
    pub password: Option<String>,
}

impl Route {
    /// Whether it leads over a socket of this machine.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/') && self.address.is_none()
    }

    /// Whether what is sent stays on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.host.as_str();
        let is_loopback = |address: IpAddr| address.is_loopback();
        self.is_socket()
            || self
                .address
                .map_or_else(|| host == "localhost", is_loopback)
            || host.parse().is_ok_and(is_loopback)
    }

    /// The addresses to try one after the other; none for a socket.
    pub fn addresses(&self) -> io::Result<Vec<Option<IpAddr>>> {
        if self.is_socket() {
            return Ok(vec![None]);
        }
        if let Some(address) = self.address {
            return Ok(vec![Some(address)]);
        }
        let found = (self.host.as_str(), self.port).to_socket_addrs()?;
        let mut addresses: Vec<_> = found.map(|found| Some(found.ip())).collect();
        addresses.dedup();
        Ok(addresses)
    }

    /// Has the driver take this route, to one of its addresses.
    pub fn apply(&self, config: &mut Config, address: Option<IpAddr>) {
        config.port(self.port);
        match address {
            // The driver wants a name for TLS, though it verifies none here.
            Some(address) if self.is_nameless => config.host(&address.to_string()),
            _ => config.host(&self.host),
        };
        if let Some(address) = address {
            config.hostaddr(address);
        }
        if let Some(password) = &self.password {
            config.password(password);
        }
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// The routes of `host`, `hostaddr` and `port`; never none.
pub fn routes(values: &Values) -> Result<Vec<Route>, Error> {
    let hosts = list(values, "host");
    let addresses = list(values, "hostaddr");
    let count = hosts.len().max(addresses.len()).max(1);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(values.fault("hostaddr", "it hasn't as many items as `host`"));
    }
    let ports = ports(values, count)?;
    (0..count)
        .map(|index| {
            let host = hosts.get(index).copied().unwrap_or_default();
            let address = addresses.get(index).copied().unwrap_or_default();
            route(values, host, address, ports[index])
        })
        .collect()
}

fn route(values: &Values, host: &str, address: &str, port: u16) -> Result<Route, Error> {
    if host.starts_with('@') {
        return Err(values.fault("host", "abstract sockets aren't supported"));
    }
    let parsed = match address {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|_| values.fault("hostaddr", "it isn't an address in numbers"))?,
        ),
    };
    let name = match (host, address) {
        ("", "") => local_host(port),
        ("", address) => address.to_owned(),
        (host, _) => host.to_owned(),
    };
    Ok(Route {
        host: name,
        is_nameless: parsed.is_some() && (host.is_empty() || host.starts_with('/')),
        address: parsed,
        port,
        password: None,
    })
}

/// The items of a comma-separated value; none when it is empty.
fn list<'a>(values: &'a Values, keyword: &str) -> Vec<&'a str> {
    let items = values.get(keyword).map(|text| text.split(','));
    items.into_iter().flatten().collect()
}

/// As many as there are hosts; one is for all.
fn ports(values: &Values, count: usize) -> Result<Vec<u16>, Error> {
    let parse = |text: &str| match text.trim() {
        "" => Ok(PORT),
        text => text
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| values.fault("port", "it isn't a number from 1 to 65535")),
    };
    let mut ports = list(values, "port")
        .into_iter()
        .map(parse)
        .collect::<Result<Vec<u16>, _>>()?;
    if ports.len() < 2 {
        ports.resize(count, ports.first().copied().unwrap_or(PORT));
    }
    if ports.len() != count {
        return Err(values.fault(
            "port",
            "it has neither one item nor as many as there are hosts",
        ));
    }
    Ok(ports)
}

/// The folder that holds the server's socket, else `localhost`.
fn local_host(port: u16) -> String {
    let socket = |folder: &&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
    let found = SOCKET_FOLDERS.iter().find(|folder| socket(folder));
    found.unwrap_or(&"localhost").to_string()
}

/// Looks the passwords of a login, a database and a user, up that nothing else gave.
pub fn passwords_from_file(
    routes: &mut [Route],
    values: &Values,
    (database, user): (&str, &str),
    env: Env<'_>,
) {
    if values.get("password").is_some() {
        return;
    }
    let Some(text) = passfile::read(values.get("passfile"), env) else {
        return;
    };
    for route in routes {
        let login = Login {
            // So does libpq.
            host: if SOCKET_FOLDERS.contains(&route.host.as_str()) {
                "localhost"
            } else {
                &route.host
            },
            port: &route.port.to_string(),
            database,
            user,
        };
        route.password = passfile::password(&text, login);
    }
}
