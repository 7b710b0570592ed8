//! Tenants told apart by what they look like, and what is told of those that differ.

use super::fleet::*;
use crate::model::desired::OnDrift;
use crate::model::name::TenantId;
use crate::model::shape::SHAPE_VERSION;
use crate::model::standing::{Compared, Standing, Unchecked};
use crate::model::template::ContentHash;
use crate::plan::action::Precondition;
use crate::plan::{BlockedCode, Cohort, Plan};

fn hash(word: &str) -> ContentHash {
    ContentHash::of(word)
}

/// Tenants that have a migration to run, all in sync.
fn due(ids: &[&str]) -> Fleet {
    let mut fleet = Fleet::live(ids);
    fleet.add_migration(migration(3, "y"));
    for id in ids {
        stand(&mut fleet, id, "reference", "live", &[]);
    }
    fleet
}

fn put(fleet: &mut Fleet, id: &str, standing: Standing) {
    fleet.options.standings.0.insert(tenant_id(id), standing);
}

fn stand(fleet: &mut Fleet, id: &str, reference: &str, live: &str, differences: &[&str]) {
    let shape = Compared {
        reference: hash(reference),
        live: hash(live),
        differences: differences.iter().map(|one| (*one).to_owned()).collect(),
    };
    let standing = Standing {
        shape: Ok(shape),
        partial: Vec::new(),
    };
    put(fleet, id, standing);
}

fn unchecked(fleet: &mut Fleet, id: &str, why: &str) {
    let standing = Standing {
        shape: Err(Unchecked(why.to_owned())),
        partial: Vec::new(),
    };
    put(fleet, id, standing);
}

fn tenants(plan: &Plan) -> Vec<Vec<&str>> {
    fn names(cohort: &Cohort) -> Vec<&str> {
        cohort.tenants.iter().map(TenantId::as_str).collect()
    }
    plan.cohorts.iter().map(names).collect()
}

/// The fingerprints that a cohort is held against; none where it isn't.
fn shapes(cohort: &Cohort) -> Option<Vec<ContentHash>> {
    match &cohort.expects {
        Precondition::History { shapes, .. } => shapes.as_ref().map(|shapes| {
            assert_eq!((shapes.shape_version, shapes.server), (SHAPE_VERSION, 15));
            shapes.fingerprints.clone()
        }),
        other => panic!("{other:?}"),
    }
}

fn told(fleet: &Fleet) -> Vec<String> {
    let notices = fleet.plan().notices.into_iter();
    notices
        .map(|notice| {
            let tenants: Vec<&str> = notice.tenants.iter().map(TenantId::as_str).collect();
            format!("{} {}: {}", notice.code, tenants.join(" "), notice.message)
        })
        .collect()
}

#[test]
fn whoever_is_in_sync_stays_together_whatever_words_the_server_has() {
    let mut fleet = due(&["a", "b", "c"]);
    stand(&mut fleet, "b", "reference", "after a dump", &[]);
    let plan = fleet.plan();
    assert_eq!(tenants(&plan), [["a", "b", "c"]]);
    let mut both = [hash("live"), hash("after a dump")];
    both.sort();
    assert_eq!(shapes(&plan.cohorts[0]), Some(both.to_vec()));
    assert_eq!(told(&fleet), [""; 0]);
}

