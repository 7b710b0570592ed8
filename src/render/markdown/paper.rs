//! Markdown that fits on a page of limited length and says nothing in a stranger's name.
//!
//! Text of strangers (names, messages) stands in code spans only: there is no markup, mention or HTML in them.

use std::fmt::Write as _;

use crate::render::style::{harmless, harmless_lines};

/// GitHub takes comments of 65,536 characters; the rest is left to whoever adds a line or two.
pub(super) const LIMIT: usize = 65_000;

/// Longer words of a server are cut.
const LONGEST_TEXT: usize = 1000;

/// Names of tenants in a row of a folded list.
const NAMES_IN_ROW: usize = 20;
/// More names than these are folded.
const NAMES_SHOWN: usize = 12;

const CLOSE: &str = "\n</details>\n\n";
/// Room for the line that says what was left out.
const LEFT_OUT: usize = 160;

/// A text of strangers as a code span.
pub(super) fn code(text: &str) -> String {
    let mut text = harmless(text);
    if let Some((at, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(at);
        text.push('…');
    }
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    // A span ends at a run of as many backticks as it began with, so it begins with one more than are in it.
    let fence = "`".repeat(longest_run(&text) + 1);
    // One blank at each end is taken off again where both are there.
    let is_odd = |c: char| c == '`' || c == ' ';
    let pad = if text.starts_with(is_odd) || text.ends_with(is_odd) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`');
    runs.map(str::len).max().unwrap_or(0)
}

/// Names with commas between them.
fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let spans: Vec<String> = names.iter().map(|name| code(name.as_ref())).collect();
    spans.join(", ")
}

/// Something to show that is left out as a whole when there is no room.
enum Piece {
    /// Whole lines; the first of an item, or a further one.
    Rows {
        text: String,
        is_first: bool,
    },
    Open(String),
    Close,
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Self::Rows { text, .. } | Self::Open(text) => text,
            Self::Close => CLOSE,
        }
    }

    fn length(&self) -> usize {
        self.text().chars().count()
    }

    fn is_first(&self) -> bool {
        matches!(self, Self::Rows { is_first: true, .. })
    }
}

/// A part of the document under a heading of its own.
pub(super) struct Section {
    title: &'static str,
    /// What an item of it is called.
    noun: &'static str,
    pieces: Vec<Piece>,
}

impl Section {
    pub(super) fn new(title: &'static str, noun: &'static str) -> Self {
        Self {
            title,
            noun,
            pieces: Vec::new(),
        }
    }

    /// Begins an item: a paragraph, or a line of a list.
    pub(super) fn item(&mut self, text: String) {
        self.pieces.push(Piece::Rows {
            text,
            is_first: true,
        });
    }

    /// Lines of a list, folded when there are more than `most`.
    pub(super) fn list(&mut self, noun: &str, rows: Vec<String>, most: usize) {
        let rows = rows.into_iter().map(|row| format!("- {row}\n"));
        if rows.len() > most {
            self.fold(&format!("{} {noun}s", rows.len()), rows);
        } else {
            self.rows(rows);
        }
    }

    /// Lines as they are, in a block of their own; what is longer than a server's longest word is cut.
    pub(super) fn block(&mut self, language: &str, text: &str) {
        let text = harmless_lines(text);
        let mut lines: Vec<&str> = Vec::new();
        let mut room = LONGEST_TEXT;
        for line in text.lines() {
            let length = line.chars().count() + 1;
            if length > room {
                lines.push("…");
                break;
            }
            room -= length;
            lines.push(line);
        }
        let fence = "`".repeat(longest_run(&text).max(2) + 1);
        let lines = lines.join("\n");
        let block = format!("\n{fence}{language}\n{lines}\n{fence}\n\n");
        self.rows(std::iter::once(block));
    }

    /// What an item begins with, followed by names.
    pub(super) fn item_of_names<S: AsRef<str>>(&mut self, head: &str, names: &[S], noun: &str) {
        if names.len() <= NAMES_SHOWN {
            return self.item(format!("\n{head}: {}\n\n", listed(names)));
        }
        self.item(format!("\n{head}\n"));
        let rows = names.chunks(NAMES_IN_ROW).map(|row| listed(row) + "\n");
        self.fold(&format!("{} {noun}s", names.len()), rows);
    }

    fn rows(&mut self, rows: impl Iterator<Item = String>) {
        self.pieces.extend(rows.map(|text| Piece::Rows {
            text,
            is_first: false,
        }));
    }

    /// The summary must not hold text of strangers.
    fn fold(&mut self, summary: &str, rows: impl Iterator<Item = String>) {
        let open = format!("\n<details><summary>{summary}</summary>\n\n");
        self.pieces.push(Piece::Open(open));
        self.rows(rows);
        self.pieces.push(Piece::Close);
    }

    fn head(&self) -> String {
        format!("\n#### {}\n\n", self.title)
    }

    fn length(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(Piece::length).sum();
        self.head().chars().count() + pieces
    }

    /// Writes as much as there is room for, which is everything if it fits.
    fn write(&self, text: &mut String, room: usize) {
        text.push_str(&self.head());
        let (shown, rest) = self.pieces.split_at(self.fitting(room));
        let mut is_open = false;
        for piece in shown {
            text.push_str(piece.text());
            is_open = match piece {
                Piece::Open(_) => true,
                Piece::Close => false,
                Piece::Rows { .. } => is_open,
            };
        }
        if rest.is_empty() {
            return;
        }
        if is_open {
            text.push_str(CLOSE);
        }
        // A String takes all.
        let _ = writeln!(text, "\n… {}", self.missing(rest));
    }

    /// How many pieces fit.
    fn fitting(&self, room: usize) -> usize {
        if self.length() <= room {
            return self.pieces.len();
        }
        let mut left = room.saturating_sub(self.head().chars().count() + CLOSE.len() + LEFT_OUT);
        let fits = |piece: &&Piece| match left.checked_sub(piece.length()) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        };
        self.pieces.iter().take_while(fits).count()
    }

    fn missing(&self, rest: &[Piece]) -> String {
        let items = rest.iter().filter(|piece| piece.is_first()).count();
        let noun = self.noun;
        let plural = if items == 1 { "" } else { "s" };
        let are = if items == 1 { "is" } else { "are" };
        match (rest.first().is_some_and(Piece::is_first), items) {
            (_, 0) => format!("the rest of this {noun} is left out"),
            (true, _) => format!("{items} more {noun}{plural} {are} left out"),
            (false, _) => {
                format!("the rest of this {noun} and {items} more {noun}{plural} are left out")
            }
        }
    }
}

