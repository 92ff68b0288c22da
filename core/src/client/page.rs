//! A browser page comes and goes, and its connection with it.

use super::Client;
use super::connection::{Phase, Then};
use super::content::Content;
use super::output::{ConnectionId, ErrorCause};

/// What the page does that we are part of, if there is one.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) hidden: bool,
    /// Made when the page was shown. It is kept when that is said twice.
    shown: Option<ConnectionId>,
    /// Disconnected because the page was put away; to be connected again when it comes back.
    pub(super) resume: bool,
}

impl<C: Content> Client<C> {
    /// Whether the page is hidden: then a lost connection is not replaced. This alone does nothing and needs
    /// no poll; when the page is shown, call [`page_shown`](Self::page_shown) as well.
    pub fn page_hidden(&mut self, hidden: bool) {
        self.page.hidden = hidden;
        if hidden {
            self.page.shown = None;
        }
    }

    /// The page is visible: if the connection is not open but should be, a new one is made without delay.
    /// Poll for outputs and the timeout afterwards.
    pub fn page_shown(&mut self, now: u64) {
        self.page.hidden = false;
        if !self.wanted || self.is_connected() {
            return;
        }
        let Some(connection) = &self.connection else {
            return self.open_for_page();
        };
        match connection.phase {
            Phase::Connecting if self.page.shown == Some(connection.id) => {}
            Phase::Lost => self.open_for_page(),
            _ => {
                self.reconnect.reset();
                let cause = ErrorCause::ConnectionClosed;
                self.close(now, C::Close::default(), Then::Connect, cause);
            }
        }
    }

    /// The page is put away, perhaps for good (`pagehide`): disconnects. Poll for outputs and the timeout
    /// afterwards.
    pub fn page_left(&mut self, now: u64) {
        if self.connection.as_ref().is_some_and(|c| !c.ended()) {
            self.disconnect(now, C::Close::default());
            self.page.resume = true;
        }
    }

    /// The page has come back (`pageshow`): connects again what [`page_left`](Self::page_left) has
    /// disconnected, unless the application did something else meanwhile. Poll for outputs afterwards.
    pub fn page_returned(&mut self) {
        if core::mem::take(&mut self.page.resume) {
            self.connect();
        }
    }

    pub(super) fn open_for_page(&mut self) {
        self.reconnect.reset();
        self.open();
        self.page.shown = self.connection.as_ref().map(|connection| connection.id);
    }
}
