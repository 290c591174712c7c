//! Background work: sends what the outbox owes, deletes what is old, keeps signing keys fresh, chains and signs
//! the audit log.
//!
//! Workers need no leader. Several replicas may run them on one store: messages are leased, deletions
//! may happen twice, keys are made and entries are chained under a lock.

use std::{future::Future, time::Duration};

use auth_domain::{
    audit::{Checkpoint, hex, time_text},
    usecase::{BrokenChain, DeliveryOutcome, DeliveryReport, Engine, Fault, UpkeepReport},
};
use auth_http::error_chain;
use tokio::{
    sync::{mpsc::UnboundedReceiver, watch},
    task::JoinSet,
    time::sleep,
};

use crate::wire::PartEvent;

/// How soon a message is looked for after it was written.
const DELIVERY_PAUSE: Duration = Duration::from_millis(200);
/// Messages leased at once: few, because those of a process that dies wait for the end of their lease.
const DELIVERY_BATCH: u32 = 4;
/// After a try at a mail server that could not be reached, so that a long queue does not storm it.
const SERVER_PAUSE: Duration = Duration::from_secs(2);
/// Between two looks for people whom Cognito has to be asked about.
const RECHECK_PAUSE: Duration = Duration::from_secs(5);
/// People asked about at once; a lease is long enough for all of them.
const RECHECK_BATCH: u32 = 8;
/// After a try while Cognito was away.
const PROVIDER_PAUSE: Duration = Duration::from_secs(30);
const UPKEEP_PAUSE: Duration = Duration::from_mins(10);
/// When old rows are deleted first. Whoever waits for a server that starts waits for nothing that can wait.
const SETTLED: Duration = Duration::from_secs(5);
/// How often it is looked at whether a signing key is old; far below the time that one is published ahead.
const KEY_PAUSE: Duration = Duration::from_secs(30);
/// How soon a key that was taken away elsewhere is taken away here. One small statement.
const KEY_WATCH_PAUSE: Duration = Duration::from_secs(1);
/// How soon an entry of the audit log is in the chain.
const CHAIN_PAUSE: Duration = Duration::from_secs(1);
/// How soon the chain is signed.
const CHECKPOINT_PAUSE: Duration = Duration::from_mins(1);
/// How often somebody who is in a hurry looks again whether the chain is free.
const TURNS: u32 = 100;
const TURN_PAUSE: Duration = Duration::from_millis(50);
/// After a failure, so that a store that is down is not asked without end.
const FAULT_PAUSE: Duration = Duration::from_secs(2);

/// The workers of one process.
pub(crate) struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Workers {
    /// Starts the workers on the present runtime.
    pub(crate) fn start(engine: &Engine, part_events: Option<UnboundedReceiver<PartEvent>>) -> Self {
        let (stop, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut start = Starting { engine, tasks: &mut tasks, stop: &stop };
        start.after(DELIVERY_PAUSE, deliver);
        start.after(SETTLED, clean_up);
        start.after(SETTLED, keep_keys);
        start.after(KEY_WATCH_PAUSE, watch_keys);
        start.after(CHAIN_PAUSE, chain_audit);
        start.after(2 * CHAIN_PAUSE, sign_audit);
        start.after(CHECKPOINT_PAUSE, note_refusals);
        if engine.federation.is_on() {
            start.after(RECHECK_PAUSE, recheck);
        }
        if let Some(events) = part_events {
            tasks.spawn(note_parts(engine.clone(), events, stop.subscribe()));
        }
        Self { tasks, stop }
    }

    /// Lets each worker finish what it is at, for at most `patience`.
    pub(crate) async fn stop(mut self, patience: Duration) {
        // No receiver is left when every worker is gone already.
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("workers were stopped in the middle; leased messages come back by themselves");
        }
    }
}

struct Starting<'a> {
    engine: &'a Engine,
    tasks: &'a mut JoinSet<()>,
    stop: &'a watch::Sender<bool>,
}

impl Starting<'_> {
    /// Runs `turn` after a pause and then again and again, with the pause it asks for, until told to stop between
    /// two turns.
    fn after<F>(&mut self, first: Duration, turn: fn(Engine) -> F)
    where
        F: Future<Output = Duration> + Send + 'static,
    {
        let (engine, mut stopped) = (self.engine.clone(), self.stop.subscribe());
        self.tasks.spawn(async move {
            let mut pause = first;
            loop {
                tokio::select! {
                    () = sleep(pause) => {}
                    _ = stopped.wait_for(|&stop| stop) => return,
                }
                pause = turn(engine.clone()).await;
            }
        });
    }
}

/// Puts what happens to parts into the audit log.
async fn note_parts(
    engine: Engine,
    mut events: UnboundedReceiver<PartEvent>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = stopped.wait_for(|&stop| stop) => None,
        };
        let Some(PartEvent { event, part }) = event else { return };
        if let Err(fault) = engine.operators.note_part(event, part).await {
            tracing::warn!(error = %error_chain(&fault), event = event.as_str(), part, "not in the audit log");
        }
    }
}

async fn deliver(engine: Engine) -> Duration {
    match engine.delivery.run(DELIVERY_BATCH).await {
        Ok(report) if report.messages.is_empty() => DELIVERY_PAUSE,
        Ok(report) => {
            log_delivery(&report);
            if report.is_server_away { SERVER_PAUSE } else { Duration::ZERO }
        }
        Err(fault) => failed("delivery", &fault),
    }
}

