//! The account a server runs as: PostgreSQL refuses to run as root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::error::Error;

/// An ordinary account of this machine.
#[derive(Debug)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Makes a command run as this account.
    pub fn apply(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// The account to change to; `None` for an ordinary user, who stays who he is.
///
/// # Errors
/// Root finds neither `postgres` nor `nobody`.
pub fn to_run_as() -> Result<Option<Account>, Error> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    // `initdb` needs an account with a name.
    let found = ["postgres", "nobody"].into_iter().find_map(by_name);
    found.map(Some).ok_or_else(|| {
        Error::failed(
            "PostgreSQL doesn't run as root, and there is no account `postgres` or `nobody`",
        )
        .hint("Run as an ordinary user.")
    })
}

fn by_name(name: &str) -> Option<Account> {
    Some(Account {
        uid: id("-u", name)?,
        gid: id("-g", name)?,
    })
}

fn id(what: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([what, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Whether another account may pass through every folder above a path.
pub fn may_reach(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.ancestors().all(|folder| {
        std::fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o1 != 0)
    })
}
