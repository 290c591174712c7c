//! Whether what the server depends on answers.
//!
//! Probes are under no limit, so what they cost must not grow with their number: each part is asked once at a
//! time, and what it said is good for a second.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_domain::{port::Clock, usecase::Engine};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join;
use tokio::{sync::Mutex, task::JoinHandle, time::timeout};

use crate::problem::error_chain;

/// How long an answer is good for.
const KEPT: TimeDelta = TimeDelta::seconds(1);

/// How long a part may take to answer. With [`KEPT`] less than two seconds, so that an outage shows within
/// them, also where nothing but silence tells of it.
const PATIENCE: Duration = Duration::from_millis(700);

/// Something the server works with.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Whether it answers now.
    async fn is_up(&self) -> bool;
}

/// The store, behind the engine.
#[async_trait]
impl Probe for Engine {
    async fn is_up(&self) -> bool {
        let answer = self.check_store().await;
        if let Err(error) = &answer {
            tracing::warn!(error = %error_chain(error), "the store does not answer");
        }
        answer.is_ok()
    }
}

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Whether the store did, without which nothing goes.
    pub(crate) store: bool,
    /// Whether the short-lived state did that replicas share; `None` without one.
    pub(crate) short_lived: Option<bool>,
}

/// Asks the parts, and keeps what they said.
pub struct Health {
    asked: Mutex<Asked>,
    clock: Arc<dyn Clock>,
}

struct Asked {
    store: Asking,
    short_lived: Option<Asking>,
    last: Option<(DateTime<Utc>, Parts)>,
}

impl Health {
    /// Knows a store, and the short-lived state that replicas share, if there is one.
    pub fn new(store: Arc<dyn Probe>, short_lived: Option<Arc<dyn Probe>>, clock: Arc<dyn Clock>) -> Self {
        let (store, short_lived) = (Asking::of(store), short_lived.map(Asking::of));
        Self { asked: Mutex::new(Asked { store, short_lived, last: None }), clock }
    }

    /// What answers, as of a second ago at most.
    pub(crate) async fn parts(&self) -> Parts {
        // Whoever comes meanwhile waits here, and finds what this one heard.
        let mut asked = self.asked.lock().await;
        let now = self.clock.now();
        // A clock that was set back makes an answer old, not young.
        let fresh = |at: DateTime<Utc>| (at..at + KEPT).contains(&now);
        if let Some((_, parts)) = asked.last.filter(|(at, _)| fresh(*at)) {
            return parts;
        }
        let parts = asked.ask().await;
        asked.last = Some((self.clock.now(), parts));
        parts
    }
}

impl Asked {
    async fn ask(&mut self) -> Parts {
        let short_lived = async {
            match &mut self.short_lived {
                Some(part) => Some(part.is_up().await),
                None => None,
            }
        };
        let (store, short_lived) = join(self.store.is_up(), short_lived).await;
        Parts { store, short_lived }
    }
}

/// A part, and the question that it has not answered yet.
///
/// The question is a task of its own: neither a caller that hangs up nor the end of our patience interrupts
/// it, which would cost a connection, and nothing is asked anew before it ends.
struct Asking {
    part: Arc<dyn Probe>,
    question: Option<JoinHandle<bool>>,
}

impl Asking {
    const fn of(part: Arc<dyn Probe>) -> Self {
        Self { part, question: None }
    }

    async fn is_up(&mut self) -> bool {
        // What was answered while nobody listened is of any age.
        self.question.take_if(|question| question.is_finished());
        let part = &self.part;
        let question = self.question.get_or_insert_with(|| {
            let part = Arc::clone(part);
            tokio::spawn(async move { part.is_up().await })
        });
        let Ok(answer) = timeout(PATIENCE, question).await else { return false };
        self.question = None;
        answer.unwrap_or(false)
    }
}
