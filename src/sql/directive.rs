//! What the first comment lines of a file ask for: `-- tenantry: only tag:enterprise`.

use std::time::Duration;

use super::lexer::{Kind, Token};
use super::problem::Fault;
use crate::model::duration::parse_duration;
use crate::model::near::did_you_mean;
use crate::model::template::Directives;

const KNOWN: [&str; 3] = ["only", "allow", "timeout"];
const LATER: [&str; 2] = ["no-transaction", "commit-after"];

/// PostgreSQL keeps a timeout as an int4 of milliseconds.
const LONGEST: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

/// The directives of a file, and those that are wrong or would be overlooked.
pub(super) fn read(tokens: &[Token<'_>]) -> (Directives, Vec<Fault>) {
    let mut directives = Directives::default();
    let mut faults = Vec::new();
    let mut in_head = true;
    for token in tokens {
        in_head &= token.is_blank();
        let Some(order) = order(token) else {
            faults.extend(without_colon(token));
            continue;
        };
        let result = if token.kind == Kind::BlockComment {
            Err(wrong(
                "a directive stands in a block comment",
                format!("Write it as a line: -- tenantry: {order}"),
            ))
        } else if in_head {
            obey(order, &mut directives)
        } else {
            Err(wrong(
                "a directive stands after the first statement",
                "Move it to the first lines of the file.",
            ))
        };
        faults.extend(
            result
                .map_err(|(message, hint)| Fault::new(token.start, message, hint))
                .err(),
        );
    }
    (directives, faults)
}

/// A message and a hint.
type Wrong = (String, String);

fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Wrong {
    (message.into(), hint.into())
}

/// What a comment asks of tenantry, if it does.
fn order<'a>(comment: &Token<'a>) -> Option<&'a str> {
    let (name, order) = words(comment)?.split_once(':')?;
    let ours = name.trim().eq_ignore_ascii_case("tenantry");
    ours.then(|| order.trim())
}

/// A line that reads like a directive and would be overlooked, so that a file for some would run for all.
fn without_colon(comment: &Token<'_>) -> Option<Fault> {
    let (name, order) = words(comment)?.trim().split_once(char::is_whitespace)?;
    let order = order.trim();
    let sound = obey(order, &mut Directives::default()).is_ok() || LATER.contains(&order);
    (name.eq_ignore_ascii_case("tenantry") && sound).then(|| {
        let hint = format!("Write: -- tenantry: {order}");
        Fault::new(comment.start, "a directive lacks its colon", hint)
    })
}

/// What stands in a comment.
fn words<'a>(comment: &Token<'a>) -> Option<&'a str> {
    match comment.kind {
        Kind::LineComment => Some(comment.text.trim_start_matches('-')),
        Kind::BlockComment => Some(
            comment
                .text
                .trim_start_matches(['/', '*'])
                .trim_end_matches(['*', '/']),
        ),
        _ => None,
    }
}

fn obey(order: &str, directives: &mut Directives) -> Result<(), Wrong> {
    let (word, rest) = order.split_once(char::is_whitespace).unwrap_or((order, ""));
    match word {
        "only" => only(rest, directives),
        "allow" => allow(rest, directives),
        "timeout" => timeout(rest, directives),
        _ if LATER.contains(&word) => Err(wrong(
            format!("the directive {word} isn't supported yet"),
            "Apply this file by other means, or write it so that it runs in a transaction.",
        )),
        _ => Err(wrong(format!("there is no directive {word:?}"), near(word))),
    }
}

fn near(word: &str) -> String {
    did_you_mean(word, &KNOWN).unwrap_or_else(|| format!("Use one of {}.", KNOWN.join(", ")))
}

fn only(rest: &str, directives: &mut Directives) -> Result<(), Wrong> {
    let hint = "Write: -- tenantry: only tag:enterprise";
    let mut words = rest
        .split([',', ' ', '\t'])
        .filter(|word| !word.is_empty())
        .peekable();
    if words.peek().is_none() {
        return Err(wrong("the directive only names no tag", hint));
    }
    for word in words {
        match word.strip_prefix("tag:") {
            Some(tag) if !tag.is_empty() => directives.only_tags.insert(tag.to_owned()),
            _ => return Err(wrong(format!("{word:?} isn't tag:NAME"), hint)),
        };
    }
    Ok(())
}

fn allow(rest: &str, directives: &mut Directives) -> Result<(), Wrong> {
    if rest.trim() != "DELETES_DATA" {
        return Err(wrong(
            format!("a file can't allow {:?}", rest.trim()),
            "Write: -- tenantry: allow DELETES_DATA",
        ));
    }
    directives.allows_deletes_data = true;
    Ok(())
}

