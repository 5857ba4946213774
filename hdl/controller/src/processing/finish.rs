//! Block `finish`: ends requests in their order: packs what was read into beats of the stream, and tells what became of each.
//!
//! ```text
//!  piece ─▶ step ─▶ measure ─▶ gather ─▶ read place, three cycles ─▶ turn ─▶ assemble ─▶ buffer ─▶ m_axis_read
//!           done?   bytes of a  places in    └─▶ end ─────────────▶ complete ─▶ buffer ─▶ m_axis_completion
//!                   beat read   the stream       fault, bytes
//! ```
//!
//! Nothing waits for a client here: block `intake` held room for all of it before it asked. A full beat is kept back until more
//! bytes come or the request ends, since only then is it known whether it is the packet's last.
//!
//! A completion shows when its packet of read data was taken, so a client never has to look for bytes that it was told of.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, index_width, wire};
use stagecoach_spec::{Completion, Fault, Op};

use super::registers::{keep, late, late_valid, same_cycle};
use super::shape::Shape;
use super::words::{Asked, Piece};
use super::{align, read};
use crate::credits::counted;
use crate::{deep_buffer, stream_buffer};

/// Bits of a [`stagecoach_spec::processing::WireKind`].
const KIND: u32 = 3;

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("processing_finish", "Block finish: ends requests in their order.");
    same_cycle(
        &m,
        &[
            "piece_valid",
            "read_done",
            "read_failed",
            "write_done",
            "write_failed",
            "result_valid",
            "result_failed",
        ],
        &["piece_take"],
    );
    let piece_valid = m.input("piece_valid", 1);
    let piece_word = m.input("piece_word", s.piece().iter().sum());
    let asked_valid = m.input("asked_valid", 1);
    let asked_word = m.input("asked_word", s.asked().iter().sum());
    let read_done = m.input("read_done", s.outstanding);
    let read_failed = m.input("read_failed", s.outstanding);
    let write_done = m.input("write_done", s.outstanding);
    let write_failed = m.input("write_failed", s.outstanding);
    let result_valid = m.input("result_valid", 1);
    let result_failed = m.input("result_failed", 1);
    let result_found = m.input("result_found", 64);
    let read_word = m.input("read_word", s.data);
    let data_ready = m.input("m_axis_read_tready", 1);
    let completion_ready = m.input("m_axis_completion_tready", 1);
    let c = &s.config;

    m.section("step: the oldest piece; a beat of what was read in each cycle");
    let piece_over = m.wire("piece_over", 1);
    let held = m.register("piece_held", 1).reset_to(0u32);
    wire!(stays = held.value() & !piece_over);
    wire!(loads = piece_valid & !stays);
    held.next(piece_valid | stays);
    let front = Piece::unpack(piece_word, &s.piece());
    let left = m.register("beats_left", s.beat);
    let kept = keep(&m, "held_piece", loads, piece_word.low(piece_word.width() - s.beat));
    let piece = Piece::unpack(m.concat(&[left.value(), kept]), &s.piece());
    m.comment("What memory did is looked up a cycle ahead: of the piece that will be held.");
    let memory = Answers { read_done, read_failed, write_done, write_failed, result_valid, result_failed };
    let is_done = m.register("piece_done", 1).reset_to(0u32);
    is_done.next(stays.select(memory.are_here(&piece), piece_valid & memory.are_here(&front)));
    let failed = m.register("piece_failed", 1);
    failed.next(stays.select(memory.forbid(&piece), memory.forbid(&front)));
    let failed_before = m.register("failed_before", 1).reset_to(0u32);
    let ending = m.register("ending", 1).reset_to(0u32);
    wire!(acts = is_done.value() & !ending.value());
    wire!(failing = failed.value() | failed_before.value());
    wire!(token = acts & piece.reads & !failing);
    left.next(stays.select(piece.beats - token.zero_extend(s.beat), front.beats));
    let last_step = m.register("last_step", 1);
    let only_step = !front.reads | !front.beats.any();
    last_step.next(stays.select(last_step.value() | (token & piece.beats.is(1u32)), only_step));
    piece_over.drive(acts & (last_step.value() | failing));
    let number = m.register("token_number", s.beat);
    number.next((number.value() + token.zero_extend(s.beat)).gated_by(stays));
    let is_first = m.register("first_step", 1);
    is_first.next(!stays | (is_first.value() & !token));
    ending.next(piece_over & piece.last);
    failed_before.next((failed_before.value() | (piece_over & failed.value())) & !ending.value());

    m.section("measure: the first and the last of its bytes in a beat");
    let measure_token = m.delay_reset("measure_token", token);
    let measure_ending = m.delay_reset("measure_ending", ending.value());
    let measure_over = m.delay_reset("measure_over", piece_over);
    let measure_place = m.delay("measure_place", m.concat(&[piece.slot, number.value()]));
    let measure_first = m.delay("measure_first", piece.lane.gated_by(is_first.value()));
    let to_end = last_step.value().select(piece.end, m.constant(s.lane, s.bytes - 1));
    let measure_last = m.delay("measure_last", to_end);
    let measure_good = m.delay("measure_good", !failing);
    let measure_fails = m.delay("measure_fails", failed.value() & !failed_before.value());
    let measure_refused = m.delay("measure_refused", piece.refused);
    let measure_fault = m.delay("measure_fault", piece.fault);
    let measure_bytes = m.delay("measure_bytes", piece.bytes);
    let measure_table = m.delay("measure_table", piece.table);
    let measure_atomic = m.delay_reset("measure_atomic", acts & piece.atomic);

    m.section("gather: how full the beat is that is assembled");
    let token = m.delay_reset("gather_token", measure_token);
    let ending = m.delay_reset("gather_ending", measure_ending);
    let place = m.delay("read_place_now", m.delay("gather_place", measure_place));
    let lane = m.delay("gather_first", measure_first);
    let count = m.delay("gather_bytes_less_one", measure_last - measure_first);
    m.comment("Bytes that are there less one; without any, as if the beat before had just been filled.");
    let full = m.constant(s.lane, s.bytes - 1);
    let some = m.register("some_gathered", 1).reset_to(0u32);
    let fill = m.register("gathered_less_one", s.lane).reset_to(s.bytes - 1);
    let total = fill.value().add_with_carry(count, m.bit(true)).named("total");
    some.next((some.value() | token) & !ending);
    fill.next(ending.select(full, token.select(total.low(s.lane), fill.value())));
    wire!(overflows = total.bit(s.lane) & some.value());
    wire!(flushes = ending & some.value());
    let emits = ((token & overflows) | flushes).named("token_emits");
    let beats = m.register("beats_so_far", s.read_beats()).reset_to(0u32);
    beats.next((beats.value() + emits.zero_extend(s.read_beats())).gated_by(!ending));

    m.section("gather: what became of the request so far");
    let over = m.delay_reset("gather_over", measure_over);
    let fails = m.delay_reset("gather_fails", measure_over & measure_fails);
    let bus_error = m.constant(8, u32::from(Fault::BusError.code()));
    let new_fault = m.delay("gather_fault", measure_refused.select(measure_fault, bus_error));
    let fault = m.register("fault_so_far", 8).reset_to(0u32);
    fault.next(fails.select(new_fault, fault.value()).gated_by(!ending));
    let more = m.delay_reset("gather_bytes", measure_bytes.gated_by(measure_over & measure_good));
    let bytes = m.register("bytes_done", s.length).reset_to(0u32);
    bytes.next((bytes.value() + more.zero_extend(s.length)).gated_by(!ending));
    let table = keep(&m, "table_of_piece", over, m.delay("gather_table", measure_table));
    let takes_result = m.delay_reset("takes_result", measure_atomic);
    let found = m.register("found", 64).reset_to(0u32);
    found.next(takes_result.select(result_found, found.value()).gated_by(!ending));
    let asked = Asked::unpack(asked_word, &s.asked());
    m.assert_always("asked_is_known", asked_valid | !ending, "a request that ends was asked");

    m.section("Beside the places of what was read");
    let cycles = read::READ_CYCLES + 1;
    let late_token = late_valid(&m, "late_token", token, cycles);
    let late_emits = late_valid(&m, "late_emits", emits, cycles);
    let late_flush = late(&m, "late_flush", flushes, cycles);
    let late_some = late(&m, "late_some", some.value(), cycles);
    let late_fill = late(&m, "late_fill", fill.value(), cycles);
    let late_turn = late(&m, "late_turn", fill.value().plus(1u32) - lane, cycles);
    let late_overflows = late(&m, "late_overflows", overflows, cycles);
    let late_tag = late(&m, "late_tag", asked.tag, cycles);

    m.section("turn: to the places in the stream's beat");
    let turned = align::rotate_up(&m, "turn", read_word, late_turn);
    let turn_token = m.delay_reset("turn_token", late_token);
    let turn_emits = m.delay_reset("turn_emits", late_emits);
    let turn_flush = m.delay("turn_flush", late_flush);
    let turn_some = m.delay("turn_some", late_some);
    let turn_fill = m.delay("turn_fill", late_fill);
    let turn_overflows = m.delay("turn_overflows", late_overflows);
    let turn_tag = m.delay("turn_tag", late_tag);

    m.section("assemble: behind the bytes that are there");
    let part = m.register("assembled", s.data).enabled_by(turn_token);
    m.comment("The lanes above the bytes that are there: all of them if there are none.");
    let from = !align::to_lane(&m, turn_fill, s.bytes) | (!turn_some).repeat(s.bytes);
    let merged: Vec<_> = (0..s.bytes)
        .rev()
        .map(|byte| {
            let place = 8 * byte..8 * byte + 8;
            from.bit(byte).select(turned.bits(place.clone()), part.value().bits(place))
        })
        .collect();
    let merged = m.concat(&merged).named("merged");
    part.next(turn_overflows.select(turned, merged));
    let filled = (!from | (!turn_flush).repeat(s.bytes)).named("filled");
    let out = turn_flush.select(part.value(), merged);
    let beat = m.concat(&[turn_tag, turn_flush, filled, align::only(&m, out, filled)]);
    let store = m.delay_reset("beat_valid", turn_emits);
    let store_word = m.delay("beat_word", beat);
    let data =
        m.instance("data", &deep_buffer::describe("processing_read_beats", beat.width(), s.read_room)?);
    data.input("in_valid", store).input("in_word", store_word).input("take", data_ready);
    let (data_valid, data_word) = (data.output("front_valid"), data.output("front_word"));

    m.section("complete: what the client is told");
    let end = m.delay_reset("end_valid", ending);
    let end_fault = m.delay("end_fault", fault.value());
    let end_bytes = m.delay("end_bytes", bytes.value());
    let end_table = m.delay("end_table", table);
    let end_found = m.delay("end_found", found.value());
    let end_tag = m.delay("end_tag", asked.tag);
    let end_stream = m.delay("end_stream", asked.stream);
    let end_op = m.delay("end_op", asked.op);
    let end_packet = m.delay("end_packet", some.value());
    let (kind, code) = wire_code(&m, s, end_fault, end_op);
    let fields =
        [end_packet, code, kind, end_op, end_fault, end_table, end_found, end_bytes, end_stream, end_tag];
    let word = m.concat(&fields);
    let stays = read::READ_CYCLES + 3;
    let valid = late_valid(&m, "complete", end, stays);
    let word = late(&m, "complete_word", word, stays);
    let completion_take = m.wire("completion_take", 1);
    let completions = m.instance(
        "completions",
        &stream_buffer::describe("processing_completions", word.width(), s.requests)?,
    );
    completions.input("in_valid", valid).input("in_word", word).input("take", completion_take);
    let completion = completions.output("front_word");
    let mut at = 0;
    let mut field = |bits: u32| {
        at += bits;
        completion.bits(at - bits..at)
    };
    let (tag, stream) = (field(c.tag_bits), field(c.stream_bits));
    let (bytes, found, table) = (field(s.length), field(64), field(s.table));
    let (fault, op, kind, code, has_packet) = (field(8), field(8), field(KIND), field(16), field(1));

    m.section("Packets of read data that were taken, and whose completion was not");
    let packets_width = index_width(u64::from(s.requests) + 2);
    let packets = m.register("packets_taken", packets_width).reset_to(0u32);
    let some_packets = m.register("some_packets_taken", 1).reset_to(0u32);
    let last_gone = data_valid & data_ready & data_word.bit(s.data + s.bytes);
    m.comment("Taken only when the channel's register is empty: a completion every other cycle.");
    let completion_valid = m.register("completion_valid", 1).reset_to(0u32);
    let shows =
        completions.output("front_valid") & (!has_packet | some_packets.value()) & !completion_valid.value();
    completion_take.drive(shows);
    completion_valid.next(shows | (completion_valid.value() & !completion_ready));
    let packet_used = completion_take & has_packet;
    wire!(packets_next = counted(packets.value(), last_gone, packet_used));
    packets.next(packets_next);
    some_packets.next(packets_next.any());

    m.section("Outputs");
    m.output("piece_take", loads);
    m.output("asked_take", ending);
    m.output("read_place", place);
    m.output("read_release", m.delay_reset("releases_read", piece_over & piece.reads));
    m.output("write_release", m.delay_reset("releases_write", piece_over & piece.writes));
    m.output("release_slot", m.delay("released_slot", piece.slot));
    m.output("result_take", m.delay_reset("took_result", takes_result));
    let used = m.delay("end_beats", beats.value() + flushes.zero_extend(s.read_beats()));
    let room = m.delay("end_room", asked.room);
    let payload_words = m.delay("end_payload_words", asked.payload_words);
    m.output("over", m.delay_reset("over_valid", end));
    m.output("over_payload_words", m.delay("over_words", payload_words));
    m.output("room_unused_beats", m.delay("room_unused_now", room - used));
    m.output("read_gone", m.delay_reset("read_beat_gone", data_valid & data_ready));
    m.output(
        "completion_gone",
        m.delay_reset("completion_went", completion_valid.value() & completion_ready),
    );
    m.output("m_axis_read_tvalid", data_valid);
    m.output("m_axis_read_tdata", data_word.low(s.data));
    m.output("m_axis_read_tkeep", data_word.bits(s.data..s.data + s.bytes));
    m.output("m_axis_read_tlast", data_word.bit(s.data + s.bytes));
    if c.tag_bits > 0 {
        m.output(
            "m_axis_read_tuser",
            data_word.bits(s.data + s.bytes + 1..s.data + s.bytes + 1 + c.tag_bits),
        );
    }
    m.output("m_axis_completion_tvalid", completion_valid.value());
    let parts = [
        found,
        m.zero(32),
        code,
        m.zero(8),
        kind.zero_extend(8),
        op,
        fault,
        table.zero_extend(16),
        bytes.zero_extend(32),
        stream.zero_extend(32),
        tag.zero_extend(32),
    ];
    m.output("m_axis_completion_tdata", keep(&m, "completion_shown", completion_take, m.concat(&parts)));
    m.finish()
}

