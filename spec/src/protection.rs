//! What is stored under check bits, and how many of them there are.
//!
//! | protection | check bits of a word | one flipped bit | two |
//! | --- | --- | --- | --- |
//! | `none` | 0 | goes unseen | |
//! | `parity` | 1: even parity over word and check bit | detected | goes unseen |
//! | `secded` | r + 1, the least r with 2^r > bits + r: a Hamming code and an overall parity bit | corrected | detected |
//!
//! A word of zeros has check bits of zero, so that cleared memory is valid.

use crate::config::{Cam, Config, Protection};
use serde::{Deserialize, Serialize};

/// A stored word, as `inject` names it. The number is that of its space at the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// Space 0: a CAM entry. The low bits are the identifier's code over (net_id, valid above it), then the code of what it
    /// leads to: the table number and, in a cuckoo CAM, above it where the table's slices begin.
    Binding {
        /// The entry, below [`Config::cam_entries`].
        entry: u32,
    },
    /// Space 1: the table word that lookups read. With a cuckoo CAM, frozen and epoch alone.
    Table {
        /// The table.
        table: u16,
    },
    /// Space 2: a region.
    Region {
        /// The table.
        table: u16,
        /// The region's index in the table's slice.
        index: u32,
    },
    /// Space 3: a page slot.
    Slot {
        /// The table.
        table: u16,
        /// The slot in the table's slice.
        slot: u32,
    },
    /// Space 5: the list of bindings that updates search.
    ListedBinding {
        /// The entry.
        entry: u32,
    },
    /// Space 6: a table's record, which updates are checked against.
    Record {
        /// The table.
        table: u16,
    },
    /// Space 7: the note, for updates, which region is valid and its variant.
    ValidRegion {
        /// The table.
        table: u16,
        /// The region's index in the table's slice.
        index: u32,
    },
    /// Space 8: the note, for updates, which slot is present.
    PresentSlot {
        /// The table.
        table: u16,
        /// The slot in the table's slice.
        slot: u32,
    },
    /// Space 9: how a table's dirty memory is tracked.
    Tracking {
        /// The table.
        table: u16,
    },
    /// Space 10: a word of the dirty pool. It is kept twice, and a bit is dirty if either copy says so: bits 0 to 63 are
    /// the first copy's, 64 to 127 the second's.
    Dirty {
        /// The word in the pool.
        word: u32,
    },
}

impl Stored {
    /// The number of the space at the port. (4 is the fault log, for `peek` alone.)
    pub const fn space(self) -> u8 {
        match self {
            Stored::Binding { .. } => 0,
            Stored::Table { .. } => 1,
            Stored::Region { .. } => 2,
            Stored::Slot { .. } => 3,
            Stored::ListedBinding { .. } => 5,
            Stored::Record { .. } => 6,
            Stored::ValidRegion { .. } => 7,
            Stored::PresentSlot { .. } => 8,
            Stored::Tracking { .. } => 9,
            Stored::Dirty { .. } => 10,
        }
    }

    /// The word that a space, table and index name; nothing for a number that is no such space.
    pub const fn of(space: u8, table: u16, index: u32) -> Option<Stored> {
        Some(match space {
            0 => Stored::Binding { entry: index },
            1 => Stored::Table { table },
            2 => Stored::Region { table, index },
            3 => Stored::Slot { table, slot: index },
            5 => Stored::ListedBinding { entry: index },
            6 => Stored::Record { table },
            7 => Stored::ValidRegion { table, index },
            8 => Stored::PresentSlot { table, slot: index },
            9 => Stored::Tracking { table },
            10 => Stored::Dirty { word: index },
            _ => return None,
        })
    }

    /// Table and index at the port; 0 where the word has none.
    pub const fn place(self) -> (u16, u32) {
        match self {
            Stored::Binding { entry } | Stored::ListedBinding { entry } => (0, entry),
            Stored::Table { table } | Stored::Record { table } | Stored::Tracking { table } => (table, 0),
            Stored::Region { table, index } | Stored::ValidRegion { table, index } => (table, index),
            Stored::Slot { table, slot } | Stored::PresentSlot { table, slot } => (table, slot),
            Stored::Dirty { word } => (0, word),
        }
    }
}

