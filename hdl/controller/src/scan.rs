//! Block `scan`: searches what only an update needs to search, one place a cycle: the list of bindings (for an
//! identifier that is bound, and for the lowest free entry) and the tables' records (for slices that overlap).
//!
//! ```text
//!  place ──▶ binding_list  ──▶ (check) ──▶ chunks equal?   ──▶ all? ────────────────▶ match, free ──▶ found, free entry
//!       └──▶ table_records ──▶ (check) ──▶ ends of slices, in halves ──▶ begins ─────▶ overlap     ──▶ overlap
//!            cycles 1 to 4                 next two cycles               before end?   next cycle
//! ```
//!
//! The memories have a register before their address and one behind their word. The check takes cycles under protection
//! alone; the records come checked. The list repeats what the CAM holds, so that
//! the CAM needs no read port. It is written when an update is stored.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Cuckoo, FrameWindows, Protection};

use crate::binding_list::{self, ListWrite};
use crate::update_cuckoo::SOUGHT;
use crate::update_words::{flag, keep};
use crate::widths::Widths;
use crate::{chunks, protect, standing};

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

/// Cycles from a place to its words: a register before the memory's address, the memory, a register behind its word.
pub const READ_CYCLES: u32 = 4;
/// Cycles of a search beyond its places and the check of its last: reading, comparing, collecting.
pub const SEARCH_MORE: u32 = READ_CYCLES + 5;
/// Bits of an identifier that one chunk of the comparison has: a LUT level or two.
const CHUNK: u32 = 4;

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
    let is_last_but_one =
        if places == 1 { start } else { walking.value() & place.value().is(places.wrapping_sub(2)) };
    let at_last = m.delay_reset("at_last", is_last_but_one);
    walking.next(start | (walking.value() & !at_last));
    place.next(walking.value().select(place.value().plus(1u32), m.zero(place_width)));
    let walks = Walk { valid: walking.value(), place: place.value() };
    let last = walking.value() & at_last;

    m.section("Cycles 1 to 4: the place, the memory, its word; then the check");
    let list_entry = walking.value().select(place.value().low(w.binding), peek_entry);
    let list_entry = m.delay("list_entry", list_entry);
    // While a search runs, nothing else is written; and what it corrects is behind what it reads.
    let mend = (w.config.protection == Protection::Secded).then(|| Mend {
        writes: m.wire("mends", 1),
        entry: m.wire("mend_entry", w.binding),
        word: m.wire("mend_word", coded),
    });
    let list_write = match &mend {
        Some(mend) => ListWrite {
            writes: (write | mend.writes).named("list_writes"),
            entry: mend.writes.select(mend.entry, write_entry).named("list_write_entry"),
            word: mend.writes.select(mend.word, write_word).named("list_write_word"),
        },
        None => ListWrite { writes: write, entry: write_entry, word: write_word },
    };
    let raw = m.delay("list_word", binding_list::describe(&m, w, list_write, list_entry));
    let checked = protect::check(&m, w, "list_checked", raw);
    let entry = BindingWord::unpack(checked.word, &w.binding_word());
    let (mut walk2, mut last2) = (walks, last);
    for cycle in 1..=READ_CYCLES + w.check_cycles() {
        walk2 = walk2.step(&m, &format!("scan{cycle}"));
        last2 = m.delay_reset(&format!("scan{cycle}_last"), last2);
    }

    m.section("Next two cycles: equality in chunks, and of all; ends of slices; then which begins before which ends");
    let walk5 = walk2.step(&m, "equal").step(&m, "joined").step(&m, "compared");
    let equal3 = m.delay("equal_chunks", chunks::equal(&m, entry.net_id, net_id, CHUNK));
    let equal4 = m.delay("joined_equal", chunks::all_in_eights(&m, equal3));
    let equal5 = m.delay("compared_equal", equal4.all());
    let mut entry5 = Taken { valid: entry.valid, table: entry.table };
    for stage in ["equal_entry", "joined_entry", "compared_entry"] {
        entry5 = entry5.delay(&m, stage);
    }
    let until5 = |name: &str, value| {
        let stages = ["equal", "joined", "compared"].into_iter();
        stages.fold(value, |value, stage| m.delay_reset(&format!("{stage}_{name}"), value))
    };
    let last5 = until5("last", last2);
    wire!(in_list = is_one_of(&m, walk2.place, w.binding, entries));
    let in_list5 = until5("in_list", in_list);
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
    let is_other5 = until5("is_other", exists & walk2.place.low(w.table).differs(table));

    m.section("The cycle behind it: what this place says");
    let walk6 = walk5.step(&m, "said");
    let last6 = m.delay_reset("said_last", last5);
    wire!(is_match = walk5.valid & in_list5 & entry5.valid & equal5);
    let match6 = m.delay_reset("said_match", is_match);
    let free6 = m.delay_reset("said_free", walk5.valid & in_list5 & !entry5.valid);
    let free6 = match &sought {
        Some(sought) => (free6 & sought.holds(&m, w, walk2.place)).named("free_and_sought"),
        None => free6,
    };
    let table6 = m.delay("said_table", entry5.table);
    let list_fails = flag(&m, checked.uncorrectable);
    let list_corrupt5 = until5("list_corrupt", list_fails & in_list);
    let list_corrupt6 = m.delay_reset("said_list_corrupt", walk5.valid & list_corrupt5);
    wire!(in_tables = is_one_of(&m, walk2.place, w.table, w.config.tables));
    let place_corrupt = record_corrupt & in_tables;
    let record_corrupt5 = until5("record_corrupt", place_corrupt);
    let record_corrupt6 = m.delay_reset("said_record_corrupt", walk5.valid & record_corrupt5);
    let meets = m.concat(&meets);
    let overlap6 = m.delay_reset("said_overlap", meets.gated_by(walk5.valid & is_other5));

    m.section("What the search found");
    let collect = |name: &str, seen| {
        let register = m.register(name, 1).reset_to(0u32);
        wire_next(register, start, seen);
        register.value()
    };
    let found = collect("found", match6);
    let has_free = collect("has_free", free6);
    let overlaps = collect("overlaps", overlap6.any());
    let list_corrupt = collect("found_list_corrupt", list_corrupt6);
    let records_corrupt = collect("found_record_corrupt", record_corrupt6);
    let found_entry = keep(&m, "found_entry", match6, walk6.place.low(w.binding));
    let found_table = keep(&m, "found_table", match6, table6);
    let free_entry = keep(&m, "free_entry", free6 & !has_free, walk6.place.low(w.binding));
    m.unused(walk6.valid);
    if w.binding < place_width {
        m.unused(walk6.place.bits(w.binding..place_width));
    }

    m.output("place", place.value());
    m.output("busy", walking.value());
    m.output("done", m.delay_reset("search_done", last6));
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
        m.output("list_failed", list_corrupt6);
        m.output("record_failed", record_corrupt6);
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

    /// Whether a place of the walk is one of the identifier's that is sought, four cycles later.
    fn holds(&self, m: &'m ModuleBuilder, w: &Widths, place: Signal<'m>) -> Signal<'m> {
        let bucket_bits = w.cuckoo().bucket_bits();
        let bucket = place.low(bucket_bits);
        let here: Vec<_> = (0u32..)
            .zip(&self.buckets)
            .map(|(way, wanted)| {
                m.delay(&format!("equal_bucket{way}"), bucket.equals(*wanted) & self.ways.bit(way))
            })
            .collect();
        let way = m.delay("equal_way", place.bits(bucket_bits..w.binding - 1));
        let in_stash = m.delay("equal_in_stash", place.bit(w.binding - 1) & self.ways.bit(Cuckoo::WAYS));
        let in_way = m.delay("equal_in_way", !place.bit(w.binding - 1));
        let held = m.delay("joined_sought", in_stash | in_way & way.choose(&here));
        m.delay("said_sought", m.delay("compared_sought", held))
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

