//! The rules of authentication, without input or output.
//!
//! | module | holds |
//! |---|---|
//! | [`user`], [`tenant`] | accounts, addresses, the password policy |
//! | [`api_key`] | keys of programs: their text, their scopes, whose they are |
//! | [`session`] | sessions and the rotation of their refresh tokens |
//! | [`factor`] | second factors: apps, sent codes, recovery codes, grace period |
//! | [`token`] | access claims, one-time links, signing keys |
//! | [`guard`] | the lock rule, limits without their shared counters, the defences against SMS pumping |
//! | [`audit`], [`outbox`] | what is written beside every change |
//! | [`port`] | what the outside must offer, as traits |
//! | [`usecase`] | everything that can be done; start at [`Engine`](usecase::Engine) |
//!
//! # To embed the engine in a service
//!
//! Choose adapters, put them into [`Ports`](usecase::Ports), and call use cases:
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth_crypto::{
//!     Argon2Hasher, AuditKeys, Ed25519, HasherConfig, JwtConfig, JwtKeys, Keys, OsEntropy, OutsideKeys,
//!     OutsideKeysConfig, Rfc6238, SystemClock,
//! };
//! use auth_domain::{
//!     client::Client,
//!     port::OutsideKeyAlgorithm,
//!     secret::ServerSecret,
//!     tenant::TenantId,
//!     token::{JwtAlgorithm, TokenExpectations},
//!     usecase::{Engine, Policy, Ports, Register},
//!     user::{Email, Password, password::PasswordPolicy},
//! };
//! use auth_memory::{MemoryChallenges, MemoryCodes, MemoryLedger, MemoryLimiter};
//! use auth_sqlite::{SqliteConfig, SqliteStore};
//! use auth_testkit::fake::{RecordingMailer, RecordingSms};
//!
//! # #[tokio::main(flavor = "multi_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = ServerSecret::parse("0f4a8c1e5b7d92a63c80e4f1b5d7296a")?;
//! let keys = Arc::new(Keys::derive(&secret));
//! let policy = Policy::default();
//! let config = JwtConfig {
//!     algorithm: JwtAlgorithm::EdDsa,
//!     expectations: TokenExpectations {
//!         issuer: "https://auth.example.com".to_owned(),
//!         audience: "example".to_owned(),
//!         leeway: TokenExpectations::DEFAULT_LEEWAY,
//!     },
//!     shared_secret: None,
//!     longest_life: policy.access_life,
//! };
//! let tokens = Arc::new(JwtKeys::new(config, keys.clone())?);
//! let outside_keys = OutsideKeysConfig {             // none: only keys of this engine are good
//!     algorithm: OutsideKeyAlgorithm::Hs256,
//!     secret: None,
//!     public_key: None,
//! };
//! let store = Arc::new(SqliteStore::open(SqliteConfig::in_memory())?);
//! store.migrate().await?;
//! let engine = Engine::new(
//!     Ports {
//!         store,
//!         hasher: Arc::new(Argon2Hasher::start(HasherConfig::new(1.try_into()?))?),
//!         signer: tokens.clone(),
//!         verifier: tokens.clone(),
//!         key_ring: tokens.clone(),
//!         key_factory: tokens,
//!         outside_keys: Arc::new(OutsideKeys::new(outside_keys)?),
//!         breached: None,                                // or `HttpBreaches` of auth-breach
//!         keyed_hash: keys.clone(),
//!         secret_box: keys,
//!         checkpoint_signer: Arc::new(AuditKeys::derive(&secret, &[])?),
//!         checkpoint_verifier: Arc::new(Ed25519),
//!         totp: Arc::new(Rfc6238),
//!         codes: Arc::new(MemoryCodes::new()),
//!         challenges: Arc::new(MemoryChallenges::new()),
//!         limiter: Arc::new(MemoryLimiter::new()),
//!         mailer: Arc::new(RecordingMailer::default()), // your own `Mailer` here
//!         sms: Arc::new(RecordingSms::default()),       // your own `SmsSender` here
//!         sms_ledger: Arc::new(MemoryLedger::new()),
//!         provider: None,
//!         clock: Arc::new(SystemClock),
//!         entropy: Arc::new(OsEntropy),
//!     },
//!     policy,
//! );
//! engine.keys.ensure().await?;
//!
//! let password = PasswordPolicy::default().admit(Password::new("plain words at dawn".to_owned()))?;
//! let user = engine
//!     .accounts
//!     .register(&Register {
//!         tenant: TenantId::default(),
//!         email: Email::parse("Ada@Example.com")?,
//!         password,
//!         full_name: None,
//!         client: Client::default(),
//!     })
//!     .await?;
//! assert_eq!(user.email.as_str(), "ada@example.com");
//! # Ok(()) }
//! ```
//!
//! # To test against mocks
//!
//! With the feature `mock` every port has a `Mock…`; [`MockTx`](port::MockTx) scripts a transaction.
//!
//! ```
//! use auth_domain::port::{MockTx, Repos};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut tx = MockTx::default();
//! tx.users.expect_by_id().times(1).returning(|_| Ok(None));
//!
//! let found = tx.users().by_id(auth_domain::id::UserId::from_i64(7)).await?;
//! assert!(found.is_none());
//! # Ok(()) }
//! ```
//!
//! # To add a port
//!
//! Write the trait in [`port`]: object-safe, `Send + Sync`, one concern, one error, each duty of an
//! implementor as a *must* sentence. Add a contract case of the same name to `auth-testkit`. Put it into
//! [`Ports`](usecase::Ports), and name its adapter in the server's `wire.rs`.
#![warn(missing_docs)]

pub mod api_key;
pub mod audit;
pub mod client;
pub mod factor;
pub mod guard;
pub mod id;
pub mod outbox;
pub mod port;
pub mod secret;
pub mod session;
pub mod tenant;
pub mod token;
pub mod usecase;
pub mod user;
