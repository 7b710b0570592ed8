//! A server's folder: short, private, locked while its owner lives, and swept when he is dead.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::error::Error;

use super::account::{self, Account};

const PREFIX: &str = "tenantry-";
const OWNER_LOCK: &str = "owner.lock";

/// A socket's path has room for about 103 bytes (macOS); the folder's name and the socket's take 31.
const LONGEST_PARENT: usize = 72;

/// How long a dead owner's postmaster may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds the socket, the data and the log; deleted when dropped.
#[derive(Debug)]
pub struct Folder {
    path: TempDir,
    text: String,
    /// Locked as long as this process lives.
    _owner: File,
}

impl Folder {
    /// Makes a folder for this account, after removing those whose owners died.
    pub fn create(account: Option<&Account>) -> Result<Self, Error> {
        let parent = parent(account);
        sweep(&parent, account);
        Self::create_in(&parent, account).map_err(|error| {
            Error::failed(format!(
                "making the throwaway server's folder in {}: {error}",
                parent.display()
            ))
        })
    }

    fn create_in(parent: &Path, account: Option<&Account>) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        let owner = lock_as_owner(folder.path())?;
        if let Some(account) = account {
            std::os::unix::fs::chown(folder.path(), Some(account.uid), Some(account.gid))?;
        }
        let text = folder.path().to_str().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "its path isn't valid UTF-8")
        })?;
        Ok(Self {
            text: text.to_owned(),
            path: folder,
            _owner: owner,
        })
    }

    pub fn path(&self) -> &Path {
        self.path.path()
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.path().join("server.log")
    }

    pub fn postmaster_pid(&self) -> PathBuf {
        postmaster_pid(self.path())
    }
}

fn postmaster_pid(folder: &Path) -> PathBuf {
    folder.join("data/postmaster.pid")
}

/// The temporary folder of the environment if a socket's path fits and the account gets there, else `/tmp`.
fn parent(account: Option<&Account>) -> PathBuf {
    let wanted = std::env::temp_dir();
    let fits = wanted.as_os_str().len() <= LONGEST_PARENT;
    if fits && wanted.is_absolute() && (account.is_none() || account::may_reach(&wanted)) {
        wanted
    } else {
        PathBuf::from("/tmp")
    }
}

/// The lock appears under its name when it is held already, so that no sweep takes a new folder for a dead one.
fn lock_as_owner(folder: &Path) -> io::Result<File> {
    let made = folder.join("owner.new");
    let file = File::create(&made)?;
    file.try_lock()?;
    fs::rename(made, folder.join(OWNER_LOCK))?;
    Ok(file)
}

/// Removes the folders of dead owners, and ends a postmaster that still runs in one.
fn sweep(parent: &Path, account: Option<&Account>) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let named = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if named && is_ours(&entry.path(), account) {
            remove_if_dead(&entry.path());
        }
    }
}

/// Whether this is a folder made by us: others may write to a shared temporary folder too.
fn is_ours(folder: &Path, account: Option<&Account>) -> bool {
    let ours = account.map_or_else(
        || rustix::process::geteuid().as_raw(),
        |account| account.uid,
    );
    fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == ours && found.mode() & 0o777 == 0o700)
}

fn remove_if_dead(folder: &Path) {
    let Ok(lock) = File::open(folder.join(OWNER_LOCK)) else {
        return;
    };
    if lock.try_lock().is_err() {
        return;
    }
    stop_leftover(folder);
    if let Err(error) = fs::remove_dir_all(folder) {
        log::warn!("removing the leftover {}: {error}", folder.display());
    }
}

fn stop_leftover(folder: &Path) {
    let file = postmaster_pid(folder);
    let since = Instant::now();
    while let Some(pid) = running(&file, folder) {
        let signal = if since.elapsed() < PATIENCE {
            Signal::INT
        } else {
            Signal::KILL
        };
        // It may be gone by now.
        let _ = kill_process(pid, signal);
        if signal == Signal::KILL {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The postmaster that a folder's pid file names, if that process still is one of the folder's account.
fn running(file: &Path, folder: &Path) -> Option<Pid> {
    let text = fs::read_to_string(file).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
    let uid = fs::metadata(folder).ok()?.uid();
    let same_account = fs::metadata(format!("/proc/{pid}"))
        .map_or_else(|_| !Path::new("/proc").exists(), |found| found.uid() == uid);
    (pid.as_raw_nonzero().get() > 1 && same_account).then_some(pid)
}
