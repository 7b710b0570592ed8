//! Where the demo plays: a throwaway server, or a database of its own on a server that was named.

use uuid::Uuid;

use super::sample;
use crate::error::Error;
use crate::model::desired::Cluster;
use crate::model::name::{quote_ident, quote_literal};
use crate::pg::clients::Clients;
use crate::pg::settings;
use crate::server::Server;

/// A prepared database, and a role that may do no more than tenantry needs.
#[derive(Debug)]
pub struct Stage {
    /// Connects as that role.
    pub url: String,
    /// The role that owns the tenants.
    pub owner: String,
    /// Who prepared it.
    admin_url: String,
    names: Names,
    /// Gone when dropped.
    server: Option<Server>,
}

#[derive(Debug)]
struct Names {
    deploy: String,
    password: Option<String>,
    owner: String,
    database: String,
}

impl Stage {
    /// Starts a server of our own; `tell` hears what takes a while.
    pub fn throwaway(tell: &dyn Fn(&str)) -> Result<Self, Error> {
        let server = Server::start_or_fetch(&[], tell)?;
        let names = Names {
            deploy: "deploy".to_owned(),
            password: None,
            owner: sample::OWNER.to_owned(),
            database: "payments".to_owned(),
        };
        let url = server.url(&names.deploy, &names.database);
        let admin_url = server.url("postgres", "postgres");
        Self {
            url,
            owner: names.owner.clone(),
            admin_url,
            names,
            server: Some(server),
        }
        .prepared()
    }

    /// Makes a database and two roles of new names beside whatever the server holds.
    pub fn on_server(admin_url: &str) -> Result<Self, Error> {
        let random = Uuid::new_v4().simple().to_string();
        let database = format!("tenantry_demo_{}", &random[..8]);
        let names = Names {
            deploy: database.clone(),
            password: Some(Uuid::new_v4().simple().to_string()),
            owner: format!("{database}_owner"),
            database,
        };
        Self {
            url: url_of(admin_url, &names),
            owner: names.owner.clone(),
            admin_url: admin_url.to_owned(),
            names,
            server: None,
        }
        .prepared()
    }

    /// Whether the server goes with the demo.
    pub fn is_throwaway(&self) -> bool {
        self.server.is_some()
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.names.database
    }

    fn prepared(self) -> Result<Self, Error> {
        let names = &self.names;
        let (deploy, owner) = (quote_ident(&names.deploy), quote_ident(&names.owner));
        let database = quote_ident(&names.database);
        let password = names
            .password
            .as_ref()
            .map(|password| format!(" PASSWORD {}", quote_literal(password)));
        // New roles are no superusers and obey row security unless told otherwise.
        let made = self.run(&[
            format!("CREATE ROLE {owner} NOLOGIN"),
            format!(
                "CREATE ROLE {deploy} LOGIN{} IN ROLE {owner}",
                password.unwrap_or_default()
            ),
            format!("CREATE DATABASE {database}"),
            format!("GRANT CREATE ON DATABASE {database} TO {deploy}"),
        ]);
        match made {
            Ok(()) => Ok(self),
            Err(error) => {
                // What was made before it failed; the first error is the one to tell.
                let _ = self.clear();
                Err(error.hint("Name a role that may make roles and databases."))
            }
        }
    }

    /// Takes what was made off a server that stays.
    pub fn clear(self) -> Result<(), Error> {
        if self.is_throwaway() {
            return Ok(());
        }
        let names = &self.names;
        self.run(&[
            format!(
                "DROP DATABASE IF EXISTS {} WITH (FORCE)",
                quote_ident(&names.database)
            ),
            format!("DROP ROLE IF EXISTS {}", quote_ident(&names.deploy)),
            format!("DROP ROLE IF EXISTS {}", quote_ident(&names.owner)),
        ])
    }

    fn run(&self, statements: &[String]) -> Result<(), Error> {
        let nowhere = Cluster::default();
        let target = settings::resolve(Some(&self.admin_url), &nowhere, &|_| None)?;
        let place = target.place();
        let fault = |error| Error::failed(format!("preparing {place}: {error}"));
        let mut wire = Clients::new(target).connect().map_err(fault)?;
        for statement in statements {
            wire.run(statement).map_err(fault)?;
        }
        Ok(())
    }
}

/// The URL or keyword string of the same server, with other names in it.
fn url_of(admin: &str, names: &Names) -> String {
    let (user, database) = (&names.deploy, &names.database);
    let password = names.password.as_deref().unwrap_or_default();
    let Some((scheme, rest)) = admin.split_once("://") else {
        return format!("{admin} user={user} password={password} dbname={database}");
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place
        .split_once('/')
        .map_or(place, |(authority, _)| authority);
    let hosts = authority
        .rsplit_once('@')
        .map_or(authority, |(_, hosts)| hosts);
    let kept: Vec<&str> = parameters
        .split('&')
        .filter(|one| !one.is_empty())
        .filter(|one| {
            !["user=", "password=", "dbname="]
                .iter()
                .any(|name| one.starts_with(name))
        })
        .collect();
    let parameters = match kept.join("&") {
        none if none.is_empty() => none,
        some => format!("?{some}"),
    };
    format!("{scheme}://{user}:{password}@{hosts}/{database}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_server_under_other_names() {
        let names = Names {
            deploy: "d".to_owned(),
            password: Some("p".to_owned()),
            owner: "o".to_owned(),
            database: "b".to_owned(),
        };
        let cases = [
            ("postgres://h", "postgres://d:p@h/b"),
            (
                "postgres://u:x@h:5/old?sslmode=require&user=u",
                "postgres://d:p@h:5/b?sslmode=require",
            ),
            ("postgres:///old?host=/tmp", "postgres://d:p@/b?host=/tmp"),
            ("host=h user=u", "host=h user=u user=d password=p dbname=b"),
        ];
        for (admin, expected) in cases {
            assert_eq!(url_of(admin, &names), expected);
        }
    }
}
