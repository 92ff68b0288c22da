use std::time::Duration;

/// What one client may use of the server, and how long the server waits for it.
///
/// ```
/// # use std::time::Duration;
/// use herenow::Limits;
///
/// let limits = Limits { idle_timeout: Duration::from_secs(90), ..Limits::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message that a client may send, in bytes. A larger one closes the connection with code
    /// 1009, before its body is read. Default: 8 MiB. Phoenix has no limit for WebSockets unless told; its
    /// long poll takes 8 MB, the default of Plug for a request's body.
    pub max_message_bytes: usize,
    /// How many topics a client may have joined over one connection; a join beyond that is refused with
    /// `"too many channels joined"`. Default: 100, as in Phoenix.
    pub max_channels_per_transport: usize,
    /// How many bytes may wait for a client that reads slowly (one message may always wait, whatever its
    /// size). Beyond that presence diffs are replaced by one later state; if that is not enough the
    /// connection is closed with code 1013. Default: 1 MiB.
    pub max_queue_bytes: usize,
    /// How many bytes of a client's messages may wait for its own channels before the server stops reading
    /// from it until they have caught up. Default: 1 MiB.
    pub max_inbox_bytes: usize,
    /// How much is read from a WebSocket at once. Every connection has a buffer of this size, so it weighs
    /// on memory; a larger message gets a larger buffer while it is read. Default: 4 KiB.
    pub read_buffer_bytes: usize,
    /// How long a client may send nothing at all, not even a ping; then the connection is closed with code
    /// 1002. What the server sends does not count. Nothing is received either while a join takes its time,
    /// so no join can take longer than this. phoenix.js sends a heartbeat every 30 s. Default: 60 s, as in
    /// Phoenix.
    pub idle_timeout: Duration,
    /// How long a client may take none of what waits for it before the connection is closed with code
    /// 1013. Default: 30 s.
    pub write_timeout: Duration,
    /// How long the server waits for a client to confirm a close before it drops the connection.
    /// Default: 5 s.
    pub close_timeout: Duration,
    /// How long a channel may take to end (because the connection has, or because its topic is joined
    /// again) before the callback at which it waits is cut off. Default: 5 s, as in Phoenix.
    pub channel_shutdown: Duration,
    /// How many connections a shutdown closes at once. Their clients reconnect elsewhere, and not all in
    /// the same moment. Default: 10,000, as in Phoenix.
    pub drain_batch: usize,
    /// How long a shutdown waits between two batches. Default: 2 s, as in Phoenix.
    pub drain_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 8 << 20,
            max_channels_per_transport: 100,
            max_queue_bytes: 1 << 20,
            max_inbox_bytes: 1 << 20,
            read_buffer_bytes: 4 << 10,
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            channel_shutdown: Duration::from_secs(5),
            drain_batch: 10_000,
            drain_interval: Duration::from_secs(2),
        }
    }
}
