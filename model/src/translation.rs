//! From an access that lies in its region to its spans.

use crate::tables::Tables;
use stagecoach_spec::{Beat, Config, Fault, Region, Request};

/// A span never crosses a border of this many bytes, whatever the page size.
const SPAN_BORDER: u128 = 4096;

/// The only beat of a request, without address and bytes.
pub(crate) fn single(request: &Request, table: u16, fault: Fault) -> Beat {
    Beat { tag: request.tag, stream: request.stream, fault, pa: 0, span: 0, table, first: true, last: true }
}

/// The only beat of a granted request without bytes.
pub(crate) fn without_bytes(request: &Request, table: u16) -> Beat {
    single(request, table, Fault::Granted)
}

/// One beat per span, up to and including the first whose page is absent.
pub(crate) fn spans(
    config: &Config,
    tables: &Tables,
    request: &Request,
    table: u16,
    region: &Region,
) -> Vec<Beat> {
    if request.length == 0 {
        return vec![without_bytes(request, table)];
    }
    // Install accepts page sizes of the configuration alone.
    let page_shift = config.page_shift(region.page_size).expect("an installed region has a page size");
    let start = u128::from(request.va) - u128::from(region.base) + u128::from(region.first_offset);
    let end = start + u128::from(request.length);

    let mut beats = Vec::new();
    let mut position = start;
    while position < end {
        let next_border = (position / SPAN_BORDER + 1) * SPAN_BORDER;
        let span_end = next_border.min(end);
        let slot = u128::from(region.first_slot) + (position >> page_shift);
        // A page of another size counts as absent: its low address bits would be wrong.
        let page = u32::try_from(slot)
            .ok()
            .and_then(|slot| tables.slots.get(&(table, slot)))
            .filter(|page| page.page_size == region.page_size);
        let first = beats.is_empty();
        let Some(page) = page else {
            beats.push(Beat { first, last: true, ..single(request, table, Fault::PageAbsent) });
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
            ..single(request, table, Fault::Granted)
        });
        position = span_end;
    }
    beats
}
