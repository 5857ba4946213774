//! The arbiter as a node of its own.

use std::collections::BTreeMap;

use crate::words::{Decision, Epoch};

/// The node that decides each attempt of one VM once. Its decisions are durable before they are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Arbiter {
    decided: BTreeMap<Epoch, Decision>,
}

impl Arbiter {
    /// What is decided of an attempt: what was decided before, or else what is wished now.
    pub fn ask(&mut self, epoch: Epoch, wish: Decision) -> Decision {
        *self.decided.entry(epoch).or_insert(wish)
    }

    /// What was decided of an attempt so far.
    pub fn decision(&self, epoch: Epoch) -> Option<Decision> {
        self.decided.get(&epoch).copied()
    }
}
