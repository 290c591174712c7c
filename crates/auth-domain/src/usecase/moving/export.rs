//! What those take along who leave.

use std::{fmt, sync::Arc};

use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::TotpSecret,
    id::UserId,
    port::{Archive, Record, RecordKey, RecordKind},
    tenant::TenantId,
    usecase::{Core, Fault},
    user::User,
};

/// Gives accounts out, for another system.
#[derive(Clone)]
pub struct Exports {
    core: Arc<Core>,
}

/// An account, and the secret of its authenticator app where it was asked for.
#[derive(Clone)]
pub struct Leaver {
    /// The account.
    pub user: User,
    /// The secret; `None` where nobody asked, or it cannot be opened.
    pub totp: Option<TotpSecret>,
}

impl fmt::Debug for Leaver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Leaver").field(&self.user.id).finish()
    }
}

impl Exports {
    pub(in crate::usecase) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Notes that accounts are about to be given out, of one tenant or all, and `what` of them beside what
    /// everybody may know.
    ///
    /// # Errors
    /// [`Fault`] when the store fails; then nothing should be given out.
    pub async fn begin(&self, tenant: Option<&TenantId>, what: &[&str]) -> Result<(), Fault> {
        let all = TenantId::default();
        let tenant_of_entry = tenant.unwrap_or(&all);
        let record =
            AuditRecord::new(AuditEvent::UsersExported, tenant_of_entry, &Client::default(), self.core.now())
                .with("tenant", tenant.map_or("all", TenantId::as_str))
                .with("with", what.join(","));
        Ok(self.core.ports.store.read().await?.audit().append(&record).await?)
    }

    /// Up to `limit` accounts behind `after`, in the order of their ids, with the secrets of their apps if
    /// `with_apps`.
    ///
    /// # Errors
    /// [`Fault`] when the store fails.
    pub async fn page(
        &self,
        archive: &dyn Archive,
        after: Option<UserId>,
        limit: u32,
        with_apps: bool,
    ) -> Result<Vec<Leaver>, Fault> {
        let after = after.map(|id| RecordKey::Number(id.as_i64()));
        let records = archive.page(RecordKind::User, after, limit).await?;
        let users = records.into_iter().filter_map(|record| match record {
            Record::User(user) => Some(Leaver { user, totp: None }),
            _ => None,
        });
        let mut leavers: Vec<Leaver> = users.collect();
        if with_apps {
            self.add_apps(&mut leavers).await?;
        }
        Ok(leavers)
    }

    async fn add_apps(&self, leavers: &mut [Leaver]) -> Result<(), Fault> {
        let with_app = leavers.iter().filter(|leaver| leaver.user.factors.totp);
        let ids: Vec<UserId> = with_app.map(|leaver| leaver.user.id).collect();
        let found = self.core.ports.store.read().await?.people().find(&ids).await?;
        for arrival in found {
            let leaver = leavers.iter_mut().find(|leaver| leaver.user.id == arrival.user.id);
            if let (Some(leaver), Some(sealed)) = (leaver, &arrival.totp) {
                leaver.totp = self.core.open_totp(&arrival.user, sealed);
            }
        }
        Ok(())
    }
}
