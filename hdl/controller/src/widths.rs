//! Widths of a configuration's signals, in bits, in one place.

use stagecoach_hdl::{Signal, index_width};
use stagecoach_spec::latency::check_cycles;
use stagecoach_spec::{Cam, Config, Cuckoo, Stages};

/// Bits of a fault inside the unit; zero-extended to 8 at the response port. The mapping unit gives codes to 11.
pub const FAULT: u32 = 4;
/// Bits of a virtual address.
pub const VA: u32 = 64;
/// Bits of the index part of a key: `key[31:8]`.
pub const KEY_INDEX: u32 = 24;
/// Bits of an address inside a 4 KiB frame.
pub const OFFSET: u32 = 12;

/// The widths that follow from a configuration, and the configuration itself.
#[derive(Clone, Debug)]
pub struct Widths {
    /// What was configured.
    pub config: Config,
    /// Latency of each stage.
    pub stages: Stages,
    /// A table's number.
    pub table: u32,
    /// A place in the region pool.
    pub region: u32,
    /// A number of regions.
    pub region_count: u32,
    /// A place in the slot pool.
    pub slot: u32,
    /// A number of slots, or a `first_slot`.
    pub slot_count: u32,
    /// A frame.
    pub frame: u32,
    /// A number of frames.
    pub frame_count: u32,
    /// An index into `page_shifts`; 0 if there is one page size.
    pub page_size: u32,
    /// A position in a region.
    pub position: u32,
    /// The 4 KiB pages of a position that the largest page covers: bits that pass into the physical address.
    pub page_number: u32,
    /// A request's length.
    pub length: u32,
    /// A span's length.
    pub span: u32,
    /// An entry of the CAM.
    pub binding: u32,
    /// A number of bindings.
    pub binding_count: u32,
    /// A place in the dirty pool, in words of 64 bits.
    pub dirty: u32,
    /// A number of words of the dirty pool.
    pub dirty_count: u32,
    /// A number of spans in flight, 0 to `max_in_flight` inclusive.
    pub in_flight: u32,
    /// A count, modulo its width, of a table's beats: wide enough for all that can be under way at once, in flight or in
    /// the unit.
    pub tally: u32,
    /// A place in the fault log; 0 without one.
    pub log_entry: u32,
}

impl Widths {
    /// The widths of `config`.
    pub fn of(config: &Config) -> Widths {
        Widths {
            stages: Stages::of(config),
            table: config.table_bits(),
            region: config.region_bits(),
            region_count: config.region_count_bits(),
            slot: config.slot_bits(),
            slot_count: config.slot_count_bits(),
            frame: config.frame_bits(),
            frame_count: config.frame_count_bits(),
            page_size: config.page_size_bits(),
            position: config.position_bits(),
            page_number: config.max_page_shift() - OFFSET,
            length: config.length_bits(),
            span: config.span_bits(),
            binding: config.binding_bits(),
            binding_count: config.binding_count_bits(),
            dirty: config.dirty_bits(),
            dirty_count: config.dirty_count_bits(),
            in_flight: index_width(u64::from(config.max_in_flight) + 1),
            tally: index_width(u64::from(config.max_in_flight) + 64),
            log_entry: config.fault_log_entries.checked_ilog2().unwrap_or(0),
            config: config.clone(),
        }
    }

    /// The CAM is a cuckoo hash table.
    pub fn is_cuckoo(&self) -> bool {
        self.config.cam_kind() == Cam::Cuckoo
    }

    /// The shape of the cuckoo CAM.
    pub fn cuckoo(&self) -> Cuckoo {
        Cuckoo::of(&self.config)
    }

    /// Width of a stored word of `bits` bits with its check bits.
    pub fn coded(&self, bits: u32) -> u32 {
        self.config.protection.coded_bits(bits)
    }

    /// Cycles from a stored word with check bits to the checked word.
    pub fn check_cycles(&self) -> u32 {
        check_cycles(self.config.protection)
    }

    /// Latency of a stage from the contract's table.
    pub fn cycles(&self, stage: &str) -> u32 {
        self.stages.cycles(stage).expect("the contract's table names every stage")
    }
}

/// The low `width` bits of a value, or the value with zeros above.
#[track_caller]
pub fn fit(value: Signal<'_>, width: u32) -> Signal<'_> {
    if width <= value.width() { value.low(width) } else { value.zero_extend(width) }
}
