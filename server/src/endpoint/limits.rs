use std::time::Duration;

/// How many clients there may be, what each may use of the server, and how long the server waits for it.
///
/// ```
/// # use std::time::Duration;
/// use herenow::Limits;
///
/// let limits = Limits { idle_timeout: Duration::from_secs(90), ..Limits::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many connections there may be at a time, long poll sessions among them. A client beyond that is
    /// answered with status 503, upon which phoenix.js tries again later. Default: 1,000,000: what the
    /// system has in open files or memory for ends before, where it has less.
    pub max_connections: usize,
    /// The largest message that a client may send, in bytes. A larger one closes the WebSocket with code
    /// 1009, before its body is read; a long poll client is answered with status 413. Default: 8 MiB.
    /// Phoenix has no limit for WebSockets unless told.
    pub max_message_bytes: usize,
    /// How many topics a client may have joined over one connection; a join beyond that is refused with
    /// `"too many channels joined"`. Default: 100, as in Phoenix.
    pub max_channels_per_transport: usize,
    /// How many bytes may wait for a client that reads or polls slowly (one message may always wait,
    /// whatever its size). Beyond that presence diffs are replaced by one later state; if that is not
    /// enough the connection is closed with code 1013. Default: 1 MiB.
    pub max_queue_bytes: usize,
    /// How many bytes of a client's messages may wait for its own channels before the server stops reading
    /// from it until they have caught up. Default: 1 MiB.
    pub max_inbox_bytes: usize,
    /// How much is read from a WebSocket at once. Every connection has a buffer of this size, so it weighs
    /// on memory; a larger message gets a larger buffer while it is read. Default: 2 KiB.
    pub read_buffer_bytes: usize,
    /// How long a client may send nothing at all, not even a ping; then the connection is closed with code
    /// 1002. What the server sends does not count. Nothing is received either while a join takes its time,
    /// so no join can take longer than this. phoenix.js sends a heartbeat every 30 s. Over long poll it is
    /// the time that the body of a request may take; how long such a client may be silent, its window
    /// says. Default: 60 s, as in Phoenix.
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
    /// How long a long poll waits for messages before it is answered that there are none; a client's
    /// message that takes longer is answered with status 408. A client that lets 1.5 times this pass
    /// without a poll is gone: its channels end. It has to be shorter than the time after which proxies, or
    /// the client (20 s in phoenix.js), give a request up. Default: 10 s, as in Phoenix.
    pub longpoll_window: Duration,
    /// How many long poll sessions there may be at a time. They are the only connections that cost memory
    /// without holding a socket open, which the operating system would count. A client beyond that is
    /// told to come back later: see [`Endpoint::routes`](crate::Endpoint::routes). Each may hold
    /// `max_queue_bytes` and `max_inbox_bytes`, and two bodies of `max_longpoll_body_bytes` while they are
    /// read, so this is the limit to lower where memory counts. It is not one for each client: who may
    /// connect can fill it, for 1.5 windows at a time, unless a proxy limits what one address may open. A
    /// session that ends while its client waits is followed by another at once, and phoenix.js opens one
    /// more of its own: for that time such a client takes two places. Default: 10,000.
    pub max_longpoll_sessions: usize,
    /// The largest body that a long poll client may send, in bytes: up to 100 messages in one. A larger
    /// one is answered with status 413, and none of it is handled. Default: 8 MB, as in Phoenix.
    pub max_longpoll_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1_000_000,
            max_message_bytes: 8 << 20,
            max_channels_per_transport: 100,
            max_queue_bytes: 1 << 20,
            max_inbox_bytes: 1 << 20,
            read_buffer_bytes: 2 << 10,
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
            channel_shutdown: Duration::from_secs(5),
            drain_batch: 10_000,
            drain_interval: Duration::from_secs(2),
            longpoll_window: Duration::from_secs(10),
            max_longpoll_sessions: 10_000,
            max_longpoll_body_bytes: 8_000_000,
        }
    }
}
