//! The frames recorded from Phoenix, as they stand in `tests/golden/`.

use herenow_core::protocol::Vsn;

const V1: &str = include_str!("../golden/phoenix-v1.txt");
const V2: &str = include_str!("../golden/phoenix-v2.txt");

/// Who sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Text(&'static str),
    Binary(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) vsn: Vsn,
    pub(crate) sender: Sender,
    pub(crate) data: Data,
    /// Phoenix answered it by closing the socket with 1011, as it does with what it cannot decode.
    pub(crate) refused: bool,
}

/// All recorded frames, in order.
pub(crate) fn frames() -> Vec<Frame> {
    [(Vsn::V1, V1), (Vsn::V2, V2)]
        .into_iter()
        .flat_map(|(vsn, recording)| recorded(vsn, recording))
        .collect()
}

fn recorded(vsn: Vsn, recording: &'static str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let lines = recording
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let mut words = line.splitn(3, ' ').skip(1);
        let (verb, rest) = (words.next().unwrap(), words.next().unwrap());
        let sender = match verb {
            "->" => Sender::Client,
            "<-" => Sender::Server,
            "CLOSE" => {
                frames.last_mut().unwrap().refused = rest == "1011";
                continue;
            }
            other => panic!("unknown verb {other} in {line}"),
        };
        let data = match rest.strip_prefix("BIN ") {
            Some(hex) => Data::Binary(bytes(hex)),
            None => Data::Text(rest),
        };
        frames.push(Frame {
            vsn,
            sender,
            data,
            refused: false,
        });
    }
    frames
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
