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

use crate::credits::counted;
use crate::stream_buffer::{self, Ring};

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
    let ring = Ring::of(&m, depth, in_valid);
    let places = index_width(u64::from(SHORT) + 1);
    let room = m.register("room", places).reset_to(SHORT);
    let has_room = m.register("has_room", 1).reset_to(1u32);
    wire!(fetch = ring.some.value() & has_room.value());
    ring.count(&m, in_valid, fetch);
    let taken = m.wire("taken", 1);
    let back = m.delay_reset("room_back", taken);
    wire!(room_next = counted(room.value(), back, fetch));
    room.next(room_next);
    has_room.next(room_next.any());

    m.section("The words");
    let memory = m.memory("buffer_memory", width, depth).output_register();
    memory.write(in_valid, ring.write_pointer, in_word);
    let word = memory.read("fetched_word", ring.read_pointer(&m, fetch));
    let valid = m.delay_reset("fetched_valid", m.delay_reset("fetching", fetch));
    let short = m.instance("short_buffer", &stream_buffer::describe(&format!("{name}_front"), width, SHORT)?);
    short.input("in_valid", valid).input("in_word", word).input("take", take);
    let front_valid = short.output("front_valid");
    taken.drive(front_valid & take);
    m.output("front_valid", front_valid);
    m.output("front_word", short.output("front_word"));
    m.finish()
}
