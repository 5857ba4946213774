//! Credits for the places of a queue, as its sender holds them.
//!
//! ```text
//!  taken ────▶ register ──▶┌─────────┐   ┌────────────┐
//!  returned ─▶ register ──▶│ credits │──▶│ has_credit │──▶ the sender may send
//!                          └─────────┘   └────────────┘
//! ```
//!
//! The sender decides in every cycle, so a register tells it what it may do: a credit is counted three cycles after it was
//! taken, and the sender stops when fewer are left than it may have taken since.

use stagecoach_hdl::{ModuleBuilder, RegisterHandle, Signal, index_width, wire};
use stagecoach_spec::latency::loops::PLACE_TAKE_CYCLES;

const _: () = assert!(PLACE_TAKE_CYCLES == 3, "the latency table and the registers here agree");

/// A count with one more, one fewer, or both or neither: one adder.
pub(crate) fn counted<'m>(count: Signal<'m>, more: Signal<'m>, fewer: Signal<'m>) -> Signal<'m> {
    let down = (fewer & !more).repeat(count.width() - 1);
    count + count.builder().concat(&[down, more ^ fewer])
}

/// The credits, as registers.
pub(crate) struct Credits<'m> {
    m: &'m ModuleBuilder,
    count: RegisterHandle<'m>,
    places: u32,
    returned: Signal<'m>,
    /// The sender may send in the next cycle.
    pub(crate) enough: Signal<'m>,
}

impl<'m> Credits<'m> {
    /// All `places` of a queue are free at first; `returned` gives one back.
    pub(crate) fn of(m: &'m ModuleBuilder, places: u32, returned: Signal<'m>) -> Credits<'m> {
        let width = index_width(u64::from(places) + 1);
        let count = m.register("credits", width).reset_to(places);
        wire!(enough_credits = count.value().bits(2..width).any() | count.value().low(2).all());
        Credits { m, count, places, returned, enough: enough_credits }
    }

    /// The next state, if one is `taken`.
    pub(crate) fn next(self, taken: Signal<'m>) {
        let Credits { m, count, places, returned, .. } = self;
        let width = count.value().width();
        let credit_taken = m.delay_reset("credit_taken", taken);
        let credit_returned = m.delay_reset("credit_returned", returned);
        let full = count.value().is(places) & !credit_taken;
        m.assert_always("credits_bounded", !(full & credit_returned), "no credit is returned twice");
        // One less, one more, or the same.
        let less = (credit_taken & !credit_returned).repeat(width - 1);
        let change = m.concat(&[less, credit_taken ^ credit_returned]);
        wire!(credits_next = count.value() + change);
        count.next(credits_next);
    }
}
