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
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Binary},
};

use super::{count, entities};
use crate::{
    error::Fault,
    row::{GenerationRow, SessionRow, UserRow, methods_text, micros},
    runner::{Repositories, Runner},
    schema::{refresh_tokens, sessions, users},
};

#[async_trait]
impl<R: Runner> SessionRepo for Repositories<R> {
    async fn insert(&mut self, session: &Session, first: &Generation) -> Result<(), StoreError> {
        let (row, first) = (SessionRow::from(session), GenerationRow::new(session.id, first));
        self.0.write(move |conn| insert(conn, &row, &first)).await
    }

    async fn with_user(&mut self, id: SessionId) -> Result<Option<(Session, User)>, StoreError> {
        self.0.read(move |conn| with_user(conn, id)).await
    }

    async fn presented(&mut self, token: &Digest) -> Result<Option<Presented>, StoreError> {
        let token = *token;
        self.0.read(move |conn| presented(conn, &token)).await
    }

    async fn rotate(&mut self, id: SessionId, next: &Generation) -> Result<bool, StoreError> {
        let next = GenerationRow::new(id, next);
        self.0.write(move |conn| rotate(conn, &next)).await
    }

    async fn rotate_with_user(
        &mut self,
        id: SessionId,
        next: &Generation,
    ) -> Result<Option<User>, StoreError> {
        let next = GenerationRow::new(id, next);
        let both = move |conn: &mut SqliteConnection| {
            Ok(if rotate(conn, &next)? { with_user(conn, id)?.map(|(_, user)| user) } else { None })
        };
        self.0.write(both).await
    }

    async fn end(&mut self, id: SessionId, ended: Ended) -> Result<bool, StoreError> {
        self.0.write(move |conn| end(conn, id, ended)).await
    }

    async fn end_all(
        &mut self,
        user: UserId,
        keep: Option<SessionId>,
        ended: Ended,
    ) -> Result<u64, StoreError> {
        self.0.write(move |conn| end_all(conn, user, keep, ended)).await
    }

    async fn live_of(&mut self, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        self.0.read(move |conn| live_of(conn, user, now)).await
    }

    async fn all_of(&mut self, user: UserId, limit: u32) -> Result<Vec<Session>, StoreError> {
        self.0.read(move |conn| all_of(conn, user, limit)).await
    }

    async fn count_live(&mut self, tenant: Option<TenantId>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.0.read(move |conn| count_live(conn, tenant.as_ref(), now)).await
    }

    async fn extend(&mut self, id: SessionId, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.write(move |conn| extend(conn, id, until)).await
    }

    async fn step_up(&mut self, id: SessionId, authentication: &Authentication) -> Result<bool, StoreError> {
        let proved = authentication.clone();
        self.0.write(move |conn| step_up(conn, id, &proved)).await
    }

    async fn touch(&mut self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.write(move |conn| Ok(touch(conn, id.as_i64(), micros(at))?)).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.0.write(move |conn| purge(conn, before, limit)).await
    }
}

fn insert(conn: &mut SqliteConnection, session: &SessionRow, first: &GenerationRow) -> Result<(), Fault> {
    diesel::insert_into(sessions::table).values(session).execute(conn)?;
    diesel::insert_into(refresh_tokens::table).values(first).execute(conn)?;
    Ok(())
}

fn with_user(conn: &mut SqliteConnection, id: SessionId) -> Result<Option<(Session, User)>, Fault> {
    let found: Option<(SessionRow, UserRow)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id.as_i64()))
        .select((SessionRow::as_select(), UserRow::as_select()))
        .first(conn)
        .optional()?;
    let Some((session, user)) = found else { return Ok(None) };
    Ok(Some((session.try_into()?, user.try_into()?)))
}

diesel::alias!(refresh_tokens as successors: Successors);

fn presented(conn: &mut SqliteConnection, token: &Digest) -> Result<Option<Presented>, Fault> {
    // One statement, so that the session, the token and its successor are of one moment.
    let follows = successors
        .field(refresh_tokens::session_id)
        .eq(refresh_tokens::session_id)
        .and(successors.field(refresh_tokens::generation).eq(refresh_tokens::generation + 1i64));
    let found: Option<(SessionRow, GenerationRow, Option<GenerationRow>)> = refresh_tokens::table
        .inner_join(sessions::table)
        .left_join(successors.on(follows))
        .filter(refresh_tokens::digest.eq(token.as_bytes().as_slice()))
        .select((
            SessionRow::as_select(),
            GenerationRow::as_select(),
            successors.fields(refresh_tokens::all_columns).nullable(),
        ))
        .first(conn)
        .optional()?;
    let Some((session, token, successor)) = found else { return Ok(None) };
    Ok(Some(Presented {
        session: session.try_into()?,
        token: token.try_into()?,
        successor: successor.map(Generation::try_from).transpose()?,
    }))
}

