//! Block `icrc`: whether a frame's invariant CRC is the one of its bytes.
//!
//! ```text
//!  beat ─▶ masked ─▶ slices: sums of 32 bits ─▶ sum ─▶ state ◀┐ ─▶ as expected? ─▶ wrong
//!          fields that change on the way            32 bits └─┘
//! ```
//!
//! The ICRC (InfiniBand 1.4, A17.3.3) is Ethernet's CRC-32 over eight bytes of ones and the frame from IP's header on, with ones
//! in place of what routers change. A CRC is linear, so a beat's part of it is a sum of its bits, and the bits of the state move on
//! by a constant matrix. A frame's bytes before IP count as zeros, but the last four as ones: together with a state of zeros that is
//! the same as eight bytes of ones and a state of ones. With its ICRC behind it, every right frame leaves the same state; how many
//! zeros fill up its last beat says which.

use std::sync::Arc;

use stagecoach_hdl::{BigUint, DesignErrors, Module, ModuleBuilder, Signal, wire};

use super::shape::Shape;

/// Ethernet's polynomial, the lowest bit first.
const POLYNOMIAL: u32 = 0xedb8_8320;
/// The state behind a CRC that is right.
const RIGHT: u32 = 0xdebb_20e3;
/// Bits of a beat that are summed before the first register: half of them count, which is two levels of LUTs.
const SLICE: u32 = 32;
/// Cycles from a frame's last beat to `wrong`.
pub(crate) const CYCLES: u32 = 5;

/// What is known of a frame's headers at a beat.
struct Kind<'m> {
    /// It has a VLAN tag.
    tagged: Signal<'m>,
    /// It is IPv6.
    is6: Signal<'m>,
}

/// What becomes of a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mask {
    Keep,
    Zeros,
    Ones,
    /// The traffic class's upper half, beside IPv6's version.
    LowOnes,
}

impl Mask {
    /// Of the byte at `place` in a frame.
    fn of(place: u32, tagged: bool, is6: bool) -> Mask {
        let ip = if tagged { 18 } else { 14 };
        let (changing, udp): (&[u32], u32) = match is6 {
            // Type of service, time to live, checksum.
            false => (&[1, 8, 10, 11], 20),
            // Traffic class, flow label, hop limit.
            true => (&[1, 2, 3, 7], 40),
        };
        // UDP's checksum, and what BTH keeps for congestion.
        let behind = [udp + 6, udp + 7, udp + 8 + 4];
        match place.checked_sub(ip) {
            None if place + 4 >= ip => Mask::Ones,
            None => Mask::Zeros,
            Some(0) if is6 => Mask::LowOnes,
            Some(at) if changing.contains(&at) || behind.contains(&at) => Mask::Ones,
            Some(_) => Mask::Keep,
        }
    }
}

/// Bytes from which on nothing is masked.
const MASKED: u32 = 18 + 40 + 8 + 5;

/// Describes the block.
pub fn describe(d: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "decoder_icrc",
        &format!(
            "Block icrc: whether a frame's invariant CRC is the one of its bytes.\nwrong says so {CYCLES} cycles after the last beat."
        ),
    );
    let s = &d.unit;
    let valid = m.input("beat_valid", 1);
    let data = m.input("beat_data", s.data).doc("zeros behind the frame's last byte");
    let bytes = m.input("beat_bytes", s.lane + 1).doc("of a last beat");
    let beat = m.input("beat", d.beats).doc("its number");
    let here = |number: u32| beat.is(number);

    m.section("What the headers are, as far as this beat tells");
    let kind = kind(&m, s.bytes, valid, data, &here);

    m.section("icrc1: masked");
    let masked = masked(s.bytes, data, &kind, &here);
    let masked1 = m.delay("icrc1_masked", m.concat(&masked));
    let first = here(0);
    let (valid, first3) = (delayed(&m, "valid", valid, 3, true), delayed(&m, "first", first, 3, false));

    m.section("icrc2, icrc3: what the beat adds");
    let columns = columns(s.bytes);
    let slices: Vec<_> = (0..s.data)
        .step_by(SLICE as usize)
        .map(|low| {
            let slice = masked1.bits(low..low + SLICE);
            let of_slice = &columns[low as usize..(low + SLICE) as usize];
            m.delay(&format!("icrc2_slice{}", low / SLICE), product(&m, slice, of_slice))
        })
        .collect();
    let added3 = slices.into_iter().reduce(|a, b| a ^ b).expect("a beat has a slice");
    let added3 = m.delay("icrc3_added", added3);

    m.section("icrc4: the state");
    let state = m.register("icrc4_state", 32).enabled_by(valid);
    let rows: Vec<u32> = (0..32).map(|bit| zeros(1 << bit, s.bytes)).collect();
    state.next(added3 ^ product(&m, state.value(), &rows).gated_by(!first3));

    m.section("icrc5: is it the right one?");
    wire!(place = bytes.low(s.lane));
    let states: Vec<_> =
        (0..s.bytes).map(|place| m.constant(32, zeros(RIGHT, (s.bytes - place) % s.bytes))).collect();
    let place = delayed(&m, "place", place, 3, false);
    let right4 = m.delay("icrc4_right", place.choose(&states));
    m.unused(bytes.bit(s.lane));
    m.output("wrong", m.delay("icrc5_wrong", state.value().differs(right4)));
    m.finish()
}

