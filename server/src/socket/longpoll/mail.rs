//! What goes to a long poll client with the next answer, and what has gone with the last.
//!
//! HTTP does not tell whether an answer has arrived: the client may be gone, or a proxy may have asked
//! again on a fresh connection. But a client shows with each poll the token of the last answer it got. If
//! that is an older one than was sent, the answer between is lost, and its messages are sent again.
//!
//! There may be clients, other than phoenix.js, that keep to their first token: in Phoenix a token never
//! changes. They would get everything twice. So a client has to show once that it takes over tokens; until
//! then it gets each message at most once, as in Phoenix.

use std::collections::VecDeque;

use super::MAX_ANSWER_BYTES;
use crate::socket::Frame;
use crate::socket::outbox::Outbox;

#[derive(Default)]
pub(super) struct Mail {
    /// For the next answer.
    ready: VecDeque<Frame>,
    /// The sum of `ready`, in bytes.
    ready_bytes: usize,
    /// The messages of the last answer, until it is known to have arrived.
    in_flight: Vec<Frame>,
    /// The number of the last answer with messages.
    last_answer: u32,
    /// Whether the client has shown that it takes over tokens.
    takes_tokens: bool,
    /// Whether the log has been told of a binary message.
    told_of_binary: bool,
}

/// The messages of one answer, and its number.
pub(super) struct Delivery {
    pub(super) answer: u32,
    pub(super) frames: Vec<Frame>,
}

impl Mail {
    /// The client says which answer it got last.
    pub(super) fn acknowledge(&mut self, answer: u32) {
        let in_flight = std::mem::take(&mut self.in_flight);
        if answer == self.last_answer {
            self.takes_tokens |= answer > 0;
        } else if self.takes_tokens {
            for frame in in_flight.into_iter().rev() {
                self.ready_bytes += frame.wire().len();
                self.ready.push_front(frame);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Whether the next answer has as much as one can have.
    pub(super) fn is_full(&self) -> bool {
        self.ready_bytes >= MAX_ANSWER_BYTES
    }

    /// Adds a message, unless it is binary, for which there is no form in an answer.
    pub(super) fn add(&mut self, frame: Frame) {
        if frame.is_text() {
            self.ready_bytes += frame.wire().len();
            self.ready.push_back(frame);
        } else if !self.told_of_binary {
            self.told_of_binary = true;
            tracing::warn!(
                "dropped a binary message: long poll clients get none (told once for each)"
            );
        }
    }

    /// Adds what is queued, until the answer is full.
    pub(super) fn add_from(&mut self, outbox: &mut Outbox) {
        let mut batch = VecDeque::new();
        while !self.is_full() {
            outbox.take(&mut batch, usize::MAX, MAX_ANSWER_BYTES - self.ready_bytes);
            if batch.is_empty() {
                return;
            }
            batch.drain(..).for_each(|frame| self.add(frame));
        }
    }

    /// The next answer. It counts as given when [`sent`](Self::sent) is called.
    pub(super) fn next_answer(&self) -> Delivery {
        Delivery {
            answer: self.last_answer.wrapping_add(1),
            frames: self.ready.iter().cloned().collect(),
        }
    }

    /// The next answer is on its way.
    pub(super) fn sent(&mut self) {
        self.last_answer = self.last_answer.wrapping_add(1);
        self.in_flight = std::mem::take(&mut self.ready).into();
        self.ready_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use herenow_core::protocol::Vsn;

    use super::*;
    use crate::channel::Payload;
    use crate::socket::Kind;

    fn frame(event: &str, size: usize) -> Frame {
        let payload = Payload::from("x".repeat(size));
        Frame::broadcast(Vsn::V2, Kind::Message, "room:1", event, &payload).unwrap()
    }

    fn binary() -> Frame {
        let payload = Payload::binary(vec![0; MAX_ANSWER_BYTES]);
        Frame::broadcast(Vsn::V2, Kind::Message, "room:1", "binary", &payload).unwrap()
    }

    /// Gives the next answer. Returns its events and its number.
    fn answer(mail: &mut Mail) -> (Vec<String>, u32) {
        let Delivery { answer, frames } = mail.next_answer();
        mail.sent();
        let event = |frame: &Frame| {
            frame
                .text_message()
                .unwrap()
                .split('"')
                .nth(3)
                .unwrap()
                .to_owned()
        };
        (frames.iter().map(event).collect(), answer)
    }

    /// Mail of a client that takes over tokens, after answer 1.
    fn of_a_careful_client() -> Mail {
        let mut mail = Mail::default();
        mail.acknowledge(0);
        mail.add(frame("first", 1));
        assert_eq!(answer(&mut mail), (vec!["first".into()], 1));
        mail.acknowledge(1);
        mail
    }

    #[test]
    fn an_answer_that_did_not_arrive_is_given_again_in_front_of_what_is_new() {
        let mut mail = of_a_careful_client();
        mail.add(frame("lost", 1));
        mail.add(frame("lost too", 1));
        assert_eq!(answer(&mut mail).1, 2);
        mail.add(frame("new", 1));
        mail.acknowledge(1);
        let all = ["lost", "lost too", "new"].map(String::from).to_vec();
        assert_eq!(answer(&mut mail), (all.clone(), 3));
        mail.acknowledge(1);
        assert_eq!(answer(&mut mail), (all, 4), "lost once more");
        mail.acknowledge(4);
        assert!(mail.is_empty());
    }

    #[test]
    fn a_client_that_keeps_to_its_first_token_gets_everything_once() {
        let mut mail = Mail::default();
        for event in ["one", "two", "three"] {
            mail.acknowledge(0);
            mail.add(frame(event, 1));
            assert_eq!(answer(&mut mail).0, [event]);
        }
    }

    #[test]
    fn an_answer_that_was_not_sent_is_the_next_one_again() {
        let mut mail = of_a_careful_client();
        mail.add(frame("kept", 1));
        assert_eq!(mail.next_answer().frames.len(), 1);
        mail.acknowledge(1);
        assert_eq!(answer(&mut mail), (vec!["kept".into()], 2));
    }

    #[test]
    fn an_answer_takes_no_more_than_its_limit_and_at_least_one_message() {
        let mut outbox = Outbox::new(usize::MAX);
        for _ in 0..3 {
            outbox.push(frame("large", MAX_ANSWER_BYTES / 2)).wake();
        }
        outbox.push(frame("larger", 2 * MAX_ANSWER_BYTES)).wake();
        let mut mail = Mail::default();
        for expected in [vec!["large", "large"], vec!["large", "larger"], vec![]] {
            mail.add_from(&mut outbox);
            assert_eq!(answer(&mut mail).0, expected);
        }
    }

    #[test]
    fn binary_messages_are_left_out_and_what_is_behind_them_is_not() {
        let mut outbox = Outbox::new(usize::MAX);
        for frame in [binary(), frame("text", 1), binary(), frame("more text", 1)] {
            outbox.push(frame).wake();
        }
        let mut mail = Mail::default();
        mail.add_from(&mut outbox);
        assert_eq!(answer(&mut mail).0, ["text", "more text"]);
    }
}
