//! The key of a signer, derived from the application's secret.

use std::fmt;
use std::sync::Arc;

use super::Digest;
use super::mac;

/// The fewest bytes of a `secret_key_base`, as in Phoenix.
pub const MIN_SECRET_KEY_BASE: usize = 20;

/// How a key is derived: the options `key_iterations`, `key_length` and `key_digest` of
/// `Phoenix.Token`, with their defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyOptions {
    /// The rounds of PBKDF2. Default: 1000.
    pub iterations: u32,
    /// The bytes of the key. Default: 32.
    pub length: usize,
    /// The hash that derives the key; the signature is made with SHA-256 in any case. Default:
    /// SHA-256.
    pub digest: Digest,
}

impl Default for KeyOptions {
    fn default() -> Self {
        Self {
            iterations: 1000,
            length: 32,
            digest: Digest::Sha256,
        }
    }
}

/// A key to sign with. It does not show itself in debug output.
#[derive(Clone)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// Derives the key of `secret_key_base` and `salt` as Phoenix does by default.
    ///
    /// The base counts as it is written: Phoenix does not decode it either. Deriving takes
    /// hundreds of times as long as signing, so derive once.
    pub fn derive(secret_key_base: &str, salt: &str) -> Result<Self, KeyError> {
        Self::derive_with(secret_key_base, salt, KeyOptions::default())
    }

    /// Derives a key with other options than the defaults.
    ///
    /// ```
    /// use herenow::auth::token::{Digest, Key, KeyOptions};
    ///
    /// // Phoenix.Token.sign(context, "user socket", data, key_digest: :sha512, key_length: 64)
    /// let options = KeyOptions { digest: Digest::Sha512, length: 64, ..KeyOptions::default() };
    /// Key::derive_with(&"0123456789abcdef".repeat(4), "user socket", options).unwrap();
    /// ```
    pub fn derive_with(
        secret_key_base: &str,
        salt: &str,
        options: KeyOptions,
    ) -> Result<Self, KeyError> {
        if secret_key_base.len() < MIN_SECRET_KEY_BASE {
            return Err(KeyError::ShortSecret(secret_key_base.len()));
        }
        if options.iterations == 0 || options.length == 0 {
            return Err(KeyError::Options);
        }
        let mut key = vec![0; options.length];
        let (password, salt) = (secret_key_base.as_bytes(), salt.as_bytes());
        mac::pbkdf2(options.digest, password, salt, options.iterations, &mut key);
        Ok(Self(key.into()))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Why no key can be derived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The `secret_key_base` has so few bytes, fewer than [`MIN_SECRET_KEY_BASE`].
    ShortSecret(usize),
    /// No iterations, or a key of no bytes.
    Options,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortSecret(bytes) => write!(
                f,
                "the secret key base has {bytes} bytes and needs at least {MIN_SECRET_KEY_BASE} \
                 (`mix phx.gen.secret` makes one)"
            ),
            Self::Options => f.write_str("the key iterations and the key length must not be 0"),
        }
    }
}

impl std::error::Error for KeyError {}
