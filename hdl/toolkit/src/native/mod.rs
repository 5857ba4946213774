//! The in-process simulator.
//!
//! [`Simulator::new`] flattens a hierarchy into one graph of values (`elaborate`, `graph`, `fold`), turns that
//! into a list of simple operations on 64-bit limbs (`lower`, `select`, `assemble`, `storage`, `program`), and makes
//! machine code of it that runs a clock cycle (`compile`). The interpreter beside it is the reference, and settles
//! values for whoever looks at them between cycles: it puts operations of one kind side by side (`schedule`, `access`)
//! and runs the list (`interpret`, `wide`, `lanes`). `same` compares two such graphs. `layout` says how ports lie in the arrays that co-simulation
//! exchanges with this simulator and with Verilator alike.

mod access;
mod assemble;
mod compile;
mod elaborate;
mod fold;
mod graph;
mod interpret;
mod lanes;
mod layout;
mod lower;
mod memory;
mod program;
mod properties;
mod same;
mod schedule;
mod select;
mod simulator;
mod storage;
mod wave;
mod wide;

pub use layout::{PortLayout, PortSlot, limbs_of};
pub use properties::{Failure, MAX_FAILURES};
pub use same::is_provably_same;
pub use simulator::{Backend, InputId, Options, OutputId, Simulator, Start};
pub use wave::WaveError;
