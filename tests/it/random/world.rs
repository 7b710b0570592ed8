//! A desired state that changes at random, and what it means for each tenant.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::database::Database;
use crate::support::fleet::Fleet;
use crate::support::server::TestServer;

use super::dice::Dice;

/// Schema names that PostgreSQL accepts and people wish it didn't.
const HOSTILE: [&str; 8] = [
    "say \"hi\"",
    "'; DROP SCHEMA \"t_bystander\" CASCADE; --",
    "\"; DROP SCHEMA \"t_bystander\" CASCADE; --",
    "back\\slash",
    "UPPER",
    "a.b, public",
    "{{ident:schema}}",
    "数数数 \u{1b}[31m",
];

const MOST_TENANTS: usize = 5;
const MOST_FILES: usize = 6;

/// A tenant that was declared at some time.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub schema: String,
    pub in_file: bool,
    pub gold: bool,
    /// Its data makes some migrations fail.
    pub broken: bool,
}

/// What a migration file does beside what all of them do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// For tenants with the tag only.
    Gold,
    /// Fails everywhere.
    Failing,
    /// Fails for broken tenants.
    Choosy,
}

/// Every migration counts up and adds a column, so that its effects can be compared with its history row.
fn sql(version: i64, kind: Kind) -> String {
    let work =
        format!("UPDATE counter SET n = n + 1;\nALTER TABLE counter ADD COLUMN c{version} int;\n");
    match kind {
        Kind::Plain => work,
        Kind::Gold => format!("-- tenantry: only tag:gold\n{work}"),
        Kind::Failing => format!("{work}SELECT 1 / 0;\n"),
        Kind::Choosy => format!("{work}SELECT 1 / CASE WHEN ok THEN 1 ELSE 0 END FROM counter;\n"),
    }
}

const TEMPLATE: &str = "CREATE TABLE counter AS SELECT 0 AS n, true AS ok;\n";

/// The fleet, and what is known of it.
pub struct World {
    pub fleet: Fleet,
    pub dice: Dice,
    pub tenants: BTreeMap<String, Tenant>,
    pub files: BTreeMap<i64, Kind>,
    variants: usize,
    /// What happened, told when something breaks.
    pub log: Vec<String>,
}

impl World {
    pub fn new(seed: u64, server: &'static TestServer) -> Self {
        let mut fleet = Fleet::on(Database::on(server), TEMPLATE);
        fleet.extra =
            "timeouts: { statement: 5s, lock: 1s }\nrollout: { max_failures: 100% }\n".into();
        fleet.database.run(
            "CREATE SCHEMA t_bystander; CREATE TABLE t_bystander.counter AS SELECT 7 AS n, true AS ok",
        );
        let mut world = Self {
            fleet,
            dice: Dice::new(seed),
            tenants: BTreeMap::new(),
            files: BTreeMap::new(),
            variants: 0,
            log: Vec::new(),
        };
        for _ in 0..3 {
            world.add_tenant();
        }
        world.add_file(Kind::Plain);
        world
    }

    /// Changes the desired state, or a tenant's data. `live` are those whose schema is there.
    pub fn change(&mut self, live: &BTreeSet<String>) {
        for _ in 0..=self.dice.below(2) {
            match self.dice.below(9) {
                0 | 1 if self.tenants.len() < MOST_TENANTS => self.add_tenant(),
                2 => self.take_out_or_put_back(),
                3 => self.retag(),
                4 => self.add_file(Kind::Gold),
                5 => self.add_file(Kind::Failing),
                6 => {
                    self.add_file(Kind::Choosy);
                    self.break_one(live);
                }
                7 => self.change_template(),
                _ => self.add_file(Kind::Plain),
            }
        }
        if self.dice.chance(40) {
            self.repair(live);
        }
        self.write();
    }

    fn add_tenant(&mut self) {
        let id = format!("n{}", self.tenants.len());
        let used: Vec<&str> = self.tenants.values().map(|it| it.schema.as_str()).collect();
        let free: Vec<&str> = HOSTILE
            .into_iter()
            .filter(|name| !used.contains(name))
            .collect();
        let odd = self.dice.pick(&free).filter(|_| self.dice.chance(50));
        let tenant = Tenant {
            schema: odd.map_or_else(|| format!("t_{id}"), str::to_owned),
            in_file: true,
            gold: self.dice.chance(40),
            broken: false,
        };
        self.log.push(format!("add {id}: {tenant:?}"));
        self.tenants.insert(id, tenant);
    }

