//! What colours mean, in one place, and text of strangers made harmless.

use anstyle::{AnsiColor, Style};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The title of a section.
    Heading,
    /// Something that will be there.
    Add,
    /// Something that will be otherwise.
    Change,
    /// Something to look at first: a hazard, a failure.
    Danger,
    /// Something to know.
    Warning,
    /// What to do next.
    Hint,
    /// Beside the point.
    Quiet,
    /// All is well.
    Good,
}

impl Label {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Heading => Style::new().bold(),
            Self::Add | Self::Good => colour(AnsiColor::Green),
            Self::Change | Self::Warning => colour(AnsiColor::Yellow),
            Self::Danger => colour(AnsiColor::Red).bold(),
            Self::Hint => colour(AnsiColor::Cyan),
            Self::Quiet => Style::new().dimmed(),
        }
    }
}

/// The text in its label's colour.
#[must_use]
pub fn paint(label: Label, text: &str) -> String {
    let style = label.style();
    format!("{style}{text}{style:#}")
}

/// The text without anything that would move a cursor, change a colour or turn its order round.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The text made harmless line by line: what it needs to be read, line ends and tabs, stays.
#[must_use]
pub fn harmless_lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let cells: Vec<String> = line.split('\t').map(harmless).collect();
        cells.join("\t")
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// Whether it moves a cursor, changes a colour or turns the order of text round.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control() || is_bidi(c)
}

/// Unicode's marks that reorder text on screen (UAX #9).
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_can_move_no_cursor() {
        assert_eq!(
            harmless("a\u{1b}[2Jb\nc\u{202e}d é"),
            "a\\u{1b}[2Jb\\nc\\u{202e}d é"
        );
        assert_eq!(
            harmless_lines("a\n\tb\u{9b}31m\r\n"),
            "a\n\tb\\u{9b}31m\\r\n"
        );
    }
}
