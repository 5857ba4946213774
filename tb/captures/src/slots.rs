//! How much of a mapping table a machine needs: regions and consecutive page slots.

use std::collections::{BTreeMap, HashMap};

use crate::events::{Change, Event, key_index};

/// Hands out ranges of consecutive page slots: the lowest range that fits, out of `capacity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotAllocator {
    capacity: u64,
    /// First slot → slots, of free ranges; neighbours are always joined.
    free: BTreeMap<u64, u64>,
    /// First slot → slots, of ranges in use.
    used: BTreeMap<u64, u64>,
}

impl SlotAllocator {
    /// All slots free.
    pub fn new(capacity: u64) -> SlotAllocator {
        let free = (capacity > 0).then_some((0, capacity)).into_iter().collect();
        SlotAllocator { capacity, free, used: BTreeMap::new() }
    }

    /// How many slots there are.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Takes the lowest `count` consecutive free slots and returns the first of them; `None` if
    /// there is no such range. No slots at all are always to be had, at slot 0.
    pub fn allocate(&mut self, count: u64) -> Option<u64> {
        if count == 0 {
            return Some(0);
        }
        let (first, length) =
            self.free.iter().find(|(_, length)| **length >= count).map(|(f, l)| (*f, *l))?;
        self.free.remove(&first);
        if length > count {
            self.free.insert(first + count, length - count);
        }
        self.used.insert(first, count);
        Some(first)
    }

    /// Gives back `count` slots from `first`, exactly as they were allocated. Answers whether they
    /// were: if not, nothing changes.
    pub fn release(&mut self, first: u64, count: u64) -> bool {
        if count == 0 {
            return true;
        }
        if self.used.get(&first) != Some(&count) {
            return false;
        }
        self.used.remove(&first);
        let (mut first, mut count) = (first, count);
        if let Some(after) = self.free.remove(&(first + count)) {
            count += after;
        }
        let before = self.free.range(..first).next_back().map(|(f, l)| (*f, *l));
        if let Some((start, length)) = before.filter(|(start, length)| start + length == first) {
            first = start;
            count += length;
        }
        self.free.insert(first, count);
        true
    }

    /// One past the highest slot in use.
    pub fn high_water(&self) -> u64 {
        self.used.last_key_value().map_or(0, |(first, count)| first + count)
    }
}

/// What a machine's table must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sizing {
    /// Regions: the largest key index and one.
    pub regions: u64,
    /// Page slots of 4 KiB when [`SlotAllocator`] hands them out and a registration that replaces
    /// a region takes its slots before the old ones are given back.
    pub slots: u64,
    /// Frames: the largest page frame number and one.
    pub frames: u64,
    /// Most regions that live at once.
    pub live_regions: u64,
    /// Most pages that live at once (pages that two regions share count twice).
    pub live_pages: u64,
}

impl Sizing {
    /// Goes through a machine's events.
    pub fn of(events: &[Event]) -> Sizing {
        let mut sizing = Sizing::default();
        let mut allocator = SlotAllocator::new(u64::MAX);
        let mut live: HashMap<u32, (u64, u64)> = HashMap::new();
        let mut pages = 0;
        for event in events {
            match &event.change {
                Change::Register(region) => {
                    let index = key_index(region.key);
                    // A region of no bytes needs no slot even if the log names a page for it.
                    let count = if region.length == 0 { 0 } else { region.pfns.len() as u64 };
                    // 2^64 slots cannot run out.
                    let first = allocator.allocate(count).unwrap_or_default();
                    sizing.slots = sizing.slots.max(allocator.high_water());
                    pages += count;
                    if let Some((first, count)) = live.insert(index, (first, count)) {
                        allocator.release(first, count);
                        pages -= count;
                    }
                    sizing.regions = sizing.regions.max(u64::from(index) + 1);
                    let highest = region.pfns.iter().max().map_or(0, |pfn| pfn + 1);
                    sizing.frames = sizing.frames.max(highest);
                    sizing.live_regions = sizing.live_regions.max(live.len() as u64);
                    sizing.live_pages = sizing.live_pages.max(pages);
                }
                Change::Deregister { key } => {
                    if let Some((first, count)) = live.remove(&key_index(*key)) {
                        allocator.release(first, count);
                        pages -= count;
                    }
                }
                Change::QueuePair { .. } => {}
            }
        }
        sizing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Access, Region};

    #[test]
    fn the_lowest_range_that_fits_is_taken_and_neighbours_join() {
        let mut slots = SlotAllocator::new(10);
        assert_eq!(slots.allocate(4), Some(0));
        assert_eq!(slots.allocate(2), Some(4));
        assert_eq!(slots.allocate(4), Some(6));
        assert_eq!(slots.allocate(1), None);
        assert!(slots.release(0, 4));
        assert_eq!(slots.allocate(5), None);
        assert!(slots.release(6, 4));
        assert_eq!(slots.high_water(), 6);
        assert!(slots.release(4, 2));
        assert_eq!(slots, SlotAllocator::new(10));
        assert_eq!(slots.allocate(10), Some(0));
    }

    #[test]
    fn only_what_was_allocated_can_be_released() {
        let mut slots = SlotAllocator::new(10);
        assert_eq!(slots.allocate(4), Some(0));
        let before = slots.clone();
        assert!(!slots.release(0, 3) && !slots.release(1, 3) && !slots.release(4, 1));
        assert_eq!(slots, before);
        assert_eq!(slots.allocate(0), Some(0));
        assert!(slots.release(0, 0));
        assert_eq!(SlotAllocator::new(0).allocate(1), None);
    }

    #[test]
    fn a_replacement_needs_both_ranges_at_once() {
        let register = |key: u32, pages: u64| Event {
            time_ns: 0,
            line: 1,
            change: Change::Register(Region {
                key,
                pd: 1,
                va: 0,
                length: pages * 4096,
                access: Access(0),
                pfns: (0..pages).collect(),
            }),
        };
        let end = |key: u32| Event { time_ns: 0, line: 1, change: Change::Deregister { key } };
        let sizing = Sizing::of(&[register(0x500, 3), register(0x501, 2)]);
        let expected = Sizing { regions: 6, slots: 5, frames: 3, live_regions: 1, live_pages: 3 };
        assert_eq!(sizing, expected);
        // The freed range is used again.
        let sizing = Sizing::of(&[register(0x500, 3), end(0x500), register(0x601, 2)]);
        assert_eq!((sizing.slots, sizing.regions), (3, 7));
    }
}
