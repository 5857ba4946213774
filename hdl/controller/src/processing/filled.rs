//! How much of a stream's beat is filled: counted by eight lanes in its cycle, all together in the next.

use stagecoach_hdl::{ModuleBuilder, Signal};

use super::shape::Shape;

/// Registers `beat_count<group>`: filled lanes of each eight, a cycle after `keep`.
pub(crate) fn counts<'m>(m: &'m ModuleBuilder, s: &Shape, keep: Signal<'m>) -> Vec<Signal<'m>> {
    let groups: Vec<_> = (0..s.bytes / 8).map(|group| keep.bits(8 * group..8 * group + 8)).collect();
    let counts = groups.iter().enumerate();
    counts.map(|(group, lanes)| m.delay(&format!("beat_count{group}"), ones(m, *lanes))).collect()
}

/// All of them: a beat's bytes.
pub(crate) fn sum<'m>(s: &Shape, counts: &[Signal<'m>]) -> Signal<'m> {
    let sum = counts.iter().map(|count| count.zero_extend(s.lane + 1)).reduce(|a, b| a + b);
    sum.expect("a beat has eight lanes at least").named("beat_bytes")
}

/// Whether a lane is filled above one that is not.
pub(crate) fn has_holes<'m>(s: &Shape, keep: Signal<'m>) -> Signal<'m> {
    (keep.bits(1..s.bytes) & !keep.bits(0..s.bytes - 1)).any()
}

/// How many of eight bits are one: 4 bits.
fn ones<'m>(m: &'m ModuleBuilder, lanes: Signal<'m>) -> Signal<'m> {
    let half = |at: u32| {
        let bits: Vec<_> = (at..at + 4).map(|bit| lanes.bit(bit).zero_extend(3)).collect();
        bits.into_iter().reduce(|a, b| a + b).expect("four bits")
    };
    let (low, high) = (half(0), half(4));
    m.concat(&[m.bit(false), low]) + m.concat(&[m.bit(false), high])
}