#[test]
fn what_histories_make_and_who_drifted_tell_cohorts_apart() {
    let mut fleet = due(&["a", "b", "c", "d", "e"]);
    stand(&mut fleet, "b", "other", "live", &[]);
    for id in ["c", "d"] {
        stand(&mut fleet, id, "reference", "live", &["index x missing"]);
    }
    stand(&mut fleet, "e", "reference", "worse", &["index x missing"]);
    let plan = fleet.plan();
    assert_eq!(
        tenants(&plan),
        [vec!["a"], vec!["b"], vec!["c", "d"], vec!["e"]]
    );
    let mut ids: Vec<&str> = plan.cohorts.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{plan:#?}");
}

#[test]
fn shapes_of_two_major_versions_are_apart() {
    let mut fleet = due(&["a", "b"]);
    fleet.add_cluster("eu");
    fleet.tenant("b").cluster = cluster("eu");
    let row = fleet.database(MAIN).tenants.remove(&tenant_id("b"));
    let live = fleet.database(MAIN).schemas.remove(&schema("acq_b"));
    let eu = fleet.database("eu");
    eu.tenants.insert(tenant_id("b"), row.unwrap());
    eu.schemas.insert(schema("acq_b"), live.unwrap());
    assert_eq!(tenants(&fleet.plan()), [["a", "b"]]);
    fleet.database("eu").server.version_num = 180_001;
    assert_eq!(tenants(&fleet.plan()), [["a"], ["b"]]);
    // Where nobody looked it makes no difference.
    fleet.options.standings.0.clear();
    let plan = fleet.plan();
    assert_eq!(tenants(&plan), [["a", "b"]]);
    assert_eq!(shapes(&plan.cohorts[0]), None);
}

#[test]
fn whoever_is_unchecked_stays_together_and_is_held_against_nothing() {
    let mut fleet = due(&["a", "b", "c"]);
    unchecked(&mut fleet, "a", "no permission for acq_a");
    unchecked(&mut fleet, "b", "no permission for acq_b");
    let plan = fleet.plan();
    assert_eq!(tenants(&plan), [vec!["a", "b"], vec!["c"]]);
    assert_eq!(shapes(&plan.cohorts[0]), None);
    assert!(
        !serde_json::to_string(&plan.cohorts[0])
            .unwrap()
            .contains("shapes")
    );
    assert_eq!(
        told(&fleet),
        [
            "shape_unchecked a b: 2 tenants weren't checked for drift: for example: no permission for acq_a"
        ]
    );
    unchecked(&mut fleet, "a", "no reference");
    assert_eq!(
        told(&fleet),
        [
            "shape_unchecked a: 1 tenant wasn't checked for drift: no reference",
            "shape_unchecked b: 1 tenant wasn't checked for drift: no permission for acq_b",
        ]
    );
}

#[test]
fn equal_drift_is_told_once() {
    let mut fleet = due(&["a", "b", "c"]);
    for id in ["a", "c"] {
        stand(&mut fleet, id, "reference", id, &["index x missing"]);
    }
    let many = [
        "table a extra",
        "table b extra",
        "table c extra",
        "table d extra",
    ];
    stand(&mut fleet, "b", "reference", "b", &many);
    let expected = [
        "drifted a c: 2 tenants have drifted: index x missing; `tenantry drift` shows it",
        "drifted b: 1 tenant has drifted: table a extra, table b extra, table c extra and 1 more; \
         `tenantry drift` shows it",
    ];
    assert_eq!(told(&fleet), expected);
    // Also of those that have nothing to run, and never of others.
    fleet.template().migrations.0.remove(&3);
    assert_eq!(told(&fleet), expected);
    assert!(!fleet.plan().differs());
    let filter = ["b".to_owned()];
    fleet.options.selection = crate::plan::selection::Selection::new(&filter, &[], &[]).unwrap();
    assert_eq!(told(&fleet), expected[1..]);
}

#[test]
fn what_isnt_compared_is_told() {
    let mut fleet = due(&["a", "b"]);
    let standing = fleet.options.standings.0.get_mut(&tenant_id("b")).unwrap();
    standing.partial = vec!["table x has a security label, which isn't compared".to_owned()];
    assert_eq!(
        told(&fleet),
        [
            "partial b: 1 tenant was compared in part: table x has a security label, which isn't compared"
        ]
    );
    assert_eq!(tenants(&fleet.plan()), [["a", "b"]]);
}

#[test]
fn drift_blocks_what_is_due_where_the_file_says_so() {
    let mut fleet = due(&["a", "b"]);
    stand(&mut fleet, "b", "reference", "b", &["index x missing"]);
    assert_eq!(fleet.plan().blocked, []);
    fleet.desired.rollout.drifted = OnDrift::Block;
    let blocked = fleet.blocked();
    assert_eq!(blocked.tenant, tenant_id("b"));
    assert_eq!(blocked.code, BlockedCode::Drifted);
    assert!(
        blocked.message.ends_with("has drifted: index x missing"),
        "{blocked:?}"
    );
    assert_eq!(tenants(&fleet.plan()), [["a"]]);
    fleet.template().migrations.0.remove(&3);
    assert_eq!(fleet.plan().blocked, []);
    // Nobody knows whether they have.
    fleet.add_migration(migration(3, "y"));
    unchecked(&mut fleet, "b", "no reference");
    assert_eq!(fleet.plan().blocked, []);
}
