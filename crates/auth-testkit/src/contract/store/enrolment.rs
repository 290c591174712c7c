//! Duties of the repositories towards the second factors in an account's row.

use auth_domain::{
    factor::{Enrolment, SmsFactor},
    user::User,
};

use super::{Subject, begin, given_session, given_user, read};
use crate::builder;

/// Every state that the factors of an account can be in.
fn all() -> Vec<Enrolment> {
    let (proved, waiting) = (Some(builder::phone(1)), Some(builder::phone(2)));
    let sms = |enabled, number: &Option<_>, pending: &Option<_>| SmsFactor {
        enabled,
        number: number.clone(),
        pending: pending.clone(),
    };
    let texts = [
        sms(false, &None, &None),
        sms(false, &proved, &None),
        sms(true, &proved, &None),
        sms(true, &None, &waiting),
        sms(true, &proved, &waiting),
    ];
    let flags = [(false, false), (true, false), (false, true), (true, true)];
    let each = texts
        .into_iter()
        .flat_map(|sms| flags.map(|(totp, email)| Enrolment { totp, sms: sms.clone(), email }));
    each.collect()
}

/// What is inserted with an account comes back with it.
pub async fn every_enrolment_survives_the_insert(store: Subject) {
    for (number, factors) in (1..).zip(all()) {
        let user = User { factors, ..builder::user(number, builder::noon()) };
        let mut tx = begin(&store).await;
        tx.users().insert(&user).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read(&store).await.users().by_id(user.id).await.unwrap(), Some(user));
    }
}

/// `save` writes all of it, on and off again, alone and together with a new address.
pub async fn save_writes_the_enrolment_back(store: Subject) {
    let id = given_user(&store, 1, builder::noon()).await.id;
    let states = all();
    for (number, factors) in (1..).zip(states.iter().chain(states.iter().rev())) {
        let mut tx = begin(&store).await;
        let mut user = tx.users().lock(id).await.unwrap().unwrap();
        user.factors = factors.clone();
        if number % 3 == 0 {
            user.email = builder::email(&format!("moved{number}@example.com"));
        }
        tx.users().save(&user).await.unwrap().unwrap();
        assert_eq!(tx.users().by_id(id).await.unwrap().as_ref(), Some(&user), "seen in its transaction");
        tx.commit().await.unwrap();
        assert_eq!(read(&store).await.users().by_id(id).await.unwrap(), Some(user));
    }
}

/// Whoever gets an account gets its factors: nobody has to ask again.
pub async fn every_way_to_an_account_shows_its_factors(store: Subject) {
    let now = builder::noon();
    let mut user = given_user(&store, 1, now).await;
    let session = given_session(&store, 1, &user, now).await;
    user.factors = builder::enrolment();
    let mut tx = begin(&store).await;
    tx.users().lock(user.id).await.unwrap().unwrap();
    tx.users().save(&user).await.unwrap().unwrap();
    tx.commit().await.unwrap();

    let (tenant, email) = (user.tenant.clone(), user.email.clone());
    let next = builder::generation(session.id, 1, now);
    let mut tx = begin(&store).await;
    let (_, with_account) =
        tx.locks().lock_with_account(&builder::lock_key(1), &tenant, &email).await.unwrap();
    let with_sessions = tx.users().lock_with_live_sessions(user.id, now).await.unwrap();
    let ways = [
        ("lock_with_account", with_account),
        ("lock_with_live_sessions", with_sessions.map(|(user, _)| user)),
        ("lock", tx.users().lock(user.id).await.unwrap()),
        ("by_id", tx.users().by_id(user.id).await.unwrap()),
        ("by_email", tx.users().by_email(&tenant, &email).await.unwrap()),
        ("with_user", tx.sessions().with_user(session.id).await.unwrap().map(|(_, user)| user)),
        ("rotate_with_user", tx.sessions().rotate_with_user(session.id, &next).await.unwrap()),
    ];
    tx.commit().await.unwrap();
    for (way, seen) in ways {
        assert_eq!(seen.as_ref(), Some(&user), "{way}");
    }
}
