use std::str::FromStr;

use miniz_oxide::deflate::compress_to_vec_zlib;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Enough for whatever a test builds, so that only the limit under test stops it.
const WIDE: Limits = Limits {
    bytes: 1 << 24,
    terms: 1 << 24,
    depth: u8::MAX,
};

fn decode(bytes: &[u8]) -> Result<Term, DecodeError> {
    Term::decode(bytes, &Limits::default())
}

fn kind(bytes: &[u8]) -> DecodeErrorKind {
    decode(bytes).unwrap_err().kind().clone()
}

fn encode(term: &Term) -> Vec<u8> {
    term.encode(&WIDE).unwrap()
}

fn compress(encoded: &[u8]) -> Vec<u8> {
    let rest = &encoded[1..];
    let mut bytes = vec![131, 80];
    bytes.extend((rest.len() as u32).to_be_bytes());
    bytes.extend(compress_to_vec_zlib(rest, 6));
    bytes
}

/// Lists within lists, `levels` of them.
fn nested(levels: usize) -> Term {
    (1..levels).fold(Term::List(vec![]), |inner, _| Term::List(vec![inner]))
}

#[test]
fn every_supported_encoding_is_read() {
    let cases: [(&[u8], Term); 22] = [
        (b"a\xff", Term::Int(255)),
        (b"b\xff\xff\xff\xfe", Term::Int(-2)),
        (
            b"n\x06\x00\x00\x68\xe5\xcf\x8b\x01",
            Term::Int(1_700_000_000_000),
        ),
        (b"n\x02\x01\x01\x00", Term::Int(-1)),
        (b"n\x00\x00", Term::Int(0)),
        (b"n\x00\x01", Term::Int(0)),
        (b"o\x00\x00\x00\x02\x00\x01\x02", Term::Int(513)),
        (b"F\x3f\xf8\0\0\0\0\0\0", Term::Float(1.5)),
        (b"d\x00\x03nil", Term::atom("nil")),
        (b"s\x02z\xeb", Term::atom("z\u{eb}")),
        (b"w\x03z\xc3\xab", Term::atom("z\u{eb}")),
        (b"v\x00\x01z", Term::atom("z")),
        (b"m\x00\x00\x00\x02hi", Term::from("hi")),
        (b"m\x00\x00\x00\x01\xff", Term::Binary(vec![255])),
        (b"h\x00", Term::Tuple(vec![])),
        (b"h\x01a\x07", Term::Tuple(vec![Term::Int(7)])),
        (b"i\x00\x00\x00\x01a\x07", Term::Tuple(vec![Term::Int(7)])),
        (b"j", Term::List(vec![])),
        (
            b"k\x00\x02\x01\xff",
            Term::List(vec![Term::Int(1), Term::Int(255)]),
        ),
        (b"l\x00\x00\x00\x01a\x07j", Term::List(vec![Term::Int(7)])),
        (b"t\x00\x00\x00\x00", Term::Map(vec![])),
        (
            b"t\x00\x00\x00\x01a\x01j",
            Term::Map(vec![(Term::Int(1), Term::List(vec![]))]),
        ),
    ];
    for (body, term) in cases {
        assert_eq!(decode(&[&[131], body].concat()), Ok(term), "{body:?}");
    }
}

#[test]
fn the_least_and_the_greatest_integer_of_128_bits_are_read_and_the_next_are_refused() {
    let mut least = [&[131, 110, 16, 1][..], &[0; 15], &[0x80]].concat();
    assert_eq!(decode(&least), Ok(Term::Int(i128::MIN)));
    least[4] = 1;
    assert_eq!(kind(&least), DecodeErrorKind::Int);

    let mut greatest = [&[131, 110, 16, 0][..], &[0xff; 15], &[0x7f]].concat();
    assert_eq!(decode(&greatest), Ok(Term::Int(i128::MAX)));
    greatest[19] = 0x80;
    assert_eq!(kind(&greatest), DecodeErrorKind::Int);

    let padded = [&[131, 111, 0, 0, 0, 20, 0][..], &[1], &[0; 19]].concat();
    assert_eq!(decode(&padded), Ok(Term::Int(1)));
    let wide = [&[131, 111, 0, 0, 0, 20, 0][..], &[1; 20]].concat();
    assert_eq!(kind(&wide), DecodeErrorKind::Int);
}

