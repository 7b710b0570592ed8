//! Whole fleets, checked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use proptest::prelude::*;
use uuid::Uuid;

use super::baseline::Baseline;
use super::report::{DriftReport, Finding, FindingKind, Level};
use super::{Checked, Measured, Scene, Unmeasured, add_read, check};
use crate::error::Exit;
use crate::model::desired::{TenantState, Waiver};
use crate::model::migration::History;
use crate::model::name::{FleetName, SchemaName, TenantId};
use crate::model::observed::{
    ControlState, ControlTenant, LiveDatabase, LiveHistory, LiveShapes, ShapeGroup, Unreachable,
    Unreadable,
};
use crate::model::reference::Reference;
use crate::model::shape::{Definition, Kind, ObjectKey, Shape, Undescribed};
use crate::model::template::ContentHash;
use crate::plan::tests::fleet::{
    Fleet, MAIN, MERCHANT, cluster, database, live_schema, migration, role, schema, table,
    template_name, tenant_id,
};
use crate::plan::{Unmanaged, UnmanagedReason};

const TODAY: Date = date(2026, 6, 15);

pub(super) fn shape(objects: &[(Kind, &str, &str)]) -> Shape {
    let objects = objects.iter().map(|(kind, name, text)| {
        let (kind, name) = (*kind, (*name).to_owned());
        let definition = Definition {
            text: (*text).to_owned(),
            source: None,
        };
        (ObjectKey { kind, name }, definition)
    });
    Shape {
        objects: objects.collect(),
        ..Shape::default()
    }
}

const WHOLE: [(Kind, &str, &str); 3] = [
    (Kind::Table, "orders", "permanent"),
    (Kind::Column, "orders.id", "bigint not null"),
    (Kind::Index, "orders_idx", "ON orders USING btree (id)"),
];

pub(super) fn reference() -> Reference {
    Reference {
        built_in: schema("tenantry_ref_00112233aabbccdd"),
        shape: shape(&WHOLE),
        after_dump: BTreeMap::new(),
    }
}

/// Tenants that live on one cluster, and what they are compared with.
pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) measured: Vec<Measured>,
    unmanaged: Vec<Unmanaged>,
    pub(super) selected: BTreeSet<TenantId>,
    pub(super) changing: BTreeSet<TenantId>,
}

impl World {
    /// Tenants in sync.
    pub(super) fn of(ids: &[&str]) -> Self {
        let mut fleet = Fleet::of(ids);
        let mut live = database(1);
        let history: History = [1, 2]
            .map(|version| migration(version, "x").as_applied())
            .into();
        for (id, tenant) in &fleet.desired.tenants {
            let template = &fleet.desired.templates[&tenant.template];
            let row = ControlTenant {
                uid: Uuid::nil(),
                schema: tenant.schema.clone(),
                owner: role("app_owner"),
                template: template_name(MERCHANT),
                template_address: template.address.hash.clone(),
                history_table: table("refinery_schema_history"),
                state: "present".to_owned(),
                generation: 1,
                values: BTreeMap::new(),
                applied: None,
            };
            live.tenants.insert(id.clone(), row);
            let schema = live_schema(LiveHistory::Rows(history.clone()));
            live.schemas.insert(tenant.schema.clone(), schema);
        }
        let schemas = fleet.desired.tenants.values().map(|one| one.schema.clone());
        let group = ShapeGroup {
            schemas: schemas.collect(),
            shape: shape(&WHOLE),
        };
        live.shapes = Some(LiveShapes {
            groups: vec![group],
            unreadable: BTreeMap::new(),
        });
        fleet.observed.databases.insert(cluster(MAIN), Ok(live));
        let tenants: BTreeSet<TenantId> = fleet.desired.tenants.keys().cloned().collect();
        Self {
            fleet,
            measured: vec![Measured {
                cluster: cluster(MAIN),
                tenants: tenants.clone(),
                reference: Ok(reference().into()),
            }],
            unmanaged: Vec::new(),
            selected: tenants,
            changing: BTreeSet::new(),
        }
    }

    fn live(&mut self) -> &mut LiveDatabase {
        let live = self.fleet.observed.databases.get_mut(&cluster(MAIN));
        live.unwrap().as_mut().unwrap()
    }

