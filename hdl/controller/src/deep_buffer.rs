//! Block `deep_buffer`: a first-in first-out buffer in block RAM that is read through the memory's output register, which a fast
//! clock needs; the sender holds credits, so it never overflows.
//!
//! ```text
//!            ┌────────┐             ┌──────────────────┐
//!  in ──────▶│ memory │─ 2 cycles ─▶│ a short buffer   │──▶ front_valid, front_word
//!            └────────┘             │ (stream_buffer)  │◀── take
//!                 ▲ fetch           └──────────────────┘
//!                 └── room there? ◀──────── taken
//! ```
//!
//! A word shows at the front six cycles after it arrived at the earliest, and then one in every cycle in which `take` is high.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, index_width, wire};

use crate::stream_buffer;

/// Words of the short buffer: more than are on their way while a word leaves and another is fetched for it.
const SHORT: u32 = 16;

/// Describes a buffer of `width` bits whose memory has `depth` (a power of two) words.
pub fn describe(name: &str, width: u32, depth: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        name,
        "Block deep_buffer: first in, first out, in block RAM with its output register; the sender holds credits.",
    );
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", width);
    let take = m.input("take", 1).doc("front_word leaves if front_valid");

    m.section("Words in memory, and room in the short buffer");
    let place = index_width(u64::from(depth));
    let stored = m.register("stored", place + 1).reset_to(0u32);
    let some = m.register("some_stored", 1).reset_to(0u32);
    let places = index_width(u64::from(SHORT) + 1);
    let room = m.register("room", places).reset_to(SHORT);
    let has_room = m.register("has_room", 1).reset_to(1u32);
    wire!(fetch = some.value() & has_room.value());
    let less = (fetch & !in_valid).repeat(place);
    wire!(stored_next = stored.value() + m.concat(&[less, in_valid ^ fetch]));
    stored.next(stored_next);
    some.next(stored_next.any());
    let full = stored.value().bit(place) & !fetch;
    m.assert_always("buffer_holds", !(in_valid & full), "credits keep the buffer from overflowing");
    let taken = m.wire("taken", 1);
    let back = m.delay_reset("room_back", taken);
    let less = (fetch & !back).repeat(places - 1);
    wire!(room_next = room.value() + m.concat(&[less, fetch ^ back]));
    room.next(room_next);
    has_room.next(room_next.any());

    m.section("The words");
    let write_pointer = m.register("write_pointer", place).reset_to(0u32).enabled_by(in_valid);
    write_pointer.next(write_pointer.value().plus(1u32));
    let read_pointer = m.register("read_pointer", place).reset_to(0u32).enabled_by(fetch);
    read_pointer.next(read_pointer.value().plus(1u32));
    let memory = m.memory("buffer_memory", width, depth).output_register();
    memory.write(in_valid, write_pointer.value(), in_word);
    let word = memory.read("fetched_word", read_pointer.value());
    let valid = m.delay_reset("fetched_valid", m.delay_reset("fetching", fetch));
    let short = m.instance("short_buffer", &stream_buffer::describe(&format!("{name}_front"), width, SHORT)?);
    short.input("in_valid", valid).input("in_word", word).input("take", take);
    let front_valid = short.output("front_valid");
    taken.drive(front_valid & take);
    m.output("front_valid", front_valid);
    m.output("front_word", short.output("front_word"));
    m.finish()
}
