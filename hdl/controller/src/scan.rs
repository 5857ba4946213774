//! Block `scan`: searches what only an update needs to search, one place a cycle: the list of bindings (for an
//! identifier that is bound, and for the lowest free entry) and the tables' records (for slices that overlap).
//!
//! ```text
//!  place ──▶ binding_list  ──▶ cycle 3: chunks equal?   ──▶ cycle 4: match, free ──▶ found, free entry
//!       └──▶ table_records ──▶          ends of slices  ──▶          overlap     ──▶ overlap
//! ```
//!
//! The list repeats what the CAM holds, so that the CAM needs no read port. It is written when an update is stored.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::FrameWindows;

use crate::widths::Widths;
use crate::{binding, chunks};

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
    /// What a table owns, as `set_table` gives it.
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
    }
}

impl Widths {
    /// Field widths of [`BindingWord`].
    pub fn binding_word(&self) -> Vec<u32> {
        vec![1, self.table, self.config.net_id_bits]
    }

    /// Field widths of [`Owned`].
    pub fn owned(&self) -> Vec<u32> {
        vec![self.region, self.region_count, self.slot, self.slot_count, self.frame, self.frame_count]
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
    let exists = m.input("record_exists", 1).doc("of the record read at place two cycles ago");
    let record = Owned::inputs(&m, "record", &w.owned());
    let peek_entry = m.input("peek_entry", w.binding).doc("read while no search runs");
    let write = m.input("write", 1);
    let write_entry = m.input("write_entry", w.binding);
    let write_word = BindingWord::inputs(&m, "write", &w.binding_word());

    m.section("The walk");
    let place_width = w.scan_place();
    let places = w.config.bindings.max(w.config.tables);
    let walking = m.register("walking", 1).reset_to(0u32);
    let place = m.register("place", place_width);
    wire!(at_last = place.value().is(places - 1));
    walking.next(start | (walking.value() & !at_last));
    place.next(walking.value().select(place.value().plus(1u32), m.zero(place_width)));
    let walks = Walk { valid: walking.value(), place: place.value() };
    let last = walking.value() & at_last;

    m.section("Cycles 1 and 2: the memories");
    let list_entry = walking.value().select(place.value().low(w.binding), peek_entry);
    let list = m.memory("binding_list", w.binding_word().iter().sum(), 1 << w.binding).output_register();
    list.write(write, write_entry, write_word.pack(&m));
    let entry = BindingWord::unpack(list.read("list_word", list_entry), &w.binding_word());
    let walk1 = walks.step(&m, "scan1");
    let walk2 = walk1.step(&m, "scan2");
    let last2 = m.delay_reset("scan2_last", m.delay_reset("scan1_last", last));

    m.section("Cycle 3: equality in chunks; ends of slices");
    let walk3 = walk2.step(&m, "scan3");
    let last3 = m.delay_reset("scan3_last", last2);
    let equal3 = m.delay("scan3_equal", chunks::equal(&m, entry.net_id, net_id, binding::CHUNK));
    let entry3 = Taken { valid: entry.valid, table: entry.table }.delay(&m, "scan3_entry");
    let in_list = place_in_list(&m, w, walk2.place);
    let in_list3 = m.delay("scan3_in_list", in_list);
    let regions = Part { base: wanted.region_base, count: wanted.region_count };
    let other_regions = Part { base: record.region_base, count: record.region_count };
    let slots = Part { base: wanted.slot_base, count: wanted.slot_count };
    let other_slots = Part { base: record.slot_base, count: record.slot_count };
    let windows = Part { base: wanted.window_base, count: wanted.window_count };
    let other_windows = Part { base: record.window_base, count: record.window_count };
    let windows_matter = w.config.frame_windows == FrameWindows::Disjoint;
    let mut meets =
        vec![overlap(&m, "regions", regions, other_regions), overlap(&m, "slots", slots, other_slots)];
    if windows_matter {
        meets.push(overlap(&m, "windows", windows, other_windows));
    } else {
        for signal in [windows.base, windows.count, other_windows.base, other_windows.count] {
            m.unused(signal);
        }
    }
    let is_other = exists & walk2.place.low(w.table).differs(table);
    let is_other3 = m.delay("scan3_is_other", is_other);

    m.section("Cycle 4: what this place says");
    let walk4 = walk3.step(&m, "scan4");
    let last4 = m.delay_reset("scan4_last", last3);
    wire!(is_match = walk3.valid & in_list3 & entry3.valid & equal3.all());
    let looks = walk3.valid & in_list3;
    let match4 = m.delay_reset("scan4_match", is_match);
    let free4 = m.delay_reset("scan4_free", looks & !entry3.valid);
    let table4 = m.delay("scan4_table", entry3.table);
    let any_meets = meets.into_iter().reduce(|a, b| a | b).expect("regions and slots are compared");
    let overlap4 = m.delay_reset("scan4_overlap", walk3.valid & is_other3 & any_meets);

    m.section("What the search found");
    let collect = |name: &str, seen| {
        let register = m.register(name, 1).reset_to(0u32);
        wire_next(register, start, seen);
        register.value()
    };
    let found = collect("found", match4);
    let has_free = collect("has_free", free4);
    let overlaps = collect("overlaps", overlap4);
    let found_entry = keep(&m, "found_entry", match4, walk4.place.low(w.binding));
    let found_table = keep(&m, "found_table", match4, table4);
    let free_entry = keep(&m, "free_entry", free4 & !has_free, walk4.place.low(w.binding));
    m.unused(walk4.valid);
    if w.binding < place_width {
        m.unused(walk4.place.bits(w.binding..place_width));
    }

    m.output("place", place.value());
    m.output("busy", walking.value());
    m.output("done", m.delay_reset("scan5_last", last4));
    m.output("found", found);
    m.output("found_entry", found_entry);
    m.output("found_table", found_table);
    m.output("has_free", has_free);
    m.output("free_entry", free_entry);
    m.output("overlap", overlaps);
    entry.outputs(&m, "peek");
    m.finish()
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
    let left_end = m.delay(&format!("scan3_{name}_end"), end(left));
    let right_end = m.delay(&format!("scan3_{name}_other_end"), end(right));
    let right_base = m.delay(&format!("scan3_{name}_other_base"), right.base);
    let both = m.delay(&format!("scan3_{name}_both"), left.count.any() & right.count.any());
    let left_first = left.base.zero_extend(width).less_than(right_end);
    let right_first = right_base.zero_extend(width).less_than(left_end);
    both & left_first & right_first
}

/// The place is an entry of the list (which has a power of two of places).
fn place_in_list<'m>(m: &'m ModuleBuilder, w: &Widths, place: Signal<'m>) -> Signal<'m> {
    if place.width() == w.binding && w.config.bindings.is_power_of_two() && w.config.bindings > 1 {
        return m.bit(true);
    }
    place.at_most(m.constant(place.width(), w.config.bindings - 1))
}

/// Set by `seen`, cleared by `start`.
fn wire_next<'m>(register: stagecoach_hdl::RegisterHandle<'m>, start: Signal<'m>, seen: Signal<'m>) {
    register.next(!start & (register.value() | seen));
}

/// Keeps the value of the cycle in which `when` is one.
fn keep<'m>(m: &'m ModuleBuilder, name: &str, when: Signal<'m>, value: Signal<'m>) -> Signal<'m> {
    let register = m.register(name, value.width()).enabled_by(when);
    register.next(value);
    register.value()
}
