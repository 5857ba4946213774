//! Block `event_counter`: counts events, several a cycle, and stops at its top.
//!
//! ```text
//!             cycles 1, 2            cycle 3         cycle 4
//!  events ──▶┌──────────────┐  ──▶ ┌─────────┐ ──▶ ┌──────────┐
//!            │ how many now │   +  │ lower   │carry│ upper    │──▶ total
//!            └──────────────┘  ┌──▶└─────────┘──┐  └──────────┘
//!                              └────────────────┘
//! ```

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, index_width};

/// Cycles from an event to the count that has it.
pub const CYCLES: u32 = 4;
/// Bits of the lower part.
const LOWER: u32 = 16;
/// Events that are counted together in one cycle.
const GROUP: usize = 4;

/// Describes a counter of `width` bits for `events` (at least 1) events, which may come together. `width` is enough
/// to say `events`.
pub fn describe(name: &str, width: u32, events: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(name, "Block event_counter: counts events; stops at its top.");
    let happened = m.input("events", events).doc("one bit per event");

    m.section("Cycles 1 and 2: how many events come together, in groups, then of all");
    let now_width = index_width(u64::from(events) + 1);
    let happened: Vec<_> = (0..events).map(|event| happened.bit(event)).collect();
    let groups = happened.chunks(GROUP).enumerate().map(|(number, group)| {
        let name = format!("group{number}");
        let counts: Vec<_> =
            (0..1u32 << group.len()).map(|value| m.constant(now_width.max(3), value.count_ones())).collect();
        m.delay_reset(&format!("{name}_now"), m.concat(group).named(&name).choose(&counts))
    });
    let now = groups.reduce(|a, b| a + b).expect("there are events");
    let now = m.delay_reset("now", now);

    m.section("Cycle 3: the lower part, and its carry");
    let low = width.min(LOWER);
    let sum_width = low.max(now.width()) + 1;
    let lower = m.register("lower", low).reset_to(0u32);
    let sum = (lower.value().zero_extend(sum_width) + now.zero_extend(sum_width)).named("lower_sum");
    lower.next(sum.low(low));
    let carry = m.delay_reset("carry", sum.bits(low..sum_width).any());

    m.section("Cycle 4: the upper part; beyond its top, all stays at the top");
    let upper = m.register("upper", width - low).reset_to(0u32);
    upper.next(upper.value() + carry.low(u32::from(width > low)).zero_extend(width - low));
    let full = m.register("full", 1).reset_to(0u32);
    full.next(full.value() | carry & upper.value().all());
    let lower4 = m.delay_reset("lower4", lower.value());
    m.output("total", m.concat(&[upper.value(), lower4]) | full.value().repeat(width));
    m.finish()
}
