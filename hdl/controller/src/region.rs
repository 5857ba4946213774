//! Stage `region`: reads the region that the key names, from the pool that all tables share out.
//!
//! ```text
//!  region address ──▶┌──────────────────────┐   ┌─────────────────┐   ┌──────────┐   ┌───────┐
//!                    │ region_memory (read) │──▶│ output register │──▶│ register │──▶│ check │──▶ region
//!  token or init ───▶└──────────────────────┘   └─────────────────┘   └──────────┘   └───────┘
//!                                                                                (with protection)
//! ```
//!
//! A token either writes the pool or reads it for `peek`; the address is the one that `slice` put in its place.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, MemoryStyle, Module, ModuleBuilder, wire};

use crate::bundles::{Early, Flow, Place, Region, delay_bundle, delay_flow_by};
use crate::protect;
use crate::slice::Riding;
use crate::table_state::{self, State};
use crate::widths::Widths;

/// Cycles of the memory, its output register, and a register half-way from the block RAMs to the comparisons.
const READ_CYCLES: u32 = 3;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let cycles = READ_CYCLES + w.check_cycles();
    assert_eq!(w.cycles("region"), cycles, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_region",
        "Stage region: reads the region that the key names, from the pool that all tables share.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let region = m.input("in_region", w.region).doc("place in the pool");
    let early = Early::inputs(&m, "in", &w.early_of_slice());
    let state = State::inputs(&m, "state", &w.table_state());
    let riding = Riding::inputs(&m, "in", &w.riding());
    let commit_write = m.input("commit_write_region", 1).doc("the token in flight writes a region");
    let init_write = m.input("init_region", 1).doc("clears a place after reset");
    let write_region = m.input("commit_region", w.region).doc("place to write");
    let write_word = m.input("commit_region_word", w.coded(w.region_word().iter().sum()));

    // Without bits where nothing is reported.
    let commit_peeks = m.input("commit_peeks", w.corrupt()).doc("the token in flight peeks at a region");

    m.section("Cycles 1 to 3: the memory, its output register, and a register on the way to the comparisons");
    let memory = m.memory("region_memory", write_word.width(), 1 << w.region);
    let memory = memory.output_register().style(MemoryStyle::Block);
    wire!(write = init_write | flow.token & commit_write);
    memory.write(write, write_region, write_word);
    wire!(read = flow.request | flow.token & !commit_write);
    let region2_word = memory.read_enabled("region2_word", read, region);
    let region3_word = m.delay("region3_word", region2_word);

    m.section("The check, and what goes with it");
    let (checked, raw) = protect::check_and_keep(&m, w, "region_check", region3_word);
    let stored = Region::unpack(checked.word, &w.region_word());
    let flow = delay_flow_by(&m, "region", flow, 1, cycles);
    // The state of the table is read beside stage slice, and checked beside this stage.
    let early = if w.is_cuckoo() {
        let joins = w.check_cycles();
        let joined = table_state::join(&m, delay_bundle(&m, "region", early, 1, joins), &state);
        delay_bundle(&m, "region", joined, 1 + joins, cycles - joins)
    } else {
        delay_bundle(&m, "region", early, 1, cycles)
    };
    let place = delay_bundle(&m, "region", Place { place: w.check_place(region) }, 1, cycles).place;
    flow.outputs(&m, "out");
    early.outputs(&m, "out");
    delay_bundle(&m, "region", riding, 1, cycles).outputs(&m, "out");
    stored.outputs(&m, "out_region");
    m.output("out_corrupt", checked.uncorrectable);
    m.output("out_raw", raw);
    let lookup = flow.request & early.in_slice & !early.settled;
    let depends = protect::reads(&m, lookup, flow.token, commit_peeks);
    checked.report(depends, place).outputs(&m, "check");
    m.finish()
}
