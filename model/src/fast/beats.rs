//! The beats of an answer, one after the other, without memory of their own.

use super::Decided;
use super::stored::{StoredRegion, StoredSlot};
use stagecoach_spec::{Beat, Fault};

/// A span never crosses a border of this many bytes, whatever the page size.
const SPAN_BORDER: u64 = 4096;

/// Where an access in its region stands, from the next span on.
#[derive(Clone, Debug)]
pub(super) struct Spans<'a> {
    slots: &'a [StoredSlot],
    first_slot: u32,
    page_shift: u8,
    page_size: u8,
    /// What all beats have in common, and whether the next is the first.
    beat: Beat,
    position: u64,
    /// Bytes that are left; not 0.
    left: u32,
}

impl<'a> Spans<'a> {
    #[inline]
    pub(super) fn new(
        slots: &'a [StoredSlot],
        region: &StoredRegion,
        beat: Beat,
        position: u64,
        length: u32,
    ) -> Spans<'a> {
        let StoredRegion { first_slot, page_shift, page_size, .. } = *region;
        Spans { slots, first_slot, page_shift, page_size, beat, position, left: length }
    }

    /// The next beat.
    #[inline]
    pub(super) fn beat(&self) -> Beat {
        let slot = u64::from(self.first_slot) + (self.position >> self.page_shift);
        let frame = self.slots.get(slot as usize).and_then(|slot| slot.frame(self.page_size));
        let Some(frame) = frame else {
            return Beat { fault: Fault::PageAbsent, ..self.beat };
        };
        let to_border = SPAN_BORDER - self.position % SPAN_BORDER;
        let span = to_border.min(self.left.into()) as u32;
        let offset_in_page = self.position & ((1 << self.page_shift) - 1);
        Beat { pa: (frame << 12) + offset_in_page, span, last: span == self.left, ..self.beat }
    }
}

/// The beats of a request's answer, in order: [`super::FastLookup::lookup`].
#[derive(Clone, Debug)]
pub struct Beats<'a> {
    /// Nothing behind the last beat.
    next: Option<Decided<'a>>,
}

impl<'a> Beats<'a> {
    #[inline]
    pub(super) fn new(decided: Decided<'a>) -> Beats<'a> {
        Beats { next: Some(decided) }
    }
}

impl Iterator for Beats<'_> {
    type Item = Beat;

    #[inline]
    fn next(&mut self) -> Option<Beat> {
        let beat = match self.next.as_mut()? {
            Decided::Single(beat) => *beat,
            Decided::Spans(spans) => {
                let beat = spans.beat();
                spans.position += u64::from(beat.span);
                spans.left -= beat.span;
                spans.beat.first = false;
                beat
            }
        };
        if beat.last {
            self.next = None;
        }
        Some(beat)
    }
}

impl std::iter::FusedIterator for Beats<'_> {}
