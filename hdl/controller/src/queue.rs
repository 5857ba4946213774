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
    let write_pointer = m.register("write_pointer", address_width).reset_to(0u32);
    let read_pointer = m.register("read_pointer", address_width).reset_to(0u32);
    let next_valid = m.register("next_valid", 1).reset_to(0u32);
    let next_direct = m.register("next_direct", 1).reset_to(0u32);
    let stored = m.register("stored", 1).reset_to(0u32);
    let two_stored = m.register("two_stored", 1).reset_to(0u32);

    m.section("Where the arriving word goes, and whether an older one is fetched");
    m.comment("A word is stored only behind one in `next`, which leaves when `take` is high.");
    let (next, some) = (next_valid.value(), stored.value());
    wire!(direct = in_valid & !some & !(next ^ take));
    wire!(store = in_valid & (some | (next & !take)));
    wire!(fetch = some & take);
    let write_pointer_on = write_pointer.enabled_by(store);
    write_pointer_on.next(write_pointer.value().plus(1u32));
    let read_pointer_on = read_pointer.enabled_by(fetch);
    read_pointer_on.next(read_pointer.value().plus(1u32));
    next_valid.next((next & (!take | some)) | (in_valid & !(next ^ take)));
    next_direct.next(direct | (next_direct.value() & !take));

    m.section("How many words are stored: one or more, two or more at once, all of them a cycle later");
    let store_late = m.delay_reset("store_late", store);
    let fetch_late = m.delay_reset("fetch_late", fetch);
    let count = m.register("stored_late", depth).reset_to(0u32);
    wire!(more = store_late & !fetch_late);
    wire!(fewer = fetch_late & !store_late);
    let one_more = m.concat(&[count.value().low(depth - 1), m.bit(true)]);
    let one_fewer = m.concat(&[m.bit(false), count.value().high(depth - 1)]);
    count.next(more.select(one_more, fewer.select(one_fewer, count.value())));
    let at_least = |words: u32| if words > depth { m.bit(false) } else { count.value().bit(words - 1) };
    wire!(three_stored = more.select(at_least(2), fewer.select(at_least(4), at_least(3))));
    stored.next(store | (some & !(fetch & !two_stored.value())));
    let fewer_of_two = fetch.select(three_stored, two_stored.value());
    two_stored.next(store.select(fetch.select(two_stored.value(), some), fewer_of_two));
    let full = count.value().bit(depth - 1) & !fewer;
    m.assert_always("queue_holds", !(store & full), "credits keep the queue from overflowing");
    m.assert_always("stored_behind_next", next | !some, "what is stored waits behind a word in next");

    m.section("The words");
    let memory = m.memory("queue_memory", width, depth).style(MemoryStyle::Distributed);
    // Every word is written, also one that goes past the memory: so the write enable does not wait for `take`.
    memory.write(in_valid, write_pointer.value(), in_word);
    let fetched = memory.read_enabled("fetched_word", fetch, read_pointer.value());
    // Whatever comes, unless the word is still needed: so the enable waits for little.
    let direct_word = m.register("direct_word", width).enabled_by(take | !next_direct.value());
    direct_word.next(in_word);

    wire!(next_word = next_direct.value().select(direct_word.value(), fetched));
    m.output("front_valid", next_valid.value() | in_valid);
    m.output("front_word", next_valid.value().select(next_word, in_word));
    m.finish()
}