fn timeout(rest: &str, directives: &mut Directives) -> Result<(), Wrong> {
    let settings = settings(rest);
    if settings.is_empty() {
        return Err(usage("the directive timeout names none".to_owned()));
    }
    for (name, value) in settings {
        let place = match name {
            "statement" => &mut directives.statement_timeout,
            "lock" => &mut directives.lock_timeout,
            _ => return Err(usage(format!("there is no timeout {name:?}"))),
        };
        if place.is_some() {
            return Err(usage(format!("the {name} timeout is given twice")));
        }
        let time = parse_duration(&value).map_err(|why| usage(format!("{name}: {why}")))?;
        if time < Duration::from_millis(1) || time > LONGEST {
            return Err(usage(format!(
                "{name}: {value} isn't between 1ms and 24 days, which PostgreSQL can wait"
            )));
        }
        *place = Some(time);
    }
    Ok(())
}

fn usage(message: String) -> Wrong {
    wrong(message, "Write: -- tenantry: timeout statement=4h lock=10s")
}

/// The `name=value` pairs; a value goes on until the next pair, as in `statement=1h 30min`.
fn settings(rest: &str) -> Vec<(&str, String)> {
    let mut settings: Vec<(&str, String)> = Vec::new();
    for word in rest.split_whitespace() {
        match (word.split_once('='), settings.last_mut()) {
            (Some((name, value)), _) => settings.push((name, value.to_owned())),
            (None, Some((_, value))) => {
                value.push(' ');
                value.push_str(word);
            }
            (None, None) => settings.push((word, String::new())),
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::lexer::lex;

    fn good(text: &str) -> Directives {
        let (directives, faults) = read(&lex(text));
        assert_eq!(faults, [], "{text}");
        directives
    }

    fn bad(text: &str, says: &str) {
        let (_, faults) = read(&lex(text));
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert!(faults[0].message.contains(says), "{text}: {faults:?}");
    }

    #[test]
    fn directives_are_read() {
        let directives = good(
            "-- About this file.\n\n-- tenantry: only tag:a, tag:b\n--tenantry:only tag:c tag:d\n/* x */\n\
             -- Tenantry: allow DELETES_DATA\n-- tenantry: timeout statement=1h 30min lock=500ms\nSELECT 1;",
        );
        let tags: Vec<&str> = directives.only_tags.iter().map(String::as_str).collect();
        assert_eq!(tags, ["a", "b", "c", "d"]);
        assert!(directives.allows_deletes_data);
        assert_eq!(directives.statement_timeout, Some(Duration::from_mins(90)));
        assert_eq!(directives.lock_timeout, Some(Duration::from_millis(500)));
    }

    #[test]
    fn prose_is_no_directive() {
        for text in [
            "-- tenantry runs this: once",
            "-- see tenantry: the manual",
            "-- tenantry only runs this once",
            "SELECT '-- tenantry: x';",
            "",
        ] {
            assert_eq!(good(text), Directives::default());
        }
    }

    #[test]
    fn wrong_directives_are_faults() {
        for (order, says) in [
            ("", "no directive"),
            ("onyl tag:a", "no directive \"onyl\""),
            ("no-transaction", "isn't supported yet"),
            ("commit-after", "isn't supported yet"),
            ("only", "names no tag"),
            ("only enterprise", "isn't tag:NAME"),
            ("only tag:", "isn't tag:NAME"),
            ("allow", "can't allow"),
            ("allow DROPS_TENANT", "can't allow"),
            ("allow DELETES_DATA now", "can't allow"),
            ("timeout", "names none"),
            ("timeout 4h", "no timeout \"4h\""),
            ("timeout idle=4h", "no timeout \"idle\""),
            ("timeout statement=4", "isn't a duration"),
            ("timeout statement=0s", "isn't between"),
            ("timeout statement=1us", "isn't between"),
            ("timeout lock=25d", "isn't between"),
            ("timeout lock=1s lock=2s", "given twice"),
        ] {
            bad(&format!("-- tenantry: {order}\nSELECT 1"), says);
        }
        let (_, faults) = read(&lex("-- tenantry: onyl tag:a"));
        assert_eq!(faults[0].hint, "Did you mean `only`?");
    }

    #[test]
    fn overlooked_directives_are_faults() {
        bad(
            "SELECT 1; -- tenantry: allow DELETES_DATA",
            "after the first statement",
        );
        bad("/* tenantry: allow DELETES_DATA */", "block comment");
        bad(
            "-- tenantry only tag:enterprise\nSELECT 1",
            "lacks its colon",
        );
        bad("-- tenantry no-transaction\nSELECT 1", "lacks its colon");
    }
}
