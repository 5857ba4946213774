//! Stage `slot`: reads the page slot of a span, from the pool that all tables share out.
//!
//! ```text
//!                  cycle 1     cycle 2             cycle 3               (with protection)
//!  base + index ──▶ copies ──▶┌─────────────────┐  ┌─────────────────┐  ┌───────┐
//!                             │ memories (read) │─▶│ output register │─▶│ check │──▶ slot
//!  token or init ─▶ copies ──▶└─────────────────┘  └─────────────────┘  └───────┘
//! ```
//!
//! The first cycle adds the slot's place in its region to the region's in the pool, and gives the address time to reach
//! every block RAM. A token either writes the pool or reads it for `peek`; `decide` has put its update's place in a slot's.
//! At the end of this stage an update is done. Beside the memories the rest of the span is worked out: see `span.rs`.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};

use crate::bundles::{Flow, Issued, Place, Slot, delay_bundle, delay_flow_by};
use crate::wide_memory::{self, Write};
use crate::widths::Widths;
use crate::{protect, span};

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
    let issued = Issued::inputs(&m, "in", &w.issued());
    let slot_base = m.input("in_slot_base", w.slot).doc("the region's first place in the pool");
    let slot_index = m.input("in_slot_index", w.slot).doc("place behind that");
    let commit_write = m.input("commit_write_slot", 1).doc("the token in flight writes a slot");
    // What a token carries stands still before it comes, and it comes from far away.
    let commit_write = m.delay("commit_write_here", commit_write);
    let init_write = m.input("init_slot", 1).doc("clears a place after reset");
    let write_slot = m.input("commit_slot", w.slot).doc("place to write");
    let write_word = m.input("commit_slot_word", w.coded(w.slot_word().iter().sum()));

    // Without bits where nothing is reported.
    let commit_peeks = m.input("commit_peeks", w.corrupt()).doc("the token in flight peeks at a slot");

    m.section("Cycle 1: the address on its way to the memories; cycles 2 and 3: the memories and their output registers");
    wire!(enable = init_write | flow.token & commit_write);
    let write = Write { enable, address: write_slot, word: write_word };
    wire!(address = slot_base + slot_index);
    let word = wide_memory::read(&m, "slot", address, &write)?;

    m.section("The check, and what goes with it");
    let (checked, raw) = protect::check_and_keep(&m, w, "slot_check", word);
    let flow = delay_flow_by(&m, "slot", flow, 1, cycles);
    let span = span::finished(&m, w, issued);
    let span = delay_bundle(&m, "slot", span, span::CYCLES + 1, cycles - span::CYCLES);
    let place = delay_bundle(&m, "slot", Place { place: w.check_place(address) }, 1, cycles).place;
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
