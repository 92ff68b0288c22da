//! The presences of a topic as a client sees them: a map from key to presence that follows the server's
//! `presence_state` and `presence_diff` payloads and reports every join and leave.
//!
//! [`Presences`] takes payloads as JSON text and keeps them as JSON text. It reads of a meta only its
//! `phx_ref`, and of a presence only where its metas are; whoever wants to see more parses the text of
//! the one presence that is looked at. The rules are those of the Presence in `phoenix.js`, so both ends
//! of a call see the same members, in the same order, with the same events.
//!
//! What it does not do: it does not know which payloads belong to the current join of a channel (hold
//! diffs back until the state has come, and drop those of an earlier join), and it never decides who is
//! present; the server does that.
//!
//! ```
//! use herenow_core::presence::{Change, Presences};
//!
//! let mut room = Presences::new();
//! room.sync_state(r#"{"ada": {"metas": [{"phx_ref": "1", "device": "phone"}]}}"#)?;
//!
//! let diff = r#"{"joins": {"bob": {"metas": [{"phx_ref": "2"}]}}, "leaves": {}}"#;
//! for change in room.sync_diff(diff)? {
//!     match change {
//!         Change::Join { member, joined, .. } => println!("{} joins: {joined}", member.key()),
//!         Change::Leave { member, left, .. } => println!("{} leaves: {left}", member.key()),
//!     }
//! }
//!
//! let metas: Vec<_> = room.get("ada").expect("ada is here").metas().collect();
//! assert_eq!(metas, [r#"{"phx_ref": "1", "device": "phone"}"#]);
//! # Ok::<(), herenow_core::presence::Error>(())
//! ```
//!
//! # The rules
//!
//! * Two metas are the same if their `phx_ref`s are: equal strings, numbers of equal value, the same
//!   literal, or both missing. A `phx_ref` that is an object or an array equals nothing, not even itself.
//! * A join replaces the presence under its key, other fields included, except that metas which are not
//!   among the joined ones stay, in front. A leave takes metas away; a presence without metas goes.
//! * A state is compared with the map, and what differs is applied as a diff. Metas that both have stay
//!   as they were, and so do the other fields of a presence whose metas did not change.
//! * Joins come before leaves. Keys come in the order of a JavaScript object's own properties: keys that
//!   look like array indices (`"0"`, `"42"`) first and ascending, then the others as they were added.
//! * Of a name that occurs twice in a JSON object the last value counts, at the place of the first.

mod changes;
mod decimal;
mod index;
mod keys;
mod map;
mod order;
mod read;
mod refs;
mod store;
mod sync;
mod text;

pub use changes::{Change, Changes, Member, Presence};
pub use map::{MAX_TEXT_BYTES, Presences};
pub use read::Error;