/// What memory did for the spans under way: a bit for each slot, and one for the atomic.
struct Answers<'m> {
    read_done: Signal<'m>,
    read_failed: Signal<'m>,
    write_done: Signal<'m>,
    write_failed: Signal<'m>,
    result_valid: Signal<'m>,
    result_failed: Signal<'m>,
}

impl<'m> Answers<'m> {
    /// Nothing that the piece waits for is missing.
    fn are_here(&self, piece: &Piece<'m>) -> Signal<'m> {
        let waits = (piece.reads & !of_slot(self.read_done, piece.slot))
            | (piece.writes & !of_slot(self.write_done, piece.slot))
            | (piece.atomic & !self.result_valid);
        !waits
    }

    /// The piece was refused, or failed at memory.
    fn forbid(&self, piece: &Piece<'m>) -> Signal<'m> {
        let failed = (piece.reads & of_slot(self.read_failed, piece.slot))
            | (piece.writes & of_slot(self.write_failed, piece.slot))
            | (piece.atomic & self.result_failed);
        failed | piece.refused
    }
}

/// The bit of a slot.
fn of_slot<'m>(bits: Signal<'m>, slot: Signal<'m>) -> Signal<'m> {
    let bits: Vec<_> = (0..bits.width()).map(|number| bits.bit(number)).collect();
    slot.choose(&bits)
}

/// Kind and number of the wire code of a fault (8 bits) and an operation (8 bits).
fn wire_code<'m>(
    m: &'m ModuleBuilder,
    s: &Shape,
    fault: Signal<'m>,
    op: Signal<'m>,
) -> (Signal<'m>, Signal<'m>) {
    let processing = &s.config.processing;
    let code_of = |op: Op| -> Vec<Signal<'m>> {
        (0..16)
            .map(|code| {
                let fault = Fault::from_code(code).unwrap_or(Fault::Granted);
                let transport = processing.transport.into();
                let (kind, number) =
                    Completion::wire_of(fault, op.code(), transport, processing.rnr_timer as u8);
                m.constant(KIND + 16, u32::from(kind) << 16 | u32::from(number))
            })
            .collect()
    };
    let chosen = |op: Op| fault.low(4).choose(&code_of(op));
    let is_op = |wanted: Op| op.low(3).is(u32::from(wanted.code()));
    let local = is_op(Op::LocalRead) | is_op(Op::LocalWrite);
    let remote = is_op(Op::RemoteWrite).select(chosen(Op::RemoteWrite), chosen(Op::RemoteRead));
    let word = local.select(chosen(Op::LocalRead), remote);
    (word.high(KIND), word.low(16))
}
