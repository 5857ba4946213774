//! Captured registrations as changes of a travelling log.

use std::collections::HashMap;

use stagecoach_captures::{Change as Captured, Event, SlotAllocator};
use stagecoach_log::Change;
use stagecoach_spec::{Access, Region};

/// Turns events into changes, one after the other.
pub(super) struct Registrations {
    allocator: SlotAllocator,
    /// By key index: the key, its first slot, its slots.
    live: HashMap<u32, (u32, u64, u64)>,
    /// The protection domain of each queue pair.
    pub(super) domains: HashMap<u32, u32>,
}

impl Registrations {
    pub(super) fn new(slots: u64) -> Registrations {
        Registrations { allocator: SlotAllocator::new(slots), live: HashMap::new(), domains: HashMap::new() }
    }

    /// The changes that an event makes: none if it asks for slots that there are not.
    pub(super) fn changes(&mut self, event: &Event) -> Vec<Change> {
        let mut changes = Vec::new();
        match &event.change {
            Captured::QueuePair { qpn, pd } => {
                self.domains.insert(*qpn, *pd);
            }
            Captured::Register(region) => {
                let count = if region.length == 0 { 0 } else { region.pfns.len() as u64 };
                let Some(first) = self.allocator.allocate(count) else { return changes };
                for (slot, page) in (first..first + count).zip(&region.pfns) {
                    changes.push(Change::SetSlot { slot: slot as u32, page: *page, page_size: 0 });
                }
                let installed = Region {
                    base: region.va,
                    length: region.length,
                    first_offset: region.first_offset(),
                    rights: Access::from_bits(region.access.0).unwrap_or(Access::NONE),
                    page_size: 0,
                    first_slot: first as u32,
                    pd: region.pd,
                };
                changes.push(Change::Install { key: region.key, region: installed });
                if let Some(old) = self.live.insert(region.key >> 8, (region.key, first, count)) {
                    self.release(&mut changes, old);
                }
            }
            Captured::Deregister { key } => {
                if let Some(old) = self.live.remove(&(key >> 8)) {
                    changes.push(Change::Invalidate { key: *key });
                    self.release(&mut changes, old);
                }
            }
        }
        changes
    }

    fn release(&mut self, changes: &mut Vec<Change>, (_, first, count): (u32, u64, u64)) {
        changes.extend((first..first + count).map(|slot| Change::ClearSlot { slot: slot as u32 }));
        self.allocator.release(first, count);
    }
}
