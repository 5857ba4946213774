//! Arithmetic on values that stand still, off the lookup path: in steps of eight bits, each through a register, so that no
//! carry chain limits the clock.
//!
//! ```text
//!  left, right ─┬─ bits 7:0  ──▶┌───┐ carry
//!               │               └───┘──┐
//!               ├─ bits 15:8 ─────────▶┌───┐ carry
//!               │                      └───┘──┐
//!               └─ bits 23:16 …              …▼
//! ```
//!
//! The steps always run, and are not aligned with each other; so nothing here is of use to values that change in every
//! cycle. A result stands so many cycles after its operands as it has steps. What is worked out of a result goes side by
//! side with it: the comparison of a sum stands a cycle after the sum.

use stagecoach_hdl::{ModuleBuilder, Signal};

/// Bits of a step.
pub(crate) const STEP: u32 = 8;

/// Cycles from standing operands of so many bits to a standing [`sum`], [`difference`] or [`is_below`].
pub(crate) const fn steps(width: u32) -> u32 {
    width.div_ceil(STEP)
}

/// Cycles from a standing value to a standing [`is_any`].
pub(crate) const ANY_CYCLES: u32 = 2;

/// The sum of two values of equal width, with its carry on top.
#[track_caller]
pub(crate) fn sum<'m>(m: &'m ModuleBuilder, name: &str, left: Signal<'m>, right: Signal<'m>) -> Signal<'m> {
    let mut carry = m.bit(false);
    let mut parts = Vec::new();
    for (low, high) in ranges(left.width()) {
        // An adder's carry input is a bit below, which carries if there are two.
        let operand = |value: Signal<'m>, below| m.concat(&[m.bit(false), value.bits(low..high), below]);
        let total = operand(left, m.bit(true)) + operand(right, carry);
        let total = total.named(format!("{name}_sum_from_{low}"));
        m.unused(total.bit(0));
        let part = m.delay(&format!("{name}_from_{low}"), total.bits(1..high - low + 2));
        carry = part.bit(high - low);
        parts.insert(0, part.low(high - low));
    }
    parts.insert(0, carry);
    m.concat(&parts)
}

/// left - right, modulo two to the power of their equal width.
#[track_caller]
pub(crate) fn difference<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    left: Signal<'m>,
    right: Signal<'m>,
) -> Signal<'m> {
    let mut borrow = m.bit(false);
    let mut parts = Vec::new();
    for (low, high) in ranges(left.width()) {
        // Nobody asks what the last step borrows.
        let top = m.zero(u32::from(high < left.width()));
        let operand = |value: Signal<'m>, below| m.concat(&[top, value.bits(low..high), below]);
        let rest = operand(left, m.bit(false)) - operand(right, borrow);
        let rest = rest.named(format!("{name}_rest_from_{low}"));
        m.unused(rest.bit(0));
        let part = m.delay(&format!("{name}_from_{low}"), rest.bits(1..rest.width()));
        borrow = part.high(1);
        parts.insert(0, part.low(high - low));
    }
    m.concat(&parts)
}

/// left < right, of equal width.
#[track_caller]
pub(crate) fn is_below<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    left: Signal<'m>,
    right: Signal<'m>,
) -> Signal<'m> {
    let mut below = m.bit(false);
    for (low, high) in ranges(left.width()) {
        let operand = |value: Signal<'m>, below| m.concat(&[value.bits(low..high), below]);
        let is_below = operand(left, m.bit(false)).less_than(operand(right, below));
        below = m.delay(&format!("{name}_to_{high}"), is_below);
    }
    below
}

/// Some bit is one.
#[track_caller]
pub(crate) fn is_any<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>) -> Signal<'m> {
    let parts: Vec<_> =
        ranges(value.width()).into_iter().rev().map(|(low, high)| value.bits(low..high).any()).collect();
    if parts.is_empty() {
        return m.bit(false);
    }
    let parts = m.delay(&format!("{name}_in_part"), m.concat(&parts));
    m.delay(&format!("{name}_any"), parts.any())
}

fn ranges(width: u32) -> Vec<(u32, u32)> {
    (0..width).step_by(STEP as usize).map(|low| (low, (low + STEP).min(width))).collect()
}
