//! References: built from what the control schema has recorded, kept by an apply, believed as far as their hashes go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use tenantry::config;
use tenantry::model::desired::{Cluster, Desired};
use tenantry::model::name::{ClusterName, SqlName as _, TenantId};
use tenantry::model::observed::{ControlTenant, LiveDatabase};
use tenantry::model::reference::{Recipe, Reference};
use tenantry::model::shape::{Definition, Kind, Shape};
use tenantry::observe::{Targets, observe};
use tenantry::pg::clients::Clients;
use tenantry::pg::error::PgError;
use tenantry::pg::settings::{Target, resolve};
use tenantry::pg::shape;
use tenantry::pg::wire::begin_reading;
use tenantry::reference::{Obtained, Site, Unbuilt, obtain};
use tenantry::report::Failure;

use crate::support::cli;
use crate::support::database::Database;
use crate::support::fleet::{Fleet, outcome, project, sample};
use crate::support::gate::{Gate, WAIT};
use crate::support::server::{DEPLOY, OWNER};

/// A fleet's only database as a role sees it, and the way there.
struct Seen {
    desired: Desired,
    database: LiveDatabase,
    clients: Clients,
}

fn target(url: &str) -> Target {
    let cluster = Cluster {
        url: Some(url.to_owned()),
        ..Cluster::default()
    };
    resolve(None, &cluster, &|_| None).expect("a good URL")
}

impl Seen {
    fn with(file: &Path, url: &str) -> Self {
        let loaded = config::load(file, &|_| None).expect("a good file");
        let desired = loaded.desired(&[]).expect("good tenants");
        let cluster: ClusterName = desired.clusters.keys().next().expect("one").clone();
        let targets: Targets = [(cluster.clone(), Ok(target(url)))].into();
        let mut observed = observe(&desired, &targets);
        let database = observed.databases.remove(&cluster).expect("it was asked");
        Self {
            desired,
            database: database.expect("it answers"),
            clients: Clients::new(target(url)),
        }
    }

    fn of(fleet: &Fleet) -> Self {
        Self::through(fleet, &fleet.database.url())
    }

    fn through(fleet: &Fleet, url: &str) -> Self {
        fs::write(fleet.path("fleet.yaml"), fleet.yaml()).expect("the folder can be written to");
        Self::with(&fleet.path("fleet.yaml"), url)
    }

    fn row(&self, id: &str) -> &ControlTenant {
        &self.database.tenants[&TenantId::new(id).expect("an id")]
    }

    fn recipe(&self, id: &str) -> Recipe {
        let recipe = Recipe::of(self.row(id), None, &self.desired.search_path);
        recipe.expect("the ledger was read")
    }

    fn recipes(&self) -> BTreeSet<Recipe> {
        let tenants = self.database.tenants.values();
        tenants
            .filter_map(|row| Recipe::of(row, None, &self.desired.search_path))
            .collect()
    }

    fn site<'a>(&'a self, elsewhere: Option<&'a Clients>) -> Site<'a> {
        let history_table = &self.desired.history_table;
        Site::of(&self.clients, &self.database, history_table, elsewhere)
    }

    fn obtain(&self) -> Obtained {
        obtain(&self.site(None), &self.recipes())
    }

    /// A tenant's reference.
    #[track_caller]
    fn reference(&self, id: &str) -> Arc<Reference> {
        good(&self.obtain(), &self.recipe(id))
    }
}

#[track_caller]
fn good(obtained: &Obtained, recipe: &Recipe) -> Arc<Reference> {
    let reference = &obtained.references[recipe];
    Arc::clone(reference.as_ref().expect("it can be built"))
}

#[track_caller]
fn failed(obtained: &Obtained, recipe: &Recipe) -> Failure {
    match &obtained.references[recipe] {
        Err(Unbuilt::Failed(failure)) => (**failure).clone(),
        other => panic!("{other:?}"),
    }
}

/// What a reference says, whatever its schema was called.
fn fingerprints(obtained: &Obtained) -> BTreeMap<&Recipe, String> {
    let references = obtained.references.iter();
    references
        .map(|(recipe, reference)| {
            let reference = reference.as_ref().expect("it can be built");
            (recipe, reference.shape.fingerprint().0)
        })
        .collect()
}

