//! The connection string, and the environment that fills what it leaves open.

use crate::error::Error;
use crate::model::env::{Env, expand};

use super::options::{Decision, SETTINGS};
use super::values::{Values, fault};

/// A connection string and where it was found.
pub struct Source {
    pub origin: &'static str,
    pub text: String,
}

/// The first that is given: `--database-url`, the text under a cluster's `key`, `TENANTRY_DATABASE_URL`,
/// `DATABASE_URL`. Without any all is up to `PG*`.
pub fn find(
    flag: Option<&str>,
    key: &'static str,
    text: Option<&str>,
    env: Env<'_>,
) -> Result<Source, Error> {
    if let Some(text) = flag {
        return Ok(Source {
            origin: FLAG,
            text: text.to_owned(),
        });
    }
    if let Some(text) = text {
        return of_cluster(key, text, env);
    }
    let set = |name| env(name).filter(|text| !text.is_empty());
    let found = ["TENANTRY_DATABASE_URL", "DATABASE_URL"]
        .into_iter()
        .find_map(|origin| set(origin).map(|text| Source { origin, text }));
    Ok(found.unwrap_or(Source {
        origin: "PG* variables",
        text: String::new(),
    }))
}

/// The flag's name.
pub const FLAG: &str = "--database-url";

fn of_cluster(key: &'static str, text: &str, env: Env<'_>) -> Result<Source, Error> {
    let text = expand(text, env)
        .map_err(|problem| fault(key, problem).hint("Set the variable, or give --database-url."))?;
    if text.trim().is_empty() {
        // Taken for no URL at all, it would lead to the database of `PG*`.
        return Err(fault(key, "it is empty")
            .hint("Set the variables that it names, or give --database-url."));
    }
    Ok(Source { origin: key, text })
}

/// Fills what neither the connection string nor the service file gave. An empty variable is one that was given.
pub fn fill_from_variables(values: &mut Values, env: Env<'_>) -> Result<(), Error> {
    for setting in &SETTINGS {
        let Some((variable, value)) = setting.variable.and_then(|name| Some((name, env(name)?)))
        else {
            continue;
        };
        match (setting.keyword, setting.decision) {
            (Some(keyword), _) => values.fill(keyword, value, variable),
            (None, Decision::Refused(why)) if !value.is_empty() => {
                return Err(fault(variable, why));
            }
            _ => {}
        }
    }
    if env("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
        values.fill("sslmode", "require".to_owned(), "PGREQUIRESSL");
    }
    Ok(())
}
