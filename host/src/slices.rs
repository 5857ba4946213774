//! Which slices of the controller's pools each table has, and which tables must move to make room in a row.
//!
//! ```text
//!  regions  │ A │ free │ B  │ free │ C │ free │         moves: B down, C down        │ A │ B  │ C │     free     │
//! ```
//!
//! Slices are given out from the smallest gap that fits. Gaps that are too small for a newcomer, but enough together, are
//! closed by moving tables down: [`SliceAllocator::make_room`] says which, one after the other, and
//! [`Vm::relocate`](crate::Vm::relocate) moves one.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use stagecoach_spec::Slices;
use thiserror::Error;

use crate::driver::Sizes;
use crate::pool::{NoRoom, Part, Pool};

/// A pool that tables share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// The region pool.
    Regions,
    /// The page-slot pool.
    Slots,
}

impl core::fmt::Display for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Shared::Regions => "regions",
            Shared::Slots => "page slots",
        })
    }
}

/// Why a table gets no slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SliceError {
    /// A pool has no gap that is large enough; [`SliceAllocator::make_room`] helps if there is enough in all.
    #[error("the controller's {pool}: {room}")]
    NoRoom {
        /// Which.
        pool: Shared,
        /// What it has.
        room: NoRoom,
    },
    /// The table has some already.
    #[error("table {0} has slices already; give them back first")]
    Taken(u16),
}

/// A table that must move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The table.
    pub table: u16,
    /// First region of its new slice.
    pub region_base: u32,
    /// First slot of its new slice.
    pub slot_base: u32,
}

/// A part of each pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts {
    regions: Part,
    slots: Part,
}

/// The slices of all tables of a controller, all given out by this. Frame windows are whoever's the memory is: they are
/// handed through.
#[derive(Clone, Debug)]
pub struct SliceAllocator {
    regions: Pool,
    slots: Pool,
    tables: BTreeMap<u16, Parts>,
}

impl SliceAllocator {
    /// Those of a controller without tables.
    pub fn new(sizes: Sizes) -> SliceAllocator {
        let tables = BTreeMap::new();
        SliceAllocator {
            regions: Pool::new(sizes.regions.into()),
            slots: Pool::new(sizes.slots.into()),
            tables,
        }
    }

    /// Slices for a table, with `window` as its frames.
    ///
    /// # Errors
    /// As [`SliceError`] says; nothing is taken then.
    pub fn take(
        &mut self,
        table: u16,
        regions: u32,
        slots: u32,
        window: Range<u64>,
    ) -> Result<Slices, SliceError> {
        if self.tables.contains_key(&table) {
            return Err(SliceError::Taken(table));
        }
        let no_room = |pool| move |room| SliceError::NoRoom { pool, room };
        let regions = self.regions.take(regions.into()).map_err(no_room(Shared::Regions))?;
        let slots = match self.slots.take(slots.into()) {
            Ok(slots) => slots,
            Err(room) => {
                self.regions.give_back(regions);
                return Err(no_room(Shared::Slots)(room));
            }
        };
        self.tables.insert(table, Parts { regions, slots });
        // Pools have 2^24 places at most.
        Ok(Slices {
            region_base: regions.first as u32,
            region_count: regions.places as u32,
            slot_base: slots.first as u32,
            slot_count: slots.places as u32,
            window_base: window.start,
            window_count: window.end.saturating_sub(window.start),
        })
    }

    /// Takes a table's slices back; nothing happens if it has none. The table must be cleared before.
    pub fn give_back(&mut self, table: u16) {
        if let Some(parts) = self.tables.remove(&table) {
            self.regions.give_back(parts.regions);
            self.slots.give_back(parts.slots);
        }
    }

    /// What has to move, in this order, until so many regions and slots in a row are free: from the bottom, each to where
    /// nobody is by then, and no further than it takes. Nothing to move if they are free already. Changes nothing: whoever
    /// has moved a table says so with [`SliceAllocator::moved`].
    ///
    /// # Errors
    /// There is not enough room, however it is arranged.
    pub fn make_room(&self, regions: u32, slots: u32) -> Result<Vec<Relocation>, SliceError> {
        for (pool, wanted, shared) in
            [(&self.regions, regions, Shared::Regions), (&self.slots, slots, Shared::Slots)]
        {
            let wanted = u64::from(wanted);
            if pool.free() < wanted {
                let room = NoRoom { wanted, free: pool.free(), largest: pool.largest() };
                return Err(SliceError::NoRoom { pool: shared, room });
            }
        }
        let mut after = self.clone();
        let mut moves = Vec::new();
        let fits = |now: &SliceAllocator| {
            now.regions.largest() >= regions.into() && now.slots.largest() >= slots.into()
        };
        // Each move takes a slice down, so this ends; at the latest when no gap is left between any two.
        while !fits(&after) {
            let Some(next) = after.next_move() else { break };
            after.moved(&next);
            moves.push(next);
        }
        Ok(moves)
    }

