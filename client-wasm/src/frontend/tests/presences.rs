//! Presences as typed members.

use std::rc::Rc;

use super::super::{Channel, MAX_PENDING_DIFFS, Presence, Socket};
use super::{World, log, ready};
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Meta {
    device: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Profile {
    name: Option<String>,
}

fn room() -> (Rc<World>, Socket, Channel) {
    let (world, socket) = World::socket();
    let channel = socket.channel("room:a", &()).expect("params");
    world.open();
    (world, socket, channel)
}

/// The join in force is answered, and the state follows.
fn join(world: &World, channel: &Channel, reference: u64, state: &str) {
    channel.join();
    world.reply(reference, reference, "ok", "{}");
    world.event("presence_state", state);
}

fn meta(reference: &str, device: &str) -> String {
    format!(r#"{{"phx_ref":"{reference}","device":"{device}"}}"#)
}

fn diff(joins: &str, leaves: &str) -> String {
    format!(r#"{{"joins":{joins},"leaves":{leaves}}}"#)
}

fn presence(key: &str, metas: &str) -> String {
    format!(r#"{{"{key}":{{"metas":[{metas}]}}}}"#)
}

#[test]
fn members_are_typed_and_in_order() {
    let (world, _socket, channel) = room();
    let presence = Presence::<Meta>::new(&channel);
    let phones = [meta("1", "phone"), meta("2", "laptop")].join(",");
    let state = format!(
        r#"{{"bob":{{"metas":[{phones}]}},"ada":{{"metas":[{}]}}}}"#,
        meta("3", "tv")
    );
    join(&world, &channel, 1, &state);
    let list = presence.list();
    let keys: Vec<_> = list
        .iter()
        .map(|member| (member.key.as_str(), member.count))
        .collect();
    assert_eq!(keys, [("bob", 2), ("ada", 1)]);
    assert_eq!(list[0].metas[1].device, "laptop");
    assert_eq!(
        (presence.people().len(), presence.people().connections()),
        (2, 3)
    );
    assert!(Rc::ptr_eq(&presence.get("ada").expect("ada"), &list[1]));
    assert!(presence.get("eve").is_none());
}

#[test]
fn unchanged_members_stay_the_same_and_changes_are_told_once_with_before_and_after() {
    let (world, _socket, channel) = room();
    let people = Presence::<Meta>::new(&channel);
    let state = format!(
        r#"{{"ada":{{"metas":[{}]}},"bob":{{"metas":[{}]}},"eve":{{"metas":[{}]}}}}"#,
        meta("1", "tv"),
        meta("2", "phone"),
        meta("3", "pc")
    );
    join(&world, &channel, 1, &state);
    let before = people.list();
    let mut changes = people.changes();
    let joins = format!(
        r#"{{"bob":{{"metas":[{}]}},"zoe":{{"metas":[{}]}}}}"#,
        meta("4", "car"),
        meta("5", "tv")
    );
    let leaves = format!(
        r#"{{"bob":{{"metas":[{}]}},"eve":{{"metas":[{}]}}}}"#,
        meta("2", "phone"),
        meta("3", "pc")
    );
    world.event("presence_diff", &diff(&joins, &leaves));
    let after = people.list();
    assert!(Rc::ptr_eq(&before[0], &after[0]));
    let told = ready(changes.next()).flatten().expect("changes");
    assert_eq!(told.joined, [after[2].clone()]);
    assert_eq!(told.left, [before[2].clone()]);
    assert_eq!(told.updated.len(), 1);
    assert_eq!(told.updated[0].before.metas[0].device, "phone");
    assert_eq!(told.updated[0].after.metas[0].device, "car");
    assert!(ready(changes.next()).is_none(), "it is told once");
    assert!(
        Rc::ptr_eq(&people.list(), &after),
        "the list stays the same, too"
    );
}

#[test]
fn diffs_wait_for_the_state_of_their_join() {
    let (world, _socket, channel) = room();
    let people = Presence::<Meta>::new(&channel);
    let (syncs, note) = log();
    let _syncs = people.on_sync(move |people| note(people.len()));
    channel.join();
    world.reply(1, 1, "ok", "{}");
    world.event(
        "presence_diff",
        &diff(&presence("bob", &meta("2", "tv")), "{}"),
    );
    assert!(people.list().is_empty());
    world.event("presence_state", &presence("ada", &meta("1", "tv")));
    assert_eq!(syncs.take(), [2]);
}

#[test]
fn who_came_and_went_within_one_event_is_no_change() {
    let (world, _socket, channel) = room();
    let people = Presence::<Meta>::new(&channel);
    let (told, note) = log();
    let _changes = people.on_change(move |changes| note(changes.joined.len()));
    channel.join();
    world.reply(1, 1, "ok", "{}");
    let eve = presence("eve", &meta("2", "tv"));
    world.event("presence_diff", &diff(&eve, "{}"));
    world.event("presence_diff", &diff("{}", &eve));
    world.event("presence_state", "{}");
    assert!(told.take().is_empty());
}

#[test]
fn after_a_rejoin_the_state_is_compared_with_the_list() {
    let (world, _socket, channel) = room();
    let people = Presence::<Meta>::new(&channel);
    join(&world, &channel, 1, &presence("ada", &meta("1", "tv")));
    let before = people.list();
    world.close();
    world.pass(10);
    world.open();
    world.reply(2, 2, "ok", "{}");
    assert_eq!(people.list().len(), 1, "the last list stays meanwhile");
    world.event(
        "presence_diff",
        &diff(&presence("bob", &meta("2", "tv")), "{}"),
    );
    world.event("presence_state", &presence("ada", &meta("1", "tv")));
    assert_eq!(people.list().len(), 2);
    assert!(Rc::ptr_eq(&before[0], &people.list()[0]));
}

#[test]
fn metas_of_another_type_are_left_out_counted_and_told() {
    let (world, _socket, channel) = room();
    let people = Presence::<Meta>::new(&channel);
    let metas = [
        meta("1", "tv"),
        r#"{"phx_ref":"2","device":null}"#.to_owned(),
    ]
    .join(",");
    join(&world, &channel, 1, &presence("mallory", &metas));
    let mallory = people.get("mallory").expect("she is here");
    assert_eq!((mallory.metas.len(), mallory.count), (1, 2));
    let warnings = world.warnings.take();
    assert!(
        warnings.len() == 1 && warnings[0].contains(r#""mallory" in room:a"#),
        "{warnings:?}"
    );
}

#[test]
fn fields_beside_the_metas_are_typed_too_and_those_without_are_read_from_nothing() {
    let (world, _socket, channel) = room();
    let people = Presence::<Meta, Profile>::new(&channel);
    let state = r#"{"1":{"metas":[{"device":"tv"}],"name":"Ada"},"2":{"metas":[{"device":"pc"}]},
        "3":{"metas":[{"device":"tv"}],"name":3}}"#;
    join(&world, &channel, 1, state);
    let names: Vec<_> = people
        .list()
        .iter()
        .map(|member| member.fields.name.clone())
        .collect();
    assert_eq!(names, [Some("Ada".to_owned()), None]);
    assert_eq!(world.warnings.take().len(), 1);
    let left = r#"{"3":{"metas":[{"device":"tv"}]},"1":{"metas":[{"device":"tv"}]}}"#;
    world.event("presence_diff", &diff("{}", left));
    assert_eq!(people.list().len(), 1);
}

#[test]
fn a_payload_that_is_none_changes_nothing() {
    let (world, _socket, channel) = room();
    let people = Presence::<Value>::new(&channel);
    join(&world, &channel, 1, &presence("ada", &meta("1", "tv")));
    world.event("presence_diff", r#"{"joins":{}}"#);
    world.event("presence_state", "[]");
    assert_eq!(people.list().len(), 1);
    assert_eq!(world.warnings.take().len(), 2);
}

#[test]
fn diffs_whose_state_does_not_come_are_held_up_to_a_limit_and_then_the_newest() {
    let (world, _socket, channel) = room();
    channel.join();
    world.reply(1, 1, "ok", "{}");
    let people = Presence::<Value>::new(&channel);
    people.set_max_pending_diffs(4);
    let came = |key: &str| {
        world.event(
            "presence_diff",
            &diff(&presence(key, &meta(key, "tv")), "{}"),
        )
    };
    "abcd".split_inclusive(|_| true).for_each(came);
    assert!(world.warnings.take().is_empty());
    came("e");
    let warnings = world.warnings.take();
    assert!(
        warnings[0].contains("room:a") && warnings[0].contains("more than 4"),
        "{warnings:?}"
    );
    came("f");
    world.event("presence_state", &presence("ada", &meta("1", "tv")));
    let keys: Vec<_> = people
        .list()
        .iter()
        .map(|member| member.key.clone())
        .collect();
    assert_eq!(keys, ["ada", "c", "d", "e", "f"]);
    assert!(world.warnings.take().is_empty());
}

#[test]
fn the_newest_diff_is_held_whatever_the_limit() {
    for max in [0, 1] {
        let (world, _socket, channel) = room();
        channel.join();
        world.reply(1, 1, "ok", "{}");
        let people = Presence::<Value>::new(&channel);
        people.set_max_pending_diffs(max);
        for key in ["a", "b"] {
            let joins = presence(key, &meta(key, "tv"));
            world.event("presence_diff", &diff(&joins, "{}"));
        }
        world.event("presence_state", "{}");
        assert_eq!(people.list().len(), 1);
        assert!(people.list().iter().all(|member| member.key == "b"));
    }
}

#[test]
fn unless_told_otherwise_as_many_diffs_are_held_as_the_constant_says() {
    let (world, _socket, channel) = room();
    let _people = Presence::<Value>::new(&channel);
    channel.join();
    world.reply(1, 1, "ok", "{}");
    for _ in 0..MAX_PENDING_DIFFS {
        world.event("presence_diff", &diff("{}", "{}"));
    }
    assert!(world.warnings.take().is_empty());
    world.event("presence_diff", &diff("{}", "{}"));
    assert_eq!(world.warnings.take().len(), 1);
}

#[test]
fn dropping_it_ends_its_streams_and_lets_the_channel_go() {
    let (world, _socket, channel) = room();
    let people = Presence::<Meta>::new(&channel);
    join(&world, &channel, 1, "{}");
    let mut changes = people.changes();
    drop(channel);
    world.sent();
    assert!(ready(changes.next()).is_none());
    drop(people);
    assert!(matches!(ready(changes.next()), Some(None)));
    assert_eq!(world.sent(), [r#"["1","2","room:a","phx_leave",{}]"#]);
}
