//! Block `queue`: a first-in first-out buffer that is never asked to take what it has no place for.
//!
//! ```text
//!            ┌────────────────────── bypass, if all is empty ─────────────────────┐
//!            │            ┌────────┐ direct, if the memory is empty               ▼
//!  in ───────┼───────────▶│ direct │───────────────────────────────▶┌──────┐   front ──▶
//!            │            └────────┘                                 │ next │──▶│
//!            │   ┌────────┐   ┌───────────────┐                      └──────┘
//!            └──▶│ memory │──▶│ read register │─────────────────────────▲
//!                └────────┘   └───────────────┘
//! ```
//!
//! The sender holds credits, so nothing is refused here. What arrives while all is empty and `take` is high shows at
//! `front` in the same cycle; the receiver registers it. A word waits in the memory only while an older one waits in
//! `next`, and is fetched as that one leaves: so a word leaves in every cycle in which `take` is high, without
//! bubbles, although the memory takes a cycle to read.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, MemoryStyle, Module, ModuleBuilder, index_width, wire};

/// Describes a queue of `width` bits whose memory has `depth` (a power of two) words. It holds `depth` + 1.
pub fn describe(name: &str, width: u32, depth: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        name,
        "Block queue: first in, first out; the sender holds credits, so it never overflows.\n\
         front_* shows the oldest word; with all empty, the word that arrives.",
    );
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", width);
    let take = m.input("take", 1).doc("front_word leaves if front_valid");
    m.combinational_path("in_valid", "front_valid");
    m.combinational_path("in_word", "front_word");

    m.section("State");
    let address_width = index_width(u64::from(depth));
    let write_pointer = m.register("write_pointer", address_width + 1).reset_to(0u32);
    let read_pointer = m.register("read_pointer", address_width + 1).reset_to(0u32);
    let next_valid = m.register("next_valid", 1).reset_to(0u32);
    let next_in_memory = m.register("next_in_memory", 1).reset_to(0u32);

    m.section("Where the arriving word goes, and whether an older one is fetched");
    wire!(stored = write_pointer.value().differs(read_pointer.value()));
    wire!(next_leaves = next_valid.value() & take);
    wire!(next_free = !next_valid.value() | take);
    wire!(bypass = in_valid & !stored & !next_valid.value() & take);
    wire!(direct = in_valid & !stored & next_free & !bypass);
    wire!(store = in_valid & (stored | (next_valid.value() & !take)));
    wire!(fetch = stored & next_free);
    write_pointer.next(write_pointer.value() + store.zero_extend(address_width + 1));
    read_pointer.next(read_pointer.value() + fetch.zero_extend(address_width + 1));
    next_valid.next(direct | fetch | (next_valid.value() & !next_leaves));
    next_in_memory.next(fetch | (next_in_memory.value() & !direct));
    let used = write_pointer.value() - read_pointer.value();
    let full = used.is(depth);
    m.assert_always("queue_holds", !(store & full), "credits keep the queue from overflowing");

    m.section("The words");
    let memory = m.memory("queue_memory", width, depth).style(MemoryStyle::Distributed);
    // Every word is written, also one that goes past the memory: so the write enable does not wait for `take`.
    memory.write(in_valid, write_pointer.value().low(address_width), in_word);
    let fetched = memory.read_enabled("fetched_word", fetch, read_pointer.value().low(address_width));
    let direct_word = m.register("direct_word", width).enabled_by(direct);
    direct_word.next(in_word);

    wire!(next_word = next_in_memory.value().select(fetched, direct_word.value()));
    m.output("front_valid", next_valid.value() | in_valid & !stored);
    m.output("front_word", next_valid.value().select(next_word, in_word));
    m.finish()
}
