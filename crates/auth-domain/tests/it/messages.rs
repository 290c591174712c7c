//! Asking twice, and the operator's view of the outbox.

use std::sync::Arc;

use auth_domain::{
    audit::AuditEvent,
    client::{Client, UserAgent},
    id::OutboxId,
    outbox::{OutboxEntry, OutboxState},
    port::{AuditFilter, Store},
    tenant::TenantId,
    usecase::{Backlog, CreateUser, MessageError, Policy},
    user::{Email, Roles},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::fake::{NoticeKind, TestEngine};
use chrono::TimeDelta;

struct Installation {
    test: TestEngine,
    store: SqliteStore,
}

impl Installation {
    /// One account: ada@example.com, its address not proved.
    async fn new() -> Self {
        let store = SqliteStore::open(SqliteConfig::in_memory()).expect("a store");
        store.migrate().await.expect("a schema");
        let test = TestEngine::new(Arc::new(store.clone()), Policy::default());
        let request = CreateUser {
            tenant: TenantId::default(),
            email: email("ada"),
            full_name: None,
            roles: Roles::default(),
        };
        test.engine.operators.create_user(&request).await.expect("an account");
        Self { test, store }
    }

    async fn forgot(&self, name: &str, client: &Client) {
        self.test
            .engine
            .recovery
            .forgot(&TenantId::default(), &email(name), client)
            .await
            .expect("an answer");
    }

    async fn resend(&self, name: &str) {
        let engine = &self.test.engine;
        let (tenant, client) = (TenantId::default(), Client::default());
        engine.accounts.resend_verification(&tenant, &email(name), &client).await.expect("an answer");
    }

    async fn deliver(&self) {
        self.test.engine.delivery.run(50).await.expect("a delivery");
    }

    fn mails(&self) -> Vec<NoticeKind> {
        self.test.mailer.sent().iter().map(|letter| letter.kind).collect()
    }

    async fn list(&self, state: OutboxState) -> Vec<OutboxEntry> {
        self.test.engine.messages.list(state, None, 50).await.expect("a list")
    }

    async fn dead(&self) -> OutboxId {
        self.test.mailer.refuse(1);
        self.forgot("ada", &Client::default()).await;
        self.deliver().await;
        self.list(OutboxState::Dead).await[0].item.id
    }

    async fn log(&self, event: AuditEvent) -> Vec<Vec<(String, String)>> {
        let filter = AuditFilter { event: Some(event), ..AuditFilter::default() };
        let mut repos = self.store.read().await.expect("the store");
        let entries = repos.audit().list(&filter, 50).await.expect("the log");
        entries.into_iter().map(|entry| entry.details).collect()
    }
}

fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@example.com")).expect("an address")
}

#[tokio::test]
async fn a_double_click_sends_one_mail_and_a_second_request_another() {
    let place = Installation::new().await;
    let phone = Client { user_agent: UserAgent::new("Phone"), ..Client::default() };
    place.forgot("ada", &Client::default()).await;
    place.test.clock.advance(TimeDelta::seconds(1));
    place.forgot("ada", &phone).await;
    place.resend("ada").await;
    place.resend("ada").await;
    place.deliver().await;
    assert_eq!(place.mails(), [NoticeKind::ResetPassword, NoticeKind::VerifyEmail]);
    place.forgot("ada", &Client::default()).await;
    place.deliver().await;
    assert_eq!(place.mails().len(), 3, "who asks after the mail gets another");
}

#[tokio::test]
async fn a_minute_later_a_request_is_a_new_one_even_while_the_first_waits() {
    let place = Installation::new().await;
    place.forgot("ada", &Client::default()).await;
    place.test.clock.advance(TimeDelta::minutes(1));
    place.forgot("ada", &Client::default()).await;
    assert_eq!(place.list(OutboxState::Waiting).await.len(), 2);
}

#[tokio::test]
async fn nobody_gets_the_same_row_as_somebody() {
    let place = Installation::new().await;
    for name in ["ada", "nobody", "nobody", "noone"] {
        place.forgot(name, &Client::default()).await;
        place.resend(name).await;
    }
    let waiting = place.list(OutboxState::Waiting).await;
    let nothing = waiting.iter().filter(|entry| entry.item.user.is_none()).count();
    assert_eq!((waiting.len(), nothing), (6, 4), "asked twice it waits once, too");
    assert!(waiting.iter().all(|entry| entry.item.once.is_some()));
    place.deliver().await;
    assert_eq!(place.mails().len(), 2);
    assert_eq!(place.list(OutboxState::Waiting).await, []);
}

