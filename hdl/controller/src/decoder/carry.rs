//! Block `carry`: takes frames' beats out of the store, drops them, or passes their payload on from its first byte.
//!
//! ```text
//!  cargo ─┐      carry1: this beat   carry2: moved by   carry3: moved by
//!  beats ─┴▶ ──▶ and the one ──────▶ eights of bytes ─▶ single bytes ───▶ s_axis_payload of the processing unit
//!                before
//! ```
//!
//! A beat of payload needs two beats of the frame, unless it ends in the first. What is left of a frame behind its last beat
//! goes on together with the next frame's first beat, which never has payload: so a beat is taken in every cycle.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};

use super::shape::{BYTES, PLACE, Shape};
use super::words::Cargo;
use crate::processing::align::to_lane;
use crate::processing::registers::keep;

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m =
        ModuleBuilder::new("decoder_carry", "Block carry: drops frames' beats, or passes their payload on.");
    let s = &d.unit;
    let cargo_valid = m.input("cargo_valid", 1);
    let cargo = Cargo::unpack(m.input("cargo_word", d.cargo().iter().sum()), &d.cargo());
    let beat_ready = m.input("beat_ready", 1);
    let beat = m.input("beat_word", s.data);
    let ready = m.input("payload_ready", 1);
    for output in ["beat_take", "cargo_take"] {
        for input in ["cargo_valid", "cargo_word", "beat_ready", "payload_ready"] {
            m.combinational_path(input, output);
        }
    }

    m.section("Beats of the frame");
    let moves = m.wire("moves", 1);
    wire!(steps = moves & cargo_valid & beat_ready);
    let number = m.register("beat_number", d.beats).reset_to(0u32).enabled_by(steps);
    wire!(is_last = number.value().plus(1u32).equals(cargo.beats));
    number.next(number.value().plus(1u32).gated_by(!is_last));
    let before = keep(&m, "beat_before", steps, beat);

    m.section("Bytes of the payload that are still to come");
    let first_beat = cargo.place.bits(s.lane.min(PLACE)..PLACE);
    let from = first_beat.zero_extend(d.beats.max(PLACE)).low(d.beats);
    let begins = number.value().equals(from) & cargo.carries;
    wire!(begins_now = begins & steps);
    let left = m.register("bytes_left", BYTES).reset_to(0u32);
    let some = m.register("packet_open", 1).reset_to(0u32);
    let lane = keep(&m, "lane", begins_now, cargo.place.low(s.lane));
    m.comment("Behind the frame's last beat, what is left goes on alone.");
    let rest = m.register("rest", 1).reset_to(0u32);
    wire!(gives = some.value() & (steps | rest.value()) & moves);
    wire!(is_final = left.value().at_most(m.constant(BYTES, s.bytes)));
    let now_left =
        begins_now.select(cargo.payload, left.value() - m.constant(BYTES, s.bytes).gated_by(gives));
    left.next(now_left);
    let stays = begins_now | some.value() & !(gives & is_final);
    some.next(stays);
    rest.next(stays & (steps & is_last | rest.value() & !gives));

    m.section("carry1: the two beats");
    let valid1 = m.register("carry1_valid", 1).reset_to(0u32).enabled_by(moves);
    valid1.next(gives);
    let after = beat.low(s.data - 8).gated_by(!rest.value());
    let pair1 = keep(&m, "carry1_pair", moves, m.concat(&[after, before]));
    let lane1 = keep(&m, "carry1_lane", moves, lane);
    let last1 = keep(&m, "carry1_last", moves, is_final);
    let count1 = keep(&m, "carry1_count", moves, left.value().low(s.lane + 1));

    m.section("carry2: moved down by eights of bytes");
    let fine = s.lane.min(3);
    let coarse = if s.lane > fine { lane1.bits(fine..s.lane) } else { m.zero(0) };
    let width = s.data + 8 * 7;
    let moved = (0..coarse.width()).fold(pair1, |word, bit| {
        let by = 64 << bit;
        let down = word.bits(by..word.width()).zero_extend(word.width());
        coarse.bit(bit).select(down, word)
    });
    let valid2 = m.register("carry2_valid", 1).reset_to(0u32).enabled_by(moves);
    valid2.next(valid1.value());
    let pair2 = keep(&m, "carry2_pair", moves, moved.low(width));
    let lane2 = keep(&m, "carry2_lane", moves, lane1.low(fine));
    let last2 = keep(&m, "carry2_last", moves, last1);
    let empty = !count1.any();
    let kept = to_lane(&m, count1.low(s.lane) - m.constant(s.lane, 1u32), s.bytes) & (!empty).repeat(s.bytes);
    let keep2 = keep(&m, "carry2_keep", moves, kept | (!last1).repeat(s.bytes));

    m.section("carry3: moved down by single bytes");
    let moved = (0..fine).fold(pair2, |word, bit| {
        let down = word.bits((8 << bit)..word.width()).zero_extend(word.width());
        lane2.bit(bit).select(down, word)
    });
    let valid3 = m.register("carry3_valid", 1).reset_to(0u32).enabled_by(moves);
    valid3.next(valid2.value());
    moves.drive(!valid3.value() | ready);
    m.output("beat_take", steps);
    m.output("cargo_take", steps & is_last);
    m.output("payload_valid", valid3.value());
    m.output("payload_data", keep(&m, "carry3_data", moves, moved.low(s.data)));
    m.output("payload_keep", keep(&m, "carry3_keep", moves, keep2));
    m.output("payload_last", keep(&m, "carry3_last", moves, last2));
    m.finish()
}
