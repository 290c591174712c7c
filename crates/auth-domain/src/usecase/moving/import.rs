//! Taking people over, batch by batch.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ImportTerms, Refusal, Remark,
    contest::Contest,
    judge::{Judged, judge},
    old,
};
use crate::{
    audit::{AuditEvent, AuditRecord},
    client::Client,
    id::UserId,
    port::{Arrival, Comer, Newcomer, Origin, PeopleSource, Present, Repos, StoreError, Tx},
    secret::Digest,
    tenant::TenantId,
    usecase::{Core, Fault, fault::faults, second_factor::totp_context, transaction::transaction},
    user::Email,
};

/// How many come at a time: one transaction each.
const BATCH: u32 = 500;

/// Takes people over who had an account elsewhere.
#[derive(Clone)]
pub struct Imports {
    core: Arc<Core>,
}

/// What an import is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStep {
    /// Finding out who claims which address.
    RollCall,
    /// Judging who may come in, and adding them.
    Adding,
}

/// What an import has to tell while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportNews {
    /// So many were looked at.
    Progress(ImportStep, u64),
    /// Somebody cannot be taken over.
    Refused(Origin, Refusal),
    /// Somebody can, but not as they were.
    Remarked(Origin, Remark),
}

/// What became of everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// How many there were.
    pub found: u64,
    /// How many were added, or could be: those of them that were read back, and were as they should be.
    pub added: u64,
    /// How many were here already, and stay as they are.
    pub present: u64,
    /// How many cannot be taken over, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// What could not be taken over of those who were added or could be, by kind.
    pub remarks: BTreeMap<&'static str, u64>,
}

impl ImportCounts {
    /// How many cannot be taken over, for whatever reason.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// An import ended before its end. Whoever was added stays; another one goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The other system cannot be read.
    #[error("the source cannot be read")]
    Source(#[source] StoreError),
    /// An account is not as it was written.
    #[error("account {0} is not as it was written")]
    Differs(UserId),
    /// A port failed.
    #[error(transparent)]
    Fault(Fault),
}

faults!(ImportError);

impl From<Fault> for ImportError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What is to be done about somebody who may come in.
enum Place {
    Free(UserId, Option<Remark>),
    Here,
    Refused(Refusal),
}

impl Imports {
    pub(in crate::usecase) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Takes over everybody of `source` who may come in and is not here yet. With `dry_run` nothing is written,
    /// and the counts tell what would be.
    ///
    /// May be run again: who is here already, by address or by id, stays as they are. Two at once see the same
    /// free place; then the second runs its batch again.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn run(
        &self,
        source: &mut dyn PeopleSource,
        terms: &ImportTerms,
        dry_run: bool,
        mut news: impl FnMut(ImportNews) + Send,
    ) -> Result<ImportCounts, ImportError> {
        let contest = self.call_the_roll(source, &mut news).await?;
        source.rewind().await.map_err(ImportError::Source)?;
        let mut counts = ImportCounts::default();
        loop {
            let comers = source.next(BATCH).await.map_err(ImportError::Source)?;
            if comers.is_empty() {
                return Ok(counts);
            }
            counts.found += comers.len() as u64;
            let judged = self.judge_all(comers, &contest, terms, &mut counts, &mut news);
            self.settle(judged, terms, dry_run, &mut counts, &mut news).await?;
            news(ImportNews::Progress(ImportStep::Adding, counts.found));
        }
    }

    async fn call_the_roll(
        &self,
        source: &mut dyn PeopleSource,
        news: &mut (impl FnMut(ImportNews) + Send),
    ) -> Result<Contest, ImportError> {
        source.rewind().await.map_err(ImportError::Source)?;
        let (mut contest, mut found) = (Contest::default(), 0);
        loop {
            let comers = source.next(BATCH).await.map_err(ImportError::Source)?;
            if comers.is_empty() {
                return Ok(contest);
            }
            found += comers.len() as u64;
            for comer in comers {
                if let Ok((newcomer, _)) = self.newcomer(comer) {
                    contest.enter(&newcomer);
                }
            }
            news(ImportNews::Progress(ImportStep::RollCall, found));
        }
    }

    fn newcomer(&self, comer: Comer) -> Result<(Newcomer, Vec<Remark>), (Origin, Refusal)> {
        match comer {
            Comer::Old(row) => {
                Ok(old::newcomer(*row, self.core.policy.temporary_password_life, self.core.now()))
            }
            Comer::Entry(newcomer) => Ok((*newcomer, Vec::new())),
            Comer::Unreadable { origin, reason } => Err((origin, Refusal::Unreadable(reason))),
        }
    }