fn forget(database: &Database) {
    database.run("DELETE FROM tenantry.reference");
}

fn kept(database: &Database) -> i64 {
    database.count("SELECT count(*) FROM tenantry.reference")
}

/// Everything an obtaining could leave behind.
fn rows(database: &Database) -> Vec<String> {
    let tables = "SELECT format('SELECT %L, count(*) FROM %s', c.oid::regclass, c.oid::regclass) FROM pg_class c \
         WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1";
    let counted = |sql: &String| {
        database.texts(&format!(
            "SELECT concat_ws(' ', a, n) FROM ({sql}) AS t (a, n)"
        ))
    };
    let mut rows: Vec<String> = database.texts(tables).iter().flat_map(counted).collect();
    rows.extend(database.schemas());
    rows
}

const TEMPLATE: &str = "CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n\
     currency text DEFAULT {{literal:vars.currency}});\n\
     COMMENT ON SCHEMA {{ident:schema}} IS 'notes';\n";

/// A fleet whose template uses a value of each tenant's own.
fn valued(tenants: &[(&str, &str)]) -> Fleet {
    let mut fleet = Fleet::new(TEMPLATE);
    for (id, currency) in tenants {
        fleet.tenant(id, &format!("{{ vars: {{ currency: {currency} }} }}"));
    }
    fleet
}

/// The shapes of all tenants, as they are in the database.
fn live(seen: &Seen) -> BTreeMap<TenantId, Shape> {
    let history = [seen.desired.history_table.as_str().to_owned()];
    let oid = |row: &ControlTenant| seen.database.schemas[&row.schema].oid;
    let oids: Vec<u32> = seen.database.tenants.values().map(oid).collect();
    // The connecting role needn't inherit what the owner of all of them may.
    let owner = seen.database.tenants.values().next().expect("a tenant");
    let as_owner = format!("SET LOCAL ROLE {}", owner.owner.quoted());
    let read = seen.clients.with(|wire| {
        wire.run(&(begin_reading() + &as_owner))?;
        let version = seen.database.server.version_num;
        let shapes = shape::read(wire, &oids, &history, &[], version)?;
        wire.run("COMMIT")?;
        Ok::<_, PgError>(shapes)
    });
    let mut shapes = read.expect("shapes can be read");
    let tenants = seen.database.tenants.iter();
    tenants
        .map(|(id, row)| (id.clone(), shapes.remove(&oid(row)).expect("it was read")))
        .collect()
}

/// What is to be equal of a definition.
fn said(definition: &Definition) -> (String, Option<String>) {
    let source = definition.source.as_ref();
    let neutral = source.map(|source| source.neutral.clone());
    (definition.text.clone(), neutral)
}

/// Ends the test unless every live tenant has the shape of its reference, cold and kept.
#[track_caller]
fn expect_no_difference(seen: &Seen, database: &Database) {
    let kept = seen.obtain();
    forget(database);
    let cold = seen.obtain();
    for (id, shape) in live(seen) {
        assert!(!shape.objects.is_empty(), "{id}");
        for obtained in [&kept, &cold] {
            let reference = good(obtained, &seen.recipe(id.as_str()));
            for key in shape.objects.keys().chain(reference.shape.objects.keys()) {
                let (is, wanted) = (shape.objects.get(key), reference.shape.objects.get(key));
                assert_eq!(is.map(said), wanted.map(said), "{id}: {key:?}");
            }
            assert_eq!(shape.undescribed, reference.shape.undescribed, "{id}");
            assert_eq!(shape.fingerprint(), reference.shape.fingerprint(), "{id}");
        }
    }
}