    pub(super) fn shapes(&mut self) -> &mut LiveShapes {
        self.live().shapes.as_mut().unwrap()
    }

    pub(super) fn row(&mut self, id: &str) -> &mut ControlTenant {
        self.live().tenants.get_mut(&tenant_id(id)).unwrap()
    }

    /// Gives tenants a shape of their own.
    pub(super) fn regroup(&mut self, ids: &[&str], shape: Shape) {
        let own: Vec<SchemaName> = ids.iter().map(|id| schema(&format!("acq_{id}"))).collect();
        for group in &mut self.shapes().groups {
            group.schemas.retain(|schema| !own.contains(schema));
        }
        let group = ShapeGroup {
            schemas: own,
            shape,
        };
        self.shapes().groups.push(group);
    }

    pub(super) fn waive(&mut self, tenants: &str, object: &str, expires: Option<Date>) {
        self.fleet.desired.waivers.push(Waiver {
            tenants: tenants.to_owned(),
            object: object.to_owned(),
            reason: "because".to_owned(),
            owner: "ops".to_owned(),
            expires,
        });
    }

    pub(super) fn check(&self) -> Checked {
        check(&Scene {
            desired: &self.fleet.desired,
            observed: &self.fleet.observed,
            unmanaged: &self.unmanaged,
            selected: &self.selected,
            changing: &self.changing,
            references: &self.measured,
            today: TODAY,
        })
    }

    fn report(&self) -> DriftReport {
        self.check().report
    }

    /// Tenant, kind and object of every finding.
    fn told(&self) -> Vec<String> {
        told(&self.report())
    }
}

fn told(report: &DriftReport) -> Vec<String> {
    let told = |one: &Finding| {
        let tenant = one.tenant.as_ref().map_or("-", TenantId::as_str);
        format!("{tenant} {} {}", one.kind.as_str(), one.object)
    };
    report.findings.iter().map(told).collect()
}

pub(super) fn without_index() -> Shape {
    shape(&WHOLE[..2])
}

#[test]
fn a_fleet_in_sync_has_no_finding() {
    let report = World::of(&["a", "b", "c"]).report();
    assert_eq!(report.findings, []);
    assert!(report.complete && report.checked);
    assert_eq!(
        (report.summary.tenants_checked, report.summary.in_sync),
        (3, 3)
    );
    assert_eq!(report.exit(true), Exit::Done);
}

#[test]
fn a_groups_difference_is_each_members() {
    let mut world = World::of(&["a", "b", "c"]);
    world.regroup(&["a", "c"], without_index());
    let report = world.report();
    let expected = ["a missing index orders_idx", "c missing index orders_idx"];
    assert_eq!(told(&report), expected);
    let finding = &report.findings[0];
    assert_eq!(
        finding.expected.as_deref(),
        Some("ON orders USING btree (id)\n")
    );
    assert_eq!(finding.found, None);
    let diff = "--- expected\n+++ found\n@@ -1 +0,0 @@\n-ON orders USING btree (id)\n";
    assert_eq!(finding.diff.as_deref(), Some(diff));
    assert_eq!((report.summary.drifted, report.summary.in_sync), (2, 1));
    assert_eq!(report.exit(false), Exit::Differs);
}

#[test]
fn owners_and_grants_are_kinds_of_their_own() {
    let mut world = World::of(&["a"]);
    let others = [
        (Kind::Grant, "table orders", "app=SELECT"),
        (Kind::DefaultPrivilege, "tables", "app=SELECT"),
        (Kind::Owner, "table orders", "other"),
        (Kind::Comment, "table orders", "new"),
    ];
    world.regroup(&["a"], shape(&[&WHOLE[..], &others[..]].concat()));
    world
        .live()
        .schemas
        .values_mut()
        .for_each(|one| one.owner = role("o\u{1b}"));
    assert_eq!(
        world.told(),
        [
            "a extra comment on table orders",
            "a owner owner of table orders",
            "a owner schema",
            "a grant default privileges tables",
            "a grant grants on table orders",
        ]
    );
}

