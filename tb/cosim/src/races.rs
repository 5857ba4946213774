//! How often things met that must be right when they meet. Random stimulus aims at each of these; a test asks for a
//! least number.

use std::collections::{BTreeMap, VecDeque};

use stagecoach_spec::{Config, Fault, NetId, Slices, Stages, Update};

use crate::driver::{Event, Timed};
use crate::fences::Fences;
use crate::scoreboard::Scoreboard;
use stagecoach_spec::latency::RETIRE_CYCLES;

/// A meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Race {
    /// A region is installed or invalidated within a pipeline's depth of a request with its key.
    UpdateAmidRequests,
    /// The response port stalls while a fence waits.
    FenceWhileStalled,
    /// A table is frozen while requests of it are in flight.
    FreezeAmidRequests,
    /// The same key is registered again, with other slots, and nothing else installed between.
    ReRegistered,
    /// A span of the table is retired in the cycle in which a fence is accepted.
    RetiredWithFence,
    /// A span of the table is retired in the cycle in which a harvest is accepted.
    RetiredWithHarvest,
    /// A write to a harvested word is retired within a pipeline's depth of the moment from which on it counts no more.
    HarvestAmidWrites,
    /// As many spans are in flight as may be.
    InFlightFull,
    /// Requests with the same key of two tables are in flight at once.
    SameKeyOfTwoTables,
    /// A table gets regions or slots that a cleared one had.
    ReusedAfterClear,
    /// A binding is moved, and a request with its identifier comes in the cycle before or after.
    MovedBesideRequest,
    /// A way gets another seed while requests that were granted a table are on their way.
    ReseededAmidRequests,
}

impl Race {
    /// Every kind.
    pub const ALL: [Race; 12] = [
        Race::UpdateAmidRequests,
        Race::FenceWhileStalled,
        Race::FreezeAmidRequests,
        Race::ReRegistered,
        Race::RetiredWithFence,
        Race::RetiredWithHarvest,
        Race::HarvestAmidWrites,
        Race::InFlightFull,
        Race::SameKeyOfTwoTables,
        Race::ReusedAfterClear,
        Race::MovedBesideRequest,
        Race::ReseededAmidRequests,
    ];

    /// The name in lower snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Race::UpdateAmidRequests => "update_amid_requests",
            Race::FenceWhileStalled => "fence_while_stalled",
            Race::FreezeAmidRequests => "freeze_amid_requests",
            Race::ReRegistered => "re_registered",
            Race::RetiredWithFence => "retired_with_fence",
            Race::RetiredWithHarvest => "retired_with_harvest",
            Race::HarvestAmidWrites => "harvest_amid_writes",
            Race::InFlightFull => "in_flight_full",
            Race::SameKeyOfTwoTables => "same_key_of_two_tables",
            Race::ReusedAfterClear => "reused_after_clear",
            Race::MovedBesideRequest => "moved_beside_request",
            Race::ReseededAmidRequests => "reseeded_amid_requests",
        }
    }
}

/// A key index of a table.
type Place = (u16, u32);

/// Something that happened a short time ago, and whether it was counted.
#[derive(Clone, Copy, Debug)]
struct Recent<T> {
    cycle: u64,
    what: T,
    counted: bool,
}

/// How a table's dirty memory is tracked.
#[derive(Clone, Copy, Debug)]
struct Tracked {
    window_base: u64,
    granule_shift: u8,
}

impl Tracked {
    fn word_of(self, frame: u64) -> u64 {
        (frame.wrapping_sub(self.window_base) >> (self.granule_shift - 12)) / 64
    }
}

/// Follows the events of one driver.
#[derive(Clone, Debug)]
pub struct Races {
    depth: u64,
    most_in_flight: u64,
    counts: BTreeMap<Race, u64>,
    requests: VecDeque<(u64, Place)>,
    changes: VecDeque<Recent<Place>>,
    /// Table and key of each request in flight; no table, where the network identifier was unknown.
    in_flight: VecDeque<(Option<u16>, u32)>,
    /// Of the open fence: a stall was counted.
    stalled: bool,
    was_full: bool,
    /// Table of the span that was retired in the last cycle with one.
    retired: Option<(u64, u16)>,
    /// The last region that was installed: where, and its first slot.
    installed: Option<(Place, u32)>,
    tables: BTreeMap<u16, Slices>,
    cleared: Vec<Slices>,
    /// The last request that was accepted: when, and whose.
    asked: Option<(u64, NetId)>,
    /// The last move that no request was beside so far.
    moved: Option<(u64, NetId)>,
    tracked: BTreeMap<u16, Tracked>,
    /// Words of dirty memory, by table.
    written: VecDeque<(u64, (u16, u64))>,
    harvests: VecDeque<Recent<(u16, u64)>>,
}

