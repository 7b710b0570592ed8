//! libpq's TLS modes on rustls; the driver's own `require` verifies nothing.

mod files;
mod verifier;

use std::sync::Arc;

use postgres::config::SslMode;
use rustls::crypto::ring;
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Error;
use crate::model::env::Env;

use super::values::Values;
use verifier::Check;

/// What `sslmode` asks for (manual, 34.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    /// Encrypts if the server won't have it otherwise.
    Allow,
    /// Encrypts if the server can.
    Prefer,
    /// Encrypts. As in the modes before it, a root certificate that is there makes it [`VerifyCa`](Self::VerifyCa).
    Require,
    /// Trusts whom a root has signed, whatever the host's name.
    VerifyCa,
    /// And the certificate must be the host's.
    VerifyFull,
}

/// The mode, and what encrypts where it does.
#[derive(Clone)]
pub struct Tls {
    pub mode: TlsMode,
    pub connector: Option<MakeRustlsConnect>,
    /// Whether a certificate must be of a trusted CA.
    pub verifies: bool,
}

impl Tls {
    /// Reads what `ssl…` say. No file is read when nothing `needs` encryption, as over a socket.
    pub fn new(values: &Values, needs: bool, env: Env<'_>) -> Result<Self, Error> {
        let mode = mode(values)?;
        negotiation(values, mode)?;
        if mode == TlsMode::Disable || !needs {
            return Ok(Self {
                mode: TlsMode::Disable,
                connector: None,
                verifies: false,
            });
        }
        let check = check(values, mode, env)?;
        let verifies = !matches!(check, Check::Nothing);
        let connector = Some(connector(values, check, env)?);
        Ok(Self {
            mode,
            connector,
            verifies,
        })
    }

    /// What the driver is told to do, and to do next where libpq falls back.
    pub fn attempts(&self, is_socket: bool) -> &'static [SslMode] {
        match self.mode {
            _ if is_socket => &[SslMode::Disable],
            TlsMode::Disable => &[SslMode::Disable],
            TlsMode::Allow => &[SslMode::Disable, SslMode::Require],
            TlsMode::Prefer => &[SslMode::Prefer, SslMode::Disable],
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => &[SslMode::Require],
        }
    }
}

/// `prefer` is the default, but with the machine's roots `verify-full`: every CA of the world signs for somebody.
fn mode(values: &Values) -> Result<TlsMode, Error> {
    let words = [
        ("prefer", TlsMode::Prefer),
        ("disable", TlsMode::Disable),
        ("allow", TlsMode::Allow),
        ("require", TlsMode::Require),
        ("verify-ca", TlsMode::VerifyCa),
        ("verify-full", TlsMode::VerifyFull),
    ];
    let mode = values.word("sslmode", &words)?;
    if values.get("sslrootcert") != Some("system") || mode == TlsMode::VerifyFull {
        return Ok(mode);
    }
    if values.has("sslmode") {
        let problem = "with sslrootcert=system only verify-full says whom one talks to";
        return Err(values.fault("sslmode", problem));
    }
    Ok(TlsMode::VerifyFull)
}

/// Without the server's word first there is no falling back.
fn negotiation(values: &Values, mode: TlsMode) -> Result<(), Error> {
    let is_strong = matches!(
        mode,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull
    );
    if values.get("sslnegotiation") == Some("direct") && !is_strong {
        let problem = "`direct` needs sslmode require, verify-ca or verify-full";
        return Err(values.fault("sslnegotiation", problem));
    }
    Ok(())
}

