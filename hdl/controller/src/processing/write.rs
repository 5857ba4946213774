//! Block `write`: payload, shifted to the bytes' places in memory's beats, to the write data channel; and memory's answers.
//!
//! ```text
//!  data ─▶ queue ─▶ walk ─▶ payload ─▶ turn1 ─▶ turn2 ─▶ merge ─▶ buffer ─▶ W channel
//!                           two cycles  rotated           with the beat before, and strobes
//! ```
//!
//! A beat in memory holds bytes of one or two words of payload. `walk` asks for the words in order, for one word more ahead of
//! the first beat where that has bytes of two. What was given up meanwhile still owes its beats to the bus: they go out with no
//! strobe set.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, index_width, wire};

use super::registers::{late, late_valid};
use super::shape::Shape;
use super::words::Data;
use super::{align, payload};
use crate::credits::counted;
use crate::stream_buffer;

/// Words of the buffer before the channel.
const BUFFER: u32 = 16;

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("processing_write", "Block write: payload, to the write data channel.");
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", s.data_word().iter().sum());
    let payload_word = m.input("payload_word", s.data);
    let atomic_value = m.input("atomic_value", 64);
    let waiting = m.input("waiting", s.outstanding).doc("writes that are not answered");
    let done = m.input("done", s.outstanding).doc("writes that are answered or given up");
    let atomic_given_up = m.input("atomic_given_up", 1);
    let w_ready = m.input("m_axi_wready", 1);
    let b_valid = m.input("m_axi_bvalid", 1);
    let b_id = m.input("m_axi_bid", s.id);
    let b_response = m.input("m_axi_bresp", 2);
    m.unused(b_response.bit(0));

    m.section("walk: a beat a cycle, if the buffer is sure to have room");
    let width: u32 = s.data_word().iter().sum();
    let queue = m.instance("data", &stream_buffer::describe("processing_data", width, 2 * s.outstanding)?);
    let loads = m.wire("loads", 1);
    queue.input("in_valid", in_valid).input("in_word", in_word).input("take", loads);
    let front = Data::unpack(queue.output("front_word"), &s.data_word());
    let two_words = (front.turn.bit(s.lane) & !front.id.bit(s.slot)).named("two_words");
    let held = m.register("walk_held", 1).reset_to(0u32);
    let ends = m.wire("ends", 1);
    loads.drive(queue.output("front_valid") & (!held.value() | ends));
    held.next(loads | (held.value() & !ends));
    let data = Data { turn: front.turn.low(s.lane), ..front }.hold(&m, "walk", loads);
    let is_atomic = data.id.bit(s.slot);
    let buffer_gone = m.wire("buffer_gone", 1);
    let places = index_width(u64::from(BUFFER) + 1);
    let room = m.register("buffer_room", places).reset_to(BUFFER);
    let has_room = m.register("buffer_has_room", 1).reset_to(1u32);
    let number = m.register("walk_number", s.beat);
    let primes = m.register("walk_primes", 1);
    let primed = m.register("walk_primed", 1);
    let last = m.register("walk_last", 1);
    wire!(steps = held.value() & has_room.value());
    let (prime, is_last) = (primes.value(), last.value());
    let single = !front.beats.any();
    wire!(then_last = prime.select(!data.beats.any(), number.value().plus(1u32).equals(data.beats)));
    last.next(loads.select(single & !two_words, steps.select(then_last, is_last)));
    ends.drive(steps & is_last);
    number.next((number.value() + (steps & !prime).zero_extend(s.beat)).gated_by(!loads));
    primes.next(loads.select(two_words, prime & !steps));
    primed.next((primed.value() | (prime & steps)) & !loads);
    let sends = (steps & !prime).named("sends");
    wire!(room_next = counted(room.value(), buffer_gone, sends));
    room.next(room_next);
    has_room.next(room_next.any());
    let ahead = number.value().zero_extend(s.payload_place);
    let one_more = primed.value().zero_extend(s.payload_place);
    let place = m.delay("payload_place", data.word + ahead + one_more);
    let beat_in_frame = data.first + number.value().zero_extend(s.frame_beat());
    let at_cut = if s.cuts_bursts() { beat_in_frame.low(8).all() } else { m.bit(false) };
    if !s.cuts_bursts() {
        m.unused(beat_in_frame);
    }

    m.section("Beside the payload's memory");
    let cycles = payload::READ_CYCLES + 1;
    let late_send = late_valid(&m, "send", sends, cycles);
    let is_first = !number.value().any() & !prime;
    let late_first = late(&m, "first", is_first, cycles);
    let late_last = late(&m, "last", is_last, cycles);
    let late_cut = late(&m, "cut", is_last | at_cut, cycles);
    let late_lane = late(&m, "lane", data.lane, cycles);
    let late_end = late(&m, "end", data.end, cycles);
    let late_id = late(&m, "id", data.id, cycles);
    let late_turn = late(&m, "turn", data.turn.gated_by(!is_atomic), cycles);
    let late_step = late_valid(&m, "step", steps, cycles);

    m.section("turn: up to the bytes' places");
    let copies: Vec<_> = (0..s.bytes / 8).map(|_| atomic_value).collect();
    let word = late_id.bit(s.slot).select(m.concat(&copies), payload_word);
    let turned = align::rotate_up(&m, "turn", word, late_turn);
    let turn_step = m.delay_reset("turn_step", late_step);
    let turn_valid = m.delay_reset("turn_valid", late_send);
    let turn_first = m.delay("turn_first", late_first);
    let turn_last = m.delay("turn_last", late_last);
    let turn_cut = m.delay("turn_cut", late_cut);
    let turn_lane = m.delay("turn_lane", late_lane);
    let turn_end = m.delay("turn_end", late_end);
    let turn_id = m.delay("turn_id", late_id);
    let turn_amount = m.delay("turn_amount", late_turn);

    m.section("merge: with the word before, and the strobes");
    let before = m.register("word_before", s.data).enabled_by(turn_step);
    before.next(turned);
    let merged = m.delay("merged", align::merge(&m, "before", turn_amount, turned, before.value()));
    let from = align::from_lane(&m, turn_lane, s.bytes) | (!turn_first).repeat(s.bytes);
    let to = align::to_lane(&m, turn_end, s.bytes) | (!turn_last).repeat(s.bytes);
    let merge_from = m.delay("merge_from", from);
    let merge_to = m.delay("merge_to", to);
    let merge_valid = m.delay_reset("merge_valid", turn_valid);
    let merge_cut = m.delay("merge_cut", turn_cut);
    let gone: Vec<_> = (0..s.outstanding).map(|number| done.bit(number) | !waiting.bit(number)).collect();
    let given_up = turn_id.bit(s.slot).select(atomic_given_up, turn_id.low(s.slot).choose(&gone));
    let merge_given_up = m.delay("merge_given_up", given_up);
    let strobes = (merge_from & merge_to).gated_by(!merge_given_up).named("merge_strobes");

    m.section("The channel");
    let beat = m.concat(&[merge_cut, strobes, align::only(&m, merged, strobes)]);
    let buffer = m.instance("beats", &stream_buffer::describe("processing_beats", beat.width(), BUFFER)?);
    buffer.input("in_valid", merge_valid).input("in_word", beat).input("take", w_ready);
    let w_valid = buffer.output("front_valid");
    buffer_gone.drive(w_valid & w_ready);
    let word = buffer.output("front_word");

    m.section("Memory's answers");
    let answer_valid = m.delay_reset("answer_valid", b_valid);
    let answer_id = m.delay("answer_id", b_id);
    let answer_error = m.delay("answer_error_now", b_response.bit(1));
    let known = !answer_id.bits(s.slot + 1..s.id).any() & answer_valid;

    m.section("Outputs");
    m.output("payload_place", place);
    m.output("m_axi_wvalid", w_valid);
    m.output("m_axi_wdata", word.low(s.data));
    m.output("m_axi_wstrb", word.bits(s.data..s.data + s.bytes));
    m.output("m_axi_wlast", word.bit(s.data + s.bytes));
    m.output("m_axi_bready", m.bit(true));
    m.output("answer", known & !answer_id.bit(s.slot));
    m.output("answer_slot", answer_id.low(s.slot));
    m.output("answer_error", answer_error);
    m.output("atomic_written", known & answer_id.bit(s.slot));
    m.finish()
}
