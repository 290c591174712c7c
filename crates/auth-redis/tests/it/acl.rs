//! The least rights suffice, and each of them is needed.

use std::time::Duration;

use auth_domain::{
    id::UserId,
    port::{
        ChallengeStore, CodeMac, CodePurpose, CodeSlot, CodeStore, SmsLedger, StoredChallenge, StoredCode,
    },
    secret::{Digest, Sealed},
};
use auth_redis::{RedisConfig, RedisState};
use auth_testkit::{builder::noon, part::redis::RedisServer};
use chrono::TimeDelta;

use crate::{CLUSTER, SINGLE, admit, config, state};

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Does everything the adapter can do, on scripts the server does not know yet.
async fn do_everything(state: &RedisState, servers: &[RedisServer]) -> Outcome {
    state.ping().await?;
    for server in servers {
        server.cli(&["SCRIPT", "FLUSH"]);
    }
    for _ in 0..2 {
        admit(state, "key").await?;
    }
    let expires_at = noon() + TimeDelta::minutes(5);
    let slot = CodeSlot { purpose: CodePurpose::SmsLogin, user: UserId::from_i64(7) };
    let [right, wrong] = [1, 2].map(|byte| CodeMac::from_bytes([byte; 32]));
    state.put(slot, &StoredCode { mac: right, tries: 5, expires_at }, noon()).await?;
    state.redeem(slot, &wrong, noon()).await?;
    state.redeem(slot, &right, noon()).await?;
    state.discard(slot).await?;
    let token = Digest::of(b"token");
    let challenge = StoredChallenge::new(Sealed::from_bytes(vec![1, 2, 3]), 5, expires_at)?;
    state.open(&token, &challenge, noon()).await?;
    state.attempt(&token, noon()).await?;
    state.consume(&token, noon()).await?;
    state.add("key", 0, Duration::from_hours(1), noon()).await?;
    state.add("key", 1, Duration::from_hours(1), noon()).await?;
    Ok(())
}

/// Settings for a user of this name, who gets `rules` on every server.
fn config_of(user: &str, rules: &str, servers: &[RedisServer], urls: &str) -> RedisConfig {
    let config = config(&urls.replace("://", &format!("://{user}:secret@")));
    let keys = format!("~{}*", config.prefix());
    for server in servers {
        let mut command = vec!["ACL", "SETUSER", user, "reset", "on", ">secret", &keys];
        command.extend(rules.split(' '));
        assert_eq!(server.cli(&command), "OK", "{rules}");
    }
    config
}

async fn try_with(user: &str, rules: &str, servers: &[RedisServer], urls: &str) -> Outcome {
    do_everything(&state(&config_of(user, rules, servers, urls)), servers).await
}

/// That the rules suffice, and no rule may be left out.
async fn are_the_least(rules: &str, servers: &[RedisServer], urls: &str) {
    try_with("exact", rules, servers, urls).await.unwrap();
    let rules: Vec<_> = rules.split(' ').collect();
    assert_eq!(rules[0], "-@all");
    for (number, rule) in rules.iter().enumerate().skip(1) {
        let fewer = [&rules[..number], &rules[number + 1..]].concat().join(" ");
        let outcome = try_with(&format!("less{number}"), &fewer, servers, urls).await;
        assert!(outcome.is_err(), "{rule} is not needed");
    }
}

#[tokio::test]
async fn the_rules_are_the_least_for_one_server() {
    // A server of its own: the others must not lose their scripts all the time.
    let servers = [RedisServer::start()];
    are_the_least(RedisConfig::ACL_COMMANDS, &servers, &servers[0].url()).await;
}

#[tokio::test]
async fn the_rules_are_the_least_for_a_cluster() {
    let rules = format!("{} {}", RedisConfig::ACL_COMMANDS, RedisConfig::ACL_CLUSTER_COMMANDS);
    are_the_least(&rules, CLUSTER.nodes(), &CLUSTER.urls()).await;
}

#[tokio::test]
async fn keys_outside_the_prefix_are_out_of_reach() {
    let servers = std::slice::from_ref(&*SINGLE);
    let config = config_of("outsider", RedisConfig::ACL_COMMANDS, servers, &SINGLE.url());
    let elsewhere = state(&config.clone().with_prefix("elsewhere:").unwrap());
    assert!(admit(&state(&config), "key").await.is_ok());
    let error = admit(&elsewhere, "key").await.unwrap_err();
    assert!(format!("{:?}", std::error::Error::source(&error)).contains("NoPerm"), "{error:?}");
}
