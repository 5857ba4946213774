//! Block `event_counter`: counts events, several a cycle, and stops at its top.
//!
//! ```text
//!             cycle 1                cycle 2
//!  events ──▶┌──────────────┐  ──▶ ┌──────────┐
//!            │ how many now │   +  │ count    │──▶ count
//!            └──────────────┘  ┌──▶└──────────┘──┐
//!                              └─────────────────┘
//! ```

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, Signal, index_width, wire};

/// Cycles from an event to the count that has it.
pub const CYCLES: u32 = 2;

/// Describes a counter of `width` bits for `events` (at least 1) events, which may come together. `width` is enough
/// to say `events`.
pub fn describe(name: &str, width: u32, events: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(name, "Block event_counter: counts events; stops at its top.");
    let happened = m.input("events", events).doc("one bit per event");

    m.section("Cycle 1: how many events come together");
    let now = m.delay_reset("now", ones(happened, index_width(u64::from(events) + 1)));

    m.section("Cycle 2: the count");
    let count = m.register("count", width).reset_to(0u32);
    wire!(sum = count.value().zero_extend(width + 1) + now.zero_extend(width + 1));
    count.next(sum.low(width) | sum.bit(width).repeat(width));
    m.output("total", count.value());
    m.finish()
}

/// How many bits are one, in `width` bits, as a tree of adders.
fn ones(bits: Signal<'_>, width: u32) -> Signal<'_> {
    if bits.width() == 1 {
        return bits.zero_extend(width);
    }
    let half = bits.width() / 2;
    ones(bits.low(half), width) + ones(bits.high(bits.width() - half), width)
}
