//! Signing keys.

use async_trait::async_trait;
use auth_domain::{
    port::{KeyRepo, StoreError},
    token::{KeyId, SigningKey},
};
use chrono::{DateTime, Utc};

use super::{entities, only_if};
use crate::{
    exchange::{Find, Nothing},
    row::{KeyRow, key_values},
    runner::{Access, Repositories, Runner},
    schema::{SigningKeys, signing_keys},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> KeyRepo for Repositories<R> {
    async fn insert(&mut self, key: &SigningKey) -> Result<(), StoreError> {
        let insert = Statement::new(INSERT).with_all(key_values(key));
        self.0.ask(Access::Write, vec![turn(), insert], Nothing, Ok).await
    }

    async fn all(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        let turn = only_if(self.0.is_transaction(), turn());
        let all = Find::<SigningKeys, KeyRow>::new(Statement::new(ALL));
        self.0.ask(Access::Read, turn, all, entities).await
    }

    async fn retire(&mut self, id: &KeyId, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.0.tell(vec![turn(), Statement::new(RETIRE).with(at).with(id.as_str())]).await
    }

    async fn delete(&mut self, id: &KeyId) -> Result<(), StoreError> {
        self.0.tell(vec![turn(), Statement::new(DELETE).with(id.as_str())]).await
    }
}

/// Waits for the turn on all keys: two replicas must not both make the first.
fn turn() -> Statement {
    Statement::new(TURN)
}

/// Two numbers, which PostgreSQL keeps apart from the one number of a failure count.
const TURN: &str = "SELECT pg_advisory_xact_lock(1635087464, 1801812339)";

const INSERT: &str = "INSERT INTO signing_keys VALUES (?, ?, ?, ?, ?, ?, ?)";

const ALL: &str = concat!("SELECT ", signing_keys!(), " FROM signing_keys ORDER BY created_at, id");

const RETIRE: &str = "UPDATE signing_keys SET retires_at = ? WHERE id = ?";

const DELETE: &str = "DELETE FROM signing_keys WHERE id = ?";
