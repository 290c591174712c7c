//! Sign-in, and what follows it.

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{
    guard::BreakerWatch,
    port::{
        IdentityError, IdentityProvider, ProviderAccessToken, ProviderAnswer, ProviderChallenge,
        ProviderChallengeKind, ProviderLogin, ProviderRefreshToken, ProviderSignIn, ProviderUser,
    },
    user::{Email, Password},
};
use aws_sdk_cognitoidentityprovider::types::{AuthFlowType, ChallengeNameType};

use crate::{
    answer::{Parts, Step, Tokens, step, tokens, user},
    config::{CognitoConfig, CognitoConfigError},
    pool::{Pool, once_more_if_not_sent},
    refusal::{Call, Failed, failed},
};

/// Users of an AWS Cognito user pool.
///
/// Each call is tried once, within [`CognitoConfig::limit`]; once more only when there was no connection.
/// After several failures in a row it rests and answers at once.
#[derive(Debug)]
pub struct Cognito {
    pub(crate) pool: Pool,
}

impl Cognito {
    /// Prepares the calls. Connects when the first is due.
    ///
    /// # Errors
    /// [`CognitoConfigError`] when the configuration cannot work.
    pub fn new(config: CognitoConfig) -> Result<Self, CognitoConfigError> {
        Pool::new(config).map(|pool| Self { pool })
    }

    /// The same, with somebody who is told when it begins to rest, and when Cognito answers again.
    #[must_use]
    pub fn watched_by(self, watch: Arc<dyn BreakerWatch>) -> Self {
        Self { pool: self.pool.watched_by(watch) }
    }

    async fn initiate(
        &self,
        flow: &AuthFlowType,
        username: &str,
        secrets: &[(&str, &str)],
    ) -> Result<Parts, Failed> {
        let hash = self.pool.secret_hash(username);
        let mut auth =
            self.pool.client().initiate_auth().client_id(self.pool.client_id()).auth_flow(flow.clone());
        for (name, value) in secrets.iter().copied().chain(hash.as_deref().map(|hash| ("SECRET_HASH", hash)))
        {
            auth = auth.auth_parameters(name, value);
        }
        let renewal = *flow == AuthFlowType::RefreshTokenAuth;
        let call = if renewal { Call::WithToken } else { Call::SignIn };
        let private: Vec<&str> = secrets.iter().map(|(_, value)| *value).chain(hash.as_deref()).collect();
        let answer = auth.send().await.map_err(|error| failed(call, &private, &error))?;
        Ok(Parts {
            result: answer.authentication_result,
            challenge: answer.challenge_name,
            session: answer.session,
            parameters: answer.challenge_parameters,
        })
    }

    async fn respond(&self, challenge: &ProviderChallenge, answer: &ProviderAnswer) -> Result<Parts, Failed> {
        let (name, field, value) = response(challenge.kind, answer)?;
        let session = challenge.session.expose_secret();
        let hash = self.pool.secret_hash(&challenge.username);
        let mut reply = self
            .pool
            .client()
            .respond_to_auth_challenge()
            .client_id(self.pool.client_id())
            .challenge_name(name)
            .session(session)
            .challenge_responses("USERNAME", &challenge.username)
            .challenge_responses(field, value);
        if let Some(hash) = &hash {
            reply = reply.challenge_responses("SECRET_HASH", hash);
        }
        let private: Vec<&str> = [value, session].into_iter().chain(hash.as_deref()).collect();
        let answer = reply.send().await.map_err(|error| failed(Call::Answer, &private, &error))?;
        Ok(Parts {
            result: answer.authentication_result,
            challenge: answer.challenge_name,
            session: answer.session,
            parameters: answer.challenge_parameters,
        })
    }