#[tokio::test]
async fn an_operator_sees_what_waits_and_what_died_and_leaves_a_trace() {
    let place = Installation::new().await;
    let dead = place.dead().await;
    place.forgot("ada", &Client::default()).await;
    let (waiting, died) = (place.list(OutboxState::Waiting).await, place.list(OutboxState::Dead).await);
    assert_eq!((waiting.len(), died.len()), (1, 1));
    assert_eq!(died[0].item.id, dead);
    assert!(died[0].buried_at.is_some() && died[0].last_error.is_some() && waiting[0].buried_at.is_none());
    let listed = place.log(AuditEvent::MessagesListed).await;
    assert_eq!(listed[0], [("state", "dead"), ("count", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())));
}

#[tokio::test]
async fn an_operator_learns_why_and_nothing_that_was_to_be_sent() {
    let place = Installation::new().await;
    place.test.mailer.fail(1);
    place.forgot("ada", &Client::default()).await;
    place.deliver().await;
    let waiting = place.list(OutboxState::Waiting).await.remove(0);
    assert_eq!(waiting.last_error.as_deref(), Some("told to fail by the test"));
    place.test.clock.advance(TimeDelta::minutes(1));
    place.test.mailer.quote();
    place.deliver().await;
    let dead = place.list(OutboxState::Dead).await.remove(0);
    assert_eq!(dead.last_error.as_deref(), Some("554 5.6.0 spam: /x?t=[left out] is bad"));
}

#[tokio::test]
async fn a_dead_letter_is_sent_after_all() {
    let place = Installation::new().await;
    let dead = place.dead().await;
    let item = place.test.engine.messages.retry(dead).await.expect("tried again");
    assert_eq!(item.id, dead);
    place.deliver().await;
    assert_eq!(place.mails(), [NoticeKind::ResetPassword]);
    assert_eq!(place.log(AuditEvent::MessageRetried).await.len(), 1);
    let gone = place.test.engine.messages.retry(dead).await;
    assert!(matches!(gone, Err(MessageError::NotFound)), "{gone:?}");
    assert_eq!(place.log(AuditEvent::MessageRetried).await.len(), 1, "nothing was done");
}

#[tokio::test]
async fn a_message_past_its_use_is_not_tried_again() {
    let place = Installation::new().await;
    let dead = place.dead().await;
    place.test.clock.advance(TimeDelta::hours(1));
    let late = place.test.engine.messages.retry(dead).await;
    assert!(matches!(late, Err(MessageError::PastUse)), "{late:?}");
    assert_eq!(place.list(OutboxState::Dead).await.len(), 1, "it is left as it was");
    place.test.engine.messages.discard(dead).await.expect("deleted");
    assert_eq!(place.list(OutboxState::Dead).await, []);
    assert_eq!(place.log(AuditEvent::MessageDiscarded).await.len(), 1);
    let gone = place.test.engine.messages.discard(dead).await;
    assert!(matches!(gone, Err(MessageError::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn what_waits_past_its_use_is_dropped_unsent() {
    let place = Installation::new().await;
    place.forgot("ada", &Client::default()).await;
    place.resend("ada").await;
    place.test.clock.advance(TimeDelta::hours(1));
    place.deliver().await;
    assert_eq!(place.mails(), [NoticeKind::VerifyEmail], "a reset is pointless by now, a proof is not");
    assert_eq!(place.list(OutboxState::Waiting).await, []);
}

#[tokio::test]
async fn the_backlog_tells_how_late_delivery_is() {
    let place = Installation::new().await;
    let backlog = async || place.test.engine.messages.backlog().await.expect("numbers");
    let (nothing, seconds) = (TimeDelta::zero(), TimeDelta::seconds);
    assert_eq!(
        backlog().await,
        Backlog { waiting: 0, dead: 0, oldest_age: nothing, oldest_due_for: nothing }
    );
    place.forgot("ada", &Client::default()).await;
    place.test.clock.advance(seconds(90));
    place.resend("ada").await;
    assert_eq!(
        backlog().await,
        Backlog { waiting: 2, dead: 0, oldest_age: seconds(90), oldest_due_for: seconds(90) }
    );
    place.test.mailer.fail(2);
    place.deliver().await;
    // Both are due again in the future, and the older one is as old as before.
    assert_eq!(
        backlog().await,
        Backlog { waiting: 2, dead: 0, oldest_age: seconds(90), oldest_due_for: nothing }
    );
    place.test.clock.advance(TimeDelta::minutes(1));
    place.test.mailer.refuse(2);
    place.deliver().await;
    assert_eq!(
        backlog().await,
        Backlog { waiting: 0, dead: 2, oldest_age: nothing, oldest_due_for: nothing }
    );
}
