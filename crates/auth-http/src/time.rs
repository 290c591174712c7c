//! How times look on the wire.

use chrono::{DateTime, SecondsFormat, Utc};

/// Writes a time as clients see it: RFC 3339 in UTC with microseconds and `Z`.
pub fn wire_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_six_decimals_and_a_z() {
        assert_eq!(wire_time(DateTime::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }
}
