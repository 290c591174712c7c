//! Sessions and their accounts as they were a moment ago, so that a page which asks ten things at once costs the
//! store one question.
//!
//! Only requests that change nothing are answered from here ([`Bearer::recognise`](super::Bearer::recognise));
//! whatever changes something asks the store. What this process changes is forgotten before whoever asked for the
//! change has an answer: [`ForgettingStore`] sees to it, so no use case has to think of it. What another process
//! changes is seen when the moment is over: [`Policy::snapshot_life`](super::Policy::snapshot_life).

mod forgetting;
mod kept;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use self::kept::Kept;
pub(super) use self::{forgetting::ForgettingStore, kept::Reading};
use crate::{
    id::{SessionId, UserId},
    session::Session,
    user::User,
};

/// A session and its account.
pub(super) type Found = (Session, User);

/// What use cases ask before they ask the store. Shared by all threads.
pub(super) struct Snapshots {
    life: TimeDelta,
    kept: Mutex<Kept>,
}

impl Snapshots {
    /// Keeps each session for `life`; none at all where that is not positive.
    pub(super) fn new(life: TimeDelta) -> Self {
        Self { life, kept: Mutex::default() }
    }

    /// A session as it was within the last moment, unless it was forgotten.
    pub(super) fn get(&self, id: SessionId, now: DateTime<Utc>) -> Option<Arc<Found>> {
        if self.is_off() { None } else { self.kept().get(id, self.life, now) }
    }

    /// To be called before a session is read that is to be kept.
    pub(super) fn reading(&self, now: DateTime<Utc>) -> Reading {
        self.kept().reading(now)
    }

    /// Keeps a session that was read, from the beginning of its reading on. Nothing, if anything was forgotten
    /// meanwhile: it may have been read before a change and come here after it.
    pub(super) fn keep(&self, reading: Reading, found: &Found) {
        if self.is_off() {
            return;
        }
        let found = Arc::new(found.clone());
        let outlived = self.kept().keep(reading, self.life, found);
        // Thousands of sessions: not while others wait for the lock.
        drop(outlived);
    }

    /// Forgets a session.
    fn forget(&self, id: SessionId) {
        self.kept().forget(id);
    }

    /// Forgets all sessions of a person.
    fn forget_all_of(&self, user: UserId) {
        self.kept().forget_all_of(user);
    }

    fn is_off(&self) -> bool {
        self.life <= TimeDelta::zero()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // The worst that a panic could leave is a session that its owner's list does not name. It is over after its
        // moment.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
