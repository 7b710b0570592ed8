//! What a quoted token stands for.

use super::lexer::{Kind, Token, continuation};

impl Token<'_> {
    /// The text behind the quotes; a word as PostgreSQL folds it. `UESCAPE` isn't looked at.
    pub fn value(&self) -> String {
        match self.kind {
            Kind::Word => self.text.to_ascii_lowercase(),
            Kind::QuotedIdent => unquote(self.text, b'"'),
            Kind::String => unquote(self.text, b'\''),
            Kind::DollarString => self.body().1.to_owned(),
            _ => self.text.to_owned(),
        }
    }

    /// The inside of a dollar-quoted string, with the byte of the text it begins at.
    pub fn body(&self) -> (usize, &str) {
        let delimiter = self.text[1..].find('$').map_or(0, |end| end + 2);
        let end = self.text.len() - if self.closed { delimiter } else { 0 };
        (self.start + delimiter, &self.text[delimiter..end])
    }
}

/// How backslashes read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// `E'…'`
    C,
    /// `U&…`
    Unicode,
}

fn unquote(text: &str, quote: u8) -> String {
    let bytes = text.as_bytes();
    let escapes = match bytes[0] {
        b'e' | b'E' => Escapes::C,
        b'u' | b'U' => Escapes::Unicode,
        _ => Escapes::None,
    };
    let mut at = bytes.iter().position(|b| *b == quote).unwrap_or(0) + 1;
    let mut value = Vec::new();
    while let Some(&b) = bytes.get(at) {
        if b == quote && bytes.get(at + 1) != Some(&quote) {
            match continuation(bytes, at + 1) {
                Some(next) => at = next,
                None => break,
            }
        } else if b == b'\\' && escapes != Escapes::None {
            at += 1 + escape(&bytes[at + 1..], escapes, &mut value);
        } else {
            value.push(b);
            at += if b == quote { 2 } else { 1 };
        }
    }
    String::from_utf8_lossy(&value).into_owned()
}

/// Writes the character behind a backslash; the number of bytes it took.
fn escape(rest: &[u8], escapes: Escapes, value: &mut Vec<u8>) -> usize {
    let Some(&first) = rest.first() else {
        return 0;
    };
    let (prefix, most, radix) = match (escapes, first) {
        (Escapes::Unicode, b'+') => (1, 6, 16),
        (Escapes::Unicode, _) => (0, 4, 16),
        (_, b'u') => (1, 4, 16),
        (_, b'U') => (1, 8, 16),
        (_, b'x') => (1, 2, 16),
        _ => (0, 3, 8),
    };
    let digits: String = rest[prefix..]
        .iter()
        .map(|b| char::from(*b))
        .take_while(|c| c.is_digit(radix))
        .take(most)
        .collect();
    match u32::from_str_radix(&digits, radix) {
        // A byte of the encoding, not a character.
        Ok(code) if first == b'x' || radix == 8 => value.push(code.to_le_bytes()[0]),
        Ok(code) => {
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            value.extend(character.to_string().bytes());
        }
        Err(_) => {
            value.push(letter(first));
            return 1;
        }
    }
    prefix + digits.len()
}

fn letter(after_backslash: u8) -> u8 {
    match after_backslash {
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::model::name::{quote_ident, quote_literal};
    use crate::sql::lexer::code;

    fn value(text: &str) -> String {
        let tokens = code(text);
        assert_eq!(tokens.len(), 1, "{text}");
        tokens[0].value()
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("Größe_A", "größe_a"),
            ("\"Größe \"\" A\"", "Größe \" A"),
            ("'it''s'", "it's"),
            (r"'a\n'", r"a\n"),
            (r"E'a\n\t\\\'\x41\101\u00e9\q'", "a\n\t\\'AAéq"),
            (r"E'\xc3\xa9'", "é"),
            (r"U&'d\0061t\+000061 \\'", "data \\"),
            (r#"U&"d\0061t""#, "dat"),
            ("'a'\n-- 'no'\n'b'", "ab"),
            ("$$it's$$", "it's"),
            ("$x$ $$ $x$", " $$ "),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn a_body_knows_where_it_begins() {
        let tokens = code("DO $x$abc$x$");
        assert_eq!(tokens[1].body(), (6, "abc"));
        assert_eq!(code("$x$abc")[0].body(), (3, "abc"));
    }

    proptest! {
        #[test]
        fn quoting_round_trips(text in "[^\0]*") {
            prop_assert_eq!(value(&quote_literal(&text)), text.clone());
            prop_assert_eq!(value(&quote_ident(&text)), text);
        }

        #[test]
        fn any_token_has_a_value(text in "[eEuU&'\"$a1x\\\\+\n -é]{0,30}") {
            for token in crate::sql::lexer::lex(&text) {
                token.value();
            }
        }
    }
}
