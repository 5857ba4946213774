//! Why a log is refused.

use thiserror::Error;

/// Which part of a log, and what is wrong with it. Whoever gets this has changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogError {
    /// It does not begin as a log does.
    #[error("this is no registration log: it should begin with {expected}")]
    NotALog {
        /// What is expected.
        expected: &'static str,
    },
    /// It has another version.
    #[error("the log has version {found}; this program reads version {version}", version = crate::VERSION)]
    Version {
        /// The version that was found.
        found: u16,
    },
    /// It ends too early. At a record's border too: there is a trailer, or the log is not whole.
    #[error("the log ends within {part}; send it again")]
    Truncated {
        /// What should follow.
        part: Part,
    },
    /// Something is longer than it may be.
    #[error("{part} has {bytes} bytes, more than {most}")]
    TooLong {
        /// What.
        part: Part,
        /// Its length.
        bytes: u64,
        /// The most.
        most: usize,
    },
    /// Something cannot be read.
    #[error("{part} cannot be read: {why}")]
    Unreadable {
        /// What.
        part: Part,
        /// What the reader says.
        why: String,
    },
    /// A hash does not match: it was damaged, or records were left out, repeated, exchanged.
    #[error(
        "{part} does not follow from what is before it: damaged, or records are missing, repeated or exchanged"
    )]
    Chain {
        /// What.
        part: Part,
    },
    /// Sequence numbers are not consecutive.
    #[error("{part} has sequence number {found}, not {expected}: a record is missing, repeated or exchanged")]
    Sequence {
        /// What.
        part: Part,
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// It is of another life of the VM.
    #[error("the log is of epoch {found}, not {expected}")]
    Epoch {
        /// The epoch that was asked for.
        expected: u32,
        /// The log's.
        found: u32,
    },
    /// The trailer counts otherwise.
    #[error("the trailer counts {said} records, there are {found}")]
    Count {
        /// What the trailer says.
        said: u64,
        /// How many came.
        found: u64,
    },
    /// There is something behind the trailer.
    #[error("there are {bytes} bytes behind the trailer")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// Something says what cannot be.
    #[error("{part} makes no sense: {why}")]
    Senseless {
        /// What.
        part: Part,
        /// Why.
        why: &'static str,
    },
}

/// A part of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The header.
    Header,
    /// A record, by its number from 0.
    Record(u64),
    /// The trailer.
    Trailer,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Header => f.write_str("the header"),
            Part::Record(number) => write!(f, "record {number}"),
            Part::Trailer => f.write_str("the trailer"),
        }
    }
}
