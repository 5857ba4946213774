//! Block `issue`: takes the mapping unit's beats one by one, and starts each granted span at the memory port when nothing under
//! way overlaps it. One span every other cycle.
//!
//! ```text
//!  rsp_* ─▶ next ─▶ held ──┬─▶ read or write: a slot, a burst ─▶ blocks read, write
//!                  looks   ├─▶ atomic ─▶ block atomic
//!                  for     ├─▶ nothing to do: retired at once
//!                 overlap  └─▶ a piece, in any case ─▶ block finish
//! ```
//!
//! Reads wait for writes that share a 64-byte granule with them, writes and atomics for both; and all wait while an atomic is
//! under way. What waits longer than the timeout is given up as a BUS_ERROR: a memory that is dead hangs nobody.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};
use stagecoach_spec::Fault;

use super::refusals::{self, Message};
use super::registers::{keep, same_cycle};
use super::shape::{AGE, FRAME_SEEN, OFFSET, QUARTERS, Shape};
use super::words::{Burst, Data, Over, Pending, Piece};

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "processing_issue",
        "Block issue: starts granted spans at the memory port when nothing under way overlaps them.",
    );
    m.section("The mapping unit's beats");
    let valid = m.input("rsp_valid", 1);
    let fault = m.input("rsp_fault", 8);
    let address = m.input("rsp_pa", s.address);
    let span = m.input("rsp_span", s.span);
    let table = m.input("rsp_table", s.table);
    let epoch = m.input("rsp_epoch", 1);
    let last = m.input("rsp_last", 1);
    m.section("What was asked");
    let pending_valid = m.input("pending_valid", 1);
    let pending = m.input("pending_word", s.pending().iter().sum());
    m.section("Who is free, and what overlaps");
    let read_free = m.input("read_free_valid", 1);
    let read_slot = m.input("read_free_slot", s.slot);
    let read_conflict = m.input("read_conflict", 1).doc("with a read under way");
    let write_free = m.input("write_free_valid", 1);
    let write_slot = m.input("write_free_slot", s.slot);
    let write_conflict = m.input("write_conflict", 1);
    let locked = m.input("locked", 1).doc("an atomic is under way");
    let atomic_free = m.input("atomic_free", 1);
    let piece_room = m.input("piece_room", 1);
    let retire_take = m.input("retire_take", 1);
    let quarter = m.input("quarter", 1);

    same_cycle(
        &m,
        &[
            "pending_word",
            "read_free_valid",
            "read_free_slot",
            "read_conflict",
            "write_free_valid",
            "write_free_slot",
            "write_conflict",
            "locked",
            "atomic_free",
            "piece_room",
        ],
        &["pending_take", "starts_read", "starts_write", "starts_atomic"],
    );
    same_cycle(
        &m,
        &["pending_word", "read_free_slot", "write_free_slot"],
        &["read_burst", "write_burst", "write_data", "atomic_compares", "atomic_operand", "atomic_compare"],
    );

    m.section("next: one beat ahead");
    let fires = m.wire("fires", 1);
    let next_valid = m.register("next_valid", 1).reset_to(0u32);
    let ready = m.register("takes_beats", 1).reset_to(0u32);
    let held_valid = m.register("held_valid", 1).reset_to(0u32);
    wire!(takes = valid & ready.value());
    wire!(moves = next_valid.value() & (!held_valid.value() | fires));
    wire!(next_valid_next = takes | (next_valid.value() & !moves));
    next_valid.next(next_valid_next);
    ready.next(!next_valid_next);
    let next_fault = keep(&m, "next_fault", takes, fault);
    let next_address = keep(&m, "next_address", takes, address);
    let next_span = keep(&m, "next_span", takes, span);
    let next_table = keep(&m, "next_table", takes, table);
    let next_epoch = keep(&m, "next_epoch", takes, epoch);
    let next_last = keep(&m, "next_last", takes, last);

    m.section("held: the beat that is looked at. In its first cycle what overlaps is not known yet");
    held_valid.next(moves | (held_valid.value() & !fires));
    let fresh = m.delay_reset("held_fresh", moves);
    let held_fault = keep(&m, "held_fault", moves, next_fault);
    let held_frame = keep(&m, "held_frame", moves, next_address.bits(OFFSET..s.address));
    let held_offset = keep(&m, "held_offset", moves, next_address.low(OFFSET));
    let held_span = keep(&m, "held_span", moves, next_span);
    let held_table = keep(&m, "held_table", moves, next_table);
    let held_epoch = keep(&m, "held_epoch", moves, next_epoch);
    let held_last = keep(&m, "held_last", moves, next_last);
    let has_bytes = keep(&m, "held_has_bytes", moves, next_span.any());
    let granted = keep(&m, "held_granted", moves, !next_fault.any());
    let end = next_address.low(OFFSET).zero_extend(OFFSET + 1) + next_span.zero_extend(OFFSET + 1);
    let final_byte = (end + m.constant(OFFSET + 1, (1u32 << (OFFSET + 1)) - 1)).low(OFFSET);
    let held_final = keep(&m, "held_final_byte", moves, final_byte);

    m.section("What it is to become");
    let asked = Pending::unpack(pending, &s.pending());
    let is_atomic = !(asked.reads | asked.writes);
    let message = s.has_decoder().then(|| Message::of(&m, &asked));
    let fails = message.as_ref().map_or(asked.differs, |message| asked.differs | message.refused);
    m.comment("Worked out in the cycle before: in its first cycle no beat goes on.");
    let may_run = granted & has_bytes & !fails;
    let runs = m.delay("runs", may_run);
    let is_read = m.delay("is_read", may_run & asked.reads);
    let is_write = m.delay("is_write", may_run & asked.writes);
    let is_change = m.delay("is_change", may_run & is_atomic);
    let differs = m.delay("differs", granted & fails);
    m.comment("A span whose payload differs is over at once.");
    let skips = m.delay("skips", granted & fails & has_bytes);

    m.section("How long it waits");
    let age = m.register("held_age", AGE);
    let given_up = age.value().is(QUARTERS).named("given_up");
    age.next((age.value() + (quarter & !given_up).zero_extend(AGE)).gated_by(!moves));
    let tired = m.delay_reset("tired", given_up & runs & !moves & !fires);

    m.section("Whether it may go");
    let retire_free = m.register("retires", 1).reset_to(0u32);
    let null_free = !retire_free.value();
    let clear = !(write_conflict | locked);
    let may_read = is_read & read_free & clear;
    let may_write = is_write & write_free & clear & !read_conflict;
    let may_change = is_change & atomic_free & clear & !read_conflict;
    let may_end = !runs & (null_free | !skips);
    wire!(gives_up = runs & tired & null_free);
    let looked = held_valid.value() & !fresh & piece_room;
    let known = message.as_ref().map(|message| m.delay("message_known", message.known));
    let looked = known.map_or(looked, |known| looked & known).named("looked");
    wire!(starts = may_read | may_write | may_change);
    fires.drive(looked & (starts | may_end | gives_up));
    wire!(starts_read = looked & may_read);
    wire!(starts_write = looked & may_write);
    wire!(starts_atomic = looked & may_change);
    wire!(ends = fires & !starts);
    if let Some(message) = message {
        let frozen = held_fault.is(u32::from(Fault::Frozen.code()));
        let ended = refusals::Ended { fires, last: held_last, failed: differs | !granted, frozen };
        message.write(&m, s, &asked, ended);
    }
    m.assert_always("asked_is_known", pending_valid | !held_valid.value(), "a beat belongs to a question");

    m.section("Spans that are over at once");
    let retires = ends & has_bytes & granted;
    retire_free.next(retires | (retire_free.value() & !retire_take));
    let over = Over { table: held_table, frame: held_frame, epoch: held_epoch };
    let retired = over.hold(&m, "retired", retires);

    m.section("Where its bytes lie in the payload");
    let base = m.register("payload_base", s.payload_place).reset_to(0u32).enabled_by(fires & held_last);
    let words = asked.payload_words.low(s.payload_words().min(s.payload_place)).zero_extend(s.payload_place);
    base.next(base.value() + words);
    let done = m.register("bytes_before", s.length).reset_to(0u32).enabled_by(fires);
    done.next((done.value() + held_span.zero_extend(s.length)).gated_by(!held_last));
    let word_in_request = done.value().bits(s.lane..s.length).zero_extend(s.payload_place);
    let word = m.delay("payload_word", base.value() + word_in_request);
    let word_lane = done.value().low(s.lane).zero_extend(s.lane + 1);
    let turn = held_offset.low(s.lane).zero_extend(s.lane + 1) - word_lane;

    m.section("Outputs");
    m.output("rsp_ready", ready.value());
    m.output("pending_take", fires & held_last);
    m.output("probe_frame", held_frame.low(FRAME_SEEN.min(s.frame)).zero_extend(FRAME_SEEN));
    m.output("probe_first", held_offset.bits(6..OFFSET));
    m.output("probe_last", held_final.bits(6..OFFSET));
    over.outputs(&m, "held");
    m.output("starts_read", starts_read);
    m.output("starts_write", starts_write);
    m.output("starts_atomic", starts_atomic);
    let first = held_offset.bits(s.lane..OFFSET);
    let beats = (held_final.bits(s.lane..OFFSET) - first).low(s.beat).named("beats_less_one");
    let beats = m.delay("held_beats", beats);
    let two = if s.cuts_bursts() {
        m.delay("held_two_bursts", !held_offset.bit(OFFSET - 1) & held_final.bit(OFFSET - 1))
    } else {
        m.bit(false)
    };
    m.output("two_bursts", two);
    let atomic_id = m.constant(s.slot + 1, 1u32 << s.slot);
    let read_id = is_read.select(m.concat(&[m.bit(false), read_slot]), atomic_id);
    let burst = |id| Burst { id, frame: held_frame, first, beats, table: held_table };
    m.output("read_burst", burst(read_id).pack(&m));
    let write_id = is_write.select(m.concat(&[m.bit(false), write_slot]), atomic_id);
    m.output("write_burst", burst(write_id).pack(&m));
    let data = Data {
        id: write_id,
        first,
        beats,
        lane: held_offset.low(s.lane),
        end: held_final.low(s.lane),
        word,
        turn,
    };
    m.output("write_data", data.pack(&m));
    m.output("atomic_compares", asked.compares);
    m.output("atomic_operand", asked.operand);
    m.output("atomic_compare", asked.compare);
    let code = |fault: Fault| m.constant(8, u32::from(fault.code()));
    let why = code(Fault::PayloadLength);
    let why = message.map_or(why, |message| message.refused.select(code(Fault::MessageRefused), why));
    let said = differs.select(why, held_fault);
    let said = m.delay("piece_fault", (runs & !starts).select(code(Fault::BusError), said));
    let piece = Piece {
        beats: m.delay("piece_beats", beats),
        reads: m.delay("piece_reads", is_read & starts),
        writes: m.delay("piece_writes", is_write & starts),
        atomic: m.delay("piece_atomic", is_change & starts),
        slot: m.delay("piece_slot", is_read.select(read_slot, write_slot)),
        lane: m.delay("piece_lane", held_offset.low(s.lane)),
        end: m.delay("piece_end", held_final.low(s.lane)),
        bytes: m.delay("piece_bytes", held_span),
        refused: said.any(),
        fault: said,
        table: m.delay("piece_table", held_table),
        last: m.delay("piece_last", held_last),
    };
    m.output("piece_valid", m.delay_reset("piece_valid_now", fires));
    m.output("piece_word", piece.pack(&m));
    m.output("retire_valid", retire_free.value());
    retired.outputs(&m, "retire");
    m.finish()
}
