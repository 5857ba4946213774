//! Block `walk`: clears memories place by place. After reset all of them, so that nothing is valid or present but what
//! an update makes so; for `clear_table` the table's slices of the region and the slot pool.
//!
//! ```text
//!                               + base ┌──────────────┐
//!                     ┌───────┬───────▶│ region_place │──▶ clear_region
//!  reset, or start ──▶│ steps │        ├──────────────┤
//!                     └───────┘ │  …   │ slot_place   │──▶ clear_slot
//!                       0, 1 …  │      ├──────────────┤
//!                               └─────▶│ place        │──▶ clear: after reset alone, for all smaller memories
//!                        < count?      └──────────────┘
//! ```
//!
//! One counter of steps serves all three walks, which run side by side; `init_done` is low, and nothing is accepted,
//! until the first is over.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, Signal};

use crate::widths::Widths;

/// Bits of `place`: enough for every memory that is only cleared after reset.
pub fn place_width(w: &Widths) -> u32 {
    // Tables (twice as many tallies, sixteen times as many counters), bindings, words of the dirty pool.
    (w.table + 4).max(w.binding).max(w.dirty)
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_walk",
        "Block walk: clears every memory after reset, and a table's slices for clear_table.",
    );
    let start = m.input("start", 1).doc("begins to clear the slices of a table");
    let region_base = m.input("region_base", w.region);
    let region_count = m.input("region_count", w.region_count);
    let slot_base = m.input("slot_base", w.slot);
    let slot_count = m.input("slot_count", w.slot_count);

    m.section("The steps: as many as the longest walk has, and some that nobody minds");
    let small = place_width(w);
    let width = small.max(w.region_count).max(w.slot_count) + 1;
    let initial = m.register("after_reset", 1).reset_to(1u32);
    let is_over = m.wire("is_over", 1);
    initial.next(initial.value() & !is_over);
    let steps_on = m.register("steps_on", 1).reset_to(1u32);
    let step = m.register("step", width).reset_to(0u32);
    step.next(step.value().plus(1u32).gated_by(!start));
    let step2_on = m.delay_reset("step2_on", steps_on.value());

    m.section(
        "The walks: is the step one of theirs, and where is it? A cycle later; and clear it, another later",
    );
    let walk = |name: &str, base: Signal<'_>, count: Signal<'_>, all: u32| {
        let initial = initial.value();
        let held_base = m.register(&format!("{name}_base_held"), base.width()).reset_to(0u32);
        held_base.next(base.gated_by(!initial));
        let held_count = m.register(&format!("{name}_count_held"), count.width()).reset_to(all);
        held_count.next(initial.select(m.constant(count.width(), all), count));
        let (base, count) = (held_base.value(), held_count.value());
        let inside = step.value().less_than(count.zero_extend(width));
        let inside = m.delay(&format!("step2_in_{name}s"), inside);
        let place = m.delay(&format!("step2_{name}"), base + step.value().low(base.width()));
        m.output(&format!("clear_{name}"), m.delay_reset(&format!("{name}_clears"), step2_on & inside));
        m.output(&format!("{name}_place"), m.delay(&format!("{name}_cleared"), place));
        inside
    };
    let in_regions = walk("region", region_base, region_count, w.config.regions);
    let in_slots = walk("slot", slot_base, slot_count, w.config.slots);
    let in_small = m.delay("step2_in_small", initial.value() & !step.value().high(width - small).any());
    let place = m.delay("step2_small", step.value().low(small));
    m.output("clear", m.delay_reset("small_clears", step2_on & in_small));
    m.port_doc("clear", "place is to be cleared in every smaller memory that has it");
    m.output("clear_place", m.delay("small_cleared", place));

    m.section("Whether it is over");
    is_over.drive(step2_on & !(in_regions | in_slots | in_small));
    steps_on.next(start | (steps_on.value() & !is_over));
    let cleared = m.register("all_cleared", 1).reset_to(0u32);
    cleared.next(cleared.value() | is_over);
    m.output("init_done", m.delay_reset("init_done", cleared.value()));
    m.port_doc("init_done", "every place was cleared after reset");
    m.output("done", !m.delay_reset("walks", start | steps_on.value()));
    m.port_doc("done", "no slice is being cleared; low from the cycle after start");
    m.finish()
}
