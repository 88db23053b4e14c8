//! Syslog collectors.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Sender, Tried, tls};
use crate::guard::Reach;
use crate::receiver::{Syslog, Transport};
use crate::{Notice, render};

/// Syslog has no answer; so long is waited for the other side to close, which tells that it read to the end.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

impl Sender {
    pub(super) async fn collect(&self, syslog: &Syslog, notice: &Notice) -> Tried {
        let reach = match self.guard.reach_syslog(&syslog.host, syslog.port).await {
            Ok(reach) => reach,
            Err(error) => return Tried::unreachable(&error),
        };
        let message = render::syslog(notice, &self.settings.hostname);
        let sent = match syslog.transport {
            Transport::Udp => datagram(&reach, &message).await,
            Transport::Tcp => match connect(&reach).await {
                Ok(stream) => hand_over(stream, &message).await,
                Err(error) => Err(error),
            },
            Transport::Tls => match self.handshake(&reach).await {
                Ok(stream) => hand_over(stream, &message).await,
                Err(error) => Err(error),
            },
        };
        match sent {
            Ok(()) => Tried::Delivered { status: None, answer: String::new() },
            Err(error) => Tried::failed(why(&error)),
        }
    }

    async fn handshake(&self, reach: &Reach) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let host = reach.host.strip_suffix('.').unwrap_or(&reach.host).to_owned();
        let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, connect(reach).await?).await
    }
}

async fn connect(reach: &Reach) -> std::io::Result<TcpStream> {
    TcpStream::connect(reach.addresses.as_slice()).await
}

async fn datagram(reach: &Reach, message: &[u8]) -> std::io::Result<()> {
    let Some(address) = reach.addresses.first() else { return Err(std::io::Error::other("no address")) };
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    socket.send(message).await.map(|_| ())
}

/// One message with its length in front, then the end.
async fn hand_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, message: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{} ", message.len()).as_bytes()).await?;
    stream.write_all(message).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    let mut byte = [0];
    match tokio::time::timeout(CLOSE_TIME_MAX, stream.read(&mut byte)).await {
        // A reset tells that what was written was not read.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => Err(error),
        // Some collectors keep the connection, or end TLS without a word; neither says that the message was lost.
        Ok(Ok(_) | Err(_)) | Err(_) => Ok(()),
    }
}

fn why(error: &std::io::Error) -> &'static str {
    if tls::is_untrusted(error) { "the receiver's certificate is not trusted" } else { "the connection failed" }
}
