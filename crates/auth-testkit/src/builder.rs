//! Entities for tests, complete with sensible defaults.
//!
//! Each takes a small number that makes it unlike the others, and `now`. Change what matters in a test
//! and leave the rest:
//!
//! ```
//! use auth_testkit::builder;
//!
//! let now = builder::noon();
//! let mut ada = builder::user(1, now);
//! ada.email_verified = false;
//! let session = builder::session(7, &ada, now);
//! assert!(session.is_live(now));
//! ```

use std::net::{IpAddr, Ipv4Addr};

use auth_domain::{
    api_key::{ApiKey, ApiKeyName, KeyPrefix, Scope},
    audit::{AuditEvent, AuditKey, AuditRecord, ChainHead, Checkpoint, CheckpointKind, Signature},
    client::{Client, UserAgent},
    factor::{Enrolment, Fingerprint, SmsFactor, TrustedDevice},
    guard::{
        known_device::{KnownDevice, KnownDevicePolicy},
        lockout::LockState,
    },
    id::{ApiKeyId, DeviceId, IdentityId, OutboxId, SessionId, UserId},
    outbox::{Intent, OutboxItem},
    port::{IdentityKey, PendingTotp},
    secret::{Digest, Sealed},
    session::{Authentication, EndReason, Ended, Session, rotation::Generation},
    tenant::TenantId,
    token::{AuthMethod, JwtAlgorithm, KeyId, Link, LinkPurpose, SigningKey},
    user::{Credential, Email, FullName, LinkedIdentity, PasswordHash, PhoneNumber, User},
};
use chrono::{DateTime, TimeDelta, Utc};

/// A fixed moment: noon of 1 July 2026, UTC.
pub fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_782_907_200, 0).expect("the number is in range")
}

/// An address.
pub fn email(text: &str) -> Email {
    Email::parse(text).expect("the test gives a valid address")
}

/// A telephone number that nobody has.
pub fn phone(number: u8) -> PhoneNumber {
    PhoneNumber::parse(&format!("+12125550{number:03}")).expect("it is in E.164 form")
}

/// A caller on the documentation network.
pub fn client() -> Client {
    Client {
        ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        user_agent: UserAgent::new("Mozilla/5.0 (X11; Linux x86_64)"),
        request_id: Some("req-1".to_owned()),
    }
}

/// An active account `user<number>@example.com` of the default tenant, its address proved, with a
/// password hash that no password fits.
pub fn user(number: i64, now: DateTime<Utc>) -> User {
    let mut user = User::register(
        UserId::from_i64(number),
        TenantId::default(),
        email(&format!("user{number}@example.com")),
        Some(FullName::parse("Ada Lovelace").expect("it is a short name")),
        Credential::permanent(PasswordHash::new("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$bm90IGEgaGFzaA")),
        now,
    );
    user.verify_email(now);
    user
}

/// A session of `user`, opened now, good for 30 days.
pub fn session(number: i64, user: &User, now: DateTime<Utc>) -> Session {
    Session::open(
        SessionId::from_i64(number),
        user.tenant.clone(),
        user.id,
        Authentication { at: now, methods: vec![AuthMethod::Password], second_factor_at: None },
        &client(),
        now,
        now + TimeDelta::days(30),
    )
}

/// Token `number` of a session's chain; the same arguments give the same digest.
pub fn generation(session: SessionId, number: u32, now: DateTime<Utc>) -> Generation {
    generation_of(session, number, 0, now)
}

/// Token `number` of a session's chain as the caller `attempt` would have made it: callers in a race
/// hold different tokens for one place.
pub fn generation_of(session: SessionId, number: u32, attempt: u32, now: DateTime<Utc>) -> Generation {
    let digest = Digest::of(format!("refresh token {session}/{number}/{attempt}").as_bytes());
    let mut salt = [0; 16];
    salt.copy_from_slice(&digest.as_bytes()[..16]);
    Generation { number, digest, salt, minted_at: now }
}

/// The end of a session.
pub const fn ended(reason: EndReason, at: DateTime<Utc>) -> Ended {
    Ended { at, reason }
}

/// A link of `purpose`, mailed to the user now; `number` makes its digest.
pub fn link(number: u32, purpose: LinkPurpose, user: &User, now: DateTime<Utc>) -> Link {
    Link {
        digest: Digest::of(format!("link {number}").as_bytes()),
        tenant: user.tenant.clone(),
        user: user.id,
        purpose,
        email: user.email.clone(),
        created_at: now,
        expires_at: now + purpose.life(),
    }
}

/// All factors: an app, codes by mail, and a number that works while another waits for its proof.
pub fn enrolment() -> Enrolment {
    let sms = SmsFactor { enabled: true, number: Some(phone(100)), pending: Some(phone(101)) };
    Enrolment { totp: true, sms, email: true }
}

/// The secret of an app, shown now and waiting for its first code. It was never really sealed.
pub fn pending_totp(number: u32, now: DateTime<Utc>) -> PendingTotp {
    PendingTotp { secret: Sealed::from_bytes(format!("sealed app {number}").into_bytes()), since: now }
}

