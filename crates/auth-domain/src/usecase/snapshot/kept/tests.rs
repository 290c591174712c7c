use super::*;
use crate::{
    client::Client,
    session::{Authentication, Session},
    tenant::TenantId,
    user::{Credential, Email, PasswordHash, User},
};

const LIFE: TimeDelta = TimeDelta::milliseconds(1000);
const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Session `number` of `user`.
fn found(number: i64, user: i64) -> Arc<Found> {
    let email = Email::parse("ada@example.com").unwrap();
    let (id, credential) = (UserId::from_i64(user), Credential::permanent(PasswordHash::new("x")));
    let user = User::register(id, TenantId::default(), email, None, credential, START);
    let authentication = Authentication { at: START, methods: vec![], second_factor_at: None };
    let (number, client) = (SessionId::from_i64(number), Client::default());
    let session =
        Session::open(number, user.tenant.clone(), id, authentication, &client, START, START + LIFE);
    Arc::new((session, user))
}

fn has(kept: &Kept, number: i64, now: DateTime<Utc>) -> bool {
    kept.get(SessionId::from_i64(number), LIFE, now).is_some()
}

#[test]
fn a_session_is_kept_for_a_moment_from_the_beginning_of_reading_on() {
    let mut kept = Kept::default();
    kept.keep(kept.reading(START), LIFE, found(1, 1));
    let least = TimeDelta::microseconds(1);
    let looks = [START - least, START, START + LIFE - least, START + LIFE].map(|at| has(&kept, 1, at));
    assert_eq!(looks, [false, true, true, false]);
    assert!(!has(&kept, 2, START));
}

#[test]
fn what_is_forgotten_is_gone_and_so_is_what_was_being_read() {
    let mut kept = Kept::default();
    let look = |kept: &Kept| [1, 2, 3].map(|number| has(kept, number, START));
    for (number, user) in [(1, 1), (2, 1), (3, 2)] {
        kept.keep(kept.reading(START), LIFE, found(number, user));
    }
    let under_way = kept.reading(START);
    kept.forget(SessionId::from_i64(1));
    kept.keep(under_way, LIFE, found(1, 1));
    assert_eq!(look(&kept), [false, true, true]);
    kept.keep(kept.reading(START), LIFE, found(1, 1));
    let under_way = kept.reading(START);
    kept.forget_all_of(UserId::from_i64(1));
    kept.keep(under_way, LIFE, found(2, 1));
    assert_eq!(look(&kept), [false, false, true]);
}

#[test]
fn what_is_in_the_old_generation_is_forgotten_alike() {
    let mut kept = Kept::default();
    for number in [1, 2] {
        kept.keep(kept.reading(START), LIFE, found(number, 1));
    }
    kept.keep(kept.reading(START + LIFE), LIFE, found(3, 1));
    kept.forget(SessionId::from_i64(1));
    assert_eq!((kept.young.sessions.len(), kept.old.sessions.len()), (1, 1));
    kept.forget_all_of(UserId::from_i64(1));
    assert_eq!((kept.young.sessions.len(), kept.old.sessions.len()), (0, 0));
}

#[test]
fn old_generations_are_given_back() {
    let mut kept = Kept::default();
    let numbers = 0..5_u8;
    let outlived: Vec<usize> = numbers
        .map(|number| {
            let at = START + LIFE * i32::from(number);
            let outlived = kept.keep(kept.reading(at), LIFE, found(number.into(), 1));
            outlived.map_or(0, |generation| generation.sessions.len())
        })
        .collect();
    assert_eq!(outlived, [0, 0, 1, 1, 1]);
    assert_eq!((kept.young.sessions.len(), kept.old.sessions.len()), (1, 1));
}

#[test]
fn no_more_than_so_many_are_kept() {
    let mut kept = Kept::default();
    let one = found(0, 1);
    for number in 0..=i64::try_from(AT_MOST).unwrap() {
        let mut found = one.as_ref().clone();
        found.0.id = SessionId::from_i64(number);
        kept.keep(kept.reading(START), LIFE, Arc::new(found));
    }
    assert_eq!(kept.young.sessions.len(), AT_MOST);
}
