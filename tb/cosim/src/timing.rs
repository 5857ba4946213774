//! Checks latency and interval against the contract's table of stages.
//!
//! A request accepted in cycle t shows its first beat in cycle t + [`Stages::first_beat`], unless an earlier request
//! is still being cut into spans; then right behind it, one span a cycle. So the cycle of every beat is known while
//! the output does not stall. After a stall the cycles are not foretold until nothing is in flight any more; within
//! that time only "not earlier than the constant" is checked.
//!
//! Nor are cycles foretold while more spans may be in flight than the configuration allows, for then spans wait for
//! retirements; nor while a table is cleared, and after a bit was flipped that the unit may put right when it likes.
//!
//! A request that ends at an absent page goes on cutting spans that nobody sees; how many depends on where it began,
//! and so does the earliest cycle of the next: it is then a range.

use std::collections::VecDeque;

use stagecoach_spec::{Beat, Config, Fault, Stages, Update};

use crate::driver::{Event, Timed};
use crate::scoreboard::Scoreboard;

/// Follows the events of one driver.
#[derive(Clone, Debug)]
pub struct Timing {
    constant: u64,
    /// The cycle of the last beat that has been foretold: at the earliest, at the latest.
    busy: (u64, u64),
    /// Beats to come.
    foretold: VecDeque<Foretold>,
    /// Requests in flight.
    in_flight: u64,
    /// Something delayed beats, and not everything from before has left.
    disturbed: bool,
    /// A table is being cleared.
    clearing: bool,
    /// A stored bit was flipped.
    flipped: bool,
    credits: Credits,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
struct Foretold {
    earliest: u64,
    latest: u64,
    /// A first beat that nothing delays.
    constant: bool,
    /// No stall since the request was accepted, or in flight then.
    exact: bool,
}

/// Cycles until the credit of a span that is over has surely come back.
const CREDIT_CYCLES: u64 = 40;

/// Spans that may hold one of the unit's credits, of which there are `max_in_flight`.
#[derive(Clone, Debug)]
struct Credits {
    most: u64,
    most_spans: u64,
    held: u64,
    /// Of each request in flight: spans that may still be issued in vain.
    spare: VecDeque<u64>,
    /// When credits come back at the latest, and how many.
    returns: VecDeque<(u64, u64)>,
}

impl Credits {
    fn of(config: &Config) -> Credits {
        let (most, most_spans) = (config.max_in_flight.into(), config.max_spans().into());
        Credits { most, most_spans, held: 0, spare: VecDeque::new(), returns: VecDeque::new() }
    }

    /// Takes what a request needs at most. Says whether it might have to wait.
    fn take(&mut self, cycle: u64, expected: &[Beat], length: u32) -> bool {
        while let Some((_, count)) = self.returns.pop_front_if(|(from, _)| *from <= cycle) {
            self.held -= count;
        }
        let granted = expected.iter().filter(|beat| beat.span > 0).count() as u64;
        let broken_off = expected.last().is_some_and(ends_in_a_slot);
        let most = if broken_off { most_spans_of(length).min(self.most_spans) } else { granted };
        // Not even a beat without bytes is issued while no credit is left.
        let exhausted = self.held >= self.most;
        self.held += most;
        self.spare.push_back(most.saturating_sub(granted));
        exhausted || self.held > self.most
    }

    fn give_back(&mut self, cycle: u64, count: u64) {
        self.returns.push_back((cycle + CREDIT_CYCLES, count));
    }
}

/// Whether the request may have ended at one of its slots, with spans behind it.
fn ends_in_a_slot(last: &Beat) -> bool {
    matches!(last.fault, Fault::PageAbsent | Fault::TableCorrupt)
}

/// Spans of so many bytes, wherever they begin.
fn most_spans_of(length: u32) -> u64 {
    u64::from((length + 4095).div_ceil(4096).max(1))
}

/// How much was checked, so that a test can ask for a minimum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// First beats that came in the constant latency to the cycle.
    pub constant: u64,
    /// Beats that came in the one cycle (or the range) that was foretold, the former included.
    pub foretold: u64,
    /// Beats that were only checked not to come too early.
    pub bounded: u64,
}

/// A beat came in another cycle than the contract says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cycle {cycle}: a beat that was due in cycles {earliest} to {latest} is visible: {beat:x?}")]
pub struct OffTime {
    /// When it became visible.
    pub cycle: u64,
    /// First cycle that the contract allows.
    pub earliest: u64,
    /// Last cycle that the contract allows.
    pub latest: u64,
    /// The beat.
    pub beat: Beat,
}

impl Timing {
    /// For a unit that was just initialised.
    pub fn new(config: &Config) -> Timing {
        Timing {
            constant: Stages::of(config).first_beat().into(),
            busy: (0, 0),
            foretold: VecDeque::new(),
            in_flight: 0,
            disturbed: false,
            clearing: false,
            flipped: false,
            credits: Credits::of(config),
            counts: Counts::default(),
        }
    }

