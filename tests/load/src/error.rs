//! Why a run did not come to its end.

use std::fmt;
use std::io;

/// Why there is no result. Each is one line for the person who started the run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What was asked for makes no sense, or this machine does not allow it. Nothing was sent.
    Settings(String),
    /// A connection could not be made, or was lost.
    Connection {
        /// Whose.
        user: String,
        /// What became of it.
        problem: String,
    },
    /// The server answered something else than what a run needs.
    Answer {
        /// To whom.
        user: String,
        /// What was wrong.
        problem: String,
    },
    /// The time was over. It says how far things had come.
    Late(String),
    /// The run came to its end, and what it found is wrong.
    Failed(String),
}

impl Error {
    pub(crate) fn settings(problem: impl Into<String>) -> Self {
        Self::Settings(problem.into())
    }

    pub(crate) fn connection(user: &str, problem: impl fmt::Display) -> Self {
        Self::Connection {
            user: user.to_owned(),
            problem: problem.to_string(),
        }
    }

    pub(crate) fn answer(user: &str, problem: impl Into<String>) -> Self {
        Self::Answer {
            user: user.to_owned(),
            problem: problem.into(),
        }
    }

    /// An I/O error while connecting or connected, with what can be done about it.
    pub(crate) fn io(user: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::AddrNotAvailable => {
                "; all local ports are in use: fewer clients, or wait a minute"
            }
            io::ErrorKind::ConnectionRefused => "; is the server running?",
            _ => "",
        };
        Self::connection(user, format_args!("{error}{remedy}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(problem) | Self::Late(problem) | Self::Failed(problem) => {
                f.write_str(problem)
            }
            Self::Connection { user, problem } => write!(f, "connection of {user}: {problem}"),
            Self::Answer { user, problem } => write!(f, "{user}: {problem}"),
        }
    }
}

impl std::error::Error for Error {}
