//! Block `stream_buffer`: a long first-in first-out buffer in block RAM; the sender holds credits, so it never overflows.
//!
//! ```text
//!            ┌────────┐   ┌──────────────┐   ┌───────┐
//!  in ──────▶│ memory │──▶│ fetched word │──▶│ front │──▶ front_valid, front_word
//!            └────────┘   └──────────────┘   └───────┘◀── take
//! ```
//!
//! A word shows at the front three cycles after it arrived at the earliest, and then one in every cycle in which `take`
//! is high.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, RegisterHandle, Signal, index_width, wire};

use crate::credits::counted;

/// Describes a buffer of `width` bits whose memory has `depth` (a power of two) words.
pub fn describe(name: &str, width: u32, depth: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        name,
        "Block stream_buffer: first in, first out, in block RAM; the sender holds credits, so it never overflows.",
    );
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", width);
    let take = m.input("take", 1).doc("front_word leaves if front_valid");

    let ring = Ring::of(&m, depth, in_valid);
    let fetched_valid = m.register("fetched_valid", 1).reset_to(0u32);
    let front_valid = m.register("front_valid_now", 1).reset_to(0u32);

    m.section("Words move on where there is room");
    wire!(moves = fetched_valid.value() & (!front_valid.value() | take));
    wire!(fetch = ring.some.value() & (!fetched_valid.value() | moves));
    front_valid.next(moves | (front_valid.value() & !take));
    fetched_valid.next(fetch | (fetched_valid.value() & !moves));
    ring.count(&m, in_valid, fetch);

    m.section("The words");
    let memory = m.memory("buffer_memory", width, depth);
    memory.write(in_valid, ring.write_pointer, in_word);
    let fetched = memory.read_enabled("fetched_word", fetch, ring.read_pointer(&m, fetch));
    let front = m.register("front_word_now", width).enabled_by(moves);
    front.next(fetched);

    m.output("front_valid", front_valid.value());
    m.output("front_word", front.value());
    m.finish()
}

/// The places of a memory that is written and read in turn.
pub(crate) struct Ring<'m> {
    place: u32,
    /// Where the next word goes.
    pub(crate) write_pointer: Signal<'m>,
    stored: RegisterHandle<'m>,
    /// Whether a word is stored.
    pub(crate) some: RegisterHandle<'m>,
}

impl<'m> Ring<'m> {
    /// Of `depth` words, empty at first; a word is written with each `in_valid`.
    pub(crate) fn of(m: &'m ModuleBuilder, depth: u32, in_valid: Signal<'m>) -> Ring<'m> {
        let place = index_width(u64::from(depth));
        let write_pointer = m.register("write_pointer", place).reset_to(0u32).enabled_by(in_valid);
        write_pointer.next(write_pointer.value().plus(1u32));
        let stored = m.register("stored", place + 1).reset_to(0u32);
        let some = m.register("some_stored", 1).reset_to(0u32);
        Ring { place, write_pointer: write_pointer.value(), stored, some }
    }

    /// Counts the words: one more with `in_valid`, one fewer with `fetch`.
    pub(crate) fn count(&self, m: &'m ModuleBuilder, in_valid: Signal<'m>, fetch: Signal<'m>) {
        wire!(stored_next = counted(self.stored.value(), in_valid, fetch));
        self.stored.next(stored_next);
        self.some.next(stored_next.any());
        let full = self.stored.value().bit(self.place) & !fetch;
        m.assert_always("buffer_holds", !(in_valid & full), "credits keep the buffer from overflowing");
    }

    /// Where the word is that `fetch` reads.
    pub(crate) fn read_pointer(&self, m: &'m ModuleBuilder, fetch: Signal<'m>) -> Signal<'m> {
        let read_pointer = m.register("read_pointer", self.place).reset_to(0u32).enabled_by(fetch);
        read_pointer.next(read_pointer.value().plus(1u32));
        read_pointer.value()
    }
}
