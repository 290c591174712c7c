//! Requests by cookie, over the real SQLite store.

use std::sync::Arc;

use auth_domain::{
    audit::AuditEvent,
    client::Client,
    port::{AuditFilter, Store},
    session::{EndReason, Ended, Session, rotation::Generation},
    tenant::TenantId,
    token::RefreshToken,
    usecase::{CsrfDenial, CsrfFlaw, Policy},
};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::{
    builder,
    fake::{SeededEntropy, TestEngine},
};

/// An engine with one session, and the first refresh token of that.
async fn kept() -> (TestEngine, Arc<SqliteStore>, Session, RefreshToken) {
    let store = Arc::new(SqliteStore::open(SqliteConfig::in_memory()).expect("a store"));
    store.migrate().await.expect("a schema");
    let test = TestEngine::new(store.clone(), Policy::default());
    let user = builder::user(1, builder::noon());
    let session = builder::session(7, &user, builder::noon());
    let refresh = RefreshToken::mint(&SeededEntropy::default()).expect("a token");
    let first = Generation { number: 0, digest: refresh.digest(), salt: [0; 16], minted_at: builder::noon() };
    let mut tx = store.begin().await.expect("a transaction");
    tx.users().insert(&user).await.expect("a store").expect("a new account");
    tx.sessions().insert(&session, &first).await.expect("a session");
    tx.commit().await.expect("a commit");
    (test, store, session, refresh)
}

#[tokio::test]
async fn the_session_of_a_refresh_token_is_found_and_the_token_stays_unspent() {
    let (test, store, session, refresh) = kept().await;
    let (csrf, tenant) = (&test.engine.csrf, TenantId::default());
    for _ in 0..2 {
        let found = csrf.session_of(&tenant, refresh.expose_secret()).await.expect("an answer");
        assert_eq!(found.map(|found| found.id), Some(session.id));
    }
    let web = TenantId::parse("web").expect("a name");
    assert_eq!(csrf.session_of(&web, refresh.expose_secret()).await.expect("an answer"), None);
    for text in ["", "rt_", "rubbish"] {
        assert_eq!(csrf.session_of(&tenant, text).await.expect("an answer"), None, "{text}");
    }
    let presented = store.read().await.expect("a store").sessions().presented(&refresh.digest()).await;
    assert_eq!(presented.expect("an answer").expect("the token").successor, None);

    let ended = Ended { at: builder::noon(), reason: EndReason::Logout };
    store.read().await.expect("a store").sessions().end(session.id, ended).await.expect("an end");
    let any = csrf.session_of(&tenant, refresh.expose_secret()).await.expect("an answer");
    assert!(any.is_some(), "an ended session still says whose token it was");
    assert_eq!(csrf.live_session_of(&tenant, refresh.expose_secret()).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_token_is_bound_to_its_session() {
    let (test, _, session, _) = kept().await;
    let other = builder::session(8, &builder::user(1, builder::noon()), builder::noon());
    let token = test.engine.csrf.token(session.id).expect("a token");
    assert!(test.engine.csrf.admits(token.expose_secret(), session.id));
    assert!(!test.engine.csrf.admits(token.expose_secret(), other.id));
}

#[tokio::test]
async fn a_refusal_is_written_down_about_the_owner_and_by_nobody() {
    let (test, store, session, _) = kept().await;
    let denial = CsrfDenial {
        tenant: TenantId::default(),
        session: Some(session.clone()),
        flaw: CsrfFlaw::Token,
        route: "DELETE /api/auth/me".to_owned(),
        client: Client::default(),
    };
    test.engine.csrf.denied(&denial).await.expect("an entry");
    test.engine.csrf.denied(&CsrfDenial { session: None, ..denial }).await.expect("an entry");

    let filter = AuditFilter { event: Some(AuditEvent::CsrfDenied), ..AuditFilter::default() };
    let log = store.read().await.expect("a store").audit().list(&filter, 9).await.expect("the entries");
    let [newer, older] = &log[..] else { panic!("two entries: {log:?}") };
    assert_eq!((older.actor, older.subject, older.session), (None, Some(session.user), Some(session.id)));
    let details = [("lacks", "token"), ("route", "DELETE /api/auth/me")];
    assert_eq!(older.details, details.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!((newer.subject, newer.session), (None, None));
}
