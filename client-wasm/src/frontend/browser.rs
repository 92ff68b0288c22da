//! A page (or a worker) of a browser as the place where a socket runs.
//!
//! The WebSocket is that of web-sys: what is sent goes out in the call that sends it, where gloo-net's stream
//! and sink would put a task in between. gloo has what must end when it is dropped: timers, and listeners to
//! events. The clocks, chance and global objects are those of js-sys.

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use js_sys::{ArrayBuffer, Date, Math, Reflect, Uint8Array};
use std::cell::Cell;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    BinaryType, Event, EventTarget, MessageEvent, Performance, VisibilityState, WebSocket,
};

use super::host::{Host, Kept, Location, OnPage, OnReport, PageEvent, Report, Transport};

/// The longest delay of a browser's timer, in ms; a longer one would fire at once.
const MAX_DELAY: u64 = i32::MAX as u64;

pub(super) struct Browser {
    performance: Option<Performance>,
    /// The latest time, for where there is no better clock than the one that people set.
    latest: Cell<f64>,
}

impl Browser {
    pub(super) fn new() -> Self {
        let performance = global("performance").map(JsCast::unchecked_into);
        Self {
            performance,
            latest: Cell::new(0.0),
        }
    }
}

impl Host for Browser {
    fn now(&self) -> u64 {
        let now = self
            .performance
            .as_ref()
            .map_or_else(Date::now, Performance::now);
        self.latest.set(self.latest.get().max(now));
        self.latest.get() as u64
    }

    fn random(&self) -> f64 {
        Math::random()
    }

    fn location(&self) -> Option<Location> {
        let location = global("location")?;
        let field = |name: &str| Reflect::get(&location, &name.into()).ok()?.as_string();
        Some(Location {
            is_secure: field("protocol")? == "https:",
            host: field("host").filter(|host| !host.is_empty())?,
        })
    }

    fn is_hidden(&self) -> bool {
        is_hidden()
    }

    fn wake_after(&self, delay: u64, wake: Box<dyn FnOnce()>) -> Kept {
        Box::new(Timeout::new(delay.min(MAX_DELAY) as u32, wake))
    }

    fn watch_page(&self, tell: OnPage) -> Kept {
        let mut listeners = Vec::new();
        let Some(window) = web_sys::window() else {
            return Box::new(listeners);
        };
        let mut listen = |target: &EventTarget, name: &'static str, what: fn() -> PageEvent| {
            let tell = tell.clone();
            listeners.push(EventListener::new(target, name, move |_| tell(what())));
        };
        listen(&window, "pagehide", || PageEvent::Left);
        listen(&window, "pageshow", || PageEvent::Returned);
        listen(&window, "online", || PageEvent::Online);
        if let Some(document) = window.document() {
            listen(&document, "visibilitychange", visibility);
            // Some browsers leave out `visibilitychange` when they wake a page up.
            listen(&document, "resume", visibility);
        }
        Box::new(listeners)
    }

    fn open(
        &self,
        url: &str,
        protocols: &[String],
        report: OnReport,
    ) -> Result<Box<dyn Transport>, String> {
        let socket = if protocols.is_empty() {
            WebSocket::new(url)
        } else {
            let protocols: js_sys::Array = protocols.iter().map(|p| JsValue::from_str(p)).collect();
            WebSocket::new_with_str_sequence(url, &protocols)
        };
        let socket = socket.map_err(describe)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let listen = |name, what: fn(&Event) -> Option<Report>| {
            let report = report.clone();
            EventListener::new(&socket, name, move |event| {
                if let Some(what) = what(event) {
                    report(what);
                }
            })
        };
        let listeners = [
            listen("open", |_| Some(Report::Opened)),
            listen("error", |_| Some(Report::Errored)),
            listen("close", |_| Some(Report::Closed)),
            listen("message", message),
        ];
        Ok(Box::new(BrowserTransport {
            socket,
            _listeners: listeners,
        }))
    }

    fn warn(&self, text: &str) {
        web_sys::console::warn_1(&text.into());
    }
}

struct BrowserTransport {
    socket: WebSocket,
    _listeners: [EventListener; 4],
}

impl Transport for BrowserTransport {
    fn send_text(&self, text: &str) -> Result<(), String> {
        self.socket.send_with_str(text).map_err(describe)
    }

    fn send_binary(&self, bytes: &[u8]) -> Result<(), String> {
        self.socket.send_with_u8_array(bytes).map_err(describe)
    }

    fn close(&self, code: Option<u16>, reason: &str) {
        // It fails only for codes and reasons that nobody may send; then without one.
        let closed = match code {
            Some(code) => self.socket.close_with_code_and_reason(code, reason),
            None => self.socket.close(),
        };
        if closed.is_err() {
            let _ = self.socket.close();
        }
    }

    fn is_closing(&self) -> bool {
        self.socket.ready_state() >= WebSocket::CLOSING
    }
}

impl Drop for BrowserTransport {
    fn drop(&mut self) {
        if !self.is_closing() {
            self.close(None, "");
        }
    }
}

fn is_hidden() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| document.visibility_state() == VisibilityState::Hidden)
}

fn visibility() -> PageEvent {
    match is_hidden() {
        true => PageEvent::Hidden,
        false => PageEvent::Shown,
    }
}

fn message(event: &Event) -> Option<Report> {
    let data = event.unchecked_ref::<MessageEvent>().data();
    match data.dyn_into::<ArrayBuffer>() {
        Ok(buffer) => Some(Report::Binary(Uint8Array::new(&buffer).to_vec())),
        Err(data) => data.as_string().map(Report::Text),
    }
}

/// A property of the global object, of a page or a worker.
fn global(name: &str) -> Option<JsValue> {
    let value = Reflect::get(&js_sys::global(), &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// An exception in words.
fn describe(error: JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => format!("{error:?}"),
    }
}