#[test]
fn members_of_other_recipes_are_compared_with_their_own() {
    let mut world = World::of(&["a", "b"]);
    world.measured[0].tenants.remove(&tenant_id("b"));
    let less = Reference {
        shape: without_index(),
        ..reference()
    };
    world.measured.push(Measured {
        cluster: cluster(MAIN),
        tenants: [tenant_id("b")].into(),
        reference: Ok(less.into()),
    });
    assert_eq!(world.told(), ["b extra index orders_idx"]);
}

#[test]
fn a_verdict_on_a_name_is_read_one_by_one() {
    let mut world = World::of(&["a", "b", "c"]);
    let with_view = |name: &str| {
        let text = format!("SELECT '{name}'");
        shape(&[&WHOLE[..], &[(Kind::View, "v", &text)]].concat())
    };
    world.shapes().groups[0].shape = with_view("acq_a");
    let built = with_view("tenantry_ref_00112233aabbccdd");
    world.measured[0].reference = Ok(Reference {
        shape: built,
        ..reference()
    }
    .into());
    let checked = world.check();
    let expected: BTreeSet<SchemaName> = ["acq_b", "acq_c"].map(schema).into();
    assert_eq!(checked.to_read[&cluster(MAIN)], expected);
    let unread = ["b shape_unchecked shape", "c shape_unchecked shape"];
    assert_eq!(told(&checked.report), unread);
    assert_eq!(checked.report.exit(false), Exit::Failed);

    let read = [
        (schema("acq_b"), Ok(with_view("acq_b"))),
        (schema("acq_c"), Ok(with_view("acq_a"))),
    ];
    add_read(&mut world.fleet.observed, &cluster(MAIN), read.into());
    let checked = world.check();
    assert!(checked.to_read.is_empty());
    assert_eq!(told(&checked.report), ["c changed view v"]);

    let gone = [(schema("acq_b"), Err(Unreadable::for_good("gone")))];
    let mut again = world;
    again
        .shapes()
        .groups
        .retain(|group| group.schemas[0] != schema("acq_b"));
    add_read(&mut again.fleet.observed, &cluster(MAIN), gone.into());
    assert_eq!(again.told()[0], "b unreadable schema");
}

#[test]
fn what_cannot_be_compared_is_never_equal() {
    let unchecked = |change: fn(&mut World)| {
        let mut world = World::of(&["a"]);
        change(&mut world);
        let report = world.report();
        assert_eq!(report.exit(false), Exit::Failed, "{report:?}");
        assert_eq!((report.summary.unchecked, report.summary.in_sync), (1, 0));
        assert!(!report.checked);
        let [finding] = &report.findings[..] else {
            panic!("{report:?}");
        };
        assert_eq!(finding.level, Level::Unchecked);
        format!(
            "{} {}: {}",
            finding.kind.as_str(),
            finding.object,
            finding.message.as_deref().unwrap_or_default()
        )
    };
    let silent = unchecked(|world| {
        let why = Unreachable {
            message: "refused".to_owned(),
            hint: None,
        };
        world
            .fleet
            .observed
            .databases
            .insert(cluster(MAIN), Err(why));
    });
    assert_eq!(
        silent,
        "unreadable database: cluster main can't be reached: refused"
    );
    let control = unchecked(|world| {
        world.live().control = ControlState::Unreadable("denied".to_owned());
    });
    assert!(control.ends_with("can't be read: denied"), "{control}");
    let none = unchecked(|world| world.live().shapes = None);
    assert_eq!(none, "shape_unchecked shape: its shape wasn't read");
    let not_read = unchecked(|world| world.shapes().groups.clear());
    assert_eq!(not_read, none);
    let denied = unchecked(|world| {
        world.shapes().groups.clear();
        let why = Unreadable::for_good("permission denied");
        world.shapes().unreadable.insert(schema("acq_a"), why);
    });
    assert_eq!(
        denied,
        "unreadable schema: its objects can't be read: permission denied"
    );
    let unmeasured = unchecked(|world| {
        world.measured[0].reference = Err(Unmeasured {
            message: "no CREATE".to_owned(),
            hint: None,
        });
    });
    assert_eq!(unmeasured, "shape_unchecked shape: no CREATE");
    let unknown = unchecked(|world| world.measured.clear());
    assert!(unknown.ends_with("there is no reference to compare it with"));
    let moved = unchecked(|world| {
        let row = world.live().tenants.remove(&tenant_id("a")).unwrap();
        let mut other = database(2);
        other.tenants.insert(tenant_id("a"), row);
        world
            .fleet
            .observed
            .databases
            .insert(cluster("other"), Ok(other));
    });
    assert!(moved.ends_with("declared on cluster main and recorded on cluster other"));
    let history = unchecked(|world| {
        let schemas = world.live().schemas.values_mut();
        schemas.for_each(|one| one.history = LiveHistory::Unreadable("denied".to_owned()));
    });
    assert!(history.starts_with("unreadable history: "), "{history}");
}

