//! Accounts of providers that are linked to accounts.

use async_trait::async_trait;
use auth_domain::{
    id::{IdentityId, UserId},
    port::{DueChecks, ExistingLink, IdentityKey, IdentityRepo, StoreError},
    user::{LinkedCounts, LinkedIdentity},
};
use diesel::{
    pg::data_types::PgTimestamp,
    sql_types::{BigInt, Bool, Nullable, Timestamptz},
};

use super::{entities, entity, storable};
use crate::{
    error::corrupt,
    exchange::{Count, Find},
    row::{IdentityRow, grant_value, identity_values, time},
    runner::{Access, Repositories, Runner},
    schema::{LinkedIdentities, linked_identities},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> IdentityRepo for Repositories<R> {
    async fn link(&mut self, identity: &LinkedIdentity) -> Result<Result<(), ExistingLink>, StoreError> {
        let link = Statement::new(LINK).with_all(identity_values(identity)).with(identity.id.as_i64());
        let link = Find::<(Bool, Bool), (bool, bool)>::new(link);
        self.0.ask(Access::Write, Vec::new(), link, |rows| link_outcome(&rows)).await
    }

    async fn by_key(&mut self, key: &IdentityKey) -> Result<Option<LinkedIdentity>, StoreError> {
        let find = Statement::new(BY_KEY).with(key.issuer()).with(key.subject());
        let find = Find::<LinkedIdentities, IdentityRow>::new(find);
        self.0.ask(Access::Read, Vec::new(), find, entity).await
    }

    async fn of_user(&mut self, user: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        let list = Find::<LinkedIdentities, IdentityRow>::new(Statement::new(OF_USER).with(user.as_i64()));
        self.0.ask(Access::Read, Vec::new(), list, entities).await
    }

    async fn save(&mut self, identity: &LinkedIdentity) -> Result<bool, StoreError> {
        let save = Statement::new(SAVE)
            .with(identity.proved_at)
            .with(identity.checked_at)
            .with_all([grant_value(identity), identity.migrated.into()])
            .with(identity.id.as_i64());
        self.0.ask(Access::Write, Vec::new(), Count(save), |rows| Ok(rows == 1)).await
    }

    async fn unlink(&mut self, id: IdentityId) -> Result<bool, StoreError> {
        let unlink = Count(Statement::new(UNLINK).with(id.as_i64()));
        self.0.ask(Access::Write, Vec::new(), unlink, |rows| Ok(rows == 1)).await
    }

    async fn lease_due(&mut self, issuer: &str, due: DueChecks) -> Result<Vec<LinkedIdentity>, StoreError> {
        let lease = Statement::new(LEASE)
            .with(storable(issuer))
            .with(due.checked_before)
            .with(due.now)
            .with(due.limit)
            .with(due.leased_until);
        let lease = Find::<LinkedIdentities, IdentityRow>::new(lease);
        self.0.ask(Access::Write, Vec::new(), lease, leased).await
    }

    async fn counts(&mut self, issuer: &str) -> Result<LinkedCounts, StoreError> {
        let counts = Find::<Counts, CountsRow>::new(Statement::new(COUNTS).with(storable(issuer)));
        self.0.ask(Access::Read, Vec::new(), counts, |rows| counted(&rows)).await
    }
}

type Counts = (BigInt, BigInt, Nullable<Timestamptz>, Nullable<Timestamptz>);
type CountsRow = (i64, i64, Option<PgTimestamp>, Option<PgTimestamp>);

/// What became of a link: whether it was made, and whether its id was taken.
fn link_outcome(rows: &[(bool, bool)]) -> Result<Result<(), ExistingLink>, StoreError> {
    match rows.first() {
        Some((true, _)) => Ok(Ok(())),
        Some((false, true)) => Err(StoreError::Conflict),
        _ => Ok(Err(ExistingLink)),
    }
}

/// The update gives rows in any order.
fn leased(rows: Vec<IdentityRow>) -> Result<Vec<LinkedIdentity>, StoreError> {
    let mut identities: Vec<LinkedIdentity> = entities(rows)?;
    identities.sort_by_key(|identity| (identity.checked_at, identity.id));
    Ok(identities)
}

fn counted(rows: &[CountsRow]) -> Result<LinkedCounts, StoreError> {
    let Some(&(linked, with_password, last, last_without)) = rows.first() else {
        return Ok(LinkedCounts::default());
    };
    let read = |at: Option<PgTimestamp>| {
        at.map(|at| time(at).ok_or_else(|| corrupt("linked_identities", &"proved_at"))).transpose()
    };
    Ok(LinkedCounts {
        linked: linked.unsigned_abs(),
        with_password: with_password.unsigned_abs(),
        last_proved_at: read(last)?,
        last_proved_without_password_at: read(last_without)?,
    })
}

/// Any unique rule may stand in the way. Which one tells the second answer, if the other row was there
/// before; of two at one moment the use case tries again in either case.
const LINK: &str = "WITH linked AS (
         INSERT INTO linked_identities VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1
     )
     SELECT EXISTS (SELECT 1 FROM linked), EXISTS (SELECT 1 FROM linked_identities WHERE id = ?)";

const BY_KEY: &str = concat!(
    "SELECT ",
    linked_identities!(),
    " FROM linked_identities l WHERE l.issuer = ? AND l.subject = ?"
);

const OF_USER: &str =
    concat!("SELECT ", linked_identities!(), " FROM linked_identities l WHERE l.user_id = ? ORDER BY l.id");

const SAVE: &str = "UPDATE linked_identities SET proved_at = ?, checked_at = ?, grant_sealed = ?,
     migrated = ?, leased_until = NULL WHERE id = ?";

const UNLINK: &str = "DELETE FROM linked_identities WHERE id = ?";

const LEASE: &str = concat!(
    "WITH due AS (
         SELECT id FROM linked_identities
         WHERE issuer = ? AND grant_sealed IS NOT NULL AND checked_at < ?
         AND (leased_until IS NULL OR leased_until <= ?)
         ORDER BY checked_at, id LIMIT ? FOR UPDATE SKIP LOCKED
     )
     UPDATE linked_identities l SET leased_until = ? FROM due WHERE l.id = due.id RETURNING ",
    linked_identities!()
);

const COUNTS: &str = "SELECT count(*), count(u.password_hash), max(l.proved_at),
     max(l.proved_at) FILTER (WHERE u.password_hash IS NULL)
     FROM linked_identities l JOIN users u ON u.id = l.user_id WHERE l.issuer = ?";
