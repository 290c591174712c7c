//! Rows of `sessions` and `refresh_tokens`.

use auth_domain::{
    id::{SessionId, UserId},
    port::StoreError,
    session::{Authentication, Ended, Session, rotation::Generation},
    tenant::TenantId,
    token::AuthMethod,
};
use diesel::{pg::data_types::PgTimestamp, prelude::*};

use super::{agent, agent_value, digest, ip, ip_value, nullable, time};
use crate::{error::corrupt, statement::Value};

/// A session.
#[derive(Queryable)]
pub(crate) struct SessionRow {
    id: i64,
    tenant: String,
    user_id: i64,
    authenticated_at: PgTimestamp,
    methods: String,
    created_at: PgTimestamp,
    last_used_at: PgTimestamp,
    expires_at: PgTimestamp,
    ended_at: Option<PgTimestamp>,
    end_reason: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    second_factor_at: Option<PgTimestamp>,
}

/// The columns of a session in their order.
pub(crate) fn session_values(session: &Session) -> [Value; 13] {
    [
        session.id.as_i64().into(),
        session.tenant.as_str().into(),
        session.user.as_i64().into(),
        session.authentication.at.into(),
        methods_text(&session.authentication).into(),
        session.created_at.into(),
        session.last_used_at.into(),
        session.expires_at.into(),
        session.ended.map(|ended| ended.at).into(),
        session.ended.map(|ended| ended.reason.as_str().to_owned()).into(),
        ip_value(session.ip),
        agent_value(session.user_agent.as_ref()),
        session.authentication.second_factor_at.into(),
    ]
}

/// The names of what was proved.
pub(crate) fn methods_text(authentication: &Authentication) -> String {
    let names: Vec<&str> = authentication.methods.iter().map(|method| method.as_str()).collect();
    names.join(" ")
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let id = row.id;
        session(row).ok_or_else(|| corrupt("sessions", &id))
    }
}

fn session(row: SessionRow) -> Option<Session> {
    let methods: Option<Vec<AuthMethod>> =
        row.methods.split_ascii_whitespace().map(|method| method.parse().ok()).collect();
    let ended = match (row.ended_at, row.end_reason) {
        (None, None) => None,
        (Some(at), Some(reason)) => Some(Ended { at: time(at)?, reason: reason.parse().ok()? }),
        _ => return None,
    };
    Some(Session {
        id: SessionId::from_i64(row.id),
        tenant: TenantId::parse(&row.tenant).ok()?,
        user: UserId::from_i64(row.user_id),
        authentication: Authentication {
            at: time(row.authenticated_at)?,
            methods: methods?,
            second_factor_at: nullable(row.second_factor_at, time)?,
        },
        created_at: time(row.created_at)?,
        last_used_at: time(row.last_used_at)?,
        expires_at: time(row.expires_at)?,
        ended,
        ip: ip(row.ip)?,
        user_agent: agent(row.user_agent)?,
    })
}

/// One token of a session's chain.
#[derive(Queryable)]
pub(crate) struct GenerationRow {
    session_id: i64,
    generation: i64,
    digest: Vec<u8>,
    salt: Vec<u8>,
    minted_at: PgTimestamp,
}

impl GenerationRow {
    /// Whose token it is.
    pub(crate) const fn session(&self) -> i64 {
        self.session_id
    }
}

/// The columns of a token in their order.
pub(crate) fn generation_values(session: SessionId, token: &Generation) -> [Value; 5] {
    [
        session.as_i64().into(),
        token.number.into(),
        (&token.digest).into(),
        token.salt.as_slice().into(),
        token.minted_at.into(),
    ]
}

impl TryFrom<GenerationRow> for Generation {
    type Error = StoreError;

    fn try_from(row: GenerationRow) -> Result<Self, StoreError> {
        let bad = || corrupt("refresh_tokens", &format!("{}/{}", row.session_id, row.generation));
        Ok(Self {
            number: u32::try_from(row.generation).map_err(|_| bad())?,
            digest: digest(&row.digest).ok_or_else(bad)?,
            salt: row.salt.as_slice().try_into().map_err(|_| bad())?,
            minted_at: time(row.minted_at).ok_or_else(bad)?,
        })
    }
}
