//! Opening sessions and signing access tokens.

use chrono::{DateTime, TimeDelta, Utc};

use super::Authenticated;
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    guard::known_device::DeviceToken,
    id::SessionId,
    port::{EntropyError, KeyError, Tx},
    secret::AccessToken,
    session::{EndReason, Ended, Session, rotation::Generation},
    token::{AccessClaims, RefreshToken},
    usecase::{Core, Fault},
    user::User,
};

/// A session and the tokens that go with it.
#[derive(Debug)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// The session.
    pub session: Session,
    /// The new access token.
    pub access: AccessToken,
    /// How long the access token lives.
    pub expires_in: TimeDelta,
    /// The new refresh token.
    pub refresh: RefreshToken,
    /// The token of the device, after a login: the one that came along, or a new one.
    pub device_token: Option<DeviceToken>,
}

impl Core {
    /// Opens a session within a transaction that has locked the user; if there are too many with the
    /// `live` ones, the one longest unused ends.
    pub(in crate::usecase) async fn open_session_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        live: Vec<Session>,
        authenticated: Authenticated,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(Session, RefreshToken), Fault> {
        self.make_room_in(tx, user, live, client, now).await?;
        let session = Session::open(
            SessionId::mint(now, self.entropy())?,
            user.tenant.clone(),
            user.id,
            authenticated.into_authentication(),
            client,
            now,
            now + self.policy.session_life,
        );
        let refresh = RefreshToken::mint(self.entropy())?;
        let first = Generation { number: 0, digest: refresh.digest(), salt: [0; 16], minted_at: now };
        tx.sessions().insert(&session, &first).await?;
        Ok((session, refresh))
    }

    async fn make_room_in(
        &self,
        tx: &mut dyn Tx,
        user: &User,
        mut live: Vec<Session>,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        live.sort_by_key(|session| session.last_used_at);
        let too_many = (live.len() + 1).saturating_sub(self.policy.max_sessions);
        for session in live.iter().take(too_many) {
            tx.sessions().end(session.id, Ended { at: now, reason: EndReason::Evicted }).await?;
            let record = AuditRecord::new(AuditEvent::SessionEvicted, &user.tenant, client, now);
            tx.audit().append(&record.about(user.id).within(session.id)).await?;
        }
        Ok(())
    }

    /// Signs an access token for a session and puts the answer together.
    pub(in crate::usecase) fn issue(
        &self,
        user: User,
        session: Session,
        refresh: RefreshToken,
        now: DateTime<Utc>,
    ) -> Result<SignedIn, Fault> {
        let expires_at = (now + self.policy.access_life).min(session.expires_at);
        let claims = AccessClaims {
            subject: user.id,
            tenant: user.tenant.clone(),
            session: Some(session.id),
            id: Some(self.token_id()?),
            issued_at: Some(now),
            expires_at,
            authenticated_at: Some(session.authentication.at),
            methods: session.authentication.methods.clone(),
        };
        let access = self.sign(&claims, now)?;
        Ok(SignedIn { user, session, access, expires_in: expires_at - now, refresh, device_token: None })
    }

    fn sign(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Result<AccessToken, KeyError> {
        self.ports.signer.sign(claims, now)
    }

    /// A `jti`: 128 random bits.
    fn token_id(&self) -> Result<String, EntropyError> {
        use base64::Engine as _;
        let mut bits = [0u8; 16];
        self.entropy().fill(&mut bits)?;
        Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bits))
    }
}
