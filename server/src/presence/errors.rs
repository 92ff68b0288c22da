//! What becomes of a presence error in the callbacks of a channel, where `?` hands it on.

use herenow_core::replica::{TrackError, UpdateError};

use crate::channel::{JoinError, Stop};

impl From<TrackError> for Stop {
    /// The channel crashes, as in Phoenix where `{:ok, _} = Presence.track(..)` does not match.
    fn from(error: TrackError) -> Self {
        Self::error(error)
    }
}

impl From<UpdateError> for Stop {
    /// The channel crashes, as in Phoenix where `{:ok, _} = Presence.update(..)` does not match.
    fn from(error: UpdateError) -> Self {
        Self::error(error)
    }
}

impl From<TrackError> for JoinError {
    /// The client is told what was wrong.
    fn from(error: TrackError) -> Self {
        Self::reason(&error.to_string())
    }
}