#[test]
fn drift_outranks_what_could_not_be_compared() {
    let mut world = World::of(&["a", "b", "c"]);
    world.regroup(&["a"], without_index());
    world.regroup(&["b"], shape(&WHOLE));
    world.shapes().groups.pop();
    let report = world.report();
    assert_eq!(told(&report)[1], "b shape_unchecked shape");
    assert_eq!(report.exit(false), Exit::Differs);
}

#[test]
fn what_shapes_do_not_describe_is_said() {
    let mut world = World::of(&["a", "b"]);
    let label = Undescribed::SecurityLabel("table orders".to_owned());
    world.shapes().groups[0].shape.undescribed.insert(label);
    let report = world.report();
    assert_eq!(
        told(&report),
        ["a partial table orders", "b partial table orders"]
    );
    assert_eq!((report.summary.in_sync, report.checked), (0, false));
    assert_eq!(
        (report.exit(false), report.exit(true)),
        (Exit::Done, Exit::Differs)
    );
}

#[test]
fn histories_tell_drift_and_what_is_pending_does_not() {
    let with = |history: LiveHistory| {
        let mut world = World::of(&["a"]);
        world
            .live()
            .schemas
            .values_mut()
            .for_each(|one| one.history = history.clone());
        world.told()
    };
    let rows = |versions: &[i64]| {
        let row = |version: &i64| migration(*version, "x").as_applied();
        LiveHistory::Rows(versions.iter().map(row).collect())
    };
    assert_eq!(with(rows(&[1])), Vec::<String>::new(), "pending");
    assert_eq!(with(rows(&[2])), Vec::<String>::new(), "late");
    let renamed = LiveHistory::Rows(vec![migration(1, "y").as_applied()]);
    for diverged in [
        rows(&[1, 2, 3]),
        renamed,
        LiveHistory::Absent,
        LiveHistory::Foreign(String::new()),
    ] {
        assert_eq!(with(diverged), ["a history_diverged history"]);
    }
}

#[test]
fn a_schema_that_is_gone_is_told_once() {
    let mut world = World::of(&["a", "b"]);
    world.live().schemas.remove(&schema("acq_a"));
    world.shapes().groups[0].schemas.remove(0);
    assert_eq!(world.told(), ["a missing_schema schema"]);
}

#[test]
fn tenants_that_are_not_there_and_those_to_go_are_not_looked_at() {
    let mut world = World::of(&["a", "b", "c"]);
    world.live().tenants.remove(&tenant_id("a"));
    world.regroup(&["b"], without_index());
    let b = world
        .fleet
        .desired
        .tenants
        .get_mut(&tenant_id("b"))
        .unwrap();
    b.state = TenantState::Absent;
    let c = world
        .fleet
        .desired
        .tenants
        .get_mut(&tenant_id("c"))
        .unwrap();
    c.state = TenantState::Suspended;
    let checked = world.check();
    assert_eq!(checked.report.findings, []);
    assert_eq!(checked.tenants, [tenant_id("c")].into());
}

