//! Accounts: made, proved, changed, closed by their owners.

mod change_email;
mod close;
mod profile;
mod register;
mod verify;

use std::sync::Arc;

pub use change_email::{ChangeEmail, ChangeEmailError};
pub use close::{CloseAccount, CloseAccountError};
pub use profile::{FieldChange, UpdateProfile};
pub use register::{Register, RegisterError};
pub use verify::VerifyEmailError;

use super::{Core, Fault};
use crate::{port::Admission, tenant::TenantId, user::Email};

/// What people do with their accounts.
#[derive(Clone)]
pub struct Accounts {
    core: Arc<Core>,
}

impl Accounts {
    pub(super) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

impl Core {
    /// Whether one more message of this sort may be asked for by or for this address. Beyond the quota nothing is
    /// sent and nothing is said.
    pub(super) async fn may_mail(&self, what: &str, tenant: &TenantId, email: &Email) -> Result<bool, Fault> {
        use base64::Engine as _;
        let key = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.lock_key(tenant, email));
        let quota = self.policy.mail_per_address;
        let admission = self.ports.limiter.admit(&format!("mail:{what}:{key}"), quota, self.now()).await?;
        Ok(admission == Admission::Admitted)
    }
}
