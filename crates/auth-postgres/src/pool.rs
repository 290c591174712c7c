//! Connections to share, and the right to use one for a while.
//!
//! Connections have a generation. When one of them turns out to be dead, or its server does not answer on
//! it, the whole generation is thrown away: a host that vanished took all of them along, and each would
//! cost a caller the time to find that out. Those in use end with their use.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_domain::port::StoreError;
use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult, Timeouts},
};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, pooled_connection::PoolableConnection as _};

use crate::connect::Connector;

/// Makes connections of the newest generation.
struct Manager {
    connector: Arc<Connector>,
    newest: Arc<AtomicU64>,
}

/// A connection and its generation.
struct Session {
    connection: AsyncPgConnection,
    generation: u64,
    newest: Arc<AtomicU64>,
}

impl Session {
    fn is_outdated(&self) -> bool {
        self.generation != self.newest.load(Ordering::SeqCst)
    }

    /// Ends the generation. Says whether it was the newest, so that of many that fail together only the
    /// first is heard, and none of them harms what was made since.
    fn end_generation(&self) -> bool {
        let (this, next) = (self.generation, self.generation + 1);
        self.newest.compare_exchange(this, next, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

impl managed::Manager for Manager {
    type Type = Session;
    type Error = ConnectionError;

    async fn create(&self) -> ConnectionResult<Session> {
        let newest = Arc::clone(&self.newest);
        let generation = newest.load(Ordering::SeqCst);
        Ok(Session { connection: self.connector.connect().await?, generation, newest })
    }

    /// Asking the server each time would cost every call a round trip. A connection known to be closed
    /// is replaced all the same; one not yet known to be shows on first use.
    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<ConnectionError> {
        if session.is_outdated() || session.connection.is_broken() {
            return Err(RecycleError::message("the connection is of no use any more"));
        }
        Ok(())
    }
}

/// How the connections of a pool are used at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLoad {
    /// How many there may be.
    pub max: usize,
    /// How many are open.
    pub size: usize,
    /// Of these, those that nobody uses.
    pub idle: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

/// A set of connections of limited size.
pub(crate) struct Pool {
    connections: managed::Pool<Manager>,
    timeouts: Timeouts,
    /// How long one exchange with the server may take.
    pub(crate) patience: Duration,
}

impl Pool {
    /// A pool of its own. Pools of one database share the count of generations: `newest`.
    pub(crate) fn new(
        connector: Arc<Connector>,
        newest: Arc<AtomicU64>,
        size: usize,
        wait: Duration,
        patience: Duration,
    ) -> Self {
        let create = connector.limit();
        let connections = managed::Pool::builder(Manager { connector, newest })
            .max_size(size.max(1))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool builds when its timeouts have a runtime, and here they have");
        let timeouts = Timeouts { wait: Some(wait), create: Some(create), recycle: Some(wait) };
        Self { connections, timeouts, patience }
    }

    /// A connection for the caller alone.
    pub(crate) async fn lease(&self) -> Result<Lease, StoreError> {
        match self.connections.timeout_get(&self.timeouts).await {
            Ok(connection) => Ok(Lease(Some(connection))),
            Err(PoolError::Backend(error)) => Err(StoreError::Unavailable(Box::new(error))),
            Err(error) => Err(StoreError::Unavailable(error.to_string().into())),
        }
    }

    /// How the connections are used now.
    pub(crate) fn load(&self) -> PoolLoad {
        let status = self.connections.status();
        PoolLoad { max: status.max_size, size: status.size, idle: status.available, waiting: status.waiting }
    }

    /// Throws away every connection of the generation of one that is dead or silent.
    pub(crate) fn distrust(&self, lease: &Lease) {
        if lease.session().end_generation() {
            tracing::warn!("a connection to the database is dead or silent: those of its age are replaced");
            self.connections.retain(|session, _| !session.is_outdated());
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connections.status().fmt(f)
    }
}

/// The right to use a connection. Dropping it closes the connection: that is the only prompt rollback,
/// and right for a caller that went away in the middle. Whoever knows that the connection does nothing
/// any more [gives it back](Self::give_back).
pub(crate) struct Lease(Option<Object<Manager>>);

impl Lease {
    /// Lets others use the connection, if it is still of use.
    pub(crate) fn give_back(mut self) {
        if !self.session().is_outdated() {
            drop(self.0.take());
        }
    }

    fn session(&self) -> &Session {
        self.0.as_ref().expect("only giving back and dropping empties a lease, and both end it")
    }
}

impl Deref for Lease {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.session().connection
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            drop(Object::take(session));
        }
    }
}
