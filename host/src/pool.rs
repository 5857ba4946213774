//! Who has which part of a pool that tables share: regions, slots, frames, words of the dirty pool.

use alloc::collections::BTreeMap;

use thiserror::Error;

/// No gap is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no {wanted} places in a row are free: {free} are free in all, {largest} at most in a row")]
pub struct NoRoom {
    /// How many were wanted.
    pub wanted: u64,
    /// How many are free.
    pub free: u64,
    /// The largest gap.
    pub largest: u64,
}

/// Places in a row that somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first.
    pub first: u64,
    /// How many.
    pub places: u64,
}

/// A pool of places from 0, of which parts are taken and given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    size: u64,
    /// Places of each part, by its first.
    parts: BTreeMap<u64, u64>,
}

impl Pool {
    /// A pool of so many places, all free.
    pub fn new(size: u64) -> Pool {
        Pool { size, parts: BTreeMap::new() }
    }

    /// Takes the smallest gap that is large enough, from its begin. A part without places takes none, and begins at 0.
    ///
    /// # Errors
    /// There is no such gap.
    pub fn take(&mut self, places: u64) -> Result<Part, NoRoom> {
        if places == 0 {
            return Ok(Part { first: 0, places });
        }
        let fitting = self.gaps().filter(|(_, length)| *length >= places);
        let Some((first, _)) = fitting.min_by_key(|(_, length)| *length) else {
            return Err(NoRoom { wanted: places, free: self.free(), largest: self.largest() });
        };
        self.parts.insert(first, places);
        Ok(Part { first, places })
    }

    /// Gives a part back; nothing happens if it was not taken.
    pub fn give_back(&mut self, part: Part) {
        if self.parts.get(&part.first) == Some(&part.places) {
            self.parts.remove(&part.first);
        }
    }

    /// Places that are free in all.
    pub fn free(&self) -> u64 {
        self.gaps().map(|(_, length)| length).sum()
    }

    /// Places of the largest gap.
    pub fn largest(&self) -> u64 {
        self.gaps().map(|(_, length)| length).max().unwrap_or(0)
    }

    /// The lowest place that a part can move down to, past nobody. A part without places stays.
    pub(crate) fn floor(&self, part: Part) -> u64 {
        if part.places == 0 {
            return part.first;
        }
        let below = self.parts.range(..part.first).next_back();
        below.map_or(0, |(first, places)| first + places)
    }

    /// A part begins elsewhere from now on.
    pub(crate) fn move_part(&mut self, part: &mut Part, first: u64) {
        if self.parts.get(&part.first) == Some(&part.places) {
            self.parts.remove(&part.first);
            self.parts.insert(first, part.places);
        }
        part.first = first;
    }

    /// The gaps: first place and length.
    fn gaps(&self) -> impl Iterator<Item = (u64, u64)> {
        let begins = core::iter::once(0).chain(self.parts.iter().map(|(first, places)| first + places));
        let ends = self.parts.keys().copied().chain([self.size]);
        begins
            .zip(ends)
            .map(|(begin, end)| (begin, end.saturating_sub(begin)))
            .filter(|(_, length)| *length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_gap_that_fits_is_taken() {
        let mut pool = Pool::new(100);
        let parts: Vec<Part> = [10, 5, 20, 30].iter().map(|places| pool.take(*places).unwrap()).collect();
        assert_eq!(parts.iter().map(|part| part.first).collect::<Vec<_>>(), [0, 10, 15, 35]);
        pool.give_back(parts[1]);
        pool.give_back(parts[3]);
        assert_eq!(pool.take(4).unwrap().first, 10, "five places suit better than sixty-five");
        assert_eq!(pool.take(66), Err(NoRoom { wanted: 66, free: 66, largest: 65 }));
        assert_eq!(pool.take(65).unwrap().first, 35);
    }

    #[test]
    fn parts_without_places_are_nowhere_in_the_way() {
        let mut pool = Pool::new(4);
        let nothing = pool.take(0).unwrap();
        let all = pool.take(4).unwrap();
        assert_eq!((nothing.first, all.first), (0, 0));
        pool.give_back(nothing);
        assert!(pool.take(1).is_err(), "that gave nothing back");
        pool.give_back(all);
        assert_eq!(pool.take(4), Ok(all));
    }
}
