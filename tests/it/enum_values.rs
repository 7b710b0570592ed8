//! Enum values that are added and used in one transaction: the plan says what the server at hand would say.

use postgres::error::SqlState;

use crate::support::fleet::{Fleet, blocked};

const TYPE: &str = "CREATE TYPE mood AS ENUM ('sad');\nCREATE TABLE note (mood mood);\n";
const ADDS: &str = "ALTER TYPE mood ADD VALUE 'glad';\n";
const USES: &str = "ALTER TABLE note ALTER COLUMN mood SET DEFAULT 'glad';\n";

/// What the server says to these in one transaction, after `before` in one of its own.
fn servers_verdict(fleet: &Fleet, before: &str, together: &str) -> Result<(), SqlState> {
    let mut client = fleet.database.admin();
    let schema = "CREATE SCHEMA judged; SET search_path = judged;";
    client
        .batch_execute(&format!("{schema}{before}"))
        .expect("nothing is wrong with it");
    let mut run = client.transaction().expect("a transaction");
    let result = run.batch_execute(together);
    drop(run);
    client
        .batch_execute("DROP SCHEMA judged CASCADE")
        .expect("it was made");
    result.map_err(|error| error.code().expect("the server refused it").clone())
}

/// Ends the test unless the plan blocks exactly when the server would refuse, and apply works when it would not.
#[track_caller]
fn expect_as_the_server_says(fleet: &Fleet, verdict: Result<(), SqlState>) {
    let plan = fleet.plan();
    if let Err(code) = verdict {
        assert_eq!(code, SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE);
        assert_eq!(blocked(&plan), ["acme unsupported"]);
        let message = plan["blocked"][0]["message"].as_str().expect("text");
        for file in ["V2__adds.sql", "V3__uses.sql"] {
            assert!(message.contains(file), "{message}");
        }
        fleet.apply(4);
    } else {
        fleet.apply(0);
        fleet.expect_no_changes();
    }
}

#[test]
fn a_value_of_an_older_type_cannot_be_used_at_once() {
    let mut fleet = Fleet::new(TYPE);
    fleet.add(&["acme"]);
    fleet.apply(0);
    fleet.migration("V2__adds.sql", ADDS);
    fleet.migration("V3__uses.sql", USES);
    let verdict = servers_verdict(&fleet, TYPE, &format!("{ADDS}{USES}"));
    assert!(verdict.is_err());
    expect_as_the_server_says(&fleet, verdict);
}

/// PostgreSQL 17 began to allow it.
#[test]
fn a_value_of_a_type_made_in_the_same_transaction_can_be_where_the_server_allows() {
    let mut fleet = Fleet::new(TYPE);
    fleet.add(&["acme"]);
    fleet.migration("V2__adds.sql", ADDS);
    fleet.migration("V3__uses.sql", USES);
    let verdict = servers_verdict(&fleet, "", &format!("{TYPE}{ADDS}{USES}"));
    let version = "SELECT current_setting('server_version_num')::int8 / 10000";
    assert_eq!(verdict.is_ok(), fleet.database.count(version) >= 17);
    expect_as_the_server_says(&fleet, verdict);
}

#[test]
fn a_value_can_be_used_in_the_apply_after() {
    let mut fleet = Fleet::new(TYPE);
    fleet.add(&["acme"]);
    fleet.apply(0);
    fleet.migration("V2__adds.sql", ADDS);
    fleet.apply(0);
    fleet.migration("V3__uses.sql", USES);
    fleet.apply(0);
    fleet.expect_no_changes();
}
