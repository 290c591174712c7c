//! The archive port: whole records out and in.

mod add;
pub(crate) mod owned;
mod page;

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::port::{Archive, Record, RecordKey, RecordKind, StoreError};
use diesel::sql_types::BigInt;

use crate::{
    exchange::{Counted, Find, Sum},
    runner::{Access, Autocommit, Runner as _},
    statement::Statement,
    store::PostgresStore,
    transaction::Transaction,
};

/// How many statements go out at once: few enough that they are done within the time of one exchange.
const AT_ONCE: usize = 500;

#[async_trait]
impl Archive for PostgresStore {
    async fn count(&self, kind: RecordKind) -> Result<u64, StoreError> {
        let count = Find::<BigInt, i64>::new(Statement::new(count_of(kind)));
        let first = |rows: Vec<i64>| Ok(rows.first().map_or(0, |rows| rows.unsigned_abs()));
        Autocommit(Arc::clone(&self.pool)).ask(Access::Read, Vec::new(), count, first).await
    }

    async fn page(
        &self,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        page::page(&mut Autocommit(Arc::clone(&self.pool)), kind, after.as_ref(), limit).await
    }

    async fn add(&self, records: Vec<Record>) -> Result<u64, StoreError> {
        let mut statements = Vec::with_capacity(records.len());
        for record in &records {
            add::statements(record, &mut statements)?;
        }
        if statements.is_empty() {
            return Ok(0);
        }
        if records.iter().any(|record| record.kind() == RecordKind::Audit) {
            statements.push(add::behind_the_last_entry());
        }
        let mut tx =
            Transaction::new(Arc::clone(&self.pool), self.pool.lease().await?, tracing::Span::none());
        let mut added = 0;
        let mut statements = statements.into_iter().peekable();
        while statements.peek().is_some() {
            let some: Vec<Counted> = statements.by_ref().take(AT_ONCE).collect();
            added += tx.ask(Access::Write, Vec::new(), Sum(some), Ok).await?;
        }
        tx.commit().await?;
        Ok(added)
    }
}

const fn count_of(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::User => "SELECT count(*) FROM users",
        RecordKind::Session => "SELECT count(*) FROM sessions",
        RecordKind::Link => "SELECT count(*) FROM one_time_links",
        RecordKind::Totp => "SELECT count(*) FROM totp_secrets",
        RecordKind::RecoveryCode => "SELECT count(*) FROM recovery_codes",
        RecordKind::Device => "SELECT count(*) FROM trusted_devices",
        RecordKind::Identity => "SELECT count(*) FROM linked_identities",
        RecordKind::KnownDevice => "SELECT count(*) FROM known_devices",
        RecordKind::ApiKey => "SELECT count(*) FROM api_keys",
        RecordKind::Lock => "SELECT count(*) FROM login_locks",
        RecordKind::Key => "SELECT count(*) FROM signing_keys",
        RecordKind::Audit => "SELECT count(*) FROM audit_events",
        RecordKind::AuditLink => "SELECT count(*) FROM audit_chain",
        RecordKind::AuditCheckpoint => "SELECT count(*) FROM audit_checkpoints",
        RecordKind::Outbox => "SELECT count(*) FROM outbox",
        RecordKind::Erasure => "SELECT count(*) FROM erased_accounts",
    }
}
