//! Certificates, keys and revocation lists from files, with libpq's rules (manual, 34.19).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::error::Error;
use crate::model::env::Env;

use super::super::values::Values;

/// The file that a keyword names, else the one of this name in `~/.postgresql`, if it is there.
///
/// # Errors
/// A file that was named isn't there.
fn file(
    values: &Values,
    keyword: &str,
    name: &str,
    env: Env<'_>,
) -> Result<Option<PathBuf>, Error> {
    if let Some(named) = values.get(keyword) {
        return match fs::metadata(named) {
            Ok(_) => Ok(Some(PathBuf::from(named))),
            Err(error) => Err(unreadable(values, keyword, Path::new(named), error)),
        };
    }
    let home = env("HOME").filter(|home| !home.is_empty());
    let file = home.map(|home| Path::new(&home).join(".postgresql").join(name));
    Ok(file.filter(|file| file.exists()))
}

fn unreadable(values: &Values, keyword: &str, file: &Path, error: impl std::fmt::Display) -> Error {
    values.fault(keyword, format_args!("{}: {error}", file.display()))
}

/// The roots to trust: `sslrootcert`, or `~/.postgresql/root.crt`; none when there is no such file.
pub fn roots(values: &Values, env: Env<'_>) -> Result<Option<RootCertStore>, Error> {
    let keyword = "sslrootcert";
    let mut store = RootCertStore::empty();
    if values.get(keyword) == Some("system") {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(values.fault(keyword, "this machine has no trusted root certificates"));
        }
        return Ok(Some(store));
    }
    let Some(file) = file(values, keyword, "root.crt", env)? else {
        return Ok(None);
    };
    for certificate in certificates(values, keyword, &file)? {
        let added = store.add(certificate);
        added.map_err(|error| unreadable(values, keyword, &file, error))?;
    }
    Ok(Some(store))
}

fn certificates(
    values: &Values,
    keyword: &str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(values, keyword, file, error))?;
    if found.is_empty() {
        return Err(unreadable(values, keyword, file, "it holds no certificate"));
    }
    Ok(found)
}

/// The lists of `sslcrl` and of the files in `sslcrldir`, else of `~/.postgresql/root.crl`.
pub fn revocation_lists(
    values: &Values,
    env: Env<'_>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let mut lists = Vec::new();
    let has_file = values.get("sslcrl").is_some() || values.get("sslcrldir").is_none();
    if has_file && let Some(file) = file(values, "sslcrl", "root.crl", env)? {
        lists.extend(lists_of(values, "sslcrl", &file)?);
    }
    if let Some(folder) = values.get("sslcrldir") {
        let fault = |error: io::Error| unreadable(values, "sslcrldir", Path::new(folder), error);
        for entry in fs::read_dir(folder).map_err(fault)? {
            lists.extend(lists_of(
                values,
                "sslcrldir",
                &entry.map_err(fault)?.path(),
            )?);
        }
    }
    Ok(lists)
}

fn lists_of(
    values: &Values,
    keyword: &str,
    file: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let found = CertificateRevocationListDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(values, keyword, file, error))?;
    if found.is_empty() {
        return Err(unreadable(
            values,
            keyword,
            file,
            "it holds no revocation list",
        ));
    }
    Ok(found)
}

/// A certificate with those it was signed by, and its key.
pub type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Who we are to the server: `sslcert` and `sslkey`, or `postgresql.crt` and `postgresql.key` of `~/.postgresql`.
pub fn identity(values: &Values, env: Env<'_>) -> Result<Option<Identity>, Error> {
    if values.get("sslcertmode") == Some("disable") {
        return Ok(None);
    }
    let Some(certificate) = file(values, "sslcert", "postgresql.crt", env)? else {
        return Ok(None);
    };
    let chain = certificates(values, "sslcert", &certificate)?;
    if values.get("sslkey").is_some_and(|key| key.contains(':')) {
        return Err(values.fault("sslkey", "keys of an OpenSSL engine aren't supported"));
    }
    let Some(key) = file(values, "sslkey", "postgresql.key", env)? else {
        let problem = format!("there is no key to {}; give sslkey", certificate.display());
        return Err(values.fault("sslkey", problem));
    };
    Ok(Some((chain, private_key(values, &key)?)))
}

fn private_key(values: &Values, file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let fault = |problem: &str| unreadable(values, "sslkey", file, problem);
    let metadata = fs::metadata(file).map_err(|error| fault(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(fault("it isn't a plain file"));
    }
    // One that belongs to root may be read by a group, for several accounts to use.
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden != 0 {
        return Err(fault(
            "it can be read by others; chmod 0600 it, or 0640 if it belongs to root",
        ));
    }
    let bytes = fs::read(file).map_err(|error| fault(&error.to_string()))?;
    if is_encrypted(&bytes) {
        return Err(fault(
            "it is encrypted, which isn't supported; name a key file without a password",
        ));
    }
    PrivateKeyDer::from_pem_slice(&bytes)
        .ok()
        .or_else(|| PrivateKeyDer::try_from(bytes).ok())
        .ok_or_else(|| fault("it holds no private key"))
}

fn is_encrypted(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}
