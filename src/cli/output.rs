//! Where a command's result goes: stdout, or a file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::streams::Streams;
use crate::crash;
use crate::error::Error;

/// What a text is, which decides how it is cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Json,
    /// Cleaned when it was made; another changed byte would break its seal.
    Sealed,
}

/// A place that is known to take a result.
#[derive(Debug)]
pub enum Output {
    Stdout,
    /// Written beside its place and renamed.
    File(PathBuf),
    /// A pipe or a device, which can't be replaced.
    Special {
        file: File,
        path: PathBuf,
    },
}

impl Output {
    /// Finds out, before any work is done, whether the result can be written.
    pub fn open(path: Option<&Path>) -> Result<Self, Error> {
        match path {
            None => Ok(Self::Stdout),
            Some(path) => Self::open_file(path).map_err(|error| unwritable(path, &error)),
        }
    }

    fn open_file(path: &Path) -> io::Result<Self> {
        // What a link leads to is replaced, not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok(found) if !found.is_file() => {
                let file = File::options().write(true).open(&path)?;
                return Ok(Self::Special { file, path });
            }
            Ok(_) => {
                File::options().write(true).open(&path)?;
            }
            Err(_) => {}
        }
        // Made and removed at once: whoever is stopped while the work goes on leaves nothing beside the file.
        temporary_beside(&path)?;
        Ok(Self::File(path))
    }

    /// Whether it is stdout.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Writes the whole result.
    pub fn write(self, streams: &Streams, text: &str, kind: Kind) -> Result<(), Error> {
        if self.is_stdout() {
            match kind {
                Kind::Text => streams.out(text),
                Kind::Json | Kind::Sealed => streams.out_json(text),
            }
            return Ok(());
        }
        let clean = match kind {
            Kind::Text => streams
                .redactor
                .text(&anstream::adapter::strip_str(text).to_string()),
            Kind::Json => streams.redactor.json(text),
            Kind::Sealed => text.to_owned(),
        };
        self.write_file(clean.as_bytes())
    }

    fn write_file(self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Stdout => Ok(()),
            Self::Special { mut file, path } => file
                .write_all(bytes)
                .map_err(|error| unwritable(&path, &error)),
            Self::File(path) => replace(&path, bytes).map_err(|error| unwritable(&path, &error)),
        }
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = temporary_beside(path)?;
    crash::point("before writing a file");
    temporary.write_all(bytes)?;
    crash::point("after writing a file");
    temporary.as_file().sync_all()?;
    crash::point("before renaming a file");
    temporary.persist(path).map_err(|error| error.error)?;
    crash::point("after renaming a file");
    File::open(folder_of(path))?.sync_all()
}

/// An empty file in the same folder; it goes away with the value.
fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    fs::metadata(folder)?;
    crash::point("before making a file");
    let temporary = tempfile::Builder::new()
        .prefix(".tenantry-")
        .permissions(permissions(path))
        .tempfile_in(folder)
        // The error names the temporary file, of which nobody knows; its kind says enough.
        .map_err(|error| io::Error::from(error.kind()))?;
    crash::point("after making a file");
    Ok(temporary)
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| *folder != Path::new(""))
        .unwrap_or(Path::new("."))
}

/// Those of the file that is replaced, or what a new file usually has.
fn permissions(path: &Path) -> fs::Permissions {
    fs::metadata(path).map_or_else(
        |_| std::os::unix::fs::PermissionsExt::from_mode(0o666),
        |found| found.permissions(),
    )
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::failed(format!("writing {}: {error}", path.display()))
        .hint("Name a file in a folder that exists and may be written to.")
}

#[cfg(test)]
mod tests {
    use super::super::streams::captured;
    use super::*;

    #[test]
    fn files_appear_whole_with_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let (streams, ..) = captured::streams();
        streams.redactor.learn("hunter2");
        for text in ["\u{1b}[31mfirst hunter2\u{1b}[0m", "second"] {
            let output = Output::open(Some(&path)).unwrap();
            output.write(&streams, text, Kind::Text).unwrap();
            assert_eq!(
                fs::read_to_string(&path).unwrap(),
                text.replace("\u{1b}[31mfirst hunter2\u{1b}[0m", "first ***")
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn unwritable_places_are_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Output::open(Some(folder.path())).is_err());
        let path = folder.path().join("none/report.json");
        let error = Output::open(Some(&path)).unwrap_err().message;
        assert!(!error.contains(".tenantry-"), "{error}");
        assert!(error.contains("No such file or directory"), "{error}");
    }

    #[test]
    fn nothing_lies_about_while_the_work_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(Some(&folder.path().join("report.json"))).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(output);
    }

    /// On a pipe of its own: were this to fail on one of the machine's devices, the device would be gone.
    #[test]
    fn pipes_are_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs::read_to_string(path).unwrap()
        });
        let output = Output::open(Some(&path)).unwrap();
        output
            .write(&captured::streams().0, "x", Kind::Text)
            .unwrap();
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), "x");
    }
}
