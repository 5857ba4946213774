//! Verilator and Icarus Verilog as engines for described modules.
//!
//! - [`tools`] finds the two simulators and the C++ compiler.
//! - [`build`] turns a module into a shared object: Verilog, a C++ [`shim`] written from the same ports, one
//!   Verilator run, and a content-addressed cache that parallel tests and processes may share.
//! - [`Model`] is one simulated instance: one call per clock cycle with the limb layout of
//!   [`stagecoach_hdl::native::PortLayout`], so a test bench drives it and the native simulator alike.
//! - [`coverage`] reads which lines a simulation has executed.
//! - [`structs`] writes Rust structs with a field per port for those who prefer names to offsets.
//! - [`icarus`] runs vectors through Icarus Verilog; [`batch`] wraps many small designs into one.
//! - [`lint`] asks both tools for warnings.

pub mod batch;
pub mod build;
mod cache;
pub mod coverage;
mod error;
pub mod icarus;
pub mod lint;
mod model;
mod process;
pub mod shim;
pub mod structs;
pub mod tools;

pub use build::{Coverage, Initial, Optimise, Options, SourceFile};
pub use coverage::{CoverageData, FileCoverage};
pub use error::Error;
pub use model::{Library, Model};
pub use structs::PortStruct;
