//! Finds the bin of each request.

use std::collections::{BTreeMap, VecDeque};

use stagecoach_model::Golden;
use stagecoach_spec::{Beat, Config, Fault, Op, PeekEntry, Region, Request, Update, UpdateError};

use super::Coverage;
use super::bin::{Bin, PageSize, Position, Stall};
use crate::driver::{Event, Timed};
use crate::scoreboard::Scoreboard;

/// A request whose last beat was not taken.
#[derive(Clone, Copy, Debug)]
struct Asked {
    op: Op,
    page_size: PageSize,
    position: Position,
    /// Stalls before it was accepted.
    stalls: u64,
}

/// Follows the events of one driver.
#[derive(Clone, Debug)]
pub struct Collector {
    config: Config,
    /// By table and index: the whole key and the region.
    regions: BTreeMap<(u16, u32), (u32, Region)>,
    asked: VecDeque<Asked>,
    stalls: u64,
    coverage: Coverage,
}

impl Collector {
    /// For a unit that was just reset.
    pub fn new(config: &Config) -> Collector {
        Collector {
            config: config.clone(),
            regions: BTreeMap::new(),
            asked: VecDeque::new(),
            stalls: 0,
            coverage: Coverage::default(),
        }
    }

    /// What was met.
    pub fn into_coverage(self) -> Coverage {
        self.coverage
    }

    /// Takes the next event, which `scoreboard` has observed already.
    pub fn observe(&mut self, timed: &Timed, scoreboard: &Scoreboard) {
        match timed.event {
            Event::Accepted(request) => {
                let region = self.region_of(&request, scoreboard);
                let (page_size, position) = self.classes(&request, region);
                self.asked.push_back(Asked { op: request.op, page_size, position, stalls: self.stalls });
            }
            Event::Commanded(_) => {
                if let Some((update, Ok(_))) = scoreboard.last_update() {
                    self.follow(&update);
                }
            }
            Event::Stalled => self.stalls += 1,
            Event::Taken(beat) if beat.last => self.take(&beat),
            Event::Taken(_) | Event::Answered(_) | Event::Shown(_) | Event::Retired(_) => {}
        }
    }

    fn follow(&mut self, update: &Update) {
        match *update {
            Update::Install { table, key, region } => {
                self.regions.insert((table, key >> 8), (key, region));
            }
            Update::Invalidate { table, key } => {
                self.regions.remove(&(table, key >> 8));
            }
            Update::ClearTable { table } => self.regions.retain(|(owner, _), _| *owner != table),
            _ => {}
        }
    }

    fn take(&mut self, beat: &Beat) {
        let Some(Asked { op, page_size, position, stalls }) = self.asked.pop_front() else { return };
        let stall = if self.stalls > stalls { Stall::Stalled } else { Stall::Free };
        let protection = self.config.protection;
        self.coverage.count(Bin { fault: beat.fault, op, page_size, position, stall, protection });
    }

    fn classes(&self, request: &Request, region: Option<Region>) -> (PageSize, Position) {
        let sized = region.and_then(|region| Some((region, self.config.page_shift(region.page_size)?)));
        sized.map_or((PageSize::None, Position::None), |(region, page_shift)| {
            let page_size = PageSize::of(&self.config, region.page_size);
            (page_size, Position::of(request, &region, page_shift))
        })
    }

    /// The region that the verdict of the request that was just accepted depends on.
    fn region_of(&self, request: &Request, scoreboard: &Scoreboard) -> Option<Region> {
        let beats = scoreboard.last_expected();
        let last = beats.last()?;
        let here = || self.regions.get(&(last.table, request.key_index())).copied();
        let region = match last.fault {
            Fault::UnknownNetwork | Fault::Frozen | Fault::InvalidRequest | Fault::InvalidKey => None,
            Fault::Granted if request.bound == 0 && request.op != Op::RemoteAtomic => None,
            Fault::TableCorrupt if last.first => {
                here().filter(|installed| self.is_of_slot(request, last.table, installed, scoreboard.model()))
            }
            _ => here(),
        };
        region.map(|(_, region)| region)
    }

    /// Whether TABLE_CORRUPT in a first beat comes from the slot: the region can be read and has nothing against the
    /// access, and the slot cannot be read.
    fn is_of_slot(
        &self,
        request: &Request,
        table: u16,
        (key, region): &(u32, Region),
        model: &Golden,
    ) -> bool {
        let Some(page_shift) = self.config.page_shift(region.page_size) else { return false };
        let grants = request.op.is_valid()
            && *key == request.key
            && region.pd == request.pd
            && region.rights.contains(request.op.needed_access());
        if !grants
            || matches!(Position::of(request, region, page_shift), Position::Outside | Position::WithoutBytes)
        {
            return false;
        }
        // Reading repairs what can be repaired: in a copy.
        let mut model = model.clone();
        let mut is_corrupt =
            |entry| model.update(&Update::Peek { entry, word: 0 }) == Err(UpdateError::Corrupt);
        let start = request.va.wrapping_sub(region.base).wrapping_add(region.first_offset.into());
        let slot = region.first_slot + (start >> page_shift) as u32;
        !is_corrupt(PeekEntry::Table { table })
            && !is_corrupt(PeekEntry::Region { table, index: request.key_index() })
            && is_corrupt(PeekEntry::Slot { table, slot })
    }
}
