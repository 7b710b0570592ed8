//! A real PgBouncer in transaction mode between the program and the server.
//!
//! It knows no `ignore_startup_parameters`, so that it refuses whatever the program shouldn't send.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use postgres::{Client, NoTls};

use super::gate::until;
use super::server::{DEPLOY, PASSWORD, Upstream, server};

const PORT: u16 = 6432;

/// Ends PgBouncer when its owner closes the pipe, as the system does for one that is killed.
const KEEPER: &str =
    "pgbouncer pgbouncer.ini >pgbouncer.out 2>&1 & read _; kill $! 2>/dev/null; wait";

/// How a pool hands its server connections out.
#[derive(Clone, Copy, Debug)]
pub struct Pooling<'a> {
    /// Server connections a database and user.
    pub size: usize,
    /// The longest idle one first, so that no two transactions of a client share one by luck.
    pub round_robin: bool,
    /// Further settings, a line each.
    pub extra: &'a str,
}

impl Pooling<'_> {
    /// So many server connections, each transaction on another of them.
    pub const fn of(size: usize) -> Self {
        Self {
            size,
            round_robin: true,
            extra: "",
        }
    }
}

/// A running PgBouncer in front of the tests' server; it ends with its owner.
pub struct Pooler {
    keeper: Child,
    folder: tempfile::TempDir,
}

impl Pooler {
    pub fn start(pooling: Pooling<'_>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pgb-")
            .tempdir()
            .expect("a temporary folder");
        write_settings(folder.path(), pooling);
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER])
            .current_dir(folder.path())
            // Debian has it where only administrators look.
            .env(
                "PATH",
                "/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin:/bin",
            )
            .stdin(Stdio::piped());
        run_as_server(&mut command, folder.path());
        let mut pooler = Self {
            keeper: command.spawn().expect("a shell starts"),
            folder,
        };
        until("PgBouncer accepts connections", || pooler.is_ready());
        pooler
    }

    fn is_ready(&mut self) -> bool {
        let out = self.folder.path().join("pgbouncer.out");
        let said = fs::read_to_string(out).unwrap_or_default();
        assert!(
            !said.contains("not found"),
            "these tests need PgBouncer: apt-get install --no-install-recommends pgbouncer"
        );
        assert!(!said.contains("FATAL"), "PgBouncer doesn't start: {said}");
        let socket = self.folder.path().join(format!(".s.PGSQL.{PORT}"));
        UnixStream::connect(socket).is_ok()
    }

    /// The URL the program gets for a database behind it.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://{DEPLOY}:{PASSWORD}@{host}:{PORT}/{database}?sslmode=disable")
    }

    /// A client as any application might be one.
    pub fn client(&self, database: &str) -> Client {
        Client::connect(&self.url(database), NoTls).expect("PgBouncer lets it in")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // There is nobody to tell.
        let _ = self.keeper.wait();
    }
}

fn write_settings(folder: &Path, pooling: Pooling<'_>) {
    let (host, port) = match server().upstream() {
        Upstream::Tcp(host, port) => (host, port),
        Upstream::Unix(socket) => (
            socket.parent().expect("a folder").display().to_string(),
            server().port(),
        ),
    };
    let mut text = format!(
        "[databases]\n* = host={host} port={port} auth_user=postgres\n[pgbouncer]\n\
         pool_mode = transaction\nunix_socket_dir = {}\nlisten_port = {PORT}\n\
         auth_type = trust\nauth_file = userlist.txt\n\
         auth_query = SELECT rolname, '' FROM pg_catalog.pg_roles WHERE rolname = $1\n\
         max_client_conn = 500\ndefault_pool_size = {}\n\
         server_round_robin = {}\nserver_login_retry = 1\n",
        folder.display(),
        pooling.size,
        u8::from(pooling.round_robin),
    );
    writeln!(text, "{}", pooling.extra).expect("a String takes all");
    let users = format!("\"{DEPLOY}\" \"{PASSWORD}\"\n\"postgres\" \"\"\n");
    fs::write(folder.join("pgbouncer.ini"), text).expect("a fresh folder");
    fs::write(folder.join("userlist.txt"), users).expect("a fresh folder");
}

/// PgBouncer refuses to run as root, and only the server's account gets at the server's socket.
fn run_as_server(command: &mut Command, folder: &Path) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (uid, gid) = match server().upstream() {
        Upstream::Unix(socket) => {
            let found = fs::metadata(socket).expect("the server's socket is there");
            (found.uid(), found.gid())
        }
        Upstream::Tcp(..) => nobody().expect("there is an account `nobody`"),
    };
    chown(folder, Some(uid), Some(gid)).expect("root may give it away");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("it is ours");
    command.uid(uid).gid(gid);
}

fn nobody() -> io::Result<(u32, u32)> {
    let id = |what| -> io::Result<u32> {
        let output = Command::new("id").args([what, "nobody"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.trim().parse().map_err(io::Error::other)
    };
    Ok((id("-u")?, id("-g")?))
}
