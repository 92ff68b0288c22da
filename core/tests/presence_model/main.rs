//! The map against a naive model of phoenix.js's rules, over random payloads.

mod model;
mod payloads;

use std::collections::{HashMap, HashSet};

use herenow_core::presence::{Change, Changes, Presences};
use proptest::prelude::*;

use model::{Entries, Event, Model};
use payloads::{Payload, parse, payload};

fn apply<'a>(room: &'a mut Presences, payload: &Payload) -> Changes<'a> {
    match payload {
        Payload::State { text, .. } => room.sync_state(text),
        Payload::Diff { text, .. } => room.sync_diff(text),
    }
    .expect("generated payloads are valid")
}

fn expect(model: &mut Model, payload: &Payload) -> Vec<Event> {
    match payload {
        Payload::State { entries, .. } => model.sync_state(entries),
        Payload::Diff { joins, leaves, .. } => model.sync_diff(joins, leaves),
    }
}

fn event(change: Change<'_>) -> Event {
    match change {
        Change::Join {
            member,
            current,
            joined,
        } => Event {
            leave: false,
            key: member.key().into_owned(),
            current: current.map(|current| parse(&current.to_json())),
            what: parse(&joined.to_json()),
        },
        Change::Leave {
            member,
            current,
            left,
        } => Event {
            leave: true,
            key: member.key().into_owned(),
            current: Some(parse(&current.to_json())),
            what: parse(&left.to_json()),
        },
    }
}

fn list(room: &Presences) -> Entries {
    room.iter()
        .map(|(member, presence)| (member.key().into_owned(), parse(&presence.to_json())))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn changes_and_list_are_those_of_the_model(
        payloads in prop::collection::vec(payload(), 1..40),
        settle in any::<bool>(),
    ) {
        let (mut room, mut model) = (Presences::with_seed(3), Model::default());
        for payload in &payloads {
            let changes: Vec<_> = apply(&mut room, payload).map(event).collect();
            prop_assert_eq!(changes, expect(&mut model, payload));
            if settle {
                room.settle();
            }
            let expected = model.list();
            prop_assert_eq!(room.len(), expected.len());
            prop_assert_eq!(list(&room), expected.clone());
            for (key, presence) in expected {
                prop_assert_eq!(room.get(&key).map(|found| parse(&found.to_json())), Some(presence));
            }
        }
    }

    #[test]
    fn slots_are_kept_and_equal_ids_mean_equal_text(
        payloads in prop::collection::vec(payload(), 1..40),
    ) {
        let mut room = Presences::new();
        let mut texts = HashMap::new();
        let mut slots: HashMap<String, u32> = HashMap::new();
        for payload in &payloads {
            let mut note = |presence: herenow_core::presence::Presence<'_>| {
                let text = presence.to_json();
                let known = texts.entry(presence.id()).or_insert_with(|| parse(&text));
                *known == parse(&text) && presence.id() != 0
            };
            for change in apply(&mut room, payload) {
                let (member, first, second) = match change {
                    Change::Join { member, current, joined } => (member, current, joined),
                    Change::Leave { member, current, left } => (member, Some(current), left),
                };
                if let Some(slot) = slots.get(&*member.key()) {
                    prop_assert_eq!(*slot, member.slot());
                }
                prop_assert!(first.is_none_or(&mut note) && note(second));
            }
            prop_assert!(room.iter().all(|(_, presence)| note(presence)));
            let now: HashMap<_, _> = room
                .iter()
                .map(|(member, _)| (member.key().into_owned(), member.slot()))
                .collect();
            prop_assert_eq!(now.values().collect::<HashSet<_>>().len(), now.len());
            slots = now;
        }
    }

    #[test]
    fn a_payload_cut_short_changes_nothing(
        payloads in prop::collection::vec(payload(), 2..6),
        cut in 0.0..1.0f64,
    ) {
        let mut room = Presences::new();
        let (last, before) = payloads.split_last().expect("at least two");
        for payload in before {
            apply(&mut room, payload);
        }
        let listed = list(&room);
        let (Payload::State { text, .. } | Payload::Diff { text, .. }) = last;
        let mut cut = (text.len() as f64 * cut) as usize;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        prop_assert!(room.sync_state(&text[..cut]).is_err());
        prop_assert!(room.sync_diff(&text[..cut]).is_err());
        prop_assert_eq!(list(&room), listed);
    }
}
