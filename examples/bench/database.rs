//! The server under test, and fresh databases on it.

use postgres::{Client, Config, NoTls};
use tenantry::server::Server;

use crate::Failure;

/// Where databases are made: a throwaway server, or one that was named.
pub struct Place {
    /// Keeps the throwaway server alive.
    _server: Option<Server>,
    url: String,
}

/// Room for the workers and for the locks of one transaction that deparses a whole fleet, and no checkpoint in the
/// middle of a pair.
const SETTINGS: [(&str, &str); 4] = [
    ("max_connections", "50"),
    ("max_locks_per_transaction", "1024"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1h"),
];

impl Place {
    /// The server at `url`, whose role must be allowed to make databases, or one of our own.
    pub fn open(url: Option<String>) -> Result<Self, Failure> {
        if let Some(url) = url {
            return Ok(Self { _server: None, url });
        }
        let server = Server::start(&SETTINGS)?;
        let url = server.url("postgres", "postgres");
        Ok(Self {
            _server: Some(server),
            url,
        })
    }

    fn admin(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.url, NoTls)?)
    }

    /// The URL of another database of the server.
    pub fn url(&self, database: &str) -> Result<String, Failure> {
        let config: Config = self.url.parse()?;
        let now = config.get_dbname().ok_or("the URL names no database")?;
        let (before, after) = self
            .url
            .rsplit_once(&format!("/{now}"))
            .ok_or("the URL names its database in no way that is understood")?;
        Ok(format!("{before}/{database}{after}"))
    }

    /// Makes a database anew, empty or as a copy of another, and answers with its URL.
    pub fn create(&self, name: &str, copy_of: Option<&str>) -> Result<String, Failure> {
        self.remove(name)?;
        let mut admin = self.admin()?;
        let version = admin.query_one("SELECT current_setting('server_version_num')::int4", &[])?;
        // Copying files costs less than logging every page; older servers know nothing else.
        let strategy = if version.get::<_, i32>(0) >= 150_000 {
            "STRATEGY file_copy"
        } else {
            ""
        };
        let sql = match copy_of {
            Some(original) => format!("CREATE DATABASE {name} TEMPLATE {original} {strategy}"),
            None => format!("CREATE DATABASE {name} TEMPLATE template0"),
        };
        admin.batch_execute(&sql)?;
        self.url(name)
    }

    /// Makes a database unless it is there, and answers with its URL.
    pub fn ensure(&self, name: &str) -> Result<String, Failure> {
        let sql = "SELECT FROM pg_database WHERE datname = $1";
        let found = self.admin()?.query_opt(sql, &[&name])?;
        match found {
            Some(_) => self.url(name),
            None => self.create(name, None),
        }
    }

    /// Removes a database, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        Ok(self.admin()?.batch_execute(&sql)?)
    }

    /// Brings statistics and the disk to rest, so that both sides start from the same.
    pub fn settle(&self, database: &str) -> Result<(), Failure> {
        let mut client = Client::connect(&self.url(database)?, NoTls)?;
        client.batch_execute("VACUUM ANALYZE")?;
        Ok(client.batch_execute("CHECKPOINT")?)
    }

    /// Flushes what the last measurement left.
    pub fn checkpoint(&self) -> Result<(), Failure> {
        Ok(self.admin()?.batch_execute("CHECKPOINT")?)
    }

    /// The server in one line.
    pub fn describe(&self) -> Result<String, Failure> {
        let names = [
            "server_version",
            "fsync",
            "synchronous_commit",
            "wal_level",
            "shared_buffers",
            "max_wal_size",
        ];
        let mut admin = self.admin()?;
        let mut facts = Vec::new();
        for name in names {
            let row = admin.query_one("SELECT current_setting($1)", &[&name])?;
            facts.push(format!("{name}={}", row.get::<_, String>(0)));
        }
        Ok(facts.join(" "))
    }
}
