//! Who and where one is with some settings: asked through `psql`, which is libpq, and through the library.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tenantry::model::desired::Cluster;
use tenantry::pg::settings;
use tenantry::pg::wire::Wire;

/// One row, `user|database|port|tls`; the port is 0 on a socket.
const WHO: &str = "SELECT current_user || '|' || current_database() || '|' || coalesce(inet_server_port(), 0) \
                   || '|' || ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()";

/// A connection string, which may be empty, and the whole environment.
#[derive(Clone, Debug)]
pub struct Settings {
    pub text: String,
    pub env: Vec<(String, String)>,
}

impl Settings {
    /// What `psql` says, or its error.
    pub fn through_psql(&self) -> Result<String, String> {
        let mut command = Command::new(psql());
        command.env_clear().stdin(Stdio::null());
        for name in ["PATH", "LANG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.args(["-X", "-w", "-A", "-t", "-q", "-c", WHO]);
        if !self.text.is_empty() {
            command.args(["-d", &self.text]);
        }
        let output = command.output().expect("psql runs");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(said(&output.stdout))
        } else {
            Err(said(&output.stderr))
        }
    }

    /// What the library says: its resolver, and then a connection as every command makes it.
    pub fn through_tenantry(&self) -> Result<String, String> {
        let flag = Some(self.text.as_str()).filter(|text| !text.is_empty());
        let env = |name: &str| {
            let found = self.env.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let target =
            settings::resolve(flag, &Cluster::default(), &env).map_err(|error| error.message)?;
        let mut wire = Wire::connect(&target).map_err(|error| error.to_string())?;
        let sets = wire.simple(WHO).map_err(|error| error.to_string())?;
        let text = sets[0].rows[0].get(0).expect("a text");
        Ok(text.to_owned())
    }
}

/// The program itself: what Debian has on PATH is a script that fills settings in by itself.
pub fn psql() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut folders: Vec<PathBuf> = installed
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let programs = folders.into_iter().map(|folder| folder.join("psql"));
    let mut found = programs.filter(|file| file.is_file());
    found
        .next()
        .expect("these tests compare with psql, which is nowhere; install postgresql-client")
}
