//! Grouping tenants by structure: what is alike has one key, whatever it is called and whoever owns it; no change
//! is overlooked.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use tenantry::model::desired::Cluster;
use tenantry::model::name::{RoleName, SchemaName, SqlName};
use tenantry::pg::clients::Clients;
use tenantry::pg::fleet_hash::{self, Keys, Question};
use tenantry::pg::settings;

use crate::support::database::Database;
use crate::support::server::{DEPLOY, OWNER};

const TEMPLATE: &str = include_str!("groups/template.sql");

/// One a line; where it says `/* since 15 */`, for servers from that major version on.
const CHANGES: &str = include_str!("groups/changes.sql");

const HISTORY: &str = "CREATE TABLE history (version int8 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255));";

/// A database of tenants that are all made from [`TEMPLATE`].
struct Tenants {
    database: Database,
    names: Vec<String>,
}

impl Tenants {
    fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let database = Database::new();
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let mut admin = database.admin();
        for name in &names {
            make(&mut admin, name, None);
        }
        drop(admin);
        Self { database, names }
    }

    fn numbered(count: usize) -> Self {
        Self::new((1..=count).map(|number| format!("tenant_{number}")))
    }

    /// Runs SQL in a tenant's schema.
    fn change(&self, name: &str, sql: &str) {
        self.database.run(&inside(name, sql));
    }

    fn keys(&self) -> Keys {
        self.keys_over(fleet_hash::CONNECTIONS)
    }

    fn keys_over(&self, connections: usize) -> Keys {
        self.keys_through(&self.database.url(), connections)
    }

    fn keys_through(&self, url: &str, connections: usize) -> Keys {
        let schemas: Vec<u32> = self.oids().into_keys().collect();
        let question = Question {
            schemas: &schemas,
            history_tables: &vec!["history".to_owned(); schemas.len()],
            readers: &[RoleName::new(DEPLOY).expect("a name")],
            server: self.version(),
        };
        fleet_hash::keys_over(&clients(url), &question, connections).expect("all can be read")
    }

    fn version(&self) -> i32 {
        let number = "SELECT current_setting('server_version_num')::int8";
        i32::try_from(self.database.count(number)).expect("a version")
    }

    fn oids(&self) -> BTreeMap<u32, String> {
        let sql = "SELECT oid, nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' \
                   AND nspname NOT IN ('information_schema', 'public')";
        let rows = self.database.query(sql);
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The names of each group, the largest first.
    fn groups(&self, keys: &Keys) -> Vec<BTreeSet<String>> {
        let names = self.oids();
        let mut groups: BTreeMap<u128, BTreeSet<String>> = BTreeMap::new();
        for (schema, key) in &keys.by_schema {
            groups
                .entry(*key)
                .or_default()
                .insert(names[schema].clone());
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
        groups
    }

    #[track_caller]
    fn expect_one_group(&self) {
        let keys = self.keys();
        assert_eq!(keys.unreadable, BTreeMap::new());
        let groups = self.groups(&keys);
        assert_eq!(groups.len(), 1, "{groups:?}");
        assert_eq!(groups[0].len(), self.names.len());
    }
}

fn clients(url: &str) -> Clients {
    let target = settings::resolve(Some(url), &Cluster::default(), &|_| None);
    Clients::new(target.expect("a URL"))
}

fn make(admin: &mut Client, name: &str, owner: Option<&str>) {
    let quoted = quoted(name);
    let (authorization, role) = owner.map_or_else(Default::default, |owner| {
        (
            format!("AUTHORIZATION {owner}"),
            format!("SET LOCAL ROLE {owner};"),
        )
    });
    let open = format!(
        "BEGIN; CREATE SCHEMA {quoted} {authorization}; {role} SET LOCAL search_path = {quoted}, pg_catalog"
    );
    // The template as a message of its own, as the program sends it.
    for message in [&open, TEMPLATE, HISTORY, "COMMIT"] {
        admin
            .batch_execute(message)
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

fn inside(name: &str, sql: &str) -> String {
    format!("SET search_path = {}, pg_catalog; {sql}", quoted(name))
}

fn quoted(name: &str) -> String {
    SchemaName::new(name).expect("a name").quoted()
}

#[test]
fn names_make_no_difference() {
    let odd = [
        "s",
        "tenant_1",
        "tenant_10",
        "xtenant_1",
        "Legacy-Initech",
        "with space",
        "dots.in.it",
        "é",
        "naïve_1",
        "TENANT_1",
        "a$b",
        "select",
        "1st",
        "q(r)",
        "x[0]",
        "50%",
        "n+1",
        "b*c",
        "{d}",
        "^e",
        "f|g",
    ];
    let plain = (2..10).map(|number| format!("tenant_{number}"));
    let tenants = Tenants::new(odd.into_iter().map(str::to_owned).chain(plain));
    tenants.change("s", "COMMENT ON COLUMN books.title IS 'as it stands'");
    for other in tenants.names.iter().filter(|name| *name != "s") {
        tenants.change(other, "COMMENT ON COLUMN books.title IS 'as it stands'");
    }
    tenants.expect_one_group();
}

#[test]
fn a_name_that_is_a_word_of_the_text_is_only_looked_at_more_closely() {
    // In the text of `readers` the table can't be told from the schema, so its words aren't those of the others.
    let tenants = Tenants::new(["tenant_1", "tenant_2", "readers"]);
    let groups = tenants.groups(&tenants.keys());
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expected: [BTreeSet<String>; 2] = [names(&["tenant_1", "tenant_2"]), names(&["readers"])];
    assert_eq!(groups, expected);
}

#[test]
fn every_change_is_seen_and_moves_nobody_else() {
    let unchanged = 20;
    let all: Vec<&str> = CHANGES.lines().collect();
    let tenants = Tenants::numbered(unchanged + all.len());
    let major = tenants.version() / 10_000;
    let is_known = |change: &&&str| {
        change.split_once("/* since ").is_none_or(|(_, since)| {
            let (since, _) = since.split_once(" */").expect("it ends");
            major >= since.parse().expect("a version")
        })
    };
    let changes: BTreeMap<String, &str> = all
        .iter()
        .filter(is_known)
        .zip(&tenants.names[unchanged..])
        .map(|(change, name)| (name.clone(), *change))
        .collect();
    assert!(changes.len() > 60);
    for (name, change) in &changes {
        tenants.change(
            name,
            &change
                .replace("{schema}", &quoted(name))
                .replace("{reader}", DEPLOY),
        );
    }
    let keys = tenants.keys();
    assert_eq!(keys.unreadable, BTreeMap::new());
    let groups = tenants.groups(&keys);
    let overlooked: Vec<_> = changes
        .iter()
        .filter(|(name, _)| groups[0].contains(*name))
        .collect();
    assert!(overlooked.is_empty(), "{overlooked:#?}");
    let moved: Vec<_> = tenants
        .names
        .iter()
        .filter(|name| !changes.contains_key(*name) && !groups[0].contains(*name))
        .collect();
    assert!(moved.is_empty(), "{moved:?}");
    let together: Vec<_> = groups[1..].iter().filter(|group| group.len() > 1).collect();
    assert!(together.is_empty(), "{together:?}");
}

#[test]
fn owners_readers_and_histories_make_no_difference() {
    let mut tenants = Tenants::numbered(3);
    let mut admin = tenants.database.admin();
    for (name, owner) in [("of_owner", OWNER), ("of_app", "app_owner")] {
        make(&mut admin, name, Some(owner));
        tenants.names.push(name.to_owned());
    }
    tenants.change(
        "tenant_1",
        &format!("GRANT USAGE ON SCHEMA tenant_1 TO {DEPLOY}; GRANT SELECT ON history TO {DEPLOY}"),
    );
    tenants.change(
        "tenant_2",
        "COMMENT ON TABLE history IS 'x'; COMMENT ON COLUMN history.name IS 'x'; COMMENT ON INDEX history_pkey IS 'x'; \
         ALTER TABLE history ADD extra serial CHECK (extra > 0); CREATE INDEX ON history (name); \
         COMMENT ON CONSTRAINT history_pkey ON history IS 'x'; ALTER TABLE history SET (fillfactor = 50); \
         CREATE TRIGGER t BEFORE INSERT ON history FOR EACH ROW EXECUTE FUNCTION stamp()",
    );
    // Granted and taken back: an ACL that says what none says.
    tenants.change(
        "tenant_3",
        &format!("GRANT DELETE ON settings TO {DEPLOY}; REVOKE DELETE ON settings FROM {DEPLOY}"),
    );
    tenants.expect_one_group();
}

#[test]
fn one_connection_says_what_many_say() {
    let tenants = Tenants::numbered(5);
    tenants.change("tenant_5", "ALTER TABLE books ADD extra int");
    let keys = tenants.keys_over(1);
    assert_eq!(tenants.groups(&keys).len(), 2);
    for connections in [2, 3] {
        assert_eq!(tenants.keys_over(connections), keys);
    }
}

#[test]
fn where_there_is_one_connection_it_does_all() {
    let tenants = Tenants::numbered(3);
    let keys = tenants.keys();
    let limit = format!(
        "ALTER DATABASE {} CONNECTION LIMIT 1",
        tenants.database.name
    );
    tenants.database.run(&limit);
    // Through a pooler more connections than that look as if they were there, and wait.
    let alone = tenants.keys_through(&tenants.database.direct_url(), 3);
    assert_eq!(alone, keys);
}

#[test]
fn a_tenant_that_is_being_altered_does_not_hold_up_the_others() {
    let tenants = Tenants::numbered(4);
    let before = tenants.keys();
    let mut other = tenants.database.admin();
    other
        .batch_execute("BEGIN; ALTER TABLE tenant_2.loans ADD extra int")
        .expect("nobody uses it");
    let keys = tenants.keys();
    let names = tenants.oids();
    let unreadable: Vec<_> = keys
        .unreadable
        .iter()
        .map(|(schema, why)| (names[schema].as_str(), why.message.as_str(), why.is_locked))
        .collect();
    let words = "canceling statement due to lock timeout, SQLSTATE 55P03";
    assert_eq!(unreadable, [("tenant_2", words, true)]);
    for (schema, key) in &keys.by_schema {
        assert_eq!(before.by_schema[schema], *key);
    }
    other.batch_execute("ROLLBACK").expect("it was open");
    assert_eq!(tenants.keys(), before);
}

#[test]
fn a_schema_that_is_gone_is_unreadable() {
    let tenants = Tenants::numbered(2);
    let clients = clients(&tenants.database.url());
    let keys = fleet_hash::keys(
        &clients,
        &[1],
        &[],
        &["history".to_owned()],
        tenants.version(),
    );
    let keys = keys.expect("the others can be read");
    let words = keys.unreadable.values().map(|why| why.message.as_str());
    assert_eq!(
        words.collect::<Vec<_>>(),
        ["the schema doesn't exist any more"]
    );
}
