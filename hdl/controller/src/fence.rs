//! Block `fence`: is anything under way of a table in one of its epochs?
//!
//! ```text
//!  formed  ──▶┌───────┐
//!             │ tally │── formed ──────────────────────┐
//!             └───────┘                                ▼
//!  left    ──▶┌───────┐                             ┌─────┐
//!             │ tally │── left ────┐                │  =  │──▶ drained
//!             └───────┘            ▼                └─────┘
//!  retired ──▶┌───────┐         ┌─────┐                ▲
//!             │ tally │─────────│  +  │────────────────┘
//!             └───────┘         └─────┘
//! ```
//!
//! A beat is counted when it is formed. One without bytes is done when it has left; one with bytes when its span is
//! retired. The counts are modulo 2^width, and wide enough for all that can be under way at once.
//!
//! All three tallies are looked at in the same cycle and lag equally. What left or retired was formed before; so as
//! long as beats are formed, an equality may be a passing one, but once the last is counted, it is the truth.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, InstanceHandle, Module, ModuleBuilder, Signal};
use stagecoach_spec::latency::loops::{FENCE_CYCLES, RETIRED_CYCLES};

use crate::tally::{self, Overflow, Watch};
use crate::widths::Widths;
use crate::{chunks, retire};

/// Cycles from `watch_table` and `watch_epoch` to `drained`.
pub const WATCH_CYCLES: u32 = 1 + tally::WATCH_CYCLES + 3;
/// `drained` in cycle t knows what was formed, left or retired in cycle t - this and before, and nothing later. It is
/// the truth about a pair that has been watched for [`WATCH_CYCLES`], once its last beat was formed this long ago.
pub const SETTLE_CYCLES: u32 = WATCH_CYCLES - 1 + tally::WATCH_LAG;

/// Bits of the comparison of counts before its register.
const CHUNK: u32 = 4;

const _: () = assert!(SETTLE_CYCLES == FENCE_CYCLES, "the latency table and this block agree");
const _: () = assert!(retire::RETIRED_CYCLES == RETIRED_CYCLES, "the latency table and block retire agree");

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_fence",
        &format!(
            "Block fence: is anything under way of a table in one of its epochs?\n\
             drained counts what came {SETTLE_CYCLES} cycles before it and earlier."
        ),
    );
    let event = |name: &str| {
        let event = m.input(name, 1);
        let table = m.input(&format!("{name}_table"), w.table);
        let epoch = m.input(&format!("{name}_epoch"), 1);
        (event, m.concat(&[table, epoch]))
    };
    let formed = event("formed");
    let left = event("left");
    let retired = event("retired");
    m.port_doc("formed", "a beat was formed");
    m.port_doc("left", "a beat without bytes left");
    m.port_doc("retired", "a span was retired");
    let init = m.input("init", 1).doc("clears init_place after reset; nothing is counted then");
    let init_place = m.input("init_place", w.table + 1);
    let watch_table = m.input("watch_table", w.table).doc("of whom drained speaks 8 cycles later");
    let watch_epoch = m.input("watch_epoch", 1);
    // Whoever asks stands far away, and asks for long.
    let watch_place = m.delay("watch_place", m.concat(&[watch_table, watch_epoch]));

    m.section("The counts");
    let tally = tally::describe("mapping_fence_tally", w.table + 1, w.tally, Overflow::Wrap, Watch::Yes)?;
    let count = |name: &str, (add, place): (Signal<'_>, Signal<'_>)| -> InstanceHandle<'_> {
        let counts = m.instance(name, &tally);
        counts.input("add", add).input("place", place).input("clear", m.bit(false));
        counts.input("init", init).input("init_place", init_place).input("watch_place", watch_place);
        // Nobody asks for the value before a single operation.
        m.unused(counts.output("value"));
        counts
    };
    let formed = count("formed_tally", formed).output("watched");
    let left = count("left_tally", left).output("watched");
    let retired = count("retired_tally", retired).output("watched");

    m.section("Cycles 6 to 8: all that was formed is done");
    let formed6 = m.delay("fence6_formed", formed);
    let done6 = m.delay("fence6_done", left + retired);
    let equal7 = m.delay("fence7_equal", chunks::equal(&m, formed6, done6, CHUNK));
    m.output("drained", m.delay_reset("fence8_drained", equal7.all()));
    m.finish()
}