/// The digest of a recovery code.
pub fn recovery_code(number: u32) -> Digest {
    Digest::of(format!("recovery code {number}").as_bytes())
}

/// A device of `user` that proved a code of an app now, good for five minutes; `number` makes its id and
/// its fingerprint.
pub fn device(number: i64, user: UserId, now: DateTime<Utc>) -> TrustedDevice {
    let client = client();
    TrustedDevice {
        id: DeviceId::from_i64(number),
        user,
        fingerprint: Fingerprint::from_digest(Digest::of(format!("device {number}").as_bytes())),
        method: AuthMethod::Totp,
        ip: client.ip,
        user_agent: client.user_agent,
        platform: Some("web".to_owned()),
        verified_at: now,
        expires_at: now + TimeDelta::minutes(5),
    }
}

/// Whom `issuer` calls `subject`.
pub fn identity_key(issuer: &str, subject: &str) -> IdentityKey {
    IdentityKey::new(issuer, subject).expect("the test gives visible ASCII")
}

/// The account of a provider that opens the account of `user`, linked and proved now; `number` makes its
/// id and its subject. Its grant was never really sealed.
pub fn identity(number: i64, user: UserId, now: DateTime<Utc>) -> LinkedIdentity {
    let key = identity_key("https://pool.example.com/1", &format!("subject-{number}"));
    LinkedIdentity {
        grant: Some(Sealed::from_bytes(format!("sealed grant {number}").into_bytes())),
        ..LinkedIdentity::new(IdentityId::from_i64(number), user, key, now)
    }
}

/// A key of `user` for both things a person's key can be good for, made now; `number` makes its id and its
/// digest.
pub fn personal_key(number: i64, user: UserId, now: DateTime<Utc>) -> ApiKey {
    ApiKey {
        person: Some(user),
        made_by: user,
        scopes: [Scope::ProfileRead, Scope::ActivityRead].into_iter().collect(),
        ..service_key(number, now)
    }
}

/// A key of a service of the default tenant, made now; `number` makes its id and its digest.
pub fn service_key(number: i64, now: DateTime<Utc>) -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_i64(number),
        tenant: TenantId::default(),
        person: None,
        made_by: UserId::from_i64(1),
        name: ApiKeyName::parse(&format!("key {number}")).expect("a name"),
        prefix: KeyPrefix::parse("ak_12345678").expect("the shape of a prefix"),
        digest: Digest::of(format!("api key {number}").as_bytes()),
        scopes: [Scope::TokensIntrospect].into_iter().collect(),
        created_at: now,
        expires_at: now + auth_domain::api_key::DEFAULT_LIFE,
        last_used_at: None,
        revoked_at: None,
    }
}

/// A device that `user` signed in from now; `number` makes its digest.
pub fn known_device(number: i64, user: UserId, now: DateTime<Utc>) -> KnownDevice {
    KnownDevice {
        digest: Digest::of(format!("known device {number}").as_bytes()),
        user,
        created_at: now,
        last_used_at: now,
        expires_at: now + KnownDevicePolicy::default().life,
        failures: 0,
        recent_failures: 0,
        last_attempt_at: None,
    }
}

/// The key of a failure count.
pub const fn lock_key(number: u8) -> [u8; 32] {
    [number; 32]
}

/// `failures` failures, the last one now, not locked.
pub const fn lock_state(failures: u32, now: DateTime<Utc>) -> LockState {
    LockState { failures, locked_until: None, last_attempt_at: now }
}

/// A key that was made now and signs from now on. Its halves are no real keys.
pub fn signing_key(name: &str, now: DateTime<Utc>) -> SigningKey {
    SigningKey {
        id: KeyId::new(name.to_owned()),
        algorithm: JwtAlgorithm::EdDsa,
        private: Sealed::from_bytes(b"sealed".to_vec()),
        public_jwk: r#"{"kty":"OKP","crv":"Ed25519"}"#.to_owned(),
        created_at: now,
        activates_at: now,
        retires_at: None,
    }
}

/// An entry of the default tenant about `event`, from [`client`].
pub fn audit(event: AuditEvent, now: DateTime<Utc>) -> AuditRecord {
    AuditRecord::new(event, &TenantId::default(), &client(), now)
}

/// A checkpoint with a signature that nobody believes.
pub fn checkpoint(number: i64, kind: CheckpointKind, head: ChainHead, at: DateTime<Utc>) -> Checkpoint {
    let (key, signature) = (AuditKey::from_bytes([5; 32]), Signature::from_bytes([6; 64]));
    Checkpoint { number, kind, head, at, key, signature }
}

/// A message to be sent now.
pub fn outbox_item(number: i64, now: DateTime<Utc>) -> OutboxItem {
    OutboxItem::new(
        OutboxId::from_i64(number),
        TenantId::default(),
        Some(UserId::from_i64(1)),
        Intent::VerifyEmail,
        client(),
        now,
    )
}
