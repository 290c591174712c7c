//! Telephone numbers in the one form that is stored and dialled.

use std::fmt;

use phonenumber::{
    Mode,
    country::Source,
    metadata::{DATABASE, Descriptor},
};

/// A number in E.164 form: `+`, then 7 to 15 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

/// The text is not an E.164 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a phone number is '+' and 7 to 15 digits")]
pub struct InvalidPhone;

impl PhoneNumber {
    /// Reads a number that is already in E.164 form.
    ///
    /// # Errors
    /// [`InvalidPhone`] for any other form.
    pub fn parse(text: &str) -> Result<Self, InvalidPhone> {
        let digits = text.strip_prefix('+').ok_or(InvalidPhone)?;
        let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        if fits && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPhone)
        }
    }

    /// Reads a number as people write it: international with a `+`, or national of `region` (ISO 3166
    /// alpha-2). Any number of a possible length is taken, assigned or not: metadata lags behind.
    ///
    /// # Errors
    /// [`InvalidPhone`] for what is no number.
    pub fn read(text: &str, region: &str) -> Result<Self, InvalidPhone> {
        let text = text.trim();
        // With a region the parser takes that region's trunk prefix off numbers of other countries, too: a
        // US server would read +49 171 … as +49 71 …, somebody else's number.
        let region = if text.starts_with('+') { None } else { region.parse().ok() };
        let number = phonenumber::parse(region, text).map_err(|_| InvalidPhone)?;
        // Dialled as 011 49 … from the US it suffers the same, and a plus says it as well.
        if number.country().source() == Source::Idd || !has_possible_length(&number) {
            return Err(InvalidPhone);
        }
        Self::parse(&number.format().mode(Mode::E164).to_string())
    }

    /// The number as clients are shown it: its last four digits.
    pub fn masked(&self) -> String {
        // ASCII, and at least seven digits long.
        format!("***-***-{}", &self.0[self.0.len().saturating_sub(4)..])
    }

    /// The number, with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a telephone of a country with its calling code could have it. The metadata has lengths for each
/// kind of number, and none for all kinds together.
fn has_possible_length(number: &phonenumber::PhoneNumber) -> bool {
    let length = number.national().to_string().len();
    let countries = DATABASE.by_code(&number.country().code()).unwrap_or_default();
    countries.into_iter().any(|country| {
        let kinds = country.descriptors();
        let telephones = [kinds.fixed_line(), kinds.mobile()].into_iter().flatten();
        telephones.flat_map(Descriptor::possible_length).any(|&possible| usize::from(possible) == length)
    })
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_people_write_them() {
        for (typed, read) in [
            ("+1 212 555 0123", "+12125550123"),
            ("(212) 555-0123", "+12125550123"),
            ("2125550123", "+12125550123"),
            ("12125550123", "+12125550123"),
            ("+15551234567", "+15551234567"),
            (" +44 7400 123456 ", "+447400123456"),
            ("+44 (0)7400 123456", "+447400123456"),
            ("+49 171 1234567", "+491711234567"),
            ("+33 1 42 68 53 00", "+33142685300"),
            ("+39 06 1234 5678", "+390612345678"),
        ] {
            assert_eq!(PhoneNumber::read(typed, "US").map(|number| number.to_string()), Ok(read.to_owned()));
        }
    }

    #[test]
    fn impossible_numbers_are_none() {
        for typed in [
            "",
            "abc",
            "123",
            "+1212555012",
            "+121255501234",
            "+999123456789",
            "+0123456789",
            "011491711234567",
        ] {
            assert_eq!(PhoneNumber::read(typed, "US"), Err(InvalidPhone), "{typed:?}");
        }
    }

    #[test]
    fn shows_four_digits() {
        assert_eq!(PhoneNumber::parse("+12125550123").unwrap().masked(), "***-***-0123");
    }
}
