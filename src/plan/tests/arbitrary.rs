//! Random fleets: what is declared, what lives, and everything that can be wrong in between.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::extensions::{declare, offer};
use super::fleet::*;
use crate::model::desired::{OnDrift, TenantState};
use crate::model::migration::{AppliedMigration, MigrationFile};
use crate::model::observed::{
    ControlState, ControlTenant, InstalledExtension, LiveHistory, Unreachable,
};
use crate::model::standing::{Compared, Standing, Unchecked};
use crate::model::template::ContentHash;

const CLUSTERS: [&str; 2] = [MAIN, "eu"];
const TAGS: [&str; 2] = ["gold", "canary"];
const EXTENSIONS: [&str; 3] = ["ext_a", "ext_b", "ext_c"];

/// One tenant as drawn.
#[derive(Clone, Debug)]
struct Seed {
    declared: bool,
    on: usize,
    state: TenantState,
    tags: Vec<&'static str>,
    life: Life,
    history: Vec<i64>,
    provision_empty: bool,
    standing: Option<Standing>,
}

/// What is there of a tenant.
#[derive(Clone, Copy, Debug)]
enum Life {
    Nothing,
    Healthy,
    SchemaGone,
    NoRow,
    OtherCluster,
    OtherSchema,
    OtherTemplate,
    OtherTable,
    OldTemplate,
    RowState(&'static str),
    Broken(Broken),
    Diverged,
    UnknownRow,
}

#[derive(Clone, Copy, Debug)]
enum Broken {
    Absent,
    Foreign,
    Unreadable,
    NotRead,
}

fn life() -> impl Strategy<Value = Life> {
    prop_oneof![
        4 => Just(Life::Nothing),
        6 => Just(Life::Healthy),
        1 => Just(Life::SchemaGone),
        1 => Just(Life::NoRow),
        1 => Just(Life::OtherCluster),
        1 => Just(Life::OtherSchema),
        1 => Just(Life::OtherTemplate),
        1 => Just(Life::OtherTable),
        1 => Just(Life::OldTemplate),
        1 => prop_oneof![Just("suspended"), Just("absent")].prop_map(Life::RowState),
        1 => prop_oneof![
            Just(Broken::Absent),
            Just(Broken::Foreign),
            Just(Broken::Unreadable),
            Just(Broken::NotRead)
        ]
        .prop_map(Life::Broken),
        1 => Just(Life::Diverged),
        1 => Just(Life::UnknownRow),
    ]
}

fn seed() -> impl Strategy<Value = Seed> {
    let state = prop_oneof![
        8 => Just(TenantState::Present),
        1 => Just(TenantState::Suspended),
        1 => Just(TenantState::Absent)
    ];
    (
        prop::bool::weighted(0.8),
        0..2usize,
        state,
        subsequence(TAGS.to_vec(), 0..=2),
        life(),
        prop_oneof![
            2 => Just(vec![1]),
            1 => subsequence(vec![1, 2, 3, 4, 5], 0..=5)
        ],
        any::<bool>(),
        prop::option::of(standing()),
    )
        .prop_map(
            |(declared, on, state, tags, life, history, provision_empty, standing)| Seed {
                declared,
                on,
                state,
                tags,
                life,
                history,
                provision_empty,
                standing,
            },
        )
}

/// Of a few shapes, so that some are alike.
fn standing() -> impl Strategy<Value = Standing> {
    let hash = || prop_oneof![Just("x"), Just("y")].prop_map(ContentHash::of);
    let words = || {
        subsequence(
            ["table a extra", "index b missing"]
                .map(str::to_owned)
                .to_vec(),
            0..=2,
        )
    };
    let compared = (hash(), hash(), words()).prop_map(|(reference, live, differences)| Compared {
        reference,
        live,
        differences,
    });
    let shape = prop_oneof![
        4 => compared.prop_map(Ok),
        1 => Just(Err(Unchecked("nobody knows".to_owned())))
    ];
    (shape, words()).prop_map(|(shape, partial)| Standing { shape, partial })
}

/// Migrations 1 to 5; the given ones only for `gold`.
fn migrations(limited: &[i64]) -> Vec<MigrationFile> {
    (1..=5)
        .map(|version| {
            let file = migration(version, "x");
            if limited.contains(&version) {
                only("gold", file)
            } else {
                file
            }
        })
        .collect()
}

fn put_tenant(fleet: &mut Fleet, id: &str, seed: &Seed) {
    if seed.declared {
        let mut declared = tenant(id);
        declared.cluster = cluster(CLUSTERS[seed.on]);
        declared.state = seed.state;
        declared.tags = tags(&seed.tags);
        fleet.desired.tenants.insert(tenant_id(id), declared);
    }
    if seed.provision_empty && seed.declared {
        fleet.options.provision_empty.insert(tenant_id(id));
    }
    if let Some(standing) = &seed.standing {
        let standings = &mut fleet.options.standings.0;
        standings.insert(tenant_id(id), standing.clone());
    }
    put_life(fleet, id, seed);
}

fn put_life(fleet: &mut Fleet, id: &str, seed: &Seed) {
    let own = schema(&format!("acq_{id}"));
    let mut row = ControlTenant {
        uid: uid(&tenant_id(id)),
        schema: own.clone(),
        owner: role("app_owner"),
        template: template_name(MERCHANT),
        template_address: fleet.template().address.hash.clone(),
        history_table: fleet.desired.history_table.clone(),
        state: "present".to_owned(),
        generation: 1,
        values: std::collections::BTreeMap::new(),
        applied: None,
    };
    let mut history = recorded(fleet, &seed.history);
    let mut broken = None;
    match seed.life {
        Life::Nothing => return,
        Life::OtherSchema => row.schema = schema(&format!("old_{id}")),
        Life::OtherTemplate => row.template = template_name("other"),
        Life::OtherTable => row.history_table = table("other_history"),
        Life::OldTemplate => row.template_address = ContentHash::of("older"),
        Life::RowState(state) => state.clone_into(&mut row.state),
        Life::Broken(why) => broken = Some(why),
        Life::Diverged => history.iter_mut().for_each(|row| row.checksum ^= 1),
        Life::UnknownRow => history.push(migration(99, "lost").as_applied()),
        Life::Healthy | Life::SchemaGone | Life::NoRow | Life::OtherCluster => {}
    }
    let lives_on = match seed.life {
        Life::OtherCluster => CLUSTERS[1 - seed.on],
        _ => CLUSTERS[seed.on],
    };
    let database = fleet.database(lives_on);
    if !matches!(seed.life, Life::SchemaGone) {
        let live = live_schema(found(broken, history));
        database.schemas.insert(row.schema.clone(), live);
    }
    if !matches!(seed.life, Life::NoRow) {
        database.tenants.insert(tenant_id(id), row);
    }
}

fn recorded(fleet: &mut Fleet, versions: &[i64]) -> Vec<AppliedMigration> {
    let files = &fleet.template().migrations.0;
    versions.iter().map(|v| files[v].as_applied()).collect()
}

fn found(broken: Option<Broken>, history: Vec<AppliedMigration>) -> LiveHistory {
    match broken {
        None => LiveHistory::Rows(history),
        Some(Broken::Absent) => LiveHistory::Absent,
        Some(Broken::Foreign) => LiveHistory::Foreign("id integer".to_owned()),
        Some(Broken::Unreadable) => LiveHistory::Unreadable("no SELECT".to_owned()),
        Some(Broken::NotRead) => LiveHistory::NotRead,
    }
}

/// An extension as drawn: declared (optional or not), and what the server has of it.
#[derive(Clone, Debug)]
struct ExtensionSeed {
    /// Optional or not, and pinned or not.
    declared: Option<(bool, bool)>,
    offered: bool,
    installed: Option<&'static str>,
    requires: Vec<&'static str>,
    trusted: bool,
}

fn extension_seed() -> impl Strategy<Value = ExtensionSeed> {
    (
        any::<Option<(bool, bool)>>(),
        prop::bool::weighted(0.9),
        prop_oneof![2 => Just(None), 1 => Just(Some("1.0")), 1 => Just(Some("2.0"))],
        subsequence(EXTENSIONS.to_vec(), 0..=2),
        any::<bool>(),
    )
        .prop_map(
            |(declared, offered, installed, requires, trusted)| ExtensionSeed {
                declared,
                offered,
                installed,
                requires,
                trusted,
            },
        )
}

fn put_extension(fleet: &mut Fleet, name: &str, seed: &ExtensionSeed) {
    if let Some((optional, pinned)) = seed.declared {
        declare(fleet, name, pinned.then_some("2.0"), optional);
    }
    let requires: Vec<&str> = seed
        .requires
        .iter()
        .copied()
        .filter(|r| *r < name)
        .collect();
    if seed.offered {
        offer(fleet, name, "1.0", &requires);
        offer(fleet, name, "2.0", &requires);
        let available = &mut fleet.database(MAIN).available;
        let available = available.get_mut(&extension(name)).unwrap();
        available.update_targets.push("2.0".to_owned());
        for version in available.versions.values_mut() {
            version.trusted = seed.trusted;
        }
    }
    if let Some(version) = seed.installed {
        let installed = InstalledExtension {
            version: version.to_owned(),
            schema: schema("extensions"),
        };
        let extensions = &mut fleet.database(MAIN).extensions;
        extensions.insert(extension(name), installed);
    }
    let main = fleet.database(MAIN).clone();
    let eu = fleet.database(CLUSTERS[1]);
    eu.available = main.available;
}

/// What a cluster's database is like.
#[derive(Clone, Copy, Debug)]
enum Place {
    Fine,
    NoControl,
    OldControl,
    Unreadable,
    Silent,
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        8 => Just(Place::Fine),
        1 => Just(Place::OldControl),
        1 => Just(Place::NoControl),
        1 => Just(Place::Unreadable),
        1 => Just(Place::Silent)
    ]
}

