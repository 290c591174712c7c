//! Cognito's answers in the words of the port.

use std::collections::HashMap;

use auth_domain::{
    port::{
        Delivery, DeliveryMedium, IdentityKey, ProviderAccessToken, ProviderChallenge, ProviderChallengeKind,
        ProviderRefreshToken, ProviderSession, ProviderUser,
    },
    user::{Email, FullName, PhoneNumber},
};
use aws_sdk_cognitoidentityprovider::{
    operation::get_user::GetUserOutput,
    types::{
        AttributeType, AuthenticationResultType, ChallengeNameType, CodeDeliveryDetailsType,
        DeliveryMediumType,
    },
};

use crate::refusal::Failed;

/// What Cognito gave to a user who signed in.
pub(crate) struct Tokens {
    pub(crate) access: ProviderAccessToken,
    pub(crate) refresh: Option<ProviderRefreshToken>,
}

/// What an answer to a sign-in holds.
pub(crate) enum Step {
    Tokens(Tokens),
    Challenge(ProviderChallenge),
}

/// The parts of an answer to a sign-in, which two calls give.
pub(crate) struct Parts {
    pub(crate) result: Option<AuthenticationResultType>,
    pub(crate) challenge: Option<ChallengeNameType>,
    pub(crate) session: Option<String>,
    pub(crate) parameters: Option<HashMap<String, String>>,
}

/// Reads an answer to a sign-in of `username`.
pub(crate) fn step(parts: Parts, username: &str) -> Result<Step, Failed> {
    if let Some(result) = parts.result {
        return tokens(result).map(Step::Tokens);
    }
    let kind = kind(parts.challenge.as_ref())?;
    let session = parts.session.ok_or_else(|| Failed::senseless("a challenge without a session"))?;
    let mut parameters = parts.parameters.unwrap_or_default();
    Ok(Step::Challenge(ProviderChallenge {
        kind,
        session: ProviderSession::new(session),
        // The pool's own name for the user; a secret hash made of any other would not fit.
        username: parameters.remove("USER_ID_FOR_SRP").unwrap_or_else(|| username.to_owned()),
        destination: parameters.remove("CODE_DELIVERY_DESTINATION").filter(|to| !to.is_empty()),
    }))
}

fn kind(challenge: Option<&ChallengeNameType>) -> Result<ProviderChallengeKind, Failed> {
    match challenge {
        Some(ChallengeNameType::SmsMfa) => Ok(ProviderChallengeKind::SmsMfa),
        Some(ChallengeNameType::SoftwareTokenMfa) => Ok(ProviderChallengeKind::SoftwareTokenMfa),
        Some(ChallengeNameType::NewPasswordRequired) => Ok(ProviderChallengeKind::NewPasswordRequired),
        Some(other) => Err(Failed::senseless(format!("the pool demands {other}, which is not served here"))),
        None => Err(Failed::senseless("neither tokens nor a challenge")),
    }
}

/// Reads the tokens of an answer.
pub(crate) fn tokens(result: AuthenticationResultType) -> Result<Tokens, Failed> {
    let access = result.access_token.ok_or_else(|| Failed::senseless("no access token"))?;
    Ok(Tokens {
        access: ProviderAccessToken::new(access),
        refresh: result.refresh_token.map(ProviderRefreshToken::new),
    })
}

/// Reads who somebody is.
pub(crate) fn user(issuer: &str, answer: GetUserOutput) -> Result<ProviderUser, Failed> {
    let attribute = |name: &str| value(&answer.user_attributes, name);
    let email = attribute("email").and_then(|email| Email::parse(email).ok());
    Ok(ProviderUser {
        key: key(issuer, attribute("sub"))?,
        email: email.ok_or_else(|| Failed::senseless("a user without a usable address"))?,
        email_verified: attribute("email_verified") == Some("true"),
        phone: attribute("phone_number").and_then(|phone| PhoneNumber::parse(phone).ok()),
        full_name: attribute("name").and_then(|name| FullName::parse(name).ok()),
        username: answer.username,
    })
}

fn value<'a>(attributes: &'a [AttributeType], name: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.name == name)?.value.as_deref()
}

/// The key of an identity. CG-01: without a subject there is nobody.
pub(crate) fn key(issuer: &str, subject: Option<&str>) -> Result<IdentityKey, Failed> {
    IdentityKey::new(issuer, subject.unwrap_or_default()).map_err(Failed::senseless)
}

/// Where something was sent.
pub(crate) fn delivery(details: CodeDeliveryDetailsType) -> Option<Delivery> {
    let medium = match details.delivery_medium? {
        DeliveryMediumType::Email => DeliveryMedium::Email,
        DeliveryMediumType::Sms => DeliveryMedium::Sms,
        _ => return None,
    };
    Some(Delivery { medium, destination: details.destination? })
}

#[cfg(test)]
mod tests {
    use auth_domain::port::IdentityError;

    use super::*;

    fn answer(attributes: &[(&str, &str)]) -> GetUserOutput {
        let attribute = |&(name, value): &(&str, &str)| {
            AttributeType::builder().name(name).value(value).build().expect("it has a name")
        };
        let attributes = attributes.iter().map(attribute).collect();
        GetUserOutput::builder()
            .username("u1")
            .set_user_attributes(Some(attributes))
            .build()
            .expect("complete")
    }

    #[test]
    fn a_user_without_subject_or_address_is_nobody() {
        let whole = [("sub", "s1"), ("email", "Ada@Example.com"), ("phone_number", "12"), ("name", "Ada")];
        let ada = user("i", answer(&whole)).unwrap();
        assert_eq!(
            (ada.key.subject(), ada.email.as_str(), ada.username.as_str()),
            ("s1", "ada@example.com", "u1")
        );
        assert_eq!((ada.phone, ada.email_verified), (None, false));
        assert_eq!(ada.full_name, FullName::parse("Ada").ok());
        for bad in [&whole[1..], &whole[..1], &[("sub", ""), whole[1]], &[whole[0], ("email", "x")]] {
            let failed = user("i", answer(bad)).unwrap_err();
            assert!(matches!(failed.error, IdentityError::Internal(_)), "{bad:?}");
        }
    }

    #[test]
    fn only_the_word_true_verifies_an_address() {
        for (said, verified) in [("true", true), ("True", false), ("false", false), ("1", false), ("", false)]
        {
            let attributes = [("sub", "s1"), ("email", "ada@example.com"), ("email_verified", said)];
            assert_eq!(user("i", answer(&attributes)).unwrap().email_verified, verified, "{said}");
        }
    }

    #[test]
    fn what_is_not_served_is_no_sign_in() {
        let parts = |challenge: Option<&str>, session: Option<&str>| Parts {
            result: None,
            challenge: challenge.map(Into::into),
            session: session.map(Into::into),
            parameters: None,
        };
        for (challenge, session) in [
            (None, Some("s")),
            (Some("MFA_SETUP"), Some("s")),
            (Some("CUSTOM"), Some("s")),
            (Some("SMS_MFA"), None),
        ] {
            assert!(step(parts(challenge, session), "ada").is_err(), "{challenge:?}");
        }
        let empty = Parts { result: Some(AuthenticationResultType::builder().build()), ..parts(None, None) };
        assert!(step(empty, "ada").is_err());
        assert!(
            matches!(step(parts(Some("SMS_MFA"), Some("s")), "ada"), Ok(Step::Challenge(asked)) if asked.username == "ada")
        );
    }
}
