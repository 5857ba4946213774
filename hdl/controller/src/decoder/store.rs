//! Block `store`: takes frames, keeps their beats, and gives out the head of each that ended.
//!
//! ```text
//!  s_axis_frame ─▶ beat ─┬─▶ beats: a buffer ────────────▶ block carry
//!                        ├─▶ block icrc ────────────┐
//!                        ├─▶ head: the first bytes ─┤
//!                        └─▶ bytes, beats, damaged? ┴────▶ block parse, a frame in every cycle
//! ```
//!
//! Of a frame that is too long, only its first beats are kept; it is damaged, as is one whose `tkeep` has holes or that its
//! `tuser` calls bad. Bytes of the head that the frame does not have are zero.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, index_width, wire};

use super::icrc;
use super::shape::{BYTES, FRAMES, HEAD, Shape};
use crate::credits::counted;
use crate::deep_buffer;
use crate::processing::align::only;
use crate::processing::filled;

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "decoder_store",
        "Block store: takes frames, and gives out the head of each that ended.",
    );
    let s = &d.unit;
    let valid = m.input("s_axis_frame_tvalid", 1);
    let data =
        m.input("s_axis_frame_tdata", s.data).doc("from the destination's Ethernet address to the ICRC");
    let keep = m.input("s_axis_frame_tkeep", s.bytes);
    let last = m.input("s_axis_frame_tlast", 1);
    let bad = m
        .input("s_axis_frame_tuser", 1)
        .doc("with tlast: the frame is damaged, as its frame check sequence tells");
    let opens = m.input("opens", 1).doc("tables are cleared");
    let beat_take = m.input("beat_take", 1);
    let frame_gone = m.input("frame_gone", 1);

    m.section("Room: beats, and frames");
    let ready = m.register("takes_beats", 1).reset_to(0u32);
    wire!(takes = valid & ready.value());
    let stores = m.wire("stores", 1);
    let ends = m.wire("ends", 1);
    let places = index_width(u64::from(d.room) + 1);
    let room = m.register("room", places).reset_to(d.room);
    let gone = m.delay_reset("beat_gone", beat_take);
    room.next(counted(room.value(), gone, stores));
    let frame_places = index_width(u64::from(FRAMES) + 1);
    let frames = m.register("frames_free", frame_places).reset_to(FRAMES);
    frames
        .next(frames.value() + m.concat(&[(ends & !frame_gone).repeat(frame_places - 1), ends ^ frame_gone]));
    m.comment("Four beats and frames may be on their way when this is seen to be low.");
    wire!(room_left = room.value().bits(3..places).any());
    wire!(frames_left = frames.value().bits(3..frame_places).any());
    ready.next(room_left & frames_left & opens);

    m.section("beat");
    let beat_valid = m.delay_reset("beat_valid", takes);
    let beat_data = m.delay("beat_data", only(&m, data, keep));
    let beat_last = m.delay("beat_last", last);
    let counts = filled::counts(&m, s, keep);
    m.comment("Filled from the lowest lane on, without holes, and whole but for the last.");
    let holes = filled::has_holes(s, keep);
    let beat_wrong = m.delay("beat_wrong", holes | last.select(bad, !keep.all()));

    m.section("The frame so far");
    let sum = filled::sum(s, &counts);
    let bytes = m.register("bytes_so_far", BYTES).reset_to(0u32).enabled_by(beat_valid);
    let beats = m.register("beats_so_far", d.beats).reset_to(0u32).enabled_by(beat_valid);
    let wrong = m.register("wrong_so_far", 1).reset_to(0u32).enabled_by(beat_valid);
    wire!(too_long = beats.value().is(d.longest));
    wire!(bytes_now = bytes.value() + sum.gated_by(!too_long).zero_extend(BYTES));
    wire!(beats_now = beats.value() + (!too_long).zero_extend(d.beats));
    wire!(wrong_now = wrong.value() | too_long | beat_wrong);
    bytes.next(bytes_now.gated_by(!beat_last));
    beats.next(beats_now.gated_by(!beat_last));
    wrong.next(wrong_now & !beat_last);
    stores.drive(beat_valid & !too_long);
    ends.drive(beat_valid & beat_last);

    m.section("The ICRC");
    let wrong = if d.checks_icrc {
        let checks = m.instance("icrc_block", &icrc::describe(d)?);
        checks.input("beat_valid", beat_valid).input("beat_data", beat_data);
        checks.input("beat_bytes", sum).input("beat", beats.value());
        checks.output("wrong")
    } else {
        m.zero(0)
    };
    m.output("icrc_wrong", wrong);
    m.port_doc("icrc_wrong", "four cycles after head_valid");

    m.section("The head");
    let fresh = !beats.value().any();
    let mut parts = Vec::new();
    for beat in 0..d.head_beats() {
        let bits = (8 * HEAD - s.data * beat).min(s.data);
        let here = beats.value().is(beat).named(format!("head_here{beat}"));
        let part = m.register(&format!("head{beat}"), bits).enabled_by(beat_valid & (here | fresh));
        part.next(beat_data.low(bits).gated_by(here));
        parts.insert(0, part.value());
    }

    m.section("The beats");
    let buffer = m.instance("beats", &deep_buffer::describe("decoder_beats", s.data, d.room)?);
    buffer.input("in_valid", stores).input("in_word", beat_data).input("take", beat_take);
    m.output("s_axis_frame_tready", ready.value());
    m.output("head_valid", m.delay_reset("head_valid_now", ends));
    m.output("head", m.concat(&parts));
    m.output("head_bytes", m.delay("head_bytes_now", bytes_now));
    m.output("head_beats", m.delay("head_beats_now", beats_now));
    m.output("head_damaged", m.delay("head_damaged_now", wrong_now));
    m.output("beat_ready", buffer.output("front_valid"));
    m.output("beat_word", buffer.output("front_word"));
    m.finish()
}
