//! PostgreSQL's lexical rules (manual 4.1, `scan.l`), as far as they decide where a token begins and ends.
//!
//! `standard_conforming_strings` is on. The tokens tile the text: joined they are the text again.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Blank,
    LineComment,
    BlockComment,
    /// A keyword or an unquoted identifier.
    Word,
    /// `"…"` and `U&"…"`.
    QuotedIdent,
    /// `'…'`, also as `E`, `B`, `X`, `N` or `U&`, with its continuations on later lines.
    String,
    /// `$tag$…$tag$`.
    DollarString,
    Number,
    /// `$1`.
    Parameter,
    /// A run of operator characters.
    Operator,
    /// One of `( ) [ ] , ; : . ..`
    Symbol,
    /// A `\` outside of any quote: a psql command, which goes on to the end of its line.
    Backslash,
    /// `{{…}}` on one line; SQL has no braces outside of quotes.
    Placeholder,
    /// What PostgreSQL would refuse.
    Other,
}

/// One token of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    /// In bytes.
    pub start: usize,
    pub text: &'a str,
    /// False when the text ends before the token does.
    pub closed: bool,
}

impl Token<'_> {
    /// The byte behind the token.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this keyword, given in upper case.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of these keywords, given in upper case.
    pub fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Whether it is this symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// Whether it is a string constant of either form.
    pub fn is_string(&self) -> bool {
        matches!(self.kind, Kind::String | Kind::DollarString)
    }

    /// Whether it means nothing to the server.
    pub fn is_blank(&self) -> bool {
        self.kind == Kind::Blank || self.is_comment()
    }

    /// Whether it is a comment of either form.
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::LineComment | Kind::BlockComment)
    }
}

/// Cuts a text into its tokens; any text has some.
pub fn lex(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let Cut { kind, len, closed } = first(&text[start..]);
        tokens.push(Token {
            kind,
            start,
            text: &text[start..start + len],
            closed,
        });
        start += len;
    }
    tokens
}

/// The tokens that mean something to the server.
pub fn code(text: &str) -> Vec<Token<'_>> {
    let mut tokens = lex(text);
    tokens.retain(|token| !token.is_blank());
    tokens
}

