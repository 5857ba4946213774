//! # Moving a VM
//!
//! Carries out what the state machine of `stagecoach-protocol` says, over a card, a host's memory, a store that survives
//! crashes, and a link to the other machine.
//!
//! ```text
//!   packets ──▶ Runner ──▶ Machine (stagecoach-protocol): what is to be done
//!                 │
//!                 ├──▶ Card: updates with epochs, dirty pages, the log  ──▶ UpdatePort (the driver), Host (memory, VM)
//!                 ├──▶ Store: journal and log, durable                  ──▶ a folder, or memory
//!                 └──▶ Link: packets to the peer and the arbiter        ──▶ TCP, or a queue
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`packet`] | [`Packet`], [`Image`]: what travels |
//! | [`host`] | [`Host`], [`EpochPort`]: what a machine has to offer |
//! | [`card`] | [`Card`]: one VM's table and memory on a machine |
//! | [`store`] | [`Store`]: journal and log; [`FolderStore`], [`MemoryStore`] |
//! | [`link`](mod@link) | [`Link`]: the way out; [`TcpLink`] |
//! | [`runner`] | [`Runner`]: one effect after the other, and where it may be stopped |
//! | [`simulated`] | a machine of plain Rust, for tests and demonstrations |

pub mod card;
pub mod host;
pub mod link;
pub mod packet;
pub mod runner;
pub mod simulated;
pub mod store;

pub use card::{Card, CardError, Place};
pub use host::{EpochPort, Host};
pub use link::{Link, LinkError, TcpLink};
pub use packet::{Image, Packet};
pub use runner::{Observer, RunError, Runner, Step, StopRule};
pub use store::{FolderStore, MemoryStore, Store, StoreError};
