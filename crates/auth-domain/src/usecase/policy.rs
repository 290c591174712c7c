//! The numbers an installation may choose.

use chrono::TimeDelta;

use crate::{
    factor::MfaPolicy,
    guard::{known_device::KnownDevicePolicy, lockout::LockPolicy, pumping::SmsPolicy},
    port::Quota,
    user::password::PasswordPolicy,
};

/// Numbers of the engine. [`Default`] is what the server ships with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a new password must be.
    pub passwords: PasswordPolicy,
    /// What the service is called; no password may be made of it.
    pub product: String,
    /// When an identifier has to wait.
    pub lock: LockPolicy,
    /// Which devices do not have to wait for what strangers do.
    pub known_devices: KnownDevicePolicy,
    /// How long an access token lives.
    pub access_life: TimeDelta,
    /// How old what [`Bearer::recognise`](super::Bearer::recognise) knows of a session and its account may be; zero
    /// for not at all.
    pub snapshot_life: TimeDelta,
    /// How long a session lives from its login on, however often it is refreshed.
    pub session_life: TimeDelta,
    /// How long a spent refresh token still gets its successor; zero for not at all.
    pub refresh_grace: TimeDelta,
    /// How far `extend` moves the end of a session from now.
    pub extension: TimeDelta,
    /// How many live sessions a user may have; the one longest unused gives way.
    pub max_sessions: usize,
    /// Whether administrators need a session that proved a second factor.
    pub admin_requires_second_factor: bool,
    /// How long a password that was handed out works.
    pub temporary_password_life: TimeDelta,
    /// How recent a login must be to change the password without the old one.
    pub recent_login: TimeDelta,
    /// How many messages one address may ask for; more are silently not sent.
    pub mail_per_address: Quota,
    /// Who needs a second factor.
    pub mfa: MfaPolicy,
    /// Who gets text messages, and how many.
    pub sms: SmsPolicy,
    /// Whether a password that the identity provider was told becomes one of this server, too.
    pub migrate_passwords: bool,
    /// How long the identity provider is taken at its word before it is asked again.
    pub provider_recheck: TimeDelta,
    /// Whether an outsider may learn at registration that an address has an account.
    pub hide_existing_accounts: bool,
    /// How long ended sessions, used links and dead letters are kept.
    pub retention: TimeDelta,
    /// How long entries of the audit log are kept. A store keeps the last 29 days in any case.
    pub audit_retention: TimeDelta,
    /// How long they tell the whole address and the device. A store keeps those of the last six days in any
    /// case.
    pub audit_ip_life: TimeDelta,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            passwords: PasswordPolicy::default(),
            product: String::new(),
            lock: LockPolicy::default(),
            known_devices: KnownDevicePolicy::default(),
            access_life: TimeDelta::minutes(30),
            snapshot_life: TimeDelta::seconds(1),
            session_life: TimeDelta::days(7),
            refresh_grace: TimeDelta::seconds(10),
            extension: TimeDelta::minutes(180),
            max_sessions: 20,
            admin_requires_second_factor: false,
            temporary_password_life: TimeDelta::hours(48),
            recent_login: TimeDelta::minutes(10),
            mail_per_address: Quota::per_hour(10),
            mfa: MfaPolicy::default(),
            sms: SmsPolicy::default(),
            migrate_passwords: false,
            provider_recheck: TimeDelta::minutes(15),
            hide_existing_accounts: false,
            retention: TimeDelta::days(30),
            audit_retention: TimeDelta::days(365),
            audit_ip_life: TimeDelta::days(90),
        }
    }
}
