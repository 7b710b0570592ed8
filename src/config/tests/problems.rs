//! What is wrong, asserted by text and place.

use super::{folder, load_in, problems, with_head};

#[test]
fn twelve_problems_are_told_at_once() {
    let text = "\
version: 1
fleet: payments
defaults: { template: shop, schema: 'acq_{tenant}' }
templates:
  shop: { path: template, migrations: migrations, basline: 0 }
clusters:
  default: { url: '${DATABASE_URL}', parallel: many }
rollout: { max_failures: 5%, max_failures: 3 }
tenants:
  acme: { tags: canary }
  Bad_Id: {}
  globex: { schema: acq_initech }
  initech: {}
  hooli: { template: shopp }
  umbrella: { vars: { currency: '${CURRENCY}' } }
  stark: { ownr: app }
  globex: {}
";
    let folder = folder(&[
        ("f.yaml", text),
        ("migrations/notes.sql", ""),
        ("migrations/V02__again.sql", ""),
    ]);
    let expected = [
        "f.yaml:5:51: unknown field `basline` | Did you mean `baseline`?",
        "f.yaml:7:48: `parallel`: expected a whole number, found text",
        "f.yaml:8:30: duplicate key `max_failures`; it first stands at 8:12 | Remove one of the two.",
        "f.yaml:10:17: `tags`: expected a list, found text | Put it in brackets: `[…]`.",
        "f.yaml:11:3: tenant id \"Bad_Id\" doesn't match [a-z0-9][a-z0-9_-]{0,62} | Choose another name.",
        "f.yaml:13:3: tenants `globex` and `initech` share the schema \"acq_initech\" on the cluster `default`; \
         the other is at f.yaml:12:21 | Give one of them another schema.",
        "f.yaml:14:22: unknown template `shopp` | Did you mean `shop`?",
        "f.yaml:15:33: `currency`: the environment variable CURRENCY isn't set | Set the variable, or write ${NAME:-default}.",
        "f.yaml:16:12: unknown field `ownr` | Did you mean `owner`?",
        "f.yaml:17:3: duplicate key `globex`; it first stands at 12:3 | Remove one of the two.",
        "migrations/V2__two.sql:1:1: version 2 is also that of migrations/V02__again.sql | \
         Give one of the two files a version of its own.",
        "migrations/notes.sql:1:1: not a migration: its name isn't of the form `V<version>__<name>` | \
         Name it `V<version>__<name>.sql`, or move it out of the folder.",
    ];
    assert_eq!(load_in(&folder, "f.yaml").unwrap_err(), expected);
}

