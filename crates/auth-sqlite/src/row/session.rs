//! Rows of `sessions` and `refresh_tokens`.

use auth_domain::{
    id::{SessionId, UserId},
    port::StoreError,
    session::{Authentication, Ended, Session, rotation::Generation},
    tenant::TenantId,
    token::AuthMethod,
};
use diesel::prelude::*;

use super::{agent, agent_text, digest, ip, ip_text, micros, nullable, time};
use crate::{
    error::corrupt,
    schema::{refresh_tokens, sessions},
};

/// A session.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(
    table_name = sessions,
    check_for_backend(diesel::sqlite::Sqlite),
    treat_none_as_default_value = false
)]
pub(crate) struct SessionRow {
    id: i64,
    tenant: String,
    user_id: i64,
    authenticated_at: i64,
    methods: String,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    end_reason: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    second_factor_at: Option<i64>,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.as_i64(),
            tenant: session.tenant.to_string(),
            user_id: session.user.as_i64(),
            authenticated_at: micros(session.authentication.at),
            methods: methods_text(&session.authentication),
            created_at: micros(session.created_at),
            last_used_at: micros(session.last_used_at),
            expires_at: micros(session.expires_at),
            ended_at: session.ended.map(|ended| micros(ended.at)),
            end_reason: session.ended.map(|ended| ended.reason.as_str().to_owned()),
            ip: ip_text(session.ip),
            user_agent: agent_text(session.user_agent.as_ref()),
            second_factor_at: session.authentication.second_factor_at.map(micros),
        }
    }
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
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct GenerationRow {
    pub(crate) session_id: i64,
    pub(crate) generation: i64,
    pub(crate) digest: Vec<u8>,
    pub(crate) salt: Vec<u8>,
    pub(crate) minted_at: i64,
}

impl GenerationRow {
    pub(crate) fn new(session: SessionId, token: &Generation) -> Self {
        Self {
            session_id: session.as_i64(),
            generation: i64::from(token.number),
            digest: token.digest.as_bytes().to_vec(),
            salt: token.salt.to_vec(),
            minted_at: micros(token.minted_at),
        }
    }
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
