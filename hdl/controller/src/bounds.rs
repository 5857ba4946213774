//! Stage `bounds`: compares the access with the region, everything side by side in one cycle.
//!
//! The access lies in the region when va >= base and va + bound <= limit, where limit = base + length was computed
//! when the region was installed. With 65 bits nothing wraps, so these two comparisons say the same as the
//! contract's row OUT_OF_BOUNDS. Each is made of 16-bit parts that `decide` joins: less in the highest part, or not
//! greater there and less in the parts below.
//!
//! ```text
//!  va, base ───▶ part by part <, > ──────┐
//!  limit, end ─▶ part by part <, > ──────┤
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

    m.section("Parts of the comparisons, position, equality in chunks");
    let (va, base) = (parts(riding.va), parts(region.base));
    let (end, limit) = (parts(riding.end), parts(region.limit));
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
        below: less(&m, "below", &va, &base),
        above: less(&m, "above", &base[1..], &va[1..]),
        beyond: less(&m, "beyond", &limit, &end),
        within: less(&m, "within", &end[1..], &limit[1..]),
        atomic: is(riding.op, Op::RemoteAtomic),
        odd_atomic: riding.odd_atomic,
        no_bytes: riding.no_bytes,
        last_byte: riding.last_byte,
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

/// Parts in which addresses are compared, so many bits each; the highest also has bit 64 where there is one.
pub(crate) const PARTS: u32 = 4;
const PART: u32 = 16;

/// The parts of an address, the lowest first.
fn parts(address: Signal<'_>) -> Vec<Signal<'_>> {
    let end_of = |part: u32| if part + 1 == PARTS { address.width() } else { (part + 1) * PART };
    (0..PARTS).map(|part| address.bits(part * PART..end_of(part))).collect()
}

/// The borrow of a subtraction: less on the left. Synthesizers make one chain of the comparisons `<` and `>` of the same
/// operands, and a LUT or two behind it; they leave subtractions apart.
fn borrow<'m>(left: Signal<'m>, right: Signal<'m>, name: &str) -> Signal<'m> {
    let width = left.width() + 1;
    let difference = (left.zero_extend(width) - right.zero_extend(width)).named(name);
    left.builder().unused(difference.low(width - 1));
    difference.bit(width - 1)
}

/// One bit per part: it is less on the left.
fn less<'m>(m: &'m ModuleBuilder, name: &str, left: &[Signal<'m>], right: &[Signal<'m>]) -> Signal<'m> {
    let parts = (0u32..).zip(left.iter().zip(right));
    let borrows = parts.map(|(part, (left, right))| borrow(*left, *right, &format!("{name}_part{part}")));
    let bits: Vec<_> = borrows.collect::<Vec<_>>().into_iter().rev().collect();
    m.concat(&bits)
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
