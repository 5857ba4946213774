//! Block `counters`: requests by table and fault, as `read_counter` reads them, and the events of protection.
//!
//! ```text
//!                   cycles 1, 2    cycles 3 to 11   cycle 12      13
//!  count, token ──▶┌───────┐      ┌───────┐         ┌────────┐  ┌───┐
//!                  │ place │─────▶│ tally │────────▶│ choose │─▶│   │──▶ token_out, value
//!                  └───────┘      └───────┘         └────────┘  └───┘
//!  events ────────────▶ event_counter (twice) ─────────▲
//! ```
//!
//! A request is counted at its last beat. A token comes in order with these, in a cycle of its own, so what it reads
//! is exact.
//!
//! UNKNOWN_NETWORK has no table: it is counted at table 0 for the whole unit, read there whatever table is named, and
//! never cleared. Corrected and uncorrectable words are counted in registers.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, wire};
use stagecoach_spec::latency::loops::{FORMED_CYCLES, TOKEN_THROUGH_CYCLES};
use stagecoach_spec::{Counter, Fault};

use crate::codes::is;
use crate::event_counter;
use crate::tally::{self, Overflow, Watch};
use crate::widths::{FAULT, Widths};

/// Cycles from a token to `token_out` and `value`.
pub const CYCLES: u32 = tally::CYCLES + 4;

const _: () =
    assert!(FORMED_CYCLES + CYCLES == TOKEN_THROUGH_CYCLES, "the latency table and this block agree");

/// Bits of a counter.
pub const COUNT: u32 = 32;
/// Bits of a counter's index.
pub const INDEX: u32 = FAULT;

/// Describes the block, for `events` places that may correct or miss a word in a cycle; 0 if there are none.
pub fn describe(w: &Widths, events: u32) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_counters",
        "Block counters: requests by table and fault, and the events of protection.",
    );
    let count = m.input("count", 1).doc("the last beat of a request was formed");
    let count_table = m.input("count_table", w.table);
    let count_fault = m.input("count_fault", FAULT);
    let token = m.input("token", 1).doc("never with count");
    let token_reads = m.input("token_reads", 1).doc("value is wanted; zero otherwise");
    let token_clears = m.input("token_clears", 1).doc("the counter becomes 0, unless it is the unit's");
    let token_table = m.input("token_table", w.table);
    let token_index = m.input("token_index", INDEX);
    let corrected = m.input("corrected_events", events).doc("words that were corrected");
    let uncorrectable = m.input("uncorrectable_events", events).doc("words that failed their check");
    let init = m.input("init", 1).doc("clears init_place after reset; nothing is counted then");
    let init_place = m.input("init_place", w.table + INDEX);
    m.assert_always("one_traveller", !(count & token), "a token takes a cycle of its own");

    m.section("Cycles 1 and 2: the counter's place");
    let index1 = m.delay("counters1_counter", token.select(token_index, count_fault));
    let table1 = m.delay("counters1_table", token.select(token_table, count_table));
    let add1 = m.delay_reset("counters1_add", count);
    let clear1 = m.delay_reset("counters1_clears", token & token_clears);
    wire!(of_unit = is(index1, Fault::UnknownNetwork));
    let place2 = m.delay("counters2_place", m.concat(&[table1.gated_by(!of_unit), index1]));
    let add2 = m.delay_reset("counters2_add", add1);
    let clear2 = m.delay_reset("counters2_clear", clear1 & !of_unit);

    m.section("Cycles 3 to 11: the counters");
    let place_bits = w.table + INDEX;
    let tally = tally::describe("mapping_tally", place_bits, COUNT, Overflow::Saturate, Watch::No)?;
    let tally = m.instance("tally", &tally);
    tally.input("add", add2).input("clear", clear2).input("place", place2);
    tally.input("init", init).input("init_place", init_place);

    m.section("The unit's own");
    let counter = match events {
        0 => None,
        _ => Some(event_counter::describe("mapping_event_counter", COUNT, events)?),
    };
    let total = |name: &str, events| match &counter {
        None => m.zero(COUNT),
        Some(counter) => {
            let counter = m.instance(&format!("{name}_counter"), counter);
            counter.input("events", events);
            counter.output_as("total", name)
        }
    };
    let corrected = total("corrected", corrected);
    let uncorrectable = total("uncorrectable", uncorrectable);

    m.section("Beside the tally");
    let asks_counter = |wanted: Counter| token_reads & token_index.is(wanted.index());
    let is_counted = token_index.less_than(m.constant(INDEX, Counter::Corrected.index()));
    let mut way = [
        token,
        token_reads & is_counted,
        asks_counter(Counter::Corrected),
        asks_counter(Counter::Uncorrectable),
    ];
    for cycle in 1..=CYCLES {
        way[0] = m.delay_reset(&format!("counters{cycle}_token"), way[0]);
        if cycle < CYCLES - 1 {
            for (asks, name) in way[1..].iter_mut().zip(["table", "corrected", "uncorrectable"]) {
                *asks = m.delay(&format!("counters{cycle}_asks_{name}"), *asks);
            }
        }
    }
    let [token, asks_table, asks_corrected, asks_uncorrectable] = way;

    m.section("Cycle 12: what the token takes along; a register more, as block update stands far away");
    let of_unit = corrected.gated_by(asks_corrected) | uncorrectable.gated_by(asks_uncorrectable);
    let value = tally.output_as("value", "of_table").gated_by(asks_table) | of_unit;
    m.output("token_out", token);
    m.output("value", m.delay("counters13_value", m.delay("counters12_value", value)));
    m.finish()
}