    fn judge_all(
        &self,
        comers: Vec<Comer>,
        contest: &Contest,
        terms: &ImportTerms,
        counts: &mut ImportCounts,
        news: &mut (impl FnMut(ImportNews) + Send),
    ) -> Vec<Judged> {
        let mut all = Vec::with_capacity(comers.len());
        for comer in comers {
            match self.judge_one(comer, contest, terms) {
                Ok(judged) => all.push(judged),
                Err((origin, refusal)) => refuse(origin, refusal, counts, news),
            }
        }
        all
    }

    fn judge_one(
        &self,
        comer: Comer,
        contest: &Contest,
        terms: &ImportTerms,
    ) -> Result<Judged, (Origin, Refusal)> {
        let (newcomer, remarks) = self.newcomer(comer)?;
        let origin = newcomer.origin;
        let judged = judge(&newcomer, terms, &*self.core.ports.hasher, self.core.now());
        let mut judged = judged.map_err(|refusal| (origin, refusal))?;
        if let Some(rival) = contest.rival(&newcomer, &judged.user.email) {
            return Err((origin, Refusal::Duplicate(rival)));
        }
        judged.remarks.extend(remarks);
        Ok(judged)
    }

    /// Adds those who have a free place, and tells of the others.
    async fn settle(
        &self,
        judged: Vec<Judged>,
        terms: &ImportTerms,
        dry_run: bool,
        counts: &mut ImportCounts,
        news: &mut (impl FnMut(ImportNews) + Send),
    ) -> Result<(), ImportError> {
        let (places, added) = if dry_run {
            (self.places_in(&mut *self.core.ports.store.read().await?, &judged, terms).await?, Vec::new())
        } else {
            let now = self.core.now();
            let written = transaction!(self.core, tx => self.add_in(tx, &judged, terms, now));
            written.map_err(ImportError::Fault)?
        };
        self.read_back(&added).await?;
        for (judged, place) in judged.into_iter().zip(places) {
            match place {
                Place::Here => counts.present += 1,
                Place::Refused(refusal) => refuse(judged.origin, refusal, counts, news),
                Place::Free(_, renumbered) => {
                    counts.added += 1;
                    for remark in judged.remarks.into_iter().chain(renumbered) {
                        *counts.remarks.entry(remark.name()).or_default() += 1;
                        news(ImportNews::Remarked(judged.origin, remark));
                    }
                }
            }
        }
        Ok(())
    }

    async fn add_in(
        &self,
        tx: &mut dyn Tx,
        judged: &[Judged],
        terms: &ImportTerms,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Place>, Vec<Arrival>), Fault> {
        let places = self.places_in(tx, judged, terms).await?;
        let mut arrivals = Vec::with_capacity(judged.len());
        for (judged, place) in judged.iter().zip(&places) {
            if let Place::Free(id, _) = place {
                arrivals.push(self.arrival(judged, *id)?);
            }
        }
        if !arrivals.is_empty() {
            tx.people().add(&arrivals).await?;
            let record = AuditRecord::new(AuditEvent::UsersImported, &terms.tenant, &Client::default(), now);
            tx.audit().append(&record.with("count", arrivals.len().to_string())).await?;
        }
        Ok((places, arrivals))
    }

    fn arrival(&self, judged: &Judged, id: UserId) -> Result<Arrival, Fault> {
        let mut user = judged.user.clone();
        user.id = id;
        let seal = |secret: &crate::factor::TotpSecret| {
            self.core.ports.secret_box.seal(&totp_context(id), secret.expose_secret())
        };
        Ok(Arrival { user, totp: judged.totp.as_ref().map(seal).transpose()? })
    }

