//! What lies in Redis: hashed, with an end, spread over the nodes.

use std::time::Duration;

use auth_domain::{
    id::UserId,
    port::{
        ChallengeStore, CodeMac, CodePurpose, CodeSlot, CodeStore, Quota, RateLimiter, SmsLedger,
        StoredChallenge, StoredCode,
    },
    secret::{Digest, Sealed},
};
use auth_testkit::{builder::noon, part::redis::RedisServer};
use chrono::TimeDelta;

use crate::{CLUSTER, admit, config, state};

const HOUR: Duration = Duration::from_hours(1);

/// Every key of a server, with how long it stays and what it holds.
fn dump(server: &RedisServer) -> Vec<(String, i64, String)> {
    let keys = server.cli(&["KEYS", "*"]);
    let content = |key: &str| match server.cli(&["TYPE", key]).as_str() {
        "hash" => server.cli(&["HGETALL", key]),
        _ => server.cli(&["GET", key]),
    };
    let read = |key: &str| (key.to_owned(), server.cli(&["PTTL", key]).parse().unwrap(), content(key));
    keys.lines().map(read).collect()
}

#[tokio::test]
async fn everything_is_hashed_and_ends() {
    const USER: i64 = 4_503_599_627_370_497;
    const TOKEN: &[u8] = b"mfa_0123456789abcdefghijklmnopqrstuvwxyz";
    let server = RedisServer::start();
    let state = state(&config(&server.url()));
    let expires_at = noon() + TimeDelta::minutes(5);
    for key in ["login:ada@example.com", "203.0.113.7"] {
        state.admit(key, Quota::per_hour(9), noon()).await.unwrap();
    }
    let slot = CodeSlot { purpose: CodePurpose::SmsLogin, user: UserId::from_i64(USER) };
    let code = StoredCode { mac: CodeMac::from_bytes([7; 32]), tries: 5, expires_at };
    state.put(slot, &code, noon()).await.unwrap();
    let digest = Digest::of(TOKEN);
    let challenge = StoredChallenge::new(Sealed::from_bytes(b"sealed".to_vec()), 5, expires_at).unwrap();
    state.open(&digest, &challenge, noon()).await.unwrap();
    for _ in 0..2 {
        state.add("sms:sent:1212555", 7, HOUR, noon()).await.unwrap();
    }

    let entries = dump(&server);
    assert_eq!(entries.len(), 5, "{entries:?}");
    let digest = format!("{:016x}", u64::from_be_bytes(*digest.as_bytes().first_chunk().unwrap()));
    let number = USER.to_string();
    let clear: [&str; 10] =
        ["ada", "example", "203.0", "login", "sms", "1212555", &number, "mfa_", "0123456789", &digest];
    for (key, stays, content) in &entries {
        // A window ends within the hour, the rest in five minutes; a minute of grace comes on top.
        let counts = key.contains("limit:") || key.contains("ledger:");
        let longest = if counts { 3_661_000 } else { 361_000 };
        assert!((1..=longest).contains(stays), "{key} stays {stays} ms");
        for text in [key, content] {
            assert!(clear.iter().all(|clear| !text.contains(clear)), "{text}");
        }
    }
}

#[tokio::test]
async fn used_up_state_leaves_nothing_behind() {
    let server = RedisServer::start();
    let state = state(&config(&server.url()));
    let expires_at = noon() + TimeDelta::minutes(5);
    let slot = CodeSlot { purpose: CodePurpose::SmsLogin, user: UserId::from_i64(7) };
    let code = StoredCode { mac: CodeMac::from_bytes([7; 32]), tries: 1, expires_at };
    for answer in [code.mac, CodeMac::from_bytes([8; 32])] {
        state.put(slot, &code, noon()).await.unwrap();
        state.redeem(slot, &answer, noon()).await.unwrap();
    }
    let challenge = StoredChallenge::new(Sealed::from_bytes(vec![]), 5, expires_at).unwrap();
    state.open(&Digest::of(b"token"), &challenge, noon()).await.unwrap();
    assert_eq!(server.cli(&["DBSIZE"]), "1");
    assert!(state.consume(&Digest::of(b"token"), noon()).await.unwrap());
    assert_eq!(server.cli(&["DBSIZE"]), "0");
    assert_eq!(state.add("key", 0, HOUR, noon()).await.unwrap(), 0);
    assert_eq!(server.cli(&["DBSIZE"]), "0", "reading a count leaves a key behind");
}

#[tokio::test]
async fn a_cluster_shares_the_keys() {
    let config = config(&CLUSTER.urls());
    let state = state(&config);
    for number in 0..100 {
        admit(&state, &number.to_string()).await.unwrap();
    }
    let pattern = format!("{}*", config.prefix());
    let counts: Vec<_> =
        CLUSTER.nodes().iter().map(|node| node.cli(&["KEYS", &pattern]).lines().count()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 100);
    assert!(counts.iter().all(|&count| count > 10), "{counts:?}");
}
