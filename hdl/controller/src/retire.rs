//! Block `retire`: what the bus has finished with comes back here: its granule becomes dirty, if it was written and
//! its table is tracked, and then it counts as retired.
//!
//! ```text
//!          1         2 to 4                     offset    shift    shift    place
//!  ret ─▶┌────┐   ┌──────────┐   ┌┄┄┄┄┄┄┄┐     ┌──────┐  ┌──────┐  ┌──────┐  ┌───┐           set ┌───────┐
//!        │    │──▶│ tracking │──▶┆ check ┆────▶│frame │─▶│ by 4 │─▶│ by 1 │─▶│ + │─▶ (waits) ─▶ │ dirty │
//!        └────┘   └──────────┘   └┄┄┄┄┄┄┄┘     └──────┘  └──────┘  └──────┘  └───┘              └───────┘
//!          │           ▲ track, init           in halves                                           │
//!          ▼                                                                                       ▼ harvested
//!   flight_retired                                                                          retired, one cycle later
//! ```
//!
//! The granule is (frame - window_base) >> (granule_shift - 12); its bit stands in word dirty_base + granule / 64. A
//! check takes up to two cycles; without it the set bit waits as long, so that the latency is always the same.
//! Reads, and writes of untracked tables, take the same way and set nothing.
//!
//! # Order
//!
//! A retirement in cycle r uses the tracking word that was written in cycle r + [`TRACK_LAG`] or before, and is in a
//! harvest of cycle h iff r + [`SET_CYCLES`] <= h. `retired` shows in cycle r + [`RETIRED_CYCLES`], when every harvest
//! that is still to come has the bit.
//!
//! A write whose tracking word fails its check could have dirtied anything: `unsure` is high from the cycle of the first
//! harvest that misses it until it is cleared.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Protection;
use stagecoach_spec::latency::check_cycles;

use crate::dirty::{self, BIT};
use crate::protect;
use crate::tally::style;
use crate::widths::{OFFSET, Widths, fit};

/// A retirement in cycle r is in a harvest of cycle h iff r + this <= h.
pub const SET_CYCLES: u32 = PIPELINE_CYCLES + dirty::SET_LEAD;
/// A retirement in cycle r uses what was written to its tracking word in cycle r + this or before.
pub const TRACK_LAG: u32 = 1;
/// Harvests from this many cycles after `track_write` on have every bit that was set under the word before.
pub const TRACK_SETTLE_CYCLES: u32 = SET_CYCLES - TRACK_LAG - 1;
/// Cycles from a retirement to `retired`.
pub const RETIRED_CYCLES: u32 = SET_CYCLES;
/// Cycles from `track_table` to `track_raw`.
pub const TRACK_READ_CYCLES: u32 = 2;

/// Cycles from the port to block `dirty`: port register, memory, its output register and one for the choice behind it,
/// check, two of the offset, two of shifting, the place.
const PIPELINE_CYCLES: u32 = READ_CYCLES + LONGEST_CHECK + GRANULE_CYCLES;
/// Cycles from the port to the tracking word.
const READ_CYCLES: u32 = 4;
/// Cycles from the checked tracking word to the granule's place.
const GRANULE_CYCLES: u32 = 5;
/// Cycles of the check that takes longest.
const LONGEST_CHECK: u32 = check_cycles(Protection::Secded);
/// Largest `granule_shift`.
const MAX_GRANULE_SHIFT: u32 = 30;
/// Most that the two steps of shifting can do: by multiples of four, and by three.
const LONGEST_SHIFT: u32 = (MAX_GRANULE_SHIFT - OFFSET) / 4 * 4 + 3;

stagecoach_hdl::bundle! {
    /// How a table's dirty memory is tracked. All zero where it is not.
    pub struct Tracking {
        /// Base-2 logarithm of the bytes that share a bit; 0 if the table is not tracked.
        granule_shift,
        /// First frame of the table's window.
        window_base,
        /// First word of its bitmap in the dirty pool.
        dirty_base,
    }
}

stagecoach_hdl::bundle! {
    /// A span that the bus has finished with.
    pub struct Retirement {
        /// There is one.
        valid,
        /// Its table.
        table,
        /// The frame that it accessed.
        frame,
        /// It wrote.
        write,
        /// The epoch that its beat carried.
        epoch,
    }
}

stagecoach_hdl::bundle! {
    /// What `retired` says of it.
    pub struct Retired {
        /// Its table.
        table,
        /// Its epoch.
        epoch,
    }
}

impl Widths {
    /// Field widths of [`Tracking`].
    pub fn tracking(&self) -> Vec<u32> {
        vec![5, self.frame, self.dirty]
    }

