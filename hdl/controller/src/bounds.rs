//! Stage `bounds`: compares the access with the region, everything side by side in one cycle.
//!
//! The access lies in the region when va >= base and va + bound <= limit, where limit = base + length was computed
//! when the region was installed. With 65 bits nothing wraps, so these two comparisons say the same as the
//! contract's row OUT_OF_BOUNDS. Each is made of 32-bit halves that `decide` joins: less in the upper half, or not
//! greater there and less in the lower one.
//!
//! ```text
//!  va, base ───▶ low <, high <, high > ──┐
//!  limit, end ─▶ low <, high <, high > ──┤
//!  va - origin ▶ position ───────────────┼──▶ decide
//!  variant, pd, rights ▶ differ? ────────┤
//!  slot_base + first_slot ───────────────┘
//! ```

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal};
use stagecoach_spec::{Access as Rights, Op};

use crate::bundles::{Checked, Early, Flow, Region, delay_flow_by};
use crate::chunks;
use crate::codes::is;
use crate::prepare::HALF;
use crate::slice::Riding;
use crate::widths::Widths;

/// Latency of the stage.
pub const CYCLES: u32 = 1;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("bounds"), CYCLES, "the latency table and this stage agree");
    let m = ModuleBuilder::new("mapping_bounds", "Stage bounds: compares the access with the region.");
    let flow = Flow::inputs(&m, "in", &w.flow());
    let early = Early::inputs(&m, "in", &w.early());
    let riding = Riding::inputs(&m, "in", &w.riding());
    let region = Region::inputs(&m, "in_region", &w.region_word());
    let corrupt = m.input("in_corrupt", w.corrupt()).doc("the region fails its check");

    m.section("Halves of the comparisons, position, equality in chunks");
    let (va_low, va_high) = (riding.va.low(HALF), riding.va.bits(HALF..64));
    let (base_low, base_high) = (region.base.low(HALF), region.base.bits(HALF..64));
    let (end_low, end_high) = (riding.end.low(HALF), riding.end.bits(HALF..65));
    let (limit_low, limit_high) = (region.limit.low(HALF), region.limit.bits(HALF..65));
    let checked = Checked {
        tag: riding.tag,
        stream: riding.stream,
        table: early.table,
        epoch: early.epoch,
        settled: early.settled,
        fault: early.fault,
        // Outside the slice lies what the key does not name.
        corrupt: corrupt.gated_by(early.in_slice),
        no_key: !(early.in_slice & region.valid),
        variant_differs: chunks::different(&m, region.variant, riding.variant, CHUNK),
        pd_differs: chunks::different(&m, region.pd, riding.pd, CHUNK),
        right_missing: right_missing(&m, riding.op, region.rights),
        wraps: riding.wraps,
        low_below: va_low.less_than(base_low),
        high_below: va_high.less_than(base_high),
        high_above: base_high.less_than(va_high),
        low_beyond: limit_low.less_than(end_low),
        high_beyond: limit_high.less_than(end_high),
        high_within: end_high.less_than(limit_high),
        atomic: is(riding.op, Op::RemoteAtomic),
        length: riding.length,
        page_size: region.page_size,
        position: riding.va.low(w.position) - region.origin,
        slot_base: early.slot_base + region.first_slot.low(w.slot),
    };
    m.unused(region.first_slot.bits(w.slot..w.slot_count));

    m.section("Stage register");
    delay_flow_by(&m, "bounds", flow, 1, 1).outputs(&m, "out");
    checked.delay(&m, "bounds1").outputs(&m, "out");
    m.finish()
}

/// Bits that one chunk of an equality compares: a LUT level or two.
pub(crate) const CHUNK: u32 = 4;

/// The operation needs a right that the region does not give; a local read needs none.
fn right_missing<'m>(m: &'m ModuleBuilder, op: Signal<'m>, rights: Signal<'m>) -> Signal<'m> {
    let choices: Vec<_> = Op::ALL
        .iter()
        .map(|op| match op.needed_access() {
            Rights::NONE => m.bit(false),
            needed => !rights.bit(needed.bits().trailing_zeros()),
        })
        .collect();
    op.choose(&choices)
}