fn put_place(fleet: &mut Fleet, name: &str, place: Place) {
    let payments = fleet.desired.fleet.clone();
    let database = fleet.database(name);
    match place {
        Place::Fine => {}
        Place::NoControl => {
            database.control = ControlState::Absent;
            database.tenants.clear();
        }
        Place::OldControl => {
            database.control = ControlState::Present {
                version: 0,
                fleet: payments,
                repository: None,
                readers: Vec::new(),
            };
        }
        Place::Unreadable => {
            database.control = ControlState::Unreadable("no USAGE".to_owned());
            database.tenants.clear();
        }
        Place::Silent => {
            let why = Unreachable {
                message: "connection refused".to_owned(),
                hint: None,
            };
            fleet.observed.databases.insert(cluster(name), Err(why));
        }
    }
}

/// Any fleet on two clusters.
pub(super) fn fleets() -> impl Strategy<Value = Fleet> {
    (
        prop::collection::vec(seed(), 0..8),
        subsequence(vec![1, 2, 3, 4, 5], 0..=3),
        0..=5i64,
        prop::collection::vec(extension_seed(), EXTENSIONS.len()),
        [place(), place()],
        prop::bool::weighted(0.3),
        prop_oneof![Just(OnDrift::Warn), Just(OnDrift::Block)],
    )
        .prop_map(
            |(seeds, limited, baseline, extensions, places, with_extensions, on_drift)| {
                let mut fleet = Fleet::of(&[]);
                fleet.desired.rollout.drifted = on_drift;
                fleet.add_cluster(CLUSTERS[1]);
                *fleet.template() =
                    template("CREATE TABLE m ();\n", baseline, migrations(&limited));
                for (number, seed) in seeds.iter().enumerate() {
                    put_tenant(&mut fleet, &format!("t{number}"), seed);
                }
                if with_extensions {
                    for (name, seed) in EXTENSIONS.iter().zip(&extensions) {
                        put_extension(&mut fleet, name, seed);
                    }
                }
                for (name, place) in CLUSTERS.iter().zip(places) {
                    put_place(&mut fleet, name, place);
                }
                fleet
            },
        )
}
