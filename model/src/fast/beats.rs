//! The beats of an answer, one after the other, without memory of their own.

use super::stored::{StoredRegion, StoredSlot};
use stagecoach_spec::{Beat, Fault};

/// A span never crosses a border of this many bytes, whatever the page size.
const SPAN_BORDER: u64 = 4096;

/// The beats of a request's answer, in order: [`super::FastLookup::lookup`].
#[derive(Clone, Copy, Debug)]
pub struct Beats<'a> {
    slots: &'a [StoredSlot],
    region: &'a StoredRegion,
    /// The next beat; with bytes left, what it has in common with the others.
    beat: Beat,
    /// Bytes that are left; 0 for an answer without bytes.
    left: u32,
    /// Whether the last beat was given.
    over: bool,
    /// Of the next span in its region.
    position: u64,
    /// The slot of the next span: read apart from its use, so that the reads of many requests overlap.
    slot: StoredSlot,
}

impl<'a> Beats<'a> {
    /// A beat for each span of an access that lies in its region, from this position and slot on; a single beat without
    /// bytes when `length` is 0.
    #[inline]
    pub(super) fn new(
        slots: &'a [StoredSlot],
        region: &'a StoredRegion,
        beat: Beat,
        length: u32,
        position: u64,
        slot: StoredSlot,
    ) -> Beats<'a> {
        Beats { slots, region, beat, left: length, over: false, position, slot }
    }

    /// The next beat.
    #[inline]
    pub(super) fn beat(&self) -> Beat {
        if self.left == 0 {
            return self.beat;
        }
        let Some(frame) = self.slot.frame(self.region.page_size) else {
            return Beat { fault: Fault::PageAbsent, ..self.beat };
        };
        let to_border = SPAN_BORDER - self.position % SPAN_BORDER;
        let span = to_border.min(self.left.into()) as u32;
        let offset_in_page = self.position & ((1 << self.region.page_shift) - 1);
        Beat { pa: (frame << 12) + offset_in_page, span, last: span == self.left, ..self.beat }
    }
}

impl Iterator for Beats<'_> {
    type Item = Beat;

    #[inline]
    fn next(&mut self) -> Option<Beat> {
        if self.over {
            return None;
        }
        let beat = self.beat();
        if beat.last {
            self.over = true;
        } else {
            self.position += u64::from(beat.span);
            self.left -= beat.span;
            self.beat.first = false;
            self.slot = StoredSlot::read(self.slots, self.region.slot(self.position));
        }
        Some(beat)
    }
}

impl std::iter::FusedIterator for Beats<'_> {}
