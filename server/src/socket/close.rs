use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::channel::ChannelId;

/// Why the server closes a connection: a WebSocket close code, and what the log says.
///
/// None is 1000, which phoenix.js takes as final: all of these are to be followed by a reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: CloseCode,
    pub(crate) why: &'static str,
    /// Whether that is worth a warning: something is wrong with the client or with a limit.
    pub(crate) is_warning: bool,
}

impl Close {
    /// The application has told all sockets with this id to go.
    pub(crate) const DISCONNECTED: Self = Self::expected(CloseCode::Away, "disconnected by id");
    /// The endpoint shuts down.
    pub(crate) const DRAINED: Self = Self::expected(CloseCode::Restart, "the server shuts down");
    /// The client has been silent; it may be gone without a word.
    pub(crate) const IDLE: Self = Self::expected(
        CloseCode::Protocol,
        "nothing received for Limits::idle_timeout (--idle-timeout)",
    );
    /// A long poll client no longer asks for its messages.
    pub(crate) const EXPIRED: Self = Self::expected(
        CloseCode::Away,
        "no poll for 1.5 times Limits::longpoll_window (--longpoll-window)",
    );
    /// What the client sent is no message.
    pub(crate) const BAD_FRAME: Self = Self::warning(CloseCode::Error, "received no valid message");
    /// A message over the limit.
    pub(crate) const TOO_BIG: Self = Self::warning(
        CloseCode::Size,
        "received a message over Limits::max_message_bytes (--max-frame-size)",
    );
    /// What the client sent breaks the rules of WebSocket.
    pub(crate) const PROTOCOL: Self =
        Self::warning(CloseCode::Protocol, "received no valid WebSocket frame");
    /// Text that is no UTF-8.
    pub(crate) const NOT_UTF8: Self =
        Self::warning(CloseCode::Invalid, "received text that is not UTF-8");
    /// More waits for the client than the limit, and it cannot be dropped.
    pub(crate) const OVERFLOW: Self = Self::warning(
        CloseCode::Again,
        "the client reads too slowly: over Limits::max_queue_bytes (--max-queue-bytes) waits for it",
    );
    /// The client does not read at all.
    pub(crate) const STUCK: Self = Self::warning(
        CloseCode::Again,
        "the client took nothing for Limits::write_timeout",
    );
    /// Diffs were withheld from the client, and nothing can replace them.
    pub(crate) const NO_STATE: Self = Self::warning(
        CloseCode::Again,
        "the client missed presence_diffs and there is no presence_state to replace them",
    );

    /// There is nobody left to tell.
    pub(super) const GONE: Self = Self::expected(CloseCode::Away, "the client is gone");

    const fn expected(code: CloseCode, why: &'static str) -> Self {
        let is_warning = false;
        Self {
            code,
            why,
            is_warning,
        }
    }

    const fn warning(code: CloseCode, why: &'static str) -> Self {
        let is_warning = true;
        Self {
            code,
            why,
            is_warning,
        }
    }

    pub(crate) fn log(&self, connection: ChannelId) {
        let (code, why) = (u16::from(self.code), self.why);
        if self.is_warning {
            tracing::warn!(%connection, code, why, "closing a connection");
        } else {
            tracing::debug!(%connection, code, why, "closing a connection");
        }
    }
}
