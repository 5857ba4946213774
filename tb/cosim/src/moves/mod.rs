//! Moves of a VM between controllers in RTL: what the migration's runner needs of a machine, and the least of a transport.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`card`] | a [`crate::machine::Machine`] as the runner's update port and host, and the clients before it |
//! | [`pair`] | two of them, their hosts, and the packets between them |
//! | [`responder`] | does every packet once, in order, and remembers what its atomics found |

pub mod card;
pub mod pair;
pub mod responder;

pub use card::{Asked, Board, Port, Rtl};
pub use pair::{Outbox, Pair, Side};
pub use responder::{Responder, Verdict};
