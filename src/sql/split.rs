//! Cuts a text into statements.

use std::ops::Range;

use super::lexer::{Kind, Token, begins, code};

/// One statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Bytes of the text, without the semicolon and the comments around it.
    pub range: Range<usize>,
}

/// The statements of a text, in order; comments and blanks alone are none.
#[must_use]
pub fn statements(text: &str) -> Vec<Statement> {
    let range = |tokens: &[Token<'_>]| tokens[0].start..tokens[tokens.len() - 1].end();
    split(&code(text))
        .into_iter()
        .map(|tokens| Statement {
            range: range(tokens),
        })
        .collect()
}

/// The statements of tokens without blanks; none of them is empty. A psql command ends one too, so that those after
/// it are seen.
pub(super) fn split<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut statements = Vec::new();
    let mut first = 0;
    let mut nesting = Nesting::default();
    for at in 0..tokens.len() {
        if tokens[at].is_symbol(";") && nesting.is_flat() {
            statements.push(&tokens[first..at]);
            first = at + 1;
            nesting = Nesting::default();
        } else if tokens[at].kind == Kind::Backslash {
            statements.push(&tokens[first..=at]);
            first = at + 1;
            nesting = Nesting::default();
        } else {
            nesting.step(&tokens[first..], at - first);
        }
    }
    statements.push(&tokens[first..]);
    statements.retain(|statement| !statement.is_empty());
    statements
}

/// What keeps a semicolon from ending the statement.
#[derive(Default)]
struct Nesting {
    parentheses: usize,
    /// Of `BEGIN ATOMIC … END` and the `CASE … END` in it.
    blocks: usize,
}

impl Nesting {
    fn is_flat(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn step(&mut self, statement: &[Token<'_>], at: usize) {
        let token = &statement[at];
        if token.is_symbol("(") {
            self.parentheses += 1;
        } else if token.is_symbol(")") {
            self.parentheses = self.parentheses.saturating_sub(1);
        } else if self.blocks == 0 {
            let body = begins(&statement[at..], "BEGIN ATOMIC") && makes_routine(statement);
            self.blocks = usize::from(body);
        } else if !is_label(statement, at) {
            if token.is("CASE") {
                self.blocks += 1;
            } else if token.is("END") {
                self.blocks -= 1;
            }
        }
    }
}

pub(super) fn makes_routine(statement: &[Token<'_>]) -> bool {
    [
        "CREATE FUNCTION",
        "CREATE PROCEDURE",
        "CREATE OR REPLACE FUNCTION",
        "CREATE OR REPLACE PROCEDURE",
    ]
    .iter()
    .any(|phrase| begins(statement, phrase))
}

/// Whether a reserved word stands where any word may: `t.end`, `AS end`.
fn is_label(statement: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| statement.get(before));
    before.is_some_and(|before| before.is_symbol(".") || before.is("AS"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        statements(text)
            .into_iter()
            .map(|statement| &text[statement.range])
            .collect()
    }

    #[test]
    fn semicolons_end_statements() {
        assert_eq!(
            cut("-- a\nSELECT 1; ;;\nSELECT ';' /* ; */ -- ;\n;x"),
            ["SELECT 1", "SELECT ';'", "x"]
        );
        assert!(cut("").is_empty());
        assert!(cut(" -- x\n/* ; */ ;").is_empty());
    }

    #[test]
    fn quoted_bodies_stay_whole() {
        let function = "CREATE FUNCTION f() RETURNS int AS $f$ BEGIN; RETURN 1; END $f$";
        assert_eq!(
            cut(&format!("{function}; SELECT 1")),
            [function, "SELECT 1"]
        );
    }

    #[test]
    fn parentheses_stay_whole() {
        let rule = "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)";
        assert_eq!(cut(&format!("{rule};x")), [rule, "x"]);
        assert_eq!(cut("SELECT 1); SELECT 2"), ["SELECT 1)", "SELECT 2"]);
    }

    #[test]
    fn atomic_bodies_stay_whole() {
        for head in [
            "CREATE FUNCTION f(a int)",
            "create or replace procedure \"x\".p()",
        ] {
            let body = format!(
                "{head} begin Atomic SELECT CASE WHEN a > 0 THEN 1 ELSE CASE a WHEN 1 THEN 2 END END; \
                 SELECT t.end AS case FROM t; SELECT a AS end; END"
            );
            assert_eq!(
                cut(&format!("{body}; SELECT 1")),
                [body.as_str(), "SELECT 1"]
            );
        }
        // Outside of a routine it's no body, and a column of another name isn't one either.
        assert_eq!(cut("BEGIN ATOMIC; END").len(), 2);
        assert_eq!(cut("SELECT CASE WHEN a THEN 1 END; SELECT 2").len(), 2);
        assert_eq!(
            cut("CREATE FUNCTION f(begin int) AS 'x'; SELECT 2").len(),
            2
        );
    }

    proptest! {
        #[test]
        fn statements_lie_in_order(text in "[a;'()$\" \n-]{0,40}") {
            let mut end = 0;
            for Statement { range } in statements(&text) {
                prop_assert!(end <= range.start && range.start < range.end);
                end = range.end;
            }
            prop_assert!(end <= text.len());
        }
    }
}
