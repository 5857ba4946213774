//! Block `install_check`: the arithmetic of `install`, off the lookup path.
//!
//! A region is stored as the lookup wants it: limit = base + length and origin = base - first_offset. Its arguments
//! stand still while this block, a pipeline that always runs, works them out; `update` waits [`CYCLES`] cycles.
//!
//! ```text
//!            cycles 1, 2               3, 4                     5                6          7
//!  extent = length + first_offset ─▶ + page size - 1 ─▶ pages: >> page_shift ─▶ + first_slot ─▶ > slot_count
//!  limit  = base + length
//! ```

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, Signal, wire};

use crate::prepare::HALF;
use crate::widths::{OFFSET, Widths, fit};

/// Cycles from standing arguments to standing results.
pub const CYCLES: u32 = 7;

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("mapping_install_check", "Block install_check: the arithmetic of install.");
    let base = m.input("base", 64);
    let length = m.input("length", 64);
    let first_offset = m.input("first_offset", 32);
    let page_size = m.input("page_size", w.page_size);
    let first_slot = m.input("first_slot", 32);
    let slot_count = m.input("slot_count", w.slot_count);

    m.section("limit = base + length; origin = base - first_offset");
    let limit = sum(&m, "limit", base, length);
    wire!(wraps = limit.bit(64) & limit.low(64).any());
    m.output("limit", limit);
    m.output("address_wrap", m.delay("address_wraps", wraps));
    let origin = base.low(w.position) - fit(first_offset, w.position);
    m.output("origin", m.delay("region_origin", origin));

    m.section(
        "first_offset lies in the first page and agrees with the base, unless the region is zero-based",
    );
    let pages: Vec<_> =
        w.config.page_shifts.iter().map(|shift| first_offset.bits(*shift..32).any()).collect();
    let beyond_page = m.delay("offset_beyond_page", page_size.choose(&pages));
    let congruent = m.delay("offset_congruent", first_offset.low(OFFSET).equals(base.low(OFFSET)));
    let zero_based = m.delay("zero_based", !base.any());
    m.output("bad_offset", m.delay("offset_is_bad", beyond_page | !(congruent | zero_based)));

    m.section("Slots needed: extent in whole pages, none for a region without bytes");
    let extent = sum(&m, "extent", length, first_offset.zero_extend(64));
    let masks: Vec<_> =
        w.config.page_shifts.iter().map(|shift| m.constant(65, (1u64 << shift) - 1)).collect();
    let page_mask = m.delay("page_mask", page_size.choose(&masks));
    let rounded = sum(&m, "rounded", extent, page_mask);
    let shifted: Vec<_> =
        w.config.page_shifts.iter().map(|shift| rounded.bits(*shift..66).zero_extend(66 - OFFSET)).collect();
    let has_bytes = m.delay("has_bytes", length.any());
    let pages = m.delay("pages", page_size.choose(&shifted).gated_by(has_bytes));
    m.unused(rounded.low(OFFSET));
    let last_slot = m.delay("end_slot", pages.add_carry(first_slot.zero_extend(pages.width())));
    wire!(beyond = last_slot.greater_than(slot_count.zero_extend(last_slot.width())));
    m.output("slots_exceeded", m.delay("slots_are_exceeded", beyond));
    m.finish()
}

/// The sum with its carry, in two cycles: registers `<name>_low`, then `<name>`.
fn sum<'m>(m: &'m ModuleBuilder, name: &str, left: Signal<'m>, right: Signal<'m>) -> Signal<'m> {
    let low = m.delay(&format!("{name}_low"), left.low(HALF).add_carry(right.low(HALF)));
    let (left_high, right_high) = (left.bits(HALF..left.width()), right.bits(HALF..right.width()));
    let high = left_high.add_carry(right_high) + low.bit(HALF).zero_extend(left_high.width() + 1);
    m.delay(name, m.concat(&[high, low.low(HALF)]))
}
