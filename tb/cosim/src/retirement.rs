//! The memory side: granted spans wait until their bytes have moved, then each is retired exactly once.

use std::collections::BTreeSet;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_spec::{Beat, Op, Retirement};

use crate::pace::RetirePace;

/// Which granted spans are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spans {
    /// Those of every table.
    All,
    /// Those of one table.
    Table(u16),
}

/// Whether an access changes memory, which its retirements say.
pub const fn writes(op: Op) -> bool {
    matches!(op, Op::RemoteWrite | Op::RemoteAtomic | Op::LocalWrite)
}

/// A span whose beat was taken.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    retirement: Retirement,
    /// The first cycle in which it may be retired.
    due: u64,
}

/// Plays a [`RetirePace`] over the spans that were granted.
#[derive(Clone, Debug)]
pub(crate) struct Retirer {
    pace: RetirePace,
    random: ChaCha8Rng,
    /// In the order in which their beats were taken.
    waiting: Vec<Waiting>,
    /// [`RetirePace::Stretches`]: cycles until the next burst.
    quiet: u16,
    holds_all: bool,
    holds: BTreeSet<u16>,
    /// Spans that go next, whatever holds them or the rest.
    told: Vec<u16>,
}

impl Retirer {
    pub(crate) fn new(pace: RetirePace, seed: u64) -> Retirer {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(4);
        let holds_all = pace == RetirePace::Held;
        Retirer {
            pace,
            random,
            waiting: Vec::new(),
            quiet: 0,
            holds_all,
            holds: BTreeSet::new(),
            told: Vec::new(),
        }
    }

    /// A beat was taken in `cycle`; one without bytes asks for nothing.
    pub(crate) fn grant(&mut self, cycle: u64, beat: &Beat, op: Op) {
        let Some(retirement) = beat.retirement(writes(op)) else { return };
        let later = match self.pace {
            RetirePace::After(cycles) => cycles,
            RetirePace::Random { longest } => self.random.random_range(0..=longest),
            RetirePace::AtOnce | RetirePace::Stretches(_) | RetirePace::Held => 0,
        };
        self.waiting.push(Waiting { retirement, due: cycle + 1 + u64::from(later) });
    }

    /// What is retired in `cycle`.
    pub(crate) fn next(&mut self, cycle: u64) -> Option<Retirement> {
        if let Some(table) = self.told.pop() {
            let place = self.waiting.iter().position(|span| span.retirement.table == table)?;
            return Some(self.waiting.remove(place).retirement);
        }
        if self.quiet > 0 {
            self.quiet -= 1;
            return None;
        }
        let ready = (0..self.waiting.len()).filter(|place| {
            let span = &self.waiting[*place];
            span.due <= cycle && !self.holds_all && !self.holds.contains(&span.retirement.table)
        });
        let place = match self.pace {
            RetirePace::AtOnce | RetirePace::After(_) | RetirePace::Held => ready.min(),
            RetirePace::Random { .. } | RetirePace::Stretches(_) => {
                let ready: Vec<usize> = ready.collect();
                (!ready.is_empty()).then(|| ready[self.random.random_range(0..ready.len())])
            }
        };
        if let (None, RetirePace::Stretches(longest)) = (place, self.pace) {
            self.quiet = self.random.random_range(1..=longest.max(1));
        }
        place.map(|place| self.waiting.remove(place).retirement)
    }

    pub(crate) fn hold(&mut self, spans: Spans) {
        match spans {
            Spans::All => self.holds_all = true,
            Spans::Table(table) => {
                self.holds.insert(table);
            }
        }
    }

    pub(crate) fn release(&mut self, spans: Spans) {
        match spans {
            Spans::All => {
                self.holds_all = false;
                self.holds.clear();
            }
            Spans::Table(table) => {
                self.holds.remove(&table);
            }
        }
    }

    /// The oldest span of the table is retired in the next cycle, held or not. Says whether there is one.
    pub(crate) fn release_one(&mut self, table: u16) -> bool {
        let of_table = |span: &&Waiting| span.retirement.table == table;
        let waits =
            self.waiting.iter().filter(of_table).count() > self.told.iter().filter(|t| **t == table).count();
        if waits {
            self.told.insert(0, table);
        }
        waits
    }

    /// Granted spans that are not retired.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether spans wait that only [`Retirer::release`] lets go.
    pub(crate) fn holds_any(&self) -> bool {
        let held = |span: &Waiting| self.holds_all || self.holds.contains(&span.retirement.table);
        self.waiting.iter().any(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_spec::Fault;

    fn beat(number: u64) -> Beat {
        Beat {
            tag: 0,
            stream: 0,
            fault: Fault::Granted,
            pa: number << 12,
            span: 64,
            table: (number % 2) as u16,
            epoch: false,
            first: true,
            last: true,
        }
    }

    /// Frames and the cycles in which they were retired; one is granted in each of the first cycles.
    fn play(pace: RetirePace, grants: u64) -> Vec<(u64, u64)> {
        let mut retirer = Retirer::new(pace, 1);
        let mut retired = Vec::new();
        for cycle in 0..1_000 {
            if let Some(retirement) = retirer.next(cycle) {
                retired.push((retirement.frame, cycle));
            }
            if cycle < grants {
                retirer.grant(cycle, &beat(cycle), Op::RemoteRead);
            }
        }
        assert_eq!(retirer.waiting() as u64, grants - retired.len() as u64);
        retired
    }

    #[test]
    fn every_pace_retires_each_span_once() {
        let random = RetirePace::Random { longest: 50 };
        for pace in [RetirePace::AtOnce, RetirePace::After(7), random, RetirePace::Stretches(40)] {
            let mut frames: Vec<u64> = play(pace, 100).into_iter().map(|(frame, _)| frame).collect();
            let in_order = frames.is_sorted();
            assert_eq!(in_order, matches!(pace, RetirePace::AtOnce | RetirePace::After(_)), "{pace:?}");
            frames.sort_unstable();
            assert_eq!(frames, (0..100).collect::<Vec<u64>>(), "{pace:?}");
        }
        assert!(play(RetirePace::AtOnce, 100).iter().all(|(frame, cycle)| *cycle == frame + 1));
        assert!(play(RetirePace::After(7), 100).iter().all(|(frame, cycle)| *cycle == frame + 8));
        assert_eq!(play(RetirePace::Held, 100), []);
    }

    #[test]
    fn held_spans_wait_until_they_are_told() {
        let mut retirer = Retirer::new(RetirePace::AtOnce, 1);
        retirer.hold(Spans::Table(1));
        (0..4).for_each(|number| retirer.grant(0, &beat(number), Op::LocalWrite));
        let frames = |retirer: &mut Retirer| -> Vec<u64> {
            (1..10).filter_map(|cycle| retirer.next(cycle)).map(|retired| retired.frame).collect()
        };
        assert_eq!(frames(&mut retirer), [0, 2]);
        assert!(retirer.holds_any() && retirer.waiting() == 2);
        assert!(!retirer.release_one(0) && retirer.release_one(1));
        assert_eq!(frames(&mut retirer), [1]);
        retirer.release(Spans::All);
        assert_eq!(frames(&mut retirer), [3]);
        assert_eq!(retirer.waiting(), 0);
    }

    #[test]
    fn beats_without_bytes_are_not_retired() {
        let mut retirer = Retirer::new(RetirePace::AtOnce, 1);
        retirer.grant(0, &Beat { span: 0, ..beat(1) }, Op::LocalWrite);
        assert_eq!(retirer.waiting(), 0);
    }
}
