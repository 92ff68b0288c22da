//! A driver whose transport is the test and whose clock is a number.

use herenow_core::client::{
    ChannelId, Client, Close, CloseCause, Config, ConnectionId, Encoded, ErrorCause, Event,
    MessageSpans, Outcome, Output, PushId, Timer,
};

/// A client with everything that it has put out, in words.
pub(crate) struct Driver {
    pub(crate) client: Client,
    pub(crate) now: u64,
    /// The transport that was opened last.
    pub(crate) connection: Option<ConnectionId>,
    /// Text frames; a binary one as its bytes in Rust's debug form.
    sent: Vec<String>,
    /// Events and the opening and closing of transports.
    told: Vec<String>,
    pub(crate) asked: Vec<(Timer, u32)>,
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        Self {
            client: Client::new(config),
            now: 0,
            connection: None,
            sent: Vec::new(),
            told: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Connected.
    pub(crate) fn open() -> Self {
        let mut driver = Self::new();
        driver.connect();
        driver.opened();
        driver.forget();
        driver
    }

    /// Connected, with one channel joined, by ref 1.
    pub(crate) fn joined(topic: &str) -> (Self, ChannelId) {
        let mut driver = Self::open();
        let channel = driver.channel(topic);
        driver.join(channel);
        driver.reply("1", "1", topic, "ok");
        driver.forget();
        (driver, channel)
    }

    pub(crate) fn connect(&mut self) {
        self.client.connect();
        self.pump();
    }

    pub(crate) fn disconnect(&mut self) -> Option<ConnectionId> {
        let closing = self.client.disconnect(self.now, Close::default());
        self.pump();
        closing
    }

    pub(crate) fn opened(&mut self) {
        self.client
            .transport_opened(self.now, self.connection.unwrap());
        self.pump();
    }

    pub(crate) fn errored(&mut self) {
        self.client
            .transport_errored(self.now, self.connection.unwrap());
        self.pump();
    }

    pub(crate) fn closed(&mut self) {
        self.client
            .transport_closed(self.now, self.connection.unwrap());
        self.pump();
    }

    pub(crate) fn channel(&mut self, topic: &str) -> ChannelId {
        self.client.channel(topic, "{}")
    }

    pub(crate) fn join(&mut self, channel: ChannelId) {
        self.client.join(self.now, channel, None).unwrap();
        self.pump();
    }

    pub(crate) fn leave(&mut self, channel: ChannelId) {
        self.client.leave(channel);
        self.pump();
    }

    pub(crate) fn push(&mut self, channel: ChannelId, event: &'static str) -> PushId {
        let push = self.client.push(self.now, channel, event, "{}", None);
        self.pump();
        push.unwrap()
    }

    pub(crate) fn receive(&mut self, text: &str) {
        let connection = self.connection.unwrap();
        let spans = self.client.received(self.now, connection, text).unwrap();
        self.pump_frame(text, spans.unwrap_or_default());
    }

    pub(crate) fn receive_binary(&mut self, frame: &[u8]) {
        let connection = self.connection.unwrap();
        let spans = self.client.received_binary(self.now, connection, frame);
        // Every test frame is ASCII, so its spans fit the text just as well.
        let text = std::str::from_utf8(frame).unwrap();
        self.pump_frame(text, spans.unwrap().unwrap_or_default());
    }

    pub(crate) fn reply(&mut self, join_ref: &str, reference: &str, topic: &str, status: &str) {
        self.receive(&format!(
            r#"["{join_ref}","{reference}","{topic}","phx_reply",{{"status":"{status}","response":{{}}}}]"#
        ));
    }

    /// Lets time go on, with every timer in it.
    pub(crate) fn advance(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.client.handle_timeout(self.now);
            self.pump();
        }
        self.now = end;
    }

    /// The frames sent since the last call.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sent)
    }

    /// What was told since the last call.
    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    pub(crate) fn forget(&mut self) {
        self.sent.clear();
        self.told.clear();
    }

    /// Carries out everything.
    pub(crate) fn pump(&mut self) {
        self.pump_frame("", MessageSpans::default());
    }

    /// Carries out everything after `frame` was received.
    fn pump_frame(&mut self, frame: &str, spans: MessageSpans) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Connect(connection) => {
                    self.connection = Some(connection);
                    self.told.push(format!("connect {}", connection.get()));
                }
                Output::Send(frame) => self.sent.push(match frame.encode().unwrap() {
                    Encoded::Text(text) => text,
                    Encoded::Binary(bytes) => format!("{bytes:?}"),
                }),
                Output::Close(connection, close) => {
                    let Close { code, reason } = close;
                    let code = code.map_or(String::new(), |code| format!(" {code} {reason}"));
                    self.told.push(format!("close {}{code}", connection.get()));
                }
                Output::AskDelay(timer, tries) => self.asked.push((timer, tries)),
                Output::Event(event) => self.told.push(describe(event, frame, spans)),
            }
        }
    }
}

fn describe(event: Event, frame: &str, spans: MessageSpans) -> String {
    match event {
        Event::Opened => "opened".into(),
        Event::Failed => "failed".into(),
        Event::Closed => "closed".into(),
        Event::Disconnected(connection) => format!("disconnected {}", connection.get()),
        Event::Pong {
            reference,
            round_trip,
        } => format!("pong {reference} after {round_trip}"),
        Event::JoinSettled { channel, outcome } => {
            format!(
                "join of {}: {}",
                channel.get(),
                settled(outcome, frame, spans)
            )
        }
        Event::PushSettled { push, outcome, .. } => {
            format!("push {}: {}", push.get(), settled(outcome, frame, spans))
        }
        Event::Message { channel } => {
            format!("{}: {}", channel.get(), parts(spans, frame))
        }
        Event::UnclaimedReply { channel } => {
            format!("{}: reply {}", channel.get(), parts(spans, frame))
        }
        Event::ChannelErrored { channel, cause } => {
            let cause = match cause {
                ErrorCause::Server => parts(spans, frame),
                ErrorCause::HeartbeatTimeout => "heartbeat timeout".into(),
                ErrorCause::ConnectionClosed => "connection closed".into(),
                ErrorCause::ConnectionError => "connection error".into(),
            };
            format!("{} errored: {cause}", channel.get())
        }
        Event::ChannelClosed { channel, cause, .. } => {
            let cause = match cause {
                CloseCause::Left => "left".into(),
                CloseCause::Server => parts(spans, frame),
            };
            format!("{} closed: {cause}", channel.get())
        }
    }
}

fn settled(outcome: Outcome, frame: &str, spans: MessageSpans) -> String {
    match outcome {
        Outcome::Reply(_) => {
            format!(
                "{} {}",
                spans.status.text(frame),
                spans.response.text(frame)
            )
        }
        Outcome::Timeout => "timeout".into(),
    }
}

fn parts(message: MessageSpans, frame: &str) -> String {
    let MessageSpans {
        join_ref,
        reference,
        event,
        payload,
        ..
    } = message;
    let [join_ref, reference, event, payload] =
        [join_ref, reference, event, payload].map(|span| span.text(frame));
    format!("{event} {payload} ({join_ref},{reference})")
}
