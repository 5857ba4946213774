//! The processing unit: carries accesses out on memory, as the mapping unit allows.
//!
//! ```text
//!  s_axis_request ─▶ intake ──────▶ mapping unit ──────▶ issue ──┬─▶ addresses ─▶ AR     R ─▶ read ────┐
//!                      │ payload here? room?    beats            ├─▶ addresses ─▶ AW                   │
//!  s_axis_payload ─▶ payload ────────────────────────────────────┼─▶ write ─────▶ W      B ─▶ write ───┤
//!                                                                ├─▶ atomic: reads, changes, writes ───┤
//!                        slots, of reads and of writes: who is under way, what overlaps ◀──────────────┤
//!                                                                └─▶ pieces ─▶ finish ◀────────────────┘
//!  mapping unit ◀── retired spans ◀── slots, atomic, issue                       ├─▶ m_axis_read
//!                                                                                └─▶ m_axis_completion
//! ```
//!
//! A request is asked only when nothing but memory can hold it up: its payload is buffered whole, and there is room for its data
//! and its completion. So no fence of the mapping unit waits for a client. Spans start in the order of the requests; they end in
//! any order, and are retired as they end; requests complete in order.

mod addresses;
pub(crate) mod align;
mod atomic;
pub(crate) mod filled;
mod finish;
mod intake;
mod issue;
mod payload;
mod read;
mod refusals;
pub(crate) mod registers;
mod shape;
mod slots;
mod unit;
mod words;
mod write;

pub use shape::Shape;
pub use unit::describe;
