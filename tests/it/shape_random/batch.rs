//! Many schemas, each changed in its own way, dumped and read at once.

use std::collections::BTreeMap;

use postgres::Client;
use tenantry::model::shape::Shape;

use crate::random::dice::Dice;
use crate::support::database::Database;
use crate::support::dump;
use crate::support::fleet::project;
use crate::support::server::OWNER;
use crate::support::shapes;

use super::dumped;
use super::grammar::{self, Inventory};

/// A schema that was changed, and what became of it.
pub struct Change {
    seed: u64,
    /// The lines of the grammar.
    pub rules: Vec<&'static str>,
    sql: Vec<String>,
    /// What the dump says differently; none if it can't be restored.
    dump: Option<Vec<String>>,
    /// What the shape says differently.
    shape: Vec<String>,
}

impl Change {
    /// Whether its dump can be restored.
    pub fn is_judged(&self) -> bool {
        self.dump.is_some()
    }

    pub fn dump_differs(&self) -> bool {
        self.dump.as_ref().is_some_and(|lines| !lines.is_empty())
    }

    fn has_any_of(&self, exceptions: &[(&str, &str)]) -> bool {
        let mut starts = exceptions.iter().map(|(start, _)| *start);
        starts.any(|start| self.rules.iter().any(|rule| rule.starts_with(start)))
    }

    /// How shape and dump disagree, if they do, and how to see it again.
    pub fn mismatch(&self) -> Option<String> {
        let dump = self.dump.as_ref()?;
        let is_changed = !dump.is_empty() || self.has_any_of(&UNDUMPED);
        if is_changed != self.shape.is_empty() || self.has_any_of(&UNSHAPED) {
            return None;
        }
        Some(format!(
            "TENANTRY_RANDOM_SEED={} TENANTRY_RANDOM_DDL=1 cargo test --test it shape_random::\n\
             -- done\n{}\n-- dump\n{}\n-- shape\n{}",
            self.seed,
            self.sql.join(";\n"),
            dump.join("\n"),
            self.shape.join("\n")
        ))
    }
}

/// What schemas are made from.
struct Template {
    /// Of the schema that stays as it is.
    base: String,
    path: &'static str,
    sql: String,
    inventory: Inventory,
}

/// Some changes, a schema each, in one database.
pub struct Batch<'a> {
    seeds: &'a [u64],
    live: Database,
    templates: Vec<Template>,
}

/// How a line of the grammar starts whose change only a shape sees, and why; all there are.
const UNDUMPED: [(&str, &str); 1] = [(
    "CREATE CAST",
    "a cast belongs to no schema, so a dump of a schema leaves it out; it is the schema's by the type it is of",
)];

/// The same of what only a dump says; changes that begin so aren't compared.
const UNSHAPED: [(&str, &str); 1] = [(
    "ALTER TABLE [[notnull.table]] RENAME CONSTRAINT",
    "NOT NULL is the column's; older servers have no name for it, and what was upgraded from them has another",
)];

/// So often another change is drawn when the server refuses one.
const DRAWS: usize = 200;

const EXTENSIONS: &str = "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC; \
    CREATE EXTENSION citext SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions; \
    CREATE EXTENSION btree_gin SCHEMA extensions";