#[test]
fn what_a_token_has_no_use_for_is_refused_by_its_kind() {
    // Functions, exports, pids, ports, references, local terms, bit strings, old floats, caches.
    for tag in [
        112, 117, 113, 103, 88, 102, 89, 120, 101, 114, 90, 121, 77, 99, 82, 68, 131, 80,
    ] {
        let bytes = [&[131, 104, 1, tag][..], &[0; 64]].concat();
        assert_eq!(kind(&bytes), DecodeErrorKind::Unsupported(tag));
    }
}

#[test]
fn what_no_erlang_would_write_is_refused() {
    assert_eq!(kind(b""), DecodeErrorKind::Truncated);
    assert_eq!(kind(b"\x82j"), DecodeErrorKind::Version);
    assert_eq!(kind(b"\x83jj"), DecodeErrorKind::Trailing);
    assert_eq!(kind(b"\x83w\x01\xff"), DecodeErrorKind::Atom);
    assert_eq!(
        kind(&[&b"\x83d\x01\x00"[..], &[b'a'; 256]].concat()),
        DecodeErrorKind::Atom
    );
    assert_eq!(kind(b"\x83F\x7f\xf0\0\0\0\0\0\0"), DecodeErrorKind::Float);
    assert_eq!(kind(b"\x83F\x7f\xf8\0\0\0\0\0\0"), DecodeErrorKind::Float);
    assert_eq!(
        kind(b"\x83l\x00\x00\x00\x01a\x01a\x02"),
        DecodeErrorKind::ImproperList
    );
}

#[test]
fn a_count_greater_than_what_follows_is_refused_before_memory_is_taken() {
    for head in [&b"l"[..], b"i", b"t", b"m", b"o"] {
        let bytes = [&[131][..], head, &[0xff; 4], b"aaaa"].concat();
        assert_eq!(
            Term::decode(&bytes, &WIDE).unwrap_err().kind(),
            &DecodeErrorKind::Truncated
        );
    }
}

#[test]
fn counts_on_many_levels_are_refused_once_they_exceed_the_limit_together() {
    // Lists in lists, each of which announces 4,000 elements and has bytes enough for them.
    let bytes = [&[131][..], &b"l\x00\x00\x0f\xa0".repeat(5_000)].concat();
    let error = decode(&bytes).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::Limit(Limit::Terms(10_000)));
    assert_eq!(error.offset(), 1 + 3 * 5);
}

#[test]
fn an_error_tells_where_and_what() {
    let error = decode(b"\x83h\x02a\x01g").unwrap_err();
    assert_eq!(error.offset(), 6);
    assert!(error.to_string().contains("byte 6"), "{error}");
    assert!(
        error.to_string().contains("unsupported kind 103"),
        "{error}"
    );

    let error = decode(&compress(b"\x83h\x02a\x01g")).unwrap_err();
    assert!(
        error.to_string().contains("byte 5 of the inflated term"),
        "{error}"
    );
}

#[test]
fn each_limit_holds_to_the_last_one_allowed_in_both_directions() {
    let term = Term::Tuple(vec![
        Term::from("abc"),
        nested(3),
        Term::Map(vec![]),
        Term::Int(1),
    ]);
    let bytes = encode(&term);
    let exact = Limits {
        bytes: bytes.len(),
        terms: 7,
        depth: 4,
    };
    assert_eq!(Term::decode(&bytes, &exact), Ok(term.clone()));
    assert_eq!(term.encode(&exact), Ok(bytes.clone()));

    for (limits, limit, setting) in [
        (
            Limits {
                bytes: exact.bytes - 1,
                ..exact
            },
            Limit::Bytes(bytes.len() - 1),
            "Limits::bytes",
        ),
        (
            Limits { terms: 6, ..exact },
            Limit::Terms(6),
            "Limits::terms",
        ),
        (
            Limits { depth: 3, ..exact },
            Limit::Depth(3),
            "Limits::depth",
        ),
    ] {
        let decoding = Term::decode(&bytes, &limits).unwrap_err();
        assert_eq!(decoding.kind(), &DecodeErrorKind::Limit(limit));
        assert!(decoding.to_string().contains(setting), "{decoding}");
        let encoding = term.encode(&limits).unwrap_err();
        assert_eq!(encoding, EncodeError::Limit(limit));
        assert!(encoding.to_string().contains(setting), "{encoding}");
    }
}

