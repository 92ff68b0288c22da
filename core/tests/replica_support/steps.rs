//! Random lives of a small node: few names, so that they meet often.

use herenow_core::replica::ChannelId;
use proptest::prelude::*;

pub(crate) const TOPICS: [&str; 2] = ["t", "u"];
pub(crate) const KEYS: [&str; 3] = ["a", "b", "c"];
pub(crate) const CHANNELS: [ChannelId; 3] = [ChannelId(1), ChannelId(2), ChannelId(3)];
/// The fields of metas.
pub(crate) const FIELDS: [&str; 3] = ["{}", r#"{"n":1}"#, r#"{"n":2,"s":"x y"}"#];

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Track(Identity, &'static str),
    Untrack(Identity),
    UntrackAll(ChannelId),
    Update(Identity, &'static str),
    /// Adds a field `m`, or counts it up.
    UpdateWith(Identity),
    /// Somebody subscribes to a topic's diffs.
    Subscribe(&'static str),
    /// A subscriber of this topic is given its state.
    State(&'static str),
    /// The same, but made of a list.
    List(&'static str),
    Poll,
    Wait(u64),
}

/// Topic, channel and key of a presence.
pub(crate) type Identity = (&'static str, ChannelId, &'static str);

pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let topic = prop::sample::select(&TOPICS[..]);
    let channel = prop::sample::select(&CHANNELS[..]);
    let fields = prop::sample::select(&FIELDS[..]);
    let identity = (
        topic.clone(),
        channel.clone(),
        prop::sample::select(&KEYS[..]),
    );
    let step = prop_oneof![
        8 => (identity.clone(), fields.clone()).prop_map(|(who, fields)| Step::Track(who, fields)),
        6 => identity.clone().prop_map(Step::Untrack),
        1 => channel.prop_map(Step::UntrackAll),
        6 => (identity.clone(), fields).prop_map(|(who, fields)| Step::Update(who, fields)),
        2 => identity.prop_map(Step::UpdateWith),
        3 => topic.clone().prop_map(Step::Subscribe),
        3 => topic.clone().prop_map(Step::State),
        2 => topic.prop_map(Step::List),
        8 => Just(Step::Poll),
        6 => prop_oneof![Just(1), Just(10), Just(24), Just(25), Just(60)].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..most)
}

/// What `UpdateWith` makes of a meta.
pub(crate) fn count_up(meta: &str) -> String {
    let mut fields: serde_json::Value = serde_json::from_str(meta).expect("valid JSON");
    let count = fields["m"].as_u64().unwrap_or(0);
    fields["m"] = (count + 1).into();
    fields.to_string()
}
