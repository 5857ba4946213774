//! Block `addresses`: the bursts of one direction, to a memory port's address channel.
//!
//! ```text
//!  burst ─▶ queue ─▶ front ─▶ address channel
//!                      └─ once more, if it is cut at 256 beats
//! ```

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, wire};

use super::registers::keep;
use super::shape::Shape;
use super::words::Burst;
use crate::stream_buffer;

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "processing_addresses",
        "Block addresses: bursts, to a memory port's address channel.",
    );
    let width: u32 = s.burst().iter().sum();
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", width);
    let ready = m.input("ready", 1);
    let queue =
        m.instance("bursts", &stream_buffer::describe("processing_bursts", width, 2 * s.outstanding)?);
    let take = m.wire("take", 1);
    queue.input("in_valid", in_valid).input("in_word", in_word).input("take", take);
    let front = Burst::unpack(queue.output("front_word"), &s.burst());

    m.section("head: the burst that goes out, and whether it is cut");
    let leaves = m.wire("leaves", 1);
    let head_valid = m.register("head_valid", 1).reset_to(0u32);
    wire!(loads_head = queue.output("front_valid") & (!head_valid.value() | leaves));
    head_valid.next(loads_head | (head_valid.value() & !leaves));
    take.drive(loads_head);
    let burst = front.hold(&m, "head", loads_head);

    m.section("The channel");
    let valid = m.register("valid_now", 1).reset_to(0u32);
    wire!(loads = head_valid.value() & (!valid.value() | ready));
    valid.next(loads | (valid.value() & !ready));
    let (first, length) = if s.cuts_bursts() {
        let second = m.register("second", 1).reset_to(0u32).enabled_by(loads);
        let ends = front.first.low(8).zero_extend(s.beat + 1) + front.beats.zero_extend(s.beat + 1);
        let crosses = ends.bits(8..s.beat + 1).any() & !front.first.bit(8);
        let crosses = keep(&m, "head_crosses", loads_head, crosses);
        let rest = keep(&m, "head_rest", loads_head, ends.low(8));
        let cut = crosses & !second.value();
        leaves.drive(loads & !cut);
        second.next(cut);
        let upper = m.constant(s.frame_beat(), 256u32);
        let first = second.value().select(upper, burst.first);
        let room = burst.first.low(8);
        m.unused(burst.beats.bits(8..s.beat));
        (first, cut.select(!room, second.value().select(rest, burst.beats.low(8))))
    } else {
        leaves.drive(loads);
        let most = s.beat.min(8);
        (burst.first, burst.beats.low(most).zero_extend(8))
    };
    let address = m.concat(&[burst.frame, first, m.zero(s.lane)]);
    m.output("valid", valid.value());
    m.output("address", keep(&m, "address_now", loads, address));
    m.output("length", keep(&m, "length_now", loads, length));
    let id = m.concat(&[m.zero(s.id - s.slot - 1), burst.id]);
    m.output("id", keep(&m, "id_now", loads, id));
    m.output("user", keep(&m, "user_now", loads, burst.table));
    m.finish()
}
