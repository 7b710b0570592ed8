//! Which tenants a plan is about.

use super::fleet::*;
use crate::error::{Error, Exit};
use crate::plan::selection::Selection;

type Words<'a> = &'a [&'a str];

fn fleet() -> Fleet {
    let mut fleet = Fleet::of(&["acme", "acme-eu", "globex", "initech"]);
    fleet.tenant("globex").tags = tags(&["canary", "enterprise"]);
    fleet.tenant("acme").tags = tags(&["enterprise"]);
    fleet
}

fn pick(tenant: &[&str], exclude: &[&str], tags: &[&str]) -> Result<Vec<String>, Error> {
    let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let selection = Selection::new(&owned(tenant), &owned(exclude), &owned(tags))?;
    let picked = selection.pick(&fleet().desired)?;
    Ok(picked.iter().map(ToString::to_string).collect())
}

#[test]
fn filters_narrow() {
    let cases: [(Words<'_>, Words<'_>, Words<'_>, Words<'_>); 6] = [
        (&[], &[], &[], &["acme", "acme-eu", "globex", "initech"]),
        (&["acme*"], &[], &[], &["acme", "acme-eu"]),
        (&["acme*"], &["*-eu"], &[], &["acme"]),
        (&["acme", "init?ch"], &[], &[], &["acme", "initech"]),
        (&[], &[], &["enterprise"], &["acme", "globex"]),
        (&["g*"], &[], &["canary", "enterprise"], &["globex"]),
    ];
    for (tenant, exclude, tags, expected) in cases {
        let picked = pick(tenant, exclude, tags).unwrap();
        assert_eq!(picked, expected, "{tenant:?} {exclude:?} {tags:?}");
    }
}

#[test]
fn a_filter_that_matches_nothing_lists_near_names() {
    let cases: [(Words<'_>, Words<'_>, Words<'_>, &str); 4] = [
        (&["acmee"], &[], &[], "acme"),
        (&[], &["globx"], &[], "globex"),
        (&[], &[], &["enterprize"], "enterprise"),
        (&["qqqqqq"], &[], &[], "Look the id up"),
    ];
    for (tenant, exclude, tags, near) in cases {
        let error = pick(tenant, exclude, tags).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        let written = [tenant, exclude, tags].concat()[0];
        assert!(error.message.contains(written), "{error}");
        assert!(error.hint.as_ref().unwrap().contains(near), "{error:?}");
    }
}

#[test]
fn filters_that_leave_nothing_together_are_wrong_usage() {
    assert_eq!(
        pick(&["acme"], &["acme"], &[]).unwrap_err().exit,
        Exit::Usage
    );
    assert_eq!(pick(&["["], &[], &[]).unwrap_err().exit, Exit::Usage);
}

#[test]
fn a_fleet_without_tenants_is_fine_without_filters() {
    let plan = Fleet::of(&[]).plan();
    assert!(!plan.differs());
}

#[test]
fn only_the_selected_are_planned_and_counted() {
    let mut fleet = fleet();
    fleet.options.selection = Selection::new(&["acme".to_owned()], &[], &[]).unwrap();
    let plan = fleet.plan();
    assert_eq!((plan.summary.create, plan.summary.unchanged), (1, 0));
    assert_eq!(plan.cohorts[0].tenants, [tenant_id("acme")]);
}

#[test]
fn provision_empty_of_an_unknown_tenant_lists_near_names() {
    let mut fleet = fleet();
    fleet.options.provision_empty.insert(tenant_id("acne"));
    let error = fleet.try_plan().unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    assert!(error.message.contains("--provision-empty acne"));
    assert!(error.hint.unwrap().contains("acme"));
}

#[test]
fn what_is_narrowed_from_elsewhere_may_leave_nobody() {
    let fleet = fleet();
    let ids = |words: &[&str]| words.iter().map(|id| tenant_id(id)).collect();
    let pick = |selection: Selection| -> Vec<String> {
        let picked = selection.pick(&fleet.desired).unwrap();
        picked.iter().map(ToString::to_string).collect()
    };
    let all = Selection::default();
    let within = all.clone().within(ids(&["globex", "gone"]));
    assert_eq!(pick(within), ["globex"]);
    assert_eq!(pick(all.within(ids(&[]))), [""; 0]);
    let acme = Selection::new(&["acme".to_owned()], &[], &[]).unwrap();
    assert_eq!(pick(acme.within(ids(&["globex"]))), [""; 0]);
}
