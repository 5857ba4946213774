//! Changes of tables, with typed arguments, and why one is refused.

use crate::cuckoo::Seed;
use crate::fault::Fault;
use crate::net_id::NetId;
use crate::protection::Stored;
use crate::request::Access;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a table owns while it exists: a slice of each pool and a frame window. An empty slice or window (count 0)
/// overlaps nothing; its base must still name an entry of the pool (a frame of the memory).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeekEntry {
    /// Space 0: CAM entry `entry` (the port's table is ignored). Words 0 to 2: net_id, least significant first;
    /// word 3: valid in bit 0, table in bits 63:32.
    Binding {
        /// The entry, below [`crate::Config::cam_entries`].
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
    /// Space 4: an entry of the fault log, a ring of the last refused requests (the port's table is ignored). Word 0:
    /// how many requests had been refused with this one in 31:0 (modulo 2^32; entry n - 1 modulo the log's size holds
    /// the n-th), fault in 39:32, op in 42:40, bit 47 set, table in 63:48; word 1: va; word 2: key in 31:0, pd in 63:32;
    /// word 3: length in 31:0, bound in 63:32; word 4: tag in 31:0, stream in 63:32; words 5 to 7: net_id, least
    /// significant first.
    FaultLog {
        /// The entry, below `fault_log_entries`.
        entry: u32,
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
            PeekEntry::FaultLog { .. } => 4,
        }
    }

    /// How many 64-bit words the entry has.
    pub const fn words(self) -> u8 {
        match self {
            PeekEntry::Binding { .. } => 4,
            PeekEntry::Table { .. } | PeekEntry::Region { .. } => 5,
            PeekEntry::Slot { .. } => 1,
            PeekEntry::FaultLog { .. } => 8,
        }
    }
}

/// A counter: 32 bits, stops at 2^32 - 1, starts at 0 at reset, never cleared by reading.
///
/// A value is exact: requests accepted before the `read_counter` are in it, later ones are not. Two counters are two
/// such moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Index = the fault's code, 0 to 11: requests of the table whose last beat said so. `clear_table` makes them 0.
    /// UNKNOWN_NETWORK has no table: it is counted for the whole unit, whatever table is named. TABLE_CORRUPT of a
    /// binding counts for table 0.
    Requests(Fault),
    /// Index 12, of the whole unit: times that a stored word was read with one flipped bit and corrected.
    Corrected,
    /// Index 13, of the whole unit: times that a stored word was read that failed its check for good.
    Uncorrectable,
}

impl Counter {
    /// The largest value; there a counter stops.
    pub const MOST: u64 = u32::MAX as u64;

    /// The index at the port.
    pub const fn index(self) -> u32 {
        match self {
            Counter::Requests(fault) => fault.code() as u32,
            Counter::Corrected => 12,
            Counter::Uncorrectable => 13,
        }
    }

    /// The counter of an index.
    pub fn of(index: u32) -> Option<Counter> {
        match index {
            0..=11 => Fault::from_code(index as u8).map(Counter::Requests),
            12 => Some(Counter::Corrected),
            13 => Some(Counter::Uncorrectable),
            _ => None,
        }
    }
}

/// One change of the tables (or a look at them), with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    /// Creates a table, or gives an unbound and empty one other slices. The table is not frozen afterwards.
    SetTable {
        /// The table.
        table: u16,
        /// What it shall own.
        slices: Slices,
    },
    /// Removes an unbound table (also a frozen one) with its regions, slots, counters, entries of the fault log and dirty
    /// bitmap: nothing of it is readable afterwards. A fence.
    ClearTable {
        /// The table.
        table: u16,
    },
    /// Binds a network identifier to a table, in the lowest free entry that may hold it (any, in a CAM of registers).
    /// Allowed on a frozen table.
    Bind {
        /// The table.
        table: u16,
        /// The identifier; bound at most once over all tables.
        net_id: NetId,
    },
    /// Ends a binding. Allowed on a frozen table. A fence.
    Unbind {
        /// The table that the identifier is bound to.
        table: u16,
        /// The identifier.
        net_id: NetId,
    },
    /// Cuckoo CAM alone: moves a binding to the lowest free entry that may hold it in another way (or in the stash).
    /// Requests never miss it meanwhile. Allowed on a frozen table.
    Move {
        /// The table that the identifier is bound to.
        table: u16,
        /// The identifier.
        net_id: NetId,
        /// The way to move it to, from 0; [`crate::Cuckoo::WAYS`] is the stash.
        way: u8,
    },
    /// Cuckoo CAM alone: gives an empty way another hash function.
    Reseed {
        /// The way.
        way: u8,
        /// What its hash function is made of.
        seed: Seed,
    },
    /// Refuses every request of the table with FROZEN from now on. A fence.
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
    /// Makes a key invalid. A fence.
    Invalidate {
        /// The table.
        table: u16,
        /// The whole key; its variant must be the installed one.
        key: u32,
    },
    /// Puts a page into a slot. Replaces a present one, and is a fence then.
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
    /// Empties a slot. A fence.
    ClearSlot {
        /// The table.
        table: u16,
        /// The slot in the table's slice.
        slot: u32,
    },
    /// Starts to track the dirty memory of a table, frozen or not, with a cleared bitmap over its frame window; or starts
    /// again; or stops. Retirements of writes count from the answer on. `set_table` and `clear_table` stop it too.
    Track {
        /// The table.
        table: u16,
        /// Base-2 logarithm of the bytes that share a bit, 12 to 30, counted from the window's first frame; 0 stops.
        granule_shift: u8,
        /// First 64-bit word of the bitmap in the dirty pool. [`crate::Config::dirty_words_of`] says how many it takes.
        dirty_base: u32,
    },
    /// Reads a word of a tracked table's dirty bitmap and clears it at once: bit n is granule 64 * word + n.
    Harvest {
        /// The table.
        table: u16,
        /// The word in the table's bitmap.
        word: u32,
    },
    /// Reads a counter.
    ReadCounter {
        /// The table.
        table: u16,
        /// Which counter.
        counter: Counter,
    },
    /// Reads a word of an entry back. Has no side effects.
    Peek {
        /// The entry.
        entry: PeekEntry,
        /// Which of its words.
        word: u8,
    },
    /// Flips a stored bit, to try what protection does. UNSUPPORTED without protection.
    Inject {
        /// The stored word.
        stored: Stored,
        /// The bit, below [`crate::Config::stored_bits`].
        bit: u16,
    },
}

