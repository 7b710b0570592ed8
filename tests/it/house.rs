//! The project's own rules, held by reading its files, and every SQL file of it run on a server.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::database::Database;
use crate::support::fleet::project;
use crate::support::server::DEPLOY;

/// All files below a folder of the project, sorted.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![project().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder} has no .{extension}");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// As it is written from the project's folder.
fn name(path: &Path) -> String {
    path.strip_prefix(project())
        .expect("in the project")
        .display()
        .to_string()
}

/// A module's own lines: without comments, and without what follows `mod tests {`.
fn code(path: &Path) -> Vec<String> {
    let text = read(path);
    let product = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .expect("there is a first");
    product
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.split(" // ").next().unwrap_or_default().to_owned())
        .collect()
}

/// Rust files of the program that aren't tests.
fn sources() -> Vec<PathBuf> {
    let is_test = |path: &Path| {
        path.file_name().is_some_and(|name| name == "tests.rs")
            || path.components().any(|part| part.as_os_str() == "tests")
    };
    files("src", "rs")
        .into_iter()
        .filter(|path| !is_test(path))
        .collect()
}

/// `file: line` of every line of code that a rule is broken by.
fn lines_where(paths: &[PathBuf], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    paths
        .iter()
        .flat_map(|path| code(path).into_iter().map(move |line| (path, line)))
        .filter(|(_, line)| is_wrong(line))
        .map(|(path, line)| format!("{}: {}", name(path), line.trim()))
        .collect()
}

/// Files in which a rule is broken, each once.
fn files_where(paths: &[PathBuf], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut files: Vec<String> = lines_where(paths, is_wrong)
        .into_iter()
        .map(|line| line.split(": ").next().unwrap_or_default().to_owned())
        .collect();
    files.dedup();
    files
}

#[test]
fn unsafe_code_stands_in_one_place() {
    let manifest = read(&project().join("Cargo.toml"));
    assert!(manifest.contains("\nunsafe_code = \"deny\"\n"));
    let all: Vec<PathBuf> = ["src", "tests", "examples"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect();
    let all: Vec<PathBuf> = all
        .into_iter()
        .filter(|path| !path.ends_with("tests/it/house.rs"))
        .collect();
    let is_unsafe = |line: &str| {
        line.contains("unsafe ") || line.contains("unsafe_code") || line.contains("unsafe{")
    };
    assert_eq!(files_where(&all, is_unsafe), ["src/server/postmaster.rs"]);
}

#[test]
fn serde_yaml_is_named_in_one_module() {
    assert_eq!(
        files_where(&files("src", "rs"), |line| line.contains("serde_yaml")),
        ["src/config/document.rs"]
    );
}

#[test]
fn the_core_is_pure() {
    let pure: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|path| {
            let name = name(path);
            ["src/report.rs", "src/runs.rs", "src/status.rs"].contains(&name.as_str())
                || ["model", "sql", "plan", "drift", "render"]
                    .iter()
                    .any(|folder| name.starts_with(&format!("src/{folder}/")))
        })
        .collect();
    assert!(pure.len() > 30, "{} files", pure.len());
    let world = [
        "postgres::",
        "std::fs",
        "fs::",
        "std::env",
        "env::var",
        "std::process",
        "std::net",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "new_v4",
        "println!",
        "eprintln!",
        "print!",
        "dbg!",
        "log::",
    ];
    let found = lines_where(&pure, |line| world.iter().any(|word| line.contains(word)));
    assert_eq!(found, [""; 0]);
}

