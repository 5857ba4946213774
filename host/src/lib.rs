//! # The driver of a controller
//!
//! From typed changes of tables down to reads and writes of [registers](stagecoach_spec::registers):
//!
//! ```text
//!  Vm: keys, slots ──┬─▶ Driver: commands, waiting ─▶ RegisterBus: AXI4-Lite, or whatever reaches it
//!  Bindings: plans ──┘
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`bus`] | [`RegisterBus`]: how registers are reached |
//! | `mapped` | `MappedRegisters`: registers in mapped memory, UIO or a PCI resource file; on Linux, with feature `std` |
//! | [`driver`] | [`Driver`]: finds out what the controller is, gives it commands, waits for their answers |
//! | [`bindings`] | [`Bindings`]: who is reachable, with the plans that a cuckoo CAM needs |
//! | [`pool`] | [`Pool`]: who has which part of a pool that tables share |
//! | [`slices`] | [`SliceAllocator`]: the slices of all tables, and who must move to close gaps |
//! | [`relocation`] | [`Vm::relocate`]: a table moves to other slices |
//! | [`keys`] | [`Keys`]: keys that no client has seen lately |
//! | [`log`] | [`LogReader`]: the registration log, no record missing |
//! | [`vm`] | [`Vm`]: a table with its slots and keys: registration in the right order |
//!
//! Nothing here trusts the hardware: whatever a register reads as becomes a value or a [`DriverError`], never a panic.
//!
//! Without its default feature `std` the crate is `no_std` and needs `alloc`: all but `mapped` is there.

#![cfg_attr(not(feature = "std"), no_std)]

#[cfg_attr(not(feature = "std"), macro_use)]
extern crate alloc;

pub mod bindings;
pub mod bus;
pub mod driver;
pub mod keys;
pub mod log;
#[cfg(all(feature = "std", target_os = "linux"))]
pub mod mapped;
pub mod pool;
pub mod queue_pairs;
pub mod relocation;
pub mod slices;
pub mod vm;

pub use bindings::{BindError, Bindings};
pub use bus::{AxiError, RegisterBus};
pub use driver::{Driver, DriverError};
pub use keys::Keys;
pub use log::{LogError, LogReader};
#[cfg(all(feature = "std", target_os = "linux"))]
pub use mapped::{MappedError, MappedRegisters};
pub use pool::{NoRoom, Part, Pool};
pub use queue_pairs::{QueuePairError, QueuePairs};
pub use slices::{Relocation, Shared, SliceAllocator, SliceError};
pub use vm::{ChangeError, Registration, Vm, VmError};
