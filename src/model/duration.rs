//! Durations as people write them: `30s`, `10min`, `1h 30min`.

use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;

/// Reads numbers with units: `500ms`, `30s`, `10min`, `1h 30min`, `30d`. A day has 24 hours, a week 7 days.
///
/// # Errors
/// Says what is wrong with anything else: no unit, a sign, a fraction, a clock time, months and years.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} isn't a duration; write numbers with units, such as 500ms, 30s, 10min, 1h 30min or 30d"
        )
    };
    // The library also takes signs, clock times, commas and `ago`.
    if !is_plain(text) {
        return Err(wrong());
    }
    let span = SpanParser::new().parse_span(text).map_err(|_| wrong())?;
    let signed = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let signed = signed.map_err(|_| format!("{text:?}: months and years have no fixed length"))?;
    Duration::try_from(signed).map_err(|_| wrong())
}

fn is_plain(text: &str) -> bool {
    let characters = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == 'µ');
    characters && !text.contains("ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        for (text, millis) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("30min", 1_800_000),
            ("30 min", 1_800_000),
            ("4h", 14_400_000),
            ("1h 30min", 5_400_000),
            ("1h30m", 5_400_000),
            ("2 hours", 7_200_000),
            ("30d", 2_592_000_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            let expected = Duration::from_millis(millis);
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        for text in [
            "", " ", "5", "0", "s", "-5s", "+5s", "5s ago", "1.5h", "1,5h", "01:30:00", "1h 30",
            "5x", "PT5S", "1month", "1y", "1h, 5min", "5S5",
        ] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        assert!(parse_duration("1y").unwrap_err().contains("years"));
    }
}
