//! Block `tally`: counters in a memory, an operation a cycle: add one, clear, or just read.
//!
//! ```text
//!           1          2         3           4        5       6         7          8          9
//!  place ─▶┌────────────────────┐   ┌──────┐                  ┌──────────────────────┐ ┌─────┐
//!          │ memory, its output │──▶│ base │─────────────────▶│  +  low    +  high   │─│ top │─▶ word, value
//!          └────────────────────┘   └──────┘                  └──────────────────────┘ └─────┘    │
//!           same place as the ones ahead? ─▶ not cleared since ─▶ how many ─▲                     ▼ write
//! ```
//!
//! What the operations ahead change is not in the memory yet when an operation reads. It need not wait for their words:
//! it counts how many of them, in the [`AHEAD`] cycles before, add one at the same place, and adds these itself. So
//! nothing goes round from one operation to the next, and every step has a register. The word that is written in the very
//! cycle of the reading is taken from the writer.
//!
//! A second read port, if there is one, shows a place beside the operations: what was stored [`WATCH_CYCLES`] cycles ago
//! and earlier.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, MemoryStyle, Module, ModuleBuilder, Signal};

use crate::chunks;

/// Cycles from an operation to the counter's value, and to the write of its word.
pub const CYCLES: u32 = 9;
/// Operations ahead whose words an operation does not find in the memory.
pub const AHEAD: u32 = CYCLES - 1;
/// Cycles from `watch_place` to `watched`.
pub const WATCH_CYCLES: u32 = 4;
/// An operation is in what is watched iff it came at least this many cycles before `watch_place`.
pub const WATCH_LAG: u32 = CYCLES;
/// Bits of a step of the sum.
const STEP: u32 = 16;
/// Bits of a comparison of places before its register.
const CHUNK: u32 = 4;
/// Bits of a number of operations, up to [`AHEAD`] and one more.
const NUMBER: u32 = 4;
/// Places up to which the memory is LUT RAM.
pub const SMALL_MEMORY: u32 = 32;

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
             value is the counter with what the operation adds, before it clears, {CYCLES} cycles later."
        ),
    );
    let add = m.input("add", 1).doc("one more");
    let clear = m.input("clear", 1).doc("back to 0; never with add");
    let place = m.input("place", place_bits).doc("read in every cycle");
    let init = m.input("init", 1).doc("clears init_place after reset; no operations then");
    let init_place = m.input("init_place", place_bits);
    m.assert_always("one_operation", !(add & clear), "an operation adds or clears");

    m.section("The operations on their way; the walk after reset clears like one of them");
    let mut places = vec![m.delay("tally1_place", init.select(init_place, place))];
    let mut adds = vec![m.delay_reset("tally1_add", add)];
    let mut clears = vec![m.delay_reset("tally1_clear", clear | init)];
    for cycle in 2..=CYCLES + 1 {
        let last = cycle as usize - 2;
        places.push(m.delay(&format!("tally{cycle}_place"), places[last]));
        adds.push(m.delay_reset(&format!("tally{cycle}_add"), adds[last]));
        clears.push(m.delay_reset(&format!("tally{cycle}_clear"), clears[last]));
    }

    m.section("Cycles 1 and 2: which of those ahead have the same place, and what they do there");
    let meets = |name: &str, distance: u32, does| {
        let (place, ahead) = (at(&places, 1), at(&places, 1 + distance));
        let equal = m.delay(&format!("tally2_equal_{name}"), chunks::equal(&m, place, ahead, CHUNK));
        m.delay_reset(&format!("tally3_meets_{name}"), equal.all() & does)
    };
    let mut counted = Vec::new();
    let mut cleared = m.bit(false);
    for distance in 1..=AHEAD {
        let adds_there = meets(&format!("add{distance}"), distance, at(&adds, 2 + distance));
        // What was added before the place was cleared counts no more.
        counted.push(m.delay_reset(&format!("tally4_counts{distance}"), adds_there & !cleared));
        let clears_there = meets(&format!("clear{distance}"), distance, at(&clears, 2 + distance));
        cleared = (cleared | clears_there).named(format!("tally3_cleared_by{distance}"));
    }
    let cleared = m.delay("tally4_cleared", cleared);

    m.section("Cycles 1 to 5: what is stored, or written as it is read, or nothing");
    let written = m.register("tally_word", width);
    let writes = m.delay_reset("tally9_writes", at(&adds, CYCLES - 1) | at(&clears, CYCLES - 1));
    let memory = m.memory("tally_memory", width, 1 << place_bits).output_register().style(style(place_bits));
    memory.write(writes, at(&places, CYCLES), written.value());
    let written1 = m.delay("tally1_written", written.value());
    let written2 = m.delay("tally2_written", written1);
    let written3 = m.delay("tally3_written", written2);
    let stored3 = m.delay("tally3_stored", memory.read("tally2_stored", place));
    let wrote = m.delay_reset("tally2_wrote", m.delay_reset("tally1_wrote", writes));
    let collides = meets("writer", CYCLES, wrote);
    let base4 = m.delay("tally4_base", collides.select(written3, stored3));
    let base5 = m.delay("tally5_base", base4.gated_by(!cleared));
    let base6 = m.delay("tally6_base", base5);

    m.section("Cycles 4 and 5: how many are added, with the operation's own");
    let near: Vec<_> = counted[..4].iter().copied().chain([at(&adds, 4)]).collect();
    let near5 = m.delay("tally5_near", ones(&m, "tally4_near", &near));
    let far5 = m.delay("tally5_far", ones(&m, "tally4_far", &counted[4..]));
    let number6 = m.delay("tally6_number", near5 + far5);

    m.section("Cycles 6 and 7: the sum, in two steps");
    let low = width.min(STEP);
    let low_width = low.max(NUMBER) + 1;
    let sum = base6.low(low).zero_extend(low_width) + number6.zero_extend(low_width);
    let low7 = m.delay("tally7_low", sum);
    let carry = low7.bits(low..low_width);
    let (sum, over) = if width == low {
        (low7.low(low), carry.any())
    } else {
        let high7 = m.delay("tally7_high", base6.high(width - low));
        let high = high7.add_carry(carry.any().zero_extend(width - low)).named("tally7_high_sum");
        (m.concat(&[high.low(width - low), low7.low(low)]), high.bit(width - low))
    };
    let sum8 = m.delay("tally8_sum", sum);
    let over8 = m.delay("tally8_over", over);

    m.section("Cycle 8: at the top, or clear");
    let value8 = match overflow {
        Overflow::Wrap => {
            m.unused(over8);
            sum8
        }
        Overflow::Saturate => (sum8 | over8.repeat(width)).named("tally8_value"),
    };
    written.next(value8.gated_by(!at(&clears, 8)));
    m.output("value", m.delay("tally9_value", value8));

    if watch == Watch::Yes {
        m.section("The watched place: the stored word, or the one that is written as it is read");
        let watch_place = m.input("watch_place", place_bits).doc("watched shows it 4 cycles later");
        let stored = m.delay("watch3_stored", memory.read("watch2_stored", watch_place));
        let watch1_place = m.delay("watch1_place", watch_place);
        let equal = chunks::equal(&m, watch1_place, at(&places, CYCLES + 1), CHUNK);
        let equal = m.delay("watch2_equal", equal);
        let meets = m.delay("watch3_meets", equal.all() & wrote);
        m.output("watched", m.delay("watch4_word", meets.select(written3, stored)));
    }
    m.finish()
}

/// Of the registers of cycles 1 and on, that of a cycle.
fn at<'m>(registers: &[Signal<'m>], cycle: u32) -> Signal<'m> {
    registers[cycle as usize - 1]
}

/// How many of up to five bits are one.
fn ones<'m>(m: &'m ModuleBuilder, name: &str, bits: &[Signal<'m>]) -> Signal<'m> {
    let counts: Vec<_> =
        (0..1u32 << bits.len()).map(|value| m.constant(NUMBER, value.count_ones())).collect();
    m.concat(bits).named(name).choose(&counts)
}