impl Races {
    /// For a unit that was just reset.
    pub fn new(config: &Config) -> Races {
        Races {
            depth: Stages::of(config).first_beat().into(),
            most_in_flight: config.max_in_flight.into(),
            counts: BTreeMap::new(),
            requests: VecDeque::new(),
            changes: VecDeque::new(),
            in_flight: VecDeque::new(),
            stalled: false,
            was_full: false,
            retired: None,
            installed: None,
            tables: BTreeMap::new(),
            cleared: Vec::new(),
            asked: None,
            moved: None,
            tracked: BTreeMap::new(),
            written: VecDeque::new(),
            harvests: VecDeque::new(),
        }
    }

    /// How often each was met.
    pub fn counts(&self) -> &BTreeMap<Race, u64> {
        &self.counts
    }

    /// Takes the next event, which `scoreboard` and `fences` have observed already.
    pub fn observe(&mut self, timed: &Timed, scoreboard: &Scoreboard, fences: &Fences) {
        let cycle = timed.cycle;
        self.forget(cycle);
        match timed.event {
            Event::Accepted(request) => {
                self.asked = Some((cycle, request.net_id));
                let moved = self.moved.take_if(|(then, _)| *then < cycle);
                if moved.is_some_and(|(then, net_id)| then + 1 == cycle && net_id == request.net_id) {
                    self.count(Race::MovedBesideRequest);
                }
                let first = scoreboard.last_expected().first();
                let known = first.filter(|beat| beat.fault != Fault::UnknownNetwork);
                let table = known.map(|beat| beat.table);
                if let Some(table) = table {
                    self.ask(cycle, (table, request.key_index()));
                    let twins = |(other, key): &(Option<u16>, u32)| {
                        *key == request.key && other.is_some_and(|other| other != table)
                    };
                    if self.in_flight.iter().any(twins) {
                        self.count(Race::SameKeyOfTwoTables);
                    }
                }
                self.in_flight.push_back((table, request.key));
            }
            Event::Commanded(_) => {
                if let Some((update, Ok(_))) = scoreboard.last_update() {
                    self.change(cycle, update, fences);
                }
            }
            Event::Stalled => {
                if fences.open().is_some() && !std::mem::replace(&mut self.stalled, true) {
                    self.count(Race::FenceWhileStalled);
                }
            }
            Event::Taken(beat) => {
                if beat.last {
                    self.in_flight.pop_front();
                }
            }
            Event::Retired(retirement) => {
                self.retired = Some((cycle, retirement.table));
                if let Some(tracked) = self.tracked.get(&retirement.table)
                    && retirement.write
                {
                    self.write(
                        cycle + u64::from(RETIRE_CYCLES),
                        (retirement.table, tracked.word_of(retirement.frame)),
                    );
                }
            }
            Event::Answered(_) | Event::Shown(_) => {}
        }
        let full = fences.spans_in_flight() >= self.most_in_flight;
        if full && !self.was_full {
            self.count(Race::InFlightFull);
        }
        self.was_full = full;
    }

    fn count(&mut self, race: Race) {
        *self.counts.entry(race).or_default() += 1;
    }

    /// Drops what is longer ago than a pipeline's depth.
    fn forget(&mut self, cycle: u64) {
        let old = |then: u64| then + self.depth < cycle;
        while self.requests.front().is_some_and(|(then, _)| old(*then)) {
            self.requests.pop_front();
        }
        while self.changes.front().is_some_and(|change| old(change.cycle)) {
            self.changes.pop_front();
        }
        while self.written.front().is_some_and(|(then, _)| old(*then)) {
            self.written.pop_front();
        }
        // Writes are noted when they are retired, some cycles before they count.
        while self.harvests.front().is_some_and(|harvest| old(harvest.cycle)) {
            self.harvests.pop_front();
        }
    }

