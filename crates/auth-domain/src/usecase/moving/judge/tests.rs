use chrono::TimeDelta;

use super::*;
use crate::{
    port::MockPasswordHasher,
    user::{PasswordHash, Roles},
};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_782_907_200, 0).unwrap()
}

/// Knows `good`, and that `dear` is too expensive.
fn hasher() -> MockPasswordHasher {
    let mut hasher = MockPasswordHasher::new();
    hasher.expect_check().returning(|hash| match hash.as_str() {
        "good" => Ok(()),
        "dear" => Err(HashError::TooDear),
        _ => Err(HashError::Unreadable),
    });
    hasher
}

fn ada() -> Newcomer {
    Newcomer {
        id: Some(UserId::from_i64(7)),
        hash: Some(PasswordHash::new("good")),
        ..Newcomer::new(Origin::Row(7), " Ada@Example.com ".to_owned())
    }
}

fn judged(newcomer: &Newcomer, strict: bool) -> Result<Judged, Refusal> {
    let terms = ImportTerms { tenant: TenantId::default(), region: "US".to_owned(), strict };
    judge(newcomer, &terms, &hasher(), now())
}

fn taken(newcomer: &Newcomer) -> (User, Vec<Remark>) {
    let judged = judged(newcomer, false).unwrap();
    (judged.user, judged.remarks)
}

fn with(factors: ForeignFactors) -> Newcomer {
    Newcomer { factors, ..ada() }
}

fn number(verified: bool, wanted: bool, text: &str) -> ForeignFactors {
    let phone = Some(text.to_owned());
    ForeignFactors { sms: wanted, phone, phone_verified: verified, ..ForeignFactors::default() }
}

#[test]
fn everything_known_is_kept() {
    let nanos = TimeDelta::nanoseconds(1_234);
    let newcomer = Newcomer {
        email_verified: true,
        full_name: Some("Ada".to_owned()),
        status: Some("Suspended".to_owned()),
        roles: Roles { manager: true, ..Roles::default() },
        temporary_until: Some(now()),
        last_login_at: Some(now() - TimeDelta::days(1)),
        created_at: Some(now() - TimeDelta::days(9) + nanos),
        updated_at: Some(now() - TimeDelta::days(2)),
        ..ada()
    };
    let (user, remarks) = taken(&newcomer);
    assert_eq!(remarks, []);
    assert_eq!((user.id.as_i64(), user.email.as_str()), (7, "ada@example.com"));
    assert!(user.email_verified && user.roles.manager && user.status == UserStatus::Suspended);
    let credential = user.credential.unwrap();
    assert_eq!((credential.hash.as_str(), credential.temporary_until), ("good", Some(now())));
    assert_eq!(user.full_name, FullName::parse("Ada").ok());
    assert_eq!(user.last_login_at, Some(now() - TimeDelta::days(1)));
    assert_eq!(user.created_at, now() - TimeDelta::days(9) + TimeDelta::microseconds(1), "as stores keep it");
    assert_eq!(user.updated_at, now() - TimeDelta::days(2));
}

#[test]
fn whose_age_is_not_known_is_new() {
    let (user, _) = taken(&ada());
    assert_eq!((user.created_at, user.updated_at, user.status), (now(), now(), UserStatus::Active));
}

#[test]
fn an_address_or_an_id_that_is_none_keeps_out() {
    let nobody = Newcomer { email: "nobody".to_owned(), ..ada() };
    assert!(matches!(judged(&nobody, false), Err(Refusal::Address(_))));
    for id in [0, -1, 1 << 53] {
        let wrong = Newcomer { id: Some(UserId::from_i64(id)), ..ada() };
        assert_eq!(judged(&wrong, false).unwrap_err(), Refusal::Id, "{id}");
    }
    let last = Newcomer { id: Some(UserId::from_i64((1 << 53) - 1)), ..ada() };
    assert!(judged(&last, false).is_ok());
}