#[test]
fn structure_is_told_with_its_place() {
    for (text, expected) in [
        (
            "",
            "f.yaml:1:1: the file is empty | A desired state begins with `version: 1`, `fleet:` and `tenants:`.",
        ),
        (
            "# nothing\n",
            "f.yaml:1:1: the file is empty | A desired state begins with `version: 1`, `fleet:` and `tenants:`.",
        ),
        (
            "- a\n",
            "f.yaml:1:1: the file: expected a map, found a list | Write it as `key: value`.",
        ),
        (
            "version: 1\ntenants: {}\n",
            "f.yaml:1:1: `fleet` is missing | Add `fleet: <name>`.",
        ),
        (
            "version: 1\nfleet: f\n",
            "f.yaml:1:1: `tenants` is missing | Add `tenants:`; an empty fleet says `tenants: {}`.",
        ),
        (
            "fleet: f\ntenants: {}\n",
            "f.yaml:1:1: the file has no `version` | Add `version:`.",
        ),
        (
            "version: 2\nfleet: f\ntenants: {}\n",
            "f.yaml:1:10: `version` is 2; it must be 1",
        ),
        (
            "version: 1\nfleet: f\ntenants:\n",
            "f.yaml:3:1: `tenants`: expected a map, found nothing | Write `{}` if it is meant to be empty.",
        ),
        (
            "version: 1\nfleet: 5\ntenants: {}\n",
            "f.yaml:2:8: `fleet`: expected text, found a number | Put it in quotes.",
        ),
        (
            "version: 1\nfleet: f\ntenants: { a: \n",
            "f.yaml:4:1: while parsing a node, did not find expected node content",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\n---\nversion: 1\n",
            "f.yaml:4:1: a second YAML document begins here | Put it into a file of its own.",
        ),
        (
            "version: 1\nfleet: !x f\ntenants: {}\n",
            "f.yaml:2:8: YAML tags (`!…`) mean nothing here | Remove the tag.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\ntenants_from: { query: select;x }\n",
            "f.yaml:4:24: the query is 2 statements | Write one SELECT that returns a column `id`.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nrollout: { drifted: blok }\n",
            "f.yaml:4:21: `drifted`: unknown word `blok`; it is one of `warn`, `block` | Did you mean `block`?",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nextensions: [5]\n",
            "f.yaml:4:14: an item of `extensions`: expected text or a map, found a number | Put it in quotes.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nextensions: [{ schema: x }]\n",
            "f.yaml:4:14: an item of `extensions` has no `name` | Add `name:`.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nextensions: [a, { name: a }]\n",
            "f.yaml:4:17: extension `a` is declared twice; the other is at f.yaml:4:14 | Keep one of them.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nsearch_path: [$user]\n",
            "f.yaml:4:15: `$user` in search_path would be another schema for every role | Name the schema itself.",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn tenants_are_told_with_their_place() {
    for (rest, expected) in [
        (
            "tenants: { a: }\n",
            "f.yaml:6:12: `a`: expected a map, found nothing | Write `{}` if it is meant to be empty.",
        ),
        (
            "tenants:\n  x: &x {}\n  *x : {}\n",
            "f.yaml:8:3: a key must be a plain word | Write the word itself, not an alias, a list or a map.",
        ),
        (
            "tenants:\n  x: &x {}\n  y:\n    <<: *x\n",
            "f.yaml:9:5: merge keys (`<<`) aren't supported | Put what is shared under `defaults`, or write it out.",
        ),
        (
            "tenants: { a: { restore_from: { backup: latest } } }\n",
            "f.yaml:6:17: `restore_from` isn't supported yet | Remove it.",
        ),
        (
            "tenants: { a: { state: gone } }\n",
            "f.yaml:6:24: `state`: unknown word `gone`; it is one of `present`, `suspended`, `absent`",
        ),
        (
            "tenants: { a: { schema: pg_a } }\n",
            "f.yaml:6:25: schema \"pg_a\" is PostgreSQL's own (pg_*) | Choose another schema.",
        ),
        (
            "tenants: { a: { schema: shared } }\nsearch_path: [shared]\n",
            "f.yaml:6:25: schema \"shared\" is declared as shared by all tenants | Choose another schema.",
        ),
        (
            "tenants: { a: { schema: extensions } }\nextensions: [citext]\n",
            "f.yaml:6:25: schema \"extensions\" is declared as shared by all tenants | Choose another schema.",
        ),
        (
            &format!("tenants: {{ a: {{ schema: {} }} }}\n", "é".repeat(32)),
            &format!(
                "f.yaml:6:25: schema name \"{}\" is 64 bytes long; PostgreSQL keeps 63 | Choose another name.",
                "é".repeat(32)
            ),
        ),
        (
            &format!("tenants: {{ {}: {{}} }}\n", "a".repeat(60)),
            &format!(
                "f.yaml:6:12: schema name \"acq_{}\" is 64 bytes long; PostgreSQL keeps 63 | Choose another name.",
                "a".repeat(60)
            ),
        ),
        (
            "tenants: { a: { cluster: eu } }\n",
            "f.yaml:6:26: unknown cluster `eu` | Use one of `default`.",
        ),
        (
            "tenants: { a: {} }\nclusters: { x: {}, y: {} }\n",
            "f.yaml:6:12: tenant `a` names no cluster | Add `cluster:` to it, or to `defaults`.",
        ),
        (
            "tenants: { a: { backup: nightly } }\n",
            "f.yaml:6:25: unknown backup policy `nightly` | Declare it under `backups.policies`.",
        ),
        (
            "tenants: { a: { timeouts: { lock: 5 } } }\n",
            "f.yaml:6:35: `lock`: expected text, found a number | Write it like `5s`.",
        ),
        (
            "tenants: { a: { timeouts: { lock: 0s } } }\n",
            "f.yaml:6:35: `0s` isn't longer than nothing | Write it like `5s` or `10min`.",
        ),
        (
            "tenants: { a: { owner: '${SECRET}' } }\nsecrets: [SECRET]\n",
            "f.yaml:6:24: `owner` would show the secret SECRET | Use a variable that isn't a secret.",
        ),
    ] {
        assert_eq!(problems(&with_head(rest)), [expected], "{rest}");
    }
}

#[test]
fn settings_are_told_with_their_place() {
    for (rest, expected) in [
        (
            "tenants: [acme]\n",
            "f.yaml:6:1: `tenants`: expected a map, found a list | Write it as `key: value`.",
        ),
        (
            "tenants: { a: { zzz: 1 } }\n",
            "f.yaml:6:17: unknown field `zzz` | Use one of `backup`, `cluster`, `owner`, `schema`, `state`, `tags`, `template`, `timeouts`, `vars`.",
        ),
        (
            "tenants: {}\ntimeouts: { statement: 30d }\n",
            "f.yaml:7:24: `30d` isn't from 1ms to 24d | Write it like `5s` or `10min`.",
        ),
        (
            "tenants: {}\nrollout: { max_failures: '5' }\n",
            "f.yaml:7:26: `5` is neither a number nor per cent up to 100% | Write a number without quotes, or per cent such as `5%`.",
        ),
        (
            "tenants: {}\nclusters: { x: { parallel: 0 } }\n",
            "f.yaml:7:28: `parallel` is 0; it must be from 1 to 1000",
        ),
        (
            "tenants: {}\nclusters: { x: { direct_url: '${A' } }\n",
            "f.yaml:7:30: `direct_url`: `${` without a closing `}`; write `${NAME}` or `${NAME:-default}`",
        ),
        (
            "tenants: {}\nclusters: { x: { password_command: token } }\n",
            "f.yaml:7:36: `password_command`: expected a list, found text | Put it in brackets: `[…]`.",
        ),
        (
            "tenants: {}\nclusters: { x: { password_command: [] } }\n",
            "f.yaml:7:18: `password_command` names no program | Write it as a list: [program, argument, …].",
        ),
        (
            "tenants: {}\nclusters: { x: { password_command: [token], direct_url: 'postgres://u:${P}@h/d' } }\n",
            "f.yaml:7:57: `direct_url` holds a password, and `password_command` prints another; that is at f.yaml:7:18 | Keep one of them.",
        ),
        (
            "tenants: {}\nclusters: { x: { url: '${A' } }\n",
            "f.yaml:7:23: `url`: `${` without a closing `}`; write `${NAME}` or `${NAME:-default}`",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { schedule: 0 2 * *, keep: { last: 1 } } } }\n",
            "f.yaml:7:39: `0 2 * *` is no schedule: Pattern must have 5 fields when seconds are disallowed | Write minute, hour, day, month and weekday, such as `0 2 * * *`.",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { schedule: 0 2 * * *, timezone: Mars, keep: { last: 1 } } } }\n",
            "f.yaml:7:60: unknown time zone `Mars` | Use a name of the IANA database, such as `Europe/Berlin`.",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { schedule: 0 2 * * *, keep: { min_good: 1 } } } }\n",
            "f.yaml:7:50: `keep` has no rule that keeps a backup | Add a rule, such as `within: 30d` or `last: 3`.",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { keep: { last: 1 } } } }\n",
            "f.yaml:7:24: `p` has no `schedule` | Add `schedule:`.",
        ),
    ] {
        assert_eq!(problems(&with_head(rest)), [expected], "{rest}");
    }
}

