//! The event names that mean something to the protocol itself. All others belong to applications.

/// The topic of the socket itself, which nobody joins: heartbeats go there.
pub const PHOENIX_TOPIC: &str = "phoenix";

/// Client: join a topic.
pub const PHX_JOIN: &str = "phx_join";
/// Client: leave a topic.
pub const PHX_LEAVE: &str = "phx_leave";
/// Server: the answer to the message with the same ref.
pub const PHX_REPLY: &str = "phx_reply";
/// Server: the channel has ended, on purpose.
pub const PHX_CLOSE: &str = "phx_close";
/// Server: the channel has crashed; the client should join again.
pub const PHX_ERROR: &str = "phx_error";
/// Client, on [`PHOENIX_TOPIC`]: is the connection alive?
pub const HEARTBEAT: &str = "heartbeat";
/// Server: everybody who is present in the topic.
pub const PRESENCE_STATE: &str = "presence_state";
/// Server: who has come to the topic and who has left it.
pub const PRESENCE_DIFF: &str = "presence_diff";
