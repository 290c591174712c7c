//! Sessions and the chains of their refresh tokens.

use async_trait::async_trait;
use auth_domain::{
    id::{SessionId, UserId},
    port::{SessionRepo, StoreError},
    secret::Digest,
    session::{
        Authentication, Ended, Session,
        rotation::{Generation, Presented},
    },
    tenant::TenantId,
    user::User,
};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable};

use super::{entities, entity};
use crate::{
    exchange::{Count, Find},
    row::{GenerationRow, SessionRow, UserRow, generation_values, methods_text, session_values},
    runner::{Access, Repositories, Runner},
    schema::{RefreshTokens, Sessions, Users, refresh_tokens, sessions, successors, users},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> SessionRepo for Repositories<R> {
    async fn insert(&mut self, session: &Session, first: &Generation) -> Result<(), StoreError> {
        let both = Statement::new(INSERT)
            .with_all(session_values(session))
            .with_all(generation_values(session.id, first));
        self.0.tell(vec![both]).await
    }

    async fn with_user(&mut self, id: SessionId) -> Result<Option<(Session, User)>, StoreError> {
        let find = Statement::new(WITH_USER).with(id.as_i64());
        let find = Find::<(Sessions, Users), (SessionRow, UserRow)>::new(find);
        self.0.ask(Access::Read, Vec::new(), find, session_and_user).await
    }

    async fn presented(&mut self, token: &Digest) -> Result<Option<Presented>, StoreError> {
        let find = Statement::new(PRESENTED).with(token);
        let find = Find::<ChainColumns, ChainRow>::new(find);
        self.0.ask(Access::Read, Vec::new(), find, presented).await
    }

    async fn rotate(&mut self, id: SessionId, next: &Generation) -> Result<bool, StoreError> {
        self.0.ask(Access::Write, Vec::new(), rotate(id, next), |rotated| Ok(rotated == 1)).await
    }

    async fn rotate_with_user(
        &mut self,
        id: SessionId,
        next: &Generation,
    ) -> Result<Option<User>, StoreError> {
        let owner = Find::<Users, UserRow>::new(Statement::new(OWNER).with(id.as_i64()));
        let both = (rotate(id, next), owner);
        let read = |(rotated, users)| if rotated == 1 { entity(users) } else { Ok(None) };
        self.0.ask(Access::Write, Vec::new(), both, read).await
    }

    async fn end(&mut self, id: SessionId, ended: Ended) -> Result<bool, StoreError> {
        let end = Statement::new(END).with(ended.at).with(ended.reason.as_str()).with(id.as_i64());
        self.0.ask(Access::Write, Vec::new(), Count(end), |rows| Ok(rows == 1)).await
    }

    async fn end_all(
        &mut self,
        user: UserId,
        keep: Option<SessionId>,
        ended: Ended,
    ) -> Result<u64, StoreError> {
        let end = Statement::new(END_ALL)
            .with(user.as_i64())
            .with(keep.map(SessionId::as_i64))
            .with(ended.at)
            .with(ended.reason.as_str());
        self.0.ask(Access::Write, Vec::new(), Count(end), Ok).await
    }

    async fn live_of(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        self.0.ask(Access::Read, Vec::new(), live_of(user, now), entities).await
    }

    async fn all_of(&mut self, user: UserId, limit: u32) -> Result<Vec<Session>, StoreError> {
        let all = Statement::new(ALL_OF).with(user.as_i64()).with(limit).with(user.as_i64()).with(limit);
        let find = Find::<Sessions, SessionRow>::new(all.with(limit));
        self.0.ask(Access::Read, Vec::new(), find, entities).await
    }

    async fn count_live(&mut self, tenant: Option<TenantId>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
        let find = Find::<BigInt, i64>::new(Statement::new(COUNT_LIVE).with(now).with(tenant));
        let number =
            |rows: Vec<i64>| Ok(rows.first().map_or(0, |&number| u64::try_from(number).unwrap_or(0)));
        self.0.ask(Access::Read, Vec::new(), find, number).await
    }

    async fn extend(&mut self, id: SessionId, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(EXTEND).with(until).with(id.as_i64()).with(until)]).await
    }

    async fn step_up(&mut self, id: SessionId, authentication: &Authentication) -> Result<bool, StoreError> {
        let step_up = Statement::new(STEP_UP)
            .with(authentication.at)
            .with(methods_text(authentication))
            .with(authentication.second_factor_at)
            .with(id.as_i64());
        self.0.ask(Access::Write, Vec::new(), Count(step_up), |rows| Ok(rows == 1)).await
    }

    async fn touch(&mut self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(TOUCH).with(at).with(id.as_i64()).with(at)]).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let purge = Statement::new(PURGE).with(before).with(limit).with(before).with(limit).with(limit);
        self.0.ask(Access::Write, Vec::new(), Count(purge), Ok).await
    }
}

type ChainColumns = (Sessions, RefreshTokens, Nullable<RefreshTokens>);
type ChainRow = (SessionRow, GenerationRow, Option<GenerationRow>);

