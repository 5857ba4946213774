//! Regions or slots by table and place in its slice.

use std::collections::BTreeMap;

/// Places of a block.
const BLOCK: usize = 16;

/// A map by table and place in its slice. Neighbours share a block of [`BLOCK`] places: a map of single entries needs
/// about twice the memory when a million of them are there.
#[derive(Clone, Debug)]
pub(crate) struct Pool<T> {
    /// By table and number of the block; none is empty.
    blocks: BTreeMap<(u16, u32), Box<[Option<T>; BLOCK]>>,
}

impl<T> Default for Pool<T> {
    fn default() -> Pool<T> {
        Pool { blocks: BTreeMap::new() }
    }
}

impl<T: Copy> Pool<T> {
    pub(crate) fn get(&self, table: u16, place: u32) -> Option<&T> {
        let (block, within) = parts(place);
        self.blocks.get(&(table, block))?[within].as_ref()
    }

    /// Gives what was there.
    pub(crate) fn insert(&mut self, table: u16, place: u32, entry: T) -> Option<T> {
        let (block, within) = parts(place);
        let entries = self.blocks.entry((table, block)).or_insert_with(|| Box::new([None; BLOCK]));
        entries[within].replace(entry)
    }

    /// Gives what was there.
    pub(crate) fn remove(&mut self, table: u16, place: u32) -> Option<T> {
        let (block, within) = parts(place);
        let entries = self.blocks.get_mut(&(table, block))?;
        let removed = entries[within].take();
        if entries.iter().all(Option::is_none) {
            self.blocks.remove(&(table, block));
        }
        removed
    }

    /// Removes all of a table's.
    pub(crate) fn clear(&mut self, table: u16) {
        self.blocks.retain(|(owner, _), _| *owner != table);
    }

    /// Whether some entry is the table's.
    pub(crate) fn has_any(&self, table: u16) -> bool {
        self.blocks.range((table, 0)..=(table, u32::MAX)).next().is_some()
    }
}

/// The block of a place, and the place within it.
fn parts(place: u32) -> (u32, usize) {
    (place / BLOCK as u32, place as usize % BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_places_are_told_apart() {
        let mut pool = Pool::default();
        for (n, (table, place)) in [(1, 0), (1, 15), (1, 16), (2, 0), (2, 1 << 24)].into_iter().enumerate() {
            assert_eq!(pool.insert(table, place, n), None);
        }
        assert_eq!(pool.insert(1, 15, 9), Some(1));
        assert_eq!(
            [(1, 0), (1, 15), (1, 16)].map(|(t, p)| pool.get(t, p).copied()),
            [Some(0), Some(9), Some(2)]
        );
        assert_eq!(
            [(2, 1 << 24), (2, 16), (3, 0)].map(|(t, p)| pool.get(t, p).copied()),
            [Some(4), None, None]
        );
        pool.clear(1);
        assert!(!pool.has_any(1) && pool.has_any(2));
        assert_eq!(pool.get(2, 0), Some(&3));
    }

    #[test]
    fn a_table_whose_last_entry_went_has_none() {
        let mut pool = Pool::default();
        pool.insert(1, 3, 'a');
        pool.insert(1, 4, 'b');
        assert_eq!(pool.remove(1, 3), Some('a'));
        assert!(pool.has_any(1));
        assert_eq!((pool.remove(1, 3), pool.remove(1, 4), pool.remove(1, 4)), (None, Some('b'), None));
        assert!(!pool.has_any(1));
    }
}