fn log_delivery(report: &DeliveryReport) {
    for (id, kind, outcome) in &report.messages {
        match outcome {
            DeliveryOutcome::Sent => tracing::info!(%id, kind, "message handed over"),
            DeliveryOutcome::Obsolete => tracing::debug!(%id, kind, "message not needed any more"),
            DeliveryOutcome::Postponed(error) => tracing::warn!(%id, kind, %error, "message postponed"),
            DeliveryOutcome::Buried(error) => tracing::error!(%id, kind, %error, "message given up"),
        }
    }
}

async fn clean_up(engine: Engine) -> Duration {
    match engine.upkeep.run().await {
        Ok(report) => log_upkeep(&report),
        Err(Fault::AuditChain(broken)) => refused(broken, UPKEEP_PAUSE),
        Err(fault) => failed("clean-up", &fault),
    }
}

fn log_upkeep(report: &UpkeepReport) -> Duration {
    report.pruned.iter().for_each(log_checkpoint);
    if report.is_unfinished() {
        return Duration::from_millis(50);
    }
    tracing::debug!(?report, "old rows deleted");
    UPKEEP_PAUSE
}

async fn recheck(engine: Engine) -> Duration {
    match engine.federation.recheck(RECHECK_BATCH).await {
        Ok(report) => {
            if let Some(away) = &report.away {
                tracing::warn!(error = %error_chain(away), "Cognito cannot be asked; nobody's session ends");
                return PROVIDER_PAUSE;
            }
            if report.revoked > 0 {
                tracing::info!(people = report.revoked, "Cognito ended the sessions of some people");
            }
            if report.checked >= u64::from(RECHECK_BATCH) { Duration::ZERO } else { RECHECK_PAUSE }
        }
        Err(fault) => failed("recheck at Cognito", &fault),
    }
}

async fn keep_keys(engine: Engine) -> Duration {
    match engine.keys.maintain().await {
        Ok(()) => KEY_PAUSE,
        Err(fault) => failed("key maintenance", &fault),
    }
}

async fn watch_keys(engine: Engine) -> Duration {
    match engine.keys.reload().await {
        Ok(()) => KEY_WATCH_PAUSE,
        Err(fault) => failed("key watch", &fault),
    }
}

async fn chain_audit(engine: Engine) -> Duration {
    match engine.trail.chain().await {
        Ok(chained) if chained.is_unfinished => Duration::ZERO,
        Ok(_) => CHAIN_PAUSE,
        Err(fault) => failed("chaining of the audit log", &fault),
    }
}

async fn sign_audit(engine: Engine) -> Duration {
    match engine.trail.checkpoint().await {
        Ok(checkpoint) => {
            checkpoint.iter().for_each(log_checkpoint);
            CHECKPOINT_PAUSE
        }
        Err(Fault::AuditChain(broken)) => refused(broken, CHECKPOINT_PAUSE),
        Err(fault) => failed("signing of the audit log", &fault),
    }
}

/// Somebody changed what was signed. A signature would make it good, and pruning would take the traces away.
fn refused(broken: BrokenChain, pause: Duration) -> Duration {
    tracing::error!(target: "audit", error = %broken, "audit log neither signed nor pruned");
    pause
}

/// A copy that no owner of the database can change.
fn log_checkpoint(checkpoint: &Checkpoint) {
    tracing::info!(
        target: "audit",
        number = checkpoint.number,
        kind = checkpoint.kind.as_str(),
        position = checkpoint.head.position,
        hash = %checkpoint.head.hash,
        at = time_text(checkpoint.at),
        key = %checkpoint.key,
        signature = hex(checkpoint.signature.as_bytes()),
        "audit checkpoint"
    );
}

/// Has all that was committed chained and signed, next to other replicas that may be at it.
///
/// # Errors
/// [`Fault`] when the store or the key fails.
pub(crate) async fn settle_audit(engine: &Engine) -> Result<(), Fault> {
    let mut turns = 0;
    while turns < TURNS {
        let chained = engine.trail.chain().await?;
        if chained.is_busy {
            turns += 1;
            sleep(TURN_PAUSE).await;
        } else if !chained.is_unfinished {
            break;
        }
    }
    while turns < TURNS {
        let signed = engine.trail.checkpoint().await?;
        signed.iter().for_each(log_checkpoint);
        if signed.is_some() || !engine.trail.is_due().await? {
            break;
        }
        turns += 1;
        sleep(TURN_PAUSE).await;
    }
    Ok(())
}

async fn note_refusals(engine: Engine) -> Duration {
    match engine.refusals.note().await {
        Ok(()) => CHECKPOINT_PAUSE,
        Err(fault) => failed("audit of refused calls", &fault),
    }
}

/// The last that is done: what happened while the server stopped is in the chain, too.
pub(crate) async fn close_audit(engine: &Engine, patience: Duration) {
    let close = async {
        engine.refusals.note().await?;
        settle_audit(engine).await
    };
    match tokio::time::timeout(patience, close).await {
        Ok(Ok(())) => {}
        Ok(Err(Fault::AuditChain(broken))) => {
            refused(broken, Duration::ZERO);
        }
        Ok(Err(fault)) => {
            tracing::warn!(error = %error_chain(&fault), "the end of the audit log is not signed yet");
        }
        Err(_) => tracing::warn!("the end of the audit log is not signed yet: there was no time"),
    }
}

fn failed(worker: &'static str, fault: &Fault) -> Duration {
    tracing::warn!(worker, error = %error_chain(fault), "background work failed, will be tried again");
    FAULT_PAUSE
}
