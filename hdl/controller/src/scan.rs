//! Block `scan`: searches what only an update needs to search, one place a cycle: the list of bindings (for an
//! identifier that is bound, and for the lowest free entry) and the tables' records (for slices that overlap).
//!
//! ```text
//!  place ──▶ binding_list  ──▶ (check) ──▶ chunks equal?   ──▶ match, free ──▶ found, free entry
//!       └──▶ table_records ──▶ (check) ──▶ ends of slices  ──▶ overlap     ──▶ overlap
//!            cycles 1, 2                   next cycle          next cycle
//! ```
//!
//! The check takes cycles under protection alone; the records come checked. The list repeats what the CAM holds, so that
//! the CAM needs no read port. It is written when an update is stored.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Cuckoo, FrameWindows, Protection};

use crate::binding_list::{self, ListWrite};
use crate::update_cuckoo::SOUGHT;
use crate::update_words::{flag, keep};
use crate::widths::Widths;
use crate::{binding, chunks, protect};

stagecoach_hdl::bundle! {
    /// A binding in the list. All zero where an entry is free.
    pub struct BindingWord {
        /// The entry is taken.
        valid,
        /// The table.
        table,
        /// The identifier.
        net_id,
    }
}

stagecoach_hdl::bundle! {
    /// What a table owns, as `set_table` gives it and `track`.
    pub struct Owned {
        /// First region of its slice.
        region_base,
        /// Regions.
        region_count,
        /// First slot of its slice.
        slot_base,
        /// Slots.
        slot_count,
        /// First frame of its window.
        window_base,
        /// Frames.
        window_count,
        /// First word of its dirty bitmap, in the dirty pool.
        dirty_base,
        /// Words of it.
        dirty_count,
    }
}

impl Widths {
    /// Field widths of [`BindingWord`].
    pub fn binding_word(&self) -> Vec<u32> {
        vec![1, self.table, self.config.net_id_bits]
    }

    /// Field widths of [`Owned`].
    pub fn owned(&self) -> Vec<u32> {
        let slices = [self.region, self.region_count, self.slot, self.slot_count];
        let (window, dirty) = ([self.frame, self.frame_count], [self.dirty, self.dirty_count]);
        slices.into_iter().chain(window).chain(dirty).collect()
    }

