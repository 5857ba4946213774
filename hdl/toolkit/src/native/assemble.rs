//! Slices, concatenations and reductions, limb by limb.

use super::graph::{Value, ValueId};
use super::lanes;
use super::layout::limbs_of;
use super::program::Op;
use super::storage::{Lowering, spare};
use crate::netlist::{Binary, Unary};

/// Bits `low .. low + width` of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    of: ValueId,
    low: u32,
    width: u32,
}

impl Lowering<'_> {
    /// What a slice or concatenation is put together from, least significant first.
    pub(super) fn segments(&self, id: ValueId) -> Vec<Segment> {
        match self.graph.value(id) {
            Value::Concat(parts) => parts.iter().rev().map(|part| self.segment(*part)).collect(),
            _ => vec![self.segment(id)],
        }
    }

    fn segment(&self, id: ValueId) -> Segment {
        let width = self.graph.width(id);
        match *self.graph.value(id) {
            Value::Slice(of, low) => Segment { of, low, width },
            _ => Segment { of: id, low: 0, width },
        }
    }

    /// Puts segments side by side into `dst`. Limbs that only get zeros are never written: they start as zero.
    pub(super) fn assemble(&mut self, segments: &[Segment], dst: u32) {
        let total: u32 = segments.iter().map(|segment| segment.width).sum();
        let mut written = vec![false; limbs_of(total)];
        let mut position = 0;
        let mut remaining = segments;
        while let [segment, rest @ ..] = remaining {
            let start = position;
            if let Some(count) = self.assemble_lanes(remaining, dst, start, &mut written) {
                position += count as u32;
                remaining = &remaining[count..];
                continue;
            }
            position += segment.width;
            remaining = rest;
            if self.graph.as_constant(segment.of).is_some_and(|value| value.bits() == 0) {
                continue;
            }
            if self.assemble_equal(segment, dst, start, &mut written) {
                continue;
            }
            self.assemble_segment(*segment, dst, start, &mut written);
        }
    }

    fn assemble_segment(&mut self, segment: Segment, dst: u32, mut to: u32, written: &mut [bool]) {
        let src = self.at(segment.of);
        let (mut from, end) = (segment.low, segment.low + segment.width);
        let ends_clean = end == self.graph.width(segment.of);
        while from < end {
            let limb = (to / 64) as usize;
            let whole = if ends_clean { (end - from).div_ceil(64) } else { (end - from) / 64 };
            if to.is_multiple_of(64) && from.is_multiple_of(64) && whole > 1 {
                self.ops.push(Op::Copy { dst: dst + to / 64, src: src + from / 64, limbs: whole });
                written[limb..limb + whole as usize].fill(true);
                let bits = (whole * 64).min(end - from);
                to += bits;
                from += bits;
                continue;
            }
            let bits = (end - from).min(64 - from % 64).min(64 - to % 64);
            let (right, left, spare) = ((from % 64) as u8, (to % 64) as u8, spare(bits));
            let (dst, src) = (dst + to / 64, src + from / 64);
            self.ops.push(if std::mem::replace(&mut written[limb], true) {
                Op::PutMore { dst, src, right, spare, left }
            } else {
                Op::Put { dst, src, right, spare, left }
            });
            to += bits;
            from += bits;
        }
    }

    /// A comparison that only this concatenation uses goes straight to its bit.
    fn assemble_equal(&mut self, segment: &Segment, dst: u32, to: u32, written: &mut [bool]) -> bool {
        let Value::Binary(Binary::Equal, a, b) = *self.graph.value(segment.of) else { return false };
        if self.uses[segment.of.index()] != 1 {
            return false;
        }
        let (limbs, spare) = (self.limbs_at(a), self.spare(a));
        let more = std::mem::replace(&mut written[(to / 64) as usize], true);
        let (dst, left) = (dst + to / 64, (to % 64) as u8);
        let op = if limbs > 1 {
            let (a, b) = (self.loose(a), self.loose(b));
            if more {
                Op::PutEqualWideMore { dst, a, b, limbs, spare, left }
            } else {
                Op::PutEqualWide { dst, a, b, limbs, spare, left }
            }
        } else {
            let ((a, a_low), (b, b_low)) = (self.bits(a), self.bits(b));
            if more {
                Op::PutEqualMore { dst, a, b, a_low, b_low, spare, left }
            } else {
                Op::PutEqual { dst, a, b, a_low, b_low, spare, left }
            }
        };
        self.ops.push(op);
        true
    }

    /// Comparisons of adjacent lanes of two limbs whose results stand side by side, done as one. Returns how
    /// many segments that are.
    fn assemble_lanes(
        &mut self,
        segments: &[Segment],
        dst: u32,
        to: u32,
        written: &mut [bool],
    ) -> Option<usize> {
        let (a, b) = self.as_lane(segments.first()?)?;
        let (next, _) = self.as_lane(segments.get(1)?)?;
        let reversed = next.low < a.low;
        let follows = |number: usize, lane: Segment, first: Segment| {
            let distance = number as u32 * first.width;
            let low = if reversed { first.low.checked_sub(distance) } else { Some(first.low + distance) };
            lane.of == first.of && lane.width == first.width && Some(lane.low) == low
        };
        let mut count = 1;
        while let Some((left, right)) = segments.get(count).and_then(|segment| self.as_lane(segment))
            && follows(count, left, a)
            && follows(count, right, b)
            && left.low / 64 == a.low / 64
            && to % 64 + count as u32 <= 63
            && count < 32
        {
            count += 1;
        }
        // As many as can be gathered at once.
        let (low, constants) = loop {
            if count < 2 {
                return None;
            }
            let low = if reversed { a.low - (count as u32 - 1) * a.width } else { a.low } % 64;
            match lanes::constants(low, a.width, count as u32, reversed) {
                Some(constants) => break (low, constants),
                None => count -= 1,
            }
        };
        let shift = (low + a.width - 1) as u8;
        let (a, b) = (self.at(a.of) + a.low / 64, self.at(b.of) + b.low / 64);
        let (lanes, left) = (self.block(constants), (to % 64) as u8);
        let more = std::mem::replace(&mut written[(to / 64) as usize], true);
        let dst = dst + to / 64;
        let done = count;
        let count = count as u8;
        self.ops.push(if more {
            Op::PutLanesMore { dst, a, b, lanes, shift, count, left }
        } else {
            Op::PutLanes { dst, a, b, lanes, shift, count, left }
        });
        Some(done)
    }

    /// A comparison, used by this concatenation only, of bits at the same place of two limbs.
    fn as_lane(&self, segment: &Segment) -> Option<(Segment, Segment)> {
        let Value::Binary(Binary::Equal, a, b) = *self.graph.value(segment.of) else { return None };
        let (a, b) = (self.segment(a), self.segment(b));
        let same_place = a.low % 64 == b.low % 64 && a.low % 64 + a.width <= 64;
        (self.uses[segment.of.index()] == 1 && same_place).then_some((a, b))
    }

    /// Reduces `a` to one bit. Slices and concatenations that nothing else uses are not put together first:
    /// each limb of what they consist of is tested with a mask.
    pub(super) fn reduce(&mut self, operator: Unary, a: ValueId, dst: u32) {
        let fused = match self.graph.value(a) {
            Value::Slice(..) => self.root(a).0 == a,
            Value::Concat(_) => self.uses[a.index()] <= 1,
            _ => false,
        };
        if !fused {
            return self.reduce_whole(operator, a, dst);
        }
        let mut groups: Vec<(ValueId, u32, u64)> = Vec::new();
        for segment in self.segments(a) {
            let (mut from, end) = (segment.low, segment.low + segment.width);
            while from < end {
                let bits = (end - from).min(64 - from % 64);
                let (limb, mask) = (from / 64, (u64::MAX >> spare(bits)) << (from % 64));
                match groups.iter_mut().find(|(of, at, _)| (*of, *at) == (segment.of, limb)) {
                    // A bit that stands there twice does not change the parity.
                    Some((_, _, known)) if operator == Unary::ReduceXor => *known ^= mask,
                    Some((_, _, known)) => *known |= mask,
                    None => groups.push((segment.of, limb, mask)),
                }
                from += bits;
            }
        }
        for (number, (of, limb, mask)) in groups.into_iter().enumerate() {
            let (a, mask) = (self.at(of) + limb, self.limb(mask));
            self.ops.push(match (operator, number) {
                (Unary::ReduceAnd, 0) => Op::AllOf { dst, a, mask },
                (Unary::ReduceAnd, _) => Op::AllMore { dst, a, mask },
                (Unary::ReduceXor, 0) => Op::ParityOf { dst, a, mask },
                (Unary::ReduceXor, _) => Op::ParityMore { dst, a, mask },
                (_, 0) => Op::AnyOf { dst, a, mask },
                (_, _) => Op::AnyMore { dst, a, mask },
            });
        }
    }

    fn reduce_whole(&mut self, operator: Unary, a: ValueId, dst: u32) {
        let (limbs, spare) = (self.limbs_at(a), self.spare(a));
        let a = self.at(a);
        if limbs > 1 {
            self.ops.push(match operator {
                Unary::ReduceAnd => Op::AllWide { dst, a, limbs, spare },
                Unary::ReduceXor => Op::ParityWide { dst, a, limbs },
                _ => Op::AnyWide { dst, a, limbs },
            });
            return;
        }
        let mask = self.limb(u64::MAX >> spare);
        self.ops.push(match operator {
            Unary::ReduceAnd => Op::AllOf { dst, a, mask },
            Unary::ReduceXor => Op::ParityOf { dst, a, mask },
            _ => Op::AnyOf { dst, a, mask },
        });
    }
}
