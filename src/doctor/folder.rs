//! The backup repository's folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::checkup::Finding;

/// Looks at the folder that `backups.path` names.
pub(super) fn look(path: &Result<PathBuf, String>) -> Finding {
    let path = match path {
        Ok(path) => path,
        Err(problem) => {
            let message = format!("`backups.path`: {problem}");
            return Finding::failed(message, "Set the variable, or write ${NAME:-default}.");
        }
    };
    let shown = path.display();
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("the folder {shown} isn't there");
            return Finding::warning(message, format!("mkdir -m 700 {shown}, or mount it."));
        }
        Err(error) => {
            let message = format!("the folder {shown} can't be read: {error}");
            return Finding::failed(message, "Give the user who runs tenantry the right to it.");
        }
    };
    if !found.is_dir() {
        return Finding::failed(
            format!("{shown} is no folder"),
            "Name a folder in `backups.path`.",
        );
    }
    if access(path, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let hint = "Give the user who runs tenantry the right to it.";
        return Finding::failed(format!("the folder {shown} can't be written to"), hint);
    }
    if found.permissions().mode() & 0o022 != 0 {
        let message = format!(
            "others may write into the folder {shown}, and so put backups of their own there"
        );
        return Finding::failed(message, format!("chmod go-w {shown}"));
    }
    Finding::ok(format!("{shown}, {}", free(path)))
}

fn free(path: &Path) -> String {
    let Ok(found) = statvfs(path) else {
        return "free space unknown".to_owned();
    };
    let megabytes = found.f_bavail.saturating_mul(found.f_frsize) / 1_000_000;
    match megabytes {
        0..10_000 => format!("{megabytes} MB free"),
        _ => format!("{} GB free", megabytes / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkup::Status;
    use super::*;

    #[test]
    fn a_folder_must_be_ours_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backups");
        let look = |path: &Path| look(&Ok(path.to_owned()));
        assert_eq!(look(&path).status, Status::Warning);
        fs::write(&path, "").unwrap();
        assert_eq!(look(&path).status, Status::Failed);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        for (mode, status) in [
            (0o700, Status::Ok),
            (0o755, Status::Ok),
            (0o770, Status::Failed),
            (0o702, Status::Failed),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(look(&path).status, status, "{mode:o}");
        }
        assert!(look(folder.path()).message.contains(" free"));
    }
}
