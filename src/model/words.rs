//! Words of messages: what is said of one tenant, told apart from what is said of all.

/// The text with the name taken out of it: where it is a word, or a part of a name like `acq_acme`, but not where
/// its letters happen to stand in another word.
#[must_use]
pub fn without(text: &str, name: &str) -> String {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for (start, found) in text.match_indices(name) {
        let end = start + found.len();
        if is_edge(text[..start].chars().next_back()) && is_edge(text[end..].chars().next()) {
            clean.push_str(&text[rest..start]);
            clean.push('\0');
            rest = end;
        }
    }
    clean + &text[rest..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_out_where_it_is_a_word() {
        assert_eq!(without("tenant a has acq_a", "a"), "tenant \0 has acq_\0");
        assert_eq!(without("a banana", "an"), "a banana");
    }
}
