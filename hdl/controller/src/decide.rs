//! Stage `decide`: the first row of the decision table that applies, and the slot of the first byte.
//!
//! One cycle. Rows before the key come with their code. The rows from the key on travel as a bit each: their code is worked
//! out beside stage `slot`, where there is time. Whether there is anything to translate is needed earlier, so the rows that
//! are decided first are joined here, the others by `expand`. A token takes the place in the slot pool along that its
//! update means.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};

use crate::bundles::{Checked, Decided, Flow};
use crate::widths::{OFFSET, Widths};

/// Latency of the stage.
pub const CYCLES: u32 = 1;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("decide"), CYCLES, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_decide",
        "Stage decide: the first row of the decision table that applies.",
    );
    let flow = Flow::inputs(&m, "in", &w.flow());
    let checked = Checked::inputs(&m, "in", &w.checked());
    let commit_slot =
        m.input("commit_slot", w.slot).doc("place in the slot pool that the token's update means");

    m.section("The rows from the key on");
    wire!(invalid_key = checked.no_key | checked.variant_differs.any());
    wire!(other_domain = checked.pd_differs.any());
    wire!(below = joined(checked.below, checked.above));
    wire!(beyond = joined(checked.beyond, checked.within));
    wire!(misaligned = checked.odd_atomic | checked.atomic & checked.position.low(3).any());
    let corrupt = if checked.corrupt.width() == 0 { m.bit(false) } else { checked.corrupt };
    // In the order of `KeyRow`, the highest bit first.
    let rows = m.concat(&[
        misaligned,
        beyond,
        below,
        checked.wraps,
        checked.right_missing,
        other_domain,
        invalid_key,
        corrupt,
    ]);
    let refused = checked.settled | corrupt | invalid_key | other_domain;

    m.section("The first span");
    let offset = checked.position.low(OFFSET);
    let page_number = checked.position.bits(OFFSET..OFFSET + w.page_number);
    let width = w.more() + OFFSET;
    wire!(last_byte = offset.zero_extend(width) + checked.last_byte.zero_extend(width));
    let page_index = page_index(w, checked.position, checked.page_size);
    let decided = Decided {
        token: flow.token,
        tag: checked.tag,
        stream: checked.stream,
        table: checked.table,
        epoch: checked.epoch,
        settled: checked.settled,
        fault: checked.fault,
        rows,
        empty: refused | checked.right_missing | checked.wraps | checked.no_bytes,
        more: last_byte.high(w.more()),
        end: last_byte.low(OFFSET),
        page_size: checked.page_size,
        offset,
        page_number,
        crosses: crosses_page(&m, w, checked.page_size, page_number),
        slot_base: checked.slot_base.gated_by(!flow.token),
        slot_index: flow.token.select(commit_slot, page_index),
    };

    m.section("Stage register");
    wire!(arrives = flow.request | flow.token);
    m.output("out_valid", m.delay_reset("decide1_valid", arrives));
    decided.delay(&m, "decide1").outputs(&m, "out");
    m.finish()
}

/// Less in the highest part, or not greater there and less in the parts below. `greater` lacks the lowest part.
fn joined<'m>(less: Signal<'m>, greater: Signal<'m>) -> Signal<'m> {
    let upper = 1..less.width();
    upper.fold(less.bit(0), |below, part| less.bit(part) | !greater.bit(part - 1) & below)
}

/// The 4 KiB page is the last of the region's page: the next span lies in the next slot.
pub(crate) fn crosses_page<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    page_size: Signal<'m>,
    page_number: Signal<'m>,
) -> Signal<'m> {
    // Between the shifts of one size and the next, all bits are one or belong to the frame.
    let mut crosses = m.bit(true);
    for (size, shifts) in (0u32..).zip(w.config.page_shifts.windows(2)) {
        let bits = page_number.bits(shifts[0] - OFFSET..shifts[1] - OFFSET);
        crosses = crosses & (bits.all() | page_size.at_most(m.constant(page_size.width(), size)));
    }
    match w.config.page_shifts.first() {
        Some(shift) if *shift > OFFSET => crosses & page_number.low(shift - OFFSET).all(),
        _ => crosses,
    }
}

/// position >> page_shift, in as many bits as a place in the slot pool has.
fn page_index<'m>(w: &Widths, position: Signal<'m>, page_size: Signal<'m>) -> Signal<'m> {
    let choices: Vec<_> = w
        .config
        .page_shifts
        .iter()
        .map(|shift| {
            let high = (shift + w.slot).min(w.position);
            position.bits(*shift..high).zero_extend(w.slot)
        })
        .collect();
    page_size.choose(&choices)
}