/// What this beat says of the headers, or an earlier one said.
fn kind<'m>(
    m: &'m ModuleBuilder,
    beat_bytes: u32,
    valid: Signal<'m>,
    data: Signal<'m>,
    here: &impl Fn(u32) -> Signal<'m>,
) -> Kind<'m> {
    // Two bytes at an even place of the frame, where their beat is here; held from then on.
    let type_at = |at: u32, name: &str, wanted: &[u32]| {
        let low = 8 * (at % beat_bytes);
        let number = m.concat(&[data.bits(low..low + 8), data.bits(low + 8..low + 16)]);
        let is = wanted.iter().map(|wanted| number.is(*wanted)).reduce(|a, b| a | b).expect("some");
        let here = here(at / beat_bytes);
        let held = m.register(&format!("{name}_held"), 1).enabled_by(valid & here);
        held.next(is);
        here.select(is, held.value()).named(name)
    };
    let tagged = type_at(12, "has_tag", &[0x8100, 0x88a8]);
    let is6 = tagged.select(type_at(16, "inner_is6", &[0x86dd]), type_at(12, "outer_is6", &[0x86dd]));
    Kind { tagged, is6: is6.named("is6") }
}

/// The bytes of a beat as they count, the highest first.
fn masked<'m>(
    beat_bytes: u32,
    data: Signal<'m>,
    kind: &Kind<'m>,
    here: &impl Fn(u32) -> Signal<'m>,
) -> Vec<Signal<'m>> {
    let beats = MASKED.div_ceil(beat_bytes);
    (0..beat_bytes)
        .rev()
        .map(|lane| {
            let mut byte = data.bits(8 * lane..8 * lane + 8);
            for (mask, ones, bits) in
                [(Mask::Zeros, false, 0..8), (Mask::Ones, true, 0..8), (Mask::LowOnes, true, 0..4)]
            {
                let mut cases = Vec::new();
                for beat in 0..beats {
                    for (tagged, is6) in [(false, false), (false, true), (true, false), (true, true)] {
                        if Mask::of(beat * beat_bytes + lane, tagged, is6) == mask {
                            let which = |is: bool, bit: Signal<'m>| if is { bit } else { !bit };
                            cases.push(here(beat) & which(tagged, kind.tagged) & which(is6, kind.is6));
                        }
                    }
                }
                let Some(meant) = cases.into_iter().reduce(|a, b| a | b) else { continue };
                let meant = meant.repeat(bits.end).zero_extend(8);
                byte = if ones { byte | meant } else { byte & !meant };
            }
            byte
        })
        .collect()
}

/// The sum of the numbers whose bit of `bits` is one.
fn product<'m>(m: &'m ModuleBuilder, bits: Signal<'m>, numbers: &[u32]) -> Signal<'m> {
    let row = |bit: u32| {
        let row = (0..).zip(numbers).fold(BigUint::ZERO, |mut row, (place, number)| {
            row.set_bit(place, number >> bit & 1 == 1);
            row
        });
        (bits & m.constant(bits.width(), row)).parity()
    };
    m.concat(&(0..32).rev().map(row).collect::<Vec<_>>())
}

/// What each bit of a beat adds to the state behind it.
fn columns(beat_bytes: u32) -> Vec<u32> {
    (0..8 * beat_bytes).map(|bit| zeros(zeros_of_byte(1 << (bit % 8)), beat_bytes - 1 - bit / 8)).collect()
}

/// The state after a byte of zeros, or after a byte if it was added to the state before.
fn zeros_of_byte(state: u32) -> u32 {
    (0..8).fold(state, |state, _| state >> 1 ^ if state & 1 == 1 { POLYNOMIAL } else { 0 })
}

/// The state after so many bytes of zeros.
fn zeros(state: u32, bytes: u32) -> u32 {
    (0..bytes).fold(state, |state, _| zeros_of_byte(state))
}

/// A value of a beat, so many cycles later.
fn delayed<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>, cycles: u32, reset: bool) -> Signal<'m> {
    (1..=cycles).fold(value, |value, cycle| {
        let name = format!("icrc{cycle}_{name}");
        if reset { m.delay_reset(&name, value) } else { m.delay(&name, value) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_adds_what_its_bytes_add_one_by_one() {
        let columns = columns(8);
        let bytes = *b"12345678";
        let slow = bytes.iter().fold(0, |state, byte| zeros_of_byte(state ^ u32::from(*byte)));
        let number = u64::from_le_bytes(bytes);
        let fast = (0..64).filter(|bit| number >> bit & 1 == 1).fold(0, |sum, bit| sum ^ columns[bit]);
        assert_eq!(slow, fast);
        // The check value of Ethernet's CRC-32, and the state that every right one leaves.
        let of =
            |bytes: &[u8]| bytes.iter().fold(u32::MAX, |state, byte| zeros_of_byte(state ^ u32::from(*byte)));
        assert_eq!(!of(b"123456789"), 0xcbf4_3926);
        assert_eq!(of(&[&b"123456789"[..], &0xcbf4_3926_u32.to_le_bytes()].concat()), RIGHT);
    }

    #[test]
    fn what_routers_change_counts_as_ones() {
        let of = |tagged, is6| {
            let mask = |place| Mask::of(place, tagged, is6);
            (0..MASKED).filter(|place| mask(*place) == Mask::Ones).collect::<Vec<_>>()
        };
        assert_eq!(of(false, false), [10, 11, 12, 13, 15, 22, 24, 25, 40, 41, 46]);
        assert_eq!(of(true, true), [14, 15, 16, 17, 19, 20, 21, 25, 64, 65, 70]);
        assert_eq!(Mask::of(14, false, true), Mask::LowOnes);
        assert_eq!(Mask::of(9, false, true), Mask::Zeros);
    }
}
