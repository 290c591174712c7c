//! What the store should hold, and answer with.

use auth_domain::{
    guard::lockout::LockState,
    session::{
        EndReason, Session,
        rotation::{Generation, Presented},
    },
    token::Link,
};
use auth_testkit::builder;
use chrono::{DateTime, Utc};

use super::{Answer, Command, link, minute, proved, purpose, said, token, user};

/// What the store should hold.
#[derive(Default)]
pub(super) struct Model {
    sessions: Vec<(Session, Vec<Generation>)>,
    links: Vec<(Link, Option<DateTime<Utc>>)>,
    locks: Vec<(u8, LockState)>,
}

impl Model {
    fn session(&mut self, id: i64) -> Option<&mut Session> {
        self.sessions.iter_mut().map(|(session, _)| session).find(|session| session.id.as_i64() == id)
    }

    fn open_session(&mut self, id: i64) -> Option<&mut Session> {
        self.session(id).filter(|session| session.ended.is_none())
    }

    pub(super) fn answer(&mut self, command: &Command) -> Answer {
        match *command {
            Command::Open { session, user: owner, at, life } => {
                if self.session(session).is_some() {
                    return None;
                }
                let mut new = builder::session(session, &user(owner), minute(at));
                new.expires_at = minute(at + life);
                self.sessions.push((new, vec![token(session, 0, 0, at)]));
                said(())
            }
            Command::Rotate { session, number, attempt, at } => {
                said(self.rotate(session, number, attempt, at))
            }
            Command::Present { session, number, attempt } => {
                let digest = token(session, number, attempt, 0).digest;
                said(self.sessions.iter().find_map(|(session, chain)| {
                    let token = chain.iter().find(|token| token.digest == digest)?.clone();
                    let successor = chain.iter().find(|next| next.number == token.number + 1).cloned();
                    Some(Presented { session: session.clone(), token, successor })
                }))
            }
            Command::End { session, at } => {
                said(self.open_session(session).map(|open| end(open, at)).is_some())
            }
            Command::EndAll { user, keep, at } => {
                let open = self.sessions.iter_mut().map(|(session, _)| session).filter(|session| {
                    session.user.as_i64() == user
                        && session.ended.is_none()
                        && Some(session.id.as_i64()) != keep
                });
                said(open.map(|session| end(session, at)).count())
            }
            Command::LiveOf { user, at } => {
                let all = self.sessions.iter().map(|(session, _)| session.clone());
                let mut live: Vec<Session> =
                    all.filter(|one| one.user.as_i64() == user && one.is_live(minute(at))).collect();
                live.sort_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
                said(live)
            }
            Command::Extend { session, until } => {
                if let Some(open) = self.open_session(session) {
                    open.expires_at = open.expires_at.max(minute(until));
                }
                said(())
            }
            Command::StepUp { session, at, second } => {
                let proved = proved(at, second);
                said(self.open_session(session).map(|open| open.authentication = proved).is_some())
            }
            Command::Touch { session, at } => {
                if let Some(known) = self.session(session) {
                    known.last_used_at = known.last_used_at.max(minute(at));
                }
                said(())
            }
            Command::PurgeSessions { before } => {
                let (count, before) = (self.sessions.len(), minute(before));
                self.sessions.retain(|(session, _)| {
                    session.expires_at >= before && session.ended.is_none_or(|ended| ended.at >= before)
                });
                said(count - self.sessions.len())
            }
            _ => self.answer_about_links_and_locks(command),
        }
    }

    fn rotate(&mut self, id: i64, number: u32, attempt: u32, at: i64) -> bool {
        let found = self.sessions.iter_mut().find(|(session, _)| session.id.as_i64() == id);
        let Some((session, chain)) = found.filter(|(session, _)| session.ended.is_none()) else {
            return false;
        };
        if chain.iter().any(|token| token.number == number) {
            return false;
        }
        chain.push(token(id, number, attempt, at));
        session.last_used_at = session.last_used_at.max(minute(at));
        true
    }

    fn answer_about_links_and_locks(&mut self, command: &Command) -> Answer {
        match *command {
            Command::Replace { number, user, reset, at } => {
                let new = link(number, user, reset, at);
                let replaced = |(old, used): &(Link, Option<_>)| {
                    used.is_none() && old.user == new.user && old.purpose == new.purpose
                };
                if self.links.iter().any(|old| old.0.digest == new.digest && !replaced(old)) {
                    return None;
                }
                self.links.retain(|old| !replaced(old));
                self.links.push((new, None));
                said(())
            }
            Command::Find { number, at } => said(self.usable(number, at).map(|(link, _)| link.clone())),
            Command::Consume { number, at } => said(self.usable(number, at).map(|(link, used)| {
                *used = Some(minute(at));
                link.clone()
            })),
            Command::Withdraw { user, reset } => {
                self.links.retain(|(link, used)| {
                    used.is_some() || link.user.as_i64() != user || link.purpose != purpose(reset)
                });
                said(())
            }
            Command::PurgeLinks { before } => {
                let (count, before) = (self.links.len(), minute(before));
                self.links.retain(|(link, used)| {
                    link.expires_at >= before && used.is_none_or(|used| used >= before)
                });
                said(count - self.links.len())
            }
            Command::Lock { key } => {
                said(self.locks.iter().find(|(known, _)| *known == key).map(|(_, state)| *state))
            }
            Command::Put { key, failures, at } => {
                self.locks.retain(|(known, _)| *known != key);
                self.locks.push((key, builder::lock_state(failures, minute(at))));
                said(())
            }
            Command::Clear { key } => {
                self.locks.retain(|(known, _)| *known != key);
                said(())
            }
            Command::PurgeLocks { before, closed_at, grace } => {
                let count = self.locks.len();
                self.locks.retain(|(_, state)| {
                    let grace = if state.failures >= closed_at { grace } else { 0 };
                    state.last_attempt_at >= minute(before - grace)
                });
                said(count - self.locks.len())
            }
            _ => unreachable!("it is about sessions"),
        }
    }

    fn usable(&mut self, number: u32, at: i64) -> Option<&mut (Link, Option<DateTime<Utc>>)> {
        let digest = link(number, 1, false, 0).digest;
        self.links
            .iter_mut()
            .find(|(link, used)| link.digest == digest && used.is_none() && link.expires_at > minute(at))
    }
}

fn end(session: &mut Session, at: i64) {
    session.ended = Some(builder::ended(EndReason::Revoked, minute(at)));
}
