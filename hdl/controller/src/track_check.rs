//! Block `track_check`: the arithmetic of `track`, off the lookup path. Its arguments stand still while this block, a
//! pipeline that always runs, works them out; `update` waits [`CYCLES`] cycles.
//!
//! ```text
//!            cycle 1                           2                       3            4
//!  words = (window_count + 64 granules - 1) >> granule and 6 bits ──▶ + dirty_base ▶ > dirty_words
//! ```

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, Signal, wire};

use crate::widths::{OFFSET, Widths};

/// Cycles from standing arguments to standing results.
pub const CYCLES: u32 = 4;
/// Bits of a granule's shift.
pub const SHIFT: u32 = 5;
/// Base-2 logarithm of the bits of a word of the dirty pool.
pub const WORD: u32 = 6;
/// The largest granule.
pub const LARGEST_SHIFT: u32 = 30;

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("mapping_track_check", "Block track_check: the arithmetic of track.");
    let window_count = m.input("window_count", w.frame_count);
    let granule_shift = m.input("granule_shift", SHIFT).doc("12 to 30, or 0: not tracked");
    let dirty_base = m.input("dirty_base", 32);

    m.section("Words of 64 bits: a bit for each granule of the window, rounded up");
    let width = w.frame_count.max(LARGEST_SHIFT - OFFSET + WORD) + 1;
    let shifts = LARGEST_SHIFT - OFFSET + 1;
    let inside: Vec<_> = (0..shifts).map(|above| m.constant(width, (1u64 << (above + WORD)) - 1)).collect();
    wire!(shift_above_page = granule_shift - m.constant(SHIFT, OFFSET));
    let mask = m.delay("granules_mask", shift_above_page.choose(&inside));
    let rounded = m.delay("rounded_frames", window_count.zero_extend(width) + mask);
    let amount = shift_above_page.zero_extend(SHIFT + 1) + m.constant(SHIFT + 1, WORD);
    let words = rounded.shift_right(amount).gated_by(granule_shift.any());
    let words = m.delay("bitmap_words", words);

    m.section("They lie in the pool");
    let end_width = width.max(32) + 1;
    let pool = m.constant(end_width, w.config.dirty_words);
    let end = words.zero_extend(end_width) + dirty_base.zero_extend(end_width);
    wire!(end_beyond = end.greater_than(pool));
    wire!(base_beyond = dirty_base.zero_extend(end_width).at_least(pool));
    m.output("outside", m.delay("bitmap_outside", (end_beyond | base_beyond) & granule_shift.any()));
    m.output("words", fit_count(w, words));
    m.finish()
}

/// The words that fit the pool: more are refused.
fn fit_count<'m>(w: &Widths, words: Signal<'m>) -> Signal<'m> {
    crate::widths::fit(words, w.dirty_count)
}
