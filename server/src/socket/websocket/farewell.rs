//! The end of a WebSocket.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;

use super::driver::Finish;
use super::wire::{Sent, Writer};
use crate::socket::{Close, Connection};

/// Sends what is due at the end and closes the connection.
pub(super) async fn say<Io>(
    io: &mut Io,
    writer: &mut Writer,
    connection: &Connection,
    finish: Finish,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let id = connection.id();
    let is_confirmed = match finish {
        Finish::Close(close) => {
            close.log(id);
            writer.finish_with(close_frame(close));
            false
        }
        Finish::ClosedByPeer => {
            tracing::debug!(connection = %id, "the client has closed the connection");
            true
        }
        Finish::Lost(error) => {
            tracing::debug!(connection = %id, %error, "lost a connection");
            return;
        }
    };
    let limit = connection.context().limits.close_timeout;
    let result = timeout(limit, part(io, writer, is_confirmed)).await;
    if !matches!(result, Ok(Ok(()))) {
        tracing::debug!(connection = %id, "the client did not confirm the close");
    }
}

async fn part<Io>(io: &mut Io, writer: &mut Writer, is_confirmed: bool) -> io::Result<()>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let mut uncounted = Sent::default();
    poll_fn(|cx| writer.poll_send(io, cx, &mut uncounted)).await?;
    poll_fn(|cx| Pin::new(&mut *io).poll_shutdown(cx)).await?;
    if is_confirmed {
        return Ok(());
    }
    // Whatever the client still sends is read, since to close a socket with unread data would take back
    // the close frame as well. Its answer needs no looking at: it closes its side, that is all.
    let mut unread = [0; 1024];
    while io.read(&mut unread).await? > 0 {}
    Ok(())
}

fn close_frame(close: Close) -> Vec<u8> {
    const CLOSE: u8 = 0x88;
    let [high, low] = u16::from(close.code).to_be_bytes();
    vec![CLOSE, 2, high, low]
}
