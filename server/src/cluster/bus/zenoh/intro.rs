//! What a node says to introduce itself: how it can be reached, and how those can be whom it knows.
//!
//! It travels sealed, so what it says is as true as the members of the cluster are honest. It is
//! bounded when it is written and when it is read.

use ::zenoh::config::{Locator, ZenohId};
use herenow_core::replica::ReplicaId;
use serde::{Deserialize, Serialize};

use super::super::config::check_name;

/// How many other nodes an introduction speaks of. In a larger cluster, each one speaks of others.
pub(super) const MAX_OTHERS: usize = 32;

/// How many addresses of a node are told and believed.
pub(super) const MAX_LOCATORS: usize = 8;

/// Where a node can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    pub(super) id: ReplicaId,
    pub(super) zid: ZenohId,
    pub(super) locators: Vec<Locator>,
}

/// A [`Contact`] as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    node: String,
    incarnation: u64,
    zid: String,
    at: Vec<String>,
}

/// The bytes of an introduction: the speaker first, then others.
pub(super) fn write(own: &Contact, others: &[&Contact]) -> Vec<u8> {
    let others = others.iter().take(MAX_OTHERS).copied();
    let all: Vec<Written> = [own].into_iter().chain(others).map(written).collect();
    serde_json::to_vec(&all).unwrap_or_default()
}

fn written(contact: &Contact) -> Written {
    Written {
        node: contact.id.node().to_string(),
        incarnation: contact.id.incarnation(),
        zid: contact.zid.to_string(),
        at: contact
            .locators
            .iter()
            .take(MAX_LOCATORS)
            .map(ToString::to_string)
            .collect(),
    }
}

/// The contacts in an introduction by `speaker`, which must be the first; what makes no sense is left
/// out.
pub(super) fn read(speaker: &ReplicaId, bytes: &[u8]) -> Vec<Contact> {
    let Ok(all) = serde_json::from_slice::<Vec<Written>>(bytes) else {
        return Vec::new();
    };
    let contacts: Vec<Contact> = all
        .into_iter()
        .take(1 + MAX_OTHERS)
        .filter_map(contact)
        .collect();
    match contacts.first() {
        Some(first) if first.id == *speaker => contacts,
        _ => Vec::new(),
    }
}

fn contact(written: Written) -> Option<Contact> {
    check_name(&written.node).ok()?;
    let locators = written
        .at
        .iter()
        .take(MAX_LOCATORS)
        .filter_map(|at| at.parse().ok());
    Some(Contact {
        id: ReplicaId::new(written.node, written.incarnation),
        zid: written.zid.parse().ok()?,
        locators: locators.collect(),
    })
}

#[cfg(test)]
mod unit {
    use proptest::prelude::*;

    use super::*;

    fn contact(node: &str) -> Contact {
        Contact {
            id: ReplicaId::new(node, 7),
            zid: "a1b2".parse().unwrap(),
            locators: vec![
                "tcp/127.0.0.1:1".parse().unwrap(),
                "tls/[::1]:2".parse().unwrap(),
            ],
        }
    }

    #[test]
    fn an_introduction_reads_as_it_was_written() {
        let (a, b) = (contact("a"), contact("b"));
        let bytes = write(&a, &[&b]);
        assert_eq!(read(&a.id, &bytes), [a, b]);
    }

    #[test]
    fn nobody_introduces_another_as_itself() {
        let bytes = write(&contact("a"), &[]);
        assert_eq!(read(&ReplicaId::new("b", 7), &bytes), []);
        assert_eq!(read(&ReplicaId::new("a", 8), &bytes), []);
    }

    #[test]
    fn the_number_of_others_and_addresses_is_bounded_on_both_sides() {
        let mut a = contact("a");
        a.locators = vec![a.locators[0].clone(); 2 * MAX_LOCATORS];
        let others = vec![&a; 2 * MAX_OTHERS];
        assert_eq!(read(&a.id, &write(&a, &others)).len(), 1 + MAX_OTHERS);
        let many: Vec<Written> = (0..100).map(|_| written(&a)).collect();
        let contacts = read(&a.id, &serde_json::to_vec(&many).unwrap());
        assert_eq!(contacts.len(), 1 + MAX_OTHERS);
        assert_eq!(contacts[0].locators.len(), MAX_LOCATORS);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let a = contact("a");
        let text = br#"[{"node":"a","incarnation":7,"zid":"a1b2","at":["nonsense","tcp/127.0.0.1:1"]},
            {"node":"/","incarnation":1,"zid":"a1","at":[]},{"node":"b","incarnation":1,"zid":"?","at":[]}]"#;
        let contacts = read(&a.id, text);
        assert_eq!(contacts.len(), 1);
        assert_eq!(contacts[0].locators, a.locators[..1]);
    }

    proptest! {
        #[test]
        fn noise_introduces_nobody(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read(&ReplicaId::new("a", 7), &bytes), vec![]);
        }
    }
}
