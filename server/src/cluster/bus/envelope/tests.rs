use proptest::prelude::*;

use super::*;

const LIMIT: usize = 1000;

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn key() -> ClusterKey {
    ClusterKey::new("prod", Some(&secret("a secret of the cluster")))
}

fn sealer() -> Sealer {
    Sealer::new(key(), &ReplicaId::new("node-1", 1_700_000_000_000))
}

fn refusal(key: &ClusterKey, bytes: &[u8]) -> (Reason, Option<String>) {
    let refusal = open(key, bytes, LIMIT).unwrap_err();
    (refusal.reason, refusal.claimed.map(str::to_owned))
}

fn addresses() -> impl Strategy<Value = (u8, u16, String, u64)> {
    (0_u8..4, any::<u16>(), "[a-zA-Z0-9._-]{1,64}", any::<u64>())
}

fn address((kind, shard, node, incarnation): &(u8, u16, String, u64)) -> Address<'_> {
    match kind {
        0 => Address::All,
        1 => Address::Shard(*shard),
        2 => Address::Direct {
            node,
            incarnation: *incarnation,
        },
        _ => Address::Hello,
    }
}

proptest! {
    #[test]
    fn what_is_sealed_opens_as_it_was(
        to in addresses(),
        from in ("[a-zA-Z0-9._-]{1,64}", any::<u64>()),
        payload in prop::collection::vec(any::<u8>(), 0..LIMIT),
    ) {
        let sealer = Sealer::new(key(), &ReplicaId::new(from.0.as_str(), from.1));
        for sequence in 1..3 {
            let bytes = sealer.seal(address(&to), &payload);
            prop_assert!(bytes.len() <= payload.len() + MAX_OVERHEAD);
            let expected = Envelope {
                to: address(&to),
                node: &from.0,
                incarnation: from.1,
                sequence,
                payload: &payload,
            };
            prop_assert_eq!(open(&key(), &bytes, LIMIT), Ok(expected));
        }
    }

    #[test]
    fn a_frame_with_any_bit_changed_is_refused(
        to in addresses(),
        payload in prop::collection::vec(any::<u8>(), 0..40),
        at in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let mut bytes = sealer().seal(address(&to), &payload).to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        prop_assert!(open(&key(), &bytes, LIMIT).is_err());
    }

    #[test]
    fn a_frame_cut_short_or_prolonged_is_refused(to in addresses(), extra in any::<u8>()) {
        let bytes = sealer().seal(address(&to), b"payload");
        for end in 0..bytes.len() {
            prop_assert!(open(&key(), &bytes[..end], LIMIT).is_err());
        }
        let longer = [&bytes[..], &[extra]].concat();
        prop_assert!(open(&key(), &longer, LIMIT).is_err());
    }

    #[test]
    fn noise_is_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..300), plausible: bool) {
        if plausible {
            // Past the cheap checks, so that the parsing of the fields is reached.
            let head = [&[VERSION][..], &key().tag].concat();
            bytes.splice(..bytes.len().min(head.len()), head);
        }
        prop_assert!(open(&key(), &bytes, LIMIT).is_err());
    }
}

#[test]
fn another_secret_is_told_from_another_cluster_and_both_name_the_sender() {
    let bytes = sealer().seal(Address::All, b"hi");
    let named = Some("node-1".to_owned());
    let other_secret = ClusterKey::new("prod", Some(&secret("another secret")));
    let no_secret = ClusterKey::new("prod", None);
    let other_cluster = ClusterKey::new("staging", Some(&secret("a secret of the cluster")));
    assert_eq!(
        refusal(&other_secret, &bytes),
        (Reason::Secret, named.clone())
    );
    assert_eq!(refusal(&no_secret, &bytes), (Reason::Secret, named.clone()));
    assert_eq!(refusal(&other_cluster, &bytes), (Reason::Cluster, named));
}

#[test]
fn the_same_secret_in_another_cluster_makes_another_key() {
    let mut other = key();
    other.mac = ClusterKey::new("staging", Some(&secret("a secret of the cluster"))).mac;
    let bytes = sealer().seal(Address::All, b"hi");
    assert_eq!(refusal(&other, &bytes).0, Reason::Secret);
}

#[test]
fn a_version_of_the_future_is_called_that() {
    let mut bytes = sealer().seal(Address::All, b"hi").to_vec();
    bytes[0] = VERSION + 1;
    assert_eq!(refusal(&key(), &bytes), (Reason::Version, None));
}

#[test]
fn a_payload_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let sealer = sealer();
    assert!(open(&key(), &sealer.seal(Address::All, &[0; LIMIT]), LIMIT).is_ok());
    let over = sealer.seal(Address::All, &[0; LIMIT + 1]);
    assert_eq!(refusal(&key(), &over).0, Reason::Oversized);
    let far_over = sealer.seal(Address::All, &[0; LIMIT + MAX_OVERHEAD]);
    assert_eq!(refusal(&key(), &far_over), (Reason::Oversized, None));
}

/// Signs `body` as a member would, to reach what lies behind the MAC.
fn signed(body: &[u8]) -> Vec<u8> {
    let mut bytes = [&[VERSION][..], &key().tag, body].concat();
    let mac = key().mac(&bytes).finalize().into_bytes();
    bytes.extend(&mac[..MAC_BYTES]);
    bytes
}

#[test]
fn a_malformed_field_is_named_even_if_a_member_wrote_it() {
    let cases: &[(&[u8], &str)] = &[
        (&[], "no kind"),
        (&[4, 1, b'a', 1, 1], "an unknown kind"),
        (&[1, 0x80, 0x80, 0x04, 1, b'a', 1, 1], "no shard"),
        (&[2, 3, b'a'], "no recipient"),
        (&[0], "no sender"),
        (&[0, 0, 1, 1], "no sender"),
        (&[0, 1, 0xff, 1, 1], "no sender"),
        (&[0, 1, b'/', 1, 1], "no sender"),
        (&[0, 1, b'a', 1], "no sequence"),
        (&[0, 1, b'a', 1, 0x80], "no sequence"),
        (
            &[
                0, 1, b'a', 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
            ],
            "no sequence",
        ),
    ];
    for (body, what) in cases {
        let bytes = signed(body);
        let expected = Refusal::new(Reason::Garbage, what, None);
        assert_eq!(open(&key(), &bytes, LIMIT), Err(expected), "{body:?}");
    }
}

#[test]
fn the_layout_of_version_1_is_this() {
    let sealer = Sealer::new(ClusterKey::new("herenow", None), &ReplicaId::new("a", 300));
    let to = ReplicaId::new("b", 2);
    let shard = sealer.seal(Address::Shard(200), b"hi");
    let direct = sealer.seal(Address::direct(&to), b"hi");
    let (shard, shard_mac) = shard.split_at(shard.len() - MAC_BYTES);
    let (direct, _) = direct.split_at(direct.len() - MAC_BYTES);
    let tag = ClusterKey::new("herenow", None).tag;
    assert_eq!(shard[0], 1);
    assert_eq!(shard[1..5], tag);
    assert_eq!(shard[5..], [1, 200, 1, 1, b'a', 0xac, 2, 1, b'h', b'i']);
    assert_eq!(
        direct[5..],
        [2, 1, b'b', 2, 1, b'a', 0xac, 2, 1, b'h', b'i']
    );
    // Computed with Python's hashlib and hmac from the description of this module.
    assert_eq!(hex(&tag), "f85b10fd");
    assert_eq!(hex(shard_mac), "2ded075d9ae2a77741d1d9a73920a427");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
