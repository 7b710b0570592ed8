//! What must hold of the databases, the reports and the plan, whatever has happened.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::cli::Run;
use crate::support::gate::until;

use super::storm::{Ended, Storm};
use super::world::{World, quoted};

/// What the database has of everybody.
#[derive(Debug)]
pub struct Live {
    /// Versions by tenant; those that aren't there are absent.
    pub histories: BTreeMap<String, BTreeSet<i64>>,
    /// The state of schemas that nobody may touch, by schema: every version of every row of it.
    untouchable: BTreeMap<String, String>,
}

impl Live {
    /// Reads it, and checks that every tenant is whole or absent.
    pub fn read(world: &World) -> Self {
        let database = &world.fleet.database;
        until("its sessions are gone", || database.is_quiet());
        let schemas = database.schemas();
        let recorded = records(world);
        let mut histories = BTreeMap::new();
        for (id, tenant) in &world.tenants {
            let there = schemas.contains(&tenant.schema);
            assert_eq!(
                there,
                recorded.contains_key(id),
                "{id}: schema and control row"
            );
            if there {
                histories.insert(id.clone(), whole(world, id, &recorded[id]));
            }
        }
        let made = histories.keys().map(|id| world.tenants[id].schema.as_str());
        let mut expected: Vec<&str> = made.chain(["t_bystander"]).collect();
        if schemas.contains(&"tenantry".to_owned()) {
            expected.push("tenantry");
        }
        expected.sort_unstable();
        assert_eq!(schemas, expected, "no other schema");
        let untouchable = untouchable(world, &histories);
        Self {
            histories,
            untouchable,
        }
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.histories.keys().cloned().collect()
    }
}

/// A tenant's rows in the control schema.
struct Record {
    schema: String,
    ledger: Vec<i64>,
    templates: i64,
}

fn records(world: &World) -> BTreeMap<String, Record> {
    let database = &world.fleet.database;
    if database.count("SELECT count(*) FROM pg_class WHERE oid = to_regclass('tenantry.ledger')")
        == 0
    {
        return BTreeMap::new();
    }
    let rows = database.query(
        "SELECT id, schema_name, ARRAY(SELECT version FROM tenantry.ledger WHERE tenant_uid = uid AND version IS NOT NULL), \
         (SELECT count(*) FROM tenantry.ledger WHERE tenant_uid = uid AND version IS NULL) FROM tenantry.tenant",
    );
    let mut records = BTreeMap::new();
    for row in rows {
        let id: String = row.get(0);
        let record = Record {
            schema: row.get(1),
            ledger: row.get(2),
            templates: row.get(3),
        };
        assert!(
            records.insert(id.clone(), record).is_none(),
            "{id} is recorded twice"
        );
    }
    records
}

