//! A map that forgets by itself.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use super::Found;
use crate::id::{SessionId, UserId};

/// So many sessions of a generation are kept at most: some 10 MiB with their accounts.
const AT_MOST: usize = 8192;

/// When somebody began to read: what was changed since then is not kept.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Reading {
    begun: DateTime<Utc>,
    changes: u64,
}

/// Two generations: when the young one has lived for a moment, everything in the old one is too old and goes
/// at once. So nothing has to be looked for to be dropped.
#[derive(Default)]
pub(super) struct Kept {
    young: Generation,
    old: Generation,
    /// Counts what was forgotten on purpose.
    changes: u64,
}

#[derive(Default)]
pub(super) struct Generation {
    born: DateTime<Utc>,
    sessions: HashMap<SessionId, (DateTime<Utc>, Arc<Found>)>,
    of_user: HashMap<UserId, Vec<SessionId>>,
}

impl Kept {
    pub(super) fn get(&self, id: SessionId, life: TimeDelta, now: DateTime<Utc>) -> Option<Arc<Found>> {
        let (read, found) = self.young.sessions.get(&id).or_else(|| self.old.sessions.get(&id))?;
        is_within(now - *read, life).then(|| Arc::clone(found))
    }

    pub(super) fn reading(&self, now: DateTime<Utc>) -> Reading {
        Reading { begun: now, changes: self.changes }
    }

    /// Gives back what has outlived its moment.
    pub(super) fn keep(
        &mut self,
        reading: Reading,
        life: TimeDelta,
        found: Arc<Found>,
    ) -> Option<Generation> {
        if reading.changes != self.changes {
            return None;
        }
        let mut outlived = None;
        if !is_within(reading.begun - self.young.born, life) {
            let new = Generation { born: reading.begun, ..Generation::default() };
            let young = std::mem::replace(&mut self.young, new);
            outlived = Some(std::mem::replace(&mut self.old, young));
        }
        if self.young.sessions.len() < AT_MOST {
            self.young.put(reading.begun, found);
        }
        outlived
    }

    pub(super) fn forget(&mut self, id: SessionId) {
        self.changes += 1;
        self.young.forget(id);
        self.old.forget(id);
    }

    pub(super) fn forget_all_of(&mut self, user: UserId) {
        self.changes += 1;
        self.young.forget_all_of(user);
        self.old.forget_all_of(user);
    }
}

/// A clock that was put back makes ages negative: such things are not kept either.
fn is_within(age: TimeDelta, life: TimeDelta) -> bool {
    age >= TimeDelta::zero() && age < life
}

impl Generation {
    fn put(&mut self, read: DateTime<Utc>, found: Arc<Found>) {
        let (id, user) = (found.0.id, found.1.id);
        if self.sessions.insert(id, (read, found)).is_none() {
            self.of_user.entry(user).or_default().push(id);
        }
    }

    fn forget(&mut self, id: SessionId) {
        let Some((_, found)) = self.sessions.remove(&id) else { return };
        if let Some(ids) = self.of_user.get_mut(&found.1.id) {
            ids.retain(|kept| *kept != id);
        }
    }

    fn forget_all_of(&mut self, user: UserId) {
        for id in self.of_user.remove(&user).into_iter().flatten() {
            self.sessions.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
