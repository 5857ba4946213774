//! Stage `region`: reads the region that the key names, from the pool that all tables share out.
//!
//! ```text
//!                   (slice)      cycle 1                 cycle 2             cycle 3
//!  region address ──▶ copies ──▶┌──────────────────┐   ┌─────────────────┐   ┌──────────┐   ┌───────┐
//!                               │ memories (read)  │──▶│ output register │──▶│ register │──▶│ check │──▶ region
//!  token or init ───▶ copies ──▶└──────────────────┘   └─────────────────┘   └──────────┘   └───────┘
//!                                                                                        (with protection)
//! ```
//!
//! The copies of the address stand beside the last register of `slice` and are loaded like it. A token either writes the
//! pool or reads it for `peek`; the address is the one that `slice` put in its place. What is written is as late as the
//! copies, also when a place is cleared.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};

use crate::bundles::{Early, Flow, Place, Region, delay_bundle, delay_flow_by};
use crate::protect;
use crate::slice::Riding;
use crate::table_state::{self, State};
use crate::wide_memory::{self, Write};
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
    let region = m.input("ahead_region", w.region).doc("place in the pool, a cycle before the rest");
    let ahead_token = m.input("ahead_token", 1).doc("a cycle before in_token");
    let early = Early::inputs(&m, "in", &w.early_of_slice());
    let state = State::inputs(&m, "state", &w.table_state());
    let riding = Riding::inputs(&m, "in", &w.riding());
    let commit_write = m.input("commit_write_region", 1).doc("the token in flight writes a region");
    // What a token carries stands still before it comes, and it comes from far away.
    let commit_write = m.delay("commit_write_here", commit_write);
    let init_write = m.input("init_region", 1).doc("clears a place after reset");
    let write_region = m.input("commit_region", w.region).doc("place to write");
    let write_word = m.input("commit_region_word", w.coded(w.region_word().iter().sum()));

    // Without bits where nothing is reported.
    let commit_peeks = m.input("commit_peeks", w.corrupt()).doc("the token in flight peeks at a region");

    m.section(
        "Cycles 1 to 3: the memories, their output registers, and a register on the way to the comparisons",
    );
    wire!(enable = init_write | ahead_token & commit_write);
    let write = Write { enable, address: write_region, word: write_word };
    let region2_word = wide_memory::read(&m, "region", region, &write)?;
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
    let place = delay_bundle(&m, "region", Place { place: w.check_place(region) }, 0, cycles + 1).place;
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
