//! Block `slots`: the spans under way at the memory port, of one direction: which numbers are free, what overlaps, what was
//! answered or is given up.
//!
//! ```text
//!  allocate ─▶ taken, waiting ─▶ answers, or too old ─▶ done ─▶ released, if nothing is owed
//!                 │ overlaps?                            └──▶ retirement
//!                 ▼
//!              conflict
//! ```
//!
//! A slot's number is the identifier at the memory port. One that is given up is done for the client and for the fences,
//! but keeps its number until memory has answered after all: nobody else must get that answer. Until then its memory may
//! still change, so it goes on holding up what overlaps.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, MemoryStyle, Module, ModuleBuilder, wire};

use super::registers::keep;
use super::shape::{AGE, FRAME_SEEN, GRANULE, QUARTERS, Shape};
use super::words::Over;

/// Describes the block, for one direction.
pub fn describe(s: &Shape, name: &str) -> Result<Arc<Module>, DesignErrors> {
    let m =
        ModuleBuilder::new(name, "Block slots: the spans under way at the memory port, of one direction.");
    let allocate = m.input("allocate", 1).doc("the free slot is taken");
    let two = m.input("allocate_two", 1).doc("in two bursts");
    let probe_frame =
        m.input("probe_frame", FRAME_SEEN).doc("lowest bits of the frame that is looked at, or taken");
    let probe_first = m.input("probe_first", GRANULE);
    let probe_last = m.input("probe_last", GRANULE);
    let allocated = Over::inputs(&m, "allocate", &s.over());
    let answer = m.input("answer", 1).doc("memory answers");
    let answer_last = m.input("answer_last", 1).doc("and that was all of a burst");
    let answer_error = m.input("answer_error", 1);
    let answer_slot = m.input("answer_slot", s.slot);
    let release = m.input("gives_back", 1).doc("nobody needs what it brought any more");
    let release_slot = m.input("gives_back_slot", s.slot);
    let quarter = m.input("quarter", 1).doc("a quarter of the timeout went by");
    let retire_take = m.input("retire_take", 1);

    let numbers = s.outstanding;
    let free_slot = m.register("free_slot_now", s.slot).reset_to(0u32);
    let free_valid = m.register("free_valid_now", 1).reset_to(0u32);
    let allocates = free_slot.value().decode(numbers).gated_by(allocate).named("allocates");
    let answered = answer_slot.decode(numbers).gated_by(answer).named("answered");
    let releases = release_slot.decode(numbers).gated_by(release).named("releases");
    let chosen = m.wire("retire_chosen", numbers);

    let (mut taken, mut waiting, mut done, mut failed) = (vec![], vec![], vec![], vec![]);
    let (mut pending, mut overlaps) = (vec![], vec![]);
    for number in 0..numbers {
        m.section(&format!("Slot {number}"));
        let register = |name: &str, width: u32| m.register(&format!("slot{number}_{name}"), width);
        let allocates = allocates.bit(number);
        let is_waiting = register("waiting", 1).reset_to(0u32);
        let is_two = register("two", 1);
        let is_answered = answered.bit(number) & is_waiting.value();
        let burst_over = is_answered & answer_last;
        let all_over = (burst_over & !is_two.value()).named(format!("slot{number}_all_over"));
        is_waiting.next(allocates | (is_waiting.value() & !all_over));
        is_two.next(allocates.select(two, is_two.value() & !burst_over));
        let is_done = register("done", 1).reset_to(0u32);
        let age = register("age", AGE);
        let old = (age.value().is(QUARTERS) & is_waiting.value()).named(format!("slot{number}_old"));
        let is_over = (all_over | old) & !is_done.value();
        is_done.next((is_done.value() | is_over) & !allocates);
        let more = quarter & !age.value().is(QUARTERS);
        age.next((age.value() + more.zero_extend(AGE)).gated_by(!allocates));
        let has_failed = register("failed", 1);
        let fails = (is_answered & answer_error) | (old & !all_over);
        has_failed.next((has_failed.value() | (fails & !is_done.value())) & !allocates);
        let is_released = register("released", 1);
        is_released.next((is_released.value() | releases.bit(number)) & !allocates);
        let is_taken = register("taken", 1).reset_to(0u32);
        is_taken.next(allocates | (is_taken.value() & !(is_released.value() & !is_waiting.value())));
        let is_pending = register("retires", 1).reset_to(0u32);
        is_pending.next(is_over | (is_pending.value() & !chosen.bit(number)));

        let frame = keep(&m, &format!("slot{number}_frame"), allocates, probe_frame);
        let first = keep(&m, &format!("slot{number}_first"), allocates, probe_first);
        let last = keep(&m, &format!("slot{number}_last"), allocates, probe_last);
        let meets = first.at_most(probe_last) & probe_first.at_most(last);
        let overlap = is_waiting.value() & frame.equals(probe_frame) & meets;
        overlaps.push(overlap.named(format!("slot{number}_overlaps")));
        taken.push(is_taken.value());
        waiting.push(is_waiting.value());
        done.push(is_done.value());
        failed.push(has_failed.value());
        pending.push(is_pending.value());
    }
    for bits in [&mut taken, &mut waiting, &mut done, &mut failed, &mut pending, &mut overlaps] {
        bits.reverse();
    }
    let taken = m.concat(&taken).named("all_taken");
    let pending = m.concat(&pending).named("all_pending");

    m.section("The next free slot");
    let offered = free_slot.value().decode(numbers).gated_by(free_valid.value()).named("offered");
    wire!(candidates = !(taken | offered));
    wire!(looks = allocate | !free_valid.value());
    free_valid.next(looks.select(candidates.any(), free_valid.value()));
    let free_slot_on = free_slot.enabled_by(looks);
    free_slot_on.next(candidates.priority_index());

    m.section("Overlap with what is looked at");
    let conflict = m.delay("conflict_now", m.concat(&overlaps).any());

    m.section("Retirement: one every other cycle");
    let context = m.memory("context_memory", s.over().iter().sum(), numbers).style(MemoryStyle::Distributed);
    context.write(allocate, free_slot.value(), allocated.pack(&m));
    let choice_valid = m.register("choice_valid", 1).reset_to(0u32);
    let over_valid = m.register("over_valid", 1).reset_to(0u32);
    wire!(chooses = pending.any() & !choice_valid.value());
    chosen.drive(pending.lowest_one().gated_by(chooses));
    let choice = m.register("choice", s.slot).enabled_by(chooses);
    choice.next(pending.priority_index());
    wire!(moves = choice_valid.value() & (!over_valid.value() | retire_take));
    choice_valid.next(chooses | (choice_valid.value() & !moves));
    over_valid.next(moves | (over_valid.value() & !retire_take));
    let word = context.read_enabled("over_word", moves, choice.value());

    m.section("Outputs");
    m.output("free_valid", free_valid.value());
    m.output("free_slot", free_slot.value());
    m.output("conflict", conflict);
    m.output("waiting", m.concat(&waiting));
    m.output("done", m.concat(&done));
    m.output("failed", m.concat(&failed));
    m.output("retire_valid", over_valid.value());
    Over::unpack(word, &s.over()).outputs(&m, "retire");
    m.finish()
}
