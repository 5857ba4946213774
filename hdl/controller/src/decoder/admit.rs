//! Block `admit`: what becomes of a frame, now that its fields and its queue pair are known.
//!
//! ```text
//!  fields ─┐            admit1 ───▶ admit2 ──────▶ admit3 ──▶ admit4 ───▶ admit5 ─▶ admit6 ─▶ request, cargo
//!  found ──┴▶ waits? ─▶ peer's      packets from   its        ends        where?    in its
//!                 │     chunks      the first on   place      where?                place?
//!                 └───▶ message_memory ──▲                                           └──▶ message_memory
//! ```
//!
//! The sequence number of a later packet of a write tells where its bytes belong in the message, so that a packet that comes
//! twice lands on itself, and one that comes early lands where it would have. A message is open from its first packet to its
//! last, or until its queue pair is asked anything else. Only a later packet reads what is open, so only it waits for frames
//! of its queue pair that are under way here.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, index_width, wire};
use stagecoach_spec::registers::Register;

use super::shape::{BYTES, FRAMES, Shape};
use super::words::{Admitted, Cargo, Fields, Found, Message};
use crate::chunks;
use crate::processing::registers::late;

/// Stages behind the one in which a frame waits.
const STAGES: usize = 6;
/// Bits of a place in a message, and one more.
const PLACE: u32 = 37;
/// Bits of a peer's address that are compared together.
const CHUNK: u32 = 8;
/// Smallest packet that is not a message's last, as a power of two.
const LEAST_PACKET: u32 = 8;

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "decoder_admit",
        "Block admit: what becomes of a frame, now that its fields and its queue pair are known.",
    );
    let fields_valid = m.input("fields_valid", 1);
    let fields = m.input("fields_word", d.fields().iter().sum());
    let found_valid = m.input("found_valid", 1);
    let found = m.input("found_word", d.found().iter().sum());
    let request_gone = m.input("request_gone", 1);
    let host_writes = m.input("message_write", 1).doc("until message_written");
    let host_place = m.input("message_place", d.queue_pair);
    let host_word = m.input("message_written_word", d.message().iter().sum());

    m.section("Room for requests behind this block");
    let places = index_width(u64::from(FRAMES) + 1);
    let goes = m.wire("goes", 1);
    let dropped = m.wire("dropped", 1);
    let room = m.register("request_room", places).reset_to(FRAMES);
    let back = m.delay_reset("request_gone_late", request_gone).zero_extend(places)
        + m.delay_reset("dropped_late", dropped).zero_extend(places);
    room.next(room.value() + back - goes.zero_extend(places));
    let has_room = m.delay_reset("has_room", room.value().bits(1..places).any());

    m.section("Whether it waits: at most one frame in two cycles, so that what is under way is known");
    let front = Fields::unpack(fields, &d.fields());
    let pair = Found::unpack(found, &d.found());
    let later = m.wire("front_continues", 1);
    later.drive(front.middle | front.last);
    let mut valid = vec![goes];
    let mut pairs = vec![pair.queue_pair];
    for stage in 1..=STAGES {
        valid.push(m.delay_reset(&format!("admit{stage}_valid"), valid[stage - 1]));
        pairs.push(m.delay(&format!("admit{stage}_queue_pair"), pairs[stage - 1]));
    }
    let busy: Vec<_> =
        (1..=STAGES).map(|stage| valid[stage] & pairs[stage].equals(pair.queue_pair)).collect();
    wire!(waits = later & m.concat(&busy).any());
    goes.drive(fields_valid & found_valid & has_room & !waits & !valid[1]);
    m.combinational_path("fields_valid", "take");
    m.combinational_path("fields_word", "take");
    m.combinational_path("found_valid", "take");
    m.combinational_path("found_word", "take");

    m.section("admit1, admit2: the peer, and the open message");
    let memory = m.memory("message_memory", host_word.width(), 1 << d.queue_pair).output_register();
    let message2 = Message::unpack(memory.read("admit2_message", pair.queue_pair), &d.message());
    let host_message = memory.read("host_message", host_place);
    let same1 = m.delay("admit1_same_peer", chunks::equal(&m, pair.peer, front.peer, CHUNK));
    let same2 = m.delay("admit2_same_peer", same1.all());
    let front_kinds =
        [front.first, front.middle, front.last, front.only, front.reads, front.swaps, front.adds];
    let kinds2 = late(&m, "admit_kinds", m.concat(&front_kinds), 2);
    let psn2 = late(&m, "admit_psn", front.psn, 2);
    let payload2 = late(&m, "admit_payload", front.payload, 2);

    m.section("admit2: how many packets from the first on");
    let distance3 = m.delay("admit3_distance", psn2 - message2.first_psn);
    let payload3 = m.delay("admit3_payload", payload2);
    let packet3 = m.delay("admit3_packet", message2.packet);

    m.section("admit3: their bytes");
    let packets = distance3.zero_extend(PLACE - LEAST_PACKET).shift_left(packet3);
    let place4 = m.delay("admit4_place", m.concat(&[packets, m.zero(LEAST_PACKET)]));
    let later4 = m.delay("admit4_is_later", distance3.any());
    let full = (0..=4).map(|size| packet3.is(size) & payload3.is(1u32 << (LEAST_PACKET + size)));
    let fills4 = m.delay("admit4_fills", full.reduce(|a, b| a | b).expect("five sizes"));
    let most: Vec<_> =
        (0..8).map(|size: u32| m.constant(BYTES, 1u32 << (LEAST_PACKET + size.min(4)))).collect();
    let fits4 = m.delay("admit4_fits", payload3.at_most(packet3.choose(&most)));
    let payload4 = m.delay("admit4_payload", payload3);
    let message_va4 = late(&m, "admit_message_va", message2.va, 2);
    let open4 = late(&m, "admit_message_open", message2.open, 2);

    m.section("admit4: where it ends in the message, and where it lies in memory");
    let end5 = m.delay("admit5_end", place4 + payload4.zero_extend(PLACE));
    let va5 = m.delay("admit5_va", message_va4 + place4.zero_extend(64));
    let length5 = late(&m, "admit_message_length", message2.length, 3);
    let candidate5 = m.delay("admit5_candidate", open4 & later4);
    let (fills5, fits5) = (m.delay("admit5_fills", fills4), m.delay("admit5_fits", fits4));

    m.section("admit5: whether it has a place there");
    let kinds5 = late(&m, "admit_kinds_behind", kinds2, 3);
    let length = length5.zero_extend(PLACE);
    let has_place =
        kind(kinds5, 1) & fills5 & end5.less_than(length) | kind(kinds5, 2) & fits5 & end5.equals(length);
    let has_place6 = m.delay("admit6_has_place", candidate5 & has_place);
    let va6 = m.delay("admit6_later_va", va5);
    let key6 = late(&m, "admit_message_key", message2.key, 4);

    m.section("admit6: what becomes of it");
    let kinds6 = m.delay("admit6_kinds", kinds5);
    let (first, middle, last) = (kind(kinds6, 0), kind(kinds6, 1), kind(kinds6, 2));
    let (only, reads) = (kind(kinds6, 3), kind(kinds6, 4));
    let (swaps, adds) = (kind(kinds6, 5), kind(kinds6, 6));
    let here = valid[STAGES];
    let later = middle | last;
    let malformed = behind(&m, "malformed", front.malformed);
    let other = behind(&m, "other", front.other);
    let decoded = (!(malformed | other)).named("decoded");
    let known = behind(&m, "known", pair.known);
    let same6 = late(&m, "admit_same_peer_after", same2, 4);
    wire!(accepted = here & decoded & known & same6 & (!later | has_place6));
    dropped.drive(here & !accepted);
    let reasons = [
        accepted,
        here & malformed,
        here & other,
        here & decoded & !known,
        here & decoded & known & !same6,
        here & decoded & known & same6 & later & !has_place6,
    ];
    for (register, happened) in Register::FRAME_COUNTS.into_iter().zip(reasons) {
        let name = register.description().name;
        let count = m.register(name, 32).reset_to(0u32);
        let now = m.delay_reset(&format!("{name}_now"), happened);
        count.next(count.value() + now.zero_extend(32));
        m.output(&format!("{name}_count"), count.value());
    }

    m.section("What is open from now on");
    let payload6 = behind(&m, "payload", front.payload);
    let sizes: Vec<_> = (0..=4).map(|size| payload6.bit(LEAST_PACKET + size)).collect();
    let packet = m.concat(&sizes.into_iter().rev().collect::<Vec<_>>()).one_hot_index().zero_extend(3);
    let (va, key) = (behind(&m, "va", front.va), behind(&m, "key", front.key));
    let (length, psn) = (behind(&m, "length", front.length), behind(&m, "psn", front.psn));
    let opened = Message { open: m.bit(true), packet, first_psn: psn, length, key, va };
    let opened = opened.pack(&m).gated_by(first);
    wire!(writes = accepted & !middle);
    memory.write(
        writes | host_writes,
        writes.select(pairs[STAGES], host_place),
        writes.select(opened, host_word),
    );
    m.output("message_written", m.delay_reset("message_written_now", host_writes & !writes));
    m.output("host_message_word", host_message);
    m.port_doc("host_message_word", "of message_place, two cycles later");

    m.section("The request, and what is done with the frame's beats");
    let allows = behind(&m, "allows", pair.allows);
    let writes_memory = first | later | only;
    let atomic = swaps | adds;
    let taken = reads & allows.bit(0) | writes_memory & allows.bit(1) | atomic & allows.bit(2);
    let own = payload6.zero_extend(32);
    let eight = m.constant(32, 8u32);
    let opcode = behind(&m, "opcode", front.opcode);
    let bytes = atomic.select(eight, (first | later).select(own, length));
    let admitted = Admitted {
        reads,
        writes: writes_memory,
        swaps,
        adds,
        refused: !taken,
        continues: later,
        queue_pair: pairs[STAGES],
        net_id: behind(&m, "net_id", front.net_id),
        pd: behind(&m, "pd", pair.pd),
        qpn: behind(&m, "qpn", front.qpn),
        opcode,
        psn,
        key: later.select(key6, key),
        va: later.select(va6, va),
        length: bytes,
        bound: first.select(length, bytes),
        operand: behind(&m, "operand", front.operand),
        compare: behind(&m, "compare", front.compare),
    };
    let carries = accepted & writes_memory & (!only | length.any());
    let cargo = Cargo {
        carries,
        payload: payload6,
        place: behind(&m, "place", front.place),
        beats: behind(&m, "beats", front.beats),
    };
    m.output("take", goes);
    m.output("request_valid", accepted);
    m.output("request_word", admitted.pack(&m));
    m.output("cargo_valid", here);
    m.output("cargo_word", cargo.pack(&m));
    m.finish()
}

/// Whether a frame is of a kind: the place in [`describe`]'s list of them.
fn kind(kinds: Signal<'_>, at: u32) -> Signal<'_> {
    kinds.bit(kinds.width() - 1 - at)
}

/// What stood in front, in the last stage.
fn behind<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>) -> Signal<'m> {
    late(m, &format!("admit_{name}_after"), value, STAGES as u32)
}
