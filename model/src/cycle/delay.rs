//! Things on their way, each for the same number of cycles.

use std::collections::VecDeque;

/// A delay line.
#[derive(Clone, Debug)]
pub(super) struct Delay<T> {
    cycles: u64,
    under_way: VecDeque<(u64, T)>,
}

impl<T> Delay<T> {
    pub(super) fn new(cycles: u32) -> Delay<T> {
        Delay { cycles: cycles.into(), under_way: VecDeque::new() }
    }

    /// What is sent in a cycle is due so many cycles later.
    pub(super) fn send(&mut self, now: u64, thing: T) {
        self.under_way.push_back((now + self.cycles, thing));
    }

    /// Nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// What is due in this cycle; to be asked in every cycle until nothing is.
    pub(super) fn due(&mut self, now: u64) -> Option<T> {
        self.under_way.pop_front_if(|(due, _)| *due <= now).map(|(_, thing)| thing)
    }
}
