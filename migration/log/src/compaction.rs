//! The shortest log with the same end.

use std::collections::{BTreeMap, BTreeSet};

use stagecoach_spec::{NetId, Region};

use crate::change::Change;
use crate::error::LogError;
use crate::log::Log;

/// What a log leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Page and page size of each slot that is not empty.
    pub slots: BTreeMap<u32, (u64, u8)>,
    /// Variant and region of each key index that is valid.
    pub regions: BTreeMap<u32, (u8, Region)>,
    /// The last variant of each key index that is not valid any more.
    pub freed: BTreeMap<u32, u8>,
    /// Identifiers that are bound.
    pub bound: BTreeSet<NetId>,
    /// The table is frozen.
    pub frozen: bool,
    /// The newest state of each queue pair.
    pub states: BTreeMap<u32, Vec<u8>>,
}

impl End {
    /// What these changes leave behind.
    pub fn of(changes: &[Change]) -> End {
        let mut end = End::default();
        for change in changes {
            end.add(change);
        }
        end
    }

    fn add(&mut self, change: &Change) {
        match change {
            Change::SetSlot { slot, page, page_size } => {
                self.slots.insert(*slot, (*page, *page_size));
            }
            Change::ClearSlot { slot } => {
                self.slots.remove(slot);
            }
            Change::Install { key, region } => {
                self.freed.remove(&(key >> 8));
                self.regions.insert(key >> 8, (*key as u8, *region));
            }
            Change::Invalidate { key } | Change::Freed { key } => {
                self.regions.remove(&(key >> 8));
                self.freed.insert(key >> 8, *key as u8);
            }
            Change::Bind { net_id } => {
                self.bound.insert(*net_id);
            }
            Change::Unbind { net_id } => {
                self.bound.remove(net_id);
            }
            Change::Freeze => self.frozen = true,
            Change::Thaw => self.frozen = false,
            Change::TransportState { stream, state } => {
                self.states.insert(*stream, state.clone());
            }
        }
    }

    /// The changes that lead here from an empty table: slots first, then regions, bindings last.
    pub fn changes(&self) -> Vec<Change> {
        let slots = self.slots.iter().map(|(slot, (page, page_size))| Change::SetSlot {
            slot: *slot,
            page: *page,
            page_size: *page_size,
        });
        let freed =
            self.freed.iter().map(|(index, variant)| Change::Freed { key: index << 8 | u32::from(*variant) });
        let regions = self.regions.iter().map(|(index, (variant, region))| Change::Install {
            key: index << 8 | u32::from(*variant),
            region: *region,
        });
        let states = self
            .states
            .iter()
            .map(|(stream, state)| Change::TransportState { stream: *stream, state: state.clone() });
        let bound = self.bound.iter().map(|net_id| Change::Bind { net_id: *net_id });
        let frozen = self.frozen.then_some(Change::Freeze);
        slots.chain(freed).chain(regions).chain(states).chain(bound).chain(frozen).collect()
    }
}

/// The shortest log with the same header and the same end.
///
/// # Errors
/// None for a log that makes sense.
pub fn compact(log: &Log) -> Result<Log, LogError> {
    Log::new(log.header().clone(), End::of(log.changes()).changes())
}