#[test]
fn live_tenants_are_what_their_references_say() {
    let mut fleet = Fleet::new(
        "CREATE TYPE mood AS ENUM ('sad', 'glad');
         CREATE TABLE {{ident:schema}}.s (id serial PRIMARY KEY, s mood DEFAULT 'sad' CHECK (s IN ('sad', 'glad')),
           up bigint UNIQUE CONSTRAINT late REFERENCES {{ident:schema}}.s (up) DEFERRABLE INITIALLY DEFERRED);
         INSERT INTO s (up) VALUES (1);
         CREATE FUNCTION own() RETURNS text LANGUAGE sql SET search_path = {{ident:schema}} AS 'SELECT ''s.''';
         COMMENT ON TABLE s IS 'of s.';
         SET LOCAL search_path = pg_catalog;\n",
    );
    let more = "ALTER TABLE s ADD COLUMN more varchar(3) CHECK (more IN ('a', 'b'));\n";
    fleet.write("template/020_more.sql", more);
    let view = "CREATE VIEW {{ident:tenant}} AS SELECT s, count(*) FROM s GROUP BY 1;\n";
    fleet.migration("V1__view.sql", view);
    fleet.add(&["acme", "globex"]);
    fleet.tenant("hooli", r#"{ schema: "A \"B\"" }"#);
    fleet.tenant("t", "{ schema: s }");
    fleet.apply(0);
    let seen = Seen::of(&fleet);
    // A view is named after each.
    assert_eq!(seen.recipes().len(), 4);
    expect_no_difference(&seen, &fleet.database);
}

#[test]
fn the_sample_and_an_example_are_what_their_references_say() {
    let minimal = project().join("examples/minimal/fleet.yaml");
    let sample = sample();
    for file in [sample.path().join("desired"), minimal] {
        let database = Database::new();
        let mut command = cli::tenantry(sample.path(), ["apply", "--auto-approve", "-f"]);
        command.arg(&file).env("DATABASE_URL", database.url());
        cli::run(command).expect(0);
        let seen = Seen::with(&file, &database.url());
        assert!(!seen.recipes().is_empty());
        expect_no_difference(&seen, &database);
    }
}

#[test]
fn an_apply_keeps_one_reference_for_each_recipe() {
    let mut fleet = valued(&[("acme", "EUR"), ("globex", "EUR"), ("hooli", "USD")]);
    let report = fleet.apply(0);
    assert_eq!(report["notices"], serde_json::json!([]));
    // Of equal values and histories; the schema's name is no value.
    assert_eq!(kept(&fleet.database), 2);
    let seen = Seen::of(&fleet);
    assert_eq!(seen.recipe("acme"), seen.recipe("globex"));
    assert_eq!(seen.recipes().len(), 2);
    // Another history is another recipe; what ran in another order, too.
    fleet.tenant("acme", "{ vars: { currency: EUR }, tags: [extra] }");
    let extra = "-- tenantry: only tag:extra\nALTER TABLE note ADD COLUMN extra text;\n";
    fleet.migration("V1__extra.sql", extra);
    fleet.migration("V2__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    assert_eq!(kept(&fleet.database), 5);
    fleet.tenant("globex", "{ vars: { currency: EUR }, tags: [extra] }");
    fleet.apply(0);
    assert_eq!(kept(&fleet.database), 6);
    let seen = Seen::of(&fleet);
    let (acme, globex) = (seen.recipe("acme").applied, seen.recipe("globex").applied);
    assert_eq!(acme, globex.iter().rev().cloned().collect::<Vec<_>>());
    fleet.apply(0);
    assert_eq!(kept(&fleet.database), 6);
    // Nobody else keeps any.
    forget(&fleet.database);
    fleet.plan();
    seen.obtain();
    assert_eq!(kept(&fleet.database), 0);
}

#[test]
fn many_tenants_of_one_template_cost_one_building() {
    let mut fleet = Fleet::small(&[]);
    let ids: Vec<String> = (0..40).map(|number| format!("t{number}")).collect();
    fleet.add(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    fleet.apply(0);
    assert_eq!(kept(&fleet.database), 1);
    let seen = Seen::of(&fleet);
    let shared = |row: &ControlTenant| Arc::as_ptr(row.applied.as_ref().expect("read"));
    let pointers: BTreeSet<_> = seen.database.tenants.values().map(shared).collect();
    assert_eq!(pointers.len(), 1);
}

#[test]
fn an_obtaining_leaves_nothing_behind() {
    let fleet = valued(&[("acme", "EUR"), ("hooli", "USD")]);
    fleet.migration(
        "V1__tag.sql",
        "ALTER TABLE note ADD COLUMN tag text;\nINSERT INTO note (tag) VALUES ('x');\n",
    );
    fleet.apply(0);
    let seen = Seen::of(&fleet);
    let warm = seen.obtain();
    forget(&fleet.database);
    let before = rows(&fleet.database);
    let cold = seen.obtain();
    assert_eq!(rows(&fleet.database), before);
    assert_eq!(fingerprints(&cold), fingerprints(&warm));
    assert!(cold.notices.is_empty() && warm.notices.is_empty());
    // Each has a schema's name of its own, which is chance.
    let names: BTreeSet<&str> = cold
        .references
        .values()
        .chain(warm.references.values())
        .map(|reference| reference.as_ref().expect("built").built_in.as_str())
        .collect();
    assert_eq!(names.len(), 4);
    for name in names {
        let hex = name.strip_prefix("tenantry_ref_").expect(name);
        assert!(
            hex.len() == 16 && hex.chars().all(|c| c.is_ascii_hexdigit()),
            "{name}"
        );
    }
}

#[test]
fn values_stand_in_the_reference_as_they_were_used() {
    let mut fleet = valued(&[("acme", "EUR"), ("hooli", "USD")]);
    fleet.apply(0);
    // What the file says from now on is for files that come from now on.
    fleet.tenant("acme", "{ vars: { currency: GBP } }");
    let payout = "ALTER TABLE note ADD COLUMN payout text DEFAULT {{literal:vars.currency}};\n";
    fleet.migration("V1__payout.sql", payout);
    fleet.apply(0);
    forget(&fleet.database);
    let seen = Seen::of(&fleet);
    for (tenant, currency, payout) in [("acme", "EUR", "GBP"), ("hooli", "USD", "USD")] {
        let objects = &seen.reference(tenant).shape.objects;
        for (column, value) in [("note.currency", currency), ("note.payout", payout)] {
            let (_, definition) = objects
                .iter()
                .find(|(key, _)| key.kind == Kind::Column && key.name == column)
                .expect("it is there");
            let text = &definition.text;
            assert!(
                text.contains(&format!("'{value}'")),
                "{tenant}, {column}: {text}"
            );
        }
    }
    assert_ne!(seen.recipe("acme"), seen.recipe("hooli"));
}

#[test]
fn second_forms_are_kept_with_the_first() {
    let fleet = {
        let mut fleet =
            Fleet::new("CREATE TABLE note (kind varchar CHECK (kind IN ('a', 'b')));\n");
        fleet.add(&["acme"]);
        fleet
    };
    fleet.apply(0);
    let seen = Seen::of(&fleet);
    let kept = seen.reference("acme").after_dump.clone();
    let [(key, second)] = &kept.iter().collect::<Vec<_>>()[..] else {
        panic!("{kept:?}");
    };
    assert_eq!(
        (key.kind, key.name.as_str()),
        (Kind::Constraint, "note.note_kind_check")
    );
    assert!(
        second.text.contains("('a'::character varying)::text"),
        "{second:?}"
    );
    forget(&fleet.database);
    assert_eq!(seen.reference("acme").after_dump, kept);
}

#[test]
fn a_lock_that_is_not_free_is_tried_again() {
    let mut fleet = Fleet::new(
        "DO $$ BEGIN IF nextval('public.tries') % 2 = 1 THEN RAISE SQLSTATE '40P01'; END IF; END $$;\n",
    );
    fleet.database.run(&format!(
        "CREATE SEQUENCE public.tries; GRANT USAGE ON SEQUENCE public.tries TO {OWNER}"
    ));
    fleet.add(&["acme"]);
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "acme")["retries"], 1);
    assert_eq!(report["notices"], serde_json::json!([]));
    assert_eq!(kept(&fleet.database), 1);
}

#[test]
fn a_tenant_made_anew_counts_from_there() {
    let fleet = Fleet::small(&["acme"]);
    fleet.migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    let first = Seen::of(&fleet).recipe("acme");
    fleet.database.run("DROP SCHEMA t_acme CASCADE");
    fleet.migration("V2__more.sql", "ALTER TABLE note ADD COLUMN more text;\n");
    let args = ["apply", "--auto-approve", "--provision-empty", "acme"];
    fleet.run(args).expect(0);
    let seen = Seen::of(&fleet);
    assert_eq!(seen.row("acme").generation, 2);
    let second = seen.recipe("acme");
    assert_eq!((first.applied.len(), second.applied.len()), (1, 2));
    assert_eq!(first.applied[0], second.applied[0]);
    forget(&fleet.database);
    let shape = format!("{:?}", seen.reference("acme").shape);
    assert!(shape.contains("more"), "{shape}");
}

#[test]
fn what_a_baseline_covers_does_not_run() {
    let mut fleet = Fleet::new("CREATE TABLE note (tag text);\n");
    fleet.migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.extra = "  late: { path: template, migrations: migrations, baseline: 1 }\n".into();
    fleet.tenant("acme", "{ template: late }");
    fleet.apply(0);
    let seen = Seen::of(&fleet);
    assert_eq!(seen.recipe("acme").applied, []);
    forget(&fleet.database);
    seen.reference("acme");
}

#[test]
fn a_row_that_is_not_what_its_hashes_say_is_not_believed() {
    let fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    let seen = Seen::of(&fleet);
    let wanted = seen.obtain();
    for poison in [
        "lines = replace(lines, 'body', 'bod')",
        r#"lines = replace(lines, '"tenantry_ref_', '"tenantry_fer_')"#,
        "fingerprint = repeat('0', 64)",
        "lines = '{}', lines_sha256 = encode(sha256('{}'), 'hex')",
        "shape_version = shape_version + 1",
        "server_major = server_major + 1",
    ] {
        fleet
            .database
            .run(&format!("UPDATE tenantry.reference SET {poison}"));
        let obtained = seen.obtain();
        assert_eq!(fingerprints(&obtained), fingerprints(&wanted), "{poison}");
        let [notice] = &obtained.notices[..] else {
            panic!("{poison}: {:?}", obtained.notices);
        };
        let words = "was not what its hash says; it was built again";
        assert!(notice.contains(words), "{poison}: {notice}");
        // The next apply that comes by it sets it right.
        fleet.database.run("DROP SCHEMA t_acme CASCADE");
        let args = ["apply", "--auto-approve", "--provision-empty", "acme"];
        fleet.run(args).expect(0);
        assert_eq!(seen.obtain().notices, [""; 0], "{poison}");
        assert_eq!(kept(&fleet.database), 1);
    }
}

#[test]
fn a_text_that_is_not_what_its_address_says_is_named_and_not_run() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.write("other.sql", "CREATE TABLE other ();\n");
    fs::create_dir(fleet.path("other")).expect("a fresh folder");
    fleet.write("other/010_other.sql", "CREATE TABLE other ();\n");
    fleet.extra = "  other: { path: other }\n".into();
    fleet.tenant("globex", "{ template: other }");
    fleet.migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    forget(&fleet.database);
    let seen = Seen::of(&fleet);
    for name in ["V1__tag.sql", "010_base.sql", "manifest"] {
        let forge = format!(
            "BEGIN; SET LOCAL session_replication_role = replica; \
             UPDATE tenantry.content SET text = text || '-- x' WHERE name = '{name}' \
             AND (name <> 'manifest' OR text ~ '010_base'); COMMIT"
        );
        fleet.database.run(&forge);
        let obtained = seen.obtain();
        let failure = failed(&obtained, &seen.recipe("acme"));
        assert!(
            failure.message.contains(&format!(
                "({name}) of tenantry.content isn't what its address says"
            )),
            "{failure:?}"
        );
        // The other's aren't spoilt.
        good(&obtained, &seen.recipe("globex"));
        fleet
            .database
            .run(&forge.replace("text || '-- x'", "left(text, -4)"));
        good(&seen.obtain(), &seen.recipe("acme"));
    }
    fleet.database.run(
        "BEGIN; SET LOCAL session_replication_role = replica; \
         DELETE FROM tenantry.content WHERE name = 'V1__tag.sql'; COMMIT",
    );
    let failure = failed(&seen.obtain(), &seen.recipe("acme"));
    assert!(
        failure.message.contains("tenantry.content has no row"),
        "{failure:?}"
    );
}

