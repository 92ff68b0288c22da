//! WebSockets.
//!
//! One task per connection reads and writes. Incoming frames are taken apart by tungstenite, with a read
//! buffer of a few KiB. Outgoing messages are encoded long before, with their heads and shared by all who
//! get them, so they are handed to the operating system as they are: many in one call, never copied, and
//! no connection has a write buffer that a large message would leave behind large.

mod driver;
mod farewell;
mod handshake;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use herenow_core::protocol::Vsn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use self::driver::Driver;
use super::{Context, Session};
use crate::endpoint::Connected;

pub(crate) use handshake::{Handshake, HandshakeError};

/// Serves a connection from the moment when the `101` has been sent.
pub(crate) fn upgrade(
    context: Arc<Context>,
    on_upgrade: OnUpgrade,
    vsn: Vsn,
    connected: Connected,
) {
    tokio::spawn(async move {
        let upgraded = match on_upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                tracing::debug!(%error, "the client went away during the handshake");
                return;
            }
        };
        let Some(session) = Session::open(&context, vsn, connected) else {
            return;
        };
        drop(context);
        match into_tcp(upgraded) {
            Ok((stream, read)) => {
                // Many small messages at short intervals: waiting for acknowledgements would delay each.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "could not set TCP_NODELAY");
                }
                let mut driver = Driver::new(stream, read, session);
                serve(&mut driver).await;
            }
            Err(upgraded) => {
                let stream = TokioIo::<Upgraded>::new(upgraded);
                let mut driver = Driver::new(stream, Bytes::new(), session);
                serve(&mut driver).await;
            }
        }
    });
}

/// The socket of the operating system, and what has been read from it, if the server that accepted it was
/// one of hyper's over TCP; else the connection as it was.
fn into_tcp(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    type Tcp = TokioIo<TcpStream>;
    let (io, read) = match upgraded.downcast::<Tcp>() {
        Ok(parts) => (parts.io, parts.read_buf),
        // As warp serves, and whoever else lets hyper find out which HTTP it is.
        Err(upgraded) => {
            auto::upgrade::downcast::<Tcp>(upgraded).map(|parts| (parts.io, parts.read_buf))?
        }
    };
    Ok((io.into_inner(), read))
}

/// Takes the driver by reference, because what is moved into a task takes its room twice.
async fn serve<Io>(driver: &mut Driver<Io>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
{
    let finish = driver.run().await;
    // On the heap, since it needs more room than all that goes before and that lasts so much longer.
    Box::pin(driver.end(finish)).await;
}