#[test]
fn the_elements_of_a_list_of_bytes_count_as_terms_in_both_directions() {
    let bytes = b"\x83k\x00\x03abc";
    let four = Limits { terms: 4, ..WIDE };
    let term = Term::decode(bytes, &four).unwrap();
    assert_eq!(term.encode(&four), Ok(bytes.to_vec()));

    let three = Limits { terms: 3, ..WIDE };
    let error = Term::decode(bytes, &three).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::Limit(Limit::Terms(3)));
    assert_eq!(
        term.encode(&three),
        Err(EncodeError::Limit(Limit::Terms(3)))
    );
}

#[test]
fn the_deepest_term_that_can_be_allowed_does_not_exhaust_the_stack() {
    let deepest = nested(u8::MAX.into());
    assert_eq!(Term::decode(&encode(&deepest), &WIDE), Ok(deepest));

    let bottomless = [&[131][..], &b"h\x01".repeat(1 << 20)].concat();
    assert_eq!(
        Term::decode(&bottomless, &WIDE).unwrap_err().kind(),
        &DecodeErrorKind::Limit(Limit::Depth(u8::MAX))
    );
}

#[test]
fn a_compressed_term_is_bounded_by_its_inflated_size() {
    let zeros = encode(&Term::Binary(vec![0; 65_530]));
    assert!(zeros.len() == 65_536 && compress(&zeros).len() < 200);
    assert!(decode(&compress(&zeros)).is_ok());

    let bomb = compress(&encode(&Term::Binary(vec![0; 1 << 20])));
    assert_eq!(kind(&bomb), DecodeErrorKind::Limit(Limit::Bytes(65_536)));

    // One that lies about its size, in either direction.
    for lie in [10_u32, 1 << 10] {
        let mut liar = compress(&encode(&Term::Binary(vec![0; 500])));
        liar[2..6].copy_from_slice(&lie.to_be_bytes());
        assert_eq!(kind(&liar), DecodeErrorKind::Compressed);
    }
}

#[test]
fn a_damaged_or_prolonged_compressed_term_is_refused() {
    let good = compress(&encode(&Term::from(
        "a name that repeats, a name that repeats",
    )));
    assert!(decode(&good).is_ok());
    for end in 6..good.len() {
        assert_eq!(kind(&good[..end]), DecodeErrorKind::Compressed);
    }
    assert_eq!(
        kind(&[&good[..], b"x"].concat()),
        DecodeErrorKind::Compressed
    );
    let mut checksum = good.clone();
    *checksum.last_mut().unwrap() ^= 1;
    assert_eq!(kind(&checksum), DecodeErrorKind::Compressed);
    // A compressed term does not hold another.
    assert_eq!(kind(&compress(&good)), DecodeErrorKind::Unsupported(80));
}

#[test]
fn what_erlang_cannot_hold_is_not_written() {
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Term::Float(float).encode(&WIDE), Err(EncodeError::Float));
    }
    let longest = Term::Atom("\u{20ac}".repeat(255));
    assert_eq!(Term::decode(&encode(&longest), &WIDE), Ok(longest));
    assert_eq!(
        Term::Atom("a".repeat(256)).encode(&WIDE),
        Err(EncodeError::Atom)
    );
}

#[test]
fn long_tuples_and_lists_change_their_encoding_and_stay_themselves() {
    for length in [255, 256, 65_535, 65_536] {
        let elements = vec![Term::Int(7); length];
        for term in [Term::Tuple(elements.clone()), Term::List(elements)] {
            assert_eq!(Term::decode(&encode(&term), &WIDE), Ok(term));
        }
    }
}

