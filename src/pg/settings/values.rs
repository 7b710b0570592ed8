//! Values by keyword, each with the place it comes from.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::Error;
use crate::model::conninfo;

use super::options::{self, Decision};

/// What was given. An empty value is one that was given: it stands for the default, and nothing else fills it.
#[derive(Clone, Default)]
pub struct Values(BTreeMap<String, Given>);

#[derive(Clone)]
struct Given {
    value: String,
    origin: String,
}

/// Says what is wrong with connection settings, and where it stands.
pub fn fault(origin: &str, problem: impl std::fmt::Display) -> Error {
    Error::failed(format!("connection settings ({origin}): {problem}")).hint(
        "Write postgresql://user@host:port/database?sslmode=verify-full&sslrootcert=system, or set PGHOST and others.",
    )
}

impl Values {
    /// Reads a connection string.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let keywords = conninfo::parse(text).map_err(|problem| fault(origin, problem))?;
        let mut values = Self::default();
        for (keyword, value) in keywords {
            values.fill(&keyword, value, origin);
        }
        Ok(values)
    }

    /// Gives a keyword a value unless it has one.
    pub fn fill(&mut self, keyword: &str, value: String, origin: &str) {
        let given = || Given {
            value,
            origin: origin.to_owned(),
        };
        self.0.entry(keyword.to_owned()).or_insert_with(given);
    }

    /// Whether it was given, be it empty.
    pub fn has(&self, keyword: &str) -> bool {
        self.0.contains_key(keyword)
    }

    /// What was given, be it empty.
    pub fn given(&self, keyword: &str) -> Option<&str> {
        self.0.get(keyword).map(|given| given.value.as_str())
    }

    /// What was given and isn't empty.
    pub fn get(&self, keyword: &str) -> Option<&str> {
        self.given(keyword).filter(|value| !value.is_empty())
    }

    /// Says what is wrong with a keyword's value, without the value.
    pub fn fault(&self, keyword: &str, problem: impl std::fmt::Display) -> Error {
        let origin = self
            .0
            .get(keyword)
            .map_or("default", |given| given.origin.as_str());
        if origin.starts_with("PG") {
            return fault(origin, problem);
        }
        fault(origin, format_args!("`{keyword}`: {problem}"))
    }

    /// A number, if one was given.
    pub fn number<T: FromStr>(&self, keyword: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.get(keyword) else {
            return Ok(None);
        };
        let number = text.trim().parse();
        number
            .map(Some)
            .map_err(|_| self.fault(keyword, "it isn't a number that fits"))
    }

    /// The meaning of a word; the first stands for one that wasn't given.
    pub fn word<T: Copy>(&self, keyword: &str, words: &[(&str, T)]) -> Result<T, Error> {
        let given = self.given(keyword).unwrap_or(words[0].0);
        let found = words.iter().find(|(word, _)| *word == given);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(keyword, format!("it is none of {}", known.join(", ")))
        })
    }

    /// Refuses what libpq doesn't know, and what tenantry can't do.
    pub fn judge(&self) -> Result<(), Error> {
        for (keyword, given) in &self.0 {
            let Some(setting) = options::of_keyword(keyword) else {
                return Err(unknown(keyword, &given.origin));
            };
            match setting.decision {
                Decision::Refused(why) if !given.value.is_empty() => {
                    return Err(self.fault(keyword, why));
                }
                Decision::Only(values, why) if !values.contains(&given.value.as_str()) => {
                    return Err(self.fault(keyword, why));
                }
                Decision::Idle(why) => {
                    log::debug!("{}: {keyword} changes nothing: {why}", given.origin);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A keyword is named only when it is a word: it may be a piece of a password.
fn unknown(keyword: &str, origin: &str) -> Error {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if keyword.bytes().all(is_letter) {
        fault(origin, format_args!("unknown keyword `{keyword}`"))
    } else {
        fault(origin, "a keyword isn't one of PostgreSQL's")
    }
}
