//! Listening: connections, their limits, and answers to what is not even a request.

mod conversation;
mod crowd;
mod farewell;
mod patience;
mod refusal;
mod stream;

use std::{fmt, io, net::TcpListener, num::NonZeroUsize, thread, time::Duration};

use actix_http::{HttpService, KeepAlive, Protocol, Request, Response, error::DispatchError};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::{Error, body::MessageBody, dev::AppConfig, rt::net::TcpStream};
use tokio::{io::AsyncWriteExt as _, time::timeout};

pub(crate) use self::conversation::Conversation;
use self::{crowd::Crowd, refusal::Refusals, stream::AnsweringStream};
use crate::app::Api;

/// How long it may take to tell a client that it has too many connections: the answer is short.
const FAREWELL: Duration = Duration::from_millis(100);

/// What a client may take of the server before it has sent a request.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How many connections are open at once; more wait to be accepted.
    pub connections: usize,
    /// How many of them one address may have, an IPv6 /64 counting as one; `None` for any number. Trusted
    /// proxies have as many as they like.
    pub per_address: Option<NonZeroUsize>,
    /// How many wait to be accepted.
    pub backlog: u32,
    /// How long a client may take to send the head of a request.
    pub head_deadline: Duration,
    /// How long a connection may be idle between two requests.
    pub idle: Duration,
    /// How long requests under way may take once the server is told to stop.
    pub in_flight: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: NonZeroUsize::new(256),
            backlog: 1024,
            head_deadline: Duration::from_secs(5),
            idle: Duration::from_secs(75),
            in_flight: Duration::from_secs(20),
        }
    }
}

/// Serves applications of `api` to whoever connects to `listener`. `app` makes one application per
/// worker.
///
/// In place of `actix_web::HttpServer`, whose answers to requests that do not parse have no body and
/// none of the headers that every answer of this server carries. Signals are left to the caller.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    limits: &ConnectionLimits,
    api: &Api,
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    // The framework starts no more.
    let workers = thread::available_parallelism().map_or(1, usize::from).min(512);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(limits.connections.div_ceil(workers))
        .backlog(limits.backlog)
        .shutdown_timeout(limits.in_flight.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let address = listener.local_addr()?;
    let limits = *limits;
    let refusals = Refusals::new(api);
    let gate = api.gate();
    let crowd = Crowd::new(limits.per_address, &gate.settings.trusted_proxies);
    let server = builder.listen("auth-http", listener, move || {
        let (stopping, refusals, crowd) = (stopping.clone(), refusals.clone(), crowd.clone());
        let gate = gate.clone();
        let app = apply_fn_factory(app(), |request: Request, app| {
            let under_way = request.conn_data::<Conversation>().map(Conversation::begin);
            let answer = app.call(request);
            async move {
                let answer = answer.await;
                drop(under_way);
                answer
            }
        })
        .map_err(|error: S::Error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            // The connection itself sees to both.
            .client_request_timeout(Duration::ZERO)
            .keep_alive(KeepAlive::Os)
            .local_addr(address)
            .on_connect_ext(|connection: &AnsweringStream, data| {
                data.insert(connection.conversation());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |connection: TcpStream| {
            let (refusals, place) = (refusals.clone(), crowd.place(&connection));
            let gate = gate.clone();
            async move {
                let Some(place) = place else { return Err(turn_away(connection, refusals).await) };
                let peer = connection.peer_addr().ok();
                let open = gate.metrics.limits.accepted();
                Ok((AnsweringStream::new(connection, &limits, refusals, place, open), Protocol::Http1, peer))
            }
        })
        .and_then(http)
    })?;
    Ok(server.run())
}

/// Says why, to a client that may not listen.
async fn turn_away(mut connection: TcpStream, refusals: Refusals) -> DispatchError {
    let refusal = refusals.too_many_connections();
    let saying = async {
        connection.write_all(&refusal).await?;
        connection.shutdown().await
    };
    let _ = timeout(FAREWELL, saying).await;
    DispatchError::Io(io::ErrorKind::ConnectionRefused.into())
}
