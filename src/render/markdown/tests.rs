use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::paper::LIMIT;
use super::*;
use crate::model::name::SchemaName;
use crate::plan::action::HazardNote;
use crate::plan::{BlockedCode, Notice, Unmanaged, UnmanagedReason};
use crate::render::plan::tests::{
    blocked as blocking, creation, empty, full, id, many, migrating, note,
};

const FULL: &str = r"### tenantry plan of `payments`

**Plan: 2 to create, 62 to migrate, 0 to restore, 0 to drop, 4 blocked, 2 unmanaged, 1180 unchanged.**

> This plan is incomplete: not every database answered.

#### Database-wide steps

- `main`: `create control schema tenantry, version 1`
- `main`: `update extension citext from 1.5 to 1.6`

#### Tenants

**2 tenants to create**: `acme`, `blue-peak`

- create schema from template `merchant`
- 2 migrations up to V2, inside the template
- `V3__add_audit_columns`

**62 tenants to migrate, from V2**

<details><summary>62 tenants</summary>

NAMES

</details>

- `V3__drop_notes`
- **Hazard** `DELETES_DATA` at `V3__drop_notes.sql:4`: `DROP COLUMN`
- **Hazard** `DELETES_DATA` at `V3__drop_notes.sql:9`: `DELETE`, allowed by the file

#### Blocked

**late**: `kilo`, `nova`

- for example: `V2 isn't recorded by tenant kilo`
- hint: `Renumber it.`

**unreachable**: `lima`, `mike`

- `cluster b can't be reached`
- hint: `Start it.`

#### Withheld

**DROPS_TENANT**: `oldco`

- ``tenant oldco is `absent` in the file and still lives; it is left as it is``
- hint: `Drop it by hand.`

#### Unmanaged

**1 schema** on cluster `main`, recorded, and no longer in the file: `gone (acq_gone)`

**1 schema** on cluster `main`, named like a tenant's, and recorded nowhere: `acq_\u{1b}[2Jodd`

#### Notices

`template_outdated`: `template merchant has changed since 62 tenants were made from it`

<details><summary>62 tenants</summary>

NAMES

</details>

Plan (empty), by tenantry `0.1.0`
";

#[test]
fn every_section_in_order() {
    let names: Vec<String> = many("merchant", 62)
        .iter()
        .map(|id| format!("`{id}`"))
        .collect();
    let rows: Vec<String> = names.chunks(20).map(|row| row.join(", ")).collect();
    let expected = FULL.replace("NAMES", &rows.join("\n"));
    assert_eq!(plan(&full()), expected);
}

#[test]
fn nothing_to_do_is_short() {
    let text = plan(&empty());
    assert!(
        text.contains("**No changes. 1250 tenants match the desired state.**"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 5, "{text}");
}

#[test]
fn what_is_left_out_is_said() {
    let mut large = empty();
    large.cohorts = many("tenant", 5000)
        .into_iter()
        .map(|tenant| migrating(vec![tenant]))
        .collect();
    large.blocked = vec![blocking(
        "odd",
        BlockedCode::Late,
        "V2 isn't recorded",
        "Renumber it.",
    )];
    let text = plan(&large);
    assert!(text.chars().count() <= LIMIT && text.chars().count() > LIMIT - 1000);
    let (before, _) = text.split_once("#### Tenants").unwrap();
    assert!(
        before.contains("`tenantry plan -v` shows everything"),
        "{before}"
    );
    let shown = text.matches("\n**1 tenant to migrate, from V2**").count();
    let note = format!(" {} more cohorts are left out\n", 5000 - shown);
    assert!(text.contains(&note), "{note}");
    assert!(
        text.contains("**late**: `odd`"),
        "the short sections are whole"
    );
}

#[test]
fn one_large_cohort_is_cut_inside_its_list() {
    let mut large = empty();
    large.cohorts = vec![migrating(many(&"long-name-".repeat(5), 5000))];
    let text = plan(&large);
    assert!(text.contains("\n</details>\n\n… the rest of this cohort is left out\n"));
    assert!(text.chars().count() <= LIMIT);
}

/// Stands in every text of strangers.
const STRANGE: &str = "☠";

/// What might break out of a span, a cell, a list or the page.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("`"),
        Just("``"),
        Just("```"),
        Just("|"),
        Just("\\"),
        Just("\n"),
        Just("\r\n"),
        Just("\n\n"),
        Just("</details>"),
        Just("<details>"),
        Just("<script>"),
        Just("<!--"),
        Just("-->"),
        Just("&lt;"),
        Just("@octocat"),
        Just("#1"),
        Just("[a](javascript:b)"),
        Just("![a](http://b)"),
        Just("http://c.d"),
        Just("**"),
        Just("_"),
        Just("~~~"),
        Just("$$"),
        Just(" "),
        Just("    "),
        Just("\t"),
        Just("- "),
        Just("> "),
        Just("::error::"),
        Just("\u{1b}[2J"),
        Just("\u{202e}"),
        Just("\u{0}"),
        Just("é🦀"),
        Just(STRANGE),
    ];
    let parts = prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat());
    prop_oneof![
        9 => parts.prop_map(|text| format!("{STRANGE}{text}")),
        1 => Just(format!("{STRANGE}`|\n").repeat(600)),
    ]
}