fn connector(values: &Values, check: Check, env: Env<'_>) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier =
        verifier::new(check, &provider).map_err(|problem| values.fault("sslrootcert", problem))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(values)?)
        .map_err(|error| values.fault("ssl_min_protocol_version", error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match files::identity(values, env)? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| values.fault("sslkey", error))?,
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = values
        .given("sslsni")
        .is_none_or(|sni| sni.starts_with('1'));
    if values.get("sslnegotiation") == Some("direct") {
        // What the server then insists on.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn check(values: &Values, mode: TlsMode, env: Env<'_>) -> Result<Check, Error> {
    let names_list = values.get("sslcrl").is_some() || values.get("sslcrldir").is_some();
    let Some(roots) = files::roots(values, env)? else {
        if matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull) {
            return Err(values.fault(
                "sslmode",
                "there is no root certificate to verify with; give sslrootcert=<file>, put one into \
                 ~/.postgresql/root.crt, or give sslrootcert=system for the machine's own",
            ));
        }
        if names_list {
            let keyword = ["sslcrl", "sslcrldir"]
                .into_iter()
                .find(|word| values.get(word).is_some());
            let problem = "without sslrootcert no certificate is verified, and none found revoked";
            return Err(values.fault(keyword.unwrap_or("sslcrl"), problem));
        }
        return Ok(Check::Nothing);
    };
    let lists = files::revocation_lists(values, env)?;
    Ok(match mode {
        TlsMode::VerifyFull => Check::IssuerAndName { roots, lists },
        _ => Check::Issuer { roots, lists },
    })
}

/// Those that rustls has, within the limits.
fn versions(values: &Values) -> Result<Vec<&'static SupportedProtocolVersion>, Error> {
    let low = version(values, "ssl_min_protocol_version")?.unwrap_or(0);
    let high = version(values, "ssl_max_protocol_version")?.unwrap_or(1);
    if low > high {
        let problem = "it is above ssl_max_protocol_version";
        return Err(values.fault("ssl_min_protocol_version", problem));
    }
    let known = [&rustls::version::TLS12, &rustls::version::TLS13];
    Ok(known[low..=high].to_vec())
}

/// 0 for TLS 1.2, 1 for TLS 1.3.
fn version(values: &Values, keyword: &str) -> Result<Option<usize>, Error> {
    let Some(text) = values.get(keyword) else {
        return Ok(None);
    };
    let known = ["TLSv1.2", "TLSv1.3"];
    let found = known
        .iter()
        .position(|version| version.eq_ignore_ascii_case(text));
    found
        .map(Some)
        .ok_or_else(|| values.fault(keyword, "only TLSv1.2 and TLSv1.3 are supported"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_tried_as_libpq_tries_them() {
        let attempts = |text: &str, over_network: bool| {
            let values = Values::parse(text, "test").unwrap();
            let tls = Tls::new(&values, over_network, &|_| None).unwrap();
            assert_eq!(
                tls.connector.is_none(),
                tls.mode == TlsMode::Disable,
                "{text}"
            );
            tls.attempts(!over_network)
        };
        let cases: [(&str, &[SslMode]); 5] = [
            ("", &[SslMode::Prefer, SslMode::Disable]),
            ("sslmode=disable", &[SslMode::Disable]),
            ("sslmode=allow", &[SslMode::Disable, SslMode::Require]),
            ("sslmode=require", &[SslMode::Require]),
            ("sslrootcert=system", &[SslMode::Require]),
        ];
        for (text, expected) in cases {
            assert_eq!(attempts(text, true), expected, "{text}");
        }
        assert_eq!(attempts("sslmode=verify-full", false), [SslMode::Disable]);
    }

    #[test]
    fn only_a_root_certificate_makes_a_server_prove_itself() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root.crt");
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(&root, certificate.pem()).unwrap();
        let named = format!("sslmode=require sslrootcert={}", root.display());
        for (text, expected) in [
            ("", false),
            ("sslmode=require", false),
            ("sslmode=disable", false),
            (&named, true),
            ("sslrootcert=system", true),
        ] {
            let values = Values::parse(text, "test").unwrap();
            let tls = Tls::new(&values, true, &|_| None).unwrap();
            assert_eq!(tls.verifies, expected, "{text}");
        }
    }
}
