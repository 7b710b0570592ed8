//! Reads what the desired state is made of: YAML files, and the listing of a folder of SQL files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::Problem;
use super::tree::Mark;

/// A desired state of 5,000 tenants is less than one of these.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The texts of the YAML files at a path: the file itself, or the `*.yaml` and `*.yml` of a folder in name order.
/// Also says whether all could be read.
pub(super) fn yaml_texts(
    path: &Path,
    problems: &mut Vec<Problem>,
) -> (Vec<(PathBuf, String)>, bool) {
    let before = problems.len();
    let files = yaml_files(path).unwrap_or_else(|problem| {
        problems.push(problem.with_hint("Name the desired state's file or folder with -f."));
        Vec::new()
    });
    let texts = files
        .into_iter()
        .filter_map(|file| match yaml_text(&file) {
            Ok(text) => Some((file, text)),
            Err(problem) => {
                problems.push(problem);
                None
            }
        })
        .collect();
    (texts, problems.len() == before)
}

fn yaml_files(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error| unreadable(path, &error);
    if !path.metadata().map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files: Vec<PathBuf> = file_names(path)
        .map_err(unreadable)?
        .into_iter()
        .filter(|name| !name.starts_with('.') && has_extension(name, &["yaml", "yml"]))
        .map(|name| path.join(name))
        .collect();
    if files.is_empty() {
        let message = "the folder holds no *.yaml or *.yml file";
        return Err(Problem::new(path, Mark::START, message));
    }
    Ok(files)
}

fn yaml_text(file: &Path) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(file, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(
            Problem::new(file, Mark::START, "the file is larger than 16 MiB")
                .with_hint("Split it; a folder's files are read together."),
        );
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Problem::new(
            file,
            Mark { line, column: 1 },
            "not UTF-8 from this line on",
        )
        .with_hint("Save the file as UTF-8.")
    })
}

/// The names in a folder, sorted; those that aren't UTF-8 with replacement characters.
pub(super) fn file_names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<String>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Whether a name ends in one of these extensions, in any case.
pub(super) fn has_extension(name: &str, extensions: &[&str]) -> bool {
    Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|found| extensions.iter().any(|e| found.eq_ignore_ascii_case(e)))
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::new(path, Mark::START, format!("can't be read: {error}"))
}

/// `relative` as it counts from the folder of `file`, without `..` where that changes nothing.
#[must_use]
pub fn beside(file: &Path, relative: &str) -> PathBuf {
    let joined = file.parent().unwrap_or(Path::new("")).join(relative);
    let short = without_dots(&joined);
    match (joined.canonicalize(), short.canonicalize()) {
        // Behind a symbolic link `a/..` isn't where `a` stands.
        (Ok(one), Ok(other)) if one != other => joined,
        _ => short,
    }
}

fn without_dots(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let last = short.components().next_back();
        match (part, last) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                short.pop();
            }
            _ => short.push(part),
        }
    }
    if short.as_os_str().is_empty() {
        short.push(".");
    }
    short
}
