//! The folder that what was fetched is kept in.

use std::ffi::OsString;
use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What every folder in the making is called, with something random behind it.
const IN_THE_MAKING: &str = ".fetching-";

/// Root's server runs as another user, who can't pass through root's home.
const OF_ROOT: &str = "/var/cache/tenantry";

/// The cache of this user: `/var/cache/tenantry` for root, else below `XDG_CACHE_HOME` or `~/.cache`.
pub fn folder(is_root: bool, env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if is_root {
        return Some(PathBuf::from(OF_ROOT));
    }
    // The rules of XDG: a relative path counts as none.
    let named = |name: &str| env(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(cache.join("tenantry"))
}

/// Makes the cache's folder; others may look into it whatever the umask says.
pub fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// Held while something is fetched, by one process at a time.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "unlocked when closed")] File);

/// Takes the cache's lock; `busy` is called before another process is waited for.
pub fn lock(folder: &Path, busy: &dyn Fn()) -> io::Result<Lock> {
    let file = File::create(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            busy();
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(Lock(file))
}

/// A folder for what is in the making; those that killed processes left go away first, which the lock makes safe.
pub fn workshop(folder: &Path, _lock: &Lock) -> io::Result<TempDir> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(IN_THE_MAKING.as_bytes())
            // A killed process' Python may still be writing: then it stays until the next time.
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            log::warn!("removing the leftover {}: {error}", entry.path().display());
        }
    }
    tempfile::Builder::new()
        .prefix(IN_THE_MAKING)
        .tempdir_in(folder)
}

/// Lets everybody read what is below a folder, and nobody but the owner write.
pub fn open_to_all(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_to_all(&entry.path())?;
        } else if kind.is_file() {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o644))?;
        }
    }
    Ok(())
}

/// Makes the files of a folder programs; an archive that Python unpacks loses that.
pub fn make_executable(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::set_permissions(entry?.path(), Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_its_user_and_the_server_get() {
        let place = |is_root: bool, variables: &[(&str, &str)]| {
            let env = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            folder(is_root, &env).map(|it| it.display().to_string())
        };
        let home = ("HOME", "/home/ann");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(place(false, &[home]), some("/home/ann/.cache/tenantry"));
        let named = [home, ("XDG_CACHE_HOME", "/fast")];
        assert_eq!(place(false, &named), some("/fast/tenantry"));
        let relative = [home, ("XDG_CACHE_HOME", "fast")];
        assert_eq!(place(false, &relative), some("/home/ann/.cache/tenantry"));
        assert_eq!(place(false, &[]), None);
        assert_eq!(place(true, &named), some("/var/cache/tenantry"));
    }
}
