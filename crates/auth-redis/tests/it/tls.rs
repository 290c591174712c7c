//! Encryption: the right authority is trusted and no other.

use std::path::Path;

use auth_redis::{RedisConfig, RedisConfigError, RedisFailure, RedisState};
use auth_testkit::{
    fake::FakeCipher,
    part::redis::{RedisCluster, RedisOptions, RedisServer},
};

use crate::{admit, config, state};

fn server() -> RedisServer {
    RedisServer::with(RedisOptions { tls: true, ..RedisOptions::default() })
}

fn trusting(server: &RedisServer, ca: &Path) -> RedisConfig {
    let mut config = config(&server.url());
    config.ca_file = Some(ca.to_owned());
    config
}

#[tokio::test]
async fn trusts_the_authority_it_was_given() {
    let server = server();
    let state = state(&trusting(&server, &server.ca_file()));
    admit(&state, "key").await.unwrap();
    state.ping().await.unwrap();
}

#[tokio::test]
async fn trusts_the_authority_of_a_cluster() {
    let cluster = RedisCluster::with(RedisOptions { tls: true, ..RedisOptions::default() });
    let mut config = config(&cluster.urls());
    assert!(admit(&state(&config), "key").await.is_err());
    config.ca_file = Some(cluster.nodes()[0].ca_file());
    let state = state(&config);
    for key in 0..20 {
        admit(&state, &key.to_string()).await.unwrap();
    }
    state.ping().await.unwrap();
}

#[tokio::test]
async fn refuses_other_authorities_and_names() {
    let (server, other) = (server(), server());
    let strange = trusting(&server, &other.ca_file());
    let unknown = config(&server.url());
    let mut misnamed = config(&server.url().replace("127.0.0.1", "127.0.0.2"));
    misnamed.ca_file = Some(server.ca_file());
    for config in [strange, unknown] {
        let error = admit(&state(&config), "key").await.unwrap_err();
        let RedisFailure::Connect(cause) = &error else { panic!("{error:?}") };
        assert!(cause.to_string().contains("certificate"), "{cause}");
    }
    assert!(matches!(admit(&state(&misnamed), "key").await, Err(RedisFailure::Connect(_))));
}

#[tokio::test]
async fn speaks_no_plain_text_to_an_encrypted_server() {
    let server = server();
    let plain = config(&server.url().replace("rediss", "redis"));
    assert!(admit(&state(&plain), "key").await.is_err());
}

#[test]
fn refuses_useless_files() {
    let empty = std::env::temp_dir().join(format!("no-certificates-{}.pem", std::process::id()));
    std::fs::write(&empty, "nothing").unwrap();
    let refusal = |url: &str, file: &Path| {
        let mut config = RedisConfig::parse(url).unwrap();
        config.ca_file = Some(file.to_owned());
        RedisState::new(&config, std::sync::Arc::new(FakeCipher::default())).unwrap_err()
    };
    assert!(matches!(refusal("redis://h", &empty), RedisConfigError::CaWithoutTls));
    assert!(matches!(refusal("rediss://h", &empty), RedisConfigError::CaEmpty));
    assert!(matches!(refusal("rediss://h", Path::new("/nowhere")), RedisConfigError::CaFile { .. }));
    std::fs::remove_file(&empty).unwrap();
}
