//! Block `prepare`, beside `binding`: works out what depends on the request alone, in the cycles that the CAM needs
//! anyway.
//!
//! end = va + bound (65 bits, in two halves of 32 and 33), whether it wraps beyond 2^64, whether any packet can mean
//! the request, whether it means no byte at all, the length less one (the last byte, counted from the first).

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Op;

use crate::bundles::{Access, Asked, delay_bundle};
use crate::codes::{code, is};
use crate::widths::{Widths, fit};

/// Bits of the lower half of an address: the carry chain is cut there.
pub const HALF: u32 = 32;
/// Cycles that the block itself needs; the rest of `binding`'s latency is delay.
const OWN_CYCLES: u32 = 3;

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_prepare",
        "Block prepare, beside stage binding: what depends on the request alone.\n\
         end = va + bound; whether a packet can mean the request; whether it means no byte.",
    );
    let asked = Asked::inputs(&m, "in", &w.asked());

    m.section("Cycle 1: lower half of va + bound; the request's own contradictions");
    // The largest bound is InfiniBand's largest message, 2^31.
    let low_sum = asked.va.low(HALF).add_carry(asked.bound);
    let prepare1_low_end = m.delay("prepare1_low_end", low_sum);
    // The upper half if there is a carry: chosen then, not added.
    let one = m.constant(HALF, 1u32);
    let prepare1_high_next = m.delay("prepare1_high_next", asked.va.high(HALF).add_carry(one));
    let prepare1_bad_op = m.delay("prepare1_bad_op", asked.op.greater_than(code(&m, Op::LocalWrite)));
    let prepare1_too_long = m.delay("prepare1_too_long", too_long(w, asked.length));
    wire!(less_one = asked.length - m.constant(w.length, 1u32));
    m.unused(less_one.bits(w.last_byte().min(w.length)..w.length));
    let prepare1_last_byte = m.delay("prepare1_last_byte", fit(less_one, w.last_byte()));
    let prepare1_no_bytes = m.delay("prepare1_no_bytes", !asked.length.any());
    let eight = m.constant(w.length, 8u32);
    let prepare1_not_eight = m.delay("prepare1_not_eight", asked.length.differs(eight));
    // The bound in parts: as wide as a length, the bits above, and the top bit.
    let low = w.length.min(32);
    let bound_less_length =
        asked.bound.low(low).zero_extend(low + 1) - fit(asked.length, low).zero_extend(low + 1);
    let bound_less_length = bound_less_length.named("bound_less_length");
    m.unused(bound_less_length.low(low));
    let prepare1_less = m.delay("prepare1_less", bound_less_length.bit(low));
    let prepare1_low_bound = m.delay("prepare1_low_bound", asked.bound.low(low.min(31)).any());
    let above: Vec<_> =
        (low.min(31)..31).step_by(8).map(|from| asked.bound.bits(from..(from + 8).min(31)).any()).collect();
    let prepare1_high_bound = m.delay("prepare1_high_bound", m.concat(&above));
    let prepare1_top_bound = m.delay("prepare1_top_bound", asked.bound.bit(31));
    let prepare1 = Kept::of(&asked).delay(&m, "prepare1");

    m.section("Cycle 2: upper half");
    let carry = prepare1_low_end.bit(HALF);
    let high_sum = carry.select(prepare1_high_next, prepare1.va.high(HALF).zero_extend(HALF + 1));
    let prepare2_end = m.delay("prepare2_end", m.concat(&[high_sum, prepare1_low_end.low(HALF)]));
    wire!(high_bound = prepare1_high_bound.any());
    wire!(low_or_high = prepare1_low_bound | high_bound);
    let prepare1_large_bound = prepare1_top_bound & low_or_high;
    let prepare1_no_bound = !prepare1_top_bound & !low_or_high;
    let above = if low == 32 { m.bit(false) } else { high_bound | prepare1_top_bound };
    let prepare1_short_bound = prepare1_less & !above;
    let bad_length = prepare1_too_long | prepare1_short_bound | prepare1_large_bound;
    let prepare2_invalid = m.delay("prepare2_invalid", bad_length | prepare1_bad_op);
    let is_atomic = is(prepare1.op, Op::RemoteAtomic);
    let prepare2_unchecked = m.delay("prepare2_unchecked", prepare1_no_bound & !is_atomic);
    let prepare2_last_byte = m.delay("prepare2_last_byte", prepare1_last_byte);
    let prepare2_no_bytes = m.delay("prepare2_no_bytes", prepare1_no_bytes);
    let prepare2_odd_atomic = m.delay("prepare2_odd_atomic", prepare1_not_eight & is_atomic);
    let prepare2 = prepare1.delay(&m, "prepare2");

    m.section("Cycle 3: an end of exactly 2^64 is none beyond it, so which parts of it are not zero");
    let parts: Vec<_> = (0..8).rev().map(|part| prepare2_end.bits(8 * part..8 * part + 8).any()).collect();
    let access = Access {
        tag: prepare2.tag,
        stream: prepare2.stream,
        pd: prepare2.pd,
        op: prepare2.op,
        key: prepare2.key,
        va: prepare2.va,
        end: prepare2_end,
        end_parts: m.concat(&parts),
        last_byte: prepare2_last_byte,
        no_bytes: prepare2_no_bytes,
        odd_atomic: prepare2_odd_atomic,
        invalid: prepare2_invalid,
        unchecked: prepare2_unchecked,
    };
    let prepare3 = access.delay(&m, "prepare3");

    m.section("Until binding is done");
    let rest = w.cycles("binding") - OWN_CYCLES;
    delay_bundle(&m, "prepare", prepare3, OWN_CYCLES + 1, rest).outputs(&m, "out");
    m.finish()
}

/// length > max_request_bytes, a power of two as wide as the field: the top bit and some other.
fn too_long<'m>(w: &Widths, length: Signal<'m>) -> Signal<'m> {
    length.bit(w.length - 1) & length.low(w.length - 1).any()
}

stagecoach_hdl::bundle! {
    /// The fields that go on beyond the first cycle.
    pub struct Kept {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// Handed through.
        pd,
        /// Handed through.
        op,
        /// Handed through.
        key,
        /// Handed through.
        va,
    }
}

impl<'m> Kept<'m> {
    fn of(asked: &Asked<'m>) -> Kept<'m> {
        let Asked { tag, stream, pd, op, key, va, .. } = *asked;
        Kept { tag, stream, pd, op, key, va }
    }
}
