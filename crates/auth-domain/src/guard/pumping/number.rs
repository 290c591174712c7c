//! Which numbers get messages at all.

use phonenumber::{Type, country::Id, metadata::DATABASE};

use crate::user::PhoneNumber;

/// Calling codes that belong to no country: satellites, international networks and shared services
/// (ITU-T E.164 annex to Operational Bulletin 1114 of 15 December 2016; Iridium, Globalstar and
/// Inmarsat among them). Messages there cost dollars each.
const NO_COUNTRY: [u16; 9] = [800, 808, 870, 878, 881, 882, 883, 888, 979];

/// Digits of the number that name its range, the calling code included.
const PREFIX_DIGITS: usize = 7;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The first seven digits: blocks of numbers are handed out, and pumped, by range.
    pub prefix: String,
}

/// Kinds of numbers that get no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// The caller pays extra, and the owner gets a share.
    Premium,
    /// The price is shared between both ends.
    SharedCost,
    /// Satellite phones and international networks.
    Satellite,
    /// Telephony over the Internet: numbers by the thousand.
    Voip,
    /// Forwarded to wherever, at whatever price.
    Personal,
    /// Fixed lines, free numbers, pagers, company and service numbers: no text messages.
    NoMobile,
}

/// The number gets no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedNumber {
    /// No number of any country looks like this.
    #[error("not a possible phone number")]
    Impossible,
    /// Its country is not on the list.
    #[error("no text messages are sent to this country")]
    Country,
    /// Its kind gets none.
    #[error("no text messages are sent to numbers of this kind ({0:?})")]
    Kind(NumberKind),
}

/// Decides by country and kind of the number, from the metadata of libphonenumber.
///
/// A number of a range that the metadata does not know as assigned is taken if its calling code is of a
/// listed country: metadata lags behind, and carriers refuse what does not exist.
///
/// # Errors
/// [`RefusedNumber`] says why not.
pub fn destination(number: &PhoneNumber, countries: &[String]) -> Result<Destination, RefusedNumber> {
    let parsed = phonenumber::parse(None, number.as_str()).map_err(|_| RefusedNumber::Impossible)?;
    let code = parsed.country().code();
    if NO_COUNTRY.contains(&code) {
        return Err(RefusedNumber::Kind(NumberKind::Satellite));
    }
    refused_kind(parsed.number_type(&DATABASE)).map_or(Ok(()), |kind| Err(RefusedNumber::Kind(kind)))?;
    let is_listed = |country: &str| countries.iter().any(|listed| listed.eq_ignore_ascii_case(country));
    let id: Option<Id> = parsed.country().id();
    let allowed = match id {
        Some(id) => is_listed(id.as_ref()),
        None => DATABASE.region(&code).is_some_and(|regions| regions.into_iter().any(is_listed)),
    };
    if !allowed {
        return Err(RefusedNumber::Country);
    }
    let prefix = number.as_str().chars().filter(char::is_ascii_digit).take(PREFIX_DIGITS).collect();
    Ok(Destination { prefix })
}

/// Whether this is a country (ISO 3166 alpha-2, upper case) that has numbers.
///
/// By its name alone: the metadata of numbers take memory that a server which sends no text messages does
/// not need.
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && code.parse::<Id>().is_ok()
}

const fn refused_kind(kind: Type) -> Option<NumberKind> {
    Some(match kind {
        Type::Mobile | Type::FixedLineOrMobile | Type::Unknown => return None,
        Type::PremiumRate => NumberKind::Premium,
        Type::SharedCost => NumberKind::SharedCost,
        Type::Voip => NumberKind::Voip,
        Type::PersonalNumber => NumberKind::Personal,
        _ => NumberKind::NoMobile,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(number: &str, countries: &[&str]) -> Result<(), RefusedNumber> {
        let countries: Vec<String> = countries.iter().map(|&country| country.to_owned()).collect();
        destination(&PhoneNumber::parse(number).unwrap(), &countries).map(|_| ())
    }

    #[test]
    fn only_listed_countries_get_messages() {
        assert_eq!(decide("+12125550123", &["US", "CA"]), Ok(()));
        assert_eq!(decide("+16135550123", &["us", "ca"]), Ok(()));
        assert_eq!(decide("+447400123456", &["US", "CA"]), Err(RefusedNumber::Country));
        assert_eq!(decide("+447400123456", &["GB"]), Ok(()));
        assert_eq!(decide("+12125550123", &[]), Err(RefusedNumber::Country));
    }

    #[test]
    fn neighbours_with_the_same_calling_code_are_other_countries() {
        // Jamaica, Barbados and the Dominican Republic share +1; pumpers like them for it.
        for number in ["+18765551234", "+12462501234", "+18092345678"] {
            assert_eq!(decide(number, &["US", "CA"]), Err(RefusedNumber::Country), "{number}");
        }
    }

    #[test]
    fn unassigned_numbers_of_a_listed_country_are_taken() {
        assert_eq!(decide("+15551234567", &["US", "CA"]), Ok(()));
        assert_eq!(decide("+15551234567", &["GB"]), Err(RefusedNumber::Country));
    }

    #[test]
    fn kinds_that_cost_or_hide_are_refused() {
        for (number, country, kind) in [
            ("+19002345678", "US", NumberKind::Premium),
            ("+18002345678", "US", NumberKind::NoMobile),
            ("+447012345678", "GB", NumberKind::Personal),
            ("+445612345678", "GB", NumberKind::Voip),
            ("+491801234567", "DE", NumberKind::SharedCost),
            ("+442071838750", "GB", NumberKind::NoMobile),
        ] {
            assert_eq!(decide(number, &[country]), Err(RefusedNumber::Kind(kind)), "{number}");
        }
    }

    #[test]
    fn satellites_are_refused_whatever_the_list_says() {
        for number in ["+870773111632", "+881612345678", "+8823456789012", "+883510012345", "+979123456789"] {
            let refused = decide(number, &["US", "001", "AC"]);
            let never = matches!(refused, Err(RefusedNumber::Kind(_) | RefusedNumber::Impossible));
            assert!(never, "{number}: {refused:?}");
        }
    }

    #[test]
    fn calling_codes_of_nobody_are_refused() {
        assert!(decide("+999123456789", &["US"]).is_err());
        assert!(decide("+2101234567", &["US"]).is_err());
    }

    #[test]
    fn countries_are_those_with_numbers() {
        for code in ["US", "CA", "GB", "DE", "PR"] {
            assert!(is_country(code), "{code}");
        }
        for code in ["UK", "us", "USA", "", "001", "ZZ"] {
            assert!(!is_country(code), "{code}");
        }
    }

    #[test]
    fn prefixes_are_seven_digits() {
        let number = PhoneNumber::parse("+12125550123").unwrap();
        assert_eq!(destination(&number, &["US".to_owned()]).unwrap().prefix, "1212555");
    }
}
