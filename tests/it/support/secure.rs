//! A server that speaks TLS over the network and asks who one is, with a CA of its own.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use postgres::{Client, Config, NoTls};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tenantry::error::Error;
use tenantry::server::Server;

use super::server::try_start;

/// Of the role `alice`, which must give it over the network and on the socket.
pub const PASSWORD: &str = r"al:i\ce'%40s é";

/// Whom the server lets in, and how; members of `asked` are asked for a password.
const RULES: &str = "\
local     all  alice      scram-sha-256
local     all  all        trust
hostnossl all  plain      samehost trust
host      all  plain      samehost reject
hostssl   all  encrypted  samehost trust
host      all  encrypted  samehost reject
hostssl   all  certified  samehost cert
host      all  alice,+asked samehost scram-sha-256
host      all  all        samehost trust
";

/// A server with TLS, one without, and a folder of certificates, keys and lists.
pub struct Secure {
    pub server: Server,
    /// False where the server's build has none, as that of a wheel; what isn't about TLS works all the same.
    pub has_tls: bool,
    pub port: u16,
    pub plain_port: u16,
    /// Where nobody listens.
    pub closed_port: u16,
    files: tempfile::TempDir,
    _plain: Server,
}

/// Shared, and started when it is first asked for.
pub fn secure() -> &'static Secure {
    static SECURE: OnceLock<Secure> = OnceLock::new();
    SECURE.get_or_init(Secure::start)
}

impl Secure {
    fn start() -> Self {
        let [port, plain_port, closed_port] = free_ports();
        let plain = start(plain_port, &[]).unwrap_or_else(|error| panic!("{error}"));
        let files = tempfile::tempdir_in("/tmp").expect("a temporary folder");
        let path = |name: &str| files.path().join(name).display().to_string();
        make_certificates(files.path());
        fs::write(path("pg_hba.conf"), RULES).expect("the folder can be written to");
        let owner = fs::metadata(plain.socket_folder()).expect("the server runs");
        let account = (Some(owner.uid()), Some(owner.gid()));
        chown(path("server.key"), account.0, account.1).expect("the server gets its key");
        // The server's account goes through it.
        fs::set_permissions(files.path(), Permissions::from_mode(0o755)).expect("it is ours");
        let (hba, key) = (path("pg_hba.conf"), path("server.key"));
        let (certificate, ca) = (path("server.crt"), path("ca.crt"));
        let tls = [
            ("hba_file", hba.as_str()),
            ("ssl", "on"),
            ("ssl_cert_file", &certificate),
            ("ssl_key_file", &key),
            ("ssl_ca_file", &ca),
        ];
        let (server, has_tls) = match start(port, &tls) {
            Err(error) if error.message.contains("not supported by this build") => {
                let rules = RULES.lines().filter(|rule| !rule.starts_with("hostssl"));
                let rules: String = rules.flat_map(|rule| [rule, "\n"]).collect();
                fs::write(&hba, rules).expect("the folder can be written to");
                (start(port, &tls[..1]), false)
            }
            started => (started, true),
        };
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let secure = Self {
            server,
            has_tls,
            port,
            plain_port,
            closed_port,
            files,
            _plain: plain,
        };
        let password = PASSWORD.replace('\'', "''");
        let roles = "CREATE ROLE asked; CREATE ROLE plain LOGIN; CREATE ROLE encrypted LOGIN; CREATE ROLE certified LOGIN";
        for sql in [
            roles,
            &format!("CREATE ROLE alice LOGIN PASSWORD '{password}'"),
            "CREATE ROLE \"o'br ien@x\" LOGIN",
            "CREATE DATABASE alice",
            "CREATE DATABASE \"o'br ien@x\"",
            "CREATE DATABASE shop",
            "CREATE DATABASE \"a/b c%\"",
        ] {
            let made = secure.admin("postgres").batch_execute(sql);
            made.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
        secure
    }

    /// A superuser's connection.
    pub fn admin(&self, database: &str) -> Client {
        let mut config = Config::new();
        config
            .host_path(self.server.socket_folder())
            .port(self.port);
        config.user("postgres").dbname(database);
        config.connect(NoTls).expect("a superuser can connect")
    }

    /// A file of its folder: `ca.crt`, which signed `server.crt` for `localhost` and `client.crt` with `client.key`
    /// for the role `certified`; `other.crt`, which signed nothing; `open.key`, which everybody can read, and
    /// `encrypted.key`; `empty.crl` and `revoked.crl`, which names `server.crt`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }
}

fn start(port: u16, settings: &[(&str, &str)]) -> Result<Server, Error> {
    let port = port.to_string();
    // ::1 isn't there on every machine, which the server only warns of.
    let network = [("listen_addresses", "127.0.0.1,::1"), ("port", &port)];
    let all: Vec<(&str, &str)> = network
        .into_iter()
        .chain(settings.iter().copied())
        .collect();
    try_start(&all)
}

/// Ports that are free at the same moment.
fn free_ports<const N: usize>() -> [u16; N] {
    let listen = |_| TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let listeners: [TcpListener; N] = std::array::from_fn(listen);
    listeners.map(|listener| listener.local_addr().expect("it listens").port())
}

/// The serial number of the server's certificate.
const SERVER: u64 = 4711;

fn make_certificates(folder: &Path) {
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        fs::write(&path, text).expect("the folder can be written to");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
    };
    let (ca, issuer) = authority();
    write("ca.crt", &ca, 0o644);
    write("other.crt", &authority().0, 0o644);
    let (certificate, key) = signed("localhost", &["localhost".to_owned()], &issuer);
    write("server.crt", &certificate, 0o644);
    write("server.key", &key, 0o600);
    let (certificate, key) = signed("certified", &[], &issuer);
    write("client.crt", &certificate, 0o644);
    write("client.key", &key, 0o600);
    write("open.key", &key, 0o644);
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    write("encrypted.key", &encrypted, 0o600);
    write("empty.crl", &list(&[], &issuer), 0o644);
    write("revoked.crl", &list(&[SERVER], &issuer), 0o644);
}

type Ca = Issuer<'static, KeyPair>;

fn authority() -> (String, Ca) {
    let key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("no names");
    ca.distinguished_name.push(DnType::CommonName, "tests' CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = ca.self_signed(&key).expect("a certificate");
    (certificate.pem(), Issuer::new(ca, key))
}

fn signed(name: &str, hosts: &[String], issuer: &Ca) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(hosts).expect("names of hosts");
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(SERVER + u64::from(hosts.is_empty())));
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

fn list(revoked: &[u64], issuer: &Ca) -> String {
    let revoked = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2124, 1, 1),
        crl_number: SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let signed = list.signed_by(issuer).expect("a list");
    signed.pem().expect("a list as text")
}
