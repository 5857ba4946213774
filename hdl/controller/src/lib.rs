//! The hardware: the mapping unit, one file per pipeline stage or block.
//!
//! ```text
//!          ┌─────────┐   ┌─────────┐   ┌───────┐   ┌───────┐   ┌────────┐   ┌────────┐   ┌────────┐
//!  req ───▶│ request │──▶│ binding │──▶│ table │──▶│ slice │──▶│ region │──▶│ bounds │──▶│ decide │──┐
//!          └─────────┘   │ prepare │   └───────┘   └───────┘   └────────┘   └────────┘   └────────┘  │
//!               ▲        └─────────┘                                                                 │
//!               │ token                        ┌─────────┐   ┌──────┐   ┌────────┐                   │
//!          ┌────┴───┐                  rsp ◀───│ respond │◀──│ slot │◀──│ expand │◀──────────────────┘
//!  upd ───▶│ update │                          └────┬────┘   └──────┘   └────────┘
//!          └────────┘                               │ beats formed, beats gone      ▲ spans that are over
//!               ▲   fence over?  ┌───────┐          │                               │
//!               ├────────────────│ fence │◀─────────┤                          ┌────┴───┐
//!               │                └───────┘◀─────────│──────────────────────────│ retire │◀─── ret
//!               ├── counters, fault_log ◀───────────┘                          │ dirty  │
//!               └──────────────────────── dirty bits ◀─────────────────────────└────────┘
//! ```
//!
//! `request` to `decide` flow freely: a request enters when `expand`'s queue is sure to have room for it.
//! `expand` issues a span a cycle when `respond`'s queue is sure to have room for its beat. An update is checked
//! by `update` before it is accepted; then its *token* takes a request's place in the pipeline, and the stage that
//! owns the memory writes it as the token passes. So every request sees the tables as they were when it was
//! accepted, without locks and without bypasses. What was granted is counted until `retire` takes it back, so that an
//! update that takes something away can wait for it.

pub mod binding;
pub mod binding_cuckoo;
mod binding_cuckoo_near;
mod binding_distance;
mod binding_list;
pub mod bounds;
pub mod bundles;
mod chunks;
pub mod codes;
pub mod control;
mod controller;
pub mod copy;
pub mod counters;
mod credits;
pub mod cuckoo_entries;
pub mod decide;
pub mod decoder;
pub mod deep_buffer;
pub mod dirty;
pub mod event_counter;
pub mod expand;
mod family;
pub mod fault_log;
pub mod fence;
mod flight;
pub mod install_check;
pub mod key_row;
mod mapping_unit;
pub mod prepare;
pub mod processing;
pub mod protect;
pub mod queue;
pub mod region;
pub mod registration_log;
pub mod request;
pub mod respond;
pub mod retire;
pub mod scan;
pub mod scrub;
pub mod slice;
pub mod slot;
mod span;
mod standing;
pub mod stream_buffer;
pub mod table;
pub mod table_state;
pub mod tally;
mod toeplitz;
pub mod track_check;
pub mod update;
pub mod update_check;
mod update_commit;
mod update_cuckoo;
pub mod update_hash;
mod update_notes;
mod update_peek;
mod update_scrub;
pub mod update_seen;
mod update_sequence;
pub mod update_words;
pub mod walk;
mod wide_memory;
pub mod widths;
mod write_back;

pub use controller::controller;
pub use family::family;
pub use mapping_unit::mapping_unit;
