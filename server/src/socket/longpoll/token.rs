//! What a client shows with each of its requests.
//!
//! The text is signed with a key that the endpoint makes up when it is built, so nobody can guess a session
//! or forge a place in one. It means nothing to another endpoint, nor after a restart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Names a session, and the last answer with messages that whoever shows it has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) session: SessionId,
    /// 0 for none.
    pub(crate) answer: u32,
}

/// Random, so that tokens cannot be told from noise.
pub(crate) type SessionId = [u8; 16];

/// Signs tokens.
pub(super) struct Key(Hmac<Sha256>);

/// Marks a text as one of these tokens, lest it be taken for one of the application's.
const PREFIX: &str = "lp1.";

const SESSION_BYTES: usize = size_of::<SessionId>();
const SIGNED_BYTES: usize = SESSION_BYTES + size_of::<u32>();

/// Half of a SHA-256: as hard to guess as a session.
const SIGNATURE_BYTES: usize = 16;
const TOKEN_BYTES: usize = SIGNED_BYTES + SIGNATURE_BYTES;

impl Key {
    /// # Panics
    /// If the operating system has no randomness to give.
    pub(super) fn random() -> Self {
        let key: [u8; 32] = random();
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key);
        Self(mac.expect("HMAC takes a key of any length"))
    }

    pub(super) fn sign(&self, token: Token) -> String {
        let mut bytes = [0; TOKEN_BYTES];
        let (signed, signature) = bytes.split_at_mut(SIGNED_BYTES);
        let (session, answer) = signed.split_at_mut(SESSION_BYTES);
        session.copy_from_slice(&token.session);
        answer.copy_from_slice(&token.answer.to_be_bytes());
        let mac = self.0.clone().chain_update(&*signed).finalize();
        signature.copy_from_slice(&mac.into_bytes()[..SIGNATURE_BYTES]);
        let mut text = PREFIX.to_owned();
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        text
    }

    /// Reads a token that this key has signed. Compares signatures in a time that tells nothing about them.
    pub(super) fn verify(&self, text: &str) -> Option<Token> {
        let bytes = decode(text)?;
        let (signed, signature) = bytes.split_at(SIGNED_BYTES);
        let mac = self.0.clone().chain_update(signed);
        mac.verify_truncated_left(signature).ok()?;
        let (session, answer) = signed.split_at(SESSION_BYTES);
        Some(Token {
            session: session.try_into().ok()?,
            answer: u32::from_be_bytes(answer.try_into().ok()?),
        })
    }
}

pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

fn decode(text: &str) -> Option<[u8; TOKEN_BYTES]> {
    let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    bytes.try_into().ok()
}

/// The token of a query that ends, as phoenix.js writes it, in `token=…`, and the query without it. Only the
/// last parameter of that name can be the transport's; if it is no such token, it is the application's.
pub(crate) fn take_token(query: &str) -> Option<(String, String)> {
    let mut parts: Vec<&str> = query.split('&').collect();
    let mut from_the_end = parts.iter().enumerate().rev();
    let (place, token) = from_the_end.find_map(|(place, part)| {
        let (name, value) = form_urlencoded::parse(part.as_bytes()).next()?;
        (name == "token").then(|| (place, value.into_owned()))
    })?;
    decode(&token)?;
    parts.remove(place);
    Some((token, parts.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            session: random(),
            answer: 7,
        }
    }

    #[test]
    fn a_token_is_read_back_by_its_own_key_only() {
        let (key, other) = (Key::random(), Key::random());
        let text = key.sign(token());
        assert_eq!(other.verify(&text), None);
        let token = token();
        assert_eq!(key.verify(&key.sign(token)), Some(token));
    }

    #[test]
    fn no_changed_character_goes_unnoticed() {
        let key = Key::random();
        let text = key.sign(token());
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key.verify(&changed), None, "{changed}");
        }
        for other in [
            "",
            "zzz",
            PREFIX,
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}A"),
        ] {
            assert_eq!(key.verify(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_needs_no_escapes_in_a_query() {
        let text = Key::random().sign(token());
        let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        assert_eq!(escaped, text);
    }

    #[test]
    fn only_a_last_parameter_that_is_one_of_these_tokens_is_taken() {
        let text = Key::random().sign(token());
        let taken = |query: &str| take_token(&query.replace("TOKEN", &text));
        let with = |rest: &str| Some((text.clone(), rest.to_owned()));
        assert_eq!(taken("token=TOKEN"), with(""));
        assert_eq!(
            taken("token=mine&vsn=2.0.0&token=TOKEN&a=1"),
            with("token=mine&vsn=2.0.0&a=1")
        );
        for query in [
            "",
            "a=1&&b",
            "token=mine",
            "token",
            "token=TOKEN&token=mine",
            "token[]=TOKEN",
        ] {
            assert_eq!(taken(query), None, "{query}");
        }
    }
}