/// Three cycles later: both have places, and share one: each begins before the other ends. `wanted` stands still.
fn overlap<'m>(m: &'m ModuleBuilder, name: &str, wanted: Part<'m>, other: Part<'m>) -> Signal<'m> {
    let width = other.count.width().max(other.base.width()) + 1;
    let wide = |value: Signal<'m>| value.zero_extend(width);
    let wanted_end = standing::sum(m, &format!("wanted_{name}_end"), wide(wanted.base), wide(wanted.count));
    m.unused(wanted_end.bit(width));
    // What stands still far away gets registers here.
    let wanted_end = m.delay(&format!("wanted_{name}_limit"), wanted_end.low(width));
    let wanted_base = wide(m.delay(&format!("wanted_{name}_first"), wanted.base));
    let wanted_any = standing::is_any(m, &format!("wanted_{name}"), wanted.count);

    // The end, in halves.
    let half = width / 2;
    let (base, count) = (wide(other.base), wide(other.count));
    let low_end = m.delay(&format!("equal_{name}_low_end"), base.low(half).add_carry(count.low(half)));
    let base3 = m.delay(&format!("equal_{name}_base"), base);
    let high_count = m.delay(&format!("equal_{name}_high_count"), count.bits(half..width));
    let high_base = base3.bits(half..width);
    // An adder's carry input is a bit below, which carries if there are two.
    let high_end = m.concat(&[high_base, m.bit(true)]) + m.concat(&[high_count, low_end.bit(half)]);
    let high_end = high_end.named(format!("{name}_high_end"));
    m.unused(high_end.bit(0));
    let end = m.concat(&[high_end.bits(1..width - half + 1), low_end.low(half)]);
    let end = m.delay(&format!("joined_{name}_end"), end);
    let base4 = m.delay(&format!("joined_{name}_base"), base3);
    let any3: Vec<_> = (0..width).step_by(8).map(|low| count.bits(low..(low + 8).min(width)).any()).collect();
    let any3 = m.delay(&format!("equal_{name}_any"), m.concat(&any3));
    let any4 = m.delay(&format!("joined_{name}_any"), any3.any());

    let wanted_first = Thirds::of(m, &format!("compared_{name}_wanted"), wanted_base, end);
    let other_first = Thirds::of(m, &format!("compared_{name}_other"), base4, wanted_end);
    let both = m.delay(&format!("compared_{name}_both"), any4 & wanted_any);
    both & wanted_first.is_below() & other_first.is_below()
}

