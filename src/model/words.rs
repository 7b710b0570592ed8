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

/// The first three of many words, and how many more there are.
#[must_use]
pub fn a_few(words: &[String]) -> String {
    const FEW: usize = 3;
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] if words.len() <= FEW => format!("{} and {last}", others.join(", ")),
        _ => {
            let more = words.len() - FEW;
            format!("{} and {more} more", words[..FEW].join(", "))
        }
    }
}

/// A pattern in which only `*` and `?` are signs, for globs that know more: brackets and braces stand in the names
/// of objects, as in `function f(text[])`.
#[must_use]
pub fn plain_pattern(pattern: &str) -> String {
    let escaped = pattern.chars().flat_map(|c| {
        let escape = "[]{}\\".contains(c).then_some('\\');
        escape.into_iter().chain([c])
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_signs_of_a_pattern_mean_something() {
        assert_eq!(plain_pattern("f(text[], *)"), "f(text\\[\\], *)");
    }

    #[test]
    fn a_name_is_taken_out_where_it_is_a_word() {
        assert_eq!(without("tenant a has acq_a", "a"), "tenant \0 has acq_\0");
        assert_eq!(without("a banana", "an"), "a banana");
    }

    #[test]
    fn a_few_are_told_and_the_rest_counted() {
        let words: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let told = [0, 1, 2, 3, 4, 5].map(|number| a_few(&words[..number]));
        assert_eq!(
            told,
            [
                "",
                "a",
                "a and b",
                "a, b and c",
                "a, b, c and 1 more",
                "a, b, c and 2 more"
            ]
        );
    }
}
