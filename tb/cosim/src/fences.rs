//! No fence answers before what it waits for: while a fence is open, everything of its table that was accepted before
//! it must leave, and be retired where it has bytes. And never are more spans in flight than the configuration allows.
//!
//! What is in flight is counted from the events alone; the model says which beats a request will have.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stagecoach_spec::{Answer, Beat, Config, Fault, Retirement, Update};

use crate::driver::{Event, Timed};
use crate::retirement::writes;
use crate::scoreboard::Scoreboard;

/// A fence that succeeded, and what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The update.
    pub update: Update,
    /// Its table.
    pub table: u16,
    /// The cycle of its acceptance.
    pub accepted: u64,
    /// The cycle of its answer; 0 until then.
    pub answered: u64,
    /// Beats of the table that were not taken when it was accepted.
    pub beats: u64,
    /// Spans of the table that were taken and not retired then.
    pub spans: u64,
    /// The cycle in which the last of these was over; that of acceptance when there was nothing.
    pub drained: u64,
}

impl Fence {
    /// Whether there was anything to wait for.
    pub fn waited(&self) -> bool {
        self.beats + self.spans > 0
    }
}

/// The unit broke the promise of fences, or the bound of spans in flight.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A fence was too early.
    #[error(
        "cycle {cycle}: {fence:x?} is answered, but {beats} beats and {spans} unretired spans of its table that were accepted before it are in flight"
    )]
    Early {
        /// The cycle of the answer.
        cycle: u64,
        /// The fence.
        fence: Box<Fence>,
        /// Beats that were not taken.
        beats: u64,
        /// Spans that were not retired.
        spans: u64,
    },
    /// More spans than the configuration allows.
    #[error("cycle {cycle}: {spans} granted spans are not retired; max_in_flight is {most}")]
    TooMany {
        /// The cycle in which the last became visible.
        cycle: u64,
        /// Spans that are visible, or taken and not retired.
        spans: u64,
        /// What the configuration allows.
        most: u32,
    },
}

impl Broken {
    /// The cycle in which it was seen.
    pub fn cycle(&self) -> u64 {
        match self {
            Broken::Early { cycle, .. } | Broken::TooMany { cycle, .. } => *cycle,
        }
    }
}

/// What is in flight of a table between two of its fences.
#[derive(Clone, Copy, Debug, Default)]
struct InFlight {
    /// Beats that were not taken.
    beats: u64,
    /// Spans that were taken and not retired.
    spans: u64,
}

/// A table, and how many fences it had before: requests between two fences share the number.
type Generation = (u16, u64);

/// Follows the events of one driver.
#[derive(Clone, Debug)]
pub struct Fences {
    most: u32,
    /// Slots that are present: `set_slot` is a fence when it replaces one.
    present: BTreeSet<(u16, u32)>,
    fences_of: BTreeMap<u16, u64>,
    in_flight: BTreeMap<Generation, InFlight>,
    /// Of each beat to come, in order; none for one that has no table.
    coming: VecDeque<Option<Generation>>,
    /// Of accepted requests, in order: whether they write.
    writing: VecDeque<bool>,
    unretired: Vec<(Retirement, Generation)>,
    /// Bytes are visible at the response port.
    shows_span: bool,
    open: Option<(Fence, Generation)>,
    done: Vec<Fence>,
    peak: u64,
}

impl Fences {
    /// For a unit that was just reset.
    pub fn new(config: &Config) -> Fences {
        Fences {
            most: config.max_in_flight,
            present: BTreeSet::new(),
            fences_of: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            coming: VecDeque::new(),
            writing: VecDeque::new(),
            unretired: Vec::new(),
            shows_span: false,
            open: None,
            done: Vec::new(),
            peak: 0,
        }
    }

    /// Every fence that succeeded, in order.
    pub fn done(&self) -> &[Fence] {
        &self.done
    }

    /// The fence that was accepted and is not answered.
    pub fn open(&self) -> Option<&Fence> {
        self.open.as_ref().map(|(fence, _)| fence)
    }

    /// Granted spans that are visible, or taken and not retired.
    pub fn spans_in_flight(&self) -> u64 {
        self.unretired.len() as u64 + u64::from(self.shows_span)
    }

    /// The most spans that were ever in flight so.
    pub fn peak(&self) -> u64 {
        self.peak
    }