    /// Field widths of [`Retirement`].
    pub fn retirement(&self) -> Vec<u32> {
        vec![1, self.table, self.frame, 1, 1]
    }
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_retire",
        &format!(
            "Block retire: takes back spans, and marks as dirty what they wrote.\n\
             A retirement is in every harvest from {SET_CYCLES} cycles later on."
        ),
    );
    let retirement = Retirement::inputs(&m, "ret", &w.retirement());
    let word_widths = w.tracking();
    let coded_width = w.coded(word_widths.iter().sum());
    let track_write = m.input("track_write", 1).doc("says how a table is tracked");
    let track_table = m.input("track_table", w.table);
    let track_word = m.input("track_word", coded_width);
    let unsure_clear = m.input("unsure_clear", u32::from(is_protected(w)));
    let harvest = m.input("harvest", 1).doc("reads and clears a word of the dirty pool");
    let harvest_place = m.input("harvest_place", w.dirty);
    let flip = m.input("flip", u32::from(is_protected(w))).doc("inverts a stored bit of that word instead");
    let flip_bit = m.input("flip_bit", (BIT + 1) * u32::from(is_protected(w)));
    let init = m.input("init", 1).doc("clears after reset; nothing else happens then");
    let init_place = m.input("init_place", w.table).doc("in the tracking memory");
    let init_word = m.input("init_word", w.dirty).doc("in the dirty pool");
    // The walk stands far away, and a cycle more does not matter to it.
    let init = m.delay_reset("init_here", init);
    let init_place = m.delay("init_here_place", init_place);
    let init_word = m.delay("init_here_word", init_word);

    m.section("Cycle 1");
    let ret1_valid = m.delay_reset("ret1_valid", retirement.valid);
    let ret1_table = m.delay("ret1_table", retirement.table);
    // A tracked window has no granules beyond the pool, so higher bits of an offset say nothing.
    let offset_bits = (w.dirty + BIT + LONGEST_SHIFT).min(w.frame);
    let ret1_frame = m.delay("ret1_frame", retirement.frame.low(offset_bits));
    m.unused(retirement.frame.bits(offset_bits..w.frame));
    let ret1_write = m.delay("ret1_write", retirement.write);
    let ret1_epoch = m.delay("ret1_epoch", retirement.epoch);
    m.output("flight_retired", ret1_valid);

    m.section("Cycles 2 to 4: how the table is tracked");
    let memory = m.memory("tracking_memory", coded_width, 1 << w.table).output_register();
    let memory = memory.style(style(w.table));
    wire!(write_table = init.select(init_place, track_table));
    wire!(write_word = track_word.gated_by(!init));
    wire!(write = init | track_write);
    memory.write(write, write_table, write_word);
    let stored = memory.read("ret3_stored", ret1_table);
    // Nothing is retired while memories are cleared.
    wire!(collides = track_write & track_table.equals(ret1_table));
    let collided = m.delay_reset("ret3_collided", m.delay_reset("ret2_collided", collides));
    let written = m.delay("ret3_written", m.delay("ret2_written", write_word));
    let ret4_coded = m.delay("ret4_coded", collided.select(written, stored));
    let track_raw = match w.config.protection {
        Protection::None => m.zero(0),
        Protection::Parity | Protection::Secded => memory.read("track_raw_word", track_table),
    };
    m.output("track_raw", track_raw);
    m.port_doc("track_raw", "track_table's word with its check bits, two cycles later");

    m.section("The check");
    let checked = protect::check(&m, w, "ret_tracking", ret4_coded);
    let check = READ_CYCLES + w.check_cycles();
    let wrote = valid_until(&m, "ret", "wrote", ret1_valid & ret1_write, check);
    let frame = delay_until(&m, "ret", "frame", ret1_frame, check);
    let nothing = m.zero(0);
    let (corrected, place) = match w.config.protection {
        Protection::None | Protection::Parity => (nothing, nothing),
        Protection::Secded => {
            let table = delay_until(&m, "ret", "checked_table", ret1_table, check);
            (m.delay_reset("check_corrected", wrote & checked.corrected), m.delay("check_place", table))
        }
    };
    let (usable, uncorrectable, unsure) = match w.config.protection {
        Protection::None => (wrote, nothing, nothing),
        Protection::Parity | Protection::Secded => {
            wire!(misses = wrote & checked.uncorrectable);
            let unsure = m.register("unsure", 1).reset_to(0u32);
            let missed = valid_from(&m, "missed", "valid", misses, check, PIPELINE_CYCLES);
            unsure.next(missed | (unsure.value() & !unsure_clear));
            let uncorrectable = m.delay_reset("check_uncorrectable", misses);
            (wrote & !checked.uncorrectable, uncorrectable, unsure.value())
        }
    };
    m.output("check_corrected", corrected);
    m.port_doc("check_corrected", "a write's tracking word was read with one flipped bit");
    m.output("check_uncorrectable", uncorrectable);
    m.port_doc("check_uncorrectable", "a write's tracking word failed its check");
    m.output("check_place", place);
    m.port_doc("check_place", "whose word was corrected");
    m.output("unsure", unsure);
    m.port_doc("unsure", "a write may be missing in the dirty pool");

    m.section("Offset in the window; the granule's bit in the pool");
    let tracking = Tracking::unpack(checked.word, &word_widths);
    wire!(sets = usable & tracking.granule_shift.any());
    let place = granule_place(&m, w, check, &tracking, frame);
    let arrives = PIPELINE_CYCLES;
    let set = valid_from(&m, "set", "valid", sets, check, arrives);
    let set_place = delay_from(&m, "set", "place", place.word, check + GRANULE_CYCLES, arrives);
    let set_bit = delay_from(&m, "set", "bit", place.bit, check + GRANULE_CYCLES, arrives);

    m.section("The dirty pool");
    let pool = m.instance("dirty_pool", &dirty::describe(w)?);
    pool.input("set", set).input("set_place", set_place).input("set_bit", set_bit);
    pool.input("harvest", harvest).input("harvest_place", harvest_place);
    pool.input("flip", flip).input("flip_bit", flip_bit);
    pool.input("init", init).input("init_place", init_word);
    let harvested = pool.output("harvested");
    m.output("harvested", harvested);
    m.output("disagree", pool.output("disagree"));

    m.section("Retired: every harvest from now on has the bit");
    m.output("retired", valid_until(&m, "ret", "valid", ret1_valid, RETIRED_CYCLES));
    Retired {
        table: delay_until(&m, "ret", "table", ret1_table, RETIRED_CYCLES),
        epoch: delay_until(&m, "ret", "epoch", ret1_epoch, RETIRED_CYCLES),
    }
    .outputs(&m, "retired");
    m.finish()
}

