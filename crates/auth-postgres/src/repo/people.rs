//! People who come and go.

use async_trait::async_trait;
use auth_domain::{
    audit::network_text,
    id::UserId,
    port::{Arrival, PeopleRepo, Present, Record, StoreError, StoredTotp},
    secret::Sealed,
    tenant::TenantId,
    user::{Email, User},
};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::{
    archive::owned,
    error::corrupt,
    exchange::{Counted, Find, Nothing, Sum},
    row::{UserRow, totp_values, user_values},
    runner::{Access, Repositories, Runner},
    schema::{Users, users},
    statement::Statement,
};

/// How many people go out at once: few enough that they are done within the time of one exchange.
const AT_ONCE: usize = 250;

#[async_trait]
impl<R: Runner> PeopleRepo for Repositories<R> {
    async fn present(
        &mut self,
        tenant: &TenantId,
        ids: &[UserId],
        emails: &[Email],
    ) -> Result<Vec<Present>, StoreError> {
        let emails: Vec<Option<String>> = emails.iter().map(|email| Some(email.to_string())).collect();
        let find = Statement::new(PRESENT).with(numbers(ids)).with(tenant.as_str()).with(emails);
        let find = Find::<(BigInt, Text, Text), (i64, String, String)>::new(find);
        let read = |rows: Vec<_>| rows.into_iter().map(present).collect();
        self.0.ask(Access::Read, Vec::new(), find, read).await
    }

    async fn erased(&mut self, ids: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let find = Find::<BigInt, i64>::new(Statement::new(ERASED).with(numbers(ids)));
        let read = |rows: Vec<i64>| Ok(rows.into_iter().map(UserId::from_i64).collect());
        self.0.ask(Access::Read, Vec::new(), find, read).await
    }

    async fn add(&mut self, people: &[Arrival]) -> Result<(), StoreError> {
        for some in people.chunks(AT_ONCE) {
            let statements = some.iter().flat_map(add).collect();
            self.0.ask(Access::Write, statements, Nothing, Ok).await?;
        }
        Ok(())
    }

    async fn find(&mut self, ids: &[UserId]) -> Result<Vec<Arrival>, StoreError> {
        let find = Statement::new(FIND).with(numbers(ids));
        let find = Find::<(Users, Nullable<Binary>), (UserRow, Option<Vec<u8>>)>::new(find);
        let arrival = |(row, secret): (UserRow, Option<Vec<u8>>)| {
            Ok(Arrival { user: User::try_from(row)?, totp: secret.map(Sealed::from_bytes) })
        };
        self.0.ask(Access::Read, Vec::new(), find, |rows| rows.into_iter().map(arrival).collect()).await
    }

    async fn records(&mut self, user: UserId) -> Result<Vec<Record>, StoreError> {
        owned::records(&mut self.0, user).await
    }

    async fn erase(&mut self, user: UserId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let id = user.as_i64();
        let all = ERASE.iter().enumerate().map(|(step, text)| {
            let counts = step + 1 == ERASE.len();
            let statement = Statement::new(text).with(id);
            Counted { statement: if counts { statement.with(at) } else { statement }, counts }
        });
        // The last one deletes the account and remembers whom it deleted.
        self.0.ask(Access::Write, Vec::new(), Sum(all.collect()), |erased| Ok(erased == 1)).await
    }

    async fn erase_clients(&mut self, user: UserId, limit: u32) -> Result<u64, StoreError> {
        let id = user.as_i64();
        let entries = Statement::new(CLIENTS).with(id).with(id).with(id).with(limit);
        let entries = Find::<(BigInt, BigInt, Nullable<Text>), (i64, i64, Option<String>)>::new(entries);
        let entries = self.0.ask(Access::Read, Vec::new(), entries, Ok).await?;
        if entries.is_empty() {
            return Ok(0);
        }
        let positions: Vec<i64> = entries.iter().map(|(position, _, _)| *position).collect();
        let numbers: Vec<i64> = entries.iter().map(|(_, seq, _)| *seq).collect();
        let networks: Vec<Option<String>> =
            entries.iter().map(|(_, _, ip)| ip.as_deref().and_then(network_text)).collect();
        let statements = vec![
            Statement::new(super::chain::ERASE_CLIENTS).with(numbers).with(networks),
            Statement::new(super::chain::ERASE_SALTS).with(positions),
        ];
        self.0.ask(Access::Write, statements, Nothing, |()| Ok(entries.len() as u64)).await
    }

