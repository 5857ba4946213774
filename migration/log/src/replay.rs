//! From a verified log to a table on another machine.

use std::collections::BTreeMap;

use stagecoach_host::{Driver, DriverError, RegisterBus};
use stagecoach_spec::{Answer, Config, Region, Slices, Update, UpdateError};
use thiserror::Error;

use crate::compaction::End;
use crate::error::LogError;
use crate::header::Header;
use crate::log::Log;
use crate::relocation::Relocation;

/// Where updates go.
pub trait UpdatePort {
    /// The way there failed.
    type Error: std::error::Error;
    /// Makes an update and waits for its answer.
    ///
    /// # Errors
    /// It is not known what became of the update.
    fn update(&mut self, update: &Update) -> Result<Answer, Self::Error>;
}

impl<B: RegisterBus> UpdatePort for Driver<B> {
    type Error = DriverError<B::Error>;

    fn update(&mut self, update: &Update) -> Result<Answer, Self::Error> {
        Driver::update(self, update)
    }
}

/// Where a VM shall live.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// The machine's configuration.
    pub config: &'a Config,
    /// A table that is not set.
    pub table: u16,
    /// Slices and window that are free.
    pub slices: Slices,
    /// Bindings that are free.
    pub free_bindings: u32,
}

/// Why a log is not replayed. But for `Failed`, and `Refused` with an undo that failed, the destination is as it was.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// Not enough of something.
    #[error("{what}: {wanted} are needed, {there} are there; make room at the destination")]
    NoRoom {
        /// Of what.
        what: &'static str,
        /// Needed.
        wanted: u64,
        /// There.
        there: u64,
    },
    /// A page size that the destination lacks.
    #[error("pages of size {0} (index in the log) do not exist at the destination")]
    PageSize(u8),
    /// A page without a place.
    #[error("guest page {0:#x} has no frames of its own, in a row, aligned and in the window; map it")]
    Unmapped(u64),
    /// The hardware refused.
    #[error("update {update} of the plan was refused: {error}; undone: {undone}")]
    Refused {
        /// Which.
        update: usize,
        /// Why.
        error: UpdateError,
        /// The table was cleared again.
        undone: bool,
    },
    /// The port failed.
    #[error("update {update} of the plan failed: {words}; the table's state is not known, reset or clear it")]
    Failed {
        /// Which.
        update: usize,
        /// The port's words.
        words: String,
    },
}

/// What makes the table: everything is checked, nothing is changed yet.
#[derive(Clone, Debug)]
pub struct Plan {
    table: u16,
    updates: Vec<Update>,
    binds: Vec<Update>,
    header: Header,
    end: End,
}

/// Plans the replay of a log's final state.
///
/// # Errors
/// No room, or a page without a frame.
pub fn plan(log: &Log, map: &Relocation, to: Destination<'_>) -> Result<Plan, ReplayError> {
    let end = End::of(log.changes());
    let Destination { config, table, slices, free_bindings } = to;
    let room = |what, wanted: u64, there: u64| {
        if wanted > there { Err(ReplayError::NoRoom { what, wanted, there }) } else { Ok(()) }
    };
    let capacity = log.header().capacity;
    let top = |last: Option<u32>| last.map_or(0, |last| u64::from(last) + 1);
    let indices = end.regions.keys().chain(end.freed.keys()).max().copied();
    let regions = top(indices).max(u64::from(capacity.regions));
    room("regions in the slice", regions, slices.region_count.into())?;
    let slots = top(end.slots.keys().last().copied()).max(u64::from(capacity.slots));
    room("slots in the slice", slots, slices.slot_count.into())?;
    room("bindings", log.header().net_ids.len() as u64, free_bindings.into())?;
    let page_size = |size: u8| {
        let shift = log.header().page_shifts.get(usize::from(size));
        shift
            .and_then(|shift| Some((*shift, config.page_size_index(*shift)?)))
            .ok_or(ReplayError::PageSize(size))
    };
    let mut updates = vec![Update::SetTable { table, slices }];
    for (slot, (page, size)) in &end.slots {
        let (shift, page_size) = page_size(*size)?;
        let frame = map.large(*page, shift).filter(|frame| {
            let offset = frame.checked_sub(slices.window_base);
            offset.is_some_and(|offset| {
                slices.window_count.checked_sub(offset).is_some_and(|left| left >= 1 << (shift - 12))
            })
        });
        let frame = frame.ok_or(ReplayError::Unmapped(*page))?;
        updates.push(Update::SetSlot { table, slot: *slot, frame, page_size });
    }
    for (index, (variant, region)) in &end.regions {
        let mut region = *region;
        region.page_size = page_size(region.page_size)?.1;
        updates.push(Update::Install { table, key: index << 8 | u32::from(*variant), region });
    }
    updates.push(Update::Freeze { table });
    let binds = log.header().net_ids.iter().map(|net_id| Update::Bind { table, net_id: *net_id }).collect();
    Ok(Plan { table, updates, binds, header: log.header().clone(), end })
}

