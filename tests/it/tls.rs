//! TLS beyond what `psql` can be compared in: roots of the machine, and lists in folders.

use tenantry::model::desired::Cluster;
use tenantry::pg::settings::{Target, resolve};
use tenantry::pg::wire::Wire;

use crate::support::secure::{self, Secure};

/// None where the server's build has no TLS.
fn secure() -> Option<&'static Secure> {
    Some(secure::secure()).filter(|secure| secure.has_tls)
}

fn target(secure: &Secure, parameters: &str) -> Result<Target, String> {
    let files = secure.file("").display().to_string();
    let text = format!(
        "host=localhost port={} user=encrypted dbname=shop {}",
        secure.port,
        parameters.replace("FILES/", &files)
    );
    let resolved = resolve(Some(&text), &Cluster::default(), &|_| None);
    resolved.map_err(|error| error.message)
}

#[track_caller]
fn refusal(secure: &Secure, parameters: &str) -> String {
    match target(secure, parameters) {
        Ok(target) => Wire::connect(&target).expect_err(parameters).to_string(),
        Err(error) => error,
    }
}

#[test]
fn the_machines_roots_did_not_sign_our_server() {
    let Some(secure) = secure() else { return };
    let error = refusal(secure, "sslrootcert=system");
    assert!(
        error.contains("UnknownIssuer") || error.contains("no trusted root"),
        "{error}"
    );
}

#[test]
fn a_root_that_is_named_and_not_there_is_no_reason_to_trust_anybody() {
    let Some(secure) = secure() else { return };
    let error = refusal(secure, "sslmode=require sslrootcert=/none.crt");
    assert!(error.contains("`sslrootcert`: /none.crt"), "{error}");
}

#[test]
fn lists_in_a_folder_count_too() {
    let Some(secure) = secure() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = folder.path().join("list");
    let verified = format!(
        "sslmode=verify-full sslrootcert=FILES/ca.crt sslcrldir={}",
        folder.path().display()
    );
    std::fs::copy(secure.file("empty.crl"), &list).expect("it can be copied");
    Wire::connect(&target(secure, &verified).expect("it makes sense")).expect("nothing is revoked");
    std::fs::copy(secure.file("revoked.crl"), &list).expect("it can be copied");
    let error = refusal(secure, &verified);
    assert!(error.contains("Revoked"), "{error}");
    let error = refusal(secure, "sslmode=require sslcrl=FILES/empty.crl");
    assert!(error.contains("without sslrootcert"), "{error}");
}
