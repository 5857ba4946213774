//! Block `walk`: clears memories place by place. After reset all of them, so that nothing is valid or present but what
//! an update makes so; for `clear_table` the table's slices of the region and the slot pool.
//!
//! ```text
//!                     ┌─ region_place: up from 0 or the slice's base, as many places as there are
//!  reset, or start ──▶├─ slot_place:   likewise
//!                     └─ place:        after reset alone, for all smaller memories
//! ```
//!
//! The three walks run side by side; `init_done` is low, and nothing is accepted, until the first is over.

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

    m.section("The pools");
    let region = Pool { name: "region", base: region_base, count: region_count, all: w.config.regions };
    let regions_left = region.describe(&m, start);
    let slot = Pool { name: "slot", base: slot_base, count: slot_count, all: w.config.slots };
    let slots_left = slot.describe(&m, start);

    m.section("The smaller memories, after reset");
    let width = place_width(w);
    let place = m.register("place", width).reset_to(0u32);
    let clears = m.register("clears", 1).reset_to(1u32);
    place.next(place.value().plus(1u32));
    clears.next(clears.value() & !place.value().all());
    m.output("clear", clears.value());
    m.port_doc("clear", "place is to be cleared in every smaller memory that has it");
    m.output("clear_place", place.value());

    m.section("Whether it is over");
    let cleared = m.register("all_cleared", 1).reset_to(0u32);
    let busy = m.delay_reset("walks", start | regions_left | slots_left);
    cleared.next(cleared.value() | !(regions_left | slots_left | clears.value()));
    m.output("init_done", m.delay_reset("init_done", cleared.value()));
    m.port_doc("init_done", "every place was cleared after reset");
    m.output("done", !busy);
    m.port_doc("done", "no slice is being cleared; low from the cycle after start");
    m.finish()
}

/// A pool whose places are cleared from some base on.
struct Pool<'m> {
    name: &'static str,
    base: Signal<'m>,
    count: Signal<'m>,
    all: u32,
}

impl<'m> Pool<'m> {
    /// Outputs `clear_<name>` and `<name>_place`; gives whether places are left.
    fn describe(self, m: &'m ModuleBuilder, start: Signal<'m>) -> Signal<'m> {
        let Pool { name, base, count, all } = self;
        let place = m.register(&format!("{name}_place"), base.width()).reset_to(0u32);
        let left = m.register(&format!("{name}s_left"), count.width()).reset_to(all);
        let some = left.value().any().named(format!("some_{name}s_left"));
        let one_less = left.value() - some.zero_extend(count.width());
        place.next(start.select(base, place.value().plus(1u32)));
        left.next(start.select(count, one_less));
        m.output(&format!("clear_{name}"), some);
        m.output(&format!("{name}_place"), place.value());
        some
    }
}
