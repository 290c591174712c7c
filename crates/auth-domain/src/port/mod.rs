//! Ports: what the domain asks of the outside.
//!
//! Each trait is object-safe, `Send + Sync`, about one concern, and has one concrete error. Duties of
//! an implementor are *must* sentences; `auth-testkit` has a contract case for each.

mod archive;
mod breach;
mod challenges;
mod checkpoints;
mod cipher;
mod clock;
mod codes;
mod entropy;
mod hasher;
mod identity;
mod limiter;
mod mailbox;
mod mailer;
mod moving;
mod outside_keys;
mod sms;
mod store;
mod tokens;
mod totp;

pub use archive::{Archive, Fate, Record, RecordKey, RecordKind, StoredRecoveryCode};
pub use breach::{BreachError, BreachedPasswords};
pub use challenges::{ChallengeStore, ChallengeStoreError, PayloadTooLong, StoredChallenge};
pub use checkpoints::{CheckpointSigner, CheckpointVerifier};
pub use cipher::{BoxError, KeyPurpose, KeyedHash, SecretBox};
pub use clock::Clock;
pub use codes::{CodeMac, CodePurpose, CodeSlot, CodeStore, CodeStoreError, Redemption, StoredCode};
pub use entropy::{Entropy, EntropyError};
pub use hasher::{HashError, HashPlace, PasswordHasher, Strength, Verification};
pub use identity::{
    Delivery, DeliveryMedium, IdentityAccounts, IdentityError, IdentityFactors, IdentityKey,
    IdentityProvider, InvalidIdentityKey, ProviderAccessToken, ProviderAnswer, ProviderChallenge,
    ProviderChallengeKind, ProviderClaims, ProviderCode, ProviderLogin, ProviderRefreshToken,
    ProviderSession, ProviderSignIn, ProviderSignUp, ProviderSignedUp, ProviderTokens, ProviderUser,
    SoftwareTokenSecret,
};
pub use limiter::{Admission, LimiterError, Quota, RateLimiter};
pub use mailbox::{CapturedMessage, Channel, Mailbox, MailboxError, MailboxFilter};
pub use mailer::{Letter, Mailer, Notice, SendError};
pub use moving::{Comer, ForeignFactors, Newcomer, OldUser, Origin, PeopleSource};
pub use outside_keys::{
    OutsideKey, OutsideKeyAlgorithm, OutsideKeyError, OutsideKeyVerifier, UnknownOutsideAlgorithm,
};
pub use sms::{LedgerError, SmsError, SmsLedger, SmsReceipt, SmsSender, SmsText};
pub(crate) use store::hand_on;
pub use store::{
    ApiKeyRepo, Arrival, AuditChain, AuditFilter, AuditLog, DeviceRepo, DueChecks, ExistingAccount,
    ExistingLink, FactorRepo, IdentityRepo, KeyRepo, KnownDeviceRepo, LinkRepo, LockRepo, Outbox,
    PendingTotp, PeopleRepo, Present, Recent, RecentSince, Repos, SealedPlace, SealedRepo, SealedRow,
    SealedValue, SessionRepo, Store, StoreError, StoredTotp, Tx, UserCounts, UserFilter, UserRepo,
};
pub use tokens::{KeyError, KeyFactory, KeyRing, PublicJwk, TokenSigner, TokenVerifier};
pub use totp::TotpGenerator;

#[cfg(any(test, feature = "mock"))]
pub use {
    archive::MockArchive,
    breach::MockBreachedPasswords,
    challenges::MockChallengeStore,
    checkpoints::{MockCheckpointSigner, MockCheckpointVerifier},
    cipher::{MockKeyedHash, MockSecretBox},
    clock::MockClock,
    codes::MockCodeStore,
    entropy::MockEntropy,
    hasher::MockPasswordHasher,
    identity::{MockIdentityAccounts, MockIdentityFactors, MockIdentityProvider, MockProviderTokens},
    limiter::MockRateLimiter,
    mailbox::MockMailbox,
    mailer::MockMailer,
    outside_keys::MockOutsideKeyVerifier,
    sms::{MockSmsLedger, MockSmsSender},
    store::mock::{
        MockApiKeyRepo, MockAuditChain, MockAuditLog, MockDeviceRepo, MockFactorRepo, MockIdentityRepo,
        MockKeyRepo, MockKnownDeviceRepo, MockLinkRepo, MockLockRepo, MockOutbox, MockPeopleRepo,
        MockSealedRepo, MockSessionRepo, MockStore, MockTx, MockUserRepo,
    },
    tokens::{MockKeyFactory, MockKeyRing, MockTokenSigner, MockTokenVerifier},
    totp::MockTotpGenerator,
};