#[test]
fn a_file_that_builds_no_more_is_named_with_its_line() {
    let mut fleet = Fleet::new(
        "CREATE TABLE note (body text);\n\nINSERT INTO note\n  SELECT body FROM public.kind;\n",
    );
    fleet.write(
        "template/020_loop.sql",
        "DO $$ BEGIN\n  PERFORM 1 / count(*) FROM public.divisor;\nEND $$;\n",
    );
    fleet.database.run(&format!(
        "CREATE TABLE public.kind AS SELECT 'x'::text AS body; GRANT SELECT ON public.kind TO {OWNER}; \
         CREATE TABLE public.divisor AS SELECT 1 AS n; GRANT SELECT ON public.divisor TO {OWNER}"
    ));
    fs::create_dir(fleet.path("other")).expect("a fresh folder");
    fleet.write("other/010_other.sql", "CREATE TABLE other ();\n");
    fleet.extra = "  other: { path: other }\n".into();
    fleet.tenant("acme", "{}");
    fleet.tenant("globex", "{ template: other }");
    fleet.apply(0);
    forget(&fleet.database);
    let seen = Seen::of(&fleet);
    let place = |failure: &Failure| {
        (
            failure.file.clone().expect("a file"),
            failure.line.expect("a line"),
        )
    };
    // Without a position from the server.
    fleet.database.run("DELETE FROM public.divisor");
    let failure = failed(&seen.obtain(), &seen.recipe("acme"));
    assert_eq!(
        place(&failure),
        ("020_loop.sql".to_owned(), 1),
        "{failure:?}"
    );
    assert!(failure.message.contains("division by zero"), "{failure:?}");
    // With one.
    fleet.database.run("DROP TABLE public.kind");
    let obtained = seen.obtain();
    let failure = failed(&obtained, &seen.recipe("acme"));
    assert_eq!(
        place(&failure),
        ("010_base.sql".to_owned(), 4),
        "{failure:?}"
    );
    assert!(
        failure
            .message
            .contains("relation \"public.kind\" does not exist"),
        "{failure:?}"
    );
    good(&obtained, &seen.recipe("globex"));
    assert_eq!(fleet.database.schemas(), ["t_acme", "t_globex", "tenantry"]);
}

