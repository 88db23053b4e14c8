//! Sockets: connections are bounded in number and in patience, and end gracefully.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::auth::Peer;
use super::places::Places;
use super::{App, routes};

/// Connections that were taken and wait for a place.
const WAITING_MAX: usize = 256;
/// The head of a request must have come after this time, on a new connection and after each answer: a connection
/// that idles for longer is closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// A reader that takes nothing for this long is let go.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// Requests that still run when the server stops get this long.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// Largest head of a request in bytes.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Answers requests until `app.stopping`, then lets the running ones finish.
pub async fn serve(listener: TcpListener, app: Arc<App>) {
    let router = routes::router(Arc::clone(&app));
    let places = Places::new(&app.config.trusted_proxies);
    let waiting = Arc::new(Semaphore::new(WAITING_MAX));
    let connections = TaskTracker::new();
    // Cancelled when what still runs is to be cut off.
    let cut = CancellationToken::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = app.stopping.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the client has gone: neither ends the server.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Some(admitted) = places.admit(peer.ip()) else {
            metrics::counter!("whodid_http_connections_refused_total").increment(1);
            tracing::debug!(%peer, "a connection was refused: its peer has as many as one may have");
            continue;
        };
        let place = admitted.take();
        // One that must wait does not keep others from being looked at; further ones wait in the kernel's queue.
        let turn = if place.is_some() {
            None
        } else {
            tokio::select! {
                () = app.stopping.cancelled() => break,
                turn = Arc::clone(&waiting).acquire_owned() => Some(turn.expect("the semaphore is never closed")),
            }
        };
        let (router, app, cut) = (router.clone(), Arc::clone(&app), cut.clone());
        connections.spawn(async move {
            let place = match place {
                Some(place) => place,
                None => tokio::select! {
                    () = app.stopping.cancelled() => return,
                    place = admitted.wait() => place,
                },
            };
            drop(turn);
            metrics::gauge!("whodid_http_connections").increment(1.0);
            tokio::select! {
                () = converse(stream, peer, router, &app) => {}
                () = cut.cancelled() => {}
            }
            metrics::gauge!("whodid_http_connections").decrement(1.0);
            drop((place, admitted));
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(STOP_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some requests did not end in time and are cut off");
        // They must have ended before the engine is closed under them.
        cut.cancel();
        connections.wait().await;
    }
}

async fn converse(stream: TcpStream, peer: SocketAddr, router: axum::Router, app: &App) {
    // Small answers must not wait for more; an error only costs speed.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.map_request(with_peer(peer)));
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_BYTES_MAX);
    let connection = builder.serve_connection(TokioIo::new(Patient::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "a connection broke off");
    }
}

/// Tells handlers where the connection comes from.
fn with_peer<B>(peer: SocketAddr) -> impl Fn(Request<B>) -> Request<B> + Clone {
    move |mut request| {
        request.extensions_mut().insert(Peer(peer));
        request
    }
}

/// A stream whose writes fail when nothing was taken for [`WRITE_TIMEOUT`].
struct Patient {
    stream: TcpStream,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(stream: TcpStream) -> Self {
        Self { stream, waiting: None }
    }

    /// Passes the outcome of a write on, unless it has been pending for too long.
    fn judge<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let waiting =
            self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + WRITE_TIMEOUT)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the reader takes nothing"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
