//! Who serves a virtual machine while it moves: the hand-over of the contract's section 5 as a state machine without
//! clock, socket or card.
//!
//! A [`Machine`] is told what happened ([`Input`]) and says what is to be done ([`Effect`]), in this order. Whoever runs
//! it carries the effects out one after the other: a journal record is durable before the next effect begins. Between any
//! two of them the process may die; [`Machine::restart`] goes on from the journal alone.
//!
//! ```text
//!   source                                              destination
//!   Serving ── move ──▶ PreCopy ──── Begin ───────────▶ Staging
//!      ▲                   │ converged: freeze, fence
//!      │                   ▼
//!      ├──── abort ──── Frozen ───── Final ───────────▶ Prepared, frozen
//!      │                   │ ◀────── Prepared ─────────────┤
//!      │                   │ COMMIT, durable at the arbiter │
//!      │                   ▼                                ▼
//!      │              HandedOver ─── Commit ──────────▶ Serving at the new epoch
//!      │                   │ ◀────── Resumed ───────────────┘
//!    (next move)           ▼
//!                       Absent: unbound and cleared
//! ```
//!
//! The arbiter is the source's own journal, or a node of its own ([`Arbiter`]): [`Arbitration`]. The tests of this crate
//! give the same types to an exhaustive checker, with a network that loses, repeats, delays and reorders and with crashes
//! between any two effects.

mod arbiter;
mod machine;
mod words;

pub use arbiter::Arbiter;
pub use machine::{Machine, Phase, Refusal};
pub use words::{Address, Arbitration, CardOperation, Decision, Effect, Epoch, Input, Message, Record};
