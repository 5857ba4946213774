//! What the mapping unit answers.

use crate::fault::Fault;

/// One response beat. A granted request has one beat per span, a refused one a single beat (or, when a page is absent,
/// granted beats and then the refusal). Beats leave in request order. Fields that mean nothing are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Beat {
    /// The request's tag.
    pub tag: u32,
    /// The request's stream.
    pub stream: u32,
    /// The verdict for this span; 8 bits at the port.
    pub fault: Fault,
    /// Physical address of the span's first byte, `physical_address_bits` wide; 0 in a refusal or a beat without bytes.
    pub pa: u64,
    /// Bytes of the span, at most 4096 and never across a 4 KiB border; [`crate::Config::span_bits`] wide.
    pub span: u32,
    /// The table that the network identifier named; 0 with UNKNOWN_NETWORK.
    pub table: u16,
    /// The table's epoch, which every fence of the table flips: it goes back with the span's retirement
    /// ([`Retirement::epoch`]), so that a fence tells the spans before it from those behind it. 0 with UNKNOWN_NETWORK.
    pub epoch: bool,
    /// Whether this is the request's first beat.
    pub first: bool,
    /// Whether this is the request's last beat.
    pub last: bool,
}

/// The memory side's word that a granted span with bytes is over: its bytes were read, or its last write response is in.
/// Exactly one for each beat with `span` > 0, in any order, any time after the beat was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retirement {
    /// The beat's table.
    pub table: u16,
    /// The beat's frame: `pa >> 12`.
    pub frame: u64,
    /// Memory was (or may have been) written, whatever the outcome.
    pub write: bool,
    /// The beat's epoch.
    pub epoch: bool,
}

impl Beat {
    /// The retirement that this beat asks for; none for a beat without bytes.
    pub fn retirement(&self, write: bool) -> Option<Retirement> {
        let Beat { table, pa, epoch, span, .. } = *self;
        (span > 0).then_some(Retirement { table, frame: pa >> 12, write, epoch })
    }
}
