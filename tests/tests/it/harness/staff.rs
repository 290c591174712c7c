//! People with powers, put into the store before a server starts: there is no other way to the first of them.

use std::sync::Arc;

use auth_crypto::{Argon2Hasher, HasherConfig};
use auth_domain::{
    id::UserId,
    port::{PasswordHasher as _, Store},
    tenant::TenantId,
    user::{Credential, Password, PasswordHash, Role, Roles, User, password::PasswordPolicy},
};
use auth_postgres::{PostgresConfig, PostgresStore};
use auth_sqlite::{SqliteConfig, SqliteStore};
use auth_testkit::builder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, PASSWORD, TestServer, parts::POSTGRES};

/// A server with people, and the store below it.
pub(crate) struct Staffed {
    pub(crate) server: TestServer,
    pub(crate) store: Option<PostgresStore>,
    _data: TempDir,
}

/// Who there is: the number of the account, the tenant and the roles.
pub(crate) type Person = (i64, &'static str, &'static [Role]);

/// Where the accounts are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

impl Staffed {
    pub(crate) async fn start(on: On, people: &[Person], settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let (url, store) = match on {
            On::Sqlite => {
                let path = data.path().join("staff.sqlite3");
                let store = SqliteStore::open(SqliteConfig::file(&path)).expect("a store");
                store.migrate().await.expect("a schema");
                seed(&store, people).await;
                (format!("sqlite://{}", path.display()), None)
            }
            On::Postgres => {
                let url = POSTGRES.url(&POSTGRES.database());
                let store =
                    PostgresStore::open(&PostgresConfig::from_url(&url).expect("a URL")).expect("a store");
                store.migrate().await.expect("a schema");
                seed(&store, people).await;
                (url, Some(store))
            }
        };
        let mut all = vec![("DATABASE_URL", url.as_str()), ("TENANTS", "default,other")];
        all.extend_from_slice(settings);
        Self { server: TestServer::with(&all).await, store, _data: data }
    }

    /// An access token of somebody.
    pub(crate) async fn token(&self, (number, tenant, _): Person) -> String {
        let body = json!({ "email": address(number), "password": PASSWORD });
        let request = self.server.request(Method::POST, "/api/auth/login").header("x-tenant-id", tenant);
        let answer = Answer::of(request.json(&body).send().await).await.expect(StatusCode::OK);
        answer.body["access_token"].as_str().expect("a token").to_owned()
    }

    /// A call within a tenant.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        (token, tenant): (Option<&str>, &str),
        body: Option<&Value>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.server.request(method, path).header("x-tenant-id", tenant);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if path.ends_with("/introspect") {
            // The one route that takes a form, as RFC 7662 has it.
            let form = "application/x-www-form-urlencoded";
            request = request.header("content-type", form).body("token=none");
        } else if let Some(body) = body {
            request = request.json(body);
        }
        Answer::of(request.send().await).await
    }

    /// Changes an account behind the server's back.
    pub(crate) async fn change(&self, number: i64, change: impl Fn(&mut User)) {
        let mut tx = self.store.as_ref().expect("PostgreSQL").begin().await.expect("a transaction");
        let mut user = tx.users().lock(UserId::from_i64(number)).await.expect("a row").expect("an account");
        change(&mut user);
        tx.users().save(&user).await.expect("a store").expect("its own address");
        tx.commit().await.expect("a commit");
    }
}

pub(crate) fn address(number: i64) -> String {
    format!("user{number}@example.com")
}

async fn seed(store: &dyn Store, people: &[Person]) {
    let hash = password_hash().await;
    let mut tx = store.begin().await.expect("a transaction");
    for (number, tenant, roles) in people {
        let mut user = builder::user(*number, builder::noon());
        user.tenant = TenantId::parse(tenant).expect("a name");
        user.roles = roles.iter().copied().collect::<Roles>();
        user.credential = Some(Credential::permanent(hash.clone()));
        tx.users().insert(&user).await.expect("a store").expect("a free address");
    }
    tx.commit().await.expect("a commit");
}

async fn password_hash() -> PasswordHash {
    let hasher =
        Arc::new(Argon2Hasher::start(HasherConfig::new(1.try_into().expect("one"))).expect("a hasher"));
    let admitted = PasswordPolicy::default().admit(Password::new(PASSWORD.to_owned())).expect("a good one");
    hasher.hash(&admitted).await.expect("a hash")
}
