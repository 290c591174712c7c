use super::*;
use crate::{
    client::{Client, UserAgent},
    tenant::TenantId,
};

fn at() -> DateTime<Utc> {
    "2026-03-04T05:06:07.000008Z".parse().unwrap()
}

fn row() -> StoredRow {
    let client = Client {
        ip: Some("203.0.113.77".parse().unwrap()),
        user_agent: UserAgent::new("Firefox"),
        request_id: Some("r-1".to_owned()),
    };
    let record = AuditRecord::new(AuditEvent::LoginOk, &TenantId::default(), &client, at())
        .by(UserId::from_i64(7))
        .with("factor", "totp");
    StoredRow::of(3, &record)
}

const SALT: Salt = Salt([0xab; 16]);

#[test]
fn the_bytes_of_an_entry_are_known() {
    let link = ChainHead::GENESIS.link(&row(), SALT);
    let seal = link.client.unwrap().to_string();
    assert_eq!(seal, "ed1179130ce6e201a78f9b02444f7f621d682e3a420e7ea8d54032d136a680a0");
    let expected = [
        "\0\0\0\x10auth-audit-row/1\0\0\0\x013\0\0\0\x1b2026-03-04T05:06:07.000008Z\0\0\0\x07default",
        "\0\0\0\x08login.ok\0\0\0\x07success\0\0\0\x017\0\0\0\x017",
    ]
    .concat();
    let bytes = row().canonical(link.client.as_ref());
    assert_eq!(bytes[..expected.len()], *expected.as_bytes());
    let rest = format!(
        "\0\0\0\x03r-1\0\0\0\x0b203.0.113.0\0\0\0\x40{seal}\0\0\0\x011\0\0\0\x06factor\0\0\0\x04totp"
    );
    let rest = [&[0xff; 4], rest.as_bytes()].concat(); // no session
    assert_eq!(bytes[expected.len()..], rest);
}

/// Computed by another program, as `docs/audit.md` says.
#[test]
fn the_hashes_of_a_chain_are_known() {
    let first = ChainHead::GENESIS.link(&row(), SALT);
    let bare = StoredRow { seq: 4, ip: None, user_agent: None, details: Vec::new(), ..row() };
    let second = ChainHead::from(&first).link(&bare, SALT);
    assert_eq!((first.position, second.position), (1, 2));
    assert_eq!((second.client, second.salt), (None, None));
    let expected = "299a7b09df136aea4df1271a0e4199168d40a542dc8dd719c531b732d59e1693";
    assert_eq!(first.hash.to_string(), expected);
    let expected = "9db2f0eac047d9615b41afe325a5cdb8398c3f9dc350094570509a5bc31d82a1";
    assert_eq!(second.hash.to_string(), expected);
}

#[test]
fn every_field_counts() {
    let link = ChainHead::GENESIS.link(&row(), SALT);
    let good = row();
    let changed = [
        StoredRow { seq: 4, ..row() },
        StoredRow { at: at() + chrono::TimeDelta::microseconds(1), ..row() },
        StoredRow { tenant: "other".to_owned(), ..row() },
        StoredRow { event: "logout".to_owned(), ..row() },
        StoredRow { outcome: "failure".to_owned(), ..row() },
        StoredRow { actor: None, ..row() },
        StoredRow { subject: Some(8), ..row() },
        StoredRow { session: Some(7), ..row() },
        StoredRow { ip: Some("203.0.114.77".to_owned()), ..row() },
        StoredRow { request_id: None, ..row() },
        StoredRow { details: Vec::new(), ..row() },
        StoredRow { details: vec![("factor".to_owned(), "sms".to_owned())], ..row() },
        StoredRow { details: vec![("factort".to_owned(), "otp".to_owned())], ..row() },
    ];
    assert!(ChainHead::GENESIS.covers(&link, &good) && link.knows_client_of(&good));
    for row in changed {
        assert!(!ChainHead::GENESIS.covers(&link, &row), "{row:?}");
    }
    let elsewhere = ChainHead { hash: ChainHash([1; 32]), ..ChainHead::GENESIS };
    assert!(!elsewhere.covers(&link, &good));
}

#[test]
fn a_client_is_proved_by_its_salt_and_may_be_erased() {
    let link = ChainHead::GENESIS.link(&row(), SALT);
    let neighbour = StoredRow { ip: Some("203.0.113.78".to_owned()), ..row() };
    let device = StoredRow { user_agent: Some("Chrome".to_owned()), ..row() };
    for row in [&neighbour, &device] {
        assert!(ChainHead::GENESIS.covers(&link, row), "the chain itself covers the network only");
        assert!(!link.knows_client_of(row));
    }
    let erased_link = ChainLink { salt: None, ..link };
    let erased = StoredRow { ip: Some("203.0.113.0".to_owned()), user_agent: None, ..row() };
    assert!(ChainHead::GENESIS.covers(&erased_link, &erased) && erased_link.knows_client_of(&erased));
    for row in [row(), neighbour, StoredRow { user_agent: Some("x".to_owned()), ..erased.clone() }] {
        assert!(!erased_link.knows_client_of(&row), "{row:?}");
    }
    let invented = ChainHead::GENESIS.link(&StoredRow { ip: None, user_agent: None, ..row() }, SALT);
    assert!(!invented.knows_client_of(&StoredRow { ip: None, ..row() }));
}

#[test]
fn networks_are_known() {
    let known = [
        ("203.0.113.77", "203.0.113.0"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::1", "::"),
    ];
    for (ip, expected) in known {
        assert_eq!(network_text(ip).as_deref(), Some(expected));
        assert_eq!(network_text(expected).as_deref(), Some(expected));
    }
    assert_eq!(network_text("here"), None);
}

#[test]
fn hexadecimal_digits_go_both_ways() {
    let hash = ChainHash([0x0f; 32]);
    assert_eq!(hash.to_string().parse(), Ok(hash));
    for wrong in ["", "0f", &"0g".repeat(32), &"é".repeat(32)] {
        assert_eq!(wrong.parse::<ChainHash>(), Err(NotHex));
    }
    assert_eq!(format!("{SALT:?}"), "Salt");
}