    /// Bits of a scanned place: enough for bindings and tables.
    pub fn scan_place(&self) -> u32 {
        self.binding.max(self.table)
    }
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_scan",
        "Block scan: searches the bindings and the tables' records for an update, one place a cycle.",
    );
    let start = m.input("start", 1).doc("begins a search");
    let net_id = m.input("net_id", w.config.net_id_bits).doc("to find");
    let table = m.input("own_table", w.table).doc("table that is being set: not compared with itself");
    let wanted = Owned::inputs(&m, "wanted", &w.owned());
    let exists =
        m.input("record_exists", 1).doc("of the record at the place that was given, read and checked");
    let record_corrupt = m.input("record_corrupt", 1).doc("its check failed");
    let record = Owned::inputs(&m, "record", &w.owned());
    let sought = w.is_cuckoo().then(|| Sought::inputs(&m, w));
    let peek_entry = m.input("peek_entry", w.binding).doc("read while no search runs");
    let write = m.input("write", 1);
    let write_entry = m.input("write_entry", w.binding);
    let coded = w.coded(w.binding_word().iter().sum());
    let write_word = m.input("write_word", coded).doc("with its check bits");

    m.section("The walk");
    let place_width = w.scan_place();
    let entries = w.config.cam_entries();
    let places = entries.max(w.config.tables);
    let walking = m.register("walking", 1).reset_to(0u32);
    let place = m.register("place", place_width);
    wire!(at_last = place.value().is(places - 1));
    walking.next(start | (walking.value() & !at_last));
    place.next(walking.value().select(place.value().plus(1u32), m.zero(place_width)));
    let walks = Walk { valid: walking.value(), place: place.value() };
    let last = walking.value() & at_last;

    m.section("Cycles 1 and 2: the memory; then the check");
    let list_entry = walking.value().select(place.value().low(w.binding), peek_entry);
    // While a search runs, nothing else is written; and what it corrects is behind what it reads.
    let mend = (w.config.protection == Protection::Secded).then(|| Mend {
        writes: m.wire("mends", 1),
        entry: m.wire("mend_entry", w.binding),
        word: m.wire("mend_word", coded),
    });
    let list_write = match &mend {
        Some(mend) => ListWrite {
            writes: write | mend.writes,
            entry: mend.writes.select(mend.entry, write_entry).named("list_write_entry"),
            word: mend.writes.select(mend.word, write_word).named("list_write_word"),
        },
        None => ListWrite { writes: write, entry: write_entry, word: write_word },
    };
    let raw = binding_list::describe(&m, w, list_write, list_entry);
    let checked = protect::check(&m, w, "list_checked", raw);
    let entry = BindingWord::unpack(checked.word, &w.binding_word());
    let (mut walk2, mut last2) = (walks, last);
    for cycle in 1..=2 + w.check_cycles() {
        walk2 = walk2.step(&m, &format!("scan{cycle}"));
        last2 = m.delay_reset(&format!("scan{cycle}_last"), last2);
    }

    m.section("Next cycle: equality in chunks; ends of slices");
    let walk3 = walk2.step(&m, "equal");
    let last3 = m.delay_reset("equal_last", last2);
    let equal3 = m.delay("equal_chunks", chunks::equal(&m, entry.net_id, net_id, binding::CHUNK));
    let entry3 = Taken { valid: entry.valid, table: entry.table }.delay(&m, "equal_entry");
    wire!(in_list = is_one_of(&m, walk2.place, w.binding, entries));
    let in_list3 = m.delay("equal_in_list", in_list);
    let regions = Part { base: wanted.region_base, count: wanted.region_count };
    let other_regions = Part { base: record.region_base, count: record.region_count };
    let slots = Part { base: wanted.slot_base, count: wanted.slot_count };
    let other_slots = Part { base: record.slot_base, count: record.slot_count };
    let windows = Part { base: wanted.window_base, count: wanted.window_count };
    let other_windows = Part { base: record.window_base, count: record.window_count };
    let dirty = Part { base: wanted.dirty_base, count: wanted.dirty_count };
    let other_dirty = Part { base: record.dirty_base, count: record.dirty_count };
    let windows_matter = w.config.frame_windows == FrameWindows::Disjoint;
    let mut meets = vec![
        overlap(&m, "regions", regions, other_regions),
        overlap(&m, "slots", slots, other_slots),
        overlap(&m, "dirty", dirty, other_dirty),
    ];
    if windows_matter {
        meets.push(overlap(&m, "windows", windows, other_windows));
    } else {
        for signal in [windows.base, windows.count, other_windows.base, other_windows.count] {
            m.unused(signal);
        }
    }
    let is_other = exists & walk2.place.low(w.table).differs(table);
    let is_other3 = m.delay("equal_is_other", is_other);

    m.section("The cycle behind it: what this place says");
    let walk4 = walk3.step(&m, "said");
    let last4 = m.delay_reset("said_last", last3);
    wire!(is_match = walk3.valid & in_list3 & entry3.valid & equal3.all());
    let looks = walk3.valid & in_list3;
    let match4 = m.delay_reset("said_match", is_match);
    let free4 = m.delay_reset("said_free", looks & !entry3.valid);
    let free4 = match &sought {
        Some(sought) => (free4 & sought.holds(&m, w, walk2.place, walk3.place)).named("free_and_sought"),
        None => free4,
    };
    let table4 = m.delay("said_table", entry3.table);
    let list_fails = flag(&m, checked.uncorrectable);
    let list_corrupt3 = m.delay("equal_list_corrupt", list_fails & in_list);
    let list_corrupt4 = m.delay_reset("said_list_corrupt", walk3.valid & list_corrupt3);
    wire!(in_tables = is_one_of(&m, walk2.place, w.table, w.config.tables));
    let place_corrupt = record_corrupt & in_tables;
    let record_corrupt3 = m.delay("equal_record_corrupt", place_corrupt);
    let record_corrupt4 = m.delay_reset("said_record_corrupt", walk3.valid & record_corrupt3);
    let any_meets = meets.into_iter().reduce(|a, b| a | b).expect("regions and slots are compared");
    let overlap4 = m.delay_reset("said_overlap", walk3.valid & is_other3 & any_meets);

    m.section("What the search found");
    let collect = |name: &str, seen| {
        let register = m.register(name, 1).reset_to(0u32);
        wire_next(register, start, seen);
        register.value()
    };
    let found = collect("found", match4);
    let has_free = collect("has_free", free4);
    let overlaps = collect("overlaps", overlap4);
    let list_corrupt = collect("found_list_corrupt", list_corrupt4);
    let records_corrupt = collect("found_record_corrupt", record_corrupt4);
    let found_entry = keep(&m, "found_entry", match4, walk4.place.low(w.binding));
    let found_table = keep(&m, "found_table", match4, table4);
    let free_entry = keep(&m, "free_entry", free4 & !has_free, walk4.place.low(w.binding));
    m.unused(walk4.valid);
    if w.binding < place_width {
        m.unused(walk4.place.bits(w.binding..place_width));
    }

    m.output("place", place.value());
    m.output("busy", walking.value());
    m.output("done", m.delay_reset("search_done", last4));
    m.output("found", found);
    m.output("found_entry", found_entry);
    m.output("found_table", found_table);
    m.output("has_free", has_free);
    m.output("free_entry", free_entry);
    m.output("overlap", overlaps);
    m.output("list_corrupt", list_corrupt);
    m.output("records_corrupt", records_corrupt);
    entry.outputs(&m, "peek");
    if let Some(mend) = mend {
        wire!(entry_corrected = checked.corrected & walk2.valid & in_list);
        wire!(entry_word = entry.pack(&m));
        mend.writes.drive(m.delay_reset("mended", entry_corrected));
        mend.entry.drive(m.delay("mended_entry", walk2.place.low(w.binding)));
        mend.word.drive(m.delay("mended_word", protect::encode(w, entry_word)));
        m.output("list_corrected", entry_corrected);
        m.output("record_place", walk2.place.low(w.table));
        m.output("record_looked", walk2.valid & in_tables);
    }
    if w.config.protection != Protection::None {
        m.output("list_failed", list_corrupt4);
        m.output("record_failed", record_corrupt4);
    }
    m.output("peek_corrupt", list_fails);
    m.output("peek_corrected", checked.corrected);
    if w.config.protection != Protection::None {
        m.output("peek_raw", raw);
    }
    m.finish()
}

