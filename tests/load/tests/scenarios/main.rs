//! Every scenario at a tiny size, against a server in this process. Nothing here judges how fast anything
//! was: only that all is counted, and that what was timed took some time.

mod bigroom;
mod broadcast;
mod churn;
mod cluster;
#[path = "../../examples/crowd/channel.rs"]
mod crowd;
mod host;
mod idle;
mod refusals;
mod soak;
mod steady;
mod storm;