/// Everything between a head and a foot: whole, or each section with a fair share of the room and `note` on top.
pub(super) fn document(head: &str, note: &str, sections: &[Section], foot: &str) -> String {
    let sections: Vec<&Section> = sections
        .iter()
        .filter(|section| !section.pieces.is_empty())
        .collect();
    let lengths: Vec<usize> = sections.iter().map(|section| section.length()).collect();
    let fixed: usize = [head, note, foot]
        .iter()
        .map(|part| part.chars().count())
        .sum();
    let shares = shares(&lengths, LIMIT.saturating_sub(fixed));
    let mut text = head.to_owned();
    if shares != lengths {
        text.push_str(note);
    }
    for (section, share) in sections.iter().zip(shares) {
        section.write(&mut text, share);
    }
    tidy(&(text + foot))
}

/// The text without more than one empty line in a row.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut was_empty = false;
    for line in text.lines() {
        if !(was_empty && line.is_empty()) {
            tidy.push_str(line);
            tidy.push('\n');
        }
        was_empty = line.is_empty();
    }
    tidy
}

/// Room for parts of these lengths: the short ones get all they need, and the long ones share the rest.
fn shares(lengths: &[usize], room: usize) -> Vec<usize> {
    let mut shares = vec![0; lengths.len()];
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|part| lengths[*part]);
    let mut room = room;
    for (done, part) in order.iter().enumerate() {
        shares[*part] = lengths[*part].min(room / (order.len() - done));
        room -= shares[*part];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_is_closed_by_us_alone() {
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a `b` c"), "``a `b` c``");
        assert_eq!(code("``` @you"), "```` ``` @you ````");
        assert_eq!(code("two\nlines"), "`two\\nlines`");
        assert_eq!(code(" "), "(empty)");
        assert_eq!(code(&"x".repeat(5000)).chars().count(), LONGEST_TEXT + 3);
    }

    #[test]
    fn short_parts_get_all_they_need() {
        assert_eq!(shares(&[10, 20], 100), [10, 20]);
        assert_eq!(shares(&[500, 10, 800], 100), [45, 10, 45]);
        assert_eq!(shares(&[], 100), [0; 0]);
    }
}
