//! Stage `decide`: the first row of the decision table that applies, and the slot of the first byte.
//!
//! One cycle. The rows up to ADDRESS_WRAP give a code by priority; OUT_OF_BOUNDS and MISALIGNED_ATOMIC come later
//! out of the comparisons, so they travel as flags of their own, which `expand` joins.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Fault;

use crate::bundles::{Checked, Decided, Flow};
use crate::codes::code;
use crate::protect;
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

    m.section("The rows up to ADDRESS_WRAP");
    let fault = |fault: Fault| code(&m, fault);
    wire!(invalid_key = checked.no_key | checked.variant_differs.any());
    wire!(other_domain = checked.pd_differs.any());
    let rows = checked.wraps.select(fault(Fault::AddressWrap), fault(Fault::Granted));
    let rows = checked.right_missing.select(fault(Fault::AccessRights), rows);
    let rows = other_domain.select(fault(Fault::ProtectionDomain), rows);
    let rows = invalid_key.select(fault(Fault::InvalidKey), rows);
    let rows = protect::if_corrupt(checked.corrupt, fault(Fault::TableCorrupt), rows);
    wire!(early_fault = checked.settled.select(checked.fault, rows));
    let key_refused = invalid_key | other_domain | checked.right_missing | checked.wraps;
    wire!(early_end = checked.settled | protect::or_corrupt(key_refused, checked.corrupt));

    m.section("The rows behind it");
    wire!(below = checked.high_below | (!checked.high_above & checked.low_below));
    wire!(beyond = checked.high_beyond | (!checked.high_within & checked.low_beyond));
    wire!(outside = below | beyond);
    let unaligned = checked.position.low(3).any() | checked.length.differs(m.constant(w.length, 8u32));
    wire!(misaligned = checked.atomic & unaligned);

    m.section("The first span");
    let offset = checked.position.low(OFFSET);
    let page_number = checked.position.bits(OFFSET..OFFSET + w.page_number);
    let decided = Decided {
        token: flow.token,
        tag: checked.tag,
        stream: checked.stream,
        table: checked.table,
        epoch: checked.epoch,
        early_fault,
        early_end,
        outside,
        misaligned,
        // A settled row is a fault, or a grant without bytes.
        empty: early_end | outside | misaligned | !checked.length.any(),
        length: checked.length,
        fits: fits(&m, w, offset, checked.length),
        page_size: checked.page_size,
        offset,
        page_number,
        crosses: crosses_page(&m, w, checked.page_size, page_number),
        slot: checked.slot_base + page_index(w, checked.position, checked.page_size),
    };

    m.section("Stage register");
    wire!(arrives = flow.request | flow.token);
    m.output("out_valid", m.delay_reset("decide1_valid", arrives));
    decided.delay(&m, "decide1").outputs(&m, "out");
    m.finish()
}

/// The whole access lies in its first 4 KiB page: offset + length <= 4096.
fn fits<'m>(m: &'m ModuleBuilder, w: &Widths, offset: Signal<'m>, length: Signal<'m>) -> Signal<'m> {
    let width = w.length.max(OFFSET) + 1;
    let end = offset.zero_extend(width) + length.zero_extend(width);
    end.at_most(m.constant(width, 1u32 << OFFSET))
}

/// The 4 KiB page is the last of the region's page: the next span lies in the next slot.
pub(crate) fn crosses_page<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    page_size: Signal<'m>,
    page_number: Signal<'m>,
) -> Signal<'m> {
    let last = |shift: &u32| match shift - OFFSET {
        0 => m.bit(true),
        inside => page_number.low(inside).all(),
    };
    page_size.choose(&w.config.page_shifts.iter().map(last).collect::<Vec<_>>())
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
