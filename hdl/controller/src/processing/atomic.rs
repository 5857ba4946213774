//! Block `atomic`: reads eight bytes, works out what they become, writes them; one atomic at a time, and no other access
//! starts meanwhile.
//!
//! ```text
//!  idle ─▶ reading ─▶ working (six cycles) ─▶ writing ─▶ result, until block finish takes it
//!             │ error, or too old      │ no change          │ error, or too old
//!             └────────────────────────┴────────────────────┴─▶
//! ```

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};

use super::registers::keep;
use super::shape::{AGE, QUARTERS, Shape};
use super::words::{Data, Over};

/// Bits that are added in a cycle.
const STEP: u32 = 16;
/// Cycles of `working`.
const WORK: u32 = 64 / STEP + 2;

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "processing_atomic",
        "Block atomic: reads eight bytes, changes them, writes them.",
    );
    let begins = m.input("begins", 1);
    let compares = m.input("compares", 1);
    let operand = m.input("operand", 64);
    let compare = m.input("compare", 64);
    let burst_in = m.input("write_burst", s.burst().iter().sum());
    let data_in = m.input("write_data", s.data_word().iter().sum());
    let span = Over::inputs(&m, "held", &s.over());
    let read_valid = m.input("read_valid", 1).doc("memory has read");
    let read_error = m.input("read_error", 1);
    let read_word = m.input("read_word", s.data);
    let written = m.input("written", 1).doc("memory has written");
    let write_error = m.input("write_error", 1);
    let quarter = m.input("quarter", 1);
    let result_take = m.input("result_take", 1);
    let retire_take = m.input("retire_take", 1);

    m.section("What it is about");
    let compares = keep(&m, "does_compare", begins, compares);
    let operand = keep(&m, "kept_operand", begins, operand);
    let compare = keep(&m, "kept_compare", begins, compare);
    let burst = keep(&m, "kept_burst", begins, burst_in);
    let data = keep(&m, "kept_data", begins, data_in);
    let over = span.hold(&m, "kept", begins);

    m.section("The states");
    let reading = m.register("reading", 1).reset_to(0u32);
    let working = m.register("working", 1).reset_to(0u32);
    let writing = m.register("writing", 1).reset_to(0u32);
    let owed_read = m.register("owed_read", 1).reset_to(0u32);
    let owed_write = m.register("owed_write", 1).reset_to(0u32);
    let result = m.register("result_valid_now", 1).reset_to(0u32);
    let retires = m.register("retires", 1).reset_to(0u32);
    let age = m.register("age", AGE);
    let work = m.register("work", WORK).reset_to(0u32);
    wire!(has_read = read_valid & reading.value());
    wire!(read_fine = has_read & !read_error);
    let old = age.value().is(QUARTERS).named("old");
    wire!(read_lost = old & reading.value() & !has_read);
    let worked = work.value().bit(WORK - 1).named("worked");
    let changes = m.register("changes", 1);
    wire!(begins_write = worked & changes.value());
    wire!(has_written = written & writing.value());
    wire!(write_lost = old & writing.value() & !has_written);
    wire!(read_ends = (has_read & read_error) | read_lost);
    wire!(ends = read_ends | (worked & !changes.value()) | has_written | write_lost);
    reading.next(begins | (reading.value() & !(has_read | read_lost)));
    working.next(read_fine | (working.value() & !worked));
    work.next(m.concat(&[work.value().low(WORK - 1), read_fine]));
    writing.next(begins_write | (writing.value() & !(has_written | write_lost)));
    owed_read.next(read_lost | (owed_read.value() & !read_valid));
    owed_write.next(write_lost | (owed_write.value() & !written));
    let more = (quarter & !old).zero_extend(AGE);
    age.next((age.value() + more).gated_by(!(begins | begins_write)));
    result.next(ends | (result.value() & !result_take));
    retires.next(ends | (retires.value() & !retire_take));
    let failed = m.register("failed", 1).enabled_by(ends);
    failed.next(read_ends | write_lost | (has_written & write_error));
    let wrote = m.register("wrote", 1).enabled_by(ends);
    wrote.next(has_written | write_lost);

    m.section("Eight bytes of the beat");
    let data_fields = Data::unpack(data, &s.data_word());
    let eight = data_fields.lane.bits(3..s.lane);
    let words: Vec<_> = (0..s.bytes / 8).map(|at| read_word.bits(64 * at..64 * at + 64)).collect();
    let found_now = if s.bytes == 8 { words[0] } else { eight.choose(&words) };
    let found = m.register("found", 64).enabled_by(has_read);
    found.next(found_now);

    m.section("What they become: 16 bits a cycle");
    let mut sums = Vec::new();
    let mut carry = m.bit(false);
    let mut same = Vec::new();
    for step in 0..64 / STEP {
        let part = STEP * step..STEP * (step + 1);
        let (a, b) = (found.value().bits(part.clone()), operand.bits(part.clone()));
        let sum = a.add_with_carry(b, carry);
        let sum = m.delay(&format!("sum{step}"), sum);
        carry = sum.bit(STEP);
        sums.push(sum.low(STEP));
        same.push(m.delay(&format!("same{step}"), a.equals(compare.bits(part))));
    }
    m.unused(carry);
    sums.reverse();
    let is_same = m.delay("is_same", m.concat(&same).all());
    changes.next(!compares | is_same);
    let value = m.register("value", 64);
    value.next(compares.select(operand, m.concat(&sums)));

    m.section("Outputs");
    let busy = reading.value() | working.value() | writing.value();
    m.output("locked", busy);
    m.output("free", !(busy | result.value() | retires.value() | owed_read.value() | owed_write.value()));
    m.output("write_valid", m.delay_reset("write_begins", begins_write));
    m.output("burst", burst);
    m.output("data", data);
    m.output("value", value.value());
    m.output("given_up", !writing.value());
    m.output("result_valid", result.value());
    m.output("result_failed", failed.value());
    m.output("result_found", found.value().gated_by(!failed.value()));
    m.output("retire_valid", retires.value());
    m.output("retire_write", wrote.value());
    over.outputs(&m, "retire");
    m.finish()
}
