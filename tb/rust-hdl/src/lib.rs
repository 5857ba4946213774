//! A rust-hdl design around the blocks that `generate --rust-hdl` wrote. Its tests simulate it, and lint its Verilog.

pub mod card;

/// Preset `tiny`, as `cargo xtask rust-hdl` generates it.
#[path = "../generated/rust_hdl.rs"]
pub mod stagecoach;
