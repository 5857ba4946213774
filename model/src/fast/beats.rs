//! The beats of an answer, one after the other, without memory of their own.

use super::stored::{StoredRegion, StoredSlot};
use stagecoach_spec::{Beat, Fault};

/// A span never crosses a border of this many bytes, whatever the page size.
const SPAN_BORDER: u64 = 4096;

/// The beats of a request's answer, in order: [`super::FastLookup::lookup`].
#[derive(Clone, Copy, Debug)]
pub struct Beats<'a> {
    slots: &'a [StoredSlot],
    /// The next beat; with bytes left, what it has in common with the others.
    beat: Beat,
    /// Bytes that are left; 0 for an answer without bytes.
    left: u32,
    /// Whether the last beat was given.
    over: bool,
    page_shift: u8,
    page_size: u8,
    first_slot: u32,
    /// Of the next span in its region.
    position: u64,
    /// The slot of the next span: read apart from its use, so that the reads of many requests overlap.
    slot: StoredSlot,
}

impl<'a> Beats<'a> {
    /// A single beat without bytes.
    #[inline]
    pub(super) fn single(beat: Beat) -> Beats<'a> {
        Beats {
            slots: &[],
            beat,
            left: 0,
            over: false,
            page_shift: 0,
            page_size: 0,
            first_slot: 0,
            position: 0,
            slot: StoredSlot::default(),
        }
    }

    /// A beat for each span of an access that lies in its region. [`Beats::read_slot`] must follow.
    #[inline]
    pub(super) fn spans(
        slots: &'a [StoredSlot],
        region: &StoredRegion,
        beat: Beat,
        position: u64,
        length: u32,
    ) -> Beats<'a> {
        let StoredRegion { first_slot, page_shift, page_size, .. } = *region;
        let single = Beats::single(beat);
        Beats { slots, left: length, page_shift, page_size, first_slot, position, ..single }
    }

    /// Reads the slot of the next span.
    #[inline]
    pub(super) fn read_slot(&mut self) {
        let place = u64::from(self.first_slot) + (self.position >> self.page_shift);
        self.slot = self.slots.get(place as usize).copied().unwrap_or_default();
    }

    /// The next beat.
    #[inline]
    pub(super) fn beat(&self) -> Beat {
        if self.left == 0 {
            return self.beat;
        }
        let Some(frame) = self.slot.frame(self.page_size) else {
            return Beat { fault: Fault::PageAbsent, ..self.beat };
        };
        let to_border = SPAN_BORDER - self.position % SPAN_BORDER;
        let span = to_border.min(self.left.into()) as u32;
        let offset_in_page = self.position & ((1 << self.page_shift) - 1);
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
            self.read_slot();
        }
        Some(beat)
    }
}

impl std::iter::FusedIterator for Beats<'_> {}
