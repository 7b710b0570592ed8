//! The README's desired state and transcript are what the program says.

use std::fs;

use crate::support::cli::{self, Run};
use crate::support::database::Database;
use crate::support::fleet::{project, sample};

/// The fenced block of the README that begins with this line, the `number`th of them from 0.
fn block(fence: &str, number: usize) -> String {
    let readme = fs::read_to_string(project().join("README.md")).expect("there is a README");
    let fence = format!("```{fence}\n");
    let after = readme.split(&fence).nth(number + 1);
    let after = after.expect("it has such a block");
    after.split("```").next().unwrap_or_default().to_owned()
}

#[test]
fn the_desired_state_is_valid() {
    let folder = sample();
    fs::write(folder.path().join("fleet.yaml"), block("yaml", 0))
        .expect("the folder can be written to");
    cli::run(cli::tenantry(
        folder.path(),
        ["-f", "fleet.yaml", "validate"],
    ))
    .expect(0);
}

#[test]
fn the_transcript_is_what_the_program_says() {
    let (folder, database) = (sample(), Database::new());
    let say = |line: &str| -> Run {
        let words = line.trim_start_matches("$ tenantry ").split(' ');
        let mut command = cli::tenantry(folder.path(), words);
        command.env("DATABASE_URL", database.url());
        cli::run(command)
    };
    let run = |line: &str| say(line).expect(0);
    run("apply --auto-approve");
    let tenants = folder.path().join("desired/tenants.yaml");
    let more = fs::read_to_string(&tenants).expect("the sample is there")
        + "\n  zephyr: { vars: { currency: USD } }\n";
    fs::write(tenants, more).expect("the folder can be written to");
    fs::write(
        folder
            .path()
            .join("tenant_migrations/V20250301000001__add_settlement_notes.sql"),
        "ALTER TABLE merchants ADD COLUMN settlement_note text;\n",
    )
    .expect("the folder can be written to");

    let transcript = block("console", 0);
    let mut commands = transcript.split_inclusive('\n').peekable();
    let mut compared = 0;
    while let Some(command) = commands.next() {
        let said = run(command.trim_end()).stdout;
        let mut shown = String::new();
        while let Some(line) = commands.next_if(|line| !line.starts_with("$ ")) {
            shown.push_str(line);
        }
        assert_eq!(lasting(&said), lasting(&shown), "after {command}");
        compared += 1;
    }
    assert_eq!(compared, 3, "plan, apply, plan");

    for tenant in ["globex", "lumen", "orchid"] {
        database.run(&format!("DROP INDEX acq_{tenant}.merchants_status_idx"));
    }
    database.run("ALTER TABLE acq_kitewell.merchants ALTER COLUMN settlement_note SET NOT NULL");
    let transcript = block("console", 1);
    let (command, shown) = transcript
        .split_once('\n')
        .expect("a command and its answer");
    assert_eq!(say(command).expect(2).stdout.trim_end(), shown.trim_end());
}

/// What is the same in every run: not the time a run took, nor its name.
fn lasting(text: &str) -> String {
    let lines = text.trim_end().lines();
    let cut = |line: &str| {
        let line = line.split(" in ").next().unwrap_or_default();
        line.strip_prefix("Run ").map_or(line, |_| "Run").to_owned() + "\n"
    };
    lines.map(cut).collect()
}