    fn take_out_or_put_back(&mut self) {
        let ids: Vec<String> = self.tenants.keys().cloned().collect();
        let declared = self.tenants.values().filter(|it| it.in_file).count();
        let picked = self
            .dice
            .pick(&ids)
            .and_then(|id| Some((id.clone(), self.tenants.get_mut(&id)?)));
        if let Some((id, tenant)) = picked
            && (!tenant.in_file || declared > 1)
        {
            tenant.in_file = !tenant.in_file;
            self.log
                .push(format!("{id} in the file: {}", tenant.in_file));
        }
    }

    fn retag(&mut self) {
        let ids: Vec<String> = self.tenants.keys().cloned().collect();
        let picked = self
            .dice
            .pick(&ids)
            .and_then(|id| Some((id.clone(), self.tenants.get_mut(&id)?)));
        if let Some((id, tenant)) = picked {
            tenant.gold = !tenant.gold;
            self.log.push(format!("{id} is gold: {}", tenant.gold));
        }
    }

    fn add_file(&mut self, kind: Kind) {
        let version = i64::try_from(self.files.len()).expect("few") + 1;
        if self.files.len() < MOST_FILES {
            self.log.push(format!("V{version}: {kind:?}"));
            self.files.insert(version, kind);
        }
    }

    fn break_one(&mut self, live: &BTreeSet<String>) {
        let live: Vec<String> = live
            .iter()
            .filter(|id| self.tenants[*id].in_file)
            .cloned()
            .collect();
        if let Some(id) = self.dice.pick(&live) {
            self.set_ok(&id, false);
        }
    }

    fn set_ok(&mut self, id: &str, ok: bool) {
        if let Some(tenant) = self.tenants.get_mut(id) {
            tenant.broken = !ok;
            self.log.push(format!("{id} is broken: {}", !ok));
            let schema = quoted(&tenant.schema);
            self.fleet
                .database
                .run(&format!("UPDATE {schema}.counter SET ok = {ok}"));
        }
    }

    fn change_template(&mut self) {
        self.variants += 1;
        let variant = format!("CREATE TABLE variant_{} (a int);\n", self.variants);
        self.log.push(format!("template variant {}", self.variants));
        self.fleet
            .write("template/010_base.sql", &format!("{TEMPLATE}{variant}"));
    }

    /// What failed can work from now on.
    pub fn repair(&mut self, live: &BTreeSet<String>) {
        for (version, kind) in &mut self.files {
            if *kind == Kind::Failing {
                *kind = Kind::Plain;
                self.log.push(format!("V{version} is repaired"));
            }
        }
        for id in live {
            if self.tenants[id].broken {
                self.set_ok(id, true);
            }
        }
    }

    /// Writes the desired state out.
    pub fn write(&mut self) {
        for (version, kind) in &self.files {
            self.fleet.migration(
                &format!("V{version}__add_{version}.sql"),
                &sql(*version, *kind),
            );
        }
        self.fleet.tenants.clear();
        for (id, tenant) in self.tenants.iter().filter(|(_, tenant)| tenant.in_file) {
            let schema = serde_json::to_string(&tenant.schema).expect("text");
            let tags = if tenant.gold { "gold" } else { "" };
            self.fleet.tenants.push((
                id.clone(),
                format!("{{ schema: {schema}, tags: [{tags}] }}"),
            ));
        }
    }

    /// The versions a tenant has once everything is applied that it is due.
    pub fn target(&self, tenant: &Tenant, history: &BTreeSet<i64>) -> BTreeSet<i64> {
        let due = self
            .files
            .iter()
            .filter(|(_, kind)| **kind != Kind::Gold || tenant.gold);
        due.map(|(version, _)| *version)
            .chain(history.iter().copied())
            .collect()
    }

    /// Whether what a tenant is due can't be applied.
    pub fn is_stuck(&self, tenant: &Tenant, history: &BTreeSet<i64>) -> bool {
        self.files.iter().any(|(version, kind)| {
            let fails = *kind == Kind::Failing || *kind == Kind::Choosy && tenant.broken;
            fails && !history.contains(version)
        })
    }
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
