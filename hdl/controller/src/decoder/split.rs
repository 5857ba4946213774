//! Block `split`: asks for each frame's access; for a read that is longer than a request may be, in pieces.
//!
//! ```text
//!  request ─▶ front ─▶ piece ─▶ s_axis_request of the processing unit
//!               ▲        │
//!               └────────┘ the rest of a long read
//! ```
//!
//! The first piece is asked with the whole message as its bound; those behind continue it, so they are refused if it was. Each
//! piece is completed for itself, with the tag of its packet.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{AccessRequest, Op};

use super::shape::Shape;
use super::words::Admitted;
use crate::processing::registers::keep;

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "decoder_split",
        "Block split: asks for each frame's access; for a long read, in pieces.",
    );
    let valid = m.input("request_valid", 1);
    let word = m.input("request_word", d.admitted().iter().sum());
    let ready = m.input("piece_ready", 1);
    m.combinational_path("request_valid", "take");
    m.combinational_path("request_word", "take");
    m.combinational_path("piece_ready", "take");
    let front = Admitted::unpack(word, &d.admitted());
    let most = d.unit.config.max_request_bytes;

    m.section("A read's pieces: how much of it was asked");
    let moves = m.wire("moves", 1);
    let asked = m.register("bytes_asked", 32).reset_to(0u32).enabled_by(moves);
    let left = m.register("bytes_left", 32).enabled_by(moves);
    let later = m.register("later_piece", 1).reset_to(0u32).enabled_by(moves);
    let remaining = later.value().select(left.value(), front.length).named("remaining");
    wire!(more = remaining.greater_than(m.constant(32, most)));
    m.comment("More than 2^31 bytes is no message: it is refused whole.");
    let meant = !front.length.bit(31) | !front.length.low(31).any();
    wire!(goes_on = front.reads & more & meant);
    asked.next((asked.value() + m.constant(32, most)).gated_by(goes_on));
    left.next(remaining - m.constant(32, most));
    later.next(goes_on);

    m.section("The piece");
    let held = m.register("piece_held", 1).reset_to(0u32);
    moves.drive(valid & (!held.value() | ready));
    held.next(moves | held.value() & !ready);
    let length = (front.reads & more).select(m.constant(32, most), remaining);
    let va = keep(&m, "piece_va", moves, front.va + asked.value().zero_extend(64));
    let length = keep(&m, "piece_length", moves, length);
    let bound = keep(&m, "piece_bound", moves, front.reads.select(remaining, front.bound));
    let continues = keep(&m, "piece_continues", moves, front.continues | later.value());
    let piece = Admitted::unpack(keep(&m, "piece_word", moves, word), &d.admitted());
    let code = |op: Op| m.constant(8, u32::from(op.code()));
    let atomic = piece.swaps | piece.adds;
    let op = atomic
        .select(code(Op::RemoteAtomic), piece.reads.select(code(Op::RemoteRead), code(Op::RemoteWrite)));
    m.comment(
        "An operation that its queue pair does not take goes on with a reserved bit set: it is malformed.",
    );
    let tag = m.concat(&[piece.opcode, piece.psn]);
    let fields = [
        in_bytes(piece.compare, 8),
        in_bytes(piece.operand, 8),
        in_bytes(piece.refused, 2),
        in_bytes(m.concat(&[piece.adds, piece.swaps]), 1),
        op,
        in_bytes(bound, 4),
        in_bytes(va, 8),
        in_bytes(length, 4),
        tag,
        in_bytes(piece.qpn, 4),
        in_bytes(piece.pd, 4),
        in_bytes(piece.key, 4),
        in_bytes(piece.net_id, 20),
    ];
    let request = m.concat(&fields);
    assert_eq!(request.width(), 8 * AccessRequest::BYTES as u32);
    m.output("take", moves & !goes_on);
    m.output("piece_valid", held.value());
    m.output("piece_request", request);
    m.output("piece_message", m.concat(&[continues, piece.queue_pair]));
    for unused in [piece.writes, piece.continues, piece.va, piece.length, piece.bound] {
        m.unused(unused);
    }
    m.finish()
}

/// A field of so many bytes.
fn in_bytes(bits: Signal<'_>, bytes: u32) -> Signal<'_> {
    bits.zero_extend(8 * bytes)
}
