//! A tiny service behind the authentication server: anybody may read the catalogue, and who has a token sees
//! their own orders.
//!
//! ```text
//! AUTH_URL=http://127.0.0.1:8000 AUTH_AUDIENCE=auth AUTH_API_KEY=ak_… cargo run -p auth-verifier \
//!     --features actix --example orders
//! curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/orders
//! ```

use std::{env, error::Error};

use actix_web::{
    App, HttpServer,
    web::{self, Data, Json, ServiceConfig},
};
use auth_verifier::{
    Expectations, RemoteKeys, RemoteKeysConfig, Trust, Verifier,
    actix::Authenticated,
    live::{Introspection, IntrospectionConfig},
};
use serde_json::{Value, json};

async fn catalogue() -> Json<Value> {
    Json(json!(["tea", "coffee"]))
}

/// The parameter is the protection: without a good token the handler does not run.
async fn orders(caller: Authenticated) -> Json<Value> {
    let claims = caller.claims;
    Json(json!({ "user_id": claims.user_id, "tenant": claims.tenant, "orders": ["tea"] }))
}

/// The two routes.
pub fn routes(config: &mut ServiceConfig) {
    config.route("/catalogue", web::get().to(catalogue)).route("/orders", web::get().to(orders));
}

/// Verifies tokens of the server at `base`. With an API key sessions are looked at, too.
///
/// # Errors
/// When an address or the key does not fit.
pub fn verifier(base: &str, audience: &str, api_key: Option<&str>) -> Result<Verifier, Box<dyn Error>> {
    let keys = RemoteKeys::new(RemoteKeysConfig::at(base))?;
    let verifier = Verifier::new(Expectations::new(base, audience), Trust::keys(keys));
    Ok(match api_key {
        Some(key) => verifier.with_live_check(Introspection::new(IntrospectionConfig::at(base, key))?),
        None => verifier,
    })
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let base = env::var("AUTH_URL").unwrap_or_else(|_| "http://127.0.0.1:8000".to_owned());
    let audience = env::var("AUTH_AUDIENCE").unwrap_or_else(|_| "auth".to_owned());
    let verifier = Data::new(verifier(&base, &audience, env::var("AUTH_API_KEY").ok().as_deref())?);
    HttpServer::new(move || App::new().app_data(verifier.clone()).configure(routes))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    Ok(())
}
