//! What went wrong before there was a plan or a report, for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::style::{Label, harmless, harmless_lines, paint};
use crate::config::Problem;
use crate::error::Error;
use crate::model::count;

/// An error and its hint.
#[must_use]
pub fn error(error: &Error) -> String {
    let mut text = format!(
        "{} {}\n",
        paint(Label::Danger, "error:"),
        harmless_lines(&error.message)
    );
    push_hint(&mut text, error.hint.as_deref());
    text
}

/// What to do next, on a line of its own.
#[must_use]
pub fn hint(hint: &str) -> String {
    let mut text = String::new();
    push_hint(&mut text, Some(hint));
    text
}

/// Every problem, by place, and how many there are.
#[must_use]
pub fn problems(problems: &[Problem]) -> String {
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    sorted.sort();
    let mut text = String::new();
    for problem in &sorted {
        let place = paint(Label::Heading, &place(problem));
        let _ = writeln!(text, "{place}: {}", harmless_lines(&problem.message));
        push_hint(&mut text, problem.hint.as_deref());
    }
    let files: BTreeSet<_> = sorted.iter().map(|problem| &problem.file).collect();
    let _ = writeln!(
        text,
        "{} in {}.",
        paint(Label::Danger, &count(sorted.len(), "problem")),
        count(files.len(), "file")
    );
    text
}

/// `file:line:column`, as far as they are known.
fn place(problem: &Problem) -> String {
    let file = harmless(&problem.file.display().to_string());
    match (problem.line, problem.column) {
        (0, _) => file,
        (line, 0) => format!("{file}:{line}"),
        (line, column) => format!("{file}:{line}:{column}"),
    }
}

fn push_hint(text: &mut String, hint: Option<&str>) {
    if let Some(hint) = hint {
        let _ = writeln!(
            text,
            "  {} {}",
            paint(Label::Hint, "hint:"),
            harmless_lines(hint)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn problems_are_sorted_and_counted() {
        let problem = |file: &str, line, column, hint: Option<&str>| Problem {
            file: file.into(),
            line,
            column,
            row: None,
            message: format!("wrong\u{1b}[2J {line}"),
            hint: hint.map(str::to_owned),
        };
        let found = [
            problem("b.yaml", 2, 3, Some("Right it.")),
            problem("a.yaml", 10, 0, None),
            problem("a.yaml", 0, 0, None),
        ];
        assert_eq!(
            plain(&problems(&found)),
            "a.yaml: wrong\\u{1b}[2J 0\n\
             a.yaml:10: wrong\\u{1b}[2J 10\n\
             b.yaml:2:3: wrong\\u{1b}[2J 2\n  \
             hint: Right it.\n\
             3 problems in 2 files.\n"
        );
    }

    #[test]
    fn errors_end_with_their_hint() {
        let refused = Error::refused("No.").hint("Try later.");
        assert_eq!(plain(&error(&refused)), "error: No.\n  hint: Try later.\n");
    }
}