#[test]
fn a_reference_that_an_apply_cannot_keep_is_a_notice() {
    let mut fleet = Fleet::new(
        "CREATE TABLE note ();\nINSERT INTO public.registry VALUES ({{literal:tenant}});\n",
    );
    fleet.database.run(&format!(
        "CREATE TABLE public.registry (id text PRIMARY KEY); GRANT INSERT ON public.registry TO {OWNER}"
    ));
    fleet.add(&["acme"]);
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "acme")["status"], "applied");
    let notice = report["notices"][0].as_str().expect("a notice");
    for words in [
        "a reference wasn't kept",
        "duplicate key",
        "(010_base.sql:2)",
    ] {
        assert!(notice.contains(words), "{notice}");
    }
    let state = "SELECT state FROM tenantry.run";
    assert_eq!(fleet.database.texts(state), ["done"]);
    assert_eq!(kept(&fleet.database), 0);
    assert_eq!(
        fleet.database.count("SELECT count(*) FROM public.registry"),
        1
    );
}

#[test]
fn an_interrupted_run_keeps_nothing() {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    let tag = format!("ALTER TABLE note ADD COLUMN tag text;\n{WAIT}");
    fleet.migration("V1__tag.sql", &tag);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start(["apply", "--auto-approve", "--parallel", "1"]);
    gate.until_waiting(1);
    running.signal(Signal::INT);
    running.until_err("Interrupted: running tenants finish");
    gate.open();
    running.end().expect(130);
    assert_eq!(kept(&fleet.database), 1);
    fleet.apply(0);
    assert_eq!(kept(&fleet.database), 2);
}