/// From a database people come without the part, from a file they do not come.
#[test]
fn a_part_that_is_wrong_stays_behind_or_keeps_out() {
    let hash = |text: &str| Newcomer { hash: Some(PasswordHash::new(text)), ..ada() };
    let long = Newcomer { full_name: Some("x".repeat(256)), ..ada() };
    let status = Newcomer { status: Some("banned".to_owned()), ..ada() };
    for (newcomer, flaw) in [
        (hash("md5"), Remark::UnknownHash),
        (hash("dear"), Remark::DearHash),
        (long, Remark::Name(InvalidName::TooLong)),
        (status, Remark::Status),
        (with(number(true, false, "12")), Remark::Phone),
    ] {
        assert_eq!(taken(&newcomer).1, [flaw]);
        assert_eq!(judged(&newcomer, true).unwrap_err(), Refusal::Flaw(flaw));
    }
    assert_eq!(taken(&hash("md5")).0.credential, None);
    assert_eq!(
        taken(&Newcomer { status: Some("banned".to_owned()), ..ada() }).0.status,
        UserStatus::Inactive
    );
    assert_eq!(taken(&hash("")).1, [], "no hash is no wrong one");
}

#[test]
fn an_app_comes_with_its_secret() {
    let app = |totp, secret: Option<&str>| {
        let totp_secret = secret.map(|text| text.to_owned().into());
        with(ForeignFactors { totp, totp_secret, ..ForeignFactors::default() })
    };
    let judged = judged(&app(true, Some(SECRET)), true).unwrap();
    assert!(judged.user.factors.totp && judged.remarks.is_empty());
    assert_eq!(judged.totp.unwrap().expose_secret(), b"12345678901234567890");
    let (user, remarks) = taken(&app(false, Some(SECRET)));
    assert!(!user.factors.is_demanded() && remarks.is_empty(), "it was never activated");
    for secret in [None, Some("lost!")] {
        let (user, remarks) = taken(&app(true, secret));
        assert!(!user.factors.totp && user.factors.email, "the password alone does not suffice");
        assert_eq!(remarks, [Remark::App, Remark::CodesByMail]);
    }
}

#[test]
fn a_number_comes_with_what_was_proved() {
    let sms = |verified, wanted| taken(&with(number(verified, wanted, "(212) 555-0123"))).0.factors.sms;
    let read = PhoneNumber::parse("+12125550123").ok();
    assert_eq!(sms(true, true), SmsFactor { enabled: true, number: read.clone(), pending: None });
    assert_eq!(sms(true, false), SmsFactor { enabled: false, number: read.clone(), pending: None });
    assert_eq!(sms(false, true), SmsFactor { enabled: true, number: None, pending: read });
    let (user, remarks) = taken(&with(number(false, false, "+12125550123")));
    assert_eq!((user.factors.sms, remarks), (SmsFactor::default(), vec![Remark::UnprovedPhone]));
}

/// Who had a second factor has one.
#[test]
fn nobody_is_left_with_a_password_alone() {
    let (user, remarks) = taken(&with(number(true, true, "ask the desk")));
    assert!(user.factors.email && !user.factors.sms.enabled);
    assert_eq!(remarks, [Remark::Phone, Remark::CodesByMail]);
    let (user, remarks) = taken(&with(ForeignFactors { phone: None, ..number(true, true, "") }));
    assert!(user.factors.email && remarks == [Remark::Phone, Remark::CodesByMail]);
    let both = ForeignFactors {
        totp: true,
        totp_secret: Some(SECRET.to_owned().into()),
        ..number(true, true, "ask the desk")
    };
    let (user, remarks) = taken(&with(both));
    assert!(user.factors.totp && !user.factors.email, "the app is enough");
    assert_eq!(remarks, [Remark::Phone]);
    let (user, _) = taken(&with(number(false, true, "ask the desk")));
    assert!(!user.factors.is_demanded(), "a number that was never proved was never asked");
}