/// The history of a tenant whose history, effects, ledger and control row agree.
fn whole(world: &World, id: &str, record: &Record) -> BTreeSet<i64> {
    let tenant = &world.tenants[id];
    let schema = quoted(&tenant.schema);
    let table = format!("{schema}.counter").replace('\'', "''");
    let row = &world.fleet.database.query(&format!(
        "SELECT ARRAY(SELECT version FROM {schema}.history ORDER BY version), \
         ARRAY(SELECT substr(attname, 2)::int8 FROM pg_attribute WHERE attrelid = '{table}'::regclass \
         AND attname ~ '^c[0-9]' ORDER BY 1), (SELECT sum(n)::int8 FROM {schema}.counter)"
    ))[0];
    let (history, columns, n): (Vec<i64>, Vec<i64>, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(history, columns, "{id}: history and columns");
    assert_eq!(
        history.len(),
        usize::try_from(n).expect("a count"),
        "{id}: history and counter"
    );
    let mut ledger = record.ledger.clone();
    ledger.sort_unstable();
    assert_eq!(history, ledger, "{id}: history and ledger");
    assert_eq!(
        (record.schema.as_str(), record.templates),
        (tenant.schema.as_str(), 1),
        "{id}: control row"
    );
    history.into_iter().collect()
}

fn untouchable(
    world: &World,
    histories: &BTreeMap<String, BTreeSet<i64>>,
) -> BTreeMap<String, String> {
    let left = histories
        .keys()
        .map(|id| &world.tenants[id])
        .filter(|tenant| !tenant.in_file);
    let schemas = left
        .map(|tenant| tenant.schema.clone())
        .chain(["t_bystander".to_owned()]);
    schemas
        .map(|schema| (schema.clone(), fingerprint(world, &schema)))
        .collect()
}

/// Row versions of the catalog and of the data: what was touched has others, even if it looks the same.
fn fingerprint(world: &World, schema: &str) -> String {
    let of = format!(
        "(SELECT oid FROM pg_namespace WHERE nspname = '{}')",
        schema.replace('\'', "''")
    );
    let lines = world.fleet.database.texts(&format!(
        "SELECT concat_ws(' ', 'schema', oid, xmin, nspowner, nspacl) FROM pg_namespace WHERE oid = {of} \
         UNION ALL SELECT concat_ws(' ', 'class', oid, xmin, relfilenode, relacl) FROM pg_class WHERE relnamespace = {of} \
         UNION ALL SELECT concat_ws(' ', 'column', a.attrelid, a.attnum, a.xmin) FROM pg_attribute a \
         JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = {of} \
         UNION ALL SELECT concat_ws(' ', 'row', t.xmin, t.ctid, t.*) FROM {}.counter t ORDER BY 1",
        quoted(schema)
    ));
    lines.join("\n")
}

/// Checks what a round has left against what was there before it.
pub fn check(world: &World, before: &Live, ended: &Ended) -> Live {
    let after = Live::read(world);
    for (id, history) in &before.histories {
        let now = after
            .histories
            .get(id)
            .unwrap_or_else(|| panic!("{id} is lost"));
        assert!(history.is_subset(now), "{id} lost {history:?}, has {now:?}");
    }
    for (schema, was) in &before.untouchable {
        assert_eq!(
            Some(was),
            after.untouchable.get(schema),
            "{schema} isn't ours to touch"
        );
    }
    for (id, tenant) in &world.tenants {
        let (was, now) = (before.histories.get(id), after.histories.get(id));
        let none = BTreeSet::new();
        let target = world.target(tenant, was.unwrap_or(&none));
        let moved =
            now == Some(&target) && tenant.in_file && !world.is_stuck(tenant, was.unwrap_or(&none));
        assert!(
            now == was || moved,
            "{id}: from {was:?} to {now:?}, not to {target:?}"
        );
    }
    for run in &ended.runs {
        check_ending(ended, run);
    }
    if let Some(run) = ended.alone() {
        check_run(world, before, &after, run, ended.storm);
    }
    check_plan(world, &after);
    after
}

fn is_done(world: &World, live: &Live, id: &str) -> bool {
    let history = live.histories.get(id);
    history.is_some_and(|history| *history == world.target(&world.tenants[id], history))
}

fn declared(world: &World) -> impl Iterator<Item = &String> {
    let tenants = world.tenants.iter();
    tenants
        .filter(|(_, tenant)| tenant.in_file)
        .map(|(id, _)| id)
}

/// A run ends in one of the ways it may.
fn check_ending(ended: &Ended, run: &Run) {
    let is_killed = matches!(
        ended.storm,
        Storm::Crash(_) | Storm::Signal(..) | Storm::SecondAndKill { .. }
    );
    let fine = match run.code {
        None => is_killed,
        Some(5) => matches!(
            ended.storm,
            Storm::Second { .. } | Storm::SecondAndKill { .. }
        ),
        Some(130) => matches!(ended.storm, Storm::Signal(..)),
        Some(code) => matches!(code, 0 | 1 | 3 | 4),
    };
    assert!(fine, "{run:?}");
}

/// What a run says of itself is what the database says.
fn check_run(world: &World, before: &Live, after: &Live, run: &Run, storm: Storm) {
    let events = run.events();
    let (mut changed, mut unknown) = (0, 0);
    for event in events
        .iter()
        .filter(|event| event["event"] == "tenant_finished")
    {
        let id = event["tenant"].as_str().expect("an id");
        let moved = before.histories.get(id) != after.histories.get(id);
        match event["status"].as_str().expect("a status") {
            "applied" => assert!(
                moved && is_done(world, after, id),
                "false success of {id}: {event}"
            ),
            "unknown" => unknown += 1,
            _ => assert!(!moved, "false failure of {id}: {event}"),
        }
        changed += usize::from(moved);
    }
    let all = before.histories != after.histories;
    assert_eq!(
        all,
        changed > 0,
        "every tenant that changed is told of: {run:?}"
    );
    if let Some(last) = events.last().filter(|last| !last["exit"].is_null()) {
        assert_eq!(last["exit"].as_i64(), run.code.map(i64::from), "{run:?}");
    }
    let done = declared(world).all(|id| is_done(world, after, id));
    match run.code {
        Some(0) => assert!(done, "0 with work left: {run:?}"),
        Some(1 | 4) => assert!(!all && unknown == 0, "{run:?}"),
        _ => {}
    }
    if matches!(storm, Storm::Calm) {
        let none = BTreeSet::new();
        for id in declared(world) {
            let stuck = world.is_stuck(
                &world.tenants[id],
                before.histories.get(id).unwrap_or(&none),
            );
            let tried = events
                .iter()
                .any(|event| event["event"] == "tenant_finished" && event["tenant"] == **id);
            let skipped = !tried && run.code != Some(0);
            assert!(
                stuck || skipped || is_done(world, after, id),
                "{id} should be done: {run:?}"
            );
        }
        assert_eq!(done, run.code == Some(0), "{run:?}");
    }
}

/// The plan says what is left, and nothing else.
fn check_plan(world: &World, live: &Live) {
    let plan: Value = world.fleet.plan();
    let left: Vec<&String> = declared(world)
        .filter(|id| !is_done(world, live, id))
        .collect();
    let create = left
        .iter()
        .filter(|id| !live.histories.contains_key(**id))
        .count();
    let summary = &plan["summary"];
    let counts = ["create", "migrate", "blocked"].map(|key| summary[key].as_u64());
    let expected = [create, left.len() - create, 0].map(|count| u64::try_from(count).ok());
    assert_eq!(
        counts, expected,
        "create, migrate, blocked: {left:?}, {plan:#}"
    );
}
