//! Changes of tables, with typed arguments, and why one is refused.

use crate::net_id::NetId;
use crate::request::Access;
use thiserror::Error;

/// What a table owns while it exists: a slice of each pool and a frame window. An empty slice or window (count 0)
/// overlaps nothing; its base must still name an entry of the pool (a frame of the memory).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slices {
    /// First region of the slice, in the region pool.
    pub region_base: u32,
    /// Regions in the slice.
    pub region_count: u32,
    /// First slot of the slice, in the slot pool.
    pub slot_base: u32,
    /// Slots in the slice.
    pub slot_count: u32,
    /// First frame of the window (physical address >> 12).
    pub window_base: u64,
    /// Frames in the window.
    pub window_count: u64,
}

/// A region to install. Its key is an argument of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// Virtual address of the first byte. 0 makes the region zero-based.
    pub base: u64,
    /// Bytes; 0 grants nothing but accesses without bytes.
    pub length: u64,
    /// Offset of the first byte in the first page: below the page size, congruent to `base` modulo 4096 unless
    /// `base` is 0.
    pub first_offset: u32,
    /// What accesses may do.
    pub rights: Access,
    /// Page size, as an index into `page_shifts`.
    pub page_size: u8,
    /// First of the consecutive slots, relative to the table's slot slice.
    pub first_slot: u32,
    /// Protection domain; `pd_bits` wide.
    pub pd: u32,
}

/// Which entry `peek` reads. An entry that is not valid reads as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeekEntry {
    /// Space 0: CAM entry `entry` (the port's table is ignored). Words 0 to 2: net_id, least significant first;
    /// word 3: valid in bit 0, table in bits 63:32.
    Binding {
        /// The entry, below `bindings`.
        entry: u32,
    },
    /// Space 1: a table (the port's index is ignored). Word 0: region_base in bits 31:0, region_count in 63:32;
    /// word 1: slot_base, slot_count; word 2: window_base; word 3: window_count; word 4: exists in bit 0, frozen in bit 1.
    Table {
        /// The table.
        table: u16,
    },
    /// Space 2: a region. Word 0: base; word 1: bits 63:0 of the limit (base + length); word 2: valid in bit 0, bit 64
    /// of the limit in bit 1, rights in 11:8, page size in 19:16, variant in 31:24, pd in 63:32; word 3: origin
    /// (base - first_offset), its low [`crate::Config::position_bits`] bits; word 4: first_slot.
    Region {
        /// The table.
        table: u16,
        /// The region's index (key >> 8) in the table's slice.
        index: u32,
    },
    /// Space 3: a slot. Word 0: present in bit 63, page size in 59:56, frame in 51:0.
    Slot {
        /// The table.
        table: u16,
        /// The slot in the table's slice.
        slot: u32,
    },
}

impl PeekEntry {
    /// The number of the space at the port.
    pub const fn space(self) -> u8 {
        match self {
            PeekEntry::Binding { .. } => 0,
            PeekEntry::Table { .. } => 1,
            PeekEntry::Region { .. } => 2,
            PeekEntry::Slot { .. } => 3,
        }
    }

    /// How many 64-bit words the entry has.
    pub const fn words(self) -> u8 {
        match self {
            PeekEntry::Binding { .. } => 4,
            PeekEntry::Table { .. } | PeekEntry::Region { .. } => 5,
            PeekEntry::Slot { .. } => 1,
        }
    }
}

/// One change of the tables (or a look at them), with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Update {
    /// Creates a table, or gives an unbound and empty one other slices. The table is not frozen afterwards.
    SetTable {
        /// The table.
        table: u16,
        /// What it shall own.
        slices: Slices,
    },
    /// Binds a network identifier to a table, in the lowest free entry. Allowed on a frozen table.
    Bind {
        /// The table.
        table: u16,
        /// The identifier; bound at most once over all tables.
        net_id: NetId,
    },
    /// Ends a binding. Allowed on a frozen table.
    Unbind {
        /// The table that the identifier is bound to.
        table: u16,
        /// The identifier.
        net_id: NetId,
    },
    /// Refuses every request of the table with FROZEN from now on.
    Freeze {
        /// The table.
        table: u16,
    },
    /// Ends a freeze.
    Thaw {
        /// The table.
        table: u16,
    },
    /// Makes a key valid. Replaces a valid region of the same index.
    Install {
        /// The table.
        table: u16,
        /// The key: index in bits 31:8, variant in bits 7:0.
        key: u32,
        /// What it names.
        region: Region,
    },
    /// Makes a key invalid.
    Invalidate {
        /// The table.
        table: u16,
        /// The whole key; its variant must be the installed one.
        key: u32,
    },
    /// Puts a page into a slot. Replaces a present one.
    SetSlot {
        /// The table.
        table: u16,
        /// The slot in the table's slice.
        slot: u32,
        /// First frame of the page, aligned to the page size; the whole page lies in the window.
        frame: u64,
        /// Page size, as an index into `page_shifts`.
        page_size: u8,
    },
    /// Empties a slot.
    ClearSlot {
        /// The table.
        table: u16,
        /// The slot in the table's slice.
        slot: u32,
    },
    /// Reads a word of an entry back. Has no side effects.
    Peek {
        /// The entry.
        entry: PeekEntry,
        /// Which of its words.
        word: u8,
    },
}