fn rotate(conn: &mut SqliteConnection, next: &GenerationRow) -> Result<bool, Fault> {
    // The primary key lets one caller through, the condition none after the end of the session.
    let inserted = sql_query(
        "INSERT INTO refresh_tokens (session_id, generation, digest, salt, minted_at)
         SELECT ?1, ?2, ?3, ?4, ?5
         WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1 AND ended_at IS NULL)
         ON CONFLICT (session_id, generation) DO NOTHING",
    )
    .bind::<BigInt, _>(next.session_id)
    .bind::<BigInt, _>(next.generation)
    .bind::<Binary, _>(&next.digest)
    .bind::<Binary, _>(&next.salt)
    .bind::<BigInt, _>(next.minted_at)
    .execute(conn)?;
    if inserted == 0 {
        return Ok(false);
    }
    touch(conn, next.session_id, next.minted_at)?;
    Ok(true)
}

fn end(conn: &mut SqliteConnection, id: SessionId, ended: Ended) -> Result<bool, Fault> {
    let open = sessions::table.find(id.as_i64()).filter(sessions::ended_at.is_null());
    let changed = diesel::update(open).set(ending(ended)).execute(conn)?;
    Ok(changed == 1)
}

fn end_all(
    conn: &mut SqliteConnection,
    user: UserId,
    keep: Option<SessionId>,
    ended: Ended,
) -> Result<u64, Fault> {
    let open = sessions::table
        .filter(sessions::user_id.eq(user.as_i64()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::id.nullable().is_not(keep.map(SessionId::as_i64)));
    Ok(count(diesel::update(open).set(ending(ended)).execute(conn)?))
}

/// The columns that end a session.
fn ending(
    ended: Ended,
) -> (diesel::dsl::Eq<sessions::ended_at, i64>, diesel::dsl::Eq<sessions::end_reason, &'static str>) {
    (sessions::ended_at.eq(micros(ended.at)), sessions::end_reason.eq(ended.reason.as_str()))
}

pub(super) fn live_of(
    conn: &mut SqliteConnection,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, Fault> {
    let rows: Vec<SessionRow> = sessions::table
        .filter(sessions::user_id.eq(user.as_i64()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(micros(now)))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select(SessionRow::as_select())
        .load(conn)?;
    entities(rows)
}

fn all_of(conn: &mut SqliteConnection, user: UserId, limit: u32) -> Result<Vec<Session>, Fault> {
    let of_user = sessions::table.filter(sessions::user_id.eq(user.as_i64())).select(SessionRow::as_select());
    let mut rows: Vec<SessionRow> = of_user
        .filter(sessions::ended_at.is_null())
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(i64::from(limit))
        .load(conn)?;
    let left = i64::from(limit) - i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let ended: Vec<SessionRow> = of_user
        .filter(sessions::ended_at.is_not_null())
        .order((sessions::ended_at.desc(), sessions::id.desc()))
        .limit(left)
        .load(conn)?;
    rows.extend(ended);
    entities(rows)
}

fn count_live(
    conn: &mut SqliteConnection,
    tenant: Option<&TenantId>,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    let mut live = sessions::table
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(micros(now)))
        .into_boxed();
    if let Some(tenant) = tenant {
        live = live.filter(sessions::tenant.eq(tenant.as_str()));
    }
    let number: i64 = live.count().get_result(conn)?;
    Ok(u64::try_from(number).unwrap_or_default())
}

fn extend(conn: &mut SqliteConnection, id: SessionId, until: DateTime<Utc>) -> Result<(), Fault> {
    let until = micros(until);
    let shorter = sessions::table
        .find(id.as_i64())
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.lt(until));
    diesel::update(shorter).set(sessions::expires_at.eq(until)).execute(conn)?;
    Ok(())
}

fn step_up(conn: &mut SqliteConnection, id: SessionId, proved: &Authentication) -> Result<bool, Fault> {
    let open = sessions::table.find(id.as_i64()).filter(sessions::ended_at.is_null());
    let columns = (
        sessions::authenticated_at.eq(micros(proved.at)),
        sessions::methods.eq(methods_text(proved)),
        sessions::second_factor_at.eq(proved.second_factor_at.map(micros)),
    );
    Ok(diesel::update(open).set(columns).execute(conn)? == 1)
}

/// Never goes back: parallel requests arrive in any order.
fn touch(conn: &mut SqliteConnection, id: i64, at: i64) -> QueryResult<()> {
    let older = sessions::table.find(id).filter(sessions::last_used_at.lt(at));
    diesel::update(older).set(sessions::last_used_at.eq(at)).execute(conn).map(drop)
}

fn purge(conn: &mut SqliteConnection, before: DateTime<Utc>, limit: u32) -> Result<u64, Fault> {
    // The tokens go with their session: ON DELETE CASCADE.
    let deleted = sql_query(
        "DELETE FROM sessions WHERE id IN
         (SELECT id FROM sessions WHERE ended_at < ?1 OR expires_at < ?1 LIMIT ?2)",
    )
    .bind::<BigInt, _>(micros(before))
    .bind::<BigInt, _>(i64::from(limit))
    .execute(conn)?;
    Ok(count(deleted))
}