/// Whether the tokens begin with these keywords, given in upper case with single spaces.
pub fn begins(tokens: &[Token<'_>], phrase: &str) -> bool {
    let mut tokens = tokens.iter();
    phrase
        .split(' ')
        .all(|word| tokens.next().is_some_and(|token| token.is(word)))
}

struct Cut {
    kind: Kind,
    len: usize,
    closed: bool,
}

impl Cut {
    fn whole(kind: Kind, len: usize) -> Self {
        Self {
            kind,
            len,
            closed: true,
        }
    }

    /// `end` is `None` when the text ends first.
    fn until(kind: Kind, end: Option<usize>, rest: &str) -> Self {
        Self {
            kind,
            len: end.unwrap_or(rest.len()),
            closed: end.is_some(),
        }
    }
}

/// The first token of a text that isn't empty. All cuts fall beside ASCII characters, so on character boundaries.
fn first(rest: &str) -> Cut {
    let bytes = rest.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    match (bytes[0], at(1), at(2)) {
        (b, ..) if is_blank(b) => Cut::whole(Kind::Blank, run(bytes, 0, is_blank)),
        (b'-', b'-', _) => Cut::whole(Kind::LineComment, line_end(bytes, 0)),
        (b'/', b'*', _) => Cut::until(Kind::BlockComment, comment_end(bytes), rest),
        (b'\'', ..) => string(rest, 1, false),
        (b'e' | b'E', b'\'', _) => string(rest, 2, true),
        (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', b'\'', _) => string(rest, 2, false),
        (b'u' | b'U', b'&', b'\'') => string(rest, 3, false),
        (b'"', ..) => Cut::until(Kind::QuotedIdent, quote_end(bytes, 1, b'"', false), rest),
        (b'u' | b'U', b'&', b'"') => {
            Cut::until(Kind::QuotedIdent, quote_end(bytes, 3, b'"', false), rest)
        }
        (b'$', ..) => dollar(rest),
        (b'.', b'.', _) => Cut::whole(Kind::Symbol, 2),
        (b'{', b'{', _) => placeholder(rest),
        (b, ..) if begins_word(b) => Cut::whole(Kind::Word, run(bytes, 1, continues_word)),
        (b'0'..=b'9', ..) | (b'.', b'0'..=b'9', _) => Cut::whole(Kind::Number, number_end(bytes)),
        (b'(' | b')' | b'[' | b']' | b',' | b';' | b':' | b'.', ..) => Cut::whole(Kind::Symbol, 1),
        (b'\\', ..) => Cut::whole(Kind::Backslash, line_end(bytes, 0)),
        (b, ..) if is_operator(b) => Cut::whole(Kind::Operator, operator_end(bytes)),
        _ => Cut::whole(Kind::Other, 1),
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Every character beyond ASCII is a letter to PostgreSQL.
fn begins_word(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || !b.is_ascii()
}

fn continues_word(b: u8) -> bool {
    begins_word(b) || b.is_ascii_digit() || b == b'$'
}

fn is_operator(b: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&b)
}

/// The end of the run of bytes from `start` that `belongs` accepts.
fn run(bytes: &[u8], start: usize, belongs: fn(u8) -> bool) -> usize {
    let rest = &bytes[start..];
    start + rest.iter().position(|b| !belongs(*b)).unwrap_or(rest.len())
}

/// A carriage return ends a line comment too.
fn line_end(bytes: &[u8], start: usize) -> usize {
    run(bytes, start, |b| b != b'\n' && b != b'\r')
}

fn comment_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 1;
    let mut at = 2;
    while depth > 0 {
        match bytes.get(at..at + 2)? {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    Some(at)
}

/// The end of a quoted text whose inside begins at `at`; a doubled quote is inside.
fn quote_end(bytes: &[u8], mut at: usize, quote: u8, backslashes: bool) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            b'\\' if backslashes => at += 2,
            b if b == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn string(rest: &str, inside: usize, backslashes: bool) -> Cut {
    let bytes = rest.as_bytes();
    let mut end = quote_end(bytes, inside, b'\'', backslashes);
    while let Some(next) = end.and_then(|end| continuation(bytes, end)) {
        end = quote_end(bytes, next, b'\'', backslashes);
    }
    Cut::until(Kind::String, end, rest)
}

/// Where a string constant that was closed just before `at` goes on: behind the next quote, when only blanks and
/// line comments with at least one line end lie between.
pub(super) fn continuation(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut new_line = false;
    loop {
        match *bytes.get(at)? {
            b'\'' if new_line => return Some(at + 1),
            b if is_blank(b) => {
                new_line |= b == b'\n' || b == b'\r';
                at += 1;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => at = line_end(bytes, at),
            _ => return None,
        }
    }
}

fn dollar(rest: &str) -> Cut {
    let bytes = rest.as_bytes();
    let tag = run(bytes, 1, |b| begins_word(b) || b.is_ascii_digit());
    if bytes.get(1).is_some_and(u8::is_ascii_digit) {
        return Cut::whole(Kind::Parameter, run(bytes, 1, |b| b.is_ascii_digit()));
    }
    if bytes.get(tag) != Some(&b'$') {
        return Cut::whole(Kind::Other, 1);
    }
    let (delimiter, body) = rest.split_at(tag + 1);
    let end = body.find(delimiter).map(|end| end + 2 * delimiter.len());
    Cut::until(Kind::DollarString, end, rest)
}

fn placeholder(rest: &str) -> Cut {
    let line = rest.lines().next().unwrap_or(rest);
    match line.find("}}") {
        Some(end) => Cut::whole(Kind::Placeholder, end + 2),
        None => Cut {
            kind: Kind::Placeholder,
            len: 2,
            closed: false,
        },
    }
}

fn number_end(bytes: &[u8]) -> usize {
    let digits = |start| run(bytes, start, |b| b.is_ascii_digit() || b == b'_');
    if let [
        b'0',
        b'x' | b'X' | b'o' | b'O' | b'b' | b'B',
        b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'_',
        ..,
    ] = bytes
    {
        return run(bytes, 2, |b| b.is_ascii_hexdigit() || b == b'_');
    }
    let mut end = digits(0);
    // `1..10` is a range of PL/pgSQL, not a number with a point.
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
        end = digits(end + 1);
    }
    let exponent = match bytes.get(end..) {
        Some([b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..]) => 2,
        Some([b'e' | b'E', b'0'..=b'9', ..]) => 1,
        _ => return end,
    };
    digits(end + exponent)
}

/// An operator ends where a comment begins. PostgreSQL would also cut `=-` in two; nothing here tells them apart.
fn operator_end(bytes: &[u8]) -> usize {
    let end = run(bytes, 0, is_operator);
    let comment = bytes[..end]
        .windows(2)
        .position(|pair| pair == b"--" || pair == b"/*");
    comment.unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Kind::*;
    use super::*;
    use crate::model::name::{quote_ident, quote_literal};

    /// The tokens but for blanks.
    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        lex(text)
            .into_iter()
            .filter(|token| token.kind != Blank)
            .map(|token| (token.kind, token.text))
            .collect()
    }

    fn whole(text: &str, kind: Kind) {
        assert_eq!(kinds(text), [(kind, text)]);
    }

    #[test]
    fn one_token_each() {
        whole("größe_1$x", Word);
        whole("été", Word);
        whole("\"a \"\" ; 'b\"", QuotedIdent);
        whole("U&\"d\\0061t\"", QuotedIdent);
        whole("u&'d\\0061t''a'", String);
        whole("'it''s; $$ -- \\'", String);
        whole(r"E'a\'; \\'", String);
        whole(r"e'\'''x'", String);
        whole("B'0101'", String);
        whole("x'1F'", String);
        whole("N'ü'", String);
        whole("$$a $b$ 'c;$$", DollarString);
        whole("$fn_1$ $$ $fn$ $fn_1$", DollarString);
        whole("$é$x$é$", DollarString);
        whole("/* a /* b */ ; */", BlockComment);
        whole("/*/ */", BlockComment);
        whole("-- it's; /*", LineComment);
        whole("$12", Parameter);
        for number in ["1", "1.5", ".5", "1e10", "1.5E-3", "1_000", "0x1F", "0b01"] {
            whole(number, Number);
        }
        whole("||", Operator);
        whole("->>", Operator);
        whole("\\", Backslash);
        whole("\\copy t from 'x", Backslash);
        whole("{{ident:x}}", Placeholder);
        whole("{", Other);
    }

    #[test]
    fn strings_go_on_over_lines() {
        whole("'a'\n  'b'", String);
        whole("'a' -- it's\n-- x\n'b'", String);
        // The continuation is read like its first part.
        whole("E'a'\n'b\\'c'", String);
        assert_eq!(kinds("'a' 'b'"), [(String, "'a'"), (String, "'b'")]);
        assert_eq!(kinds("'a'\n/**/'b'").len(), 3);
    }

    #[test]
    fn neighbours() {
        assert_eq!(
            kinds("a$b$c 1..2"),
            [
                (Word, "a$b$c"),
                (Number, "1"),
                (Symbol, ".."),
                (Number, "2")
            ]
        );
        assert_eq!(kinds("1--x"), [(Number, "1"), (LineComment, "--x")]);
        assert_eq!(kinds("a=--x\rb")[3], (Word, "b"));
        assert_eq!(kinds("*/**/"), [(Operator, "*"), (BlockComment, "/**/")]);
        assert_eq!(kinds("nameE'x'"), [(Word, "nameE"), (String, "'x'")]);
        assert_eq!(
            kinds("x::\"y\""),
            [
                (Word, "x"),
                (Symbol, ":"),
                (Symbol, ":"),
                (QuotedIdent, "\"y\"")
            ]
        );
        assert_eq!(
            kinds("a\\i x\nb"),
            [(Word, "a"), (Backslash, "\\i x"), (Word, "b")]
        );
        assert_eq!(kinds("$$x$$$")[1], (Other, "$"));
    }

    #[test]
    fn what_has_no_end_is_open() {
        for text in [
            "'a''",
            r"E'a\'",
            "\"a",
            "$a$ $$",
            "/* /* */",
            "'a'\n'b",
            "E'\\",
            "{{ident:x",
        ] {
            let tokens = lex(text);
            assert!(!tokens[0].closed, "{text}");
        }
        assert!(lex("-- no line end")[0].closed);
    }

    proptest! {
        #[test]
        fn tokens_tile_any_text(text in any::<std::string::String>()) {
            tiles(&text);
        }

        #[test]
        fn tokens_tile_hostile_text(text in "[eEuUbB&'\"$a1\\\\*/;{}().\n\r -é]{0,40}") {
            tiles(&text);
        }

        #[test]
        fn quoting_makes_one_token(text in "[^\0]*") {
            let literal = quote_literal(&text);
            prop_assert_eq!(kinds(&literal), [(String, literal.trim_start())]);
            let ident = quote_ident(&text);
            prop_assert_eq!(kinds(&ident), [(QuotedIdent, ident.as_str())]);
        }
    }

    fn tiles(text: &str) {
        let tokens = lex(text);
        assert!(tokens.iter().all(|token| !token.text.is_empty()));
        let joined: std::string::String = tokens.iter().map(|token| token.text).collect();
        assert_eq!(joined, text);
        let mut at = 0;
        for token in tokens {
            assert_eq!(token.start, at);
            at = token.end();
        }
    }
}
