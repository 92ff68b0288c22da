//! HMAC and PBKDF2 over the three hashes that tokens may use.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// A hash function of the SHA-2 family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256, with which every token is signed.
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

/// Runs `$body` with `$hash` standing for the type of the digest.
macro_rules! with_hash {
    ($digest:expr, $hash:ident => $body:expr) => {
        match $digest {
            Digest::Sha256 => {
                type $hash = Sha256;
                $body
            }
            Digest::Sha384 => {
                type $hash = Sha384;
                $body
            }
            Digest::Sha512 => {
                type $hash = Sha512;
                $body
            }
        }
    };
}

impl Digest {
    /// The first part of a token signed with this hash: base64 of HS256, HS384 or HS512.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Sha256 => "SFMyNTY",
            Self::Sha384 => "SFMzODQ",
            Self::Sha512 => "SFM1MTI",
        }
    }

    pub(super) fn from_header(header: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|d| d.header() == header)
    }
}

pub(super) fn sign(digest: Digest, key: &[u8], message: &[u8]) -> Vec<u8> {
    with_hash!(digest, Hash => hmac::<Hmac<Hash>>(key, message).finalize().into_bytes().to_vec())
}

/// Compares in a time that does not depend on where a wrong signature differs.
pub(super) fn verify(digest: Digest, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    with_hash!(digest, Hash => hmac::<Hmac<Hash>>(key, message).verify_slice(signature).is_ok())
}

pub(super) fn pbkdf2(digest: Digest, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
    with_hash!(digest, Hash => pbkdf2::pbkdf2_hmac::<Hash>(password, salt, rounds, key));
}

fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> M {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(message)
}
