//! # The contract of Stagecoach, as types
//!
//! What the hardware, the golden model and the host software agree on. It names and packs; what it computes is what both
//! sides must compute alike:
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`config`] | [`Config`]: every size and choice of a mapping unit, its ranges, the widths that follow |
//! | [`cuckoo`] | [`Cuckoo`]: the places of a cuckoo CAM, and the hash functions that lead to them |
//! | [`preset`] | [`Preset`]: the configurations that ship, as TOML files |
//! | [`net_id`] | [`NetId`]: what names a VM on the network |
//! | [`request`] | [`Request`], [`Op`], [`Access`]: what is asked |
//! | [`response`] | [`Beat`]: what is answered; [`Retirement`]: the memory side's word that a granted span is over |
//! | [`processing`] | [`AccessRequest`], [`Completion`]: what the processing unit is asked and answers |
//! | [`fault`] | [`Fault`]: the verdicts, and what each becomes on a RoCE or iWARP wire |
//! | [`update`] | [`Update`]: changes of tables with typed arguments; [`UpdateError`]: why one was refused |
//! | [`command`] | [`Command`]: the same changes as words at the update port, both ways |
//! | [`protection`] | [`Stored`]: every stored word, and its check bits |
//! | [`log_record`] | [`LogRecord`]: changes of tables as the controller logs them |
//! | [`registers`] | [`Register`](registers::Register): what the controller's AXI4-Lite port shows |
//! | [`latency`] | [`Stages`]: the one table of latencies |
//!
//! A configuration is read, checked, and from then on trusted:
//!
//! ```
//! use stagecoach_spec::{Config, Preset};
//!
//! let roce = Preset::Roce.config();
//! assert_eq!(roce.table_bits(), 6);
//!
//! let mine = Config::from_toml("net_id_bits = 32\ntables = 8", "mine.toml").unwrap();
//! assert_eq!(mine.table_bits(), 3);
//! ```

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg_attr(not(feature = "std"), macro_use)]
extern crate alloc;

pub mod command;
pub mod config;
pub mod cuckoo;
pub mod fault;
pub mod latency;
pub mod log_record;
pub mod net_id;
pub mod preset;
pub mod processing;
pub mod protection;
pub mod queue_pair;
pub mod registers;
pub mod request;
pub mod response;
pub mod update;

pub use command::{Action, Command, STAGED_WORDS, Staged, UpdateOp};
pub use config::{Cam, Config, ConfigError, FrameWindows, Protection, Target, UnknownTarget};
pub use cuckoo::{Cuckoo, Seed};
pub use fault::{Fault, Transport, WireCode};
pub use latency::{Stage, Stages};
pub use log_record::{LogRecord, LogRecordError};
pub use net_id::{NetId, NetIdError};
pub use preset::{Preset, UnknownPreset};
pub use processing::{AccessRequest, Atomic, Completion, Frontend, Icrc, Processing, WireTransport};
pub use protection::Stored;
pub use queue_pair::{OpenMessage, QueuePair, QueuePairCommand, QueuePairUpdate};
pub use request::{Access, Op, Request, RequestError};
pub use response::{Beat, Retirement};
pub use update::{Answer, Counter, PeekEntry, Region, Slices, Update, UpdateError};
