//! Who gets an address that several have.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    id::UserId,
    port::{Newcomer, Origin},
    user::Email,
};

/// How good somebody's claim to an address is; a greater one wins.
///
/// First the one whom the service before this one finds at login: it looks for the address in lower case. So
/// nobody who was stopped there comes in by a twin in another spelling. Then who was not deleted, who is active,
/// who signed in last, and who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    canonical: bool,
    present: bool,
    active: bool,
    last_login_at: Option<DateTime<Utc>>,
    first: std::cmp::Reverse<Origin>,
}

/// The claims to all addresses and ids.
#[derive(Debug, Default)]
pub(super) struct Contest {
    addresses: HashMap<Email, Claim>,
    ids: HashMap<UserId, Origin>,
}

impl Contest {
    /// Hears of a newcomer. One without a valid address claims nothing.
    pub(super) fn enter(&mut self, newcomer: &Newcomer) {
        let Ok(email) = Email::parse(&newcomer.email) else { return };
        let claim = Claim::of(newcomer, &email);
        if let Some(id) = newcomer.id.filter(|_| matches!(newcomer.origin, Origin::Line(_))) {
            self.ids.entry(id).or_insert(newcomer.origin);
        }
        let held = self.addresses.entry(email).or_insert(claim);
        *held = claim.max(*held);
    }

    /// Who has the address or the id, if it is not this newcomer.
    pub(super) fn rival(&self, newcomer: &Newcomer, email: &Email) -> Option<Origin> {
        let by_address = self.addresses.get(email).map(|claim| claim.first.0);
        let by_id = newcomer.id.and_then(|id| self.ids.get(&id)).copied();
        by_address.into_iter().chain(by_id).find(|&origin| origin != newcomer.origin)
    }
}

impl Claim {
    fn of(newcomer: &Newcomer, email: &Email) -> Self {
        // In a file an earlier line wins, whatever it says.
        let judged = matches!(newcomer.origin, Origin::Row(_));
        let status = newcomer.status.as_deref().unwrap_or("active");
        Self {
            canonical: judged && newcomer.email == email.as_str(),
            present: judged && !status.eq_ignore_ascii_case("deleted"),
            active: judged && status.eq_ignore_ascii_case("active"),
            last_login_at: newcomer.last_login_at.filter(|_| judged),
            first: std::cmp::Reverse(newcomer.origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, email: &str) -> Newcomer {
        Newcomer { id: Some(UserId::from_i64(id)), ..Newcomer::new(Origin::Row(id), email.to_owned()) }
    }

    fn winner(newcomers: &[Newcomer]) -> Origin {
        let mut contest = Contest::default();
        for newcomer in newcomers {
            contest.enter(newcomer);
        }
        let ada = Email::parse("ada@example.com").unwrap();
        let free: Vec<Origin> = newcomers
            .iter()
            .filter(|newcomer| contest.rival(newcomer, &ada).is_none())
            .map(|newcomer| newcomer.origin)
            .collect();
        assert_eq!(free.len(), 1, "{free:?}");
        for newcomer in newcomers.iter().filter(|newcomer| newcomer.origin != free[0]) {
            assert_eq!(contest.rival(newcomer, &ada), Some(free[0]));
        }
        free[0]
    }

    fn with_status(mut newcomer: Newcomer, status: &str) -> Newcomer {
        newcomer.status = Some(status.to_owned());
        newcomer
    }

    fn seen_at(mut newcomer: Newcomer, second: i64) -> Newcomer {
        newcomer.last_login_at = DateTime::from_timestamp(second, 0);
        newcomer
    }

    /// Each pair in both orders: the second has the better claim.
    #[test]
    fn the_better_claim_wins_whoever_comes_first() {
        let lower = |id| row(id, "ada@example.com");
        let mixed = |id| row(id, "Ada@Example.com");
        for (worse, better) in [
            (mixed(1), lower(2)),
            (mixed(1), with_status(lower(2), "suspended")),
            (mixed(1), with_status(lower(2), "deleted")),
            (with_status(lower(1), "deleted"), with_status(lower(2), "inactive")),
            (with_status(lower(1), "INACTIVE"), with_status(lower(2), "Active")),
            (lower(1), seen_at(lower(2), 5)),
            (seen_at(lower(1), 5), seen_at(lower(2), 6)),
            (seen_at(lower(2), 5), seen_at(lower(1), 5)),
            (mixed(3), mixed(2)),
        ] {
            assert_eq!(winner(&[worse.clone(), better.clone()]), better.origin, "{worse:?} {better:?}");
            assert_eq!(winner(&[better.clone(), worse]), better.origin);
        }
    }

    #[test]
    fn in_a_file_the_first_line_wins() {
        let line = |number, email: &str| Newcomer::new(Origin::Line(number), email.to_owned());
        let first = with_status(line(2, "Ada@example.com"), "deleted");
        assert_eq!(winner(&[first, seen_at(line(3, "ada@example.com"), 5)]), Origin::Line(2));
    }

    #[test]
    fn an_id_is_given_once() {
        let line = |number, email: &str| Newcomer {
            id: Some(UserId::from_i64(7)),
            ..Newcomer::new(Origin::Line(number), email.to_owned())
        };
        let (ada, eve) = (line(1, "ada@example.com"), line(2, "eve@example.com"));
        let mut contest = Contest::default();
        contest.enter(&ada);
        contest.enter(&eve);
        assert_eq!(contest.rival(&eve, &Email::parse("eve@example.com").unwrap()), Some(Origin::Line(1)));
        assert_eq!(contest.rival(&ada, &Email::parse("ada@example.com").unwrap()), None);
    }

    #[test]
    fn what_is_no_address_claims_nothing() {
        let mut contest = Contest::default();
        contest.enter(&row(1, "nobody"));
        assert!(contest.addresses.is_empty());
    }
}
