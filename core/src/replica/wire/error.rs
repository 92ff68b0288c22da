//! Why a message from another node was refused.

use crate::protocol::json;
use std::fmt;

/// Why bytes are no message of this cluster. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    /// What was being read.
    pub field: &'static str,
    /// The offset in the message.
    pub at: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The sender speaks another version of the format.
    Version(u8),
    /// The sender belongs to a cluster of another name.
    OtherCluster,
    /// There is no such kind of message, or of value.
    Unknown(u64),
    /// The message ends within it.
    Truncated,
    /// It claims more items or bytes than the rest of the message could hold.
    TooMany(u64),
    /// The number does not fit.
    TooLarge,
    /// It is not higher than the one before, as it would have to be.
    OutOfOrder,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// It shares more with the text before than that has, or ends within a character.
    Shared(usize),
    /// The text is not JSON.
    NotJson(json::Error),
    /// Bytes follow after the end of the message.
    Trailing(usize),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "replication message, {} at byte {}: ",
            self.field, self.at
        )?;
        match &self.problem {
            Problem::Version(version) => write!(
                f,
                "format version {version}, this node reads {}; run the same release on all nodes",
                super::FORMAT
            ),
            Problem::OtherCluster => f.write_str(
                "the sender is in a cluster of another name; give all nodes the same, or keep the clusters' networks apart",
            ),
            Problem::Unknown(value) => write!(f, "{value} is unknown"),
            Problem::Truncated => f.write_str("the message ends here"),
            Problem::TooMany(count) => {
                write!(f, "{count} are claimed, more than the message could hold")
            }
            Problem::TooLarge => f.write_str("the number does not fit"),
            Problem::OutOfOrder => f.write_str("not higher than the one before"),
            Problem::NotUtf8 => f.write_str("not UTF-8"),
            Problem::Shared(shared) => {
                write!(f, "cannot share {shared} bytes with the text before")
            }
            Problem::NotJson(error) => write!(f, "not JSON: {error}"),
            Problem::Trailing(bytes) => write!(f, "{bytes} bytes follow after the end"),
        }
    }
}

impl std::error::Error for WireError {}