    /// Where each of them finds a place, as the store is now.
    async fn places_in<R: Repos + ?Sized>(
        &self,
        repos: &mut R,
        judged: &[Judged],
        terms: &ImportTerms,
    ) -> Result<Vec<Place>, Fault> {
        let own = judged.iter().filter_map(|judged| judged.id);
        let ids: Vec<UserId> =
            own.flat_map(|id| [Some(id), renumbered(&terms.tenant, id)]).flatten().collect();
        let emails: Vec<Email> = judged.iter().map(|judged| judged.user.email.clone()).collect();
        let present = repos.people().present(&terms.tenant, &ids, &emails).await?;
        let erased: HashSet<UserId> = repos.people().erased(&ids).await?.into_iter().collect();
        let here = Here::new(&present, &terms.tenant, erased);
        let now = self.core.now();
        let mut places = Vec::with_capacity(judged.len());
        for (number, judged) in (1..).zip(judged) {
            // One after the other: many of one millisecond would meet.
            let earlier = TimeDelta::milliseconds(number);
            places.push(match (judged.id, here.holder(&judged.user.email)) {
                (Some(id), holder) => here.place(id, holder),
                (None, Some(_)) => Place::Here,
                (None, None) => Place::Free(UserId::mint(now - earlier, self.core.entropy())?, None),
            });
        }
        Ok(places)
    }

    /// Reads those back who were added, and compares.
    async fn read_back(&self, added: &[Arrival]) -> Result<(), ImportError> {
        if added.is_empty() {
            return Ok(());
        }
        let ids: Vec<UserId> = added.iter().map(|arrival| arrival.user.id).collect();
        let found = self.core.ports.store.read().await?.people().find(&ids).await?;
        let mut expected: Vec<&Arrival> = added.iter().collect();
        expected.sort_by_key(|arrival| arrival.user.id);
        let mut found = found.iter();
        match expected.into_iter().find(|expected| found.next() != Some(expected)) {
            Some(other) => Err(ImportError::Differs(other.user.id)),
            None => Ok(()),
        }
    }
}

fn refuse(
    origin: Origin,
    refusal: Refusal,
    counts: &mut ImportCounts,
    news: &mut (impl FnMut(ImportNews) + Send),
) {
    *counts.refused.entry(refusal.name()).or_default() += 1;
    news(ImportNews::Refused(origin, refusal));
}

/// Who is here already.
struct Here<'a> {
    tenant: &'a TenantId,
    ids: HashMap<UserId, &'a Present>,
    addresses: HashMap<&'a Email, UserId>,
    erased: HashSet<UserId>,
}

impl<'a> Here<'a> {
    fn new(present: &'a [Present], tenant: &'a TenantId, erased: HashSet<UserId>) -> Self {
        let own = present.iter().filter(|present| present.tenant == *tenant);
        Self {
            tenant,
            ids: present.iter().map(|present| (present.id, present)).collect(),
            addresses: own.map(|present| (&present.email, present.id)).collect(),
            erased,
        }
    }

    /// Who has the address within the tenant.
    fn holder(&self, email: &Email) -> Option<UserId> {
        self.addresses.get(email).copied()
    }

    /// The place of somebody who had an id, and whose address `holder` has.
    fn place(&self, id: UserId, holder: Option<UserId>) -> Place {
        let other_id = renumbered(self.tenant, id);
        let at = self.ids.get(&id);
        let is_own = at.is_some_and(|present| present.tenant == *self.tenant);
        if is_own || other_id.is_some_and(|other| self.ids.contains_key(&other)) {
            return Place::Here; // whatever address the account has by now
        }
        if let Some(holder) = holder {
            return Place::Refused(Refusal::Taken(holder));
        }
        let was_erased = |id| self.erased.contains(&id);
        if other_id.is_some_and(was_erased) || (at.is_none() && was_erased(id)) {
            return Place::Refused(Refusal::Erased);
        }
        match (at, other_id) {
            (None, _) => Place::Free(id, None),
            (Some(_), Some(other)) => Place::Free(other, Some(Remark::Renumbered(other))),
            (Some(_), None) => Place::Refused(Refusal::Id),
        }
    }
}

/// The id of somebody whose own belongs to an account of another tenant: the ids of tenants that had tables of
/// their own begin at 1 in each. Always the same one, so that another import finds them again; below 2^53, and
/// never one that another id of the tenant gives. `None` where that cannot be.
fn renumbered(tenant: &TenantId, id: UserId) -> Option<UserId> {
    let low = u32::try_from(id.as_i64()).ok()?;
    let digest = Digest::of(tenant.as_str().as_bytes());
    let [first, second, third, ..] = *digest.as_bytes();
    let high = (u64::from(first) << 12) | (u64::from(second) << 4) | u64::from(third >> 4);
    i64::try_from(((1 << 20) | high) << 32 | u64::from(low)).ok().map(UserId::from_i64)
}
