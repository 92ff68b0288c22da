use std::cell::OnceCell;
use std::sync::Arc;

use herenow_core::protocol::Vsn;

use super::subscription::Broadcast;
use crate::channel::Payload;
use crate::socket::{Frame, Kind};

/// A broadcast in the making: encoded when the first subscriber of a serializer is met.
pub(super) struct Encoded<'a> {
    pub(super) topic: &'a Arc<str>,
    pub(super) event: &'a str,
    pub(super) payload: &'a Payload,
    /// Whether a state can stand in for it: see [`PubSub::provide_state`](super::PubSub::provide_state).
    is_diff: bool,
    v1: OnceCell<Option<Frame>>,
    v2: OnceCell<Option<Frame>>,
    shared_event: OnceCell<Arc<str>>,
}

impl<'a> Encoded<'a> {
    pub(super) fn new(
        topic: &'a Arc<str>,
        event: &'a str,
        payload: &'a Payload,
        is_diff: bool,
    ) -> Self {
        Self {
            topic,
            event,
            payload,
            is_diff,
            v1: OnceCell::new(),
            v2: OnceCell::new(),
            shared_event: OnceCell::new(),
        }
    }

    pub(super) fn frame(&self, vsn: Vsn) -> Option<Frame> {
        let cell = match vsn {
            Vsn::V1 => &self.v1,
            Vsn::V2 => &self.v2,
        };
        let frame = cell.get_or_init(|| {
            let kind = if self.is_diff {
                Kind::Diff(Arc::clone(self.topic))
            } else {
                Kind::Message
            };
            Frame::broadcast(vsn, kind, self.topic, self.event, self.payload)
        });
        frame.clone()
    }

    pub(super) fn shared_event(&self) -> &Arc<str> {
        self.shared_event.get_or_init(|| Arc::from(self.event))
    }

    pub(super) fn to_broadcast(&self) -> Broadcast {
        Broadcast {
            topic: Arc::clone(self.topic),
            event: Arc::clone(self.shared_event()),
            payload: self.payload.clone(),
        }
    }
}