impl<'a> Batch<'a> {
    pub fn new(seeds: &'a [u64]) -> Self {
        let live = Database::new();
        live.run(EXTENSIONS);
        let mut client = live.admin();
        let texts = [
            ("", include_str!("../support/expressions.sql").to_owned()),
            (", extensions", sample()),
        ];
        let template = |(number, (path, sql)): (usize, (&'static str, String))| {
            let base = format!("zq{number}basexk");
            build(&mut client, &base, path, &sql);
            Template {
                inventory: Inventory::read(&mut client, &base),
                base,
                path,
                sql,
            }
        };
        let templates = texts.into_iter().enumerate().map(template).collect();
        Self {
            seeds,
            live,
            templates,
        }
    }

    /// Changes a schema by each seed, and compares it with the one that wasn't changed.
    pub fn play(&self) -> Vec<Change> {
        let mut client = self.live.admin();
        let changes = self.seeds.iter();
        let mut changes: Vec<Change> = changes
            .map(|seed| self.change(&mut client, *seed))
            .collect();
        let dumps = self.dumps();
        let shapes = shapes::read(&self.live, &self.schemas());
        for change in &mut changes {
            let (base, own) = (&self.template(change.seed).base, schema(change.seed));
            change.shape = difference(&shapes[base], &shapes[&own]);
            let own = dumps.get(&own);
            change.dump = own.map(|own| dumped::difference(&dumps[base], own));
        }
        changes
    }

    fn template(&self, seed: u64) -> &Template {
        &self.templates[usize::try_from(seed % 2).expect("0 or 1")]
    }

    fn change(&self, client: &mut Client, seed: u64) -> Change {
        let mut dice = Dice::new(seed);
        let template = self.template(seed);
        let schema = schema(seed);
        build(client, &schema, template.path, &template.sql);
        let mut change = Change {
            seed,
            rules: Vec::new(),
            sql: Vec::new(),
            dump: None,
            shape: Vec::new(),
        };
        let steps = [1, 1, 1, 2, 3][dice.below(5)];
        for step in 0..steps {
            let now = (step > 0).then(|| Inventory::read(client, &schema));
            let inventory = now.as_ref().unwrap_or(&template.inventory);
            let (rule, sql) = draw(client, &schema, template.path, inventory, &mut dice);
            change.rules.push(rule);
            change.sql.push(sql);
        }
        change
    }

    fn schemas(&self) -> Vec<String> {
        let bases = self.templates.iter().map(|template| template.base.clone());
        bases
            .chain(self.seeds.iter().copied().map(schema))
            .collect()
    }

    /// By schema, what its dump says after it was restored. Those that can't be restored aren't there: a function may
    /// have lost what it needs while others still call it.
    fn dumps(&self) -> BTreeMap<String, Vec<String>> {
        let again = Database::new();
        again.run(EXTENSIONS);
        let bases = self.templates.iter().map(|template| template.base.clone());
        let schemas: Vec<String> = bases
            .chain(self.seeds.iter().copied().map(schema))
            .collect();
        let dump = dump::structure(&self.live, "zq*");
        dump::restore(&again, &dump);
        let first = dumped::by_schema(&dump, &schemas);
        let mut second = dumped::by_schema(&dump::structure(&again, "zq*"), &schemas);
        second.retain(|schema, entries| dumped::same_objects(&first[schema], entries));
        second
    }
}

/// A word that stands for nothing else.
fn schema(seed: u64) -> String {
    format!("zq{seed:09}xk")
}

/// The sample's template with its migrations.
fn sample() -> String {
    let mut files = Vec::new();
    for folder in ["templates/merchant", "tenant_migrations"] {
        let folder = std::fs::read_dir(project().join(folder)).expect("the sample is there");
        let mut found: Vec<_> = folder
            .map(|entry| entry.expect("readable").path())
            .collect();
        found.sort();
        files.extend(
            found
                .into_iter()
                .filter(|path| !path.to_string_lossy().ends_with(".down.sql")),
        );
    }
    let read = |path| std::fs::read_to_string(path).expect("a file of the sample");
    let text: Vec<String> = files.iter().map(read).collect();
    text.join("\n")
        .replace("{{literal:vars.currency}}", "'EUR'")
}

fn build(client: &mut Client, schema: &str, path: &str, sql: &str) {
    client
        .batch_execute(&format!("CREATE SCHEMA {schema} AUTHORIZATION {OWNER}"))
        .expect("a new schema");
    run(client, schema, path, sql).unwrap_or_else(|error| panic!("{schema}: {error:?}"));
}

fn draw(
    client: &mut Client,
    schema: &str,
    path: &str,
    inventory: &Inventory,
    dice: &mut Dice,
) -> (&'static str, String) {
    let rules = grammar::rules();
    for _ in 0..DRAWS {
        let rule = dice.pick(&rules).expect("there are rules");
        let Some(sql) = grammar::fill(rule, inventory, dice) else {
            continue;
        };
        if run(client, schema, path, &sql).is_ok() {
            return (rule, sql);
        }
    }
    panic!("nothing of the grammar can be done to {schema}");
}

/// Runs SQL in one transaction as the schema's owner, with the schema first on the path.
fn run(client: &mut Client, schema: &str, path: &str, sql: &str) -> Result<(), postgres::Error> {
    let sql = sql.replace("{{ident:schema}}", schema);
    let all = format!(
        "BEGIN; SET LOCAL ROLE {OWNER}; SET LOCAL search_path = {schema}, pg_catalog{path}; {sql}; COMMIT"
    );
    let ran = client.batch_execute(&all);
    if ran.is_err() {
        client
            .batch_execute("ROLLBACK")
            .expect("it can always be undone");
    }
    client.batch_execute("RESET ROLE").expect("it was ours");
    ran
}

/// What only one of the two shapes says.
fn difference(before: &Shape, after: &Shape) -> Vec<String> {
    let lines = |shape: &Shape| -> Vec<String> {
        let objects = shape.objects.iter().map(|(key, definition)| {
            let source = definition.source.as_ref().map(|source| &source.neutral);
            format!(
                "{} {}: {} {source:?}",
                key.kind.as_str(),
                key.name,
                definition.text
            )
        });
        let undescribed = shape.undescribed.iter().map(|what| format!("{what:?}"));
        objects.chain(undescribed).collect()
    };
    dumped::difference(&lines(before), &lines(after))
}