#[test]
fn a_second_interrupt_ends_a_building_and_nothing_else() {
    // Its second run is the reference's.
    let mut fleet = Fleet::new(
        "CREATE TABLE note ();\nDO $$ BEGIN IF nextval('public.runs') = 2 THEN\n\
         SET LOCAL lock_timeout = 0; PERFORM pg_advisory_xact_lock_shared(4711); END IF; END $$;\n",
    );
    fleet.database.run(&format!(
        "CREATE SEQUENCE public.runs; GRANT USAGE ON SEQUENCE public.runs TO {OWNER}"
    ));
    fleet.add(&["acme"]);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&[]);
    gate.until_waiting(1);
    running.signal(Signal::INT);
    running.until_err("Interrupted");
    running.signal(Signal::INT);
    let run = running.end().expect(0);
    assert!(
        run.all()
            .contains("canceling statement due to user request"),
        "{}",
        run.all()
    );
    assert_eq!(kept(&fleet.database), 0);
    let state = "SELECT state FROM tenantry.run";
    assert_eq!(fleet.database.texts(state), ["done"]);
    assert_eq!(fleet.database.schemas(), ["t_acme", "tenantry"]);
    gate.open();
    fleet.expect_no_changes();
}

/// A role that may read the control schema and make nothing, and its URL.
fn reader(database: &Database) -> (String, String) {
    let role = format!("reads_{}", database.name);
    database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'tests-only'; GRANT USAGE ON SCHEMA tenantry TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA tenantry TO {role}"
    ));
    let url = database.url().replacen(DEPLOY, &role, 1);
    (role, url)
}

