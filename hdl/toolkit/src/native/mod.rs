//! The in-process simulator.

mod layout;

pub use layout::{PortLayout, PortSlot, limbs_of};
