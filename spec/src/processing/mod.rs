//! What the processing unit is asked and answers: the words of its streams, and its sizes.
//!
//! | port | AXI4-Stream | what |
//! | --- | --- | --- |
//! | `s_axis_request` | one beat of 72 bytes | an [`AccessRequest`] |
//! | `s_axis_payload` | `data_bits`, a packet | the bytes of a write, for each request of [`AccessRequest::has_payload`], in their order |
//! | `m_axis_read` | `data_bits`, a packet | what a read found, its tag in `tuser`; none if no byte was read |
//! | `m_axis_completion` | one beat of 32 bytes | a [`Completion`] for each request, in their order |
//!
//! Streams are little-endian: byte 0 in the lowest bits. Packets are packed from byte 0, `tkeep` is contiguous, and only
//! the last beat may be partly filled. Words keep reserved bytes, which must be zero.

mod completion;
mod config;
mod request;

pub use completion::{Completion, WireKind};
pub use config::{Frontend, Icrc, Processing, WireTransport};
pub use request::{AccessRequest, Atomic, MALFORMED};
