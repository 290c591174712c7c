//! One-time links.

use async_trait::async_trait;
use auth_domain::{
    id::UserId,
    port::{LinkRepo, StoreError},
    secret::Digest,
    token::{Link, LinkPurpose},
};
use chrono::{DateTime, Utc};

use super::{LOCK_OWNER, entity, only_if};
use crate::{
    exchange::{Count, Find},
    row::{LinkRow, link_values},
    runner::{Access, Repositories, Runner},
    schema::{OneTimeLinks, one_time_links},
    statement::Statement,
};

#[async_trait]
impl<R: Runner> LinkRepo for Repositories<R> {
    async fn replace(&mut self, link: &Link) -> Result<(), StoreError> {
        let owner = Statement::new(LOCK_OWNER).with(link.user.as_i64());
        let insert = Statement::new(INSERT).with_all(link_values(link));
        self.0.tell(vec![owner, withdraw(link.user, link.purpose), insert]).await
    }

    async fn find(&mut self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, StoreError> {
        let find = Find::<OneTimeLinks, LinkRow>::new(Statement::new(FIND).with(digest).with(now));
        self.0.ask(Access::Read, Vec::new(), find, entity).await
    }

    async fn consume(&mut self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<Link>, StoreError> {
        // The account before its link, as everywhere: it is wanted right after.
        let owner = Statement::new(LOCK_OWNER_OF_LINK).with(digest);
        let owner = only_if(self.0.is_transaction(), owner);
        let consume = Statement::new(CONSUME).with(now).with(digest).with(now);
        let consume = Find::<OneTimeLinks, LinkRow>::new(consume);
        self.0.ask(Access::Write, owner, consume, entity).await
    }

    async fn withdraw(&mut self, user: UserId, purpose: LinkPurpose) -> Result<(), StoreError> {
        self.0.tell(vec![withdraw(user, purpose)]).await
    }

    async fn purge(&mut self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let purge = Statement::new(PURGE).with(before).with(limit).with(before).with(limit).with(limit);
        self.0.ask(Access::Write, Vec::new(), Count(purge), Ok).await
    }
}

fn withdraw(user: UserId, purpose: LinkPurpose) -> Statement {
    Statement::new(WITHDRAW).with(user.as_i64()).with(purpose.as_str())
}

const LOCK_OWNER_OF_LINK: &str = "SELECT 1 FROM users u JOIN one_time_links l ON u.id = l.user_id
     WHERE l.digest = ? FOR NO KEY UPDATE OF u";

const INSERT: &str = "INSERT INTO one_time_links VALUES (?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = concat!(
    "SELECT ",
    one_time_links!(),
    " FROM one_time_links WHERE digest = ? AND consumed_at IS NULL AND expires_at > ?"
);

const CONSUME: &str = concat!(
    "UPDATE one_time_links SET consumed_at = ? WHERE digest = ? AND consumed_at IS NULL AND expires_at > ?
     RETURNING ",
    one_time_links!()
);

const WITHDRAW: &str = "DELETE FROM one_time_links WHERE user_id = ? AND purpose = ? AND consumed_at IS NULL";

const PURGE: &str = "DELETE FROM one_time_links WHERE digest = ANY (ARRAY(
         (SELECT digest FROM one_time_links WHERE consumed_at < ? ORDER BY consumed_at LIMIT ?)
         UNION
         (SELECT digest FROM one_time_links WHERE expires_at < ? ORDER BY expires_at LIMIT ?)
         LIMIT ?
     ))";
