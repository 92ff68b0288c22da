//! Which version of the text format a socket speaks.

use core::fmt;

/// The version of the serializer, agreed on for the life of a socket by its `vsn` query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vsn {
    /// Objects with `topic`, `event`, `payload` and `ref`.
    V1,
    /// Arrays of join_ref, ref, topic, event and payload; and binary frames.
    V2,
}

impl Vsn {
    /// The version for a `vsn` parameter, which older clients do not send: then it is V1. Accepted are
    /// `1.0.x` and `2.0.x` with a number for x, as Phoenix does for `~> 1.0.0` and `~> 2.0.0`.
    pub fn negotiate(vsn: Option<&str>) -> Result<Self, UnsupportedVsn> {
        let Some(vsn) = vsn else { return Ok(Self::V1) };
        let (version, patch) = if let Some(patch) = vsn.strip_prefix("1.0.") {
            (Self::V1, patch)
        } else if let Some(patch) = vsn.strip_prefix("2.0.") {
            (Self::V2, patch)
        } else {
            return Err(UnsupportedVsn);
        };
        let numeric = !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = patch.len() > 1 && patch.starts_with('0');
        if numeric && !leading_zero {
            Ok(version)
        } else {
            Err(UnsupportedVsn)
        }
    }

    /// The `vsn` parameter by which a client asks for this version.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0.0",
            Self::V2 => "2.0.0",
        }
    }
}

/// A `vsn` parameter that asks for a version not spoken here. Phoenix answers it with HTTP 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedVsn;

impl fmt::Display for UnsupportedVsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unsupported vsn: use 1.0.x or 2.0.x (three numbers), such as 2.0.0")
    }
}

impl core::error::Error for UnsupportedVsn {}