fn is_protected(w: &Widths) -> bool {
    w.config.protection != Protection::None
}

/// Where a granule's bit stands.
struct Granule<'m> {
    word: Signal<'m>,
    bit: Signal<'m>,
}

/// The granule of a frame, [`GRANULE_CYCLES`] after `cycle`: offset in two halves, shift by multiples of four, shift by
/// the rest, place.
fn granule_place<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    cycle: u32,
    tracking: &Tracking<'m>,
    frame: Signal<'m>,
) -> Granule<'m> {
    let stage = |ahead: u32, name: &str| format!("granule{}_{name}", cycle + ahead);
    let width = frame.width();
    let window_base = tracking.window_base.low(width);
    m.unused(tracking.window_base.bits(width..w.frame));
    let half = width / 2;
    let low = m.delay(&stage(1, "low_offset"), frame.low(half).sub_borrow(window_base.low(half)));
    let high_frame = m.delay(&stage(1, "high_frame"), frame.bits(half..width));
    let high_base = m.delay(&stage(1, "high_base"), window_base.bits(half..width));
    // A subtractor's borrow input is a bit below.
    let high = m.concat(&[high_frame, m.bit(false)]) - m.concat(&[high_base, low.bit(half)]);
    let high = high.named(stage(1, "high_offset"));
    m.unused(high.bit(0));
    let offset = m.concat(&[high.bits(1..width - half + 1), low.low(half)]);
    let offset = m.delay(&stage(2, "offset"), offset);
    let shift = m.delay(&stage(1, "shift"), tracking.granule_shift - m.constant(5, OFFSET));
    let shift = m.delay(&stage(2, "shift"), shift);
    let mut base = tracking.dirty_base;
    for ahead in 1..GRANULE_CYCLES {
        base = m.delay(&stage(ahead, "base"), base);
    }

    let granule_bits = w.dirty + BIT;
    let down = |value: Signal<'m>, amount: u32, width: u32| {
        let amount = amount.min(value.width());
        fit(value.bits(amount..value.width()), width)
    };
    let choices: Vec<_> =
        (0..=LONGEST_SHIFT / 4).map(|fours| down(offset, 4 * fours, granule_bits + 3)).collect();
    let shifted = m.delay(&stage(3, "shifted"), shift.high(3).choose(&choices));
    let rest = m.delay(&stage(3, "rest"), shift.low(2));

    let choices: Vec<_> = (0..4).map(|ones| down(shifted, ones, granule_bits)).collect();
    let granule = m.delay(&stage(4, "number"), rest.choose(&choices));
    Granule {
        word: m.delay(&stage(5, "word"), base + granule.high(w.dirty)),
        bit: m.delay(&stage(5, "bit"), granule.low(BIT)),
    }
}

/// A value of cycle 1, in cycle `until`, in registers `<stage><cycle>_<name>`.
fn delay_until<'m>(
    m: &'m ModuleBuilder,
    stage: &str,
    name: &str,
    value: Signal<'m>,
    until: u32,
) -> Signal<'m> {
    delay_from(m, stage, name, value, 1, until)
}

/// Likewise for a valid bit.
fn valid_until<'m>(
    m: &'m ModuleBuilder,
    stage: &str,
    name: &str,
    value: Signal<'m>,
    until: u32,
) -> Signal<'m> {
    valid_from(m, stage, name, value, 1, until)
}

fn delay_from<'m>(
    m: &'m ModuleBuilder,
    stage: &str,
    name: &str,
    value: Signal<'m>,
    from: u32,
    until: u32,
) -> Signal<'m> {
    (from + 1..=until).fold(value, |value, cycle| m.delay(&format!("{stage}{cycle}_{name}"), value))
}

fn valid_from<'m>(
    m: &'m ModuleBuilder,
    stage: &str,
    name: &str,
    value: Signal<'m>,
    from: u32,
    until: u32,
) -> Signal<'m> {
    (from + 1..=until).fold(value, |value, cycle| m.delay_reset(&format!("{stage}{cycle}_{name}"), value))
}
