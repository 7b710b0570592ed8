use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use super::*;

fn answer(url: &str) -> i32 {
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client.query_one("SELECT 42", &[]).unwrap().get(0)
}

fn postmaster_runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn two_servers_stand_side_by_side_and_leave_nothing() {
    let first = for_tests(&[]);
    let second = for_tests(&[("max_connections", "20")]);
    assert_ne!(first.socket_folder(), second.socket_folder());
    let left = [&first, &second].map(|server| {
        assert_eq!(answer(&server.url("postgres", "postgres")), 42);
        (server.socket_folder().to_owned(), server.pid())
    });
    drop((first, second));
    for (folder, pid) in left {
        assert!(!folder.exists(), "{}", folder.display());
        assert!(!postmaster_runs(pid));
    }
}

#[test]
fn settings_are_the_servers() {
    let server = for_tests(&[("max_connections", "17"), ("fsync", "on")]);
    let mut client =
        postgres::Client::connect(&server.url("postgres", "postgres"), postgres::NoTls).unwrap();
    let mut show = |name: &str| -> String {
        client
            .query_one(&format!("SHOW {name}"), &[])
            .unwrap()
            .get(0)
    };
    assert_eq!(show("max_connections"), "17");
    assert_eq!(show("fsync"), "on");
    assert_eq!(show("server_encoding"), "UTF8");
    assert_eq!(show("listen_addresses"), "");
}

#[test]
fn data_outlives_an_immediate_restart_and_sessions_do_not() {
    let mut server = for_tests(&[]);
    let url = server.url("postgres", "postgres");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    client.batch_execute("CREATE TABLE kept ()").unwrap();
    let pid = server.pid();
    server.restart_immediate().unwrap();
    assert_ne!(server.pid(), pid);
    client.batch_execute("SELECT FROM kept").unwrap_err();
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    client.batch_execute("SELECT FROM kept").unwrap();
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let settings = [("max_connections", "many")];
    let error = Server::start_or_fetch(&settings, &|line| eprintln!("{line}")).unwrap_err();
    assert!(error.message.contains("max_connections"), "{error}");
    assert!(error.message.contains("many"), "{error}");
}

const OWNER: &str = "TENANTRY_TEST_SERVER_OWNER";

/// Not a test by itself: the process that the next one kills.
#[test]
fn owner_to_be_killed() {
    if std::env::var_os(OWNER).is_none() {
        return;
    }
    let server = for_tests(&[]);
    println!("\nserver {} {}", server.pid(), server.folder.text());
    // Nobody writes: this waits for the end.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_owner_leaves_nothing_running_and_the_next_start_sweeps() {
    let living = for_tests(&[]);
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "server::tests::owner_to_be_killed",
            "--nocapture",
        ])
        .env(OWNER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (pid, folder) = announced(owner.stdout.take().unwrap());
    assert!(postmaster_runs(pid));
    owner.kill().unwrap();
    owner.wait().unwrap();
    until("the postmaster outlives its owner", || {
        !postmaster_runs(pid)
    });
    let next = for_tests(&[]);
    assert!(!folder.exists(), "{}", folder.display());
    assert_eq!(answer(&next.url("postgres", "postgres")), 42);
    assert_eq!(answer(&living.url("postgres", "postgres")), 42);
}

fn announced(stdout: impl std::io::Read) -> (u32, PathBuf) {
    let mut lines = BufReader::new(stdout).lines().map(Result::unwrap);
    let line = lines
        .find_map(|line| line.strip_prefix("server ").map(str::to_owned))
        .expect("the owner started a server");
    let (pid, folder) = line.split_once(' ').unwrap();
    (pid.parse().unwrap(), Path::new(folder).to_owned())
}
