use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::model::name::{ClusterName, FleetName, TenantId};
use crate::model::template::ContentHash;
use crate::plan::BlockedCode;
use crate::plan::tests::fleet::{migration, template};
use crate::render::plan::tests::{blocked as blocking, empty, full, many};
use crate::report::{FORMAT_VERSION, Outcome, ReportSummary};

/// The template whose migration the plan's hazards are in.
fn templates() -> BTreeMap<TemplateName, Template> {
    let mut file = migration(3, "drop_notes");
    file.up.path = "desired/../m/V3__drop_notes.sql".into();
    let name = TemplateName::new("merchant").unwrap();
    BTreeMap::from([(name, template("", 0, [file]))])
}

#[test]
fn a_plan_says_what_to_look_at() {
    let expected = "\
::error title=late%2C 2 tenants::kilo, nova: for example: V2 isn't recorded by tenant kilo%0Ahint: Renumber it.
::error title=unreachable%2C 2 tenants::lima, mike: cluster b can't be reached%0Ahint: Start it.
::warning file=m/V3__drop_notes.sql,line=4,title=DELETES_DATA::DROP COLUMN, for 62 tenants
::notice file=m/V3__drop_notes.sql,line=9,title=DELETES_DATA::DELETE, for 62 tenants, allowed by the file
::warning title=DROPS_TENANT%2C 1 tenant::oldco: tenant oldco is `absent` in the file and still lives; it is left as it is%0Ahint: Drop it by hand.
::notice title=template_outdated::template merchant has changed since 62 tenants were made from it
::notice title=tenantry plan::This plan is incomplete: not every database answered.%0APlan: 2 to create, 62 to migrate, 0 to restore, 0 to drop, 4 blocked, 2 unmanaged, 1180 unchanged.
";
    assert_eq!(plan(&full(), &templates()), expected);
}

#[test]
fn what_github_would_not_show_is_one_annotation() {
    let mut odd = empty();
    odd.blocked = many("odd", 500)
        .iter()
        .enumerate()
        .map(|(n, tenant)| {
            let message = format!("reason {}", n * 7919);
            blocking(tenant.as_str(), BlockedCode::Diverged, &message, "Look.")
        })
        .collect();
    let text = plan(&odd, &templates());
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("::error "))
        .collect();
    assert_eq!(errors.len(), 10);
    assert!(
        errors[9].starts_with("::error title=491 tenants more::odd-009, "),
        "{}",
        errors[9]
    );
    assert!(errors[9].ends_with(", … and 481 more"), "{}", errors[9]);
}

#[test]
fn problems_stand_at_their_place() {
    let problem = |file: &str, line, column, hint: Option<&str>| Problem {
        file: file.into(),
        line,
        column,
        row: None,
        message: "50% wrong\nindeed".to_owned(),
        hint: hint.map(str::to_owned),
    };
    let found = [
        problem("desired/../templates/./m/010.sql", 2, 3, Some("Right it.")),
        problem("a,b:c.yaml", 0, 0, None),
    ];
    assert_eq!(
        problems(&found),
        "::error file=a%2Cb%3Ac.yaml,line=1,title=tenantry::50%25 wrong%0Aindeed\n\
         ::error file=templates/m/010.sql,line=2,col=3,title=tenantry::50%25 wrong%0Aindeed%0Ahint: Right it.\n"
    );
}

#[test]
fn an_error_is_an_annotation_without_a_place() {
    let refused = Error::refused("No: really.").hint("Try later.");
    assert_eq!(
        error(&refused),
        "::error title=tenantry::No: really.%0Ahint: Try later.\n"
    );
}

#[test]
fn paths_lose_their_detours_and_nothing_else() {
    let cases = [
        ("desired/../m/x.sql", "m/x.sql"),
        ("./a/./b", "a/b"),
        ("../a/b", "../a/b"),
        ("a/../../b", "../b"),
        ("/w/a/../b", "/w/b"),
    ];
    for (path, expected) in cases {
        assert_eq!(normal(Path::new(path)), Path::new(expected));
    }
}

fn failed(tenant: &str, message: &str) -> Outcome {
    Outcome {
        tenant: TenantId::new(tenant).unwrap(),
        cluster: ClusterName::new("main").unwrap(),
        status: Status::Failed,
        steps: Vec::new(),
        took_ms: 1,
        retries: 0,
        notices: Vec::new(),
        error: Some(Failure {
            message: message.to_owned(),
            file: Some("desired/../m/V3__x.sql".to_owned()),
            line: Some(4),
            column: Some(8),
            ..Failure::default()
        }),
    }
}

fn reported(outcomes: Vec<Outcome>) -> Report {
    Report {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: "0.1.0".to_owned(),
        run: Uuid::nil(),
        fleet: FleetName::new("payments").unwrap(),
        plan: ContentHash(String::new()),
        exit: 3,
        cancelled: None,
        error: None,
        resumable: false,
        databases: Vec::new(),
        notices: Vec::new(),
        summary: ReportSummary {
            failed: outcomes.len(),
            ..ReportSummary::default()
        },
        outcomes,
    }
}

#[test]
fn a_report_leads_to_the_line_that_failed() {
    let words = "relation \"x\" doesn't exist";
    let text = report(
        &reported(vec![failed("acme", words), failed("globex", words)]),
        Duration::from_millis(1500),
    );
    assert_eq!(
        text,
        "::error file=m/V3__x.sql,line=4,col=8,title=failed%2C 2 tenants::acme, globex: relation \"x\" doesn't exist\n\
         ::notice title=tenantry apply::Applied: 0 tenants, 2 failed, 0 stale, 0 not tried, 0 blocked in 1.5s.%0A\
         Run 00000000-0000-0000-0000-000000000000.\n"
    );
}

/// A runner's reading of a line: the command's name, its properties and its message.
fn read(line: &str) -> Option<(String, BTreeMap<String, String>, String)> {
    let (head, message) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ')?;
    let pairs = properties.split(',').map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.replace("%3A", ":").replace("%2C", ",");
        Some((key.to_owned(), value.replace("%25", "%")))
    });
    let message = message
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%");
    Some((name.to_owned(), pairs.collect::<Option<_>>()?, message))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_strangers_is_a_command(
        file in "([a-z/.,:%=]|::|\n|\r\n|error)*",
        said in prop::collection::vec("(::(error|add-mask|stop-commands)( title=x)?::|[%:, =a-z]|\n|\r|\u{1b})*", 4),
    ) {
        let problem = Problem {
            file: file.clone().into(),
            line: 1,
            column: 1,
            row: None,
            message: said[0].clone(),
            hint: Some(said[1].clone()),
        };
        let mut one = empty();
        one.blocked = vec![blocking("acme", BlockedCode::Late, &said[2], &said[3])];
        for (text, lines) in [(problems(&[problem]), 1), (plan(&one, &templates()), 2)] {
            prop_assert_eq!(text.split(['\n', '\r']).filter(|line| !line.is_empty()).count(), lines);
            for line in text.lines() {
                let (name, properties, _) = read(line).unwrap();
                prop_assert!(["error", "notice"].contains(&name.as_str()), "{}", line);
                let known = ["file", "line", "col", "title"];
                prop_assert!(properties.keys().all(|key| known.contains(&key.as_str())), "{}", line);
            }
        }
    }
}
