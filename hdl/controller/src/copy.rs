//! Block `copy`: a register that synthesizers leave apart, one of several that hold the same value.
//!
//! A value that many places read is slow to reach them all. Copies share the fan-out, but synthesizers merge equal
//! registers; only a module that they are asked to keep holds them apart.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder};

/// Describes a copy of `width` bits; one cycle.
pub fn describe(name: &str, width: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        name,
        "Block copy: a register of its own, kept apart so that several share a large fan-out.",
    );
    m.keep_hierarchy();
    let value = m.input("value", width);
    m.output("copy", m.delay("copied", value));
    m.finish()
}

/// Describes a copy of a bit that has a value after reset; one cycle.
pub fn describe_flag(name: &str, after_reset: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        name,
        "Block copy: a register of its own, kept apart so that several share a large fan-out.",
    );
    m.keep_hierarchy();
    let value = m.input("value", 1);
    let copied = m.register("copied", 1).reset_to(after_reset);
    copied.next(value);
    m.output("copy", copied.value());
    m.finish()
}
