//! Frames out of a stream of bytes, read where they lie.
//!
//! All sessions of a thread read into one buffer and handle what is complete there. Only a frame that has
//! not come completely is copied, so that an idle client holds no buffer at all and thousands of them fit
//! beside the server that they measure. Servers do not mask; none that speaks Phoenix fragments or
//! compresses unasked, so that is refused rather than handled.

use std::cell::RefCell;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::error::Error;

/// How much is read at a time.
const BUFFER_BYTES: usize = 128 << 10;

/// A frame's header at most, in bytes, as servers send it.
const MAX_HEADER: usize = 10;

/// The largest frame that is believed in: a `presence_state` of several million members.
const MAX_FRAME: u64 = 1 << 30;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER_BYTES]);
}

/// A frame from the server.
pub(super) struct Frame<'a> {
    pub(super) opcode: OpCode,
    pub(super) payload: &'a [u8],
}

/// What went wrong, before it is known with whom.
pub(super) enum Problem {
    Io(io::Error),
    Frames(String),
    Handling(Error),
}

impl Problem {
    pub(super) fn of(self, user: &str) -> Error {
        match self {
            Self::Io(error) => Error::io(user, &error),
            Self::Frames(problem) => Error::connection(user, problem),
            Self::Handling(error) => error,
        }
    }
}

/// What has been received and not handled.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// As long as it has to become before there can be anything to handle, or so far as it has grown.
    bytes: Vec<u8>,
    /// How much of that is there.
    filled: usize,
}

impl Inbox {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut inbox = Self::default();
        inbox.keep(bytes, 0);
        inbox
    }

    /// Reads once at most, and hands over what is complete until `handle` returns something. `None`: there
    /// may be more.
    pub(super) fn poll<T>(
        &mut self,
        stream: &mut TcpStream,
        cx: &mut Context<'_>,
        handle: &mut impl FnMut(Frame<'_>) -> Result<Option<T>, Error>,
    ) -> Poll<Result<Option<T>, Problem>> {
        if self.filled == 0 {
            return BUFFER.with_borrow_mut(|buffer| {
                let count = ready!(poll_read(stream, cx, buffer))?;
                Poll::Ready(self.handle(&buffer[..count], handle))
            });
        }
        if self.filled < self.bytes.len() {
            self.filled += ready!(poll_read(stream, cx, &mut self.bytes[self.filled..]))?;
        }
        if self.filled < self.bytes.len() {
            return Poll::Ready(Ok(None));
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.filled = 0;
        Poll::Ready(self.handle(&bytes, handle))
    }

    fn handle<T>(
        &mut self,
        mut bytes: &[u8],
        handle: &mut impl FnMut(Frame<'_>) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Problem> {
        let mut needed = 0;
        let mut found = None;
        while found.is_none() && !bytes.is_empty() {
            match split(bytes).map_err(Problem::Frames)? {
                Split::Frame(frame, rest) => {
                    found = handle(frame).map_err(Problem::Handling)?;
                    bytes = rest;
                }
                Split::Needs(length) => {
                    needed = length;
                    break;
                }
            }
        }
        self.keep(bytes, needed);
        Ok(found)
    }

    /// Makes room as bytes come, and not for all that a header promises.
    fn keep(&mut self, bytes: &[u8], needed: usize) {
        let needed = needed.min(BUFFER_BYTES.max(2 * bytes.len()));
        self.filled = bytes.len();
        self.bytes = Vec::with_capacity(needed.max(bytes.len()));
        self.bytes.extend_from_slice(bytes);
        if needed > bytes.len() {
            self.bytes.resize(needed, 0);
        }
    }
}

fn poll_read(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<Result<usize, Problem>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer)).map_err(Problem::Io)?;
    Poll::Ready(match buffer.filled().len() {
        0 => Err(Problem::Frames("closed by the server".into())),
        count => Ok(count),
    })
}

enum Split<'a> {
    /// The first frame, and what follows it.
    Frame(Frame<'a>, &'a [u8]),
    /// It is not complete before there are so many bytes.
    Needs(usize),
}

fn split(bytes: &[u8]) -> Result<Split<'_>, String> {
    let mut cursor = Cursor::new(bytes);
    let header = FrameHeader::parse(&mut cursor);
    let header = header.map_err(|error| format!("no WebSocket frame: {error}"))?;
    let Some((header, length)) = header else {
        return Ok(Split::Needs(needed_for_header(bytes)));
    };
    check(&header, length)?;
    let start = usize::try_from(cursor.position()).unwrap_or(bytes.len());
    let end = start + usize::try_from(length).map_err(|error| error.to_string())?;
    Ok(match (bytes.get(start..end), bytes.get(end..)) {
        (Some(payload), Some(rest)) => Split::Frame(
            Frame {
                opcode: header.opcode,
                payload,
            },
            rest,
        ),
        _ => Split::Needs(end),
    })
}

/// How long a header is that has only begun. Never more: the bytes to wait for might not come.
fn needed_for_header(bytes: &[u8]) -> usize {
    match bytes.get(1).map(|byte| byte & 0x7f) {
        None => 2,
        Some(126) => 4,
        Some(127) => MAX_HEADER,
        Some(_) => 2,
    }
}

fn check(header: &FrameHeader, length: u64) -> Result<(), String> {
    if header.mask.is_some() {
        return Err("the server masks its frames, which only clients may".into());
    }
    if !header.is_final || header.opcode == OpCode::Data(Data::Continue) {
        return Err("the server sends fragmented messages, which are not read here".into());
    }
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err("the server compresses messages, which nobody asked for".into());
    }
    if length > MAX_FRAME {
        return Err(format!(
            "a frame of {length} bytes: the most is {MAX_FRAME}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