/// What the update port answers: the result word (0 but for `peek`), or why nothing changed.
pub type Answer = Result<u64, UpdateError>;

/// Why an update was refused. It then had no effect. Of several reasons the one with the lowest code is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
#[repr(u8)]
pub enum UpdateError {
    /// 1
    #[error("unsupported: this version has no such operation; `describe` lists those it has")]
    Unsupported = 1,
    /// 2
    #[error(
        "bad argument: a reserved bit is set, or a staged word, page size, protection domain, network identifier, frame or peek word is beyond what the configuration has; check widths against the configuration"
    )]
    BadArgument = 2,
    /// 3
    #[error("no such table: the configuration has fewer tables; use a lower number or raise `tables`")]
    NoSuchTable = 3,
    /// 4
    #[error("table absent: it was not set; set_table first")]
    TableAbsent = 4,
    /// 5
    #[error(
        "table in use: it is bound or not empty; unbind it, invalidate its regions and clear its slots first"
    )]
    TableInUse = 5,
    /// 6
    #[error("table frozen: thaw it first")]
    TableFrozen = 6,
    /// 7
    #[error("not frozen: there is nothing to thaw; was the table thawed before?")]
    NotFrozen = 7,
    /// 8
    #[error(
        "out of slice: the index or slots lie outside the table's slice (or the slice outside the pool); give the table a larger slice"
    )]
    OutOfSlice = 8,
    /// 9
    #[error(
        "out of window: the page does not lie in the table's frame window (or the window in physical memory); check the frame or move the window"
    )]
    OutOfWindow = 9,
    /// 10
    #[error("overlap: another table owns part of the slice or window; choose a free part")]
    Overlap = 10,
    /// 11
    #[error("already bound: the network identifier names a table already; unbind it there first")]
    AlreadyBound = 11,
    /// 12
    #[error("not bound: the network identifier is not bound to this table; check both")]
    NotBound = 12,
    /// 13
    #[error("bindings full: every entry is taken; unbind one or raise `bindings`")]
    BindingsFull = 13,
    /// 14
    #[error(
        "bad offset: first_offset is beyond its page or not congruent to the base modulo 4096, or the frame is not aligned to its page"
    )]
    BadOffset = 14,
    /// 15
    #[error("address wrap: base + length exceeds 2^64; shorten the region")]
    AddressWrap = 15,
    /// 16
    #[error("bad rights: remote write and remote atomic need local write too; add it")]
    BadRights = 16,
    /// 17
    #[error(
        "not valid: the key names no valid region of that variant, or the slot is empty; was it removed before?"
    )]
    NotValid = 17,
}

impl UpdateError {
    /// Every error, in order of its code (which starts at 1).
    pub const ALL: [UpdateError; 17] = [
        UpdateError::Unsupported,
        UpdateError::BadArgument,
        UpdateError::NoSuchTable,
        UpdateError::TableAbsent,
        UpdateError::TableInUse,
        UpdateError::TableFrozen,
        UpdateError::NotFrozen,
        UpdateError::OutOfSlice,
        UpdateError::OutOfWindow,
        UpdateError::Overlap,
        UpdateError::AlreadyBound,
        UpdateError::NotBound,
        UpdateError::BindingsFull,
        UpdateError::BadOffset,
        UpdateError::AddressWrap,
        UpdateError::BadRights,
        UpdateError::NotValid,
    ];

    /// The code at `upd_error`, where 0 is success.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The error of a code; nothing for 0 (success) and for codes without a meaning.
    pub fn from_code(code: u8) -> Option<UpdateError> {
        UpdateError::ALL.into_iter().find(|error| error.code() == code)
    }

    /// The name in lower snake case.
    pub const fn name(self) -> &'static str {
        match self {
            UpdateError::Unsupported => "unsupported",
            UpdateError::BadArgument => "bad_argument",
            UpdateError::NoSuchTable => "no_such_table",
            UpdateError::TableAbsent => "table_absent",
            UpdateError::TableInUse => "table_in_use",
            UpdateError::TableFrozen => "table_frozen",
            UpdateError::NotFrozen => "not_frozen",
            UpdateError::OutOfSlice => "out_of_slice",
            UpdateError::OutOfWindow => "out_of_window",
            UpdateError::Overlap => "overlap",
            UpdateError::AlreadyBound => "already_bound",
            UpdateError::NotBound => "not_bound",
            UpdateError::BindingsFull => "bindings_full",
            UpdateError::BadOffset => "bad_offset",
            UpdateError::AddressWrap => "address_wrap",
            UpdateError::BadRights => "bad_rights",
            UpdateError::NotValid => "not_valid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_consecutive_and_round_trip() {
        for (place, error) in UpdateError::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(error.code()), place + 1);
            assert_eq!(UpdateError::from_code(error.code()), Some(error));
            let words = error.name().replace('_', " ");
            assert!(error.to_string().starts_with(&words), "{error} does not start with its name");
        }
        assert_eq!(UpdateError::from_code(0), None);
        assert_eq!(UpdateError::from_code(18), None);
    }
}
