//! Names that come near to one that isn't known.

/// How alike two words must be, from 0 to 1, to be taken for a slip of one another.
const ALIKE: f32 = 0.6;

/// Asks for the known word that is nearest, if one is near enough.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    similar::get_close_matches(word, known, 1, ALIKE)
        .first()
        .map(|near| format!("Did you mean `{near}`?"))
}

/// `a`, `b` and 3 more: names for a message, the first few in full.
pub(super) fn list(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let quoted: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => quoted.join(", "),
        more => format!("{} and {more} more", quoted.join(", ")),
    }
}
