//! From an access that lies in its region to its spans.

use crate::Golden;
use crate::decision::Owner;
use crate::protection::{Reading, Word};
use stagecoach_spec::{Beat, Fault, Region, Request, Slices};

/// A span never crosses a border of this many bytes, whatever the page size.
const SPAN_BORDER: u128 = 4096;

/// The only beat of a request, without address and bytes.
pub(crate) fn single(request: &Request, owner: Owner, fault: Fault) -> Beat {
    let Owner { table, epoch } = owner;
    let Request { tag, stream, .. } = *request;
    Beat { tag, stream, fault, pa: 0, span: 0, table, epoch, first: true, last: true }
}

/// The only beat of a granted request without bytes.
pub(crate) fn without_bytes(request: &Request, owner: Owner) -> Beat {
    single(request, owner, Fault::Granted)
}

/// One beat per span, up to and including the first whose slot is corrupt or page absent.
pub(crate) fn spans(
    golden: &mut Golden,
    request: &Request,
    owner: Owner,
    slices: &Slices,
    region: &Region,
) -> Vec<Beat> {
    if request.length == 0 {
        return vec![without_bytes(request, owner)];
    }
    // Install accepts page sizes of the configuration alone.
    let page_shift = golden.config.page_shift(region.page_size).expect("an installed region has a page size");
    let start = u128::from(request.va) - u128::from(region.base) + u128::from(region.first_offset);
    let end = start + u128::from(request.length);

    let mut beats = Vec::new();
    let mut position = start;
    while position < end {
        let next_border = (position / SPAN_BORDER + 1) * SPAN_BORDER;
        let span_end = next_border.min(end);
        // Install accepts regions alone whose slots lie in the slice.
        let slot = region.first_slot + (position >> page_shift) as u32;
        let refused = |fault, first| Beat { first, ..single(request, owner, fault) };
        let first = beats.is_empty();
        if golden.flips.read(Word::Slot(slices.slot_base + slot)) == Reading::Corrupt {
            beats.push(refused(Fault::TableCorrupt, first));
            return beats;
        }
        // A page of another size counts as absent: its low address bits would be wrong.
        let page = golden.tables.slots.get(owner.table, slot);
        let Some(page) = page.filter(|page| page.page_size == region.page_size) else {
            beats.push(refused(Fault::PageAbsent, first));
            return beats;
        };
        let offset_in_page = position % (1 << page_shift);
        // The frame is aligned to the page, so adding is concatenating.
        let pa = (u128::from(page.frame) << 12) + offset_in_page;
        beats.push(Beat {
            pa: pa as u64,
            span: (span_end - position) as u32,
            first,
            last: span_end == end,
            ..single(request, owner, Fault::Granted)
        });
        position = span_end;
    }
    beats
}