#[test]
fn notices_are_told_and_fail_strictly() {
    let mut world = World::of(&["a", "b"]);
    world.row("a").template_address = ContentHash::of("old");
    let used = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect::<BTreeMap<String, String>>()
    };
    let values = used(&[
        ("vars.currency", "EUR"),
        ("vars.same", "1"),
        ("schema", "acq_b"),
    ]);
    world
        .row("b")
        .values
        .insert(ContentHash::of("one"), values.clone());
    world.row("b").values.insert(ContentHash::of("two"), values);
    let b = world
        .fleet
        .desired
        .tenants
        .get_mut(&tenant_id("b"))
        .unwrap();
    b.vars = used(&[("currency", "USD"), ("same", "1")]);
    world.unmanaged.push(Unmanaged {
        cluster: cluster(MAIN),
        schema: schema("acq_x"),
        tenant: None,
        reason: UnmanagedReason::Pattern,
    });
    let report = world.report();
    assert_eq!(
        told(&report),
        [
            "a template_outdated template merchant",
            "b values_edited vars.currency",
            "- unmanaged_schema schema acq_x",
        ]
    );
    let said = report.findings[1].message.as_deref();
    assert_eq!(
        said,
        Some("\"EUR\" when the tenant's files used it; the file says \"USD\" today")
    );
    assert_eq!((report.summary.in_sync, report.summary.notices), (2, 3));
    assert_eq!(
        (report.exit(false), report.exit(true)),
        (Exit::Done, Exit::Differs)
    );

    world.selected.remove(&tenant_id("b"));
    assert_eq!(world.told(), ["a template_outdated template merchant"]);
}

#[test]
fn waivers_hold_through_their_last_day() {
    let mut world = World::of(&["a", "b"]);
    world.regroup(&["a", "b"], without_index());
    world.waive("a*", "index orders_*", Some(TODAY));
    world.waive("*", "index orders_*", Some(date(2026, 6, 14)));
    world.waive("*", "table orders", None);
    let report = world.report();
    assert_eq!(
        told(&report),
        [
            "a missing index orders_idx",
            "b missing index orders_idx",
            "- expired_waiver waiver index orders_*",
            "- unused_waiver waiver table orders",
        ]
    );
    let waived = report.findings[0].waived.as_ref().unwrap();
    assert_eq!(waived.expires.as_deref(), Some("2026-06-15"));
    assert_eq!(report.findings[1].waived, None);
    assert_eq!((report.summary.waived, report.summary.drifted), (1, 1));
    assert_eq!(report.exit(false), Exit::Differs);

    world.waive("b", "*", None);
    let report = world.report();
    assert_eq!(
        (report.summary.in_sync, report.exit(false)),
        (2, Exit::Done)
    );
}

#[test]
fn a_waiver_is_of_no_use_only_when_all_was_seen() {
    let mut world = World::of(&["a", "b"]);
    world.waive("b", "view *", None);
    assert_eq!(world.told(), ["- unused_waiver waiver view *"]);
    world.selected.remove(&tenant_id("b"));
    assert_eq!(world.told(), Vec::<String>::new());
    world.selected.insert(tenant_id("b"));
    world.shapes().groups[0].schemas.pop();
    assert_eq!(world.told(), ["b shape_unchecked shape"]);
    world.waive("*", "*", None);
    assert_eq!(
        world.report().exit(false),
        Exit::Failed,
        "nobody waives that"
    );
}

fn fleet() -> FleetName {
    FleetName::new("payments").unwrap()
}

#[test]
fn a_baseline_tells_what_is_new() {
    let mut world = World::of(&["a", "b", "c"]);
    world.regroup(&["a"], without_index());
    let json = serde_json::to_string(&world.report()).unwrap();
    let baseline = Baseline::parse(&json, &fleet()).unwrap();
    let report = baseline.mark(world.report());
    assert_eq!(report.exit(false), Exit::Done);
    assert_eq!(
        (report.findings[0].new, report.summary.new),
        (Some(false), 0)
    );

    world.regroup(&["b"], without_index());
    let report = baseline.mark(world.report());
    assert_eq!(report.exit(false), Exit::Differs);
    assert_eq!(
        (report.findings[1].new, report.summary.new),
        (Some(true), 1)
    );
}