impl Update {
    /// Whether it is a fence wherever it succeeds: it answers only when no request of its table that was accepted before
    /// it is in flight. (`set_slot` is one when it replaces a present slot.)
    pub const fn is_fence(&self) -> bool {
        matches!(
            self,
            Update::ClearTable { .. }
                | Update::Unbind { .. }
                | Update::Freeze { .. }
                | Update::Invalidate { .. }
                | Update::ClearSlot { .. }
        )
    }
}

/// What the update port answers: the result word (0 but for `peek`, `harvest` and `read_counter`), or why nothing changed.
pub type Answer = Result<u64, UpdateError>;

/// Why an update was refused. It then had no effect. Of several reasons the one with the lowest code is given; but
/// CORRUPT comes right behind NO_SUCH_TABLE, since all further reasons look at stored words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
#[repr(u8)]
pub enum UpdateError {
    /// 1
    #[error(
        "unsupported: there is no such operation, or the configuration has no protection (inject) or no cuckoo CAM (move, reseed)"
    )]
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
        "table in use: it is bound, or (set_table) not empty; unbind its identifiers, and clear it first"
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
    #[error(
        "bindings full: every entry that may hold the identifier is taken; unbind one, move others away (cuckoo), or raise `bindings`"
    )]
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
    /// 18
    #[error(
        "corrupt: a stored word that the update depends on fails its check; write it anew (install, set_slot, bind, or track from none), or reset the unit if it is a table's record"
    )]
    Corrupt = 18,
    /// 19
    #[error("not tracked: the table's dirty memory is not tracked; track it first")]
    NotTracked = 19,
    /// 20
    #[error("way in use: identifiers stand in it; move them to other ways first")]
    WayInUse = 20,
    /// 21, from the controller's registration log alone, and judged before all others.
    #[error(
        "stale epoch: bind needs one newer than all that the table has seen (or that of its other identifiers), thaw the newest; is this an old command?"
    )]
    StaleEpoch = 21,
    /// 22, likewise.
    #[error("log full: the registration log has no room for this change; read it, then try again")]
    LogFull = 22,
}

impl UpdateError {
    /// Every error of the mapping unit, in order of its code (which starts at 1).
    pub const ALL: [UpdateError; 20] = [
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
        UpdateError::Corrupt,
        UpdateError::NotTracked,
        UpdateError::WayInUse,
    ];

    /// Those that the controller's registration log adds.
    pub const OF_THE_LOG: [UpdateError; 2] = [UpdateError::StaleEpoch, UpdateError::LogFull];

    /// Every error in the order in which they are judged: by code, but CORRUPT right behind NO_SUCH_TABLE.
    pub fn by_rank() -> impl DoubleEndedIterator<Item = UpdateError> + Clone {
        let (first, rest) = UpdateError::ALL.split_at(3);
        let rest = rest.iter().filter(|error| **error != UpdateError::Corrupt);
        first.iter().chain([&UpdateError::Corrupt]).chain(rest).copied()
    }

    /// The code at `upd_error`, where 0 is success.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The error of a code; nothing for 0 (success) and for codes without a meaning.
    pub fn from_code(code: u8) -> Option<UpdateError> {
        UpdateError::ALL.into_iter().chain(UpdateError::OF_THE_LOG).find(|error| error.code() == code)
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
            UpdateError::Corrupt => "corrupt",
            UpdateError::NotTracked => "not_tracked",
            UpdateError::WayInUse => "way_in_use",
            UpdateError::StaleEpoch => "stale_epoch",
            UpdateError::LogFull => "log_full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_consecutive_and_round_trip() {
        for (place, error) in UpdateError::ALL.into_iter().chain(UpdateError::OF_THE_LOG).enumerate() {
            assert_eq!(usize::from(error.code()), place + 1);
            assert_eq!(UpdateError::from_code(error.code()), Some(error));
            let words = error.name().replace('_', " ");
            assert!(error.to_string().starts_with(&words), "{error} does not start with its name");
        }
        assert_eq!(UpdateError::from_code(0), None);
        assert_eq!(UpdateError::from_code(23), None);
    }
}