    /// What has been checked.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes the next event, which `scoreboard` has observed already.
    ///
    /// # Errors
    /// A beat came in a cycle in which the contract does not have it.
    pub fn observe(&mut self, timed: &Timed, scoreboard: &Scoreboard) -> Result<(), OffTime> {
        let cycle = timed.cycle;
        match timed.event {
            Event::Accepted(request) => self.foretell(cycle, scoreboard.last_expected(), request.length),
            Event::Commanded(_) => {
                if let Some((update, Ok(_))) = scoreboard.last_update() {
                    // Its token may take a place among the spans.
                    let arrival = cycle + self.constant;
                    self.busy.1 = arrival.max(self.busy.1 + 1);
                    self.clearing = matches!(update, Update::ClearTable { .. });
                    self.flipped |= matches!(update, Update::Inject { .. });
                    if self.clearing || self.flipped {
                        self.disturb();
                    }
                }
            }
            Event::Shown(beat) => return self.check(cycle, beat),
            Event::Taken(beat) => {
                if beat.last {
                    self.in_flight -= 1;
                    let spare = self.credits.spare.pop_front().unwrap_or(0);
                    self.credits.give_back(cycle, spare);
                }
                if self.in_flight == 0 && self.disturbed {
                    self.disturbed = false;
                    // Spans behind an absent page may still be cut, unseen.
                    self.busy.1 = self.busy.1.max(cycle + self.constant);
                }
            }
            Event::Stalled => self.disturb(),
            Event::Retired(_) => self.credits.give_back(cycle, 1),
            Event::Answered(_) => self.clearing = false,
        }
        Ok(())
    }

    /// Beats may be late from now on.
    fn disturb(&mut self) {
        self.disturbed = true;
        self.foretold.iter_mut().for_each(|beat| beat.exact = false);
    }

    fn foretell(&mut self, cycle: u64, expected: &[Beat], length: u32) {
        let arrival = cycle + self.constant;
        self.in_flight += 1;
        // What went before has its credits: only this request and later ones wait.
        self.disturbed |= self.credits.take(cycle, expected, length) || self.clearing || self.flipped;
        let constant = arrival > self.busy.1;
        for beat in expected {
            self.busy = (arrival.max(self.busy.0 + 1), arrival.max(self.busy.1 + 1));
            let (earliest, latest) = self.busy;
            let constant = constant && beat.first;
            self.foretold.push_back(Foretold { earliest, latest, constant, exact: !self.disturbed });
        }
        if expected.last().is_some_and(ends_in_a_slot) {
            self.busy.1 += most_spans_of(length).saturating_sub(expected.len() as u64);
        }
    }

    fn check(&mut self, cycle: u64, beat: Beat) -> Result<(), OffTime> {
        // Whether it is due at all is the scoreboard's question.
        let Some(due) = self.foretold.pop_front() else { return Ok(()) };
        let too_late = due.exact && cycle > due.latest;
        if cycle < due.earliest || too_late {
            return Err(OffTime { cycle, earliest: due.earliest, latest: due.latest, beat });
        }
        if due.exact {
            self.counts.foretold += 1;
            self.counts.constant += u64::from(due.constant);
        } else {
            self.counts.bounded += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_spec::{NetId, Op, Preset, Request};

    const REQUEST: Request = Request {
        net_id: NetId::from_u128(1),
        key: 0,
        pd: 0,
        op: Op::RemoteRead,
        va: 0,
        length: 8,
        bound: 8,
        stream: 0,
        tag: 0,
    };

    /// A request accepted in cycle 10 (answered UNKNOWN_NETWORK) whose beat shows up so many cycles later.
    fn shown_after(latency: u64, stalled: bool) -> (Result<(), OffTime>, Counts) {
        let config = Preset::Tiny.config();
        let mut scoreboard = Scoreboard::new(&config);
        let mut timing = Timing::new(&config);
        let beat = Beat {
            tag: 0,
            stream: 0,
            fault: Fault::UnknownNetwork,
            pa: 0,
            span: 0,
            table: 0,
            epoch: false,
            first: true,
            last: true,
        };
        let mut events = vec![(10, Event::Accepted(REQUEST))];
        if stalled {
            events.push((11, Event::Stalled));
        }
        events.push((10 + latency, Event::Shown(beat)));
        let mut outcome = Ok(());
        for (cycle, event) in events {
            let timed = Timed { cycle, event };
            scoreboard.observe(&timed).unwrap();
            outcome = timing.observe(&timed, &scoreboard);
        }
        (outcome, timing.counts())
    }

    #[test]
    fn a_first_beat_is_due_in_one_cycle() {
        let constant = u64::from(Stages::of(&Preset::Tiny.config()).first_beat());
        assert_eq!(shown_after(constant, false).1.constant, 1);
        assert!(shown_after(constant - 1, false).0.is_err());
        assert!(shown_after(constant + 1, false).0.is_err());
    }

    #[test]
    fn after_a_stall_it_may_be_late_but_not_early() {
        let constant = u64::from(Stages::of(&Preset::Tiny.config()).first_beat());
        let (late, counts) = shown_after(constant + 9, true);
        assert_eq!((late, counts.bounded, counts.constant), (Ok(()), 1, 0));
        assert!(shown_after(constant - 1, true).0.is_err());
    }
}
