//! Stage `slot`: reads the page slot of a span, from the pool that all tables share out.
//!
//! ```text
//!            cycle 1                     cycle 2                 cycle 3               (with protection)
//!  slot ───▶ request? ─▶ address ──────▶┌────────────────────┐  ┌─────────────────┐  ┌───────┐
//!  update ─▶                            │ slot_memory (read) │─▶│ output register │─▶│ check │──▶ slot
//!  token or init ──────────────────────▶└────────────────────┘  └─────────────────┘  └───────┘
//! ```
//!
//! The first cycle gives the address time to reach every block RAM, and puts an update's own address in its token's
//! place. A token either writes the pool or reads it for `peek`; at the end of this stage an update is done.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, MemoryStyle, Module, ModuleBuilder, wire};

use crate::bundles::{Flow, Place, Slot, Span, delay_bundle, delay_flow_by};
use crate::protect;
use crate::widths::Widths;

/// Cycles of the address, the memory and its output register.
const READ_CYCLES: u32 = 3;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let cycles = READ_CYCLES + w.check_cycles();
    assert_eq!(w.cycles("slot"), cycles, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_slot",
        "Stage slot: reads the page slot of a span, from the pool that all tables share.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let span = Span::inputs(&m, "in", &w.span_beat());
    let slot = m.input("in_slot", w.slot).doc("place in the pool");
    let commit_write = m.input("commit_write_slot", 1).doc("the token in flight writes a slot");
    let init_write = m.input("init_slot", 1).doc("clears a place after reset");
    let write_slot = m.input("commit_slot", w.slot).doc("place to write or to peek at");
    let write_word = m.input("commit_slot_word", w.coded(w.slot_word().iter().sum()));

    // Without bits where nothing is reported.
    let commit_peeks = m.input("commit_peeks", w.corrupt()).doc("the token in flight peeks at a slot");

    m.section("Cycle 1: the address on its way to the memory");
    let slot1_flow = delay_flow_by(&m, "slot", flow, 1, 1);
    let slot1_slot = m.delay("slot1_slot", flow.token.select(write_slot, slot));

    m.section("Cycles 2 and 3: the memory and its output register");
    let memory = m.memory("slot_memory", write_word.width(), 1 << w.slot);
    let memory = memory.output_register().style(MemoryStyle::Block);
    wire!(write = init_write | slot1_flow.token & commit_write);
    memory.write(write, write_slot, write_word);
    wire!(read = slot1_flow.request | slot1_flow.token & !commit_write);
    let word = memory.read_enabled("slot3_word", read, slot1_slot);

    m.section("The check, and what goes with it");
    let (checked, raw) = protect::check_and_keep(&m, w, "slot_check", word);
    let flow = delay_flow_by(&m, "slot", slot1_flow, 2, cycles - 1);
    let span = delay_bundle(&m, "slot", span, 1, cycles);
    let place = delay_bundle(&m, "slot", Place { place: w.check_place(slot1_slot) }, 2, cycles - 1).place;
    flow.outputs(&m, "out");
    span.outputs(&m, "out");
    Slot::unpack(checked.word, &w.slot_word()).outputs(&m, "out_slot");
    m.output("out_corrupt", checked.uncorrectable);
    m.output("out_raw", raw);
    let lookup = flow.request & !span.empty;
    let depends = protect::reads(&m, lookup, flow.token, commit_peeks);
    checked.report(depends, place).outputs(&m, "check");
    m.finish()
}
