//! The shortest row of moves that frees one of an identifier's places: breadth first, from place to place of who stands
//! in the way.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use stagecoach_spec::{Cuckoo, Update};

use crate::contents::{Contents, WAYS};

/// Most moves in a row. Tables that are 95 % full need about half of them at most.
pub(crate) const MOST_MOVES: usize = 16;

/// What a search may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    All,
    /// All but this one, which is being emptied.
    Without(u32),
}

impl Ways {
    fn include(self, way: u32) -> bool {
        self != Ways::Without(way)
    }
}

/// The moves that free a place, in the order in which they are played, and the way in which it then is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) moves: Vec<Update>,
    pub(crate) way: u32,
}

/// The moves that free one of these places; none when one is free.
pub(crate) fn free_one(contents: &Contents, places: &[u32; WAYS], ways: Ways) -> Option<Path> {
    let cuckoo = contents.cuckoo();
    // Each place that was reached: from where, and with how many moves.
    let mut reached: BTreeMap<u32, (Option<u32>, usize)> = BTreeMap::new();
    let mut queue: VecDeque<(u32, Option<u32>, usize)> = VecDeque::new();
    let allowed = |entry: &u32| ways.include(cuckoo.way_of(*entry));
    queue.extend(places.iter().copied().filter(allowed).map(|entry| (entry, None, 0)));
    while let Some((entry, from, moves)) = queue.pop_front() {
        if reached.contains_key(&entry) {
            continue;
        }
        reached.insert(entry, (from, moves));
        let Some(resident) = contents.at(entry) else {
            return Some(walk_back(contents, cuckoo, &reached, entry));
        };
        if moves < MOST_MOVES {
            let next = resident.places.iter().copied().filter(|place| *place != entry).filter(allowed);
            queue.extend(next.map(|place| (place, Some(entry), moves + 1)));
        }
    }
    None
}

/// The moves from the free place back to the one that shall be free: the last in the row moves first.
fn walk_back(
    contents: &Contents,
    cuckoo: Cuckoo,
    reached: &BTreeMap<u32, (Option<u32>, usize)>,
    free: u32,
) -> Path {
    let mut moves = Vec::new();
    let mut to = free;
    while let Some((Some(from), _)) = reached.get(&to) {
        if let Some(resident) = contents.at(*from) {
            let way = cuckoo.way_of(to) as u8;
            moves.push(Update::Move { table: resident.table, net_id: resident.net_id, way });
        }
        to = *from;
    }
    Path { moves, way: cuckoo.way_of(to) }
}
