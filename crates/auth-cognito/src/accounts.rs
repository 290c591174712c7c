//! Accounts and their second factors.

use async_trait::async_trait;
use auth_domain::{
    port::{
        IdentityAccounts, IdentityError, IdentityFactors, ProviderAccessToken, ProviderCode, ProviderSignUp,
        ProviderSignedUp, SoftwareTokenSecret,
    },
    user::{Email, Password},
};
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, SoftwareTokenMfaSettingsType, VerifySoftwareTokenResponseType,
};

use crate::{
    answer::{delivery, key},
    pool::once_more_if_not_sent,
    provider::Cognito,
    refusal::{Call, Failed, failed},
};

impl Cognito {
    async fn open_account(&self, account: &ProviderSignUp) -> Result<ProviderSignedUp, Failed> {
        let (email, password) = (account.email.as_str(), account.password.expose_secret());
        let hash = self.pool.secret_hash(email);
        let named = account.full_name.as_ref().map(|name| attribute("name", name.as_str()));
        let reached = account.phone.as_ref().map(|phone| attribute("phone_number", phone.as_str()));
        let attributes = [Some(attribute("email", email)), named, reached].into_iter().flatten().collect();
        let call = self.pool.client().sign_up().client_id(self.pool.client_id());
        let call = call.set_secret_hash(hash.clone()).username(email).password(password);
        let answer = call.set_user_attributes(Some(attributes)).send().await;
        let private: Vec<&str> = [email, password].into_iter().chain(hash.as_deref()).collect();
        let answer = answer.map_err(|error| failed(Call::SignUp, &private, &error))?;
        Ok(ProviderSignedUp {
            key: key(self.pool.issuer(), Some(&answer.user_sub))?,
            confirmed: answer.user_confirmed,
            delivery: answer.code_delivery_details.and_then(delivery),
        })
    }

    async fn confirm_account(&self, email: &str, code: &str) -> Result<(), Failed> {
        let call = self.pool.client().confirm_sign_up().client_id(self.pool.client_id());
        let call = call.set_secret_hash(self.pool.secret_hash(email)).username(email).confirmation_code(code);
        call.send().await.map(drop).map_err(|error| failed(Call::Confirm, &[email, code], &error))
    }

    async fn send_code_again(&self, email: &str) -> Result<(), Failed> {
        let call = self.pool.client().resend_confirmation_code().client_id(self.pool.client_id());
        let call = call.set_secret_hash(self.pool.secret_hash(email)).username(email);
        call.send().await.map(drop).map_err(|error| failed(Call::ResendCode, &[email], &error))
    }

    async fn send_reset_code(&self, email: &str) -> Result<(), Failed> {
        let call = self.pool.client().forgot_password().client_id(self.pool.client_id());
        let call = call.set_secret_hash(self.pool.secret_hash(email)).username(email);
        call.send().await.map(drop).map_err(|error| failed(Call::ForgotPassword, &[email], &error))
    }

    async fn set_password(&self, email: &str, code: &str, password: &str) -> Result<(), Failed> {
        let call = self.pool.client().confirm_forgot_password().client_id(self.pool.client_id());
        let call = call.set_secret_hash(self.pool.secret_hash(email)).username(email);
        let answer = call.confirmation_code(code).password(password).send().await;
        let private = [email, code, password];
        answer.map(drop).map_err(|error| failed(Call::ResetPassword, &private, &error))
    }

    async fn new_app_secret(&self, token: &str) -> Result<SoftwareTokenSecret, Failed> {
        let answer = self.pool.client().associate_software_token().access_token(token).send().await;
        let answer = answer.map_err(|error| failed(Call::WithToken, &[token], &error))?;
        let secret = answer.secret_code.filter(|secret| !secret.is_empty());
        secret.map(SoftwareTokenSecret::new).ok_or_else(|| Failed::senseless("no secret for an app"))
    }

    async fn prove_app(&self, token: &str, code: &str) -> Result<(), Failed> {
        let call = self.pool.client().verify_software_token().access_token(token).user_code(code);
        let answer = call.send().await.map_err(|error| failed(Call::ActivateApp, &[token, code], &error))?;
        match answer.status {
            Some(VerifySoftwareTokenResponseType::Success) => Ok(()),
            _ => Err(Failed::refused(IdentityError::CodeMismatch)),
        }
    }

    async fn prefer_app(&self, token: &str) -> Result<(), Failed> {
        let settings = SoftwareTokenMfaSettingsType::builder().enabled(true).preferred_mfa(true).build();
        let call = self.pool.client().set_user_mfa_preference().access_token(token);
        let answer = call.software_token_mfa_settings(settings).send().await;
        answer.map(drop).map_err(|error| failed(Call::WithToken, &[token], &error))
    }
}

#[async_trait]
impl IdentityAccounts for Cognito {
    async fn sign_up(&self, account: &ProviderSignUp) -> Result<ProviderSignedUp, IdentityError> {
        self.pool.run(once_more_if_not_sent(|| self.open_account(account))).await
    }

    async fn confirm(&self, email: &Email, code: &ProviderCode) -> Result<(), IdentityError> {
        let attempt = || self.confirm_account(email.as_str(), code.expose_secret());
        self.pool.run(once_more_if_not_sent(attempt)).await
    }

    async fn resend_code(&self, email: &Email) -> Result<(), IdentityError> {
        self.pool.run(once_more_if_not_sent(|| self.send_code_again(email.as_str()))).await
    }

    async fn forgot_password(&self, email: &Email) -> Result<(), IdentityError> {
        self.pool.run(once_more_if_not_sent(|| self.send_reset_code(email.as_str()))).await
    }

    async fn reset_password(
        &self,
        email: &Email,
        code: &ProviderCode,
        password: &Password,
    ) -> Result<(), IdentityError> {
        let attempt = || self.set_password(email.as_str(), code.expose_secret(), password.expose_secret());
        self.pool.run(once_more_if_not_sent(attempt)).await
    }
}

#[async_trait]
impl IdentityFactors for Cognito {
    async fn associate_app(&self, token: &ProviderAccessToken) -> Result<SoftwareTokenSecret, IdentityError> {
        self.pool.run(once_more_if_not_sent(|| self.new_app_secret(token.expose_secret()))).await
    }

    async fn activate_app(
        &self,
        token: &ProviderAccessToken,
        code: &ProviderCode,
    ) -> Result<(), IdentityError> {
        let (token, code) = (token.expose_secret(), code.expose_secret());
        self.pool
            .run(async {
                once_more_if_not_sent(|| self.prove_app(token, code)).await?;
                once_more_if_not_sent(|| self.prefer_app(token)).await
            })
            .await
    }
}

fn attribute(name: &str, value: &str) -> AttributeType {
    let attribute = AttributeType::builder().name(name).value(value).build();
    attribute.expect("the name, which alone is required, is set")
}
