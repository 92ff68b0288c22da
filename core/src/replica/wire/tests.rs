use super::*;
use proptest::prelude::*;

fn cluster() -> ClusterTag {
    ClusterTag::new("herenow")
}

fn replica() -> impl Strategy<Value = ReplicaId> {
    ("[a-zé]{0,4}", any::<u64>()).prop_map(|(node, incarnation)| ReplicaId::new(node, incarnation))
}

fn claim() -> impl Strategy<Value = Claim> {
    let fields = (any::<u64>(), any::<u64>(), any::<u64>());
    fields.prop_map(|(beat, sum, hash)| Claim { beat, sum, hash })
}

fn versions() -> impl Strategy<Value = Vec<(u16, u64)>> {
    prop::collection::vec(any::<(u16, u64)>(), 0..5)
}

fn digest() -> impl Strategy<Value = Digest> {
    let peer = (replica(), claim(), any::<u64>());
    let peer = peer.prop_map(|(replica, claim, age)| Peer {
        replica,
        claim,
        age,
    });
    let peers = prop::collection::vec(peer, 0..4);
    let gone = prop::collection::vec(replica(), 0..4);
    (any::<u16>(), claim(), versions(), peers, gone).prop_map(
        |(shards, claim, changed, peers, gone)| Digest {
            shards,
            claim,
            changed,
            peers,
            gone,
        },
    )
}

/// A presence with its texts, which `Added` only borrows.
#[derive(Clone, Debug)]
struct Presence {
    version: u64,
    previous: Option<(u64, u64)>,
    first_at: u64,
    topic: String,
    key: String,
    fields: String,
}

impl Presence {
    fn added(&self) -> Added<'_> {
        Added {
            version: self.version,
            previous: self.previous.map(|(previous, _)| previous),
            first_version: self.previous.map_or(self.version, |(_, first)| first),
            first_at: self.first_at,
            topic: &self.topic,
            key: &self.key,
            fields: &self.fields,
        }
    }
}

