//! Stage `table`: reads what the lookup needs of the table: its state and where its slices begin.
//!
//! ```text
//!  table ─────────▶┌─────────────────────┐   ┌─────────────────┐
//!                  │ table_memory (read) │──▶│ output register │──▶ frozen, region_base, region_count, slot_base
//!  token: write ──▶└─────────────────────┘   └─────────────────┘
//!                                             (beyond 64 tables)
//! ```
//!
//! The token writes in the cycle in which it would read. The memory needs no clearing after reset: only a binding
//! leads to it, and a binding needs a table that was set.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, MemoryStyle, Module, ModuleBuilder};
use stagecoach_spec::latency::SMALL_TABLE_MEMORY;

use crate::bundles::{Access, Flow, Table, delay_bundle, delay_flow_by};
use crate::widths::Widths;

/// Latency of the stage: the memory, and its output register where it is block RAM.
fn cycles(w: &Widths) -> u32 {
    if w.config.tables <= SMALL_TABLE_MEMORY { 1 } else { 2 }
}

stagecoach_hdl::bundle! {
    /// A table's word in the stage's memory.
    pub struct TableWord {
        /// The table is frozen.
        frozen,
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
        /// There is a binding.
        known,
        /// The table it names.
        table,
    }
}

impl Widths {
    /// Field widths of [`TableWord`].
    pub fn table_memory(&self) -> Vec<u32> {
        vec![1, self.region, self.region_count, self.slot]
    }
}

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let cycles = cycles(w);
    assert_eq!(w.cycles("table"), cycles, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_table",
        "Stage table: reads the table's state and where its slices begin.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let known = m.input("in_known", 1);
    let table = m.input("in_table", w.table);
    let access = Access::inputs(&m, "in", &w.access());
    let write = m.input("commit_table_word", 1).doc("the token in flight writes a table");
    let write_table = m.input("commit_table", w.table).doc("which");
    let write_word = TableWord::inputs(&m, "commit", &w.table_memory());

    m.section("The memory");
    let word = write_word.pack(&m);
    let memory = m.memory("table_memory", word.width(), 1 << w.table);
    let memory = if cycles == 1 {
        memory.style(MemoryStyle::Distributed)
    } else {
        memory.output_register().style(MemoryStyle::Block)
    };
    memory.write(flow.token & write, write_table, word);
    let word = TableWord::unpack(memory.read_enabled("table_word", flow.request, table), &w.table_memory());

    m.section("What goes with it");
    delay_flow_by(&m, "table", flow, 1, cycles).outputs(&m, "out");
    delay_bundle(&m, "table", access, 1, cycles).outputs(&m, "out");
    let found = delay_bundle(&m, "table", Found { known, table }, 1, cycles);
    Table {
        known: found.known,
        table: found.table,
        frozen: word.frozen,
        region_base: word.region_base,
        region_count: word.region_count,
        slot_base: word.slot_base,
    }
    .outputs(&m, "out");
    m.finish()
}
