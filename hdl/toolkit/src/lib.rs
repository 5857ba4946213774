//! Describe synchronous RTL by running Rust.
//!
//! Rust functions, structs and loops are the metaprogramming; what they build is a plain [`netlist`] with
//! several readers: the Verilog writer ([`verilog`]), the in-process simulator ([`native`]) and the structural
//! [`checks`]. [`mutate`] makes wrong variants of it, to try out tests.
//!
//! ```
//! use stagecoach_hdl::{ModuleBuilder, wire};
//!
//! let m = ModuleBuilder::new("event_counter", "Counts events; stops at the top.");
//! let event = m.input("event_seen", 1).doc("one event this cycle");
//! let count = m.register("count", 8).reset_to(0u32);
//! wire!(at_top = count.value().all());
//! wire!(counts = event & !at_top);
//! count.next(counts.select(count.value().plus(1u32), count.value()));
//! m.output("count", count.value());
//! let module = m.finish().expect("the description is sound");
//! assert_eq!(module.ports.len(), 2);
//! ```

mod builder;
mod bundle;
pub mod checks;
mod encoders;
mod enumeration;
mod error;
mod handles;
pub mod mutate;
pub mod native;
pub mod netlist;
pub mod noise;
mod signal;
pub mod verilog;

pub use builder::ModuleBuilder;
pub use bundle::Bundle;
pub use encoders::index_width;
pub use enumeration::Enumeration;
pub use error::{DesignError, DesignErrors};
pub use handles::{InstanceHandle, MemoryHandle, RegisterHandle};
pub use netlist::{MAX_WIDTH, MemoryStyle, Module};
pub use num_bigint::BigUint;
pub use signal::Signal;
