//! Finding, linking or making the account of somebody for whom the provider vouches.

use chrono::{DateTime, Utc};

use super::grant::Grant;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    factor::Enrolment,
    id::{IdentityId, UserId},
    outbox::Intent,
    port::{
        ExistingAccount, ExistingLink, HashError, IdentityKey, ProviderLogin, StoreError, Tx, Verification,
    },
    session::{EndReason, Ended, Session},
    tenant::TenantId,
    token::{AuthMethod, LinkPurpose},
    usecase::{Core, Fault, login::fingerprint},
    user::{Credential, LinkedIdentity, Password, PasswordHash, Roles, User, UserStatus},
};

/// What the provider vouches for, and to whom.
pub(in crate::usecase) struct Vouched<'a> {
    pub(in crate::usecase) tenant: &'a TenantId,
    pub(in crate::usecase) client: &'a Client,
    pub(in crate::usecase) login: &'a ProviderLogin,
    /// The hash of the password, where it is to become one of this server.
    pub(in crate::usecase) hash: Option<&'a PasswordHash>,
}

impl Vouched<'_> {
    fn record(&self, event: AuditEvent, now: DateTime<Utc>) -> AuditRecord {
        AuditRecord::new(event, self.tenant, self.client, now)
    }
}

/// The account that is opened, locked, with its live sessions. Not saved yet.
pub(in crate::usecase) struct Admission {
    pub(in crate::usecase) user: User,
    pub(in crate::usecase) live: Vec<Session>,
}

/// Why the provider's word opens no account. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::usecase) enum NotAdmitted {
    /// The provider does not say that the address is theirs.
    Unverified,
    /// The account may not be used.
    NotActive(UserId),
    /// The identity is linked to an account of another tenant.
    OtherTenant(UserId),
    /// The account of that address is linked to somebody else at the provider.
    LinkedToAnother(UserId),
    /// The account of that address has a role: it is linked on purpose only.
    HasRole(UserId),
}

impl NotAdmitted {
    pub(in crate::usecase) const fn user(self) -> Option<UserId> {
        match self {
            Self::Unverified => None,
            Self::NotActive(user)
            | Self::OtherTenant(user)
            | Self::LinkedToAnother(user)
            | Self::HasRole(user) => Some(user),
        }
    }

    pub(in crate::usecase) const fn reason(self) -> &'static str {
        match self {
            Self::Unverified => "email_not_verified",
            Self::NotActive(_) => "account_not_active",
            Self::OtherTenant(_) => "other_tenant",
            Self::LinkedToAnother(_) => "linked_to_another",
            Self::HasRole(_) => "account_has_role",
        }
    }

    pub(in crate::usecase) const fn event(self) -> AuditEvent {
        match self {
            Self::NotActive(_) => AuditEvent::LoginFailed,
            _ => AuditEvent::IdentityRefused,
        }
    }
}

/// An account, and how it came to be opened to the identity.
struct Found {
    user: User,
    live: Vec<Session>,
    how: How,
}

enum How {
    Linked(LinkedIdentity),
    /// To be linked; the owner is told, unless the account was made for them just now.
    New(Option<Intent>),
}

