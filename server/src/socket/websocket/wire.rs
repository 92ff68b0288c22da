//! Bytes in and bytes out.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::socket::{Frame, Kind};

/// A stream as tungstenite reads from it, for the time of one poll. What tungstenite writes by itself
/// (pongs, the answer to a close) is collected, to take its place among the outgoing frames.
pub(super) struct Incoming<'a, 'cx, Io> {
    pub(super) io: &'a mut Io,
    pub(super) cx: &'a mut Context<'cx>,
    pub(super) answers: &'a mut Vec<u8>,
    pub(super) has_received: &'a mut bool,
}

impl<Io: AsyncRead + Unpin> Read for Incoming<'_, '_, Io> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.io).poll_read(self.cx, &mut buffer) {
            Poll::Ready(result) => {
                result?;
                let count = buffer.filled().len();
                *self.has_received |= count > 0;
                Ok(count)
            }
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<Io> Write for Incoming<'_, '_, Io> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.answers.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The frames that are being sent.
#[derive(Default)]
pub(super) struct Writer {
    sending: VecDeque<Frame>,
    /// How much of the first one has been sent.
    offset: usize,
    needs_flush: bool,
}

impl Writer {
    /// How many frames one call hands to the operating system, and about how many bytes.
    pub(super) const MAX_FRAMES: usize = 64;
    pub(super) const MAX_BYTES: usize = 64 << 10;

    /// How many answers to pings may wait for a client that does not read. RFC 6455 lets a server leave
    /// out all but the latest; these are the first.
    const MAX_ANSWERS: usize = 4;

    pub(super) fn is_idle(&self) -> bool {
        self.sending.is_empty() && !self.needs_flush
    }

    pub(super) fn queue(&mut self) -> &mut VecDeque<Frame> {
        &mut self.sending
    }

    /// Sends control frames as soon as the frame in progress allows.
    pub(super) fn answer(&mut self, bytes: Vec<u8>) {
        let is_control = |frame: &&Frame| matches!(frame.kind(), Kind::Control);
        if self.sending.iter().filter(is_control).count() < Self::MAX_ANSWERS {
            let behind = usize::from(self.offset > 0);
            self.sending.insert(behind, Frame::control(bytes));
        }
    }

    /// Sends a last control frame, after the frame in progress but before all others.
    pub(super) fn finish_with(&mut self, bytes: Vec<u8>) {
        let in_progress = usize::from(self.offset > 0);
        self.sending.truncate(in_progress);
        self.sending.push_back(Frame::control(bytes));
    }

    /// Sends what is queued. Counts what it has sent.
    pub(super) fn poll_send<Io: AsyncWrite + Unpin>(
        &mut self,
        io: &mut Io,
        cx: &mut Context<'_>,
        sent: &mut Sent,
    ) -> Poll<io::Result<()>> {
        while !self.sending.is_empty() {
            let count = ready!(self.poll_write(Pin::new(io), cx))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.needs_flush = true;
            sent.bytes += count as u64;
            self.advance(count, sent);
        }
        if self.needs_flush {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.needs_flush = false;
        }
        // A burst's room is given back: most connections are idle most of the time.
        if self.sending.capacity() > 0 {
            self.sending = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write<Io: AsyncWrite>(
        &self,
        io: Pin<&mut Io>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut frames = self.sending.iter().map(Frame::wire);
        let Some(first) = frames.next() else {
            return Poll::Ready(Ok(0));
        };
        let first = &first[self.offset..];
        if self.sending.len() == 1 || !io.is_write_vectored() {
            return io.poll_write(cx, first);
        }
        let mut slices = [IoSlice::new(&[]); Self::MAX_FRAMES];
        let mut count = 0;
        for (slice, frame) in slices.iter_mut().zip(std::iter::once(first).chain(frames)) {
            *slice = IoSlice::new(frame);
            count += 1;
        }
        io.poll_write_vectored(cx, &slices[..count])
    }

    fn advance(&mut self, count: usize, sent: &mut Sent) {
        self.offset += count;
        while let Some(frame) = self.sending.front() {
            let size = frame.wire().len();
            if self.offset < size {
                return;
            }
            self.offset -= size;
            sent.frames += u64::from(!matches!(frame.kind(), Kind::Control));
            self.sending.pop_front();
        }
    }
}

/// What has been sent within one poll.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) frames: u64,
    pub(super) bytes: u64,
}