#[test]
fn a_broken_default_is_told_once_whatever_leans_on_it() {
    let tenants = "tenants: { a: {}, b: {}, c: { backup: nightly } }\n";
    for (head, expected) in [
        (
            "defaults: { template: 5 }",
            "f.yaml:3:23: `template`: expected text, found a number | Put it in quotes.",
        ),
        (
            "defaults: { template: shopp }",
            "f.yaml:3:23: unknown template `shopp` | Did you mean `shop`?",
        ),
        (
            "defaults: { template: shop, schema: acq }",
            "f.yaml:3:37: the naming convention \"acq\" must hold {tenant} once | Write it like `acq_{tenant}`.",
        ),
    ] {
        let text = format!(
            "version: 1\nfleet: f\n{head}\ntemplates: {{ shop: {{ path: template }} }}\n\
             backups: {{ policies: {{ nightly: {{ schedule: 0 2 * * *, keep: {{ last: 1 }} }} }} }}\n{tenants}"
        );
        assert_eq!(problems(&text), [expected], "{head}");
    }
}

#[test]
fn a_broken_schema_is_not_the_convention_s() {
    let text = with_head("tenants: { a: { schema: 5 }, b: { schema: acq_a } }\n");
    let expected = "f.yaml:6:25: `schema`: expected text, found a number | Put it in quotes.";
    assert_eq!(problems(&text), [expected]);
}

