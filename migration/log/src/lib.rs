//! # The registration log that travels
//!
//! What a machine sends to another so that a VM's mapping table can be built again there, with the same keys for the same guest
//! memory. It names **guest pages**, never frames of a machine: each side knows by itself which frame a guest page is.
//!
//! ```text
//!  header ─▶ record ─▶ record ─▶ … ─▶ trailer
//!     │ digest  │ chain    │ chain        │ count, digest
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`change`] | [`Change`]: what a record says |
//! | [`header`] | [`Header`]: whose log it is, and what room it needs |
//! | [`chain`] | the hash that binds each record to all before it |
//! | [`binary`], [`json`] | the two forms: [`binary::write`], [`binary::read`], [`json::write`], [`json::read`] |
//! | [`log`] | [`Log`]: a log whose trailer was verified; nothing else gives one |
//! | [`compaction`] | [`compact`]: the shortest log with the same end |
//! | [`relocation`] | [`Relocation`]: the frame of each guest page, for all keys and the page copy alike |
//! | [`replay`] | [`plan`]: from a log to a table on another machine |
//! | [`error`] | [`LogError`]: which record, and why |
//!
//! Damage, truncation (also at a record's border), repetition, reordering, a foreign epoch and everything oversized is refused,
//! naming the record and the reason. A hash chain is no authentication: who can write the transport can write a log.
//!
//! ```
//! use stagecoach_log::{Capacity, Change, Header, Log, binary};
//! use stagecoach_spec::NetId;
//!
//! let header = Header {
//!     net_ids: vec![NetId::from_u128(0x0a00_0102)],
//!     epoch: 3,
//!     page_shifts: vec![12, 21],
//!     capacity: Capacity { regions: 8, slots: 64 },
//! };
//! let log = Log::new(header, vec![Change::SetSlot { slot: 0, page: 0x123, page_size: 0 }])?;
//! let bytes = binary::write(&log);
//! assert_eq!(binary::read(&bytes, 3)?, log);
//! assert!(binary::read(&bytes[..bytes.len() - 1], 3).is_err());
//! # Ok::<(), stagecoach_log::LogError>(())
//! ```

pub mod binary;
pub mod chain;
pub mod change;
pub mod compaction;
pub mod error;
pub mod header;
pub mod json;
pub mod log;
pub mod relocation;
pub mod replay;

pub use change::Change;
pub use compaction::compact;
pub use error::LogError;
pub use header::{Capacity, Header};
pub use log::Log;
pub use relocation::{Relocation, RelocationError};
pub use replay::{Destination, Plan, ReplayError, UpdatePort, plan};

/// Version of the format, in both forms.
pub const VERSION: u16 = 1;
/// Most bytes of a record: those of the largest `transport_state`, and some.
pub const MOST_RECORD_BYTES: usize = MOST_STATE_BYTES + 256;
/// Most bytes of a `transport_state`.
pub const MOST_STATE_BYTES: usize = 65_536;
/// Most bytes of a header: 4096 network identifiers, and some.
pub const MOST_HEADER_BYTES: usize = 131_072;
/// Most records of a log.
pub const MOST_RECORDS: u64 = 1 << 32;
