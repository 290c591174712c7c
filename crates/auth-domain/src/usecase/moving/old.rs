//! What becomes of a row of the service before this one.

use chrono::{DateTime, TimeDelta, Utc};

use super::judge::Remark;
use crate::port::{Newcomer, OldUser, Origin};

/// The newcomer that a row makes, and what is left behind.
///
/// Of the two passwords that a row may have, one counts:
///
/// - the temporary one, where its owner never signed in and it has not expired: it was handed out and waits;
/// - else the main one. Marked as temporary it must be changed here, too; it goes on working until it would have
///   expired there, and at least for `life` from now, because there it never stopped.
pub(super) fn newcomer(old: OldUser, life: TimeDelta, now: DateTime<Utc>) -> (Newcomer, Vec<Remark>) {
    let mut remarks = Vec::new();
    if old.biometric {
        remarks.push(Remark::Biometric);
    }
    let waits = old.temporary_until.is_some_and(|until| until > now) && old.temporary_hash.is_some();
    let (hash, temporary_until) = if waits && old.last_login_at.is_none() {
        (old.temporary_hash, old.temporary_until)
    } else {
        if waits && old.temporary_hash != old.hash {
            remarks.push(Remark::LeftoverPassword);
        }
        let until = old.is_password_temporary.then(|| old.temporary_until.unwrap_or(now).max(now + life));
        (old.hash, until)
    };
    let newcomer = Newcomer {
        id: Some(crate::id::UserId::from_i64(old.id)),
        email_verified: old.is_verified,
        full_name: old.full_name,
        status: old.status,
        roles: old.roles,
        hash,
        temporary_until,
        factors: old.factors,
        last_login_at: old.last_login_at,
        created_at: old.created_at,
        updated_at: old.updated_at,
        ..Newcomer::new(Origin::Row(old.id), old.email)
    };
    (newcomer, remarks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::PasswordHash;

    const LIFE: TimeDelta = TimeDelta::hours(48);

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_782_907_200, 0).unwrap()
    }

    fn old() -> OldUser {
        OldUser {
            id: 7,
            email: "ada@example.com".to_owned(),
            hash: Some(PasswordHash::new("main")),
            ..OldUser::default()
        }
    }

    fn password(old: OldUser) -> (Option<String>, Option<DateTime<Utc>>, Vec<Remark>) {
        let (newcomer, remarks) = newcomer(old, LIFE, now());
        (newcomer.hash.map(|hash| hash.as_str().to_owned()), newcomer.temporary_until, remarks)
    }

    fn with_temporary(until: DateTime<Utc>) -> OldUser {
        let temporary_hash = Some(PasswordHash::new("handed out"));
        OldUser { temporary_hash, temporary_until: Some(until), ..old() }
    }

    #[test]
    fn the_main_password_is_the_usual_one() {
        assert_eq!(password(old()), (Some("main".to_owned()), None, Vec::new()));
        assert_eq!(password(OldUser { hash: None, ..old() }), (None, None, Vec::new()));
    }

    #[test]
    fn a_password_that_was_handed_out_and_never_used_is_the_one() {
        let until = now() + TimeDelta::hours(1);
        assert_eq!(password(with_temporary(until)), (Some("handed out".to_owned()), Some(until), Vec::new()));
    }

    #[test]
    fn an_expired_one_is_gone() {
        let expected = (Some("main".to_owned()), None, Vec::new());
        assert_eq!(password(with_temporary(now())), expected);
    }

    #[test]
    fn whoever_has_signed_in_keeps_the_main_one() {
        let old = OldUser { last_login_at: Some(now()), ..with_temporary(now() + TimeDelta::hours(1)) };
        assert_eq!(password(old), (Some("main".to_owned()), None, vec![Remark::LeftoverPassword]));
    }

    #[test]
    fn a_password_marked_as_temporary_must_be_changed_and_lasts_long_enough_for_that() {
        let marked = OldUser { is_password_temporary: true, last_login_at: Some(now()), ..old() };
        assert_eq!(password(marked.clone()).1, Some(now() + LIFE));
        let later = now() + TimeDelta::days(9);
        assert_eq!(password(OldUser { temporary_until: Some(later), ..marked.clone() }).1, Some(later));
        let past = OldUser { temporary_until: Some(now() - TimeDelta::days(9)), ..marked };
        assert_eq!(password(past).1, Some(now() + LIFE));
    }

    #[test]
    fn what_has_no_place_here_is_named() {
        assert_eq!(password(OldUser { biometric: true, ..old() }).2, [Remark::Biometric]);
    }
}