#[test]
fn a_broken_template_is_not_an_unknown_one() {
    let text = "version: 1\nfleet: f\ndefaults: { template: shop }\ntemplates: { shop: { pth: template } }\ntenants: { a: {} }\n";
    let expected = "f.yaml:4:22: unknown field `pth` | Did you mean `path`?";
    assert_eq!(problems(text), [expected]);
}

#[test]
fn an_unreadable_file_hides_nothing_in_the_others() {
    let folder = folder(&[
        ("d/1.yaml", "version: 1\nfleet: [\n"),
        (
            "d/2.yaml",
            "version: 1\ntenants: { a: { template: shop, state: gone } }\n",
        ),
    ]);
    let found = load_in(&folder, "d").unwrap_err();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("d/1.yaml:3:1: "), "{found:#?}");
    assert!(found[1].starts_with("d/2.yaml:2:40: `state`"), "{found:#?}");
}

#[test]
fn documents_that_unfold_without_end_are_refused_quickly() {
    let level = |n: usize| {
        let inner = (0..10).map(|_| format!("*a{}", n - 1)).collect::<Vec<_>>();
        format!("a{n}: &a{n} [{}]\n", inner.join(", "))
    };
    let laughs = format!(
        "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{}",
        (1..10).map(level).collect::<String>()
    );
    let deep = format!("version: 1\ntenants: {}", "[".repeat(1_000_000));
    let nested = format!("version: 1\ntenants: {}{}", "[".repeat(33), "]".repeat(33));
    let wide = format!("version: 1\nsecrets: [{}]", "a,".repeat(1_000_001));
    for (text, expected) in [
        (laughs, "the document unfolds to more than 1000000 values"),
        (deep, "recursion limit exceeded"),
        (nested, "nested deeper than 32 levels"),
        (wide, "the document unfolds to more than 1000000 values"),
        (
            "a: &a [*a]".to_owned(),
            "an alias inside the value it stands for",
        ),
    ] {
        let found = problems(&text);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{found:#?}"
        );
    }
}

#[test]
fn waivers_say_who_and_why() {
    let text = with_head(
        "\
tenants: { a: {} }
waivers:
  - { tenants: 'a*', object: 'index x_*', reason: ' ', owner: ops }
  - { tenants: '[', object: x, reason: r, owner: o, expires: 2026-02-30 }
  - { tenants: a, object: x, reason: r, owner: o, expires: 20261231 }
  - { tenants: a, object: x, reason: r, ownr: o }
  - { tenants: a, object: x, reason: r, owner: o, expires: 2026-12-31T00:00 }
",
    );
    assert_eq!(
        problems(&text),
        [
            "f.yaml:8:51: `reason` says nothing | Say why the difference may be, and who answers for it.",
            "f.yaml:9:16: `tenants`: \"[\" is no pattern: unclosed character class; missing ']' | \
             Write a name, with * and ? for what varies.",
            "f.yaml:9:62: `expires`: \"2026-02-30\" is no day | Write it like `2026-12-31`.",
            "f.yaml:10:60: `expires`: expected text, found a number | Write it like `2026-12-31`.",
            "f.yaml:11:41: unknown field `ownr` | Did you mean `owner`?",
            "f.yaml:12:60: `expires`: \"2026-12-31T00:00\" is no day | Write it like `2026-12-31`.",
        ]
    );
}
