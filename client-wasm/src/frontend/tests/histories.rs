//! Random histories: the typed members are always what core has as text, and the changes that are told lead
//! from each list to the next.

use std::collections::BTreeMap;
use std::rc::Rc;

use herenow_core::presence::Presences;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::members::{Changes, Member, Members, NoFields, Touched};

/// Keys, in whose order integers come first, and the refs of their metas.
type People = BTreeMap<&'static str, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    State(People),
    Diff(People, People),
}

fn people() -> impl Strategy<Value = People> {
    let refs = btree_set(0u8..4, 1..4).prop_map(|refs| refs.into_iter().collect());
    btree_map(
        prop_oneof![Just("ada"), Just("7"), Just("bob"), Just("é\"")],
        refs,
        0..4,
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => people().prop_map(Step::State),
        3 => (people(), people()).prop_map(|(joins, leaves)| Step::Diff(joins, leaves)),
    ]
}

fn payload(people: &People) -> Value {
    let metas = |refs: &[u8]| {
        refs.iter()
            .map(|r| json!({"phx_ref": r.to_string()}))
            .collect::<Value>()
    };
    people
        .iter()
        .map(|(key, refs)| ((*key).to_owned(), json!({"metas": metas(refs)})))
        .collect()
}

type List = Vec<Rc<Member<Value>>>;

/// The list, as the changes say that it came to be.
fn follow(list: &List, changes: &Changes<Value, NoFields>) -> BTreeMap<String, Rc<Member<Value>>> {
    let mut next: BTreeMap<_, _> = list.iter().map(|m| (m.key.clone(), m.clone())).collect();
    for left in &changes.left {
        let before = next.remove(&left.key).expect("who left was there");
        assert!(Rc::ptr_eq(&before, left));
    }
    for joined in &changes.joined {
        assert!(
            next.insert(joined.key.clone(), joined.clone()).is_none(),
            "who joined was not there"
        );
    }
    for update in &changes.updated {
        let before = next.insert(update.after.key.clone(), update.after.clone());
        assert!(before.is_some_and(|before| Rc::ptr_eq(&before, &update.before)));
    }
    next
}

proptest! {
    #[test]
    fn members_are_what_core_has_and_changes_lead_from_list_to_list(
        // Each event is a message of the server: a state and the diffs that waited for it, or one diff.
        events in vec(vec(step(), 1..3), 1..12)
    ) {
        let mut core = Presences::new();
        let mut members: Members<Value, NoFields> = Members::new(7);
        for event in events {
            let before = members.list().to_vec();
            let mut touched = Touched::default();
            for step in event {
                let (is_state, payload) = match step {
                    Step::State(people) => (true, payload(&people)),
                    Step::Diff(joins, leaves) => {
                        (false, json!({"joins": payload(&joins), "leaves": payload(&leaves)}))
                    }
                };
                let text = payload.to_string();
                match is_state {
                    true => drop(core.sync_state(&text).expect("a state")),
                    false => drop(core.sync_diff(&text).expect("a diff")),
                }
                let synced = members.sync(is_state, &text, &mut touched, &mut |key, _| panic!("{key} fits"));
                prop_assert_eq!(synced, Ok(()));
            }
            let list = members.list();
            let typed: Vec<_> = list.iter().map(|m| (m.key.clone(), json!(m.metas))).collect();
            let texts: Vec<_> = core
                .iter()
                .map(|(member, presence)| {
                    let metas = presence.metas().map(|meta| -> Value { serde_json::from_str(meta).expect("JSON") });
                    (member.key().into_owned(), metas.collect::<Value>())
                })
                .collect();
            prop_assert_eq!(typed, texts);

            let followed = follow(&before, &touched.changes());
            prop_assert_eq!(followed.len(), list.len());
            for member in &*list {
                prop_assert!(Rc::ptr_eq(&followed[&member.key], member), "the changes lead here");
                prop_assert!(Rc::ptr_eq(&members.get(&member.key).expect("it is listed"), member));
            }
        }
    }
}
