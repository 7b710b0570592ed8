//! From the bytes of a file to a [`SourceFile`], or everything that is wrong with it.

use std::path::Path;

use super::lexer::{Kind, Token, lex};
use super::problem::{Fault, Problem};
use super::split::split;
use super::{data_loss, directive, placeholder, refuse};
use crate::model::template::{ContentHash, SourceFile};

/// Reads a template, migration or down file. Line ends become LF and a byte order mark is dropped.
///
/// # Errors
/// Every problem of the file, in the order of their places.
pub fn read(name: &str, path: &Path, bytes: &[u8]) -> Result<SourceFile, Vec<Problem>> {
    let text = decode(bytes).map_err(|problem| vec![problem])?;
    let tokens = lex(&text);
    let code: Vec<Token<'_>> = tokens
        .iter()
        .copied()
        .filter(|token| !token.is_blank())
        .collect();
    let statements = split(&code);

    let (directives, mut faults) = directive::read(&tokens);
    let (placeholders, wrong) = placeholder::find(&text, &tokens);
    faults.extend(wrong);
    faults.extend(nul(&text));
    faults.extend(tokens.iter().filter_map(unclosed));
    faults.extend(refuse::faults(&statements));
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.at);
        return Err(faults
            .into_iter()
            .map(|fault| fault.in_text(&text))
            .collect());
    }
    Ok(SourceFile {
        name: name.to_owned(),
        path: path.to_owned(),
        hash: ContentHash::of(&text),
        directives,
        placeholders,
        deletes: data_loss::find(&text, &statements),
        text,
    })
}

fn decode(bytes: &[u8]) -> Result<String, Problem> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.replace("\r\n", "\n")),
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let hint = "Save the file as UTF-8.";
            Err(Fault::new(valid.len(), "the file isn't UTF-8 from here on", hint).in_text(&valid))
        }
    }
}

fn nul(text: &str) -> Option<Fault> {
    let at = text.find('\0')?;
    let message = "the file holds a NUL byte, which PostgreSQL can't take";
    Some(Fault::new(at, message, "Remove the byte."))
}

fn unclosed(token: &Token<'_>) -> Option<Fault> {
    let (what, end) = match token.kind {
        _ if token.closed => return None,
        Kind::BlockComment => ("comment", "*/"),
        Kind::QuotedIdent => ("quoted identifier", "\""),
        Kind::DollarString => (
            "dollar-quoted string",
            &token.text[..token.body().0 - token.start],
        ),
        Kind::Placeholder => ("placeholder", "}}"),
        _ => ("string", "'"),
    };
    let message = format!("the {what} that begins here has no end");
    Some(Fault::new(
        token.start,
        message,
        format!("Close it with {end}"),
    ))
}
