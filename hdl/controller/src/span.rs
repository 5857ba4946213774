//! What of a span is worked out beside stage `slot`, in the cycles that the memory needs anyway: its bytes and its fault.
//!
//! ```text
//!          cycle 1                          cycle 2               cycle 3
//!  end, last ─▶ last byte in its page ─────▶ less the offset ────▶ one more ─────────▶ span
//!  rows ────────────────────────────────────▶ first that applies ─▶ settled? fault ──▶ fault
//! ```

use stagecoach_hdl::{Bundle, ModuleBuilder, wire};

use crate::bundles::{Issued, Span};
use crate::key_row::first_fault;
use crate::widths::{OFFSET, Widths, fit};

/// Cycles of the picture.
pub(crate) const CYCLES: u32 = 3;

/// The span, [`CYCLES`] later, in registers `slot…`.
pub(crate) fn finished<'m>(m: &'m ModuleBuilder, w: &Widths, issued: Issued<'m>) -> Span<'m> {
    let page_end = m.constant(OFFSET, (1u32 << OFFSET) - 1);
    let end = issued.last.select(issued.end, page_end);
    let slot1 = Issued { end, ..issued }.delay(m, "slot1");
    let slot2_less_one = m.delay("slot2_less_one", slot1.end - slot1.offset);
    let slot2_row_fault = m.delay("slot2_row_fault", first_fault(m, slot1.rows));
    let (rows, end) = (m.zero(0), m.zero(0));
    let slot2 = Issued { rows, end, ..slot1 }.delay(m, "slot2");
    wire!(bytes = slot2_less_one.zero_extend(OFFSET + 1).plus(1u32));
    m.unused(bytes.bits(w.span.min(OFFSET + 1)..OFFSET + 1));
    let Issued { tag, stream, table, epoch, empty, first, last, page_size, offset, page_number, .. } = slot2;
    Span {
        tag,
        stream,
        table,
        epoch,
        fault: slot2.settled.select(slot2.fault, slot2_row_fault),
        empty,
        first,
        last,
        page_size,
        offset,
        page_number,
        span: fit(bytes, w.span),
    }
    .delay(m, "slot3")
}
