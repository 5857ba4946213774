//! Block `dirty`: the pool of dirty bitmaps. A bit is set in every cycle if need be, and beside that a word is
//! harvested: read and cleared at once. Neither ever waits.
//!
//! ```text
//!              cycles 1 and 2             cycle 3
//!  set ─────▶┌───────┐ read, read ┌──────────────────────────┐
//!            │ marks │──────┬────▶│ marks[bit] := !seen[bit] │──▶ marks
//!            └───────┘      │     └──────────────────────────┘
//!            ┌───────┐      │     ┌──────────────────────────┐
//!            │ seen  │──────┴────▶│ seen := marks            │──▶ seen
//!  harvest ─▶└───────┘ read, read │ marks ^ seen             │──▶ harvested
//!                                 └──────────────────────────┘
//! ```
//!
//! A memory has one write port, and here two write in a cycle. So a word is kept as two, and a granule is dirty where
//! they differ: *marks*, which only setting writes, and *seen*, which only harvesting writes. Both operations read both
//! memories, which makes two read ports each.
//!
//! # Races
//!
//! The operations have an order: those of a cycle behind those of all cycles before, and within a cycle the harvest
//! before the setting. Each takes both words as they are at its place in the order:
//!
//! - What the three cycles before changed is taken from them, not from the memories (`write_back.rs`): setters and
//!   harvesters alike take marks from the setters before, seen from the harvesters before.
//! - A setter beside a harvest of its own word comes after it, when seen equals marks. So it inverts its bit of marks.
//!
//! Thus a bit is in the harvest of cycle h if it was set in cycle h - 1 or before, and else stays for the next one.
//!
//! # Protection
//!
//! Parity and secded keep a second pair, and a granule is dirty if either pair says so. A bit that flips in one pair
//! makes a granule dirty, or is outvoted: no dirtiness is lost. The harvest that sees the pairs disagree says so, and
//! makes them agree. `flip` inverts a bit of seen, which is as good as one of marks; it comes in a harvest's place, but
//! behind the setter beside it.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, MemoryHandle, MemoryStyle, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Protection;

use crate::widths::Widths;
use crate::write_back::{Meets, Words, Writes};

/// Cycles from `harvest` to `harvested`.
pub const HARVEST_CYCLES: u32 = 3;
/// Cycles from `harvest` to `disagree`.
pub const DISAGREE_CYCLES: u32 = 4;
/// A bit is in a harvest iff it was set at least this many cycles before.
pub const SET_LEAD: u32 = 1;
/// Bits of a word.
pub const WORD: u32 = 64;
/// Bits of a granule's place in its word.
pub const BIT: u32 = 6;