#[test]
fn a_role_that_only_reads_has_what_was_kept() {
    let fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    let (role, url) = reader(&fleet.database);
    let seen = Seen::through(&fleet, &url);
    let recipe = seen.recipe("acme");
    let wanted = Seen::of(&fleet).obtain();
    assert_eq!(fingerprints(&seen.obtain()), fingerprints(&wanted));
    // A database that only reads is no better.
    let mut standby = Seen::of(&fleet);
    standby.database.server.read_only = true;
    good(&standby.obtain(), &recipe);
    fleet
        .database
        .run("UPDATE tenantry.reference SET fingerprint = 'x'");
    let obtained = seen.obtain();
    assert_eq!(obtained.references[&recipe], Err(Unbuilt::NoRight));
    assert!(
        obtained.notices[0].ends_with("; it isn't used"),
        "{:?}",
        obtained.notices
    );
    forget(&fleet.database);
    for seen in [&seen, &standby] {
        assert_eq!(seen.obtain().references[&recipe], Err(Unbuilt::NoRight));
    }
    // What it may not read is as if it weren't there.
    let revoke = |table: &str| {
        fleet
            .database
            .run(&format!("REVOKE SELECT ON tenantry.{table} FROM {role}"));
    };
    fleet.apply(0);
    revoke("reference");
    assert_eq!(seen.obtain().references[&recipe], Err(Unbuilt::NoRight));
    revoke("ledger");
    let seen = Seen::through(&fleet, &url);
    assert_eq!(seen.row("acme").applied, None);
    assert!(seen.recipes().is_empty());
    assert!(seen.obtain().references.is_empty());
    fleet.run(["plan", "--database-url", &url]).expect(0);
}

#[test]
fn another_server_builds_for_a_role_that_may_not() {
    let fleet = valued(&[("acme", "EUR")]);
    fleet.apply(0);
    let wanted = Seen::of(&fleet).obtain();
    forget(&fleet.database);
    let (_, url) = reader(&fleet.database);
    let seen = Seen::through(&fleet, &url);
    let other = Database::new();
    let elsewhere = Clients::new(target(&other.url()));
    let site = seen.site(Some(&elsewhere));
    let obtained = obtain(&site, &seen.recipes());
    assert_eq!(fingerprints(&obtained), fingerprints(&wanted));
    assert_eq!(other.schemas(), [""; 0]);
    // As another role where the owner is nobody there.
    let mut recipe = seen.recipe("acme");
    recipe.owner = tenantry::model::name::RoleName::new("nobody_here").expect("a name");
    good(&obtain(&site, &[recipe.clone()].into()), &recipe);
    // Its major version must be the same, and building allowed.
    let mut server = seen.database.server.clone();
    server.version_num = 130_004;
    let obtained = obtain(
        &Site {
            server: &server,
            ..site
        },
        &[recipe.clone()].into(),
    );
    let failure = failed(&obtained, &recipe);
    let major = seen.database.server.major();
    let words =
        format!("the server for references is PostgreSQL {major}, and the managed one is 13");
    assert!(failure.message.contains(&words), "{failure:?}");
    other.run(&format!(
        "REVOKE CREATE ON DATABASE {} FROM {DEPLOY}",
        other.name
    ));
    let failure = failed(&obtain(&site, &seen.recipes()), &seen.recipe("acme"));
    assert!(
        failure.message.contains("has no CREATE on database"),
        "{failure:?}"
    );
}
