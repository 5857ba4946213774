//! Block `install_check`: the arithmetic of `install`, off the lookup path.
//!
//! A region is stored as the lookup wants it: limit = base + length and origin = base - first_offset. Its arguments
//! stand still while this block works them out, in steps of eight bits (`standing.rs`); `update` waits [`CYCLES`] cycles.
//!
//! ```text
//!                 8 cycles                + 1                     + 1                   + 7            + 1
//!  extent = length + first_offset ─▶ + page size - 1 ─▶ pages: >> page_shift ─▶ + first_slot ─▶ > slot_count
//!  limit  = base + length
//! ```

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, wire};

use crate::standing::{difference, is_any, is_below, steps, sum};
use crate::widths::{OFFSET, Widths, fit};

/// Bits of a number of pages: of an extent of 65 bits, rounded up.
const PAGES: u32 = 66 - OFFSET;

/// Cycles from standing arguments to standing results: the extent's steps, a cycle behind those of what it is rounded up
/// to (and one more), the choice of the pages, the steps of their end, a cycle behind its comparison, the result.
pub const CYCLES: u32 = steps(64) + 2 + 1 + steps(PAGES + 1) + 1 + 1;

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("mapping_install_check", "Block install_check: the arithmetic of install.");
    let base = m.input("base", 64);
    let length = m.input("length", 64);
    let first_offset = m.input("first_offset", 32);
    let page_size = m.input("page_size", w.page_size);
    let first_slot = m.input("first_slot", 32);
    let slot_count = m.delay("slot_count_here", m.input("slot_count", w.slot_count));

    m.section("limit = base + length; origin = base - first_offset");
    let limit = sum(&m, "limit", base, length);
    let is_beyond_last = is_any(&m, "limit", limit.low(64));
    wire!(wraps = limit.bit(64) & is_beyond_last);
    m.output("limit", limit);
    m.output("address_wrap", m.delay("address_wraps", wraps));
    m.output("origin", difference(&m, "origin", base.low(w.position), fit(first_offset, w.position)));

    m.section(
        "first_offset lies in the first page and agrees with the base, unless the region is zero-based",
    );
    let page_size = m.delay("page_size_held", page_size);
    let pages: Vec<_> =
        w.config.page_shifts.iter().map(|shift| first_offset.bits(*shift..32).any()).collect();
    let pages: Vec<_> = pages
        .iter()
        .zip(&w.config.page_shifts)
        .map(|(beyond, shift)| m.delay(&format!("offset_beyond_page_{shift}"), *beyond))
        .collect();
    let beyond_page = m.delay("offset_beyond_page", page_size.choose(&pages));
    wire!(offset_bits_differ = first_offset.low(OFFSET) ^ base.low(OFFSET));
    let differs = is_any(&m, "offset_differs", offset_bits_differ);
    let has_base = is_any(&m, "base", base);
    m.output("bad_offset", m.delay("offset_is_bad", beyond_page | differs & has_base));

    m.section("Slots needed: extent in whole pages, none for a region without bytes");
    let extent = sum(&m, "extent", length, first_offset.zero_extend(64));
    let masks: Vec<_> =
        w.config.page_shifts.iter().map(|shift| m.constant(65, (1u64 << shift) - 1)).collect();
    let page_mask = m.delay("page_mask", page_size.choose(&masks));
    let rounded = sum(&m, "rounded", extent, page_mask).named("rounded_extent");
    let shifted: Vec<_> =
        w.config.page_shifts.iter().map(|shift| rounded.bits(*shift..66).zero_extend(PAGES)).collect();
    let has_bytes = is_any(&m, "length", length);
    wire!(whole_pages = page_size.choose(&shifted));
    wire!(needed_pages = whole_pages.gated_by(has_bytes));
    let pages = m.delay("pages", needed_pages);
    m.unused(rounded.low(OFFSET));
    let end_slot = sum(&m, "end_slot", pages, first_slot.zero_extend(PAGES));
    let slot_count = slot_count.zero_extend(PAGES + 1);
    let beyond = is_below(&m, "slot_count_below", slot_count, end_slot);
    m.output("slots_exceeded", m.delay("slots_are_exceeded", beyond));
    m.finish()
}