fn plans() -> impl Strategy<Value = Plan> {
    let size = || prop_oneof![4 => 0..6usize, 2 => 6..60usize, 1 => 1000..5000usize];
    let texts = prop::collection::vec(hostile(), 8);
    (size(), size(), size(), size(), any::<bool>(), texts).prop_map(
        |(cohorts, in_first, others, strangers, is_creation, texts)| {
            let mut plan = empty();
            let text = |n: usize| texts[n % texts.len()].clone();
            plan.tool_version = text(0);
            plan.cohorts = many("a", cohorts)
                .into_iter()
                .map(|tenant| {
                    let mut cohort = if is_creation {
                        creation()
                    } else {
                        migrating(Vec::new())
                    };
                    cohort.tenants = vec![tenant];
                    cohort.hazards = vec![HazardNote {
                        file: text(1),
                        what: text(2),
                        ..note(1, "", true)
                    }];
                    cohort
                })
                .chain((in_first > 0).then(|| migrating(many("b", in_first))))
                .collect();
            plan.blocked = (0..others)
                .map(|n| {
                    blocking(
                        &format!("c{n}"),
                        BlockedCode::Late,
                        &(text(n) + &n.to_string()),
                        &text(n + 1),
                    )
                })
                .collect();
            plan.unmanaged = (0..strangers)
                .map(|n| Unmanaged {
                    cluster: crate::model::name::ClusterName::new("main").unwrap(),
                    schema: SchemaName::new(format!("{STRANGE}{n}`<details>@x|")).unwrap(),
                    tenant: (n % 2 == 0).then(|| id("gone")),
                    reason: UnmanagedReason::Pattern,
                })
                .collect();
            plan.notices = (0..strangers)
                .map(|n| Notice {
                    code: text(n),
                    cluster: None,
                    tenants: many("d", n % 15),
                    message: text(n + 3),
                })
                .collect();
            plan
        },
    )
}

/// What a page shows that isn't code, with HTML told apart.
fn shown(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut words, mut html) = (Vec::new(), Vec::new());
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Text(text) => words.push(text.to_string()),
            Event::Html(text) | Event::InlineHtml(text) => html.push(text.to_string()),
            Event::Start(
                tag @ (Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_) | Tag::Table(_)),
            ) => panic!("{tag:?} in\n{text}"),
            Event::End(TagEnd::FootnoteDefinition) | Event::FootnoteReference(_) | Event::Rule => {
                panic!("{event:?} in\n{text}")
            }
            _ => {}
        }
    }
    (words, html)
}

/// Opened and closed in turn, with nothing but a number and a noun in its summary.
fn folds_are_ours(html: &[String]) -> bool {
    let mut is_open = false;
    let is_ours = |line: &String| {
        let line = line.trim_end();
        let opens = line.starts_with("<details><summary>") && line.ends_with("s</summary>");
        let fits = if is_open { line == "</details>" } else { opens };
        is_open = opens;
        fits
    };
    html.iter().all(is_ours) && !is_open
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_fits_and_strangers_say_nothing(one in plans()) {
        let text = plan(&one);
        prop_assert!(text.chars().count() <= LIMIT);
        prop_assert!(text.starts_with("### tenantry plan of `payments`\n\n**"));
        prop_assert!(text.contains(&summary(&one)));
        let (words, html) = shown(&text);
        prop_assert!(folds_are_ours(&html), "{html:?}");
        prop_assert!(words.iter().all(|word| !word.contains(STRANGE)), "{words:?}");
        prop_assert_eq!(text, plan(&one));
    }
}
