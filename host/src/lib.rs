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
//! | [`driver`] | [`Driver`]: finds out what the controller is, gives it commands, waits for their answers |
//! | [`bindings`] | [`Bindings`]: who is reachable, with the plans that a cuckoo CAM needs |
//! | [`pool`] | [`Pool`]: who has which part of a pool that tables share |
//! | [`keys`] | [`Keys`]: keys that no client has seen lately |
//! | [`log`] | [`LogReader`]: the registration log, no record missing |
//! | [`vm`] | [`Vm`]: a table with its slots and keys: registration in the right order |
//!
//! Nothing here trusts the hardware: whatever a register reads as becomes a value or a [`DriverError`], never a panic.
//!
//! What is not here yet: a backend for registers in mapped memory.

pub mod bindings;
pub mod bus;
pub mod driver;
pub mod keys;
pub mod log;
pub mod pool;
pub mod vm;

pub use bindings::{BindError, Bindings};
pub use bus::RegisterBus;
pub use driver::{Driver, DriverError};
pub use keys::Keys;
pub use log::{LogError, LogReader};
pub use pool::{NoRoom, Part, Pool};
pub use vm::{Registration, Vm, VmError};
