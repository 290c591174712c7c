//! `GET /.well-known/jwks.json`

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, HeaderName},
    web::Data,
};
use auth_domain::{token::SigningKey, usecase::Engine};
use utoipa::ToSchema;

use crate::{Limit, Operation};

/// The keys that verify access tokens (RFC 7517). Empty where tokens are signed with a shared secret.
#[derive(Debug, ToSchema)]
#[schema(as = JsonWebKeySet)]
#[expect(dead_code, reason = "describes what the key ring publishes")]
struct KeySet {
    #[schema(value_type = Vec<Object>)]
    keys: Vec<String>,
}

pub(super) fn operation() -> Operation {
    Operation::get("/.well-known/jwks.json", handle)
        .tag("service")
        .summary("Publishes the keys that verify access tokens")
        .limit(Limit::Exempt)
        .answers::<KeySet>(200, "The keys, also those about to be used and those just retired")
}

async fn handle(engine: Data<Engine>) -> HttpResponse {
    // Each key is JSON already; the ring made it, no client had a hand in it.
    let body = format!(r#"{{"keys":[{}]}}"#, engine.keys.published().join(","));
    let caching = format!("public, max-age={}", SigningKey::JWKS_MAX_AGE.num_seconds());
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
        .content_type("application/json")
        .body(body)
}
