//! A time as people write it at the command line.

use chrono::{DateTime, TimeDelta, Utc};

/// A time, or an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This time.
    At(DateTime<Utc>),
    /// So long before now.
    Ago(TimeDelta),
}

impl Moment {
    /// Reads a time in the form of RFC 3339, or a number with `s`, `m`, `h` or `d` behind it.
    ///
    /// # Errors
    /// One line about what was expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(time.to_utc()));
        }
        age(text)
            .map(Self::Ago)
            .ok_or("expected a time like 2026-03-04T05:06:07Z, or an age like 90s, 15m, 2h, 7d")
    }

    /// The time that is meant.
    pub(super) fn resolve(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(time) => time,
            Self::Ago(age) => now.checked_sub_signed(age).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

fn age(text: &str) -> Option<TimeDelta> {
    let (at, unit) = text.char_indices().last()?;
    let number: i64 = text[..at].parse().ok().filter(|number| *number >= 0)?;
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_and_ages() {
        let now = "2026-03-04T05:06:07Z".parse().unwrap();
        let known = [
            ("2026-03-01T00:00:00+01:00", "2026-02-28T23:00:00Z"),
            ("90s", "2026-03-04T05:04:37Z"),
            ("15m", "2026-03-04T04:51:07Z"),
            ("2h", "2026-03-04T03:06:07Z"),
            ("7d", "2026-02-25T05:06:07Z"),
            ("100000000000d", "1970-01-01T00:00:00Z"),
        ];
        for (text, expected) in known {
            assert_eq!(Moment::parse(text).unwrap().resolve(now), expected.parse::<DateTime<Utc>>().unwrap());
        }
        for wrong in ["", "d", "5", "-5d", "5y", "yesterday", "5 d", "é", "9223372036854775807d"] {
            assert!(Moment::parse(wrong).is_err(), "{wrong}");
        }
    }
}
