//! Block `tally`: counters in a memory, an operation a cycle: add one, clear, or just read.
//!
//! ```text
//!             cycle 1        cycle 2                  cycle 3
//!  place ──▶┌────────┐    ┌─────────────────┐      ┌───────┐  value ──▶
//!           │ memory │───▶│ output register │──▶┬─▶│ value │
//!           └────────┘    └─────────────────┘   │  └───────┘
//!               ▲               from 1 to 3 ──▶ │ +1 or 0 ┌──────┐
//!               │               operations ago  └────────▶│ word │──┐
//!               │                                         └──────┘  │
//!               └───────────────── write ───────────────────────────┘
//! ```
//!
//! What the three operations ahead change is not in the memory yet when an operation reads: see `write_back.rs`.
//!
//! A second read port, if there is one, shows a place beside the operations: what was stored [`CYCLES`] cycles ago
//! and earlier.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, MemoryStyle, Module, ModuleBuilder, wire};

use crate::write_back::{Words, Writes};

/// Cycles from an operation to the counter's value before it.
pub const CYCLES: u32 = 3;
/// Cycles from `watch_place` to `watched`.
pub const WATCH_CYCLES: u32 = 3;
/// An operation is in what is watched iff it came at least this many cycles before `watch_place`.
pub const WATCH_LAG: u32 = 3;
/// Places up to which the memory is LUT RAM.
pub const SMALL_MEMORY: u32 = 64;

/// What a counter does at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It goes on at 0.
    Wrap,
    /// It stays.
    Saturate,
}

/// Whether there is a second read port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// There is none.
    No,
    /// `watch_place` and `watched`.
    Yes,
}

/// Which storage suits a memory with `place_bits` bits of address.
pub fn style(place_bits: u32) -> MemoryStyle {
    if 1 << place_bits <= SMALL_MEMORY { MemoryStyle::Distributed } else { MemoryStyle::Block }
}

/// Describes 2^`place_bits` counters of `width` bits.
pub fn describe(
    name: &str,
    place_bits: u32,
    width: u32,
    overflow: Overflow,
    watch: Watch,
) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        name,
        &format!(
            "Block tally: counters in a memory, an operation a cycle.\n\
             value is the counter before the operation, {CYCLES} cycles later."
        ),
    );
    let add = m.input("add", 1).doc("one more");
    let clear = m.input("clear", 1).doc("back to 0; never with add");
    let place = m.input("place", place_bits).doc("read in every cycle");
    let init = m.input("init", 1).doc("clears init_place after reset; no operations then");
    let init_place = m.input("init_place", place_bits);
    m.assert_always("one_operation", !(add & clear), "an operation adds or clears");

    m.section("Cycles 1 and 2: the memory reads; which operation ahead has the same place");
    let memory = m.memory("tally_memory", width, 1 << place_bits).output_register().style(style(place_bits));
    let stored = memory.read("tally2_stored", place);
    let add1 = m.delay_reset("tally1_add", add);
    let clear1 = m.delay_reset("tally1_clear", clear);
    let place1 = m.delay("tally1_place", place);
    let add2 = m.delay_reset("tally2_add", add1);
    let clear2 = m.delay_reset("tally2_clear", clear1);
    let place2 = m.delay("tally2_place", place1);
    wire!(changes = add2 | clear2);
    let writes = Writes::new(&m, "tally", changes, place2, init, init_place);
    let words = Words::new(&m, "tally", width);
    words.write_to(memory, &writes);
    let meets = writes.meets(&m, "tally2", place1);

    m.section("Cycle 3: the value, and what becomes of it");
    let before = words.as_found(&m, "tally2", &meets, stored);
    let after = match overflow {
        Overflow::Wrap => before + add2.zero_extend(width),
        Overflow::Saturate => {
            wire!(sum = before.zero_extend(width + 1) + add2.zero_extend(width + 1));
            sum.low(width) | sum.bit(width).repeat(width)
        }
    };
    words.next(after.gated_by(!(clear2 | init)));
    m.output("value", m.delay("tally3_value", before));

    if watch == Watch::Yes {
        m.section("The watched place: the stored word, or the one that is written as it is read");
        let watch_place = m.input("watch_place", place_bits).doc("watched shows it 3 cycles later");
        let stored = memory.read("watch2_stored", watch_place);
        let meets = m.delay_reset("watch1_meets", writes.collides(watch_place));
        let meets = m.delay_reset("watch2_meets", meets);
        let written = m.delay("watch2_written", words.later);
        m.output("watched", m.delay("watch3_word", meets.select(written, stored)));
    }
    m.finish()
}
