//! What a `User-Agent` says about the device, in words a person recognises in the list of sessions.

use serde::Serialize;
use utoipa::ToSchema;

/// A device as the list of sessions shows it. Only a hint: every client writes its own `User-Agent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Device {
    /// A label for people, such as `Firefox on Linux`.
    #[schema(example = "Firefox on Linux")]
    pub name: String,
    /// The operating system, if the client names one we know.
    pub os: Option<String>,
    /// The browser, if the client names one we know.
    pub browser: Option<String>,
}

impl Device {
    /// Reads a `User-Agent`.
    pub fn from_user_agent(text: Option<&str>) -> Self {
        let parsed = text.and_then(|text| woothee::parser::Parser::new().parse(text));
        let known = |word: &str| (!word.is_empty() && word != "UNKNOWN").then(|| word.to_owned());
        let browser = parsed.as_ref().and_then(|result| known(result.name));
        let os = parsed.as_ref().and_then(|result| known(result.os));
        let name = match (&browser, &os) {
            (Some(browser), Some(os)) => format!("{browser} on {os}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => "Unknown device".to_owned(),
        };
        Self { name, os, browser }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_it_knows() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let table = [
            (Some(firefox), "Firefox on Linux"),
            (Some("curl/8.5.0"), "HTTP Library"),
            (Some("\u{1f980}"), "Unknown device"),
            (Some(""), "Unknown device"),
            (None, "Unknown device"),
        ];
        for (text, name) in table {
            assert_eq!(Device::from_user_agent(text).name, name, "{text:?}");
        }
    }
}