fn session_and_user(rows: Vec<(SessionRow, UserRow)>) -> Result<Option<(Session, User)>, StoreError> {
    let Some((session, user)) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some((session.try_into()?, user.try_into()?)))
}

fn presented(rows: Vec<ChainRow>) -> Result<Option<Presented>, StoreError> {
    let Some((session, token, successor)) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some(Presented {
        session: session.try_into()?,
        token: token.try_into()?,
        successor: successor.map(Generation::try_from).transpose()?,
    }))
}

fn rotate(id: SessionId, next: &Generation) -> Count {
    let rotate = Statement::new(ROTATE)
        .with(id.as_i64())
        .with(next.number)
        .with(&next.digest)
        .with(next.salt.as_slice())
        .with(next.minted_at)
        .with(next.minted_at);
    Count(rotate)
}

pub(super) fn live_of(user: UserId, now: DateTime<Utc>) -> Find<Sessions, SessionRow> {
    Find::new(Statement::new(LIVE_OF).with(user.as_i64()).with(now))
}

/// One statement: the foreign key is checked at its end.
const INSERT: &str = "WITH opened AS (
         INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     )
     INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)";

const WITH_USER: &str = concat!(
    "SELECT ",
    sessions!(),
    ", ",
    users!(),
    " FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?"
);

/// One statement, so that the session, the token and its successor are of one moment.
const PRESENTED: &str = concat!(
    "SELECT ",
    sessions!(),
    ", ",
    refresh_tokens!(),
    ", ",
    successors!(),
    " FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
     LEFT JOIN refresh_tokens n ON n.session_id = t.session_id AND n.generation = t.generation + 1
     WHERE t.digest = ?"
);

/// The lock makes parallel calls, and the end of the session, take turns. The primary key lets one of
/// them through, the condition none after the end.
const ROTATE: &str = "WITH open AS (
         SELECT id FROM sessions WHERE id = ? AND ended_at IS NULL FOR NO KEY UPDATE
     ),
     added AS (
         INSERT INTO refresh_tokens SELECT id, ?, ?, ?, ? FROM open
         ON CONFLICT (session_id, generation) DO NOTHING
         RETURNING session_id
     )
     UPDATE sessions SET last_used_at = greatest(last_used_at, ?) FROM added
     WHERE sessions.id = added.session_id";

const OWNER: &str =
    concat!("SELECT ", users!(), " FROM users u JOIN sessions s ON u.id = s.user_id WHERE s.id = ?");

const END: &str = "UPDATE sessions SET ended_at = ?, end_reason = ? WHERE id = ? AND ended_at IS NULL";

/// Locks in the order of ids: two of these never wait for each other.
const END_ALL: &str = "WITH open AS (
         SELECT id FROM sessions WHERE user_id = ? AND ended_at IS NULL AND id IS DISTINCT FROM ?
         ORDER BY id FOR NO KEY UPDATE
     )
     UPDATE sessions SET ended_at = ?, end_reason = ? FROM open WHERE sessions.id = open.id";

const LIVE_OF: &str = concat!(
    "SELECT ",
    sessions!(),
    " FROM sessions s WHERE s.user_id = ? AND s.ended_at IS NULL AND s.expires_at > ?
     ORDER BY s.created_at DESC, s.id DESC"
);

/// Each half walks its index up to the limit.
const ALL_OF: &str = concat!(
    "SELECT ",
    sessions!(),
    " FROM (
         (SELECT *, 0 AS half FROM sessions WHERE user_id = ? AND ended_at IS NULL
             ORDER BY created_at DESC, id DESC LIMIT ?)
         UNION ALL
         (SELECT *, 1 AS half FROM sessions WHERE user_id = ? AND ended_at IS NOT NULL
             ORDER BY ended_at DESC, id DESC LIMIT ?)
     ) s ORDER BY half, coalesce(s.ended_at, s.created_at) DESC, s.id DESC LIMIT ?"
);

const COUNT_LIVE: &str = "SELECT count(*) FROM sessions
     WHERE ended_at IS NULL AND expires_at > ? AND tenant = coalesce(?, tenant)";

const EXTEND: &str =
    "UPDATE sessions SET expires_at = ? WHERE id = ? AND ended_at IS NULL AND expires_at < ?";

const STEP_UP: &str = "UPDATE sessions SET authenticated_at = ?, methods = ?, second_factor_at = ?
     WHERE id = ? AND ended_at IS NULL";

/// Never goes back: parallel requests arrive in any order.
const TOUCH: &str = "UPDATE sessions SET last_used_at = ? WHERE id = ? AND last_used_at < ?";

/// The tokens go with their session: ON DELETE CASCADE. Each half walks its index up to the limit.
const PURGE: &str = "DELETE FROM sessions WHERE id = ANY (ARRAY(
         (SELECT id FROM sessions WHERE ended_at < ? ORDER BY ended_at LIMIT ?)
         UNION
         (SELECT id FROM sessions WHERE expires_at < ? ORDER BY expires_at LIMIT ?)
         LIMIT ?
     ))";
