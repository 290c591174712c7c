//! `auth-server keys list`, `keys rotate` and `keys revoke`

#![expect(clippy::print_stdout, reason = "prints what the operator asked for")]

use anyhow::Context as _;
use auth_domain::{
    token::{KeyId, SigningKey},
    usecase::KeyListing,
};

use super::print::{self, time};
use crate::{
    cli::{Format, RevokeKey},
    wire::Wiring,
};

/// Lists the signing keys, oldest first.
pub(super) async fn list(wiring: &Wiring, format: Format) -> anyhow::Result<()> {
    let keys = wiring.engine.keys.list().await.context("cannot list the keys")?;
    if format.json {
        print::json(&keys.iter().map(json).collect());
        return Ok(());
    }
    println!("{:<45} {:<6} {:<8} {:<21} {:<21} RETIRES", "KID", "ALG", "STATE", "CREATED", "SIGNS FROM");
    for key in &keys {
        println!("{}", line(key));
    }
    Ok(())
}

/// Makes a new key.
pub(super) async fn rotate(wiring: &Wiring) -> anyhow::Result<()> {
    match wiring.engine.keys.rotate().await.context("cannot rotate the keys")? {
        Some(key) => {
            let minutes = SigningKey::PUBLISHED_AHEAD.num_minutes();
            println!("made {}; it is published now and signs from {}", key.id, time(key.activates_at));
            println!("running servers learn it within a minute, verifiers have {minutes} minutes");
        }
        None => {
            println!("JWT_ALGORITHM is HS256: tokens are signed with SECRET_KEY, there is no key to rotate");
        }
    }
    Ok(())
}

/// Takes a key away.
pub(super) async fn revoke(wiring: &Wiring, options: &RevokeKey) -> anyhow::Result<()> {
    let id = KeyId::new(options.id.clone());
    let revoked = wiring.engine.keys.revoke(&id).await.context("cannot revoke the key")?;
    let revoked = revoked.with_context(|| format!("there is no key {id}; see `auth-server keys list`"))?;
    println!("revoked {id}, which was {}", revoked.revoked.state.as_str());
    println!("running servers refuse what it signed within a second or two");
    let minutes = SigningKey::JWKS_MAX_AGE.num_minutes();
    println!(
        "verifiers that cache the key set believe it for up to {minutes} minutes; make them fetch it anew"
    );
    if let Some(key) = revoked.successor {
        println!("made {}; it signs from {}", key.id, time(key.activates_at));
    }
    Ok(())
}

fn json(key: &KeyListing) -> serde_json::Value {
    serde_json::json!({
        "kid": key.id.as_str(),
        "alg": key.algorithm.as_str(),
        "state": key.state.as_str(),
        "created_at": time(key.created_at),
        "signs_from": time(key.activates_at),
        "retires_at": key.retires_at.map(time),
    })
}

fn line(key: &KeyListing) -> String {
    format!(
        "{:<45} {:<6} {:<8} {:<21} {:<21} {}",
        key.id.as_str(),
        key.algorithm.as_str(),
        key.state.as_str(),
        time(key.created_at),
        time(key.activates_at),
        key.retires_at.map_or_else(|| "-".to_owned(), time),
    )
}