    fn ask(&mut self, cycle: u64, place: Place) {
        self.requests.push_back((cycle, place));
        let fresh = self.changes.iter_mut().find(|change| change.what == place && !change.counted);
        if let Some(change) = fresh {
            change.counted = true;
            self.count(Race::UpdateAmidRequests);
        }
    }

    fn write(&mut self, counts_from: u64, word: (u16, u64)) {
        self.written.push_back((counts_from, word));
        let depth = self.depth;
        let near = |harvest: &&mut Recent<(u16, u64)>| {
            harvest.what == word && !harvest.counted && harvest.cycle.abs_diff(counts_from) <= depth
        };
        if let Some(harvest) = self.harvests.iter_mut().find(near) {
            harvest.counted = true;
            self.count(Race::HarvestAmidWrites);
        }
    }

    fn change(&mut self, cycle: u64, update: Update, fences: &Fences) {
        let retired = self.retired;
        let retired_now = |table: u16| retired == Some((cycle, table));
        if let Some(fence) = fences.open() {
            self.stalled = false;
            if retired_now(fence.table) {
                self.count(Race::RetiredWithFence);
            }
        }
        match update {
            Update::SetTable { table, slices } => {
                self.tables.insert(table, slices);
                self.tracked.remove(&table);
                if let Some(place) = self.cleared.iter().position(|cleared| overlap(cleared, &slices)) {
                    self.cleared.remove(place);
                    self.count(Race::ReusedAfterClear);
                }
            }
            Update::ClearTable { table } => {
                self.cleared.extend(self.tables.remove(&table));
                self.tracked.remove(&table);
            }
            Update::Move { net_id, .. } => {
                if self.asked.is_some_and(|(then, asked)| then + 1 == cycle && asked == net_id) {
                    self.count(Race::MovedBesideRequest);
                } else {
                    self.moved = Some((cycle, net_id));
                }
            }
            Update::Reseed { .. } if self.in_flight.iter().any(|(table, _)| table.is_some()) => {
                self.count(Race::ReseededAmidRequests);
            }
            Update::Freeze { .. } if fences.open().is_some_and(|fence| fence.beats > 0) => {
                self.count(Race::FreezeAmidRequests);
            }
            Update::Install { table, key, region } => {
                let place = (table, key >> 8);
                self.change_region(cycle, place);
                if self.installed.is_some_and(|(last, slot)| last == place && slot != region.first_slot) {
                    self.count(Race::ReRegistered);
                }
                self.installed = Some((place, region.first_slot));
            }
            Update::Invalidate { table, key } => self.change_region(cycle, (table, key >> 8)),
            Update::Track { table, granule_shift, .. } => {
                self.tracked.remove(&table);
                if let (Some(slices), true) = (self.tables.get(&table), granule_shift > 0) {
                    let tracked = Tracked { window_base: slices.window_base, granule_shift };
                    self.tracked.insert(table, tracked);
                }
            }
            Update::Harvest { table, word } => {
                if retired_now(table) {
                    self.count(Race::RetiredWithHarvest);
                }
                let word = (table, u64::from(word));
                let counted = self
                    .written
                    .iter()
                    .any(|(from, written)| *written == word && from.abs_diff(cycle) <= self.depth);
                if counted {
                    self.count(Race::HarvestAmidWrites);
                }
                self.harvests.push_back(Recent { cycle, what: word, counted });
            }
            _ => {}
        }
    }

    fn change_region(&mut self, cycle: u64, place: Place) {
        let counted = self.requests.iter().any(|(_, asked)| *asked == place);
        if counted {
            self.count(Race::UpdateAmidRequests);
        }
        self.changes.push_back(Recent { cycle, what: place, counted });
    }
}

/// Whether both have a region or a slot.
fn overlap(one: &Slices, other: &Slices) -> bool {
    let meet = |a: (u32, u32), b: (u32, u32)| {
        u64::from(a.0.max(b.0)) < (u64::from(a.0) + u64::from(a.1)).min(u64::from(b.0) + u64::from(b.1))
    };
    meet((one.region_base, one.region_count), (other.region_base, other.region_count))
        || meet((one.slot_base, one.slot_count), (other.slot_base, other.slot_count))
}
