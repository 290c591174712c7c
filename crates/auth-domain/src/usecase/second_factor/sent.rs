//! Codes that were sent, on their way back.

use super::{NoCode, SecondFactor, Stage};
use crate::{
    client::Client,
    factor::{FactorKind, OneTimeCode},
    port::{CodePurpose, CodeSlot, Redemption},
    token::AuthMethod,
    usecase::{Core, Fault, proof::ProofError, transaction::transaction},
    user::User,
};

impl Core {
    /// Proves that a code sent to `address` came back, whatever factors the account has.
    pub(in crate::usecase) async fn prove_sent_code(
        &self,
        user: &User,
        slot: CodeSlot,
        address: &str,
        typed: &str,
        client: &Client,
    ) -> Result<Result<SecondFactor, NoCode>, ProofError> {
        let attempt = transaction!(self, tx => self.reserve_code_in(tx, user, Stage::SignedIn, client))?
            .map_err(ProofError::Locked)?;
        let method = match slot.purpose {
            CodePurpose::SmsLogin | CodePurpose::SmsSetup => AuthMethod::Sms,
            CodePurpose::EmailLogin | CodePurpose::EmailSetup => AuthMethod::Email,
        };
        let redeemed = match self.redeem(user, slot, address, typed).await {
            Ok(redeemed) => redeemed,
            Err(fault) => {
                self.refund_attempt(attempt).await?;
                return Err(fault.into());
            }
        };
        if redeemed == Redemption::Absent {
            // Nothing was compared: a code that came too late is no guess.
            self.refund_attempt(attempt).await?;
            return Ok(Err(NoCode));
        }
        let method = (redeemed == Redemption::Accepted).then_some(method);
        self.judge_attempt(user, attempt, method, Stage::SignedIn, client).await.map(Ok)
    }

    /// Uses up the code of whichever active factor it belongs to.
    pub(super) async fn redeem_any(
        &self,
        user: &User,
        typed: &str,
        stage: Stage,
    ) -> Result<Option<AuthMethod>, Fault> {
        if let Some(number) = user.factors.sms.active_number() {
            let slot = CodeSlot { purpose: stage.sms(), user: user.id };
            if self.redeem(user, slot, number.as_str(), typed).await? == Redemption::Accepted {
                return Ok(Some(AuthMethod::Sms));
            }
        }
        if user.factors.is_active(FactorKind::Email) {
            let slot = CodeSlot { purpose: stage.email(), user: user.id };
            if self.redeem(user, slot, user.email.as_str(), typed).await? == Redemption::Accepted {
                return Ok(Some(AuthMethod::Email));
            }
        }
        Ok(None)
    }

    async fn redeem(
        &self,
        user: &User,
        slot: CodeSlot,
        address: &str,
        typed: &str,
    ) -> Result<Redemption, Fault> {
        let Some(code) = OneTimeCode::parse(typed) else { return Ok(Redemption::Wrong { tries_left: 0 }) };
        let mac = code.mac(slot, &user.tenant, address, &*self.ports.keyed_hash);
        Ok(self.ports.codes.redeem(slot, &mac, self.now()).await?)
    }
}
