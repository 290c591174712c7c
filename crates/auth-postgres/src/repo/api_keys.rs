//! API keys.

use async_trait::async_trait;
use auth_domain::{
    api_key::{ApiKey, KeyOwner},
    id::{ApiKeyId, UserId},
    port::{ApiKeyRepo, StoreError},
    secret::Digest,
    user::User,
};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;

use super::{entities, entity};
use crate::{
    exchange::{Count, Find, Nothing},
    row::{ApiKeyRow, UserRow, api_key_values},
    runner::{Access, Repositories, Runner},
    schema::{ApiKeys, Users, api_keys, users},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> ApiKeyRepo for Repositories<R> {
    async fn insert(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let insert = Statement::new(INSERT).with_all(api_key_values(key));
        self.0.ask(Access::Write, vec![insert], Nothing, Ok).await
    }

    async fn with_person(&mut self, digest: &Digest) -> Result<Option<(ApiKey, Option<User>)>, StoreError> {
        let find = Statement::new(WITH_PERSON).with(digest);
        let find = Find::<(ApiKeys, Nullable<Users>), (ApiKeyRow, Option<UserRow>)>::new(find);
        self.0.ask(Access::Read, Vec::new(), find, key_and_person).await
    }

    async fn list(&mut self, owner: &KeyOwner) -> Result<Vec<ApiKey>, StoreError> {
        let list = match owner {
            KeyOwner::Person(user) => Statement::new(OF_PERSON).with(user.as_i64()),
            KeyOwner::Tenant(tenant) => Statement::new(OF_TENANT).with(tenant.as_str()),
        };
        let list = Find::<ApiKeys, ApiKeyRow>::new(list);
        self.0.ask(Access::Read, Vec::new(), list, entities).await
    }

    async fn revoke(
        &mut self,
        owner: &KeyOwner,
        id: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<Option<ApiKey>, StoreError> {
        let revoke = match owner {
            KeyOwner::Person(user) => {
                Statement::new(REVOKE_OF_PERSON).with(at).with(id.as_i64()).with(user.as_i64())
            }
            KeyOwner::Tenant(tenant) => {
                Statement::new(REVOKE_OF_TENANT).with(at).with(id.as_i64()).with(tenant.as_str())
            }
        };
        let revoke = Find::<ApiKeys, ApiKeyRow>::new(revoke);
        self.0.ask(Access::Write, Vec::new(), revoke, entity).await
    }

    async fn revoke_all(&mut self, person: UserId, at: DateTime<Utc>) -> Result<u64, StoreError> {
        let revoke = Count(Statement::new(REVOKE_ALL).with(at).with(person.as_i64()));
        self.0.ask(Access::Write, Vec::new(), revoke, Ok).await
    }

    async fn touch(&mut self, id: ApiKeyId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.tell(vec![Statement::new(TOUCH).with(at).with(id.as_i64()).with(at)]).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let purge = Statement::new(PURGE).with(before).with(limit).with(before).with(limit).with(limit);
        self.0.ask(Access::Write, Vec::new(), Count(purge), Ok).await
    }
}

fn key_and_person(
    rows: Vec<(ApiKeyRow, Option<UserRow>)>,
) -> Result<Option<(ApiKey, Option<User>)>, StoreError> {
    let Some((key, person)) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some((key.try_into()?, person.map(User::try_from).transpose()?)))
}

const INSERT: &str = "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const WITH_PERSON: &str = concat!(
    "SELECT ",
    api_keys!(),
    ", ",
    users!(),
    " FROM api_keys k LEFT JOIN users u ON u.id = k.user_id WHERE k.digest = ?"
);

const OF_PERSON: &str =
    concat!("SELECT ", api_keys!(), " FROM api_keys k WHERE k.user_id = ? ORDER BY k.id DESC");

const OF_TENANT: &str = concat!(
    "SELECT ",
    api_keys!(),
    " FROM api_keys k WHERE k.tenant = ? AND k.user_id IS NULL ORDER BY k.id DESC"
);

const REVOKE_OF_PERSON: &str = concat!(
    "UPDATE api_keys k SET revoked_at = ? WHERE k.id = ? AND k.user_id = ? AND k.revoked_at IS NULL RETURNING ",
    api_keys!()
);

const REVOKE_OF_TENANT: &str = concat!(
    "UPDATE api_keys k SET revoked_at = ?
     WHERE k.id = ? AND k.tenant = ? AND k.user_id IS NULL AND k.revoked_at IS NULL RETURNING ",
    api_keys!()
);

const REVOKE_ALL: &str = "UPDATE api_keys SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL";

/// Never goes back: parallel requests arrive in any order.
const TOUCH: &str = "UPDATE api_keys SET last_used_at = ?
     WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)";

/// Each half walks its index up to the limit.
const PURGE: &str = "DELETE FROM api_keys WHERE id = ANY (ARRAY(
         (SELECT id FROM api_keys WHERE revoked_at < ? ORDER BY revoked_at LIMIT ?)
         UNION
         (SELECT id FROM api_keys WHERE expires_at < ? ORDER BY expires_at LIMIT ?)
         LIMIT ?
     ))";
