//! Block `init`: walks through every stored entry after reset, so that nothing is valid or present but what an
//! update makes so. `init_done` is low, and nothing is accepted, until it is over: as many cycles as the largest
//! pool has places.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, wire};

use crate::widths::Widths;

/// Bits of the walk's counter: those of the largest pool's places.
pub fn counter_width(w: &Widths) -> u32 {
    w.region.max(w.slot).max(w.table).max(w.binding)
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("mapping_init", "Block init: walks through every stored entry after reset.");
    let width = counter_width(w);
    let place = m.register("place", width).reset_to(0u32);
    let done = m.register("done", 1).reset_to(0u32);
    wire!(at_last = place.value().all());
    place.next(place.value().plus(1u32));
    done.next(done.value() | at_last);
    m.output("clear", !done.value());
    m.port_doc("clear", "place is to be cleared in every memory that has it");
    m.output("clear_place", place.value());
    m.output("init_done", m.delay_reset("init_done", done.value()));
    m.port_doc("init_done", "every place is clear");
    m.finish()
}
