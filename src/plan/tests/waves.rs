//! The order of a rollout, and how many failures it bears.

use super::fleet::*;
use crate::model::desired::MaxFailures;
use crate::plan::rollout::{CANARY, REST, waves};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("t{n:03}")).collect()
}

fn fleet(count: usize) -> Fleet {
    let names = names(count);
    Fleet::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn canaries_come_first_and_bear_no_failure() {
    let mut fleet = fleet(100);
    for id in ["t050", "t007"] {
        fleet.tenant(id).tags = tags(&["canary", "other"]);
    }
    let plan = fleet.plan();
    let waves = waves(&plan, &fleet.desired);
    let shape: Vec<_> = waves
        .iter()
        .map(|wave| (wave.name, wave.tenants.len(), wave.max_failures))
        .collect();
    assert_eq!(shape, [(CANARY, 2, 0), (REST, 98, 5)]);
    let canaries: Vec<&str> = waves[0].tenants.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(canaries, ["t007", "t050"]);
}

#[test]
fn waves_without_tenants_are_left_out() {
    let fleet = fleet(3);
    let plan = fleet.plan();
    let waves = waves(&plan, &fleet.desired);
    assert_eq!(waves.len(), 1);
    assert_eq!((waves[0].name, waves[0].max_failures), (REST, 3));
    let nothing = Fleet::live(&["acme"]);
    assert!(super::super::rollout::waves(&nothing.plan(), &nothing.desired).is_empty());
}

#[test]
fn five_per_cent_rounded_up_and_at_least_three() {
    let five = MaxFailures::Percent(5);
    let cases = [
        (0, 3),
        (1, 3),
        (60, 3),
        (61, 4),
        (80, 4),
        (100, 5),
        (101, 6),
        (5000, 250),
    ];
    for (tenants, expected) in cases {
        assert_eq!(five.of(tenants), expected, "{tenants}");
    }
    assert_eq!(MaxFailures::Count(0).of(5000), 0);
    assert_eq!(MaxFailures::Percent(100).of(10), 10);
}
