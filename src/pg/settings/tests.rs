//! What settings lead to, without a server.

use std::sync::{Arc, Mutex};

use super::*;

fn cluster(url: Option<&str>) -> Cluster {
    Cluster {
        url: url.map(str::to_owned),
        ..Cluster::default()
    }
}

/// The passwords that a target knows of.
fn passwords(target: Target) -> Vec<String> {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let known = Arc::clone(&heard);
    let learn = move |secret: &str| known.lock().unwrap().push(secret.to_owned());
    drop(target.on_secret(learn));
    heard.lock().unwrap().clone()
}

fn resolved(flag: Option<&str>, url: Option<&str>, env: &[(&str, &str)]) -> Result<Target, Error> {
    resolve(flag, &cluster(url), &|name| {
        env.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn an_empty_url_leads_nowhere() {
    let error = resolved(None, Some("${MAIN}"), &[("MAIN", ""), ("PGHOST", "pg")]);
    assert!(error.unwrap_err().message.contains("empty"));
}

#[test]
fn the_first_source_wins_and_the_variables_fill_it() {
    let env = [
        ("TENANTRY_DATABASE_URL", "postgres://t@tenantry/t"),
        ("DATABASE_URL", "postgres://d@database/d"),
        ("PGHOST", "pg"),
        ("PGPORT", "6000"),
        ("PGUSER", "u"),
        ("WHERE", "there"),
    ];
    let place = |flag, url, env: &[_]| resolved(flag, url, env).unwrap().place();
    let flag = Some("postgres://f@flag:1/f");
    let url = Some("postgres://c@${WHERE}/${NAME:-c}");
    assert_eq!(place(flag, url, &env), "flag:1/f as f");
    assert_eq!(place(None, url, &env), "there:6000/c as c");
    assert_eq!(place(None, None, &env), "tenantry:6000/t as t");
    assert_eq!(place(None, None, &env[1..]), "database:6000/d as d");
    assert_eq!(place(None, None, &env[2..]), "pg:6000/u as u");
    assert_eq!(place(Some("dbname=x"), None, &env), "pg:6000/x as u");
    assert_eq!(
        place(Some("host=a,b port=1,2"), None, &env),
        "a:1,b:2/u as u"
    );
    // Two hosts of a URL without ports have the default one each.
    assert_eq!(
        place(Some("postgres://a,b"), None, &env),
        "a:5432,b:5432/u as u"
    );
    assert_eq!(
        place(Some("port='' dbname=''"), None, &env),
        "pg:5432/u as u"
    );
    assert_eq!(
        place(Some("host=::1 user='a b'"), None, &[]),
        "[::1]:5432/a b as a b"
    );
}

#[test]
fn nothing_given_leads_to_this_machine() {
    let place = resolved(None, None, &[("DATABASE_URL", "")])
        .unwrap()
        .place();
    let user = whoami::username().unwrap();
    assert!(
        place.ends_with(&format!(":5432/{user} as {user}")),
        "{place}"
    );
    assert!(
        place.starts_with('/') || place.starts_with("localhost"),
        "{place}"
    );
}

/// Connection string, environment, what the error names, and what it says.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn bad_settings_are_named_with_their_place_and_without_secrets() {
    let flag = "--database-url";
    let cases: [Case; 33] = [
        ("postgres://u:hush@h?nonsense=hush", &[], flag, "`nonsense`"),
        ("postgres://u:hush@h?HU=hush", &[], flag, "keyword"),
        ("postgres://u:hush@h?sslmode=hush", &[], flag, "`sslmode`"),
        ("postgres://u:hush@h:hush", &[], flag, "`port`"),
        ("host=h port=1,2", &[], flag, "`port`"),
        ("host=h port=0", &[], flag, "`port`"),
        ("host=h hostaddr=hush", &[], flag, "`hostaddr`"),
        ("host=h,i hostaddr=127.0.0.1", &[], flag, "`hostaddr`"),
        ("host=@hush", &[], flag, "abstract"),
        ("postgres://u:hush@h?options=-chush", &[], flag, "`options`"),
        ("host=h sslcert=/hush/x", &[], flag, "`sslcert`: /"),
        ("host=h sslpassword=hush", &[], flag, "`sslpassword`"),
        ("host=h connect_timeout=hush", &[], flag, "connect_timeout"),
        ("host=h tcp_user_timeout=hush", &[], flag, "tcp_user"),
        ("host=h gssencmode=require", &[], flag, "GSSAPI"),
        ("host=h sslcertmode=require", &[], flag, "`sslcertmode`"),
        ("host=h oauth_client_secret=hush", &[], flag, "OAuth"),
        ("host=h target_session_attrs=hush", &[], flag, "target"),
        ("host=h sslnegotiation=direct", &[], flag, "needs sslmode"),
        ("host=h replication=database", &[], flag, "`replication`"),
        (
            "host=h sslmode=verify-ca",
            &[("PGSSLMINPROTOCOLVERSION", "TLSv1.1")],
            flag,
            "no root certificate",
        ),
        (
            "host=h sslmode=require sslrootcert=system",
            &[],
            flag,
            "only verify-full",
        ),
        (
            "hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=system",
            &[],
            flag,
            "needs the host's name",
        ),
        (
            "host=h sslmode=require",
            &[("PGSSLMINPROTOCOLVERSION", "TLSv1.1")],
            "PGSSLMINPROTOCOLVERSION",
            "TLSv1.2",
        ),
        (
            "host=h ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            &[],
            flag,
            "above",
        ),
        ("host=h", &[("PGSSLMODE", "")], "PGSSLMODE", "none of"),
        ("host=h", &[("PGUSER", "")], "PGUSER", "empty"),
        (
            "host=h",
            &[("PGOPTIONS", "-c hush=on")],
            "PGOPTIONS",
            "ALTER",
        ),
        ("host=h", &[("PGTZ", "hush")], "PGTZ", "ALTER ROLE"),
        ("host=h", &[("PGREQUIREPEER", "hush")], "PGREQUIREPEER", ""),
        ("host=h", &[("PGSSLCRL", "/hush")], "PGSSLCRL", ""),
        ("host=h", &[("PGPORT", "hush")], "PGPORT", "65535"),
        (
            "host=h sslmode=verify-ca",
            &[("PGSSLROOTCERT", "/none.pem")],
            "PGSSLROOTCERT",
            "/none.pem: No such file",
        ),
    ];
    for (text, env, origin, words) in cases {
        let error = resolved(Some(text), None, env).expect_err(text).message;
        let start = format!("connection settings ({origin}): ");
        assert!(
            error.starts_with(&start) && error.contains(words),
            "{text}: {error}"
        );
        let shown = error.replace("/hush", "");
        assert!(!shown.to_lowercase().contains("hu"), "{error}");
    }
    let error = resolved(None, Some("postgres://${NONE}"), &[]).unwrap_err();
    assert!(
        error
            .message
            .contains("(`url`): the environment variable NONE"),
        "{error}"
    );
}

#[test]
fn what_changes_nothing_here_is_taken() {
    let texts = [
        "host=h gssencmode=prefer krbsrvname=x client_encoding=latin1 application_name=x sslcompression=0",
        "host=h sslcertmode=disable replication=false min_protocol_version=3.0 max_protocol_version=latest",
        "host=h options='' require_auth=''",
    ];
    for text in texts {
        resolved(Some(text), None, &[("PGAPPNAME", "x"), ("PGOPTIONS", "")]).expect(text);
    }
}

#[test]
fn the_password_file_fills_in_what_is_left() {
    use std::os::unix::fs::OpenOptionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passfile");
    let mut options = std::fs::File::options();
    let mut file = options
        .write(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .unwrap();
    let lines = "a:5432:d:u:one\nb:6000:d:u:one\nc:*:*:*:two\nlocalhost:*:d:u:here\n";
    std::io::Write::write_all(&mut file, lines.as_bytes()).unwrap();
    let path = path.to_str().unwrap();
    let file = [("PGPASSFILE", path)];
    let cases: [(&str, &[&str]); 7] = [
        ("postgres://u@a/d", &["one"]),
        ("postgres://u:given@a/d", &["given"]),
        ("postgres://u@a,b:6000/d", &["one", "one"]),
        ("postgres://u@a,c/d", &["one", "two"]),
        ("postgres://u@b/d", &[]),
        ("postgres://u@%2Fvar%2Frun%2Fpostgresql/d", &["here"]),
        ("user=u hostaddr=127.0.0.1 host=a dbname=d", &["one"]),
    ];
    for (url, expected) in cases {
        let target = resolved(Some(url), None, &file).unwrap();
        assert_eq!(passwords(target), expected, "{url}");
    }
    let variables = [file[0], ("PGPASSWORD", "variable")];
    let target = resolved(Some("postgres://u@a/d"), None, &variables).unwrap();
    assert_eq!(passwords(target), ["variable"]);
    let keyword = format!("host=a user=u dbname=d passfile={path} password=''");
    let target = resolved(Some(&keyword), None, &[]).unwrap();
    assert_eq!(passwords(target), ["one"]);
}

#[test]
fn a_target_shows_no_password() {
    let target = resolved(Some("postgres://u:hush@h/d"), None, &[]).unwrap();
    for shown in [format!("{target:?}"), target.to_string(), target.place()] {
        assert_eq!(shown, "h:5432/d as u");
    }
    assert_eq!(passwords(target), ["hush"]);
}

#[test]
fn a_direct_url_is_for_what_needs_a_session() {
    let cluster = Cluster {
        url: Some("postgres://u@pooler/d".to_owned()),
        direct_url: Some("postgres://u@${DIRECT}/d".to_owned()),
        ..Cluster::default()
    };
    let env = |name: &str| (name == "DIRECT").then(|| "server".to_owned());
    let place = |target: Result<Target, Error>| target.unwrap().place();
    assert_eq!(place(resolve(None, &cluster, &env)), "pooler:5432/d as u");
    assert_eq!(
        place(resolve_direct(None, &cluster, &env)),
        "server:5432/d as u"
    );
    let flag = Some("postgres://u@flag/d");
    assert_eq!(
        place(resolve_direct(flag, &cluster, &env)),
        "flag:5432/d as u"
    );
    let plain = Cluster {
        direct_url: None,
        ..cluster.clone()
    };
    assert_eq!(
        place(resolve_direct(None, &plain, &env)),
        "pooler:5432/d as u"
    );
    let error = resolve_direct(None, &cluster, &|_| None).unwrap_err();
    assert!(
        error.message.contains("(`direct_url`)") && error.message.contains("DIRECT"),
        "{error}"
    );
}

#[test]
fn a_password_command_and_a_password_in_the_url_are_one_too_many() {
    let cluster = Cluster {
        url: Some("${URL}".to_owned()),
        password_command: Some(vec!["token".to_owned(), "${ID}".to_owned()]),
        ..Cluster::default()
    };
    let settle = |flag, url: &'static str, id: Option<&'static str>| {
        resolve(flag, &cluster, &|name| match name {
            "URL" => Some(url.to_owned()),
            "ID" => id.map(str::to_owned),
            "PGPASSWORD" => Some("variable".to_owned()),
            _ => None,
        })
    };
    let error = settle(None, "postgres://u:hush@h/d", Some("x")).unwrap_err();
    assert!(
        error.message.contains("`url`") && error.message.contains("`password_command`"),
        "{error}"
    );
    assert!(!error.message.contains("hush"), "{error}");
    settle(None, "postgres://u@h/d", Some("x")).unwrap();
    settle(Some("postgres://u:p@h/d"), "", None).unwrap();
    let error = settle(None, "postgres://u@h/d", None).unwrap_err();
    assert!(
        error.message.contains("(`password_command`)") && error.message.contains("ID"),
        "{error}"
    );
}
