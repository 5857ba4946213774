//! Captured registrations as changes of a table.

use std::collections::HashMap;

use stagecoach_log::Change;
use stagecoach_spec::Region;
use thiserror::Error;

use crate::events::{self, Event, key_index};
use crate::slots::SlotAllocator;

/// No range of consecutive slots is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no {slots} consecutive slots are free")]
pub struct NoSlots {
    /// How many are wanted.
    pub slots: u64,
}

/// A region that is alive.
#[derive(Clone, Copy, Debug)]
struct Live {
    key: u32,
    first_slot: u64,
    slots: u64,
}

/// Turns events into changes of a table, one after the other. Pages are the guest's page frame numbers.
#[derive(Clone, Debug)]
pub struct Registrations {
    allocator: SlotAllocator,
    /// By key index.
    live: HashMap<u32, Live>,
    /// Protection domain by queue pair number.
    queue_pairs: HashMap<u32, u32>,
}

impl Registrations {
    /// Of a table with so many slots, all free.
    pub fn new(slots: u64) -> Registrations {
        Registrations {
            allocator: SlotAllocator::new(slots),
            live: HashMap::new(),
            queue_pairs: HashMap::new(),
        }
    }

    /// The changes that an event makes: slots first, the region last; a region of the same index is replaced in one step and
    /// its slots cleared after. None for a queue pair, which is remembered, and for a key that is not live.
    ///
    /// # Errors
    /// The region has more pages than there are slots in a row; nothing is noted.
    pub fn changes(&mut self, event: &Event) -> Result<Vec<Change>, NoSlots> {
        let mut changes = Vec::new();
        match &event.change {
            events::Change::Register(region) => self.register(&mut changes, region)?,
            events::Change::Deregister { key } => {
                if let Some(ended) = self.live.remove(&key_index(*key)) {
                    changes.push(Change::Invalidate { key: ended.key });
                    self.release(&mut changes, ended);
                }
            }
            events::Change::QueuePair { qpn, pd } => {
                self.queue_pairs.insert(*qpn, *pd);
            }
        }
        Ok(changes)
    }

    /// The protection domain of a queue pair, if an event told of it.
    pub fn protection_domain(&self, qpn: u32) -> Option<u32> {
        self.queue_pairs.get(&qpn).copied()
    }

    fn register(&mut self, changes: &mut Vec<Change>, region: &events::Region) -> Result<(), NoSlots> {
        let slots = if region.length == 0 { 0 } else { region.pfns.len() as u64 };
        let first_slot = self.allocator.allocate(slots).ok_or(NoSlots { slots })?;
        for (slot, page) in (first_slot..first_slot + slots).zip(&region.pfns) {
            changes.push(Change::SetSlot { slot: slot as u32, page: *page, page_size: 0 });
        }
        let installed = Region {
            base: region.va,
            length: region.length,
            first_offset: region.first_offset(),
            rights: stagecoach_spec::Access::from_bits(region.access.0)
                .unwrap_or(stagecoach_spec::Access::NONE),
            page_size: 0,
            first_slot: first_slot as u32,
            pd: region.pd,
        };
        changes.push(Change::Install { key: region.key, region: installed });
        if let Some(replaced) =
            self.live.insert(key_index(region.key), Live { key: region.key, first_slot, slots })
        {
            self.release(changes, replaced);
        }
        Ok(())
    }

    fn release(&mut self, changes: &mut Vec<Change>, ended: Live) {
        let slots = ended.first_slot..ended.first_slot + ended.slots;
        changes.extend(slots.map(|slot| Change::ClearSlot { slot: slot as u32 }));
        self.allocator.release(ended.first_slot, ended.slots);
    }
}
