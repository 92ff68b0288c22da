use std::time::{SystemTime, UNIX_EPOCH};

use herenow::auth::token::{Key, Signer};
use herenow::{
    Channel, ConnectRequest, ConnectResult, Connected, Endpoint, HandleResult, InfoResult,
    JoinError, JoinResult, Payload, Presence, PubSub, Refused, Reply, Socket, Stop, UserId,
};
use serde_json::json;

/// The user is the one of the token that the application signed, whatever the client says of itself.
fn connect(request: &ConnectRequest, signer: &Signer) -> ConnectResult {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let token = request.auth_token.as_deref();
    let user = signer.verify(token, now.as_millis() as u64, None);
    let user = user.map_err(|_| Refused::new())?;
    let name = user.as_str().ok_or(Refused::new())?;
    Ok(Connected::new().assign(UserId(name.to_owned())))
}

struct RoomChannel {
    presence: Presence,
    user_id: String,
}

struct AfterJoin;

impl Channel for RoomChannel {
    type Info = AfterJoin;

    async fn join(
        &mut self,
        _topic: &str,
        _params: Payload,
        socket: &mut Socket<AfterJoin>,
    ) -> JoinResult {
        let Some(UserId(user_id)) = socket.assigns().get() else {
            return Err(JoinError::reason("unauthorized"));
        };
        self.user_id.clone_from(user_id);
        socket.send_info(AfterJoin);
        Ok(Payload::empty())
    }

    async fn handle_info(&mut self, _: AfterJoin, socket: &mut Socket<AfterJoin>) -> InfoResult {
        self.presence
            .track(socket, &self.user_id, json!({"status": "here"}))?;
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
            "shout" => {
                socket.broadcast("shout", payload);
                Ok(Reply::none())
            }
            _ => Err(Stop::unhandled(event)),
        }
    }
}

pub(crate) fn endpoint(secret_key_base: &str) -> Endpoint {
    let key = Key::derive(secret_key_base, "user socket").expect("it is long enough");
    let signer = Signer::new(key);
    let pubsub = PubSub::new();
    let presence = Presence::builder(&pubsub).start();
    Endpoint::builder(&pubsub)
        .connect(move |request| {
            let connected = connect(&request, &signer);
            async { connected }
        })
        .channel("room:*", move || RoomChannel {
            presence: presence.clone(),
            user_id: String::new(),
        })
        .build()
}

#[tokio::main]
async fn main() {
    let secret = std::env::var("SECRET_KEY_BASE").expect("SECRET_KEY_BASE is set");
    let routes = endpoint(&secret).routes("socket");
    warp::serve(routes).run(([127, 0, 0, 1], 4000)).await;
}
