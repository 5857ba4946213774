//! Stage `table`: reads what the lookup needs of the table: its state and where its slices begin.
//!
//! ```text
//!                      ┌─────────────────────┐   ┌─────────────────┐   ┌───────┐
//!  table ─────────────▶│ table_memory (read) │──▶│ output register │──▶│ check │──▶ frozen, epoch, region_base,
//!  token: write ──────▶└─────────────────────┘   └─────────────────┘   └───────┘    region_count, slot_base
//!                                                (beyond 64 tables)  (with protection)
//! ```
//!
//! `binding` has put the update's table in the place of its token's. The token writes in the cycle in which it would read;
//! one that does not write reads the word. What a cycle without a traveller reads is not looked at.
//! The memory needs no clearing after reset: only a binding leads to it, and a binding needs a table that was set. So a
//! word that no binding led to is none that a lookup depends on, and is not told of.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, MemoryStyle, Module, ModuleBuilder};
use stagecoach_spec::latency::SMALL_TABLE_MEMORY;

use crate::bundles::{Access, Flow, Table, delay_bundle, delay_flow_by};
use crate::protect;
use crate::widths::Widths;

/// Cycles of the memory, and of its output register where it is block RAM.
fn memory_cycles(w: &Widths) -> u32 {
    if w.config.tables <= SMALL_TABLE_MEMORY { 1 } else { 2 }
}

stagecoach_hdl::bundle! {
    /// A table's word in the stage's memory. With a cuckoo CAM the slices have no bits: its entries say where they are.
    pub struct TableWord {
        /// The table is frozen.
        frozen,
        /// Every fence of the table flips it.
        epoch,
        /// First region of its slice.
        region_base,
        /// Regions in its slice.
        region_count,
        /// First slot of its slice.
        slot_base,
    }
}

stagecoach_hdl::bundle! {
    /// What `binding` found.
    pub struct Found {
        /// There is a binding, be it a corrupt one.
        known,
        /// The table it names, zero if it is corrupt.
        table,
        /// The binding fails its check. No bits without protection.
        corrupt,
    }
}

impl Widths {
    /// Field widths of [`TableWord`].
    pub fn table_memory(&self) -> Vec<u32> {
        let slices = if self.is_cuckoo() { [0; 3] } else { [self.region, self.region_count, self.slot] };
        [1, 1].into_iter().chain(slices).collect()
    }
}

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let memory_cycles = memory_cycles(w);
    let cycles = memory_cycles + w.check_cycles();
    assert_eq!(w.cycles("table"), cycles, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_table",
        "Stage table: reads the table's state and where its slices begin.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let found = Found::inputs(&m, "in", &[1, w.table, w.corrupt()]);
    let access = Access::inputs(&m, "in", &w.access());
    let commit_write = m.input("commit_write_table", 1).doc("the token in flight writes a table");
    let commit_table = m.input("commit_table", w.table).doc("table to write");
    let write_word = m.input("commit_table_word", w.coded(w.table_memory().iter().sum()));

    m.section("The memory");
    let memory = m.memory("table_memory", write_word.width(), 1 << w.table);
    let memory = if memory_cycles == 1 {
        memory.style(MemoryStyle::Distributed)
    } else {
        memory.output_register().style(MemoryStyle::Block)
    };
    memory.write(flow.token & commit_write, commit_table, write_word);
    let coded = memory.read("table_word", found.table);
    let (checked, raw) = protect::check_and_keep(&m, w, "table_check", coded);
    let word = TableWord::unpack(checked.word, &w.table_memory());

    m.section("What goes with it");
    let flow = delay_flow_by(&m, "table", flow, 1, cycles);
    delay_bundle(&m, "table", access, 1, cycles).outputs(&m, "out");
    let found = delay_bundle(&m, "table", found, 1, cycles);
    flow.outputs(&m, "out");
    Table {
        known: found.known,
        table: found.table,
        corrupt: checked.uncorrectable | found.corrupt,
        frozen: word.frozen,
        epoch: word.epoch,
        region_base: word.region_base,
        region_count: word.region_count,
        slot_base: word.slot_base,
    }
    .outputs(&m, "out");
    m.output("out_raw", raw);
    let depends = protect::unless_corrupt(flow.request & found.known, found.corrupt);
    checked.report(depends, w.check_place(found.table)).outputs(&m, "check");
    m.finish()
}
