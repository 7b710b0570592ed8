//! The service file: named sections of settings, with libpq's rules (manual, 34.17).

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::env::Env;

use super::options;
use super::values::{Values, fault};

/// Where distributions look when `PGSYSCONFDIR` isn't set: Debian, then Red Hat.
const SYSTEM_FOLDERS: [&str; 2] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql"];

/// Fills what a connection string left open from the section that `service` or `PGSERVICE` names.
///
/// It is looked for in `PGSERVICEFILE`, else in `~/.pg_service.conf`, then in `pg_service.conf` of `PGSYSCONFDIR`.
///
/// # Errors
/// No file has the section, or it holds what libpq doesn't take; that is told with file and line.
pub fn fill(values: &mut Values, env: Env<'_>) -> Result<(), Error> {
    let named = values.given("service").map(str::to_owned);
    let Some(service) = named.or_else(|| env("PGSERVICE")) else {
        return Ok(());
    };
    values.fill("service", service.clone(), "PGSERVICE");
    for file in files(env)? {
        let text =
            fs::read_to_string(&file).map_err(|error| fault(&file.display().to_string(), error))?;
        if let Some(lines) = section(&text, &service) {
            return take(values, &file, lines);
        }
    }
    let problem = format!("no service file has a section [{service}]");
    Err(values.fault("service", problem))
}

/// The files there are, first choice first.
fn files(env: Env<'_>) -> Result<Vec<PathBuf>, Error> {
    let first = match env("PGSERVICEFILE") {
        Some(file) if !Path::new(&file).exists() => {
            return Err(fault("PGSERVICEFILE", "the file isn't there"));
        }
        Some(file) => Some(PathBuf::from(file)),
        None => env("HOME").map(|home| Path::new(&home).join(".pg_service.conf")),
    };
    let folders = match env("PGSYSCONFDIR") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => SYSTEM_FOLDERS.map(PathBuf::from).to_vec(),
    };
    let system = folders
        .into_iter()
        .map(|folder| folder.join("pg_service.conf"));
    Ok(first
        .into_iter()
        .chain(system)
        .filter(|file| file.exists())
        .collect())
}

/// The lines of the first section of this name with their numbers; blanks around them, empty lines and those that
/// begin with `#` are left out.
fn section<'a>(text: &'a str, service: &str) -> Option<Vec<(usize, &'a str)>> {
    let header = format!("[{service}]");
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.find(|(_, line)| line.starts_with(&header))?;
    Some(
        lines
            .take_while(|(_, line)| !line.starts_with('['))
            .collect(),
    )
}

fn take(values: &mut Values, file: &Path, lines: Vec<(usize, &str)>) -> Result<(), Error> {
    for (number, line) in lines {
        let place = format!("{}:{number}", file.display());
        let (keyword, value) = setting(line).map_err(|problem| {
            fault(&place, problem).hint("Write `keyword=value` without blanks around the `=`.")
        })?;
        values.fill(keyword, value.to_owned(), &place);
    }
    Ok(())
}

/// No message holds a piece of the line: it may be a password's.
fn setting(line: &str) -> Result<(&str, &str), &'static str> {
    if line.starts_with("ldap") {
        return Err("looking a service up by LDAP isn't supported");
    }
    let (keyword, value) = line.split_once('=').ok_or("the line has no `=`")?;
    if keyword == "service" {
        return Err("`service` can't stand in a service file");
    }
    match options::of_keyword(keyword) {
        Some(_) => Ok((keyword, value)),
        None => Err("what stands before `=` is no keyword of PostgreSQL's"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# comment
host=before
[other]
host=o
[main]x
  # inside
  host=h\t

dbname=a b
password=p=w#x
[main]
host=second
";

    /// What a folder's files lead to, or what is wrong without the folder's name.
    fn filled(service: &str, names: &[(&str, &str)], folder: &Path) -> Result<Vec<String>, String> {
        let mut values = Values::parse(service, "`url`").unwrap();
        let text = folder.to_str().unwrap();
        let env = |name: &str| {
            let found = names.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.replace('~', text))
        };
        fill(&mut values, &env).map_err(|error| error.message.replace(text, "~"))?;
        let keywords = ["host", "dbname", "password", "port"];
        let line = |keyword: &str| Some(format!("{keyword}={}", values.given(keyword)?));
        Ok(keywords.into_iter().filter_map(line).collect())
    }

    fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_first_section_of_the_name_fills_what_is_open() {
        let folder = written(&[("f", FILE)]);
        let read = |text: &str| filled(text, &[("PGSERVICEFILE", "~/f")], folder.path()).unwrap();
        assert_eq!(
            read("service=main"),
            ["host=h", "dbname=a b", "password=p=w#x"]
        );
        assert_eq!(
            read("postgres://x/?service=main&dbname="),
            ["host=x", "dbname=", "password=p=w#x"]
        );
        assert_eq!(read("service=other"), ["host=o"]);
        assert_eq!(read("port=1"), ["port=1"]);
    }

    #[test]
    fn files_are_looked_for_where_libpq_does() {
        let folder = written(&[
            ("named", "[named]\nhost=n\n"),
            (".pg_service.conf", "[home]\nhost=h\n"),
            ("pg_service.conf", "[system]\nhost=s\n[home]\nhost=no\n"),
        ]);
        let read = |service: &str, names: &[_]| {
            filled(&format!("service={service}"), names, folder.path()).map(|found| found.concat())
        };
        let all = [("HOME", "~"), ("PGSYSCONFDIR", "~")];
        let named = [("PGSERVICEFILE", "~/named"), all[0], all[1]];
        assert_eq!(read("home", &all).unwrap(), "host=h");
        assert_eq!(read("system", &all).unwrap(), "host=s");
        assert_eq!(read("named", &named).unwrap(), "host=n");
        assert_eq!(read("home", &named).unwrap(), "host=no");
        assert_eq!(
            read("none", &all).unwrap_err(),
            "connection settings (`url`): `service`: no service file has a section [none]"
        );
        let gone = [("PGSERVICEFILE", "~/gone"), all[0]];
        assert!(read("home", &gone).unwrap_err().contains("PGSERVICEFILE"));
        let by_variable = [("PGSERVICE", "home"), all[0]];
        assert_eq!(filled("", &by_variable, folder.path()).unwrap(), ["host=h"]);
        let empty = [("PGSERVICE", ""), all[0]];
        let error = filled("", &empty, folder.path()).unwrap_err();
        assert!(error.contains("(PGSERVICE): no service file"), "{error}");
    }

    #[test]
    fn what_libpq_does_not_take_is_told_with_its_line_and_without_its_text() {
        let cases = [
            ("ldap://hush/x", "LDAP"),
            ("hush", "no `=`"),
            ("service=hush", "`service`"),
            ("password = hush", "no keyword"),
            ("hush=hush", "no keyword"),
        ];
        for (line, words) in cases {
            let folder = written(&[("f", &format!("[main]\n\n{line}\n"))]);
            let error =
                filled("service=main", &[("PGSERVICEFILE", "~/f")], folder.path()).unwrap_err();
            assert!(
                error.starts_with("connection settings (~/f:3): "),
                "{error}"
            );
            assert!(error.contains(words) && !error.contains("hush"), "{error}");
        }
    }
}
