//! Block `intake`: takes requests, and asks the mapping unit when nothing but memory can hold them up any more: the payload
//! is here, and there is room for what will be read and for the completion.
//!
//! ```text
//!  s_axis_request ─▶ request0 ─▶ request1 ─▶ request2 ─▶ req_*
//!                    well formed? payload,               └─▶ pending, asked: for blocks issue and finish
//!                                 room?
//! ```

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, index_width, wire};
use stagecoach_spec::processing::MALFORMED;
use stagecoach_spec::{AccessRequest, Op};

use super::registers::{keep, same_cycle};
use super::shape::Shape;
use super::words::{Asked, Pending};
use crate::credits::counted;

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "processing_intake",
        "Block intake: takes requests, and asks the mapping unit when nothing but memory can hold them up.",
    );
    let c = &s.config;
    let valid = m.input("s_axis_request_tvalid", 1);
    let word = m.input("s_axis_request_tdata", 8 * AccessRequest::BYTES as u32);
    let message_bits = if s.has_decoder() { 1 + s.queue_pair } else { 0 };
    let message = m
        .input("s_axis_request_tuser", message_bits)
        .doc("the queue pair, above it whether the request continues its message");
    let packet_valid = m.input("packet_valid", 1);
    let packet_words = m.input("packet_words", s.payload_words());
    let packet_bytes = m.input("packet_bytes", s.payload_words() + s.lane);
    let packet_wrong = m.input("packet_wrong", 1);
    let read_gone = m.input("read_gone", 1).doc("a beat of read data was taken");
    let room_unused = m.input("room_unused", 1).doc("a request is over, and its room for read data is known");
    let room_unused_beats = m.input("room_unused_beats", s.read_beats());
    let completion_gone = m.input("completion_gone", 1);
    let req_ready = m.input("req_ready", 1);
    same_cycle(&m, &["req_ready", "packet_valid"], &["packet_take"]);

    m.section("request0: as it came");
    let moves0 = m.wire("moves0", 1);
    let ready = m.register("takes_requests", 1).reset_to(0u32);
    let held0 = m.register("request0_valid", 1).reset_to(0u32);
    wire!(takes = valid & ready.value());
    wire!(held0_next = takes | (held0.value() & !moves0));
    held0.next(held0_next);
    ready.next(!held0_next);
    let request0 = m.register("request0_word", word.width()).enabled_by(takes);
    request0.next(word);
    let message0 = keep(&m, "request0_message", takes, message);
    let at = |byte: u32, bits: u32| request0.value().bits(8 * byte..8 * byte + bits);
    let above = |byte: u32, used: u32, bits: u32| request0.value().bits(8 * byte + used..8 * byte + bits);
    let op = at(52, 8);
    let is_op = |wanted: Op| op.is(u32::from(wanted.code()));
    let is_atomic = is_op(Op::RemoteAtomic).named("is_atomic");
    let kind = at(53, 8);
    let (swaps, adds) = (kind.is(1u32), kind.is(2u32));
    let reserved = [
        above(0, c.net_id_bits, 160),
        above(24, c.pd_bits, 32),
        above(28, c.stream_bits, 32),
        above(32, c.tag_bits, 32),
        at(54, 16),
        at(52, 8).bits(3..8),
    ];
    let reserved = m.concat(&reserved);
    wire!(wrong_kind = is_atomic.select(!(swaps | adds), kind.any()));
    let writes = (is_op(Op::RemoteWrite) | is_op(Op::LocalWrite)).named("writes0");
    let reads = (is_op(Op::RemoteRead) | is_op(Op::LocalRead)).named("reads0");

    m.section("request1: whether it is well formed, and what it waits for");
    let moves1 = m.wire("moves1", 1);
    let held1 = m.register("request1_valid", 1).reset_to(0u32);
    moves0.drive(held0.value() & (!held1.value() | moves1));
    held1.next(moves0 | (held1.value() & !moves1));
    let request1 =
        fields(s).map(|(name, byte, bits)| keep(&m, &format!("request1_{name}"), moves0, at(byte, bits)));
    let length = request1[LENGTH];
    let operand1 = keep(&m, "request1_operand", moves0, at(56, 64));
    let compare1 = keep(&m, "request1_compare", moves0, at(64, 64));
    let message1 = keep(&m, "request1_message", moves0, message0);
    let op1 = keep(&m, "request1_op", moves0, op);
    let parts = (0..reserved.width()).step_by(RESERVED_AT_ONCE as usize).map(|from| {
        let to = reserved.width().min(from + RESERVED_AT_ONCE);
        keep(&m, &format!("request1_reserved{from}"), moves0, reserved.bits(from..to).any())
    });
    let reserved_set = m.concat(&parts.collect::<Vec<_>>()).any();
    let wrong_kind = keep(&m, "request1_wrong_kind", moves0, wrong_kind);
    let malformed1 = (reserved_set | wrong_kind).named("malformed1");
    let compares1 = keep(&m, "request1_compares", moves0, swaps);
    let writes1 = keep(&m, "request1_writes", moves0, writes);
    let reads1 = keep(&m, "request1_reads", moves0, reads);
    let payload1 = keep(&m, "request1_payload", moves0, writes & at(36, 32).any());
    let room = Room::of(&m, s, read_gone, room_unused, room_unused_beats, completion_gone);
    wire!(payload_here = packet_valid | !payload1);
    let moves2 = m.wire("moves2", 1);
    let held2 = m.register("request2_valid", 1).reset_to(0u32);
    m.comment("Taken only when empty: a request every other cycle, and the mapping unit's ready goes no further than here.");
    wire!(free2 = !held2.value());
    m.comment("Looked up a cycle ahead, so a request stays for two cycles at least.");
    let may_move1 = m.register("may_move1", 1).reset_to(0u32);
    may_move1.next(held1.value() & !moves1 & payload_here & room.enough);
    moves1.drive(may_move1.value() & free2);
    let filled = m.constant(s.length + 1, s.bytes - 1);
    let beats = (length.low(s.length).zero_extend(s.length + 1) + filled).bits(s.lane..s.length + 1);
    let most = m.constant(beats.width(), s.request_beats);
    m.comment("More than the largest request reads nothing: it will be refused.");
    let beats = beats.greater_than(most).select(most, beats).low(s.read_beats());
    let beats1 = m.delay("request1_beats", beats.gated_by(reads1));
    room.takes(moves1, beats1);
    let said = length.low(packet_bytes.width());
    wire!(differs = packet_wrong | said.differs(packet_bytes));

    m.section("request2: at the mapping unit's port");
    held2.next(moves1 | (held2.value() & !req_ready));
    moves2.drive(held2.value() & req_ready);
    let request2 = |field: usize| {
        let (name, ..) = fields(s)[field];
        keep(&m, &format!("request2_{name}"), moves1, request1[field])
    };
    let op2 = keep(&m, "request2_op", moves1, op1);
    let asked_op = m.constant(3, u32::from(MALFORMED.code()));
    let req_op = keep(&m, "request2_asked_op", moves1, malformed1.select(asked_op, op1.low(3)));
    let too_long = length.bits(s.length..32).any();
    let req_length = keep(&m, "request2_length", moves1, length.low(s.length) | too_long.repeat(s.length));
    let message2 = keep(&m, "request2_message", moves1, message1);
    let pending = Pending {
        reads: keep(&m, "request2_reads", moves1, reads1),
        writes: keep(&m, "request2_writes", moves1, writes1),
        compares: keep(&m, "request2_compares", moves1, compares1),
        differs: keep(&m, "request2_differs", moves1, differs & payload1),
        payload_words: keep(&m, "request2_payload_words", moves1, packet_words.gated_by(payload1)),
        operand: keep(&m, "request2_operand", moves1, operand1),
        compare: keep(&m, "request2_compare", moves1, compare1),
        continues: message2.bits(s.queue_pair..message_bits),
        queue_pair: message2.low(s.queue_pair),
    };
    let (stream, tag) = (request2(STREAM), request2(TAG));

    m.section("Outputs");
    m.output("s_axis_request_tready", ready.value());
    m.output("packet_take", moves1 & payload1);
    m.output("req_valid", held2.value());
    m.output("req_net_id", request2(NET_ID));
    m.output("req_key", request2(KEY));
    m.output("req_pd", request2(PD));
    m.output("req_op", req_op);
    m.output("req_va", request2(VA));
    m.output("req_length", req_length);
    m.output("req_bound", request2(BOUND));
    m.output("req_stream", stream);
    m.output("req_tag", tag);
    m.comment("A cycle late; request2 still holds it, since it is taken only when empty.");
    m.output("asks", m.delay_reset("asked_now", moves2));
    m.output("pending_word", pending.pack(&m));
    let room = keep(&m, "request2_room", moves1, beats1);
    let asked = Asked { tag, stream, op: op2, payload_words: pending.payload_words, room };
    m.output("asked_word", asked.pack(&m));
    m.finish()
}

