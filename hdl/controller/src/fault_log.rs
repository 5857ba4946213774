//! Block `fault_log`: remembers the last refused requests, all their fields.
//!
//! ```text
//!  request ──▶┌─────────┐ oldest       ┌─────┐  entry            ┌──────┐
//!             │ sidecar │─────────────▶│ log │──────────────────▶│ held │──▶ entry_*
//!             └─────────┘   ┌───────┐  └─────┘                   └──────┘
//!  verdict ────────────────▶│ count │─────┘  ┌────────────────┐      ▲
//!                           └───────┘   └───▶│ valid, a bit   │──────┘
//!  erase ──▶ walk ──▶ ┌────────┐             │ for each entry │
//!                     │ owners │────────────▶└────────────────┘
//!                     └────────┘ clear
//! ```
//!
//! The lookup does not carry what it does not need. So a ring beside it, the *sidecar*, keeps every accepted request
//! until its verdict; verdicts come in the order of requests. Those that refuse go on to the log, a ring too: entry
//! n - 1 modulo its size holds the n-th.
//!
//! A verdict is in the log five cycles later; a token reads after as long, so it sees all verdicts before it and none
//! behind it.
//!
//! `erase` walks over the log, an entry a cycle, and makes invalid what belongs to a table. Verdicts go on meanwhile:
//! an entry that is written while the walk looks at it stays.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, MemoryStyle, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Fault;

use crate::bundles::Asked;
use crate::codes::is;
use crate::copy;
use crate::tally::style;
use crate::widths::{FAULT, Widths};

/// Requests that may wait for their verdict.
pub const SIDECAR_DEPTH: u32 = 64;
/// Cycles from a token to the entry that it asks for.
pub const LOG_CYCLES: u32 = 8;
/// Bits of the count of refused requests.
pub const COUNT: u32 = 32;

stagecoach_hdl::bundle! {
    /// A request as it waits for its verdict.
    pub struct Waiting {
        /// Operation, 3 bits.
        op,
        /// First byte.
        va,
        /// Region index and variant.
        key,
        /// Protection domain of the asker.
        pd,
        /// Bytes to translate.
        length,
        /// Bytes that must lie in the region.
        bound,
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// Where it came from.
        net_id,
    }
}

stagecoach_hdl::bundle! {
    /// An entry of the log. All zero where none is valid.
    pub struct LogEntry {
        /// There is an entry.
        valid,
        /// Requests refused with this one, modulo 2^32.
        count,
        /// Why it was refused.
        fault,
        /// Operation, 3 bits.
        op,
        /// Its table; 0 if it had none.
        table,
        /// First byte.
        va,
        /// Region index and variant.
        key,
        /// Protection domain of the asker.
        pd,
        /// Bytes to translate.
        length,
        /// Bytes that must lie in the region.
        bound,
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// Where it came from.
        net_id,
    }
}

stagecoach_hdl::bundle! {
    /// Whose entry it is.
    pub struct Owner {
        /// No table's: the fault is UNKNOWN_NETWORK.
        nobody,
        /// The table.
        table,
    }
}

stagecoach_hdl::bundle! {
    /// A refused request's verdict.
    pub struct Refusal {
        /// Requests refused with this one.
        count,
        /// Why.
        fault,
        /// The table.
        table,
    }
}

impl Widths {
    /// Field widths of [`Waiting`].
    pub fn waiting(&self) -> Vec<u32> {
        let c = &self.config;
        vec![3, 64, 32, c.pd_bits, self.length, 32, c.tag_bits, c.stream_bits, c.net_id_bits]
    }

    /// Field widths of [`LogEntry`].
    pub fn log_entry_fields(&self) -> Vec<u32> {
        let mut widths = self.waiting();
        let op = widths.remove(0);
        [1, COUNT, FAULT, op, self.table].into_iter().chain(widths).collect()
    }
}

