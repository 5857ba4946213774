//! Stage `table` of a cuckoo CAM, beside stage `slice`: reads the table's state, frozen and epoch. Where its slices begin,
//! the CAM's entry said already.
//!
//! ```text
//!  table ─▶ request? ─▶┌─────────────────────┐   ┌──────────┐   ┌───────┐
//!  update's table ────▶│ table_memory (read) │──▶│ register │──▶│ check │──▶ frozen, epoch
//!  token: write ──────▶└─────────────────────┘   └──────────┘   └───────┘
//!                                                          (with protection)
//! ```
//!
//! A request spends no cycle in it: the state joins what `slice` found where stage `region` begins. A token that does not
//! write reads the word of the update's table (with protection alone: nobody else looks at it).

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, MemoryStyle, Module, ModuleBuilder};
use stagecoach_spec::latency::SMALL_TABLE_MEMORY;
use stagecoach_spec::{Fault, Protection};

use crate::bundles::{Early, Flow, delay_bundle, delay_flow_by};
use crate::codes::code;
use crate::protect;
use crate::slice;
use crate::table::{Found, TableWord};
use crate::widths::Widths;

stagecoach_hdl::bundle! {
    /// The state of the table that was found. All zero if there is none.
    pub struct State {
        /// The table is frozen.
        frozen,
        /// The table's epoch.
        epoch,
        /// The word fails its check. No bits without protection.
        corrupt,
    }
}

impl Widths {
    /// Field widths of [`State`]: none with a CAM of registers.
    pub fn table_state(&self) -> Vec<u32> {
        if self.is_cuckoo() { vec![1, 1, self.corrupt()] } else { vec![0, 0, 0] }
    }
}

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("table"), 0, "the latency table and this stage agree");
    let m = ModuleBuilder::new("mapping_table", "Stage table, beside stage slice: reads the table's state.");
    let flow = Flow::inputs(&m, "in", &w.flow());
    let found = Found::inputs(&m, "in", &[1, w.table, w.corrupt()]);
    let commit_write = m.input("commit_write_table", 1).doc("the token in flight writes a table");
    let commit_table = m.input("commit_table", w.table).doc("table to write or to read");
    let write_word = m.input("commit_table_word", w.coded(w.table_memory().iter().sum()));

    m.section("The memory, as long as stage slice");
    let memory = m.memory("table_memory", write_word.width(), 1 << w.table).output_register();
    let small = w.config.tables <= SMALL_TABLE_MEMORY;
    let memory = memory.style(if small { MemoryStyle::Distributed } else { MemoryStyle::Block });
    memory.write(flow.token & commit_write, commit_table, write_word);
    let place = match w.config.protection {
        Protection::None => found.table,
        _ => flow.token.select(commit_table, found.table),
    };
    let coded = memory.read("table_word", place);
    let (checked, raw) = protect::check_and_keep(&m, w, "table_check", coded);
    let word = TableWord::unpack(checked.word, &w.table_memory());

    m.section("What goes with it");
    let cycles = slice::CYCLES + w.check_cycles();
    let flow = match w.config.protection {
        Protection::None => {
            // Nothing is reported, and there is no word for a token to read.
            m.unused(flow.request);
            Flow { request: m.zero(0), token: m.zero(0) }
        }
        _ => delay_flow_by(&m, "table", flow, 1, cycles),
    };
    let found = Found { table: w.check_place(found.table), ..found };
    let found = delay_bundle(&m, "table", found, 1, cycles);
    let bound = protect::unless_corrupt(found.known, found.corrupt).named("bound");
    let sound = protect::unless_corrupt(bound, checked.uncorrectable).named("sound");
    State {
        frozen: word.frozen & sound,
        epoch: word.epoch & sound,
        corrupt: checked.uncorrectable.gated_by(bound),
    }
    .outputs(&m, "state");
    let depends = if flow.request.width() == 0 { m.zero(0) } else { flow.request & bound };
    checked.report(depends, found.table).outputs(&m, "check");
    m.output("out_token", flow.token);
    m.output("out_raw", raw);
    m.finish()
}

/// FROZEN and TABLE_CORRUPT among the rows that `slice` decided: they come before all but UNKNOWN_NETWORK and a corrupt
/// binding, of which there is no state.
#[track_caller]
pub(crate) fn join<'m>(m: &'m ModuleBuilder, early: Early<'m>, state: &State<'m>) -> Early<'m> {
    let fault = state.frozen.select(code(m, Fault::Frozen), early.fault);
    Early {
        epoch: state.epoch,
        settled: protect::or_corrupt(early.settled | state.frozen, state.corrupt),
        fault: protect::if_corrupt(state.corrupt, code(m, Fault::TableCorrupt), fault),
        ..early
    }
}