/// Reserved bits that are looked at together.
const RESERVED_AT_ONCE: u32 = 64;

const NET_ID: usize = 0;
const KEY: usize = 1;
const PD: usize = 2;
const STREAM: usize = 3;
const TAG: usize = 4;
const LENGTH: usize = 5;
const VA: usize = 6;
const BOUND: usize = 7;

/// Name, first byte in the word, and bits that are kept, of the fields above.
fn fields(s: &Shape) -> [(&'static str, u32, u32); 8] {
    let c = &s.config;
    [
        ("net_id", 0, c.net_id_bits),
        ("key", 20, 32),
        ("pd", 24, c.pd_bits),
        ("stream", 28, c.stream_bits),
        ("tag", 32, c.tag_bits),
        ("length", 36, 32),
        ("va", 40, 64),
        ("bound", 48, 32),
    ]
}

/// Room for read data, in beats, and for completions.
struct Room<'m> {
    beats: stagecoach_hdl::RegisterHandle<'m>,
    beats_back: Signal<'m>,
    completions: stagecoach_hdl::RegisterHandle<'m>,
    completion_back: Signal<'m>,
    /// There is room for any request. Right a cycle after the last was taken.
    enough: Signal<'m>,
}

impl<'m> Room<'m> {
    fn of(
        m: &'m ModuleBuilder,
        s: &Shape,
        read_gone: Signal<'m>,
        unused: Signal<'m>,
        unused_beats: Signal<'m>,
        completion_gone: Signal<'m>,
    ) -> Room<'m> {
        m.section("Room for the largest request's data, and a completion");
        let most = s.request_beats;
        let width = index_width(u64::from(s.read_room) + 1);
        let beats = m.register("read_room", width).reset_to(s.read_room);
        let places = index_width(u64::from(s.requests) + 1);
        let completions = m.register("completion_room", places).reset_to(s.requests);
        let back = unused_beats.gated_by(unused).zero_extend(s.read_beats() + 1)
            + read_gone.zero_extend(s.read_beats() + 1);
        let beats_back = m.delay_reset("read_room_back", back).zero_extend(width);
        let completion_back = m.delay_reset("completion_room_back", completion_gone);
        let enough = beats.value().at_least(m.constant(width, most)) & completions.value().any();
        let enough = enough.named("room_enough");
        Room { beats, beats_back, completions, completion_back, enough }
    }

    fn takes(&self, moves: Signal<'m>, needed: Signal<'m>) {
        let Room { beats, completions, .. } = self;
        let width = beats.value().width();
        let taken = needed.gated_by(moves).zero_extend(width);
        beats.next(beats.value() + self.beats_back - taken);
        completions.next(counted(completions.value(), self.completion_back, moves));
    }
}
