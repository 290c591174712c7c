//! Second factors of people who are signed in: set up, prove, switch off.

mod change;
mod devices;
mod email;
mod error;
mod recovery;
mod sms;
mod switch_off;
mod totp;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub(super) use change::has_second_factor;
pub use change::{ChangeProof, FactorChange};
pub use error::FactorError;
pub use recovery::RecoveryCodes;
pub use totp::TotpSetup;

use super::{Caller, Core, Fault};
use crate::{
    factor::{Enrolment, GracePeriod},
    user::User,
};

/// Second factors of people who are signed in.
#[derive(Clone)]
pub struct Factors {
    core: Arc<Core>,
}

/// The second factors of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorStatus {
    /// Which there are.
    pub factors: Enrolment,
    /// How many recovery codes are left.
    pub recovery_codes_left: u32,
}

impl Factors {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The second factors of the caller.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn status(&self, caller: &Caller) -> Result<FactorStatus, Fault> {
        let user = &caller.user;
        let mut repos = self.core.ports.store.read().await?;
        let recovery_codes_left = repos.factors().recovery_codes_left(user.id).await?;
        Ok(FactorStatus { factors: user.factors.clone(), recovery_codes_left })
    }

    /// How long an account may do without a second factor.
    pub fn grace_period(&self, user: &User, now: DateTime<Utc>) -> GracePeriod {
        GracePeriod::of(user, &self.core.policy.mfa, now)
    }
}
