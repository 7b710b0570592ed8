//! Saved plans: sealed, and refused when a byte of them was changed.

use uuid::Uuid;

use super::fleet::*;
use crate::error::Exit;
use crate::plan::FORMAT_VERSION;
use crate::plan::digest::desired_digest;
use crate::plan::saved::SavedPlan;

fn saved() -> SavedPlan {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.add_migration(deleting(migration(3, "y"), 1));
    fleet
        .desired
        .tenants
        .insert(tenant_id("blau"), tenant("blau"));
    fleet.add_schema("acq_stray");
    let id = Uuid::from_u128(0x1234_5678);
    SavedPlan::new(fleet.plan(), id, "2026-01-02T03:04:05Z".to_owned())
}

#[test]
fn what_was_written_is_read() {
    let saved = saved();
    let text = saved.to_json();
    assert_eq!(SavedPlan::parse(&text).unwrap(), saved);
    assert_eq!(text, saved.to_json());
}

#[test]
fn each_flipped_byte_is_refused() {
    let text = saved().to_json();
    let mut tried = 0;
    for at in 0..text.len() {
        for flip in [0x01, 0x20] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let edited = String::from_utf8(bytes).unwrap();
            let error = SavedPlan::parse(&edited).unwrap_err();
            assert_eq!(error.exit, Exit::Refused);
            assert!(error.hint.is_some());
            tried += 1;
        }
    }
    assert!(tried > 4_000, "{tried}");
}

#[test]
fn added_and_removed_text_is_refused() {
    let text = saved().to_json();
    let edits = [
        format!("{text}\n"),
        text.trim_end().to_owned(),
        text.replacen("{\n", "{\n  \"more\": 1,\n", 1),
        text.replace("  ", " "),
        String::new(),
        "null".to_owned(),
    ];
    for edit in edits {
        assert_eq!(SavedPlan::parse(&edit).unwrap_err().exit, Exit::Refused);
    }
}

/// A plan that was sealed again after an edit still isn't the one that was named.
#[test]
fn another_plan_under_the_same_seal_is_refused() {
    let mut edited = saved();
    edited.plan.cohorts.clear();
    edited.plan = edited.plan.sealed();
    let error = SavedPlan::parse(&edited.to_json()).unwrap_err();
    assert!(error.message.contains("seal"), "{error}");
}

#[test]
fn another_format_is_told_from_an_edit() {
    let text = saved().to_json().replace(
        &format!("\"format_version\": \"{FORMAT_VERSION}\""),
        "\"format_version\": \"2.0\"",
    );
    let error = SavedPlan::parse(&text).unwrap_err();
    assert!(error.message.contains("2.0") && !error.message.contains("edited"));
}

type Change = (&'static str, fn(&mut Fleet));

#[test]
fn the_desired_digest_follows_what_decides_the_work() {
    let base = Fleet::of(&["acme"]);
    let digest = desired_digest(&base.desired);
    let changes: [Change; 13] = [
        ("tenant", |f| {
            f.desired.tenants.insert(tenant_id("new"), tenant("new"));
        }),
        ("state", |f| {
            f.tenant("acme").state = crate::model::desired::TenantState::Absent;
        }),
        ("schema", |f| f.tenant("acme").schema = schema("other")),
        ("owner", |f| f.tenant("acme").owner = None),
        ("tags", |f| f.tenant("acme").tags = tags(&["canary"])),
        ("vars", |f| {
            f.tenant("acme")
                .vars
                .insert("currency".into(), "EUR".into());
        }),
        ("timeout", |f| {
            f.tenant("acme").timeouts.lock.0 += std::time::Duration::from_secs(1);
        }),
        ("search_path", |f| f.desired.search_path.clear()),
        ("history_table", |f| f.desired.history_table = table("h")),
        ("template", |f| {
            let migrations = f.template().migrations.0.clone();
            *f.template() = template("CREATE TABLE m (); \n", 0, migrations.into_values());
        }),
        ("baseline", |f| f.template().baseline = 1),
        ("migration", |f| {
            f.template().migrations.0.get_mut(&2).unwrap().up = file("V2__x.sql", " ");
        }),
        ("down", |f| {
            let down = Some(file("V2__x.down.sql", "DROP TABLE t2;"));
            f.template().migrations.0.get_mut(&2).unwrap().down = down;
        }),
    ];
    for (what, change) in changes {
        let mut fleet = base.clone();
        change(&mut fleet);
        assert_ne!(desired_digest(&fleet.desired), digest, "{what}");
    }
}

#[test]
fn the_desired_digest_ignores_where_and_in_what_order() {
    let base = Fleet::of(&["acme"]);
    let mut other = base.clone();
    let main = other.desired.clusters.get_mut(&cluster(MAIN)).unwrap();
    main.url = Some("${ELSEWHERE}".to_owned());
    main.parallel = Some(3);
    other.desired.rollout.canary_tags.clear();
    other.desired.secrets.insert("TOKEN".to_owned());
    assert_eq!(
        desired_digest(&base.desired),
        desired_digest(&other.desired)
    );
}