/// What stands in a table that was prepared.
struct Contents {
    /// Frame and page size of each slot.
    slots: BTreeMap<u32, (u64, u8)>,
    /// By key.
    regions: BTreeMap<u32, Region>,
}

impl Contents {
    fn of(updates: &[Update]) -> Contents {
        let (mut slots, mut regions) = (BTreeMap::new(), BTreeMap::new());
        for update in updates {
            match *update {
                Update::SetSlot { slot, frame, page_size, .. } => {
                    slots.insert(slot, (frame, page_size));
                }
                Update::Install { key, region, .. } => {
                    regions.insert(key, region);
                }
                _ => {}
            }
        }
        Contents { slots, regions }
    }
}

impl Plan {
    /// Makes the table, frozen and not bound (PREPARED). A refusal undoes it.
    ///
    /// # Errors
    /// The port refused or failed.
    pub fn prepare(&self, port: &mut impl UpdatePort) -> Result<(), ReplayError> {
        self.play(&self.updates, port)
    }

    /// Makes the table, not bound, and not frozen yet, so that [`Plan::changes_from`] can still change it. A refusal undoes it.
    ///
    /// # Errors
    /// As [`Plan::prepare`].
    pub fn prepare_ahead(&self, port: &mut impl UpdatePort) -> Result<(), ReplayError> {
        self.play(&self.updates[..self.updates.len() - 1], port)
    }

    fn play(&self, updates: &[Update], port: &mut impl UpdatePort) -> Result<(), ReplayError> {
        for (number, update) in updates.iter().enumerate() {
            match port.update(update) {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    let clear = Update::ClearTable { table: self.table };
                    // A refused set_table made nothing; what stands in that table is another's.
                    let undone = number == 0 || matches!(port.update(&clear), Ok(Ok(_)));
                    return Err(ReplayError::Refused { update: number, error, undone });
                }
                Err(error) => return Err(ReplayError::Failed { update: number, words: error.to_string() }),
            }
        }
        Ok(())
    }

    /// What makes this plan's table, frozen, of one that another plan prepared ahead, in the same slices; nothing if those differ. Keys
    /// that end or change go first, so that no region ever stands over other slots than its own.
    pub fn changes_from(&self, before: &Plan) -> Option<Vec<Update>> {
        let table = self.table;
        if self.updates.first() != before.updates.first() {
            return None;
        }
        let (old, new) = (Contents::of(&before.updates), Contents::of(&self.updates));
        let moved = |slot: &u32| old.slots.get(slot) != new.slots.get(slot);
        let ends = |(key, region): &(&u32, &Region)| new.regions.get(*key) != Some(region);
        let invalidated = old.regions.iter().filter(ends);
        let invalidated = invalidated.map(|(key, _)| Update::Invalidate { table, key: *key });
        let cleared = old.slots.keys().filter(|slot| !new.slots.contains_key(slot));
        let cleared = cleared.map(|slot| Update::ClearSlot { table, slot: *slot });
        let set = new.slots.iter().filter(|(slot, _)| moved(slot));
        let set = set.map(|(slot, (frame, page_size))| Update::SetSlot {
            table,
            slot: *slot,
            frame: *frame,
            page_size: *page_size,
        });
        let installed = new.regions.iter().filter(|(key, region)| old.regions.get(key) != Some(region));
        let installed = installed.map(|(key, region)| Update::Install { table, key: *key, region: *region });
        let frozen = [Update::Freeze { table }];
        Some(invalidated.chain(cleared).chain(set).chain(installed).chain(frozen).collect())
    }

    /// The updates that bind the VM, for after COMMIT; a thaw of [`Plan::table`] then lets it serve.
    pub fn binds(&self) -> &[Update] {
        &self.binds
    }

    /// The header of the log that was planned.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The table.
    pub fn table(&self) -> u16 {
        self.table
    }

    /// What the log left: freed variants and transport state too.
    pub fn end(&self) -> &End {
        &self.end
    }

    /// The begin of the destination's own log, in the next epoch: so the VM can move on.
    ///
    /// # Errors
    /// None for the plan of a log that makes sense.
    pub fn own_log(&self) -> Result<Log, LogError> {
        let mut header = self.header.clone();
        header.epoch = header.epoch.saturating_add(1);
        let bound = header.net_ids.iter().copied().collect();
        Log::new(header, End { frozen: false, bound, ..self.end.clone() }.changes())
    }
}
