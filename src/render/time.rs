//! Spans of time in a few letters.

use std::time::Duration;

/// Each unit with its length in seconds, longest first.
const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

/// A span in its greatest unit, such as `3 h`, rounded down.
#[must_use]
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let unit = UNITS.iter().find(|(length, _)| seconds >= *length);
    // A no-break space, so that the number keeps its unit.
    unit.map_or("0\u{a0}s".to_owned(), |(length, name)| {
        format!("{}\u{a0}{name}", seconds / length)
    })
}

/// How long something took, such as `1.5 s` or `3 h`.
#[must_use]
pub(super) fn took(took: Duration) -> String {
    if took.as_secs() < 10 {
        format!("{:.1}\u{a0}s", took.as_secs_f64())
    } else {
        span(took)
    }
}

/// How long ago something was, such as `3 h ago`.
#[must_use]
pub(super) fn ago(age: Duration) -> String {
    if age.as_secs() == 0 {
        "just\u{a0}now".to_owned()
    } else {
        format!("{}\u{a0}ago", span(age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_unit_is_enough() {
        let ago = |seconds| ago(Duration::from_secs(seconds)).replace('\u{a0}', " ");
        let cases = [
            (0, "just now"),
            (1, "1 s ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (3_599, "59 min ago"),
            (3_600, "1 h ago"),
            (86_399, "23 h ago"),
            (86_400 * 400, "400 d ago"),
        ];
        for (seconds, words) in cases {
            assert_eq!(ago(seconds), words);
        }
        assert_eq!(took(Duration::from_millis(1_540)), "1.5\u{a0}s");
        assert_eq!(took(Duration::from_secs(61)), "1\u{a0}min");
    }
}