/// Whoever else starts a server takes an installed one.
#[test]
fn only_the_demo_and_the_tests_fetch_a_server() {
    let all: Vec<PathBuf> = ["src", "tests", "examples"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .collect();
    let all: Vec<PathBuf> = all
        .into_iter()
        .filter(|path| !path.ends_with("tests/it/house.rs"))
        .collect();
    assert_eq!(
        files_where(&all, |line| line.contains("start_or_fetch(")),
        [
            "src/cli/demo/stage.rs",
            "src/server/mod.rs",
            "src/server/tests.rs",
            "tests/it/support/server.rs"
        ],
        "tests use `server::for_tests` in src/, `support::server::start` in tests/"
    );
    assert_eq!(
        files_where(&all, |line| line.contains("Server::start(")),
        ["examples/bench/database.rs"]
    );
}

/// lib.rs says that imports point upward in its table; these are the ones that would point down.
#[test]
fn imports_point_upward() {
    let order = [
        "model", "sql", "config", "plan", "drift", "report", "runs", "status", "pg", "control",
        "observe", "apply", "doctor", "render", "cli",
    ];
    // Rows of the table that know their neighbours below by design would stand here.
    let mut wrong = Vec::new();
    for (rank, module) in order.iter().enumerate() {
        let below = &order[rank + 1..];
        let of_module: Vec<PathBuf> = sources()
            .into_iter()
            .filter(|path| {
                let name = name(path);
                name.starts_with(&format!("src/{module}/")) || name == format!("src/{module}.rs")
            })
            .collect();
        wrong.extend(lines_where(&of_module, |line| {
            below.iter().any(|lower| {
                line.contains(&format!("crate::{lower}::"))
                    || line.contains(&format!("crate::{lower};"))
            })
        }));
    }
    assert_eq!(wrong, [""; 0]);
}

/// Histories are written by refinery's runner alone: our own INSERTs go into the control schema's tables.
#[test]
fn no_sql_of_ours_writes_a_history() {
    let ours = [
        "content",
        "run",
        "step",
        "tenant",
        "ledger",
        "fleet",
        "reference",
        "backup",
    ];
    let writes = [
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        "MERGE INTO ",
        "COPY ",
        "TRUNCATE ",
    ];
    let places = [
        "src/control",
        "src/apply",
        "src/pg",
        "src/reference",
        "src/observe",
        "src/cli",
        "src/render",
    ];
    let paths: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|path| places.iter().any(|place| name(path).starts_with(place)))
        .chain(files("src/pg/queries", "sql"))
        // Works on the tables of the scratch schema that a reference is built in, and is rolled back.
        .filter(|path| !name(path).starts_with("src/pg/queries/after_dump/"))
        .collect();
    let targets = |line: &str| -> Vec<String> {
        let found = writes
            .iter()
            .flat_map(|write| line.match_indices(write).map(|(at, _)| at + write.len()));
        found.map(|at| line[at..].to_owned()).collect()
    };
    let is_ours = |target: &str| {
        let table = target.strip_prefix("tenantry.").unwrap_or(target);
        ours.iter()
            .any(|known| table.split(|c: char| !c.is_alphanumeric()).next() == Some(known))
    };
    let found = lines_where(&paths, |line| {
        let of_no_table = line.contains("DO UPDATE SET") || line.contains("ALTER EXTENSION");
        !of_no_table && targets(line).iter().any(|target| !is_ours(target))
    });
    assert_eq!(found, [""; 0]);
    let made = lines_where(&paths, |line| line.contains("CREATE TABLE"));
    assert_eq!(made, [""; 0], "nor is a history table made but by refinery");
}

#[test]
fn dangerous_words_are_not_in_our_sql() {
    // What judges other people's SQL must name it.
    let paths = sources()
        .into_iter()
        .filter(|path| !name(path).starts_with("src/sql/"));
    let paths: Vec<PathBuf> = paths.chain(files("src/pg/queries", "sql")).collect();
    for word in [
        "CREATE SCHEMA IF NOT EXISTS",
        "DROP SCHEMA",
        "information_schema.",
        "pg_advisory_lock(",
        "pg_advisory_xact_lock(",
        "Command::new(\"psql\")",
    ] {
        assert_eq!(
            files_where(&paths, |line| line.contains(word)),
            [""; 0],
            "{word}"
        );
    }
}

#[test]
fn quoting_is_done_in_one_place() {
    let paths = sources();
    let found = files_where(&paths, |line| {
        line.contains(".replace('\"', \"\\\"\\\"\")") || line.contains(".replace('\\'', \"''\")")
    });
    assert_eq!(found, ["src/model/name.rs"]);
}

