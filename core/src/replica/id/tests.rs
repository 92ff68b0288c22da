use super::*;

#[test]
fn topics_go_to_the_shards_that_all_nodes_agree_upon() {
    // (topic, its FNV-1a hash, shards of 1, 2, 8, 64, 512, 1000 and 65535)
    let vectors = [
        ("", 0xcbf2_9ce4_8422_2325, [0, 1, 1, 1, 449, 641, 3986]),
        ("a", 0xaf63_dc4c_8601_ec8c, [0, 0, 0, 0, 192, 864, 23074]),
        (
            "foobar",
            0x8594_4171_f739_67e8,
            [0, 1, 1, 25, 153, 233, 39238],
        ),
        (
            "room:lobby",
            0x138b_b1f5_6175_8538,
            [0, 1, 5, 13, 205, 285, 42955],
        ),
        (
            "room:1",
            0xbf45_9e24_f7eb_6863,
            [0, 1, 7, 7, 71, 863, 16118],
        ),
        (
            "räum:ü",
            0x90dd_89de_ad69_fd59,
            [0, 1, 7, 7, 135, 487, 45627],
        ),
    ];
    for (topic, hash, shards) in vectors {
        assert_eq!(fnv1a(FNV_OFFSET, topic.as_bytes()), hash, "{topic}");
        let all = [1, 2, 8, 64, 512, 1000, 65535].map(|count| shard_of(topic, count));
        assert_eq!(all, shards, "{topic}");
    }
}

#[test]
fn no_shards_at_all_is_no_panic() {
    assert_eq!(shard_of("room:lobby", 0), 0);
}

#[test]
fn numbered_topics_spread_evenly() {
    let mut topics = [0_u32; DEFAULT_SHARDS as usize];
    for number in 0..64_000 {
        topics[usize::from(shard_of(&format!("room:{number}"), DEFAULT_SHARDS))] += 1;
    }
    assert!(
        topics.iter().all(|count| (800..1_200).contains(count)),
        "{topics:?}"
    );
}

#[test]
fn a_phx_ref_is_made_of_replica_shard_and_version() {
    // (node, incarnation, hash of both, shard, version, text)
    let vectors = [
        ("node-1", 1, 0xf4a8_ead0, 0, 1, "9Kjq0AAAAAAAAAAB"),
        ("node-1", 2, 0xf4a8_ee2d, 0, 1, "9KjuLQAAAAAAAAAB"),
        (
            "",
            0,
            0x1612_f84a,
            65_535,
            0xffff_ffff_ffff,
            "FhL4Sv__________",
        ),
        (
            "herenow@host.example",
            1_764_000_000_000,
            0xcf6f_6da9,
            13,
            123_456_789,
            "z29tqQANAAAHW80V",
        ),
    ];
    for (node, incarnation, hash, shard, version, text) in vectors {
        let replica = ReplicaId::new(node, incarnation);
        assert_eq!(replica.hash32(), hash, "{replica}");
        let phx_ref = PhxRef::new(hash, shard, version);
        assert_eq!(phx_ref.as_str(), text, "{replica}");
        assert_eq!(phx_ref.to_string(), text);
    }
}

#[test]
fn a_node_that_starts_again_makes_other_refs() {
    let refs = |incarnation| {
        let hash = ReplicaId::new("node-1", incarnation).hash32();
        (1..100).map(move |version| PhxRef::new(hash, 0, version))
    };
    let all: std::collections::HashSet<PhxRef> = (1..100).flat_map(refs).collect();
    assert_eq!(all.len(), 99 * 99);
}
