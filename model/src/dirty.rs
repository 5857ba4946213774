//! The dirty memory of tracked tables.

use crate::part::Part;
use stagecoach_spec::{Config, Retirement, Slices};
use std::collections::BTreeSet;

/// How a table's dirty memory is tracked, and what was written.
#[derive(Clone, Debug)]
pub(crate) struct Tracking {
    granule_shift: u32,
    dirty_base: u32,
    /// The granules that were written since they were last harvested, counted from the window's first frame.
    dirty: BTreeSet<u64>,
}

impl Tracking {
    /// Nothing is dirty yet.
    pub(crate) fn new(granule_shift: u32, dirty_base: u32) -> Tracking {
        Tracking { granule_shift, dirty_base, dirty: BTreeSet::new() }
    }

    /// The bitmap over the table's window, in words of the dirty pool.
    pub(crate) fn bitmap(&self, slices: &Slices) -> Part {
        let words = Config::dirty_words_of(slices.window_count, self.granule_shift);
        Part { base: self.dirty_base.into(), count: words.into() }
    }

    /// A span of the table is over.
    pub(crate) fn retire(&mut self, slices: &Slices, retirement: &Retirement) {
        // The unit grants frames of the window alone, so no other can come back from it.
        let Some(frame) = retirement.frame.checked_sub(slices.window_base) else { return };
        if retirement.write && frame < slices.window_count {
            self.dirty.insert(frame >> (self.granule_shift - 12));
        }
    }

    /// Reads a word of the bitmap and clears it.
    pub(crate) fn harvest(&mut self, word: u32) -> u64 {
        let first = u64::from(word) * 64;
        (0..64).filter(|bit| self.dirty.remove(&(first + bit))).map(|bit| 1 << bit).sum()
    }
}
