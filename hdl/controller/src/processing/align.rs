//! Bytes moved between their places in memory's beats and in a stream's.

use stagecoach_hdl::{ModuleBuilder, Signal};

/// A word with its bytes moved up by `lanes`, those at the top around to the bottom. Takes a cycle: the coarse half of the
/// distance is in the register, the fine one behind it.
pub(crate) fn rotate_up<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    word: Signal<'m>,
    lanes: Signal<'m>,
) -> Signal<'m> {
    let fine = lanes.width() / 2;
    let coarse = (fine..lanes.width()).fold(word, |word, bit| step(m, word, lanes.bit(bit), 8 << bit));
    let coarse = m.delay(&format!("{name}_coarse"), coarse);
    let lanes = m.delay(&format!("{name}_lanes"), lanes.low(fine));
    (0..fine).fold(coarse, |word, bit| step(m, word, lanes.bit(bit), 8 << bit))
}

/// Rotated up by some bits, or not.
fn step<'m>(m: &'m ModuleBuilder, word: Signal<'m>, turns: Signal<'m>, bits: u32) -> Signal<'m> {
    let width = word.width();
    turns.select(m.concat(&[word.low(width - bits), word.high(bits)]), word)
}

/// Bytes from place `lane` on of `word`, below them those of `before`.
pub(crate) fn merge<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    lane: Signal<'m>,
    word: Signal<'m>,
    before: Signal<'m>,
) -> Signal<'m> {
    let bytes = word.width() / 8;
    let from = from_lane(m, lane, bytes).named(format!("{name}_from"));
    let bytes: Vec<_> = (0..bytes)
        .rev()
        .map(|byte| {
            let part = |word: Signal<'m>| word.bits(8 * byte..8 * byte + 8);
            from.bit(byte).select(part(word), part(before))
        })
        .collect();
    m.concat(&bytes)
}

/// A bit for each of `bytes`: one from place `lane` on.
pub(crate) fn from_lane<'m>(m: &'m ModuleBuilder, lane: Signal<'m>, bytes: u32) -> Signal<'m> {
    let bits: Vec<_> = (0..bytes).rev().map(|byte| lane.at_most(m.constant(lane.width(), byte))).collect();
    m.concat(&bits)
}

/// A bit for each of `bytes`: one up to place `lane`.
pub(crate) fn to_lane<'m>(m: &'m ModuleBuilder, lane: Signal<'m>, bytes: u32) -> Signal<'m> {
    let bits: Vec<_> = (0..bytes).rev().map(|byte| lane.at_least(m.constant(lane.width(), byte))).collect();
    m.concat(&bits)
}

/// The bytes of `word` whose bit is one; the others are zero, so that nothing of an earlier access shows there.
pub(crate) fn only<'m>(m: &'m ModuleBuilder, word: Signal<'m>, lanes: Signal<'m>) -> Signal<'m> {
    let masks: Vec<_> = (0..lanes.width()).rev().map(|byte| lanes.bit(byte).repeat(8)).collect();
    word & m.concat(&masks)
}