    async fn other_superusers(&mut self, user: UserId) -> Result<u64, StoreError> {
        let others = Statement::new(OTHERS).with(user.as_i64());
        let others = Find::<BigInt, i64>::new(others);
        self.0.ask(Access::Read, Vec::new(), others, |rows| Ok(rows.len() as u64)).await
    }
}

fn numbers(ids: &[UserId]) -> Vec<i64> {
    ids.iter().map(|id| id.as_i64()).collect()
}

fn present((id, tenant, email): (i64, String, String)) -> Result<Present, StoreError> {
    let wrong = || corrupt("users", &id);
    let tenant = TenantId::parse(&tenant).map_err(|_| wrong())?;
    let email = Email::parse(&email).map_err(|_| wrong())?;
    Ok(Present { id: UserId::from_i64(id), tenant, email })
}

fn add(arrival: &Arrival) -> Vec<Statement> {
    let user = Statement::new(ADD).with_all(user_values(&arrival.user));
    let app = arrival.totp.clone().map(|secret| {
        let stored = StoredTotp { secret: Some(secret), ..StoredTotp::default() };
        Statement::new(ADD_APP).with_all(totp_values(arrival.user.id, &stored))
    });
    std::iter::once(user).chain(app).collect()
}

const PRESENT: &str = "SELECT id, tenant, email FROM users WHERE id = ANY (?)
     UNION SELECT id, tenant, email FROM users WHERE tenant = ? AND email = ANY (?) ORDER BY id";

const ERASED: &str = "SELECT id FROM erased_accounts WHERE id = ANY (?) ORDER BY id";

/// A clash is an error: it ends the transaction, as a conflict.
const ADD: &str = "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const ADD_APP: &str = "INSERT INTO totp_secrets VALUES (?, ?, ?, ?, ?)";

const FIND: &str = concat!(
    "SELECT ",
    users!(),
    ", a.secret FROM users u LEFT JOIN totp_secrets a ON a.user_id = u.id
     WHERE u.id = ANY (?) ORDER BY u.id"
);

/// In the order in which the tables refer to each other. Whoever adds a table about people adds it here; one
/// that refers to accounts makes itself felt.
const ERASE: [&str; 11] = [
    "DELETE FROM refresh_tokens WHERE session_id = ANY (ARRAY(SELECT id FROM sessions WHERE user_id = ?))",
    "DELETE FROM sessions WHERE user_id = ?",
    "DELETE FROM one_time_links WHERE user_id = ?",
    "DELETE FROM totp_secrets WHERE user_id = ?",
    "DELETE FROM recovery_codes WHERE user_id = ?",
    "DELETE FROM trusted_devices WHERE user_id = ?",
    "DELETE FROM known_devices WHERE user_id = ?",
    "DELETE FROM linked_identities WHERE user_id = ?",
    "DELETE FROM api_keys WHERE user_id = ?",
    "DELETE FROM outbox WHERE user_id = ?",
    "WITH gone AS (DELETE FROM users WHERE id = ? RETURNING id)
     INSERT INTO erased_accounts SELECT id, ?::timestamptz FROM gone",
];

/// Two questions, so that each has its index.
const CLIENTS: &str = "SELECT c.position, e.seq, e.ip FROM audit_events e
     JOIN audit_chain c ON c.seq = e.seq AND c.salt IS NOT NULL
     WHERE e.seq = ANY (ARRAY(
         SELECT seq FROM audit_events WHERE subject = ? AND (actor IS NULL OR actor = ?)
         UNION SELECT seq FROM audit_events WHERE actor IS NOT NULL AND actor IS DISTINCT FROM subject AND actor = ?
     )) LIMIT ?";

/// In one order, so that two who do this do not wait for each other for ever.
const OTHERS: &str = "SELECT id FROM users WHERE superuser AND status = 'active' AND id <> ?
     ORDER BY id FOR NO KEY UPDATE";
