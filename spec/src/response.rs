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
    /// Whether this is the request's first beat.
    pub first: bool,
    /// Whether this is the request's last beat.
    pub last: bool,
}
