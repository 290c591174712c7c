//! One pool over both kinds of server.

use std::{fmt, time::Duration};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, RedisError, RedisResult, TlsCertificates, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    cmd,
};

use crate::config::RedisConfig;

pub(crate) type Pool = managed::Pool<Manager>;
pub(crate) type Lease = managed::Object<Manager>;

/// A connection that was idle for longer is asked whether it lives before it is used: servers and the
/// boxes between drop idle connections. One that was used just now is not: that would double the
/// round trips.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How often a cluster connection follows a slot that moved, and waits for a node to come back.
const CLUSTER_RETRIES: u32 = 3;

/// A connection to a cluster is made in steps: seeds, the map of slots, nodes.
const CLUSTER_STEPS: u32 = 3;

/// Makes connections.
pub(crate) enum Manager {
    Single(Box<(Client, AsyncConnectionConfig)>),
    Cluster(Box<ClusterClient>),
}

impl Manager {
    /// A manager for the servers of `config`; `ca` holds the certificates to trust, if not the system's.
    pub(crate) fn new(config: &RedisConfig, ca: Option<Vec<u8>>) -> RedisResult<Self> {
        let certificates = ca.map(|ca| TlsCertificates { client_tls: None, root_cert: Some(ca) });
        let servers = config.servers();
        match servers.split_first() {
            Some((server, [])) if !config.is_cluster() => single(server.clone(), certificates, config),
            _ => cluster(servers, certificates, config),
        }
    }

    /// Whether a connection mends itself after its server was gone, so that it need not be replaced.
    pub(crate) const fn mends_itself(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// How long making a connection may take, when one to one server may take `timeout`.
    pub(crate) fn connect_timeout(&self, timeout: Duration) -> Duration {
        match self {
            Self::Single(_) => timeout,
            Self::Cluster(_) => timeout * CLUSTER_STEPS,
        }
    }
}

fn single(
    server: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    config: &RedisConfig,
) -> RedisResult<Manager> {
    let client = match certificates {
        Some(certificates) => Client::build_with_tls(server, certificates)?,
        None => Client::open(server)?,
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(config.connect_timeout))
        // Whoever asks sets the limit; two clocks for the same time would race.
        .set_response_timeout(None);
    Ok(Manager::Single(Box::new((client, config))))
}

fn cluster(
    seeds: &[ConnectionInfo],
    certificates: Option<TlsCertificates>,
    config: &RedisConfig,
) -> RedisResult<Manager> {
    let mut builder = ClusterClientBuilder::new(seeds.iter().cloned())
        .connection_timeout(config.connect_timeout)
        .response_timeout(config.operation_timeout)
        .overall_response_timeout(Some(config.operation_timeout))
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(1)
        .max_retry_wait(20);
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    Ok(Manager::Cluster(Box::new(builder.build()?)))
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.mends_itself() { "Cluster" } else { "Single" })
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = RedisError;

    async fn create(&self) -> RedisResult<Connection> {
        Ok(match self {
            Self::Single(server) => {
                let (client, config) = &**server;
                Connection::Single(client.get_multiplexed_async_connection_with_config(config).await?)
            }
            Self::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
        })
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<RedisError> {
        if self.mends_itself() || metrics.last_used() < TRUSTED_IDLE {
            return Ok(());
        }
        connection.ask(&cmd("PING")).await.map(drop).map_err(RecycleError::Backend)
    }
}

/// A connection to one server or to a cluster.
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    /// Sends a command and waits for its answer, which may be an error of the server.
    pub(crate) async fn ask(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::Single(connection) => connection.req_packed_command(command).await?,
            Self::Cluster(connection) => connection.req_packed_command(command).await?,
        };
        answer.extract_error()
    }
}
