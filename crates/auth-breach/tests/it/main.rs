//! Breached passwords, against a server that speaks the range API and against files.

mod file;
mod range;
mod tls;

use std::{error::Error as _, sync::Arc};

use async_trait::async_trait;
use auth_breach::BreachSources;
use auth_domain::{
    port::{BreachError, BreachedPasswords},
    user::Password,
};

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// What an error says, to its last cause.
fn chain(error: &BreachError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Answers always the same.
struct Fixed(Option<bool>);

#[async_trait]
impl BreachedPasswords for Fixed {
    async fn contains(&self, _: &Password) -> Result<bool, BreachError> {
        self.0.ok_or_else(|| BreachError("away".into()))
    }
}

#[tokio::test]
async fn of_several_sources_one_that_knows_is_enough() {
    let ask = async |answers: &[Option<bool>]| {
        let sources = answers.iter().map(|&answer| Arc::new(Fixed(answer)) as _).collect();
        BreachSources::of(sources).unwrap().contains(&password("x")).await.ok()
    };
    assert_eq!(ask(&[Some(false), Some(true)]).await, Some(true));
    assert_eq!(ask(&[None, Some(true)]).await, Some(true), "one that is away does not hide another");
    assert_eq!(ask(&[Some(false), None]).await, None, "and is not forgotten");
    assert_eq!(ask(&[None, Some(false)]).await, None);
    assert_eq!(ask(&[Some(false), Some(false)]).await, Some(false));
    assert!(BreachSources::of(Vec::new()).is_none());
}