    /// Takes the next event, which `scoreboard` has observed already.
    ///
    /// # Errors
    /// A fence was answered too early, or too many spans are in flight.
    pub fn observe(&mut self, timed: &Timed, scoreboard: &Scoreboard) -> Result<(), Broken> {
        let cycle = timed.cycle;
        match timed.event {
            Event::Accepted(request) => {
                self.writing.push_back(writes(request.op));
                scoreboard.last_expected().iter().for_each(|beat| self.expect(beat));
            }
            Event::Commanded(_) => {
                if let Some((update, Ok(_))) = scoreboard.last_update() {
                    self.accept(cycle, update);
                }
            }
            Event::Answered(answer) => return self.answer(cycle, answer),
            Event::Shown(beat) => {
                self.shows_span = beat.span > 0;
                self.peak = self.peak.max(self.spans_in_flight());
                let (spans, most) = (self.spans_in_flight(), self.most);
                if spans > u64::from(most) {
                    return Err(Broken::TooMany { cycle, spans, most });
                }
            }
            Event::Taken(beat) => self.take(cycle, &beat),
            Event::Retired(retirement) => {
                let place = self.unretired.iter().position(|(waiting, _)| *waiting == retirement);
                if let Some(place) = place {
                    let (_, generation) = self.unretired.remove(place);
                    self.in_flight.entry(generation).or_default().spans -= 1;
                    self.drain(cycle, generation);
                }
            }
            Event::Stalled => {}
        }
        Ok(())
    }

    /// Counts a beat to come for its table. A network identifier that is unknown has none; where a binding or a table's
    /// own word is corrupt, nobody can know it.
    fn expect(&mut self, beat: &Beat) {
        let has_table = !matches!(beat.fault, Fault::UnknownNetwork | Fault::TableCorrupt);
        let generation = (beat.table, self.fences_of.get(&beat.table).copied().unwrap_or(0));
        if has_table {
            self.in_flight.entry(generation).or_default().beats += 1;
        }
        self.coming.push_back(has_table.then_some(generation));
    }

    fn take(&mut self, cycle: u64, beat: &Beat) {
        self.shows_span = false;
        let generation = self.coming.pop_front().flatten();
        let write = self.writing.front().copied().unwrap_or(false);
        if beat.last {
            self.writing.pop_front();
        }
        let Some(generation) = generation else { return };
        let in_flight = self.in_flight.entry(generation).or_default();
        in_flight.beats -= 1;
        if let Some(retirement) = beat.retirement(write) {
            in_flight.spans += 1;
            self.unretired.push((retirement, generation));
        }
        self.drain(cycle, generation);
    }

    /// Notes when the last thing is over that the open fence waits for.
    fn drain(&mut self, cycle: u64, generation: Generation) {
        let InFlight { beats, spans } = self.in_flight.get(&generation).copied().unwrap_or_default();
        if beats + spans > 0 {
            return;
        }
        self.in_flight.remove(&generation);
        if let Some((fence, awaited)) = &mut self.open
            && *awaited == generation
        {
            fence.drained = cycle;
        }
    }

    fn accept(&mut self, cycle: u64, update: Update) {
        let table = match update {
            Update::SetSlot { table, slot, .. } => {
                let is_new = self.present.insert((table, slot));
                (!is_new).then_some(table)
            }
            Update::ClearSlot { table, slot } => {
                self.present.remove(&(table, slot));
                Some(table)
            }
            Update::ClearTable { table } => {
                self.present.retain(|(owner, _)| *owner != table);
                Some(table)
            }
            Update::Unbind { table, .. } | Update::Freeze { table } | Update::Invalidate { table, .. } => {
                Some(table)
            }
            _ => None,
        };
        let Some(table) = table else { return };
        let fences = self.fences_of.entry(table).or_default();
        let generation = (table, *fences);
        *fences += 1;
        let InFlight { beats, spans } = self.in_flight.get(&generation).copied().unwrap_or_default();
        let fence = Fence { update, table, accepted: cycle, answered: 0, beats, spans, drained: cycle };
        self.open = Some((fence, generation));
    }

    fn answer(&mut self, cycle: u64, answer: Answer) -> Result<(), Broken> {
        let Some((mut fence, generation)) = self.open.take() else { return Ok(()) };
        let InFlight { beats, spans } = self.in_flight.get(&generation).copied().unwrap_or_default();
        if beats + spans > 0 {
            return Err(Broken::Early { cycle, fence: Box::new(fence), beats, spans });
        }
        fence.answered = cycle;
        if answer.is_ok() {
            self.done.push(fence);
        }
        Ok(())
    }
}
