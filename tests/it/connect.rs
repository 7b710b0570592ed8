//! Connection settings: the same ones through `psql` and through tenantry, and commands that print passwords.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::fleet::Fleet;
use crate::support::gate::until;
use crate::support::psql::Settings;
use crate::support::secure::{PASSWORD, Secure, secure};

/// What a case leads to.
#[derive(Clone, Copy, Debug)]
enum To {
    /// `user|database|port|tls`.
    Session(&'static str),
    /// An error on both sides; tenantry's holds these words.
    Error(&'static str),
    /// The same on both sides, which depends on the machine.
    Same,
}

use To::{Error, Same, Session};

/// Connection string, environment beside HOME, and what both lead to. `{…}` is filled in.
type Case = (&'static str, &'static [(&'static str, &'static str)], To);

const SOURCES: &[Case] = &[
    (
        "postgres://postgres@127.0.0.1:{port}/shop",
        &[],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "postgresql://postgres@localhost:{port}/shop?sslmode=disable",
        &[],
        Session("postgres|shop|{port}|false"),
    ),
    ("postgresql://postgres@[::1]:{port}/shop", &[], Same),
    (
        "postgresql://postgres@{socket%}:{port}/shop",
        &[],
        Session("postgres|shop|0|false"),
    ),
    (
        "postgresql:///shop?host={socket}&port={port}&user=postgres&sslmode=verify-full",
        &[],
        Session("postgres|shop|0|false"),
    ),
    (
        "host={socket} port={port} user=postgres dbname=shop",
        &[],
        Session("postgres|shop|0|false"),
    ),
    (
        r" host = '{socket}' port ={port} user='o\'br ien@x' ",
        &[],
        Session("o'br ien@x|o'br ien@x|0|false"),
    ),
    (
        r"host={socket} port={port} user=o\'br\ ien@x dbname=shop",
        &[],
        Session("o'br ien@x|shop|0|false"),
    ),
    (
        "postgres://o%27br%20ien%40x@127.0.0.1:{port}",
        &[],
        Session("o'br ien@x|o'br ien@x|{port}|true"),
    ),
    (
        "postgres://127.0.0.1:{port}/shop?user=o'br%20ien@x",
        &[],
        Session("o'br ien@x|shop|{port}|true"),
    ),
    (
        "postgres://postgres@127.0.0.1:{port}/a%2Fb%20c%25",
        &[],
        Session("postgres|a/b c%|{port}|true"),
    ),
    (
        "postgres://postgres:a?b@127.0.0.1:{port}/a/b%20c%25",
        &[],
        Session("postgres|a/b c%|{port}|true"),
    ),
    (
        "postgres://nobody@127.0.0.1:{port}/shop?user=postgres&user=plain&sslmode=disable",
        &[],
        Session("plain|shop|{port}|false"),
    ),
    (
        "",
        &[
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", "{port}"),
            ("PGUSER", "postgres"),
            ("PGDATABASE", "shop"),
        ],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "user=postgres",
        &[
            ("PGHOST", "{socket}"),
            ("PGPORT", "{port}"),
            ("PGUSER", "plain"),
            ("PGSSLMODE", "require"),
        ],
        Session("postgres|postgres|0|false"),
    ),
    (
        "host=127.0.0.1 user=postgres dbname=''",
        &[("PGPORT", "{port}"), ("PGDATABASE", "shop")],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "postgres://postgres@127.0.0.1:{port}/?dbname=",
        &[("PGDATABASE", "shop")],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "postgres://postgres@127.0.0.1:{port}/",
        &[("PGDATABASE", "shop")],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres",
        &[("PGDATABASE", ""), ("PGHOSTADDR", ""), ("PGPASSFILE", "")],
        Session("postgres|postgres|{port}|true"),
    ),
    // On this machine somebody may listen on 5432.
    (
        "host=127.0.0.1 port='' user=postgres dbname=shop",
        &[("PGPORT", "{port}")],
        Same,
    ),
    (
        "postgres://127.0.0.1,127.0.0.1/shop?user=postgres",
        &[("PGPORT", "{port}")],
        Same,
    ),
    (
        "host=127.0.0.1 port={port}",
        &[("PGUSER", "")],
        Error("PGUSER"),
    ),
    ("host=127.0.0.1", &[("PGPORT", "x")], Error("(PGPORT): ")),
    (
        "host=127.0.0.1 port={port} user=postgres",
        &[("PGSSLMODE", "")],
        Error("(PGSSLMODE): "),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres",
        &[("PGTARGETSESSIONATTRS", "")],
        Error("(PGTARGETSESSIONATTRS): "),
    ),
    ("host=127.0.0.1 hots=x", &[], Error("`hots`")),
    ("postgres://127.0.0.1/?hots=x", &[], Error("`hots`")),
    ("postgres://127.0.0.1/?user", &[], Error("no `=`")),
    ("postgres://127.0.0.1/?user=a=b", &[], Error("second `=`")),
    ("postgres://127.0.0.1/%zz", &[], Error("hexadecimal")),
    ("postgres://127.0.0.1/a%00b", &[], Error("%00")),
    ("postgres://[::1/x", &[], Error("`]`")),
    ("postgres://[]/x", &[], Error("empty")),
    ("host='127.0.0.1", &[], Error("closing quote")),
    ("host=127.0.0.1 port", &[], Error("without `=`")),
];

const HOSTS: &[Case] = &[
    (
        "postgres://postgres@127.0.0.1:{closed},127.0.0.1:{port}/shop",
        &[],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "host={socket},127.0.0.1 port={closed},{port} user=postgres dbname=shop",
        &[],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "host=nowhere.invalid,127.0.0.1 port={port} user=postgres dbname=shop",
        &[],
        Session("postgres|shop|{port}|true"),
    ),
    // A server that was reached and says no is the last.
    (
        "host=127.0.0.1,127.0.0.1 port={plain},{port} user=postgres dbname=shop",
        &[],
        Error("\"shop\" does not exist"),
    ),
    (
        "host=127.0.0.1,127.0.0.1 port={port},{plain} user=alice password=no dbname=postgres",
        &[],
        Error("password authentication failed"),
    ),
    (
        "host=127.0.0.1,127.0.0.1 port={closed},{port} user=alice dbname=shop",
        &[],
        Session("alice|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1,127.0.0.1 port={closed},{closed} user=postgres",
        &[],
        Error("127.0.0.1:{closed}: "),
    ),
    (
        "host=127.0.0.1 port={port},{port} user=postgres",
        &[],
        Error("`port`"),
    ),
    (
        "host=nowhere.invalid hostaddr=127.0.0.1 port={port} user=postgres dbname=shop",
        &[],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "host={socket} hostaddr=127.0.0.1 port={port} user=postgres dbname=shop",
        &[],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "hostaddr=127.0.0.1 port={port} user=alice dbname=shop",
        &[],
        Session("alice|shop|{port}|true"),
    ),
    (
        "postgres://postgres@nowhere.invalid:{port}/shop",
        &[("PGHOSTADDR", "127.0.0.1")],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "host=a,b hostaddr=127.0.0.1 port={port} user=postgres",
        &[],
        Error("`hostaddr`"),
    ),
    (
        "hostaddr=localhost port={port} user=postgres",
        &[],
        Error("`hostaddr`"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres target_session_attrs=primary",
        &[],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres target_session_attrs=prefer-standby",
        &[],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres",
        &[("PGTARGETSESSIONATTRS", "standby")],
        Error("isn't a standby"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres target_session_attrs=read-only",
        &[],
        Error("isn't read-only"),
    ),
];

const SERVICES: &[Case] = &[
    ("service=shop", &[], Session("plain|shop|{port}|false")),
    (
        "",
        &[("PGSERVICE", "shop")],
        Session("plain|shop|{port}|false"),
    ),
    (
        "service=shop",
        &[("PGUSER", "postgres"), ("PGDATABASE", "postgres")],
        Session("plain|shop|{port}|false"),
    ),
    (
        "service=shop user=postgres dbname=postgres",
        &[],
        Session("postgres|postgres|{port}|false"),
    ),
    (
        "postgres://?service=encrypted",
        &[("PGDATABASE", "shop"), ("PGSSLMODE", "disable")],
        Session("encrypted|shop|{port}|true"),
    ),
    ("service=secret", &[], Session("alice|shop|{port}|true")),
    (
        "service=other",
        &[("PGSERVICEFILE", "{dir}/other.conf")],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "service=system",
        &[("PGSYSCONFDIR", "{dir}/system")],
        Session("postgres|shop|{port}|true"),
    ),
    (
        "service=shop",
        &[
            ("PGSYSCONFDIR", "{dir}/system"),
            ("PGSERVICEFILE", "{dir}/other.conf"),
        ],
        Session("postgres|postgres|{port}|true"),
    ),
    ("service=none", &[], Error("section [none]")),
    ("", &[("PGSERVICE", "")], Error("section []")),
    (
        "service=nested",
        &[],
        Error(".pg_service.conf:21): `service`"),
    ),
    ("service=spaced", &[], Error(".pg_service.conf:23): ")),
    ("service=bare", &[], Error(".pg_service.conf:25): ")),
    (
        "service=shop",
        &[("PGSERVICEFILE", "{dir}/none.conf")],
        Error("PGSERVICEFILE"),
    ),
];

const PASSWORDS: &[Case] = &[
    (
        "postgres://alice:{password%}@127.0.0.1:{port}/shop",
        &[],
        Session("alice|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice dbname=shop",
        &[("PGPASSWORD", "{password}")],
        Session("alice|shop|{port}|true"),
    ),
    (
        "postgres://alice:no@127.0.0.1:{port}/shop",
        &[("PGPASSWORD", "{password}")],
        Error("password authentication failed"),
    ),
    // HOME's .pgpass.
    (
        "postgres://alice@127.0.0.1:{port}/shop",
        &[("PGPASSWORD", "")],
        Session("alice|shop|{port}|true"),
    ),
    (
        "host={socket} port={port} user=alice dbname=shop",
        &[],
        Session("alice|shop|0|false"),
    ),
    (
        "postgres://alice@localhost:{port}/postgres",
        &[],
        Error("password"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice passfile={dir}/stars",
        &[("PGPASSFILE", "{dir}/wrong")],
        Session("alice|alice|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice",
        &[("PGPASSFILE", "{dir}/stars")],
        Session("alice|alice|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice",
        &[("PGPASSFILE", "{dir}/wrong")],
        Error("password authentication failed"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice",
        &[("PGPASSFILE", "{dir}/escaped-star")],
        Error("password"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice",
        &[("PGPASSFILE", "{dir}/open")],
        Error("password"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice",
        &[("PGPASSFILE", "{dir}/none")],
        Error("password"),
    ),
];

const TLS: &[Case] = &[
    // `prefer` falls back where the rules want it, `allow` goes on.
    (
        "host=127.0.0.1 port={port} user=plain dbname=shop",
        &[],
        Session("plain|shop|{port}|false"),
    ),
    (
        "host=127.0.0.1 port={port} user=plain dbname=shop sslmode=require",
        &[],
        Error("pg_hba.conf rejects"),
    ),
    (
        "host=127.0.0.1 port={port} user=encrypted dbname=shop sslmode=allow",
        &[],
        Session("encrypted|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres dbname=shop sslmode=allow",
        &[],
        Session("postgres|shop|{port}|false"),
    ),
    (
        "host=127.0.0.1 port={port} user=encrypted dbname=shop sslmode=disable",
        &[],
        Error("pg_hba.conf rejects"),
    ),
    (
        "host=127.0.0.1 port={plain} user=postgres sslmode=prefer",
        &[],
        Session("postgres|postgres|{plain}|false"),
    ),
    (
        "host=127.0.0.1 port={plain} user=postgres sslmode=require",
        &[],
        Error("does not support TLS"),
    ),
    (
        "host=127.0.0.1 port={port} user=encrypted dbname=shop requiressl=1",
        &[],
        Session("encrypted|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={plain} user=postgres",
        &[("PGREQUIRESSL", "1")],
        Error("does not support TLS"),
    ),
    (
        "postgres://encrypted@127.0.0.1:{port}/shop?ssl=true",
        &[],
        Session("encrypted|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres sslmode=verify-ca sslrootcert={files}/ca.crt",
        &[],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres sslmode=verify-ca sslrootcert={files}/other.crt",
        &[],
        Error("invalid peer certificate"),
    ),
    (
        "host=localhost port={port} user=postgres sslmode=verify-full",
        &[("PGSSLROOTCERT", "{files}/ca.crt")],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=localhost hostaddr=127.0.0.1 port={port} user=postgres sslmode=verify-full",
        &[("PGSSLROOTCERT", "{files}/ca.crt")],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres sslmode=verify-full",
        &[("PGSSLROOTCERT", "{files}/ca.crt")],
        Error("not valid for name"),
    ),
    (
        "host=localhost port={port} user=postgres sslmode=verify-full",
        &[("PGSSLROOTCERT", "{files}/other.crt")],
        Error("invalid peer certificate"),
    ),
    (
        "host=localhost port={port} user=postgres sslmode=verify-full",
        &[],
        Error("no root certificate"),
    ),
    (
        "hostaddr=127.0.0.1 port={port} user=postgres sslmode=verify-full",
        &[("PGSSLROOTCERT", "{files}/ca.crt")],
        Error("the host's name"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres sslmode=require sslrootcert={files}/ca.crt",
        &[],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres sslmode=require sslrootcert={files}/other.crt",
        &[],
        Error("invalid peer certificate"),
    ),
    (
        "host=127.0.0.1 port={port} user=postgres sslmode=prefer sslrootcert={files}/other.crt",
        &[],
        Session("postgres|postgres|{port}|false"),
    ),
    (
        "host=127.0.0.1 port={port} user=certified sslcert={files}/client.crt sslkey={files}/client.key dbname=shop",
        &[],
        Session("certified|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=certified dbname=shop",
        &[
            ("PGSSLCERT", "{files}/client.crt"),
            ("PGSSLKEY", "{files}/client.key"),
        ],
        Session("certified|shop|{port}|true"),
    ),
    // HOME's .postgresql.
    (
        "host=localhost port={port} user=certified dbname=shop sslmode=verify-full",
        &[("HOME", "{dir}/certified")],
        Session("certified|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=certified dbname=shop sslmode=require",
        &[],
        Error("certificate"),
    ),
    (
        "host=127.0.0.1 port={port} user=certified sslmode=require sslcert={files}/client.crt",
        &[("PGSSLKEY", "{files}/open.key")],
        Error("(PGSSLKEY): {files}/open.key: it can be read by others"),
    ),
    (
        "host=127.0.0.1 port={port} user=certified sslmode=require sslcert={files}/client.crt",
        &[],
        Error("give sslkey"),
    ),
    (
        "host=127.0.0.1 port={port} user=certified sslmode=require sslcert={files}/client.crt",
        &[("PGSSLKEY", "{files}/encrypted.key")],
        Error("it is encrypted"),
    ),
    (
        "host=127.0.0.1 port={port} user=certified sslmode=require sslcert={files}/client.crt",
        &[("PGSSLKEY", "{files}/server.key")],
        Error("KeyMismatch"),
    ),
    (
        "host=localhost port={port} user=postgres sslmode=verify-full sslrootcert={files}/ca.crt",
        &[("PGSSLCRL", "{files}/empty.crl")],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=localhost port={port} user=postgres sslmode=verify-ca sslrootcert={files}/ca.crt",
        &[("PGSSLCRL", "{files}/revoked.crl")],
        Error("Revoked"),
    ),
    (
        "host=localhost port={port} user=postgres ssl_min_protocol_version=TLSv1.3 sslmode=require",
        &[("PGSSLMAXPROTOCOLVERSION", "tlsv1.3")],
        Session("postgres|postgres|{port}|true"),
    ),
    (
        "host=localhost port={port} user=postgres sslmode=require",
        &[
            ("PGSSLMINPROTOCOLVERSION", "TLSv1.3"),
            ("PGSSLMAXPROTOCOLVERSION", "TLSv1.2"),
        ],
        Error("PGSSLMINPROTOCOLVERSION"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice dbname=shop channel_binding=require",
        &[],
        Session("alice|shop|{port}|true"),
    ),
    (
        "host=127.0.0.1 port={port} user=alice dbname=shop channel_binding=require sslmode=disable",
        &[],
        Error(""),
    ),
];

/// A HOME with a service file, password files and certificates, and what fills the cases' `{…}`.
struct Home {
    folder: tempfile::TempDir,
    words: Vec<(&'static str, String)>,
}

impl Home {
    fn new(secure: &Secure) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = |path: &Path| path.display().to_string();
        let socket = text(secure.server.socket_folder());
        let encoded = |text: &str| {
            let encode = |byte: u8| format!("%{byte:02x}");
            text.bytes().map(encode).collect::<String>()
        };
        let words = vec![
            ("{port}", secure.port.to_string()),
            ("{plain}", secure.plain_port.to_string()),
            ("{closed}", secure.closed_port.to_string()),
            ("{socket%}", encoded(&socket)),
            ("{socket}", socket),
            ("{password%}", encoded(PASSWORD)),
            ("{password}", PASSWORD.to_owned()),
            (
                "{escaped}",
                PASSWORD.replace('\\', r"\\").replace(':', r"\:"),
            ),
            ("{dir}", text(folder.path())),
            (
                "{files}",
                text(secure.file("").as_path())
                    .trim_end_matches('/')
                    .to_owned(),
            ),
        ];
        let home = Self { folder, words };
        home.write_services();
        home.write_passwords();
        home.write_certificates(secure);
        home
    }

    fn fill(&self, text: &str) -> String {
        let fill = |text: String, (word, value): &(&str, String)| text.replace(word, value);
        self.words.iter().fold(text.to_owned(), fill)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("in a folder")).expect("the folder can be made");
        fs::write(&path, self.fill(text)).expect("the folder can be written to");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    /// The cases name lines of it.
    fn write_services(&self) {
        let own = "\
# services
[shop]
host=127.0.0.1
port={port}
dbname=shop
user=plain
sslmode=disable

[encrypted]
  host=127.0.0.1
  port={port}
  user=encrypted
  sslmode=require
[secret]
user=alice
host=127.0.0.1
port={port}
dbname=shop
password={password}
[nested]
service=shop
[spaced]
host = 127.0.0.1
[bare]
host
[secret]
user=postgres
";
        self.write(".pg_service.conf", own, 0o644);
        let place = "host=127.0.0.1\nport={port}\nuser=postgres\n";
        self.write(
            "other.conf",
            &format!("[other]\n{place}dbname=shop\n"),
            0o644,
        );
        let system = format!("[system]\n{place}dbname=shop\n[shop]\n{place}");
        self.write("system/pg_service.conf", &system, 0o644);
    }

    fn write_passwords(&self) {
        let own = "\
# hosts
other:*:*:*:no
127.0.0.1:{port}:shop:alice:{escaped}
{socket}:{port}:shop:*:{escaped}:and more
";
        self.write(".pgpass", own, 0o600);
        self.write("stars", "*:*:*:*:{escaped}\n", 0o600);
        self.write("open", "*:*:*:*:{escaped}\n", 0o644);
        self.write("wrong", "*:*:*:*:no\n*:*:*:*:{escaped}\n", 0o600);
        self.write("escaped-star", "\\*:*:*:*:{escaped}\n", 0o600);
    }

    fn write_certificates(&self, secure: &Secure) {
        let folder = "certified/.postgresql";
        for (from, to, mode) in [
            ("ca.crt", "root.crt", 0o644),
            ("client.crt", "postgresql.crt", 0o644),
            ("client.key", "postgresql.key", 0o600),
        ] {
            let text = fs::read_to_string(secure.file(from)).expect("it was made");
            self.write(&format!("{folder}/{to}"), &text, mode);
        }
    }

    fn settings(&self, (text, env, _): &Case) -> Settings {
        let mut all: Vec<(String, String)> = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), self.fill(value)))
            .collect();
        if !all.iter().any(|(name, _)| name == "HOME") {
            all.push(("HOME".to_owned(), self.fill("{dir}")));
        }
        Settings {
            text: self.fill(text),
            env: all,
        }
    }
}

/// What is wrong with one case, if anything.
fn wrong(home: &Home, case: &Case) -> Option<String> {
    let settings = home.settings(case);
    let (psql, ours) = (settings.through_psql(), settings.through_tenantry());
    let fits = match case.2 {
        Session(who) => psql == ours && ours.as_ref() == Ok(&home.fill(who)),
        Same => psql.is_ok() == ours.is_ok() && (psql == ours || psql.is_err()),
        Error(words) => {
            let said = ours.as_ref().err();
            psql.is_err() && said.is_some_and(|said| said.contains(&home.fill(words)))
        }
    };
    // Whatever is wrong: no message may show it.
    let hides = ours
        .as_ref()
        .err()
        .is_none_or(|said| !said.contains(PASSWORD));
    (!fits || !hides).then(|| {
        format!(
            "{settings:#?}\nto {:?}\npsql {psql:#?}\nours {ours:#?}",
            case.2
        )
    })
}

#[track_caller]
fn compare(cases: &[Case]) {
    let secure = secure();
    if !secure.has_tls {
        return;
    }
    let home = Home::new(secure);
    let wrong: Vec<String> = cases.iter().filter_map(|case| wrong(&home, case)).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn strings_and_variables_mean_what_they_mean_to_psql() {
    compare(SOURCES);
}

#[test]
fn hosts_are_tried_as_psql_tries_them() {
    compare(HOSTS);
}

#[test]
fn services_are_found_where_psql_finds_them() {
    compare(SERVICES);
}

#[test]
fn passwords_are_found_where_psql_finds_them() {
    compare(PASSWORDS);
}

#[test]
fn encryption_is_what_it_is_to_psql() {
    compare(TLS);
}

/// The SQL that waits while the test holds this lock.
const GATE: &str = "SET LOCAL lock_timeout = 0;\nSELECT pg_advisory_xact_lock_shared(4711);\n";

/// A fleet on the secure server as a role of its own, whose password a command reads from a file and notes that it
/// did.
struct Rotating {
    fleet: Fleet,
    /// Of the role and of its database.
    name: String,
}

impl Rotating {
    fn new(tenants: &[&str]) -> Self {
        let secure = secure();
        let name = format!("rota_{}", tenants.len());
        let mut admin = secure.admin("postgres");
        for sql in [
            format!("CREATE ROLE {name} LOGIN IN ROLE asked"),
            format!("CREATE DATABASE {name}"),
            format!("GRANT CREATE ON DATABASE {name} TO {name}"),
        ] {
            admin.batch_execute(&sql).expect(&sql);
        }
        let mut fleet = Fleet::small(tenants);
        "  cluster: main\n".clone_into(&mut fleet.defaults);
        fleet.extra = format!(
            "clusters:\n  main:\n    url: host=127.0.0.1 port={} user={name} dbname={name}\n    \
             password_command: [sh, ./token, '${{TOKEN_FILE}}']\n",
            secure.port
        );
        fleet.env = vec![("TOKEN_FILE".to_owned(), "secret".to_owned())];
        fleet.write("token", "cat \"$1\"\necho >>asked\n");
        let rotating = Self { fleet, name };
        rotating.change("first-of-all");
        rotating
    }

    /// Changes the password, on the server and for the command.
    fn change(&self, password: &str) {
        let sql = format!("ALTER ROLE {} PASSWORD '{password}'", self.name);
        let mut admin = secure().admin("postgres");
        admin.batch_execute(&sql).expect("the role is there");
        self.fleet.write("secret", &format!("{password}\n"));
    }

    /// How often the command was run.
    fn asked(&self) -> usize {
        let text = fs::read_to_string(self.fleet.path("asked")).unwrap_or_default();
        text.lines().count()
    }
}

#[test]
fn a_password_that_changes_in_the_middle_of_a_run_is_asked_for_anew() {
    let rotating = Rotating::new(&["acme", "globex", "hooli"]);
    let fleet = &rotating.fleet;
    fleet.apply(0);
    let before = rotating.asked();
    fleet.migration("V1__held.sql", GATE);
    let mut gate = secure().admin(&rotating.name);
    gate.batch_execute("SELECT pg_advisory_lock(4711)")
        .expect("it is free");
    let running = fleet.start([
        "apply",
        "--auto-approve",
        "--parallel",
        "1",
        "--format",
        "json",
    ]);
    let waiting =
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted";
    let mut pid = 0;
    until("a tenant waits", || {
        let rows = gate.query(waiting, &[]).expect("it can be asked");
        pid = rows.first().map_or(0, |row| row.get(0));
        pid != 0
    });
    let with_the_first = rotating.asked();
    assert!(with_the_first > before, "each new connection asks");
    rotating.change("second-of-all");
    let ended = gate.query_one("SELECT pg_terminate_backend($1)", &[&pid]);
    assert!(ended.expect("it can be ended").get::<_, bool>(0));
    gate.batch_execute("SELECT pg_advisory_unlock(4711)")
        .expect("it was held");
    let run = running.end().expect(0);
    assert_eq!(run.json()["summary"]["applied"], 3, "{}", run.stdout);
    assert!(
        rotating.asked() > with_the_first,
        "and so does the one that took its place"
    );
    assert!(!run.all().contains("-of-all"), "{}", run.all());
    fleet.expect_no_changes();
}

#[test]
fn a_command_that_fails_is_told_without_what_it_printed() {
    let rotating = Rotating::new(&["acme"]);
    let fleet = &rotating.fleet;
    fleet.write(
        "token",
        "echo hush-hush-hush\necho 'the vault said hush-hush-hush, and no' >&2\nexit 3\n",
    );
    let run = fleet.run(["plan", "--format", "json"]).expect(1);
    let said = run.all();
    assert!(
        said.contains(
            "password_command `sh` failed (exit status: 3); it said: the vault said ***, and no"
        ),
        "{said}"
    );
    assert!(!said.contains("hush"), "{said}");
    fleet.write("token", "exit 0\n");
    let said = fleet.run(["plan"]).expect(1).all();
    assert!(said.contains("prints no password"), "{said}");
}

#[test]
fn two_passwords_are_one_too_many_wherever_they_stand() {
    let mut rotating = Rotating::new(&["acme", "globex"]);
    let fleet = &mut rotating.fleet;
    let extra = fleet.extra.clone();
    fleet.extra = extra.replace(" dbname=", " password=hush-hush dbname=");
    let run = fleet.run(["validate"]).expect(65);
    assert!(
        run.stderr
            .contains("fleet.yaml:12:10: `url` holds a password"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("is at fleet.yaml:13:5"),
        "{}",
        run.stderr
    );
    let url = extra.lines().nth(2).expect("the url").to_owned();
    fleet.extra = extra.replace(&url, "    url: ${MAIN}");
    let text = format!(
        "{} password=hush-hush",
        url.trim().trim_start_matches("url: ")
    );
    fleet.env.push(("MAIN".to_owned(), text.clone()));
    let plan = fleet.run(["plan", "--format", "json"]).expect(1).json();
    let said = plan["blocked"][0]["message"].to_string();
    assert!(said.contains("(`url`): a password stands there"), "{said}");
    assert!(
        said.contains("`password_command`") && !said.contains("hush"),
        "{said}"
    );
    // The flag's own password goes before both.
    let flag = text.replace("hush-hush", "first-of-all");
    let run = fleet.run(["plan", "--database-url", &flag]).expect(0);
    assert!(run.stdout.contains("2 to create"), "{}", run.stdout);
    assert_eq!(rotating.asked(), 0);
}
