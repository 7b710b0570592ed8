//! Text in the making: sections, wrapped items, folded lists of names; 80 columns wide.

use textwrap::{Options, WordSplitter, core::display_width};

use super::style::{Label, paint};

/// Columns of a line, colours not counted.
const WIDTH: usize = 80;

/// Lines that a folded list of names takes.
const NAME_LINES: usize = 2;

/// A text that grows section by section.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    verbose: bool,
}

impl Page {
    /// An empty page; a verbose one folds nothing.
    pub(super) fn new(verbose: bool) -> Self {
        Self {
            text: String::new(),
            verbose,
        }
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Begins a section, apart from what stands above.
    pub(super) fn section(&mut self, title: &str) {
        self.gap();
        self.line(&paint(Label::Heading, title));
    }

    /// An empty line, unless the page is empty.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A line as it is, whatever its length.
    pub(super) fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A wrapped text; its further lines are indented by two more. A no-break space keeps two words together.
    pub(super) fn item(&mut self, indent: usize, text: &str) {
        for line in wrap(text, indent, indent + 2) {
            self.line(&line.replace('\u{a0}', " "));
        }
    }

    /// A sentence that says what to do next.
    pub(super) fn hint(&mut self, indent: usize, text: &str) {
        self.item(indent, &format!("{} {text}", paint(Label::Hint, "hint:")));
    }

    /// Names with commas between them, as many as fit on two lines.
    pub(super) fn names<S: AsRef<str>>(&mut self, indent: usize, names: &[S]) {
        let all = |names: &[S]| {
            let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            names.join(", ")
        };
        let folded = |shown: usize| {
            let some = all(&names[..shown]);
            let text = match names.len() - shown {
                0 => some,
                // No-break spaces, so that the count isn't torn from its words.
                more => format!("{some}, …\u{a0}and\u{a0}{more}\u{a0}more"),
            };
            wrap(&text, indent, indent)
        };
        // A name and its comma take three columns at least.
        let most = names.len().min(NAME_LINES * WIDTH / 3);
        let fits = |shown: &usize| folded(*shown).len() <= NAME_LINES;
        let shown = if self.verbose {
            names.len()
        } else {
            (1..=most).rev().find(fits).unwrap_or(most.min(1))
        };
        let lines = folded(shown);
        for line in lines {
            self.line(&line.replace('\u{a0}', " "));
        }
    }

    /// The finished text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let (first, rest) = (" ".repeat(first), " ".repeat(rest));
    let options = Options::new(WIDTH)
        .initial_indent(&first)
        .subsequent_indent(&rest)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::wrap(text, options)
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

/// The part of a file's line around a column, and a caret under it; both start at the same column.
pub(super) fn excerpt(line: &str, column: usize, room: usize) -> (String, String) {
    let chars: Vec<char> = line.chars().collect();
    let at = column.saturating_sub(1).min(chars.len());
    let start = if chars.len() <= room {
        0
    } else {
        at.saturating_sub(room / 2).min(chars.len() - room)
    };
    let shown: String = chars.iter().skip(start).take(room).collect();
    let before: String = chars[start..at].iter().collect();
    let caret = format!("{}^", " ".repeat(display_width(&before)));
    (shown, caret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(count: usize, verbose: bool) -> String {
        let names: Vec<String> = (0..count).map(|n| format!("tenant-{n:04}")).collect();
        let mut page = Page::new(verbose);
        page.names(2, &names);
        page.finish()
    }

    #[test]
    fn names_fold_on_two_lines() {
        assert_eq!(
            listed(3, false),
            "  tenant-0000, tenant-0001, tenant-0002\n"
        );
        assert_eq!(
            listed(5000, false),
            "  tenant-0000, tenant-0001, tenant-0002, tenant-0003, tenant-0004, tenant-0005,\n  \
             tenant-0006, tenant-0007, tenant-0008, tenant-0009, … and 4990 more\n"
        );
        assert_eq!(listed(12, false).lines().count(), 2);
        assert!(!listed(12, false).contains('…'), "{}", listed(12, false));
        assert!(listed(13, false).contains("… and 2 more"));
        assert!(!listed(5000, true).contains('…'));
    }

    #[test]
    fn items_wrap_at_80_columns_and_keep_names_whole() {
        let mut page = Page::new(false);
        page.item(2, &format!("{} blue-peak", "word ".repeat(14)));
        let text = page.finish();
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert!(text.ends_with("\n    blue-peak\n"), "{text}");
    }

    #[test]
    fn excerpts_show_the_column() {
        assert_eq!(
            excerpt("SELECT é, x", 11, 40),
            ("SELECT é, x".to_owned(), "          ^".to_owned())
        );
        let (shown, caret) = excerpt(&format!("{}X{}", "a".repeat(500), "b".repeat(500)), 501, 40);
        assert_eq!(shown.chars().nth(caret.len() - 1), Some('X'));
        assert_eq!(excerpt("ab", 99, 40).1, "  ^");
    }
}
