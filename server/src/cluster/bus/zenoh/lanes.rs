//! Direct messages: a queue and a task for each recipient, so that one that is stuck delays nobody
//! else's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::zenoh::qos::{CongestionControl, Priority};
use bytes::Bytes;
use herenow_core::replica::ReplicaId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::SendError;
use super::super::node::Node;
use super::session::Slot;

/// A recipient to whom nothing was sent for this long needs no task.
const IDLE: Duration = Duration::from_secs(30);

/// The lanes of one node.
pub(super) struct Lanes {
    slot: Arc<Slot>,
    node: Arc<Node>,
    lanes: Mutex<HashMap<ReplicaId, Lane>>,
}

struct Lane {
    frames: mpsc::Sender<(String, Bytes)>,
    task: JoinHandle<()>,
}

impl Lanes {
    pub(super) fn new(slot: &Arc<Slot>, node: &Arc<Node>) -> Self {
        Self {
            slot: Arc::clone(slot),
            node: Arc::clone(node),
            lanes: Mutex::default(),
        }
    }

    /// Queues a frame for `to`, waiting while its queue is full.
    pub(super) async fn send(
        &self,
        to: &ReplicaId,
        key: String,
        frame: Bytes,
    ) -> Result<(), SendError> {
        let mut parcel = (key, frame);
        loop {
            let Some(frames) = self.lane(to) else {
                self.node.gate.counters().dropped_outgoing();
                return Err(SendError::Busy);
            };
            match frames.send(parcel).await {
                Ok(()) => return Ok(()),
                // The lane became idle just now; a new one takes it.
                Err(mpsc::error::SendError(unsent)) => parcel = unsent,
            }
            self.node.check_open()?;
        }
    }

    /// The queue of `to`, made when there is none; `None` if there are too many.
    fn lane(&self, to: &ReplicaId) -> Option<mpsc::Sender<(String, Bytes)>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|_, lane| !lane.frames.is_closed());
        if let Some(lane) = lanes.get(to) {
            return Some(lane.frames.clone());
        }
        if lanes.len() >= self.node.gate.limits().max_peers {
            return None;
        }
        let (frames, queue) = mpsc::channel(self.node.gate.limits().direct_queue);
        let task = tokio::spawn(drive(queue, Arc::clone(&self.slot), Arc::clone(&self.node)));
        let lane = Lane {
            frames: frames.clone(),
            task,
        };
        lanes.insert(to.clone(), lane);
        Some(frames)
    }

    /// Ends all lanes after what they hold was sent, but waits for no longer than `limit`.
    pub(super) async fn flush(&self, limit: Duration) {
        let lanes = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *lanes)
        };
        let all = async {
            for (_, Lane { frames, task }) in lanes {
                drop(frames);
                let _ = task.await;
            }
        };
        let _ = timeout(limit, all).await;
    }
}

/// Sends what comes out of the queue, until it ends or is idle.
async fn drive(mut queue: mpsc::Receiver<(String, Bytes)>, slot: Arc<Slot>, node: Arc<Node>) {
    while let Ok(Some(parcel)) = timeout(IDLE, queue.recv()).await {
        send(parcel, &slot, &node).await;
    }
    // What came between the last look and the end is sent as well.
    queue.close();
    while let Some(parcel) = queue.recv().await {
        send(parcel, &slot, &node).await;
    }
}

/// zenoh blocks while the link is congested, and does not like to be waited for in a runtime.
async fn send((key, frame): (String, Bytes), slot: &Arc<Slot>, node: &Arc<Node>) {
    let (slot, node) = (Arc::clone(slot), Arc::clone(node));
    let put = move || {
        let (priority, congestion) = (Priority::DataLow, CongestionControl::Block);
        super::put(&slot, &node, &key, frame, priority, congestion);
    };
    let _ = tokio::task::spawn_blocking(put).await;
}
