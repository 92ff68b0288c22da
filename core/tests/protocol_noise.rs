//! Whatever comes in: nothing panics, and what is accepted can be passed on.

#[expect(dead_code, reason = "noise does not care who sent a frame")]
#[path = "protocol_support/golden.rs"]
mod golden;
#[path = "protocol_support/noise.rs"]
mod noise;

use golden::{Data, frames};
use herenow_core::protocol::{Message, Outgoing, Reply, Vsn, binary, decode, encode};
use noise::Noise;

const RANDOM_FRAMES: usize = 50_000;
const MUTATIONS_PER_FRAME: usize = 300;

/// Decodes a text; if that works, the message must come out the same after another round.
fn survives_text(vsn: Vsn, text: &str) -> bool {
    let Ok(message) = decode(vsn, text) else {
        return false;
    };
    let _ = Reply::parse(message.payload).map(|reply| reply.status.decode());
    let expected = Message {
        join_ref: message.join_ref.filter(|_| vsn == Vsn::V2),
        ..message
    };
    let mut frame = String::new();
    let outgoing = Outgoing {
        join_ref: message.join_ref,
        reference: message.reference,
        topic: &message.topic.decode(),
        event: &message.event.decode(),
        payload: message.payload,
    };
    encode(vsn, &mut frame, &outgoing);
    assert_eq!(decode(vsn, &frame), Ok(expected), "{text:?}");
    assert!(
        serde_json::from_str::<serde::de::IgnoredAny>(&frame).is_ok(),
        "{frame:?}"
    );
    true
}

/// Decodes bytes in both directions; what works must be encoded to the same bytes.
fn survives_binary(bytes: &[u8]) -> bool {
    let push = binary::decode_push(bytes);
    let message = binary::decode_server(bytes);
    if let Ok(push) = push {
        let mut frame = Vec::new();
        binary::encode_push(&mut frame, &push).unwrap();
        assert_eq!(frame, bytes);
    }
    if let Ok(message) = message {
        let mut frame = Vec::new();
        binary::encode_server(&mut frame, &message).unwrap();
        assert_eq!(frame, bytes);
    }
    push.is_ok() || message.is_ok()
}

/// Feeds bytes to everything that takes them; how many times they were accepted.
fn survives(bytes: &[u8]) -> usize {
    let mut accepted = usize::from(survives_binary(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        for vsn in [Vsn::V1, Vsn::V2] {
            accepted += usize::from(survives_text(vsn, text));
        }
    }
    accepted
}

#[test]
fn random_bytes_never_panic() {
    let mut noise = Noise(3);
    let accepted: usize = (0..RANDOM_FRAMES).map(|_| survives(&noise.bytes(64))).sum();
    assert!(accepted > 0, "some random bytes are a binary frame");
}

#[test]
fn mutated_frames_never_panic_and_what_is_accepted_survives_another_round() {
    let mut noise = Noise(4);
    let (mut tried, mut accepted) = (0, 0);
    for frame in frames() {
        let bytes = match frame.data {
            Data::Text(text) => text.as_bytes().to_vec(),
            Data::Binary(bytes) => bytes,
        };
        for _ in 0..MUTATIONS_PER_FRAME {
            accepted += survives(&noise.mutated(&bytes));
            tried += 1;
        }
    }
    assert!(tried > 50_000);
    // Mutations that only ever gave garbage would not test what is accepted, and the reverse.
    assert!(accepted > tried / 20 && accepted < tried);
}

#[test]
fn two_frames_spliced_together_survive() {
    let mut noise = Noise(5);
    let frames = frames();
    for _ in 0..RANDOM_FRAMES {
        let mut spliced = Vec::new();
        for take_head in [true, false] {
            let Data::Text(text) = frames[noise.below(frames.len())].data else {
                continue;
            };
            let (head, tail) = text.as_bytes().split_at(noise.below(text.len() + 1));
            spliced.extend_from_slice(if take_head { head } else { tail });
        }
        survives(&spliced);
    }
}
