//! The packet decoder (`frontend = "roce"`): makes accesses of RoCEv2 frames.
//!
//! ```text
//!  s_axis_frame ─▶ store ─┬─ head ─▶ parse ─▶ fields ──────────────┬─▶ admit ─┬─▶ split ─▶ s_axis_request of the
//!                         │            └────▶ queue_pairs ─▶ found ┘          │            processing unit
//!                         └─ beats ──────────────────────────────▶ carry ◀────┘ ─────────▶ s_axis_payload
//!
//!  control ─▶ setup ─▶ entries, contexts, open messages
//! ```
//!
//! Beside block `store`, block `icrc` checks each frame's invariant CRC, if it is to be checked.
//!
//! A frame is stored whole before anything is decided, so one that is cut has no effect. Blocks `parse` and `queue_pairs` take
//! a frame in every cycle and never wait; between them and block `admit` there is room for every frame that block `store`
//! lets in. Frames stay in order.

mod admit;
mod carry;
mod icrc;
mod parse;
mod queue_pairs;
mod setup;
mod shape;
mod split;
mod store;
mod unit;
mod words;

pub use shape::Shape;
pub use unit::describe;
