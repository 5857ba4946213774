//! Block `track_check`: the arithmetic of `track`, off the lookup path. Its arguments stand still while this block works
//! them out, in steps of eight bits (`standing.rs`); `update` waits [`CYCLES`] cycles.
//!
//! ```text
//!  words = (window_count + 64 granules - 1) >> granule and 6 bits ──▶ + dirty_base ──▶ > dirty_words
//!          in steps                        by 16 and 8, by 4 and 2, by 1    in steps      in steps
//! ```

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, Signal};

use crate::standing::{is_below, steps, sum};
use crate::widths::{OFFSET, Widths};

/// Cycles from standing arguments to standing results: the shift and its mask, the sum, three steps of shifting, the end
/// of the bitmap, a cycle behind its comparison, the result.
pub const CYCLES: u32 = 2 + steps(MOST_BITS) + SHIFTS + 1 + steps(MOST_BITS) + 1 + 2;
/// Bits of the largest number of frames that is rounded up, and of the end of a bitmap.
const MOST_BITS: u32 = 56;
/// Steps of shifting.
const SHIFTS: u32 = 3;
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
    let is_tracked = m.delay("is_tracked", granule_shift.any());
    let shift_above_page = m.delay("shift_above_page", granule_shift - m.constant(SHIFT, OFFSET));
    let mask = m.delay("granules_mask", shift_above_page.choose(&inside));
    let rounded = sum(&m, "rounded_frames", window_count.zero_extend(width), mask);
    let amount = shift_above_page.zero_extend(SHIFT + 1) + m.constant(SHIFT + 1, WORD);
    let amount = m.delay("shift_amount", amount);
    m.unused(rounded.bit(width));
    let mut words = rounded.low(width);
    for (step, (low, high)) in [(3, 6), (1, 3), (0, 1)].into_iter().enumerate() {
        let by = m.concat(&[amount.bits(low..high), m.zero(low)]);
        words = m.delay(&format!("shifted{}_frames", step + 1), words.shift_right(by));
    }
    let words = m.delay("bitmap_words", words.gated_by(is_tracked));

    m.section("They lie in the pool");
    let end_width = width.max(32) + 1;
    let pool = m.constant(end_width, w.config.dirty_words);
    let end = sum(&m, "bitmap_end", words.zero_extend(end_width - 1), dirty_base.zero_extend(end_width - 1));
    let end_beyond = is_below(&m, "pool_below_end", pool, end);
    let base_inside = is_below(&m, "base_inside", dirty_base.zero_extend(end_width), pool);
    let outside = m.delay("bitmap_beyond", end_beyond | !base_inside);
    m.output("outside", m.delay("bitmap_outside", outside & is_tracked));
    m.output("words", fit_count(w, words));
    m.finish()
}

/// The words that fit the pool: more are refused.
fn fit_count<'m>(w: &Widths, words: Signal<'m>) -> Signal<'m> {
    crate::widths::fit(words, w.dirty_count)
}
