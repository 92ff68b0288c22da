//! A channel that stands for many members: it tracks the keys that it is told.

use herenow::{
    Channel, HandleResult, InfoResult, JoinResult, Payload, Presence, Reply, Socket, Stop,
};
use serde_json::{Value, json};

/// Nobody is present by joining; `track` with `{"keys": [..]}` makes all these keys present.
pub(crate) struct CrowdChannel(pub(crate) Presence);

pub(crate) struct AfterJoin;

impl Channel for CrowdChannel {
    type Info = AfterJoin;

    async fn join(
        &mut self,
        _topic: &str,
        _params: Payload,
        socket: &mut Socket<AfterJoin>,
    ) -> JoinResult {
        socket.send_info(AfterJoin);
        Ok(Payload::empty())
    }

    async fn handle_info(&mut self, _: AfterJoin, socket: &mut Socket<AfterJoin>) -> InfoResult {
        socket.push("presence_state", self.0.list(socket).await);
        Ok(())
    }

    async fn handle_in(
        &mut self,
        event: &str,
        payload: Payload,
        socket: &mut Socket<AfterJoin>,
    ) -> HandleResult {
        if event != "track" {
            return Err(Stop::unhandled(event));
        }
        let payload: Value = payload.parse()?;
        let keys = payload["keys"].as_array().into_iter().flatten();
        for key in keys.filter_map(Value::as_str) {
            self.0.track(socket, key, json!({}))?;
        }
        Ok(Reply::ok(json!({})))
    }
}