    /// Ends a step of a sign-in: the pool is asked who it was, because the tokens are not for us to read.
    async fn finish(&self, parts: Parts, username: &str) -> Result<ProviderSignIn, Failed> {
        let Tokens { access, refresh } = match step(parts, username)? {
            Step::Tokens(tokens) => tokens,
            Step::Challenge(challenge) => return Ok(ProviderSignIn::Challenge(challenge)),
        };
        let refresh = refresh.ok_or_else(|| Failed::senseless("no refresh token"))?;
        let user = once_more_if_not_sent(|| self.ask_user(&access)).await?;
        Ok(ProviderSignIn::Done(Box::new(ProviderLogin { user, access, refresh })))
    }

    async fn ask_user(&self, token: &ProviderAccessToken) -> Result<ProviderUser, Failed> {
        let token = token.expose_secret();
        let answer = self.pool.client().get_user().access_token(token).send().await;
        user(self.pool.issuer(), answer.map_err(|error| failed(Call::WithToken, &[token], &error))?)
    }
}

#[async_trait]
impl IdentityProvider for Cognito {
    async fn sign_in(&self, email: &Email, password: &Password) -> Result<ProviderSignIn, IdentityError> {
        let username = email.as_str();
        let secrets = [("USERNAME", username), ("PASSWORD", password.expose_secret())];
        let flow = AuthFlowType::UserPasswordAuth;
        self.pool
            .run(async {
                let parts = once_more_if_not_sent(|| self.initiate(&flow, username, &secrets)).await?;
                self.finish(parts, username).await
            })
            .await
    }

    async fn answer(
        &self,
        challenge: &ProviderChallenge,
        answer: &ProviderAnswer,
    ) -> Result<ProviderSignIn, IdentityError> {
        self.pool
            .run(async {
                let parts = once_more_if_not_sent(|| self.respond(challenge, answer)).await?;
                self.finish(parts, &challenge.username).await
            })
            .await
    }

    async fn refresh(
        &self,
        username: &str,
        token: &ProviderRefreshToken,
    ) -> Result<ProviderAccessToken, IdentityError> {
        let secrets = [("REFRESH_TOKEN", token.expose_secret())];
        let flow = AuthFlowType::RefreshTokenAuth;
        self.pool
            .run(async {
                let parts = once_more_if_not_sent(|| self.initiate(&flow, username, &secrets)).await?;
                let result = parts.result.ok_or_else(|| Failed::senseless("no token for a refresh"))?;
                tokens(result).map(|tokens| tokens.access)
            })
            .await
    }

    async fn user(&self, token: &ProviderAccessToken) -> Result<ProviderUser, IdentityError> {
        self.pool.run(once_more_if_not_sent(|| self.ask_user(token))).await
    }

    async fn sign_out(&self, token: &ProviderAccessToken) -> Result<(), IdentityError> {
        let token = token.expose_secret();
        let attempt = || async {
            let answer = self.pool.client().global_sign_out().access_token(token).send().await;
            answer.map(drop).map_err(|error| failed(Call::WithToken, &[token], &error))
        };
        self.pool.run(once_more_if_not_sent(attempt)).await
    }
}

/// The challenge's name, the name of its answer, and the answer.
fn response(
    kind: ProviderChallengeKind,
    answer: &ProviderAnswer,
) -> Result<(ChallengeNameType, &'static str, &str), Failed> {
    match (kind, answer) {
        (ProviderChallengeKind::SmsMfa, ProviderAnswer::Code(code)) => {
            Ok((ChallengeNameType::SmsMfa, "SMS_MFA_CODE", code.expose_secret()))
        }
        (ProviderChallengeKind::SoftwareTokenMfa, ProviderAnswer::Code(code)) => {
            Ok((ChallengeNameType::SoftwareTokenMfa, "SOFTWARE_TOKEN_MFA_CODE", code.expose_secret()))
        }
        (ProviderChallengeKind::NewPasswordRequired, ProviderAnswer::NewPassword(password)) => {
            Ok((ChallengeNameType::NewPasswordRequired, "NEW_PASSWORD", password.expose_secret()))
        }
        _ => Err(Failed::senseless("the answer is not of the kind that was asked for")),
    }
}
