//! From a position in a text to a line and a column.

/// A place in a file, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// The line of the file.
    pub text: String,
}

/// The place of a 1-based character position; one beyond the text is its end.
#[must_use]
pub fn locate(text: &str, position: usize) -> Place {
    let skipped = position.saturating_sub(1);
    let byte = text.char_indices().nth(skipped).map(|(byte, _)| byte);
    let byte = byte.unwrap_or(text.len());
    let (line, column) = line_column(text, byte);
    Place {
        line,
        column,
        text: text.lines().nth(line - 1).unwrap_or("").to_owned(),
    }
}

/// The 1-based line and column, in characters, of a byte of the text.
pub(super) fn line_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let text = "SELECT 'é';\n  größe x\n";
        let place = |position| {
            let Place { line, column, text } = locate(text, position);
            (line, column, text)
        };
        assert_eq!(place(1), (1, 1, "SELECT 'é';".to_owned()));
        assert_eq!(place(11), (1, 11, "SELECT 'é';".to_owned()));
        assert_eq!(place(21), (2, 9, "  größe x".to_owned()));
        assert_eq!(place(999), (3, 1, String::new()));
        assert_eq!(locate("", 1).line, 1);
        assert_eq!(locate("abc", 9).column, 4);
    }
}