/// Pairs of memories.
pub fn copies(w: &Widths) -> u32 {
    match w.config.protection {
        Protection::None => 1,
        Protection::Parity | Protection::Secded => 2,
    }
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_dirty",
        &format!(
            "Block dirty: the pool of dirty bitmaps; a bit set and a word harvested in every cycle.\n\
             harvested shows the word {HARVEST_CYCLES} cycles after harvest."
        ),
    );
    let copies = copies(w);
    let protected = u32::from(copies > 1);
    let set = m.input("set", 1).doc("marks a granule as dirty");
    let set_place = m.input("set_place", w.dirty).doc("its word");
    let set_bit = m.input("set_bit", BIT).doc("its bit there");
    let harvest = m.input("harvest", 1).doc("reads and clears a word");
    let harvest_place = m.input("harvest_place", w.dirty);
    let flip =
        m.input("flip", protected).doc("inverts a bit of the word at harvest_place; never with harvest");
    let flip_bit = m.input("flip_bit", (BIT + 1) * protected).doc("the copy, and the bit in it");
    let init = m.input("init", 1).doc("clears init_place after reset; nothing else happens then");
    let init_place = m.input("init_place", w.dirty);
    m.assert_always("one_look", !(harvest & flip.any()), "a flipped bit takes a harvest's place");

    m.section("Cycles 1 and 2: the operations, and what they take from those ahead");
    let set1 = m.delay_reset("set1_valid", set);
    let set1_place = m.delay("set1_place", set_place);
    let set1_bit = m.delay("set1_bit", set_bit);
    let set2 = m.delay_reset("set2_valid", set1);
    let set2_place = m.delay("set2_place", set1_place);
    let set2_mask = m.delay("set2_mask", set1_bit.decode(WORD));
    let look1_harvest = m.delay_reset("look1_harvest", harvest);
    let look1_flip = m.delay_reset("look1_flip", flip);
    let look1_place = m.delay("look1_place", harvest_place);
    let look1_flip_bit = m.delay("look1_flip_bit", flip_bit);
    let look2_harvest = m.delay_reset("look2_harvest", look1_harvest);
    let look2_flip = m.delay_reset("look2_flip", look1_flip);
    let look2_place = m.delay("look2_place", look1_place);
    let beside = m.delay("set2_beside_harvest", look1_harvest & look1_place.equals(set1_place));
    let marks_writes = Writes::new(&m, "marks", set2, set2_place, init, init_place);
    wire!(look2_writes = look2_harvest | look2_flip.any());
    let seen_writes = Writes::new(&m, "seen", look2_writes, look2_place, init, init_place);
    let takes = |reader: &str, place0, place1| Takes {
        marks: marks_writes.meets(&m, &format!("{reader}_marks"), place0, place1),
        seen: seen_writes.meets(&m, &format!("{reader}_seen"), place0, place1),
    };
    let set_takes = takes("set2", set_place, set1_place);
    let look_takes = takes("look2", harvest_place, look1_place);

    let mut dirty = Vec::new();
    for copy in 0..copies {
        m.section(&format!("Pair {copy}"));
        let marks = Half::new(&m, w, &format!("marks{copy}"), &marks_writes);
        let seen = Half::new(&m, w, &format!("seen{copy}"), &seen_writes);
        let set_marks = marks.found(&m, "set2", set_place, &set_takes.marks);
        let set_seen = seen.found(&m, "set2", set_place, &set_takes.seen);
        let look_marks = marks.found(&m, "look2", harvest_place, &look_takes.marks);
        let look_seen = seen.found(&m, "look2", harvest_place, &look_takes.seen);

        let seen_then = beside.select(set_marks, set_seen);
        let marked = (set_marks & !set2_mask) | (!seen_then & set2_mask);
        marks.words.next(marked.gated_by(!init));
        let flipped = if copies == 1 {
            look_marks
        } else {
            let this_copy = look1_flip_bit.bit(BIT).equals(m.constant(1, copy));
            let mask = look1_flip_bit.low(BIT).decode(WORD).gated_by(this_copy);
            let mask = m.delay(&format!("look2_mask{copy}"), mask);
            look2_harvest.select(look_marks, look_seen ^ mask)
        };
        seen.words.next(flipped.gated_by(!init));
        dirty.push((look_marks ^ look_seen).named(format!("look2_dirty{copy}")));
    }

    m.section("Cycle 3: what is harvested");
    let any = dirty.iter().copied().reduce(|a, b| a | b).expect("there is a pair");
    m.output("harvested", m.delay("harvested_word", any));
    let disagree = match dirty[..] {
        [one, other] => {
            m.section("Cycle 4: whether the pairs disagree");
            let look3_harvest = m.delay_reset("look3_harvest", look2_harvest);
            let look3_differs = m.delay("look3_differs", one ^ other);
            m.delay_reset("look4_disagree", look3_harvest & look3_differs.any())
        }
        _ => m.zero(0),
    };
    m.output("disagree", disagree);
    m.port_doc("disagree", "the word that was harvested four cycles ago had been tampered with");
    m.finish()
}

/// What an operation takes of both memories from those ahead.
struct Takes<'m> {
    marks: Meets<'m>,
    seen: Meets<'m>,
}

/// One of a pair's memories.
struct Half<'m> {
    name: String,
    memory: MemoryHandle<'m>,
    words: Words<'m>,
}

impl<'m> Half<'m> {
    #[track_caller]
    fn new(m: &'m ModuleBuilder, w: &Widths, name: &str, writes: &Writes<'m>) -> Half<'m> {
        let memory = m.memory(&format!("{name}_memory"), WORD, 1 << w.dirty);
        let memory = memory.output_register().style(MemoryStyle::Block);
        let words = Words::new(m, name, WORD);
        words.write_to(memory, writes);
        Half { name: name.to_owned(), memory, words }
    }

    /// The word as an operation finds it in cycle 2, who has `place` in cycle 0.
    #[track_caller]
    fn found(&self, m: &'m ModuleBuilder, reader: &str, place: Signal<'m>, meets: &Meets<'m>) -> Signal<'m> {
        let reader = format!("{reader}_{}", self.name);
        let stored = self.memory.read(&format!("{reader}_stored"), place);
        self.words.as_found(m, &reader, meets, stored)
    }
}
