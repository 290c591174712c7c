//! Connections to share, and the right to use one for a while.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use auth_domain::port::StoreError;
use deadpool::{
    Runtime,
    managed::{PoolError, Timeouts},
};
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool as Connections},
    },
};
use futures_util::FutureExt as _;

use crate::connect::Connector;

/// A set of connections of limited size.
pub(crate) struct Pool {
    connections: Connections<AsyncPgConnection>,
    timeouts: Timeouts,
    /// How long one exchange with the server may take.
    pub(crate) patience: Duration,
}

impl Pool {
    pub(crate) fn new(connector: Arc<Connector>, size: usize, wait: Duration, patience: Duration) -> Self {
        let create = connector.limit();
        let mut config = ManagerConfig::default();
        // Asking the server each time would cost every call a round trip. A connection known to be
        // closed is replaced all the same; one not yet known to be shows on first use.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |_| {
            let connector = Arc::clone(&connector);
            async move { connector.connect().await }.boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let connections = Connections::builder(manager)
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
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connections.status().fmt(f)
    }
}

/// The right to use a connection. Dropping it closes the connection: that is the only prompt rollback,
/// and right for a caller that went away in the middle. Whoever knows that the connection does nothing
/// any more [gives it back](Self::give_back).
pub(crate) struct Lease(Option<Object<AsyncPgConnection>>);

impl Lease {
    /// Lets others use the connection.
    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Lease {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        self.0.as_ref().expect("only giving back and dropping empties a lease, and both end it")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