/// Thirds of the comparison of two values: what one of them says holds unless a higher one says otherwise.
struct Thirds<'m> {
    low_below: Signal<'m>,
    middle_below: Signal<'m>,
    middle_above: Signal<'m>,
    high_below: Signal<'m>,
    high_above: Signal<'m>,
}

impl<'m> Thirds<'m> {
    /// A cycle later: of `left` and `right`.
    fn of(m: &'m ModuleBuilder, name: &str, left: Signal<'m>, right: Signal<'m>) -> Thirds<'m> {
        let width = left.width();
        let (low, high) = (width / 3, width * 2 / 3);
        let below = |part: &str, left: Signal<'m>, right: Signal<'m>| {
            m.delay(&format!("{name}_{part}"), left.less_than(right))
        };
        let middles = (left.bits(low..high), right.bits(low..high));
        let highs = (left.bits(high..width), right.bits(high..width));
        Thirds {
            low_below: below("low_below", left.low(low), right.low(low)),
            middle_below: below("middle_below", middles.0, middles.1),
            middle_above: below("middle_above", middles.1, middles.0),
            high_below: below("high_below", highs.0, highs.1),
            high_above: below("high_above", highs.1, highs.0),
        }
    }

    fn is_below(&self) -> Signal<'m> {
        let below = self.middle_below | self.low_below & !self.middle_above;
        self.high_below | below & !self.high_above
    }
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