    /// The next table that can move down, from the bottom of the region pool.
    fn next_move(&self) -> Option<Relocation> {
        let mut in_order: Vec<_> = self.tables.iter().collect();
        in_order.sort_by_key(|(_, parts)| (parts.regions.first, parts.slots.first));
        in_order.into_iter().find_map(|(table, parts)| {
            let floors = (self.regions.floor(parts.regions), self.slots.floor(parts.slots));
            (floors != (parts.regions.first, parts.slots.first)).then_some(Relocation {
                table: *table,
                region_base: floors.0 as u32,
                slot_base: floors.1 as u32,
            })
        })
    }

    /// Takes notice that a table has moved.
    pub fn moved(&mut self, to: &Relocation) {
        if let Some(parts) = self.tables.get_mut(&to.table) {
            self.regions.move_part(&mut parts.regions, to.region_base.into());
            self.slots.move_part(&mut parts.slots, to.slot_base.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allocator(regions: u32, slots: u32) -> SliceAllocator {
        SliceAllocator::new(Sizes { regions, slots, ..Sizes::default() })
    }

    #[test]
    fn gaps_are_closed_from_below_until_it_fits() {
        let mut slices = allocator(100, 1000);
        for (table, regions) in [(0, 10), (1, 20), (2, 30), (3, 20), (4, 10)] {
            slices.take(table, regions, regions * 10, 0..1).unwrap();
        }
        slices.give_back(1);
        slices.give_back(3);
        let full = slices.take(5, 25, 10, 0..1).unwrap_err();
        assert_eq!(
            full.to_string(),
            "the controller's regions: no 25 places in a row are free: 50 are free in all, 20 at most in a row"
        );
        let moves = slices.make_room(25, 10).unwrap();
        assert_eq!(moves, [Relocation { table: 2, region_base: 10, slot_base: 100 }], "one is enough");
        let moves = slices.make_room(50, 500).unwrap();
        assert_eq!(moves.iter().map(|to| (to.table, to.region_base)).collect::<Vec<_>>(), [(2, 10), (4, 40)]);
        assert!(slices.make_room(20, 200).unwrap().is_empty(), "it fits as it is");
        assert!(matches!(slices.make_room(51, 10), Err(SliceError::NoRoom { pool: Shared::Regions, .. })));
        for to in &moves {
            slices.moved(to);
        }
        assert_eq!(slices.take(5, 50, 500, 0..1).unwrap().region_base, 50);
        assert_eq!(slices.take(5, 0, 0, 0..1), Err(SliceError::Taken(5)));
    }

    proptest! {
        /// Whatever comes and goes: who wants no more than is free gets it after the moves, and at no moment do two
        /// slices overlap.
        #[test]
        fn what_is_free_in_all_can_be_had_in_a_row(
            steps in prop::collection::vec((0u16..12, 0u32..30, 0u32..300, any::<bool>()), 1..60),
        ) {
            let mut slices = allocator(100, 1000);
            for (table, regions, slots, leaves) in steps {
                if leaves {
                    slices.give_back(table);
                    continue;
                }
                if slices.tables.contains_key(&table) {
                    continue;
                }
                match slices.make_room(regions, slots) {
                    Err(_) => prop_assert!(
                        slices.regions.free() < regions.into() || slices.slots.free() < slots.into()
                    ),
                    Ok(moves) => {
                        for to in &moves {
                            let others = slices.tables.iter().filter(|(other, _)| **other != to.table);
                            for (_, parts) in others {
                                let own = slices.tables[&to.table];
                                for (place, own, part) in [
                                    (to.region_base, own.regions, parts.regions),
                                    (to.slot_base, own.slots, parts.slots),
                                ] {
                                    let place = u64::from(place);
                                    let apart = place + own.places <= part.first || part.first + part.places <= place;
                                    prop_assert!(apart || own.places == 0 || part.places == 0);
                                }
                            }
                            slices.moved(to);
                        }
                        prop_assert!(slices.take(table, regions, slots, 0..1).is_ok());
                    }
                }
            }
        }
    }
}