fn presence() -> impl Strategy<Value = Presence> {
    let fields = prop_oneof![
        Just(String::new()),
        "[a-zé]{0,300}".prop_map(|text| format!(r#""online_at":"{text}""#)),
        any::<u32>().prop_map(|number| format!(r#""n":{number},"a":[{{}}]"#)),
    ];
    let texts = ("room:[a-b]{0,2}", "(user:)?[é-ë]{0,3}", fields);
    let updated = prop::option::of((1..10_u64, 1..10_u64));
    (1..10_u64, updated, any::<u64>(), texts).prop_map(
        |(version, previous, first_at, (topic, key, fields))| Presence {
            version,
            previous,
            first_at,
            topic,
            key,
            fields,
        },
    )
}

/// What changes are made of: the header, ids, and presences whose versions lie between `from` and `to`.
fn changes() -> impl Strategy<Value = (ChangesHeader, Vec<u64>, Vec<Presence>)> {
    let ids = prop::collection::btree_set(1..u64::MAX, 0..20);
    let presences = prop::collection::vec(presence(), 0..20);
    let numbers = (any::<u16>(), 10..1_000_u64, any::<bool>());
    (replica(), numbers, ids, presences).prop_map(
        |(replica, (shard, from, removed), ids, mut presences)| {
            let mut to = from;
            for presence in &mut presences {
                to += presence.version;
                presence.version = to;
                presence.previous = presence.previous.map(|(one, other)| (to - one, to - other));
            }
            let basis = if removed { Basis::Removed } else { Basis::Kept };
            let header = ChangesHeader {
                replica,
                shard,
                from,
                to: to + 1,
                basis,
            };
            (header, ids.into_iter().collect(), presences)
        },
    )
}

/// Any message, as bytes.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let versions = (replica(), any::<u64>(), versions());
    let versions = versions.prop_map(|(replica, beat, versions)| Versions {
        replica,
        beat,
        versions,
    });
    let pull = (replica(), any::<u16>(), any::<u64>());
    let pull = pull.prop_map(|(replica, shard, have)| Pull {
        replica,
        shard,
        have,
    });
    prop_oneof![
        digest().prop_map(|digest| encode_digest(cluster(), &digest)),
        Just(encode_goodbye(cluster())),
        replica().prop_map(|replica| encode_ask(cluster(), &replica)),
        versions.prop_map(|versions| encode_versions(cluster(), &versions)),
        pull.prop_map(|pull| encode_pull(cluster(), &pull)),
        changes().prop_map(|(header, ids, presences)| {
            let added = presences.iter().map(Presence::added);
            encode_changes(cluster(), &header, ids, added, usize::MAX).remove(0)
        }),
    ]
}

/// Encodes a message that was decoded.
fn encode(message: &Message<'_>) -> Vec<u8> {
    match message {
        Message::Digest(digest) => encode_digest(cluster(), digest),
        Message::Goodbye => encode_goodbye(cluster()),
        Message::Ask(replica) => encode_ask(cluster(), replica),
        Message::Versions(versions) => encode_versions(cluster(), versions),
        Message::Pull(pull) => encode_pull(cluster(), pull),
        Message::Forward(forward) => encode_forward(cluster(), forward),
        Message::Changes(changes) => {
            let ids = changes.ids.iter().copied();
            encode_changes(cluster(), &changes.header, ids, changes.added(), usize::MAX).remove(0)
        }
    }
}

proptest! {
    #[test]
    fn a_digest_comes_out_as_it_went_in(digest in digest()) {
        let bytes = encode_digest(cluster(), &digest);
        prop_assert_eq!(decode(cluster(), &bytes), Ok(Message::Digest(digest)));
    }

    #[test]
    fn changes_come_out_as_they_went_in_however_many_parts_they_need(
        (header, ids, presences) in changes(),
        max_bytes in prop_oneof![Just(0), 100..400_usize, Just(60_000)],
    ) {
        let added = presences.iter().map(Presence::added);
        let messages = encode_changes(cluster(), &header, ids.iter().copied(), added, max_bytes);
        let mut received = Vec::new();
        for message in &messages {
            match decode(cluster(), message) {
                Ok(Message::Changes(changes)) => received.push(changes),
                other => prop_assert!(false, "{other:?}"),
            }
        }
        for (number, part) in received.iter().enumerate() {
            prop_assert_eq!(&part.header, &header);
            prop_assert_eq!((part.part, part.parts), (number as u32, messages.len() as u32));
        }
        let back: Vec<u64> = received.iter().flat_map(|part| part.ids.clone()).collect();
        prop_assert_eq!(back, ids);
        let back: Vec<Added<'_>> = received.iter().flat_map(Changes::added).collect();
        let sent: Vec<Added<'_>> = presences.iter().map(Presence::added).collect();
        prop_assert_eq!(back, sent);
    }

    #[test]
    fn every_message_comes_out_as_it_went_in(bytes in message(), to in replica()) {
        let message = decode(cluster(), &bytes);
        prop_assert_eq!(encode(&message.unwrap()), bytes.clone());
        let forward = Forward { origin: to.clone(), to, message: &bytes };
        let bytes = encode_forward(cluster(), &forward);
        prop_assert_eq!(decode(cluster(), &bytes), Ok(Message::Forward(forward)));
    }

    #[test]
    fn a_message_that_was_cut_off_is_refused_and_one_with_an_end_added_too(
        bytes in message(), cut in any::<prop::sample::Index>(), more in 1..5_usize,
    ) {
        prop_assert!(decode(cluster(), &bytes[..cut.index(bytes.len())]).is_err());
        let longer = [&bytes[..], &vec![0; more]].concat();
        let error = decode(cluster(), &longer).unwrap_err();
        prop_assert_eq!(error.problem, Problem::Trailing(more));
    }

    #[test]
    fn a_damaged_message_is_refused_or_makes_sense(
        bytes in message(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut damaged = bytes;
        for (at, byte) in damage {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        if let Ok(message) = decode(cluster(), &damaged) {
            // What was understood can be said again, and is then understood the same (all of it is
            // then one part).
            let again = encode(&message);
            match (decode(cluster(), &again), message) {
                (Ok(Message::Changes(again)), Message::Changes(changes)) => {
                    prop_assert_eq!(&again.header, &changes.header);
                    prop_assert_eq!(&again.ids, &changes.ids);
                    prop_assert!(again.added().eq(changes.added()));
                }
                (again, message) => prop_assert_eq!(again, Ok(message)),
            }
        }
    }

    #[test]
    fn noise_is_refused(kind in 0..9_u8, noise in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut bytes = head(cluster(), kind);
        bytes.extend(noise);
        if let Err(error) = decode(cluster(), &bytes) {
            prop_assert!(!error.field.is_empty());
            prop_assert!(error.at <= bytes.len());
        }
    }
}

#[test]
fn an_error_names_what_is_wrong_and_what_to_do() {
    let mut future = encode_goodbye(cluster());
    future[0] = FORMAT + 1;
    let error = decode(cluster(), &future).unwrap_err().to_string();
    assert_eq!(
        error,
        "replication message, format version at byte 1: format version 2, this node reads 1; \
         run the same release on all nodes"
    );
    let other = encode_goodbye(ClusterTag::new("staging"));
    let error = decode(cluster(), &other).unwrap_err();
    assert_eq!(error.problem, Problem::OtherCluster);
    assert!(
        error.to_string().contains("cluster name at byte 5"),
        "{error}"
    );
}

#[test]
fn no_count_is_believed_that_the_message_could_not_hold() {
    for kind in [DIGEST, VERSIONS, CHANGES] {
        let mut bytes = head(cluster(), kind);
        bytes.extend([0, 1, 9, 9, 1, 0]);
        bytes.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert!(decode(cluster(), &bytes).is_err());
    }
    let mut from = Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
    let error = from.count(1, "ids").unwrap_err();
    assert_eq!(error.problem, Problem::TooMany(0xffff_ffff));
}

#[test]
fn a_number_of_more_than_64_bits_is_refused() {
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(Reader::new(&most).number("n"), Ok(u64::MAX));
    let more = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
    let error = Reader::new(&more).number("n").unwrap_err();
    assert_eq!(error.problem, Problem::TooLarge);
}

#[test]
fn a_presence_costs_less_than_half_of_what_it_costs_phoenix() {
    const PHOENIX: usize = 209;
    let header = ChangesHeader {
        replica: ReplicaId::new("node-1.example.org", 1_795_499_005_123),
        shard: 13,
        from: 100_000,
        to: 101_000,
        basis: Basis::Removed,
    };
    let presences: Vec<Presence> = (0..1_000)
        .map(|number| Presence {
            version: 100_001 + number,
            previous: None,
            first_at: 1_795_499_005_123 + number * 7,
            topic: "room:lobby".into(),
            key: format!("user:{}", 73_000 + number * 37 % 9_000),
            fields: format!(r#""online_at":"{}""#, 1_795_499_005 + number / 140),
        })
        .collect();
    let added = || presences.iter().map(Presence::added);
    let bytes =
        |count| encode_changes(cluster(), &header, [], added().take(count), 60_000)[0].len();
    assert!(bytes(1) <= PHOENIX / 2, "{} bytes alone", bytes(1));
    assert!(
        bytes(1_000) <= 1_000 * 20,
        "{} bytes for 1,000",
        bytes(1_000)
    );
}