impl Core {
    /// Finds the account of an identity; links or makes one at its first login. An address counts only
    /// then, and only if the provider says that it is proved.
    pub(in crate::usecase) async fn admit_in(
        &self,
        tx: &mut dyn Tx,
        vouched: &Vouched<'_>,
        now: DateTime<Utc>,
    ) -> Result<Result<Admission, NotAdmitted>, Fault> {
        let key = &vouched.login.user.key;
        let found = match tx.identities().by_key(key).await? {
            Some(identity) => linked_in(tx, identity, vouched.tenant, now).await?,
            None if !vouched.login.user.email_verified => Err(NotAdmitted::Unverified),
            None => self.first_time_in(tx, vouched, now).await?,
        };
        let Found { mut user, live, how } = match found {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        let (mut identity, new) = match how {
            How::Linked(identity) => (identity, None),
            How::New(notice) => {
                let id = IdentityId::mint(now, self.entropy())?;
                (LinkedIdentity::new(id, user.id, key.clone(), now), Some(notice))
            }
        };
        self.renew(&mut identity, vouched.login, now)?;
        migrate_in(tx, vouched, &mut user, &mut identity, now).await?;
        match new {
            None => renewed_in(tx, &identity).await?,
            Some(notice) => self.link_in(tx, vouched, &user, &identity, notice, now).await?,
        }
        Ok(Ok(Admission { user, live }))
    }

    /// Notes that the provider was told the right password just now.
    pub(super) fn renew(
        &self,
        identity: &mut LinkedIdentity,
        login: &ProviderLogin,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        identity.proved_at = now;
        identity.checked_at = now;
        identity.grant = Some(Grant::of(login).seal(identity.id, &*self.ports.secret_box)?);
        Ok(())
    }

    async fn first_time_in(
        &self,
        tx: &mut dyn Tx,
        vouched: &Vouched<'_>,
        now: DateTime<Utc>,
    ) -> Result<Result<Found, NotAdmitted>, Fault> {
        let email = &vouched.login.user.email;
        match tx.users().by_email(vouched.tenant, email).await? {
            Some(known) => adopt_in(tx, vouched, known.id, now).await,
            None => Ok(Ok(self.make_in(tx, vouched, now).await?)),
        }
    }

    async fn make_in(
        &self,
        tx: &mut dyn Tx,
        vouched: &Vouched<'_>,
        now: DateTime<Utc>,
    ) -> Result<Found, Fault> {
        let known = &vouched.login.user;
        let id = UserId::mint(now, self.entropy())?;
        let (tenant, email) = (vouched.tenant.clone(), known.email.clone());
        let user = User::vouched(id, tenant, email, known.full_name.clone(), now);
        if let Err(ExistingAccount) = tx.users().insert(&user).await? {
            return Err(met_another());
        }
        let record = vouched.record(AuditEvent::Registered, now).by(id);
        tx.audit().append(&record.with("provider", AuthMethod::Cognito.as_str())).await?;
        Ok(Found { user, live: Vec::new(), how: How::New(None) })
    }

    pub(super) async fn link_in(
        &self,
        tx: &mut dyn Tx,
        vouched: &Vouched<'_>,
        user: &User,
        identity: &LinkedIdentity,
        notice: Option<Intent>,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        if let Err(ExistingLink) = tx.identities().link(identity).await? {
            return Err(met_another());
        }
        let record = vouched.record(AuditEvent::IdentityLinked, now).by(user.id);
        tx.audit().append(&record.with("identity", identity.id.to_string())).await?;
        if let Some(notice) = notice {
            tx.outbox().put(&self.letter_to(user, notice, vouched.client, now)?).await?;
        }
        Ok(())
    }

    /// Whether the password that the provider took is that of the account already, or the account has one
    /// of its owner's own: then there is nothing to hash.
    pub(in crate::usecase) async fn keeps_its_password(
        &self,
        key: &IdentityKey,
        password: &Password,
    ) -> Result<bool, Fault> {
        let mut repos = self.ports.store.read().await?;
        let Some(identity) = repos.identities().by_key(key).await? else { return Ok(false) };
        let user = repos.users().by_id(identity.user).await?;
        drop(repos); // hashing takes a while
        let Some(credential) = user.and_then(|user| user.credential) else { return Ok(false) };
        if identity.migrated != Some(fingerprint(Some(&credential))) {
            return Ok(true);
        }
        match self.ports.hasher.verify(password, Some(credential.hash)).await {
            Ok(verification) => Ok(verification != Verification::Mismatch),
            // Nobody knows; a later login sees to it.
            Err(HashError::Overloaded { .. } | HashError::Abandoned) => Ok(true),
            // Nobody can use it, so there is nothing to keep.
            Err(error) if error.is_about_the_hash() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Another transaction was faster. Run again, this one finds what that one made.
const fn met_another() -> Fault {
    Fault::Store(StoreError::Conflict)
}

async fn renewed_in(tx: &mut dyn Tx, identity: &LinkedIdentity) -> Result<(), Fault> {
    if tx.identities().save(identity).await? { Ok(()) } else { Err(met_another()) }
}

async fn linked_in(
    tx: &mut dyn Tx,
    identity: LinkedIdentity,
    tenant: &TenantId,
    now: DateTime<Utc>,
) -> Result<Result<Found, NotAdmitted>, Fault> {
    let id = identity.user;
    let Some((user, live)) = tx.users().lock_with_live_sessions(id, now).await? else {
        return Ok(Err(NotAdmitted::NotActive(id)));
    };
    Ok(if user.tenant != *tenant {
        Err(NotAdmitted::OtherTenant(id))
    } else if !user.is_active() {
        Err(NotAdmitted::NotActive(id))
    } else {
        Ok(Found { user, live, how: How::Linked(identity) })
    })
}

/// Opens an account that was there before to the proved owner of its address. Not one with a role: proof of
/// a mailbox is too little for that.
async fn adopt_in(
    tx: &mut dyn Tx,
    vouched: &Vouched<'_>,
    id: UserId,
    now: DateTime<Utc>,
) -> Result<Result<Found, NotAdmitted>, Fault> {
    let Some((mut user, live)) = tx.users().lock_with_live_sessions(id, now).await? else {
        return Err(met_another());
    };
    if user.email != vouched.login.user.email {
        return Err(met_another());
    }
    let issuer = vouched.login.user.key.issuer();
    if tx.identities().of_user(id).await?.iter().any(|identity| identity.key.issuer() == issuer) {
        return Ok(Err(NotAdmitted::LinkedToAnother(id)));
    }
    let waits = user.status == UserStatus::Pending && !user.email_verified;
    if !user.is_active() && !waits {
        return Ok(Err(NotAdmitted::NotActive(id)));
    }
    if user.roles != Roles::default() {
        return Ok(Err(NotAdmitted::HasRole(id)));
    }
    if user.email_verified {
        return Ok(Ok(Found { user, live, how: How::New(Some(Intent::IdentityLinkedNotice)) }));
    }
    claim_in(tx, &mut user, now).await?;
    Ok(Ok(Found { user, live: Vec::new(), how: How::New(Some(Intent::AccountClaimedNotice)) }))
}

/// Nobody had proved the address before: whatever opens the account may be a stranger's, who waited for
/// its owner to come by.
async fn claim_in(tx: &mut dyn Tx, user: &mut User, now: DateTime<Utc>) -> Result<(), Fault> {
    user.credential = None;
    user.factors = Enrolment::default();
    user.verify_email(now);
    tx.factors().remove_totp(user.id).await?;
    tx.factors().replace_recovery_codes(user.id, &[], now).await?;
    tx.devices().forget_all(user.id, now).await?;
    tx.known_devices().forget_all(user.id).await?;
    for purpose in LinkPurpose::ALL {
        tx.links().withdraw(user.id, purpose).await?;
    }
    let ended = Ended { at: now, reason: EndReason::PasswordChanged };
    tx.sessions().end_all(user.id, None, ended).await?;
    tx.api_keys().revoke_all(user.id, now).await?;
    Ok(())
}

/// Makes the password that the provider took one of the account, unless its owner chose another one here.
async fn migrate_in(
    tx: &mut dyn Tx,
    vouched: &Vouched<'_>,
    user: &mut User,
    identity: &mut LinkedIdentity,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let Some(hash) = vouched.hash else { return Ok(()) };
    let present = user.credential.as_ref();
    if present.is_some() && identity.migrated != Some(fingerprint(present)) {
        return Ok(());
    }
    if present.is_some() {
        tx.known_devices().forget_all(user.id).await?; // with the password they belong to
    }
    user.set_credential(Credential::permanent(hash.clone()), now);
    identity.migrated = Some(fingerprint(user.credential.as_ref()));
    let record = vouched.record(AuditEvent::PasswordMigrated, now).by(user.id);
    Ok(tx.audit().append(&record).await?)
}
