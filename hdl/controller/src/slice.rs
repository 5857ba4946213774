//! Stage `slice`: the key's index within the table's region slice, and the rows of the decision table before the key.
//!
//! ```text
//!            cycle 1                                     cycle 2
//!  key ────▶ index < region_count ─────────────────────▶
//!            region_base + index ────────────▶ request? ▶ region address (ahead of the rest)
//!                                   update's address ──▶
//!  known, corrupt, frozen, invalid, unchecked ─▶ first row ─▶ settled, fault
//! ```
//!
//! The second cycle puts an update's own address in its token's place, and gives the address time to reach the block RAMs
//! of the region memory: its copies stand in stage `region`, and are loaded in this cycle.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Fault;

use crate::bundles::{Access, Early, Flow, Table, delay_bundle, delay_flow_by, key_index};
use crate::codes::code;
use crate::protect;
use crate::widths::{KEY_INDEX, VA, Widths, fit};

/// Latency of the stage.
pub const CYCLES: u32 = 2;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("slice"), CYCLES, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_slice",
        "Stage slice: places the key's index in the table's region slice;\n\
         decides the rows of the decision table that come before the key.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let found = Table::inputs(&m, "in", &w.table_word());
    let access = Access::inputs(&m, "in", &w.access());
    let commit_region =
        m.input("commit_region", w.region).doc("place in the region pool that an update means");

    // From a register of `update`, to copies.
    m.combinational_path("commit_region", "ahead_region");

    m.section("Cycle 1: index against the slice; the rows before the key");
    let width = KEY_INDEX.max(w.region_count);
    let index = key_index(access.key);
    let in_slice = index.zero_extend(width).less_than(found.region_count.zero_extend(width));
    // Where the index is wider than a place in the pool, it is outside the slice, and the place means nothing.
    let place = found.region_base + fit(index, w.region);
    let early = early_rows(&m, &found, access.invalid, access.unchecked, in_slice);
    let slice1 = early.delay(&m, "slice1");
    let slice1_flow = delay_flow_by(&m, "slice", flow, 1, 1);
    let slice1_region = m.delay("slice1_region", place);

    m.section("Cycle 2: the address on its way to the region memory");
    m.output("ahead_region", slice1_flow.token.select(commit_region, slice1_region));
    m.port_doc("ahead_region", "place in the pool, a cycle before out_request or out_token");
    m.output("ahead_token", slice1_flow.token);
    m.port_doc("ahead_token", "a cycle before out_token");
    slice1.delay(&m, "slice2").outputs(&m, "out");
    delay_flow_by(&m, "slice", slice1_flow, 2, 1).outputs(&m, "out");

    let access = Riding::of(&access);
    delay_bundle(&m, "slice", access, 1, CYCLES).outputs(&m, "out");
    m.finish()
}

/// UNKNOWN_NETWORK, TABLE_CORRUPT, FROZEN (if the table's state is known), INVALID_REQUEST, then GRANTED without a look at the key.
fn early_rows<'m>(
    m: &'m ModuleBuilder,
    found: &Table<'m>,
    invalid: Signal<'m>,
    unchecked: Signal<'m>,
    in_slice: Signal<'m>,
) -> Early<'m> {
    let fault = |fault: Fault| code(m, fault);
    wire!(unknown = !found.known);
    let rows = invalid.select(fault(Fault::InvalidRequest), fault(Fault::Granted));
    // With a cuckoo CAM the table's state is not known yet: `table_state::join` adds its rows.
    let (rows, refuses, epoch) = match found.frozen.width() {
        0 => (rows, unknown | invalid, found.epoch),
        _ => {
            let epoch = protect::unless_corrupt(found.epoch & found.known, found.corrupt);
            let rows = found.frozen.select(fault(Fault::Frozen), rows);
            (rows, unknown | found.frozen | invalid, epoch)
        }
    };
    let rows = protect::if_corrupt(found.corrupt, fault(Fault::TableCorrupt), rows);
    wire!(early_fault = unknown.select(fault(Fault::UnknownNetwork), rows));
    Early {
        table: found.table.gated_by(found.known),
        epoch,
        settled: protect::or_corrupt(refuses | unchecked, found.corrupt),
        fault: early_fault,
        in_slice,
        slot_base: found.slot_base,
    }
}

stagecoach_hdl::bundle! {
    /// What of the request goes on beyond this stage.
    pub struct Riding {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// Protection domain of the asker.
        pd,
        /// Operation.
        op,
        /// Variant of the key.
        variant,
        /// First byte.
        va,
        /// va + bound.
        end,
        /// va + bound exceeds 2^64.
        wraps,
        /// Bytes to translate, less one.
        last_byte,
        /// No bytes to translate.
        no_bytes,
        /// An atomic on other than eight bytes.
        odd_atomic,
    }
}

impl<'m> Riding<'m> {
    fn of(access: &Access<'m>) -> Riding<'m> {
        let Access { tag, stream, pd, op, va, end, end_parts, last_byte, no_bytes, odd_atomic, .. } = *access;
        Riding {
            tag,
            stream,
            pd,
            op,
            variant: crate::bundles::key_variant(access.key),
            va,
            end,
            wraps: end.bit(VA) & end_parts.any(),
            last_byte,
            no_bytes,
            odd_atomic,
        }
    }
}

impl Widths {
    /// Field widths of [`Riding`].
    pub fn riding(&self) -> Vec<u32> {
        let c = &self.config;
        vec![c.tag_bits, c.stream_bits, c.pd_bits, 3, 8, 64, 65, 1, self.last_byte(), 1, 1]
    }
}