#[test]
fn printing_is_done_in_one_place() {
    let paths = sources();
    let word = |line: &str| line.contains("io::stdout()") || line.contains("io::stderr()");
    let found = files_where(&paths, word);
    assert!(
        found
            .iter()
            .all(|file| file == "src/cli/streams.rs" || file == "src/cli/progress.rs"),
        "{found:?}"
    );
}

/// The values that sample files ask for.
fn rendered(sql: &str, schema: &str) -> String {
    let known = [
        ("{{ident:schema}}", format!("\"{schema}\"")),
        ("{{ident:tenant}}", "\"sample\"".to_owned()),
        ("{{literal:tenant}}", "'sample'".to_owned()),
        ("{{literal:schema}}", format!("'{schema}'")),
        ("{{literal:vars.currency}}", "'EUR'".to_owned()),
    ];
    known
        .iter()
        .fold(sql.to_owned(), |sql, (from, to)| sql.replace(from, to))
}

/// Every SQL file that people may copy, in the order it runs: templates, migrations up, migrations down.
fn fleets_of_files() -> Vec<[Vec<PathBuf>; 3]> {
    let split = |path: &Path| path.to_string_lossy().ends_with(".down.sql");
    [
        ("templates/merchant", "tenant_migrations"),
        ("examples/minimal/template", "examples/minimal/migrations"),
        (
            "examples/two-clusters/template",
            "examples/two-clusters/migrations",
        ),
    ]
    .map(|(template, migrations)| {
        let (mut down, up): (Vec<PathBuf>, Vec<PathBuf>) = files(migrations, "sql")
            .into_iter()
            .partition(|path| split(path));
        down.reverse();
        [files(template, "sql"), up, down]
    })
    .into()
}

#[test]
fn every_sql_file_is_part_of_a_fleet() {
    let mut known: Vec<PathBuf> = fleets_of_files().into_iter().flatten().flatten().collect();
    known.sort();
    let mut all: Vec<PathBuf> = ["templates", "tenant_migrations", "examples"]
        .iter()
        .flat_map(|folder| files(folder, "sql"))
        // What the benchmark compares with.
        .filter(|path| !name(path).starts_with("examples/bench/"))
        .collect();
    all.sort();
    assert_eq!(known, all);
}

#[test]
fn every_sql_file_runs_up_and_down_and_up() {
    let database = Database::new();
    database.run("CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC");
    for extension in ["citext", "pg_trgm", "btree_gin"] {
        database.run(&format!("CREATE EXTENSION {extension} SCHEMA extensions"));
    }
    for [template, up, down] in fleets_of_files() {
        let mut client = database.admin();
        let mut run = client.transaction().expect("a transaction");
        run.batch_execute(&format!(
            "SET LOCAL ROLE {DEPLOY}; CREATE SCHEMA sample; SET LOCAL search_path = sample, extensions, pg_temp"
        ))
        .expect("a fresh schema");
        run_all(&mut run, &template);
        let before = shape(&mut run);
        assert!(before.len() > 3, "the template makes something");
        run_all(&mut run, &up);
        assert_ne!(shape(&mut run), before, "the migrations change something");
        // Examples without down files have nothing to undo.
        if !down.is_empty() {
            run_all(&mut run, &down);
            assert_eq!(shape(&mut run), before, "the down files undo it");
            run_all(&mut run, &up);
        }
        run.rollback().expect("nothing is kept");
    }
    assert_eq!(database.schemas(), ["extensions"]);
}

fn run_all(run: &mut postgres::Transaction<'_>, paths: &[PathBuf]) {
    for path in paths {
        run.batch_execute(&rendered(&read(path), "sample"))
            .unwrap_or_else(|error| panic!("{}: {error:?}", name(path)));
    }
}

/// Relations and columns, indexes too.
fn shape(run: &mut postgres::Transaction<'_>) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', relname, relkind, attname, atttypid::pg_catalog.regtype, attnotnull) \
               FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_attribute a \
                 ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped \
               WHERE relnamespace = 'sample'::pg_catalog.regnamespace ORDER BY 1";
    let rows = run.query(sql, &[]).expect("the catalog can be read");
    rows.iter().map(|row| row.get(0)).collect()
}
