//! The records that belong to one person.

use auth_domain::{
    id::UserId,
    port::{Record, StoreError},
};
use diesel::sql_types::{Nullable, Text, Timestamptz};

use super::page::{
    api_key, code, device, each, entry, identity, known_device, link, message, sessions_with_tokens, totp,
    user,
};
use crate::{
    exchange::Find,
    row::{DeviceRow, KnownDeviceRow, RecoveryCodeRow, TotpRow, UserRow},
    runner::{Access, Runner},
    schema::{
        ApiKeys, AuditEvents, KnownDevices, LinkedIdentities, OneTimeLinks, Outbox, RecoveryCodes,
        TotpSecrets, TrustedDevices, Users, api_keys, audit_events, known_devices, linked_identities,
        one_time_links, outbox, recovery_codes, refresh_tokens, sessions, totp_secrets, trusted_devices,
        users,
    },
    statement::Statement,
};

/// Everything that is kept about a person.
pub(crate) async fn records<R: Runner>(runner: &mut R, of: UserId) -> Result<Vec<Record>, StoreError> {
    let find = |text| Statement::new(text).with(of.as_i64());
    let mut records = Vec::new();
    let question = Find::<Users, UserRow>::new(find(USER));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, user)).await?);
    records.extend(sessions_with_tokens(runner, find(SESSIONS), find(TOKENS)).await?);
    let question = Find::<(OneTimeLinks, Nullable<Timestamptz>), _>::new(find(LINKS));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, link)).await?);
    let question = Find::<TotpSecrets, TotpRow>::new(find(APP));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, totp)).await?);
    let question = Find::<RecoveryCodes, RecoveryCodeRow>::new(find(CODES));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, code)).await?);
    let question = Find::<TrustedDevices, DeviceRow>::new(find(DEVICES));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, device)).await?);
    let question = Find::<LinkedIdentities, _>::new(find(IDENTITIES));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, identity)).await?);
    let question = Find::<ApiKeys, _>::new(find(API_KEYS));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, api_key)).await?);
    let question = Find::<KnownDevices, KnownDeviceRow>::new(find(KNOWN_DEVICES));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, known_device)).await?);
    let question = Find::<AuditEvents, _>::new(find(ENTRIES).with(of.as_i64()));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, entry)).await?);
    let question = Find::<(Outbox, Nullable<Timestamptz>, Nullable<Text>), _>::new(find(MESSAGES));
    records.extend(runner.ask(Access::Read, Vec::new(), question, |rows| each(rows, message)).await?);
    Ok(records)
}

const USER: &str = concat!("SELECT ", users!(), " FROM users u WHERE u.id = ?");

const SESSIONS: &str = concat!("SELECT ", sessions!(), " FROM sessions s WHERE s.user_id = ? ORDER BY s.id");

const TOKENS: &str = concat!(
    "SELECT ",
    refresh_tokens!(),
    " FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.user_id = ?
     ORDER BY t.session_id, t.generation"
);

const LINKS: &str = concat!(
    "SELECT ",
    one_time_links!(),
    ", consumed_at FROM one_time_links WHERE user_id = ? ORDER BY digest"
);

const APP: &str = concat!("SELECT ", totp_secrets!(), " FROM totp_secrets WHERE user_id = ?");

const CODES: &str =
    concat!("SELECT ", recovery_codes!(), " FROM recovery_codes WHERE user_id = ? ORDER BY digest");

const DEVICES: &str =
    concat!("SELECT ", trusted_devices!(), " FROM trusted_devices WHERE user_id = ? ORDER BY id");

const IDENTITIES: &str =
    concat!("SELECT ", linked_identities!(), " FROM linked_identities l WHERE l.user_id = ? ORDER BY l.id");

const API_KEYS: &str = concat!("SELECT ", api_keys!(), " FROM api_keys k WHERE k.user_id = ? ORDER BY k.id");

const KNOWN_DEVICES: &str =
    concat!("SELECT ", known_devices!(), " FROM known_devices WHERE user_id = ? ORDER BY digest");

/// Two questions, so that each has its index.
const ENTRIES: &str = concat!(
    "SELECT ",
    audit_events!(),
    " FROM audit_events WHERE seq = ANY (ARRAY(
         SELECT seq FROM audit_events WHERE subject = ?
         UNION SELECT seq FROM audit_events WHERE actor IS NOT NULL AND actor IS DISTINCT FROM subject AND actor = ?
     )) ORDER BY seq"
);

const MESSAGES: &str = concat!(
    "SELECT ",
    outbox!(),
    ", o.buried_at, o.last_error FROM outbox o WHERE o.user_id = ? ORDER BY o.id"
);