impl Protection {
    /// Check bits of a word of `bits` bits.
    pub const fn check_bits(self, bits: u32) -> u32 {
        match self {
            Protection::None => 0,
            Protection::Parity => 1,
            Protection::Secded => hamming_bits(bits) + 1,
        }
    }

    /// A word with its check bits.
    pub const fn coded_bits(self, bits: u32) -> u32 {
        bits + self.check_bits(bits)
    }
}

/// The least r with 2^r > bits + r.
const fn hamming_bits(bits: u32) -> u32 {
    let mut r = 0;
    while 1u64 << r <= bits as u64 + r as u64 {
        r += 1;
    }
    r
}

impl Config {
    /// Bits of what a lookup needs of a table's slices: region_base, region_count, slot_base.
    fn table_slices_bits(&self) -> u32 {
        self.region_bits() + self.region_count_bits() + self.slot_bits()
    }

    /// Bits of what a CAM entry leads to: the table's number and, in a cuckoo CAM, its slices.
    pub fn binding_target_bits(&self) -> u32 {
        match self.cam_kind() {
            Cam::Register => self.table_bits(),
            Cam::Cuckoo => self.table_bits() + self.table_slices_bits(),
        }
    }

    /// Bits of a stored word, check bits included: what `inject` may flip.
    pub fn stored_bits(&self, stored: Stored) -> u32 {
        let coded = |bits| self.protection.coded_bits(bits);
        match stored {
            Stored::Binding { .. } => coded(self.net_id_bits + 1) + coded(self.binding_target_bits()),
            Stored::Table { .. } => match self.cam_kind() {
                Cam::Register => coded(2 + self.table_slices_bits()),
                Cam::Cuckoo => coded(2),
            },
            Stored::Region { .. } => {
                let fixed = 1 + 8 + 4 + 64 + 65;
                let sized =
                    self.pd_bits + self.page_size_bits() + self.position_bits() + self.slot_count_bits();
                coded(fixed + sized)
            }
            Stored::Slot { .. } => coded(1 + self.page_size_bits() + self.frame_bits()),
            Stored::ListedBinding { .. } => coded(1 + self.table_bits() + self.net_id_bits),
            Stored::Record { .. } => {
                let slices =
                    self.region_bits() + self.region_count_bits() + self.slot_bits() + self.slot_count_bits();
                let window = self.frame_bits() + self.frame_count_bits();
                let counts = self.binding_count_bits() + self.region_count_bits() + self.slot_count_bits();
                let dirty = 5 + self.dirty_bits() + self.dirty_count_bits();
                coded(3 + slices + window + counts + dirty)
            }
            Stored::ValidRegion { .. } => coded(9),
            Stored::PresentSlot { .. } => coded(1),
            Stored::Tracking { .. } => coded(5 + self.frame_bits() + self.dirty_bits()),
            Stored::Dirty { .. } => 128,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    #[test]
    fn check_bits_are_those_of_the_textbook() {
        let secded = |bits| Protection::Secded.check_bits(bits);
        // 64 data bits take the well-known 8; 4 take 4, 11 take 5, 26 take 6, 57 take 7, 120 take 8.
        assert_eq!(
            [1, 4, 5, 11, 12, 26, 27, 57, 58, 64, 120, 121].map(secded),
            [3, 4, 5, 5, 6, 6, 7, 7, 8, 8, 8, 9]
        );
        assert_eq!(Protection::None.coded_bits(64), 64);
        assert_eq!(Protection::Parity.coded_bits(64), 65);
    }

    #[test]
    fn spaces_round_trip() {
        for space in 0..=16 {
            if let Some(stored) = Stored::of(space, 3, 5) {
                let (table, index) = stored.place();
                assert_eq!(stored.space(), space);
                assert_eq!(Stored::of(space, table, index), Some(stored));
                assert!(Preset::Tiny.config().stored_bits(stored) > 0);
            }
        }
        assert_eq!(Stored::of(4, 0, 0), None);
        assert_eq!(Stored::of(11, 0, 0), None);
    }
}