/// Describes the block, for a configuration that has a fault log.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_fault_log",
        &format!(
            "Block fault_log: remembers the last refused requests, all their fields.\n\
             entry_* shows what a token asks for {LOG_CYCLES} cycles later, and until the next."
        ),
    );
    let place_bits = w.log_entry;
    let entries = 1 << place_bits;
    let request = m.input("in_request", 1).doc("a request left stage request");
    let net_id = m.input("in_net_id", w.config.net_id_bits);
    let asked = Asked::inputs(&m, "in", &w.asked());
    let verdict = m.input("verdict", 1).doc("the oldest request's last beat was formed");
    let fault = m.input("verdict_fault", FAULT);
    let table = m.input("verdict_table", w.table);
    let token = m.input("token", 1).doc("asks for an entry; never with verdict");
    let token_entry = m.input("token_entry", place_bits);
    let erase = m.input("erase", 1).doc("begins to make invalid what belongs to erase_table");
    let erase_table = m.input("erase_table", w.table);
    m.assert_always("one_traveller", !(verdict & token), "a token takes a cycle of its own");
    // All of it comes from afar.
    let request = m.delay_reset("waiting_request", request);
    let verdict = m.delay_reset("log0_verdict", verdict);
    let fault = m.delay("log0_fault", fault);
    let table = m.delay("log0_table", table);
    let token = m.delay_reset("token0", token);
    let token_entry = m.delay("token0_entry", token_entry);
    let erase = m.delay_reset("erase0", erase);
    let erase_table = m.delay("erase0_table", erase_table);

    m.section("The sidecar: requests that wait for their verdict");
    let pointer_bits = SIDECAR_DEPTH.ilog2();
    let write_pointer = m.register("write_pointer", pointer_bits + 1).reset_to(0u32);
    let read_pointer = m.register("read_pointer", pointer_bits + 1).reset_to(0u32);
    write_pointer.next(write_pointer.value() + request.zero_extend(pointer_bits + 1));
    read_pointer.next(read_pointer.value() + verdict.zero_extend(pointer_bits + 1));
    let waiting = write_pointer.value() - read_pointer.value();
    let full = waiting.is(SIDECAR_DEPTH);
    m.assert_always("sidecar_holds", !(request & full), "fewer requests wait than the sidecar holds");
    let served = !(verdict & !waiting.any());
    m.assert_always("verdict_has_request", served, "a verdict comes after its request");
    let Asked { tag, stream, pd, op, key, va, length, bound } = asked;
    let arriving = Waiting { op, va, key, pd, length, bound, tag, stream, net_id }.pack(&m);
    let arriving = m.delay("waiting_fields", arriving);
    let sidecar = m.memory("sidecar_memory", arriving.width(), SIDECAR_DEPTH).output_register();
    let sidecar = sidecar.style(MemoryStyle::Block);
    sidecar.write(request, write_pointer.value().low(pointer_bits), arriving);
    let oldest = sidecar.read("log2_request", read_pointer.value().low(pointer_bits));

    m.section("Cycles 1 to 3 of a verdict: count it, fetch its request");
    let refused1 = m.delay_reset("log1_refused", verdict & fault.any());
    let fault1 = m.delay("log1_fault", fault);
    let table1 = m.delay("log1_table", table);
    let count = m.register("refused_count", COUNT).reset_to(0u32);
    count.next(count.value() + refused1.zero_extend(COUNT));
    let refused2 = m.delay_reset("log2_refused", refused1);
    let refused3 = m.delay_reset("log3_refused", refused2);
    // A copy for the entries' valid bits and the walk: the memories are far from them.
    let copy = m.instance("refused_copy", &copy::describe_flag("mapping_fault_log_copy", 0)?);
    copy.input("value", refused2);
    let refused3_copy = copy.output_as("copy", "log3_refused_copy");
    let place3 = m.delay("log3_place", m.delay("log2_place", count.value().low(place_bits)));
    let refusal2 = Refusal {
        count: count.value(),
        fault: m.delay("log2_fault", fault1),
        table: m.delay("log2_table", table1),
    };
    let refusal3 = refusal2.delay(&m, "log3");
    let oldest = m.delay("log3_request", oldest);

    m.section("Cycles 1 to 3 of a token: until all verdicts before it are in the log");
    let token2 = m.delay_reset("token2", m.delay_reset("token1", token));
    let token3 = m.delay_reset("token3", token2);
    let token2_entry = m.delay("token2_entry", m.delay("token1_entry", token_entry));
    // A copy for the entries' valid bits, which lie far from the memories.
    let token3_entry = m.delay("token3_entry", token2_entry);
    let copy = m.instance("entry_copy", &copy::describe("mapping_fault_log_entry", place_bits)?);
    copy.input("value", token2_entry);
    let token3_entry_copy = copy.output_as("copy", "token3_entry_copy");

    m.section("The log");
    let written = m.concat(&[refusal3.pack(&m), oldest]);
    let log = m.memory("log_memory", written.width(), entries).output_register().style(log_style(w));
    log.write(refused3, place3, written);
    let stored = log.read_enabled("token5_stored", token3, token3_entry);

    m.section("The walk of an erasure");
    // Verdicts up to the cycle of `erase` are written before the walk begins.
    let erase2 = m.delay_reset("erase2", m.delay_reset("erase1", erase));
    let erase3 = m.delay_reset("erase3", erase2);
    let erased_table = m.register("erased_table", w.table).enabled_by(erase);
    erased_table.next(erase_table);
    let walking = m.register("walking", 1).reset_to(0u32);
    let walk_place = m.register("walk_place", place_bits);
    wire!(at_last = walk_place.value().all());
    walking.next(erase3 | (walking.value() & !at_last));
    walk_place.next(walking.value().select(walk_place.value().plus(1u32), m.zero(place_bits)));
    let owned3 = Owner { nobody: is(refusal3.fault, Fault::UnknownNetwork), table: refusal3.table };
    let owners = m.memory("owner_memory", 1 + w.table, entries).output_register().style(style(place_bits));
    owners.write(refused3, place3, owned3.pack(&m));
    let owner = Owner::unpack(owners.read("walk2_owner", walk_place.value()), &[1, w.table]);
    // What was read while it was written is garbage, and what was written since is not what was read.
    let place0 = walk_place.value();
    let looks0 = walking.value() & !(refused3_copy & place3.equals(place0));
    let looks1 = m.delay_reset("walk1_looks", looks0);
    let place1 = m.delay("walk1_place", place0);
    let looks2 = m.delay_reset("walk2_looks", looks1 & !(refused3_copy & place3.equals(place1)));
    let walk2_place = m.delay("walk2_place", place1);
    let looks3 = m.delay_reset("walk3_looks", looks2 & !(refused3_copy & place3.equals(walk2_place)));
    let walk3_place = m.delay("walk3_place", walk2_place);
    let owner = owner.delay(&m, "walk3_owner");
    let belongs = !owner.nobody & owner.table.equals(erased_table.value());
    let clears4 =
        m.delay_reset("walk4_clears", looks3 & !(refused3_copy & place3.equals(walk3_place)) & belongs);
    let walk4_place = m.delay("walk4_place", walk3_place);
    let ends = m.delay_reset("walk1_ends", walking.value() & at_last);
    let ends = m.delay_reset("walk3_ends", m.delay_reset("walk2_ends", ends));
    let ends = m.delay_reset("walk4_ends", ends);
    m.output("erase_done", m.delay_reset("erase_done", ends));
    m.port_doc("erase_done", "the entries are invalid");

    m.section("Which entries are valid");
    let valid = m.register("valid", entries).reset_to(0u32);
    wire!(gains = place3.decode(entries).gated_by(refused3_copy));
    wire!(loses = walk4_place.decode(entries).gated_by(clears4));
    valid.next(gains | (valid.value() & !loses));

    m.section("Cycles 4 to 7 of a token: the entry, held");
    let valid6 = m.delay("token6_valid", pick(&m, valid.value(), token3_entry_copy));
    let stored = m.delay("token6_stored", stored);
    let token5 = m.delay_reset("token5", m.delay_reset("token4", token3));
    let token6 = m.delay_reset("token6", token5);
    let widths: Vec<_> = [COUNT, FAULT, w.table].into_iter().chain(w.waiting()).collect();
    let mut fields = widths.iter().scan(stored.width(), |above, width| {
        *above -= width;
        Some(stored.bits(*above..*above + width))
    });
    let mut field = || fields.next().expect("a field for each width");
    let (count, fault, table) = (field(), field(), field());
    let request = Waiting::from_signals(&fields.collect::<Vec<_>>());
    let Waiting { op, va, key, pd, length, bound, tag, stream, net_id } = request;
    let entry = LogEntry {
        valid: m.bit(true),
        count,
        fault,
        op,
        table,
        va,
        key,
        pd,
        length,
        bound,
        tag,
        stream,
        net_id,
    };
    entry.gated_by(valid6).hold(&m, "entry", token6).outputs(&m, "entry");
    m.finish()
}

/// Which storage suits the log: wide words in LUT RAM cost many tables and have an address that drives them all, but a
/// small device with that many tables has no block RAM left.
fn log_style(w: &Widths) -> MemoryStyle {
    const MOST_TABLES: u32 = 256;
    if w.config.tables <= MOST_TABLES { MemoryStyle::Block } else { MemoryStyle::Distributed }
}

/// Two cycles later: bit `index` of `bits`, first in groups of at most 16.
fn pick<'m>(m: &'m ModuleBuilder, bits: Signal<'m>, index: Signal<'m>) -> Signal<'m> {
    let low_bits = index.width().min(4);
    let groups = bits.width() >> low_bits;
    let group = |group: u32| {
        let group = bits.bits(group << low_bits..(group + 1) << low_bits);
        index.low(low_bits).choose(&(0..group.width()).map(|bit| group.bit(bit)).collect::<Vec<_>>())
    };
    let picked: Vec<_> = (0..groups).rev().map(group).collect();
    let picked = m.delay("token4_valid_of_group", m.concat(&picked));
    let group = m.delay("token4_group", index.high(index.width() - low_bits));
    let picked: Vec<_> = (0..groups).map(|group| picked.bit(group)).collect();
    m.delay("token5_valid", group.choose(&picked))
}