#[test]
fn json_holds_every_kind_of_term() {
    let term = Term::Map(vec![
        (Term::atom("nothing"), Term::atom("nil")),
        (
            Term::from("flags"),
            Term::Tuple(vec![true.into(), false.into(), Term::atom("on")]),
        ),
        (
            Term::Int(-3),
            Term::List(vec![Term::Float(1.5), Term::from("zo\u{eb}")]),
        ),
        (Term::atom("great"), Term::Int(1 << 64)),
        (Term::atom("greatest number"), Term::Int(u64::MAX.into())),
        (Term::atom("least number"), Term::Int(i64::MIN.into())),
    ]);
    let json = json!({
        "nothing": null,
        "flags": [true, false, "on"],
        "-3": [1.5, "zo\u{eb}"],
        "great": "18446744073709551616",
        "greatest number": u64::MAX,
        "least number": i64::MIN,
    });
    assert_eq!(term.to_json(), Ok(json));
}

#[test]
fn what_json_cannot_hold_is_an_error() {
    assert_eq!(Term::Binary(vec![0xff]).to_json(), Err(JsonError::Binary));
    assert_eq!(Term::Float(f64::NAN).to_json(), Err(JsonError::Float));
    let map = |keys: Vec<Term>| Term::Map(keys.into_iter().map(|key| (key, true.into())).collect());
    for key in [
        Term::Float(1.0),
        Term::Tuple(vec![]),
        Term::List(vec![]),
        Term::Map(vec![]),
    ] {
        assert_eq!(map(vec![key]).to_json(), Err(JsonError::Key));
    }
    let twice = map(vec![Term::atom("id"), Term::from("id")]);
    assert_eq!(twice.to_json(), Err(JsonError::DuplicateKey("id".into())));
    assert_eq!(
        map(vec![Term::Binary(vec![0xff])]).to_json(),
        Err(JsonError::Binary)
    );
}

#[test]
fn a_key_is_found_as_an_atom_and_as_a_string() {
    let map = Term::Map(vec![
        (Term::from("a"), Term::Int(1)),
        (Term::atom("b"), Term::Int(2)),
    ]);
    assert_eq!(map.get("a").and_then(Term::as_int), Some(1));
    assert_eq!(map.get("b").and_then(Term::as_int), Some(2));
    assert_eq!(map.get("c"), None);
    assert_eq!(Term::List(vec![]).get("a"), None);
    assert_eq!(Term::from("x").as_str(), Some("x"));
    assert_eq!(Term::atom("x").as_str(), None);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(term in arbitrary::term()) {
        prop_assert_eq!(decode(&encode(&term)), Ok(term));
    }

    #[test]
    fn compressing_changes_nothing(term in arbitrary::term()) {
        prop_assert_eq!(decode(&compress(&encode(&term))), Ok(term));
    }

    #[test]
    fn json_reads_back_through_a_term(json in arbitrary::json()) {
        prop_assert_eq!(Term::from(json.clone()).to_json(), Ok(json));
    }

    #[test]
    fn every_prefix_of_a_term_is_refused(term in arbitrary::term(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&term);
        prop_assert_eq!(kind(&bytes[..cut.index(bytes.len())]), DecodeErrorKind::Truncated);
    }

    #[test]
    fn mutated_bytes_never_panic_and_what_they_still_mean_reads_back(
        term in arbitrary::term(),
        compressed in any::<bool>(),
        mutations in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = encode(&term);
        if compressed {
            bytes = compress(&bytes);
        }
        for (index, byte) in mutations {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(term) = decode(&bytes) {
            prop_assert_eq!(Term::decode(&encode(&term), &WIDE), Ok(term));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let _ = decode(&[&[131][..], &bytes].concat());
        let _ = decode(&[&[131, 80, 0, 0, 1, 0][..], &bytes].concat());
    }

    /// Random bytes are mostly of no kind: these are built from tags and small counts.
    #[test]
    fn random_tags_never_panic(
        tags in vec(prop_oneof![
            prop::sample::select(b"abFdhijklmnostvw".to_vec()), 0..3_u8, any::<u8>(),
        ], 0..200),
    ) {
        if let Ok(term) = decode(&[&[131][..], &tags].concat()) {
            prop_assert_eq!(Term::decode(&encode(&term), &WIDE), Ok(term));
        }
    }

    #[test]
    fn integers_of_json_keep_their_digits(int in any::<i128>()) {
        let json = Term::Int(int).to_json().unwrap();
        let digits = json.as_str().map_or(json.to_string(), str::to_owned);
        prop_assert_eq!(i128::from_str(&digits), Ok(int));
    }
}
