//! Accounts of providers that are linked to accounts.

use async_trait::async_trait;
use auth_domain::{
    id::{IdentityId, UserId},
    port::{DueChecks, ExistingLink, IdentityKey, IdentityRepo, StoreError},
    user::{LinkedCounts, LinkedIdentity},
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error},
};

use super::{entities, entity};
use crate::{
    error::{Fault, corrupt},
    row::{IdentityRow, micros, time},
    runner::{Repositories, Runner},
    schema::{linked_identities, users},
};

#[async_trait]
impl<R: Runner> IdentityRepo for Repositories<R> {
    async fn link(&mut self, identity: &LinkedIdentity) -> Result<Result<(), ExistingLink>, StoreError> {
        let row = IdentityRow::from(identity);
        self.0.write(move |conn| link(conn, &row)).await
    }

    async fn by_key(&mut self, key: &IdentityKey) -> Result<Option<LinkedIdentity>, StoreError> {
        let key = key.clone();
        self.0.read(move |conn| by_key(conn, &key)).await
    }

    async fn of_user(&mut self, user: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        self.0.read(move |conn| of_user(conn, user)).await
    }

    async fn save(&mut self, identity: &LinkedIdentity) -> Result<bool, StoreError> {
        let row = IdentityRow::from(identity);
        self.0.write(move |conn| save(conn, &row)).await
    }

    async fn unlink(&mut self, id: IdentityId) -> Result<bool, StoreError> {
        self.0.write(move |conn| unlink(conn, id)).await
    }

    async fn lease_due(&mut self, issuer: &str, due: DueChecks) -> Result<Vec<LinkedIdentity>, StoreError> {
        let issuer = issuer.to_owned();
        self.0.write(move |conn| lease_due(conn, &issuer, due)).await
    }

    async fn counts(&mut self, issuer: &str) -> Result<LinkedCounts, StoreError> {
        let issuer = issuer.to_owned();
        self.0.read(move |conn| counts(conn, &issuer)).await
    }
}

fn link(conn: &mut SqliteConnection, row: &IdentityRow) -> Result<Result<(), ExistingLink>, Fault> {
    // A statement that a constraint refused left nothing behind, and the transaction goes on. But for the
    // id, which is no reason that the caller can do anything about.
    let known = diesel::select(diesel::dsl::exists(linked_identities::table.find(row.id)));
    match diesel::insert_into(linked_identities::table).values(row).execute(conn) {
        Ok(_) => Ok(Ok(())),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            if known.get_result(conn)? {
                Err(Fault(StoreError::Conflict))
            } else {
                Ok(Err(ExistingLink))
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn by_key(conn: &mut SqliteConnection, key: &IdentityKey) -> Result<Option<LinkedIdentity>, Fault> {
    let row: Option<IdentityRow> = linked_identities::table
        .filter(linked_identities::issuer.eq(key.issuer()))
        .filter(linked_identities::subject.eq(key.subject()))
        .select(IdentityRow::as_select())
        .first(conn)
        .optional()?;
    entity(row)
}

fn of_user(conn: &mut SqliteConnection, user: UserId) -> Result<Vec<LinkedIdentity>, Fault> {
    let rows: Vec<IdentityRow> = linked_identities::table
        .filter(linked_identities::user_id.eq(user.as_i64()))
        .select(IdentityRow::as_select())
        .load(conn)?;
    let mut identities: Vec<LinkedIdentity> = entities(rows)?;
    identities.sort_by_key(|identity| identity.id); // a handful at most
    Ok(identities)
}

fn save(conn: &mut SqliteConnection, row: &IdentityRow) -> Result<bool, Fault> {
    let saved = diesel::update(linked_identities::table.find(row.id))
        .set((
            linked_identities::proved_at.eq(row.proved_at),
            linked_identities::checked_at.eq(row.checked_at),
            linked_identities::grant_sealed.eq(&row.grant_sealed),
            linked_identities::migrated.eq(&row.migrated),
            linked_identities::leased_until.eq(None::<i64>),
        ))
        .execute(conn)?;
    Ok(saved == 1)
}

fn unlink(conn: &mut SqliteConnection, id: IdentityId) -> Result<bool, Fault> {
    Ok(diesel::delete(linked_identities::table.find(id.as_i64())).execute(conn)? == 1)
}

diesel::alias!(linked_identities as lent: Lent);

fn lease_due(
    conn: &mut SqliteConnection,
    issuer: &str,
    due: DueChecks,
) -> Result<Vec<LinkedIdentity>, Fault> {
    let now = micros(due.now);
    let leased_until = lent.field(linked_identities::leased_until);
    let ids = lent
        .filter(lent.field(linked_identities::issuer).eq(issuer))
        .filter(lent.field(linked_identities::grant_sealed).is_not_null())
        .filter(lent.field(linked_identities::checked_at).lt(micros(due.checked_before)))
        .filter(leased_until.is_null().or(leased_until.le(now)))
        .order((lent.field(linked_identities::checked_at), lent.field(linked_identities::id)))
        .limit(i64::from(due.limit))
        .select(lent.field(linked_identities::id));
    let rows: Vec<IdentityRow> =
        diesel::update(linked_identities::table.filter(linked_identities::id.eq_any(ids)))
            .set(linked_identities::leased_until.eq(micros(due.leased_until)))
            .returning(IdentityRow::as_returning())
            .get_results(conn)?;
    let mut identities: Vec<LinkedIdentity> = entities(rows)?;
    identities.sort_by_key(|identity| (identity.checked_at, identity.id)); // RETURNING gives rows in any order
    Ok(identities)
}

fn counts(conn: &mut SqliteConnection, issuer: &str) -> Result<LinkedCounts, Fault> {
    use diesel::dsl::{count_star, max};
    let of_issuer =
        linked_identities::table.inner_join(users::table).filter(linked_identities::issuer.eq(issuer));
    let (linked, last): (i64, Option<i64>) =
        of_issuer.select((count_star(), max(linked_identities::proved_at))).first(conn)?;
    let (without, last_without): (i64, Option<i64>) = of_issuer
        .filter(users::password_hash.is_null())
        .select((count_star(), max(linked_identities::proved_at)))
        .first(conn)?;
    let read = |micros: Option<i64>| {
        micros.map(|micros| time(micros).ok_or_else(|| corrupt("linked_identities", &issuer))).transpose()
    };
    Ok(LinkedCounts {
        linked: linked.unsigned_abs(),
        with_password: linked.abs_diff(without),
        last_proved_at: read(last)?,
        last_proved_without_password_at: read(last_without)?,
    })
}
