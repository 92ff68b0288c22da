//! The socket as its clients meet it: real connections to an endpoint served by warp on a free port.
//!
//! Nothing here sleeps: a test waits for frames, or for what the application's channel has noted.

mod app;
mod broadcasts;
mod channels;
mod client;
mod closing;
mod connecting;
mod golden;
mod hostile;
mod http;
mod joins;
mod longpoll_answers;
mod longpoll_client;
mod longpoll_golden;
mod longpoll_sessions;
mod slow_readers;
