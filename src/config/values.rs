//! Durations, shares, schedules and time zones as people write them.

use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::{Span, SpanRelativeTo};

use crate::model::desired::MaxFailures;

/// Reads `500ms`, `10min`, `1h 30min`, `30d`; a day has 24 hours.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let signed = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    match Duration::try_from(signed) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("`{text}` isn't longer than nothing")),
    }
}

/// Reads a limit that PostgreSQL keeps in whole milliseconds, as an `int`.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    let whole = duration.subsec_nanos() % 1_000_000 == 0;
    if !whole || i32::try_from(duration.as_millis()).is_err() {
        return Err(format!("`{text}` isn't from 1ms to 24d"));
    }
    Ok(duration)
}

/// Reads `5%`.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn percent(text: &str) -> Result<MaxFailures, String> {
    text.strip_suffix('%')
        .and_then(|number| number.trim_end().parse().ok())
        .filter(|percent| *percent <= 100)
        .map(MaxFailures::Percent)
        .ok_or_else(|| format!("`{text}` is neither a number nor per cent up to 100%"))
}

/// Whether cron would take this as its five fields.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn schedule(text: &str) -> Result<(), String> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .map(|_| ())
        .map_err(|error| {
            let reason = error.to_string();
            let reason = reason.trim_start_matches("Invalid pattern: ");
            format!("`{text}` is no schedule: {}", reason.trim_end_matches('.'))
        })
}

/// Whether the time zone database knows this name.
///
/// # Errors
/// Says that it doesn't.
pub(super) fn timezone(text: &str) -> Result<(), String> {
    jiff::tz::TimeZone::get(text)
        .map(|_| ())
        .map_err(|_| format!("unknown time zone `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("10min", 600_000),
            ("1h 30m", 5_400_000),
            ("30d", 2_592_000_000),
            ("2w", 1_209_600_000),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
        for text in ["", "5", "0s", "-5s", "5s ago", "1 month", "soon", "5 s x"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn timeouts_are_what_the_server_can_keep() {
        assert_eq!(timeout("1ms"), Ok(Duration::from_millis(1)));
        for text in ["25d", "1us", "1ms 1us"] {
            assert!(timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_read() {
        assert_eq!(percent("5%"), Ok(MaxFailures::Percent(5)));
        for text in ["5", "101%", "-1%", "2.5%", "%"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn schedules_have_five_fields() {
        for text in ["0 2 * * *", "*/15 0-6 1,15 * MON-FRI"] {
            assert_eq!(schedule(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "0 2 * *",
            "0 0 2 * * *",
            "60 2 * * *",
            "0 2 * * nope",
            "0 25 * * *",
        ] {
            assert!(schedule(text).is_err(), "{text}");
        }
    }

    #[test]
    fn time_zones_are_known_by_name() {
        assert_eq!(timezone("UTC"), Ok(()));
        assert_eq!(timezone("Europe/Berlin"), Ok(()));
        assert!(timezone("Europe/Atlantis").is_err());
    }
}
