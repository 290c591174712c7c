use super::*;

fn refused(urls: &str) -> RedisConfigError {
    match RedisConfig::parse(urls) {
        Ok(config) => panic!("accepted {urls}: {config:?}"),
        Err(error) => error,
    }
}

#[test]
fn reads_single_servers() {
    for (url, addr, db, user, password) in [
        ("redis://localhost", "localhost:6379", 0, None, None),
        ("redis://10.0.0.7:7000/3", "10.0.0.7:7000", 3, None, None),
        ("redis://:s%2Cec%40ret@h:1/", "h:1", 0, None, Some("s,ec@ret")),
        ("rediss://ada:secret@h:1/0", "h:1", 0, Some("ada"), Some("secret")),
        (" redis://[::1]:7000?cluster=false ", "::1:7000", 0, None, None),
    ] {
        let config = RedisConfig::parse(url).unwrap();
        let [server] = config.servers() else { panic!("{config:?}") };
        let settings = server.redis_settings();
        assert_eq!(server.addr().to_string(), addr);
        assert_eq!((settings.db(), settings.username(), settings.password()), (db, user, password));
        assert_eq!(config.is_encrypted(), url.starts_with("rediss"));
        assert!(!config.is_cluster());
    }
}

#[test]
fn several_seeds_or_the_parameter_make_a_cluster() {
    for urls in ["redis://a,redis://b:7001", "redis://a?cluster=true", "rediss://:x@a, rediss://:x@b"] {
        assert!(RedisConfig::parse(urls).unwrap().is_cluster(), "{urls}");
    }
}

#[test]
fn reads_the_parts_of_a_server() {
    let parts = ServerParts {
        host: "h".to_owned(),
        port: 7000,
        database: 2,
        username: Some("a:da".to_owned()),
        password: Some("p@ss".to_owned()),
    };
    let config = RedisConfig::from_parts(parts.clone()).unwrap();
    let settings = config.servers()[0].redis_settings();
    assert_eq!((settings.db(), settings.username(), settings.password()), (2, Some("a:da"), Some("p@ss")));
    let error = RedisConfig::from_parts(ServerParts { password: None, ..parts }).unwrap_err();
    assert!(matches!(error, RedisConfigError::UserWithoutPassword));
}

#[test]
fn refuses_what_it_does_not_know() {
    use RedisConfigError::{ClusterDatabase, Disagreement, NoCluster, Parameter, Url, UserWithoutPassword};
    for url in [
        "",
        "localhost:6379",
        "http://localhost",
        "unix:///run/redis",
        "valkey://localhost",
        "redis://",
        "redis:///1",
        "redis://h/x",
        "redis://h/1/2",
        "redis://h/-1",
        "redis://h:99999",
        "rediss://h#insecure",
        "redis://a,",
        "redis://0.0.0.0",
    ] {
        assert!(matches!(refused(url), Url), "{url}");
    }
    for url in ["redis://h?ssl=true", "redis://h?cluster=1", "redis://h?protocol=resp3", "redis://h?"] {
        assert!(matches!(refused(url), Parameter), "{url}");
    }
    for url in ["redis://ada@h", "redis://ada:@h"] {
        assert!(matches!(refused(url), UserWithoutPassword), "{url}");
    }
    assert!(matches!(refused("redis://a,redis://b?cluster=false"), NoCluster));
    assert!(matches!(refused("redis://a/1,redis://b/1"), ClusterDatabase));
    for urls in ["redis://a,rediss://b", "redis://:x@a,redis://:y@b", "redis://u:x@a,redis://v:x@b"] {
        assert!(matches!(refused(urls), Disagreement), "{urls}");
    }
}

#[test]
fn errors_repeat_nothing_of_the_url() {
    for urls in ["redis://u:hunter2@h?hunter2", "redis://:1?hunter2@h", "hunter2@h", "redis://hunter2@h"] {
        let error = refused(urls);
        let text = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
        assert!(!text.contains("hunter2") && !text.contains('\n'), "{text}");
    }
}

#[test]
fn shows_no_secrets() {
    let config = RedisConfig::parse("redis://ada:hunter2@a,redis://ada:hunter2@b").unwrap();
    let text = format!("{config:?} {config:#?}");
    assert!(text.contains("a:6379") && !text.contains("hunter2") && !text.contains("ada"), "{text}");
}

#[test]
fn bounds_prefixes() {
    let config = || RedisConfig::parse("redis://h").unwrap();
    assert_eq!(config().prefix(), RedisConfig::DEFAULT_PREFIX);
    assert_eq!(config().with_prefix("Auth-2:test_1.").unwrap().prefix(), "Auth-2:test_1.");
    for prefix in ["", "a b", "{a}", "a*", "é", "a\n", &"a".repeat(65)] {
        assert!(matches!(config().with_prefix(prefix), Err(RedisConfigError::Prefix)), "{prefix}");
    }
}
