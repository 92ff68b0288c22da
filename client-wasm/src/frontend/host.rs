//! What a socket needs of the place where it runs: a clock, a timer, WebSockets, and word of the page. In a
//! browser that is [`Browser`](super::browser::Browser); in the tests it is made up.

use std::any::Any;
use std::rc::Rc;

/// The place.
pub(super) trait Host {
    /// Milliseconds on a clock that does not run backwards.
    fn now(&self) -> u64;

    /// A number from 0 up to 1.
    fn random(&self) -> f64;

    /// Where the page is from; `None` if there is no page.
    fn location(&self) -> Option<Location>;

    /// Whether there is a page and nobody can see it.
    fn is_hidden(&self) -> bool;

    /// Calls `wake` after so many milliseconds (or earlier: that does no harm), unless what it returns is
    /// dropped before.
    fn wake_after(&self, delay: u64, wake: Box<dyn FnOnce()>) -> Kept;

    /// Tells what the page does, until what it returns is dropped.
    fn watch_page(&self, tell: OnPage) -> Kept;

    /// Opens a WebSocket. The error says what is wrong with the address or the protocols.
    fn open(
        &self,
        url: &str,
        protocols: &[String],
        report: OnReport,
    ) -> Result<Box<dyn Transport>, String>;

    /// Tells a developer something.
    fn warn(&self, text: &str);
}

/// Something that ends when it is dropped.
pub(super) type Kept = Box<dyn Any>;

/// Hears what the page does.
pub(super) type OnPage = Rc<dyn Fn(PageEvent)>;

/// Hears what a transport reports.
pub(super) type OnReport = Rc<dyn Fn(Report)>;

/// What a page's address is made of.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) is_secure: bool,
    pub(super) host: String,
}

/// What a page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageEvent {
    Hidden,
    Shown,
    /// Put away, perhaps to come back.
    Left,
    Returned,
    /// The network is back.
    Online,
}

/// What a transport reports.
#[derive(Debug)]
pub(super) enum Report {
    Opened,
    Errored,
    Closed,
    Text(String),
    Binary(Vec<u8>),
}

/// A WebSocket. Dropped, it closes and reports nothing more.
pub(super) trait Transport {
    fn send_text(&self, text: &str) -> Result<(), String>;
    fn send_binary(&self, bytes: &[u8]) -> Result<(), String>;
    fn close(&self, code: Option<u16>, reason: &str);
    /// Whether it can send no more, though it may not have said so yet.
    fn is_closing(&self) -> bool;
}