/// Where a cuckoo CAM may hold the identifier.
struct Sought<'m> {
    buckets: Vec<Signal<'m>>,
    ways: Signal<'m>,
}

impl<'m> Sought<'m> {
    fn inputs(m: &'m ModuleBuilder, w: &Widths) -> Sought<'m> {
        let bucket = |way| m.input(&format!("bucket{way}"), w.cuckoo().bucket_bits());
        Sought {
            buckets: (0..Cuckoo::WAYS).map(bucket).collect(),
            ways: m
                .input("sought", SOUGHT)
                .doc("ways, and the stash above them, in which a free entry is sought"),
        }
    }

    /// Whether a place of the walk is one of the identifier's that is sought, two cycles behind `place2` and one behind
    /// `place3`, which are the same place.
    fn holds(&self, m: &'m ModuleBuilder, w: &Widths, place2: Signal<'m>, place3: Signal<'m>) -> Signal<'m> {
        let bucket_bits = w.cuckoo().bucket_bits();
        let place = place2.low(bucket_bits);
        let here: Vec<_> = (0u32..)
            .zip(&self.buckets)
            .map(|(way, bucket)| {
                m.delay(&format!("equal_bucket{way}"), place.equals(*bucket) & self.ways.bit(way))
            })
            .collect();
        let way = place3.bits(bucket_bits..w.binding - 1).choose(&here);
        let held = place3.bit(w.binding - 1).select(self.ways.bit(Cuckoo::WAYS), way);
        m.delay("said_sought", held)
    }
}

/// The write of an entry that a search had to correct.
struct Mend<'m> {
    writes: Signal<'m>,
    entry: Signal<'m>,
    word: Signal<'m>,
}

stagecoach_hdl::bundle! {
    /// A step of the walk.
    pub struct Walk {
        /// A place is looked at.
        valid,
        /// Which.
        place,
    }
}

stagecoach_hdl::bundle! {
    /// What of an entry is still needed after its identifier was compared.
    pub struct Taken {
        /// The entry is taken.
        valid,
        /// Its table.
        table,
    }
}

impl<'m> Walk<'m> {
    #[track_caller]
    fn step(self, m: &'m ModuleBuilder, prefix: &str) -> Walk<'m> {
        Walk {
            valid: m.delay_reset(&format!("{prefix}_valid"), self.valid),
            place: m.delay(&format!("{prefix}_place"), self.place),
        }
    }
}

/// Consecutive places of a pool.
#[derive(Clone, Copy)]
struct Part<'m> {
    base: Signal<'m>,
    count: Signal<'m>,
}

/// One cycle later: both have places, and share one: each begins before the other ends.
fn overlap<'m>(m: &'m ModuleBuilder, name: &str, left: Part<'m>, right: Part<'m>) -> Signal<'m> {
    let width = left.count.width().max(left.base.width()) + 1;
    let end = |part: Part<'m>| part.base.zero_extend(width) + part.count.zero_extend(width);
    let left_end = m.delay(&format!("equal_{name}_end"), end(left));
    let right_end = m.delay(&format!("equal_{name}_other_end"), end(right));
    let right_base = m.delay(&format!("equal_{name}_other_base"), right.base);
    let both = m.delay(&format!("equal_{name}_both"), left.count.any() & right.count.any());
    let left_first = left.base.zero_extend(width).less_than(right_end);
    let right_first = right_base.zero_extend(width).less_than(left_end);
    both & left_first & right_first
}

/// The place is one of `count` things, which are numbered in `bits` bits (the memory has a power of two of places).
fn is_one_of<'m>(m: &'m ModuleBuilder, place: Signal<'m>, bits: u32, count: u32) -> Signal<'m> {
    if place.width() == bits && count.is_power_of_two() && count > 1 {
        return m.bit(true);
    }
    place.at_most(m.constant(place.width(), count - 1))
}

/// Set by `seen`, cleared by `start`.
fn wire_next<'m>(register: stagecoach_hdl::RegisterHandle<'m>, start: Signal<'m>, seen: Signal<'m>) {
    register.next(!start & (register.value() | seen));
}
