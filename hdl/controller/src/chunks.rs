//! Equality of wide values in two steps: chunks in one cycle, their conjunction in the next.

use stagecoach_hdl::{ModuleBuilder, Signal};

/// One bit per chunk of `chunk` bits (the last may be narrower): the chunk is equal.
#[track_caller]
pub(crate) fn equal<'m>(m: &'m ModuleBuilder, left: Signal<'m>, right: Signal<'m>, chunk: u32) -> Signal<'m> {
    compare(m, left, right, chunk, Signal::equals)
}

/// One bit per chunk: the chunk differs.
#[track_caller]
pub(crate) fn different<'m>(
    m: &'m ModuleBuilder,
    left: Signal<'m>,
    right: Signal<'m>,
    chunk: u32,
) -> Signal<'m> {
    compare(m, left, right, chunk, Signal::differs)
}

/// Of so many bits, one for every eight of them: all are one.
#[track_caller]
pub(crate) fn all_in_eights<'m>(m: &'m ModuleBuilder, bits: Signal<'m>) -> Signal<'m> {
    let eights: Vec<_> =
        (0..bits.width()).step_by(8).map(|low| bits.bits(low..(low + 8).min(bits.width())).all()).collect();
    m.concat(&eights)
}

#[track_caller]
fn compare<'m>(
    m: &'m ModuleBuilder,
    left: Signal<'m>,
    right: Signal<'m>,
    chunk: u32,
    operator: fn(Signal<'m>, Signal<'m>) -> Signal<'m>,
) -> Signal<'m> {
    let mut bits = Vec::new();
    for low in (0..left.width()).step_by(chunk as usize) {
        let high = (low + chunk).min(left.width());
        bits.push(operator(left.bits(low..high), right.bits(low..high)));
    }
    m.concat(&bits)
}
