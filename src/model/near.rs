//! Names that come near to one that isn't known.

/// How alike two words must be, from 0 to 1, to be taken for a slip of one another.
const ALIKE: f32 = 0.6;

/// The known words that come near, nearest first, at most `most` of them.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str], most: usize) -> Vec<&'a str> {
    similar::get_close_matches(word, known, most, ALIKE)
}

/// Asks for the known word that is nearest, if one is near enough.
#[must_use]
pub fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    let near = nearest(word, known, 1);
    near.first().map(|near| format!("Did you mean `{near}`?"))
}

/// `a`, `b` and 3 more: names for a message, the first few in full.
#[must_use]
pub fn list(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = quoted(&names[..names.len().min(SHOWN)]);
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `a`, `b`, `c`: all of the names.
#[must_use]
pub fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_lead_to_what_was_meant() {
        let known = ["acme", "acme-eu", "globex"];
        assert_eq!(nearest("acm", &known, 3), ["acme", "acme-eu"]);
        assert_eq!(nearest("acm", &known, 1), ["acme"]);
        assert_eq!(
            did_you_mean("globx", &known).as_deref(),
            Some("Did you mean `globex`?")
        );
        assert_eq!(did_you_mean("zzz", &known), None);
    }

    #[test]
    fn long_lists_end_with_a_number() {
        assert_eq!(list(&["a", "b"]), "`a`, `b`");
        assert!(list(&["a"; 11]).ends_with("`a` and 3 more"));
    }
}
