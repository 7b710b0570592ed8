//! A throwaway PostgreSQL for `demo` and the tests.
//!
//! It runs from an installed server's programs, or from fetched ones where none are installed, in a short temporary
//! folder, reachable by a socket in that folder only. Whoever owns a [`Server`] may be killed at any time: the
//! postmaster then ends by itself (Linux), and the next start removes what was left.

mod account;
mod fetch;
mod find;
mod folder;
mod postmaster;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Error;

use account::Account;
use folder::Folder;
use postmaster::Postmaster;

/// A hyphen may stand in a URL as it is, and is in the name of every folder.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-');

/// What suits a server that is thrown away: no network, and no flushing to the disk. Commits stay synchronous:
/// they cost little without flushing, and outlive the server's crash, though not the machine's.
const SETTINGS: [(&str, &str); 4] = [
    ("port", "5432"),
    ("listen_addresses", ""),
    ("fsync", "off"),
    ("full_page_writes", "off"),
];

/// A running server; its superuser is `postgres`, nobody needs a password. Gone when dropped.
#[derive(Debug)]
pub struct Server {
    // Dropped before the folder it works in.
    postmaster: Postmaster,
    programs: Programs,
    settings: Vec<String>,
    folder: Folder,
}

/// A server's programs, and the account they run as.
#[derive(Debug)]
struct Programs {
    bin: PathBuf,
    account: Option<Account>,
}

impl Server {
    /// Starts an installed server; `settings` are further ones of `postgresql.conf`, and win over ours.
    ///
    /// # Errors
    /// No server is installed, or it doesn't start; the message then ends with what the server said.
    pub fn start(settings: &[(&str, &str)]) -> Result<Self, Error> {
        let bin = find::bin_folder()?.ok_or_else(|| {
            Error::failed("no PostgreSQL server is installed").hint(find::INSTALL)
        })?;
        Self::start_from(bin, settings)
    }

    /// As [`Self::start`]; where no server is installed, one is fetched into the user's cache, which `tell` hears in
    /// one line before. For `demo` and tests only.
    ///
    /// # Errors
    /// No server is installed and none can be fetched, or it doesn't start.
    pub fn start_or_fetch(settings: &[(&str, &str)], tell: &dyn Fn(&str)) -> Result<Self, Error> {
        let bin = match find::bin_folder()? {
            Some(installed) => installed,
            None => fetch::bin_folder(tell)?,
        };
        Self::start_from(bin, settings)
    }

    fn start_from(bin: PathBuf, settings: &[(&str, &str)]) -> Result<Self, Error> {
        let programs = Programs {
            bin,
            account: account::to_run_as()?,
        };
        let folder = Folder::create(programs.account.as_ref())?;
        programs.initialise(&folder)?;
        let settings: Vec<String> = SETTINGS
            .iter()
            .chain([&("unix_socket_directories", folder.text())])
            .chain(settings)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let postmaster = programs.run(&folder, &settings)?;
        Ok(Self {
            postmaster,
            programs,
            settings,
            folder,
        })
    }

    /// Ends the server as a crash would and starts it again on the same data; every session is lost.
    ///
    /// # Errors
    /// It doesn't come up again.
    pub fn restart_immediate(&mut self) -> Result<(), Error> {
        self.postmaster.stop_immediate();
        self.postmaster = self.programs.run(&self.folder, &self.settings)?;
        Ok(())
    }

    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its programs: `psql`, `pg_dump` and others may be there.
    pub fn bin_folder(&self) -> &Path {
        &self.programs.bin
    }

    /// The postmaster's process id.
    pub fn pid(&self) -> u32 {
        self.postmaster.pid()
    }

    /// A connection URL.
    pub fn url(&self, user: &str, database: &str) -> String {
        let encode = |text| utf8_percent_encode(text, RESERVED);
        format!(
            "postgresql://{}@{}:5432/{}",
            encode(user),
            encode(self.folder.text()),
            encode(database)
        )
    }
}

/// A server for unit tests, fetched where none is installed.
#[cfg(test)]
pub(crate) fn for_tests(settings: &[(&str, &str)]) -> Server {
    Server::start_or_fetch(settings, &|line| eprintln!("{line}")).unwrap()
}

impl Programs {
    /// A command as the server's account, away from the user's environment.
    fn command(&self, program: &str, folder: &Folder) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir(folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("PG") || name_text.starts_with("LC_") {
                command.env_remove(name);
            }
        }
        if let Some(account) = &self.account {
            account.apply(&mut command);
        }
        command
    }

    /// Makes the data folder, in UTF-8 and sorted by code points, on every machine alike.
    fn initialise(&self, folder: &Folder) -> Result<(), Error> {
        let first = self.initdb(folder, "C.UTF-8");
        if first.is_ok() {
            return Ok(());
        }
        // Not every system has C.UTF-8; `initdb` has removed what it made.
        self.initdb(folder, "C").or(first)
    }

    fn initdb(&self, folder: &Folder, locale: &str) -> Result<(), Error> {
        let output = self
            .command("initdb", folder)
            .args([
                "-N",
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--no-instructions",
            ])
            .arg(format!("--locale={locale}"))
            .arg("-D")
            .arg(folder.data())
            .output()
            .map_err(|error| self.unstartable("initdb", &error))?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(Error::failed(format!(
            "initdb of the throwaway server: {}",
            words.trim()
        )))
    }

    fn run(&self, folder: &Folder, settings: &[String]) -> Result<Postmaster, Error> {
        let log = folder.log();
        let cannot_log = |error| Error::failed(format!("writing {}: {error}", log.display()));
        let file = File::create(&log).map_err(cannot_log)?;
        let mut command = self.command("postgres", folder);
        command
            .arg("-D")
            .arg(folder.data())
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdout(Stdio::null())
            .stderr(file);
        let postmaster =
            Postmaster::spawn(command).map_err(|error| self.unstartable("postgres", &error))?;
        postmaster.wait_until_ready(&folder.postmaster_pid(), &log)?;
        Ok(postmaster)
    }

    fn unstartable(&self, program: &str, error: &std::io::Error) -> Error {
        let path = self.bin.join(program);
        Error::failed(format!("running {}: {error}", path.display()))
    }
}
