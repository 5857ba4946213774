//! Block `payload`: buffers the packets of payload whole, so that a request is asked only when its bytes are here, and no
//! fence waits for a client.
//!
//! ```text
//!  s_axis_payload ─▶ beat ─▶ count ─▶ memory, a ring of beats ─▶ read word ─▶ block write
//!                              └────▶ packets: beats, bytes ───▶ block intake
//! ```
//!
//! A packet that is longer than the longest request is consumed to its end, and its end is not kept; a packet whose `tkeep`
//! has holes counts as of no length that a request can have. Both differ from what any request says.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, index_width, wire};

use super::filled;
use super::shape::Shape;
use crate::credits::counted;
use crate::stream_buffer;

/// Cycles from an address to its word.
pub(crate) const READ_CYCLES: u32 = 2;

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("processing_payload", "Block payload: buffers the packets of payload whole.");
    let valid = m.input("s_axis_payload_tvalid", 1);
    let data = m.input("s_axis_payload_tdata", s.data);
    let keep = m.input("s_axis_payload_tkeep", s.bytes);
    let last = m.input("s_axis_payload_tlast", 1);
    let packet_take = m.input("packet_take", 1);
    let over = m.input("over", 1).doc("a request is over; its words are free");
    let over_words = m.input("over_words", s.payload_words());
    let read_place = m.input("read_place", s.payload_place);

    m.section("Room: beats of the ring, and packets");
    let ready = m.register("takes_beats", 1).reset_to(0u32);
    wire!(takes = valid & ready.value());
    let stores = m.wire("stores", 1);
    let ends = m.wire("ends", 1);
    let room = m.register("room", s.payload_place + 1).reset_to(s.payload_room);
    let freed = over_words.gated_by(over).zero_extend(s.payload_place + 1);
    let late_freed = m.delay_reset("late_freed", freed);
    let used = stores.zero_extend(s.payload_place + 1);
    room.next(room.value() + late_freed - used);
    let places = index_width(u64::from(s.requests) + 1);
    let packets = m.register("packets_free", places).reset_to(s.requests);
    let gone = m.delay_reset("packet_gone", packet_take);
    packets.next(counted(packets.value(), gone, ends));
    m.comment("Four beats and packets may be on their way when this is seen to be low.");
    wire!(room_left = room.value().bits(3..s.payload_place + 1).any());
    wire!(packets_left = packets.value().bits(3..places).any());
    ready.next(room_left & packets_left);

    m.section("beat: how much of it is filled, by eight lanes");
    let beat_valid = m.delay_reset("beat_valid", takes);
    let beat_data = m.delay("beat_data", data);
    let beat_last = m.delay("beat_last", last);
    let counts = filled::counts(&m, s, keep);
    m.comment("Filled from the lowest lane on, without holes.");
    let holes = m.delay("beat_holes", filled::has_holes(s, keep));
    let beat_full = m.delay("beat_full", keep.all());

    m.section("count: the packet so far");
    let sum = filled::sum(s, &counts);
    let bytes_width = s.payload_words() + s.lane;
    let so_far = m.register("bytes_so_far", bytes_width).reset_to(0u32).enabled_by(beat_valid);
    let words = m.register("words_so_far", s.payload_words()).reset_to(0u32).enabled_by(beat_valid);
    let wrong = m.register("wrong_so_far", 1).reset_to(0u32).enabled_by(beat_valid);
    let longest = m.register("longest_so_far", 1).reset_to(0u32).enabled_by(beat_valid);
    let too_long = longest.value();
    wire!(bytes_now = so_far.value() + sum.zero_extend(bytes_width));
    wire!(words_now = words.value() + (!too_long).zero_extend(s.payload_words()));
    wire!(wrong_now = wrong.value() | too_long | holes | !(beat_full | beat_last));
    so_far.next(bytes_now.gated_by(!beat_last));
    words.next(words_now.gated_by(!beat_last));
    wrong.next(wrong_now & !beat_last);
    longest.next(words_now.is(s.request_beats) & !beat_last);
    stores.drive(beat_valid & !too_long);
    ends.drive(beat_valid & beat_last);

    m.section("The ring");
    let place = m.register("write_place", s.payload_place).reset_to(0u32).enabled_by(stores);
    place.next(place.value().plus(1u32));
    let memory = m.memory("payload_memory", s.data, s.payload_room).output_register();
    memory.write(stores, place.value(), beat_data);
    let read_word = memory.read("read_word_now", read_place);

    m.section("Packets");
    let packet = m.concat(&[wrong_now, bytes_now, words_now]);
    let ended = m.delay_reset("packet_ended", ends);
    let ended_packet = m.delay("packet_ended_word", packet);
    let queue = m.instance(
        "packets",
        &stream_buffer::describe("processing_packets", 1 + bytes_width + s.payload_words(), s.requests)?,
    );
    queue.input("in_valid", ended).input("in_word", ended_packet).input("take", packet_take);
    let front = queue.output("front_word");
    m.output("s_axis_payload_tready", ready.value());
    m.output("packet_valid", queue.output("front_valid"));
    m.output("packet_words", front.low(s.payload_words()));
    m.output("packet_bytes", front.bits(s.payload_words()..s.payload_words() + bytes_width));
    m.output("packet_wrong", front.bit(s.payload_words() + bytes_width));
    m.output("read_word", read_word);
    m.finish()
}
