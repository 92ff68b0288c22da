//! The channel `room:*` of the binary: who is here, and a little talk.
//!
//! It is also the example of how a channel is written: everything in it is public API. It keeps no
//! history and knows no permissions: whoever may connect may join every room.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::channel::{
    Channel, HandleResult, InfoResult, IntoPayload, JoinError, JoinResult, Payload, Reply, Socket,
    Stop,
};
use crate::presence::{PhxRef, Presence, UpdateError};

/// Who the user of a connection is. The endpoint's `connect` assigns it, from a verified token or, where
/// anybody may say who they are, from the params.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserId(pub String);

/// The channel `room:*`.
///
/// A user joins with an optional `meta` object and is then present under its [`UserId`], with `online_at`
/// (seconds since the Unix epoch), into which `meta` is merged: where both have a field, it is the one of
/// `meta`. So a meta is what its user says, and only the key is what the server knows. The user is sent
/// `presence_state`, and may send `ping` (answered with its payload), `shout` (broadcast to the room) and
/// `update` (replaces its meta).
///
/// On a node of a [cluster](crate::cluster::Cluster) each meta also says on which node its user is, in
/// the field `node`, unless its user gave it such a field.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use herenow::{Endpoint, Presence, PubSub, RoomChannel};
///
/// let pubsub = PubSub::new();
/// let presence = Presence::builder(&pubsub).start();
/// let endpoint = Endpoint::builder(&pubsub)
///     .channel("room:*", move || RoomChannel::new(presence.clone()))
///     .build();
/// # }
/// ```
#[derive(Debug)]
pub struct RoomChannel {
    presence: Presence,
    user_id: String,
}

/// What the channel has to do once its client knows that it has joined.
#[derive(Debug)]
pub struct AfterJoin {
    meta: Map<String, Value>,
}

#[derive(Deserialize)]
struct JoinParams {
    #[serde(default)]
    meta: Value,
}

impl RoomChannel {
    /// A channel that tracks its user in `presence`.
    #[must_use]
    pub fn new(presence: Presence) -> Self {
        let user_id = String::new();
        Self { presence, user_id }
    }

    fn update(&self, socket: &Socket<AfterJoin>, meta: Payload) -> Result<PhxRef, UpdateError> {
        let meta = match meta.parse() {
            Ok(mut fields) if self.presence.is_clustered() => {
                self.name_node(&mut fields);
                fields.into_payload()
            }
            // What is no object the presence refuses.
            _ => meta,
        };
        self.presence.update(socket, &self.user_id, meta)
    }

    fn name_node(&self, meta: &mut Map<String, Value>) {
        if self.presence.is_clustered() {
            let node = || json!(**self.presence.replica().node());
            meta.entry("node").or_insert_with(node);
        }
    }
}

impl Channel for RoomChannel {
    type Info = AfterJoin;

    async fn join(
        &mut self,
        topic: &str,
        params: Payload,
        socket: &mut Socket<AfterJoin>,
    ) -> JoinResult {
        let Some(UserId(user_id)) = socket.assigns().get() else {
            return Err(JoinError::reason(
                "user_id is missing: connect with the param user_id",
            ));
        };
        self.user_id.clone_from(user_id);
        let mut meta =
            Map::from_iter([("online_at".to_owned(), json!(unix_seconds().to_string()))]);
        match params.parse::<JoinParams>()?.meta {
            Value::Object(given) => meta.extend(given),
            Value::Null => {}
            _ => return Err(JoinError::reason("meta must be an object")),
        }
        self.name_node(&mut meta);
        self.presence.check(topic, user_id, &meta)?;
        socket.send_info(AfterJoin { meta });
        Ok(Payload::empty())
    }

    async fn handle_info(
        &mut self,
        after_join: AfterJoin,
        socket: &mut Socket<AfterJoin>,
    ) -> InfoResult {
        self.presence
            .track(socket, &self.user_id, after_join.meta)?;
        socket.push("presence_state", self.presence.list(socket).await);
        Ok(())
    }

    async fn handle_in(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<AfterJoin>,
    ) -> HandleResult {
        match event {
            "ping" => Ok(Reply::ok(payload)),
            "shout" => {
                socket.broadcast("shout", payload);
                Ok(Reply::none())
            }
            "update" => match self.update(socket, payload) {
                Ok(_) => Ok(Reply::ok(json!({}))),
                Err(UpdateError::Meta(error)) => {
                    Ok(Reply::error(json!({"reason": error.to_string()})))
                }
                Err(error) => Err(error.into()),
            },
            _ => Err(Stop::unhandled(event)),
        }
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
