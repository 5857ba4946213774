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

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, index_width, wire};

/// Describes a buffer of `width` bits whose memory has `depth` (a power of two) words.
pub fn describe(name: &str, width: u32, depth: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        name,
        "Block stream_buffer: first in, first out, in block RAM; the sender holds credits, so it never overflows.",
    );
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", width);
    let take = m.input("take", 1).doc("front_word leaves if front_valid");

    let place = index_width(u64::from(depth));
    let write_pointer = m.register("write_pointer", place).reset_to(0u32).enabled_by(in_valid);
    write_pointer.next(write_pointer.value().plus(1u32));
    let stored = m.register("stored", place + 1).reset_to(0u32);
    let some = m.register("some_stored", 1).reset_to(0u32);
    let fetched_valid = m.register("fetched_valid", 1).reset_to(0u32);
    let front_valid = m.register("front_valid_now", 1).reset_to(0u32);

    m.section("Words move on where there is room");
    wire!(moves = fetched_valid.value() & (!front_valid.value() | take));
    wire!(fetch = some.value() & (!fetched_valid.value() | moves));
    front_valid.next(moves | (front_valid.value() & !take));
    fetched_valid.next(fetch | (fetched_valid.value() & !moves));
    let less = (fetch & !in_valid).repeat(place);
    wire!(stored_next = stored.value() + m.concat(&[less, in_valid ^ fetch]));
    stored.next(stored_next);
    some.next(stored_next.any());
    let full = stored.value().bit(place) & !fetch;
    m.assert_always("buffer_holds", !(in_valid & full), "credits keep the buffer from overflowing");

    m.section("The words");
    let memory = m.memory("buffer_memory", width, depth);
    memory.write(in_valid, write_pointer.value(), in_word);
    let read_pointer = m.register("read_pointer", place).reset_to(0u32).enabled_by(fetch);
    read_pointer.next(read_pointer.value().plus(1u32));
    let fetched = memory.read_enabled("fetched_word", fetch, read_pointer.value());
    let front = m.register("front_word_now", width).enabled_by(moves);
    front.next(fetched);

    m.output("front_valid", front_valid.value());
    m.output("front_word", front.value());
    m.finish()
}