#[test]
fn another_file_is_no_baseline() {
    let report = World::of(&["a"]).report();
    let with = |key: &str, value: &str| {
        let mut json = serde_json::to_value(&report).unwrap();
        json[key] = value.into();
        let error = Baseline::parse(&json.to_string(), &fleet()).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        error.message
    };
    assert_eq!(
        with("fleet", "other"),
        "the baseline is of fleet \"other\"; this is fleet payments"
    );
    assert!(with("format_version", "2.0").starts_with("the baseline has format \"2.0\"; this is "));
    assert!(with("findings", "none").contains("isn't a report of drift"));
    for text in [
        "",
        "{}",
        "[]",
        "{\"format_version\": \"1.0\", \"fleet\": \"payments\"}",
    ] {
        let error = Baseline::parse(text, &fleet()).unwrap_err();
        assert!(
            error
                .message
                .starts_with("the baseline isn't a report of drift: "),
            "{error}"
        );
    }
    let mut json = serde_json::to_value(&report).unwrap();
    json["format_version"] = "1.7".into();
    json["later"] = 1.into();
    assert!(Baseline::parse(&json.to_string(), &fleet()).is_ok());
}

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    let one = (0..6_usize, 0..4_usize, "[a-z ]{0,3}", 0..3_usize);
    let finding = one.prop_map(|(tenant, kind, object, diff)| {
        let kinds = [
            FindingKind::Missing,
            FindingKind::Owner,
            FindingKind::Unreadable,
            FindingKind::TemplateOutdated,
        ];
        let finding = Finding {
            diff: (diff > 0).then(|| format!("+{diff}\n")),
            ..Finding::new(kinds[kind], object)
        };
        match ["a", "b", "c", "d", "e"].get(tenant) {
            Some(id) => finding.about(&tenant_id(id), &cluster(MAIN)),
            None => finding,
        }
    });
    proptest::collection::vec(finding, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_loses_nobody_and_mixes_nothing(findings in findings()) {
        let folds = super::fold::fold(&findings);
        let mut unfolded = Vec::new();
        for fold in &folds {
            let first = fold.first;
            if fold.tenants.is_empty() {
                unfolded.push(first.clone());
            }
            for id in &fold.tenants {
                unfolded.push(first.clone().about(id, &cluster(MAIN)));
            }
        }
        let mut findings = findings.clone();
        findings.retain(|one| one.tenant.is_some());
        unfolded.retain(|one| one.tenant.is_some());
        findings.sort();
        unfolded.sort();
        prop_assert_eq!(findings, unfolded);
        for (one, other) in folds.iter().zip(folds.iter().skip(1)) {
            let key = |fold: &super::fold::Fold<'_>| (fold.first.level, fold.first.kind);
            prop_assert!(key(one) <= key(other));
        }
    }

    #[test]
    fn a_report_is_its_own_baseline_and_in_one_order(findings in findings(), turn in 0..20_usize) {
        let tenants: BTreeSet<TenantId> = ["a", "b", "c", "d", "e"].map(tenant_id).into();
        let report = DriftReport::new(fleet(), true, &tenants, findings.clone());
        let mut turned = findings;
        let middle = turn.min(turned.len());
        turned.rotate_left(middle);
        prop_assert_eq!(&DriftReport::new(fleet(), true, &tenants, turned), &report);
        let json = serde_json::to_string(&report).unwrap();
        let known = Baseline::parse(&json, &fleet()).unwrap().mark(report.clone());
        prop_assert_eq!(known.summary.new, 0);
        prop_assert_ne!(known.exit(true), Exit::Differs);
        let nothing = DriftReport::new(fleet(), true, &tenants, Vec::new());
        let nothing = serde_json::to_string(&nothing).unwrap();
        let all = Baseline::parse(&nothing, &fleet()).unwrap().mark(report.clone());
        prop_assert_eq!(all.summary.new, report.findings.len());
        prop_assert_eq!(all.exit(false), report.exit(false));
    }

    #[test]
    fn a_waiver_takes_what_it_names_and_nothing_else(tenant in "[ab*]", object in "(index|view)? ?[a-z*?]{0,4}") {
        let mut world = World::of(&["a", "b"]);
        world.regroup(&["a", "b"], without_index());
        world.waive(&tenant, &object, None);
        let glob = |text: &str| globset::Glob::new(text).unwrap().compile_matcher();
        for finding in world.report().findings.iter().filter(|one| one.level == Level::Drift) {
            let named = glob(&tenant).is_match(finding.tenant.as_ref().unwrap().as_str())
                && glob(&object).is_match("index orders_idx");
            prop_assert_eq!(finding.waived.is_some(), named);
        }
    }
}
