//! Flight credits of `expand`: how many spans may still be granted before one is retired.
//!
//! ```text
//!  taken ──▶ register ──▶┌────────┐   ┌─────────────────────────┐
//!  retired, unused ─────▶│ flight │──▶│ flight_many, flight_any │──▶ may one be taken in the next cycle?
//!                        └────────┘   └─────────────────────────┘
//! ```
//!
//! A span with bytes takes one as it is issued. It comes back when the span is retired, or when `respond` finds that it
//! has no page to grant. Both may happen in one cycle.
//!
//! A credit is counted four cycles after it was taken, so that nothing of the sum stands before the decision to issue. With
//! four or more counted there is one in any case; with fewer, the next is given out when all that were taken are counted.

use stagecoach_hdl::{ModuleBuilder, RegisterHandle, Signal, wire};
use stagecoach_spec::latency::loops::FLIGHT_TAKE_CYCLES;

use crate::widths::Widths;

const _: () = assert!(FLIGHT_TAKE_CYCLES == 4, "the latency table and the registers here agree");

/// The credits, as registers.
pub(crate) struct Flight<'m> {
    m: &'m ModuleBuilder,
    count: RegisterHandle<'m>,
    many: Signal<'m>,
    any: Signal<'m>,
    most: u32,
    retired: Signal<'m>,
    unused: Signal<'m>,
}

impl<'m> Flight<'m> {
    /// The credits of a configuration; `retired` and `unused` give back one each.
    pub(crate) fn of(
        m: &'m ModuleBuilder,
        w: &Widths,
        retired: Signal<'m>,
        unused: Signal<'m>,
    ) -> Flight<'m> {
        let most = w.config.max_in_flight;
        let count = m.register("flight", w.in_flight).reset_to(most);
        let now = count.value();
        let above = if now.width() > 2 { now.bits(2..now.width()).any() } else { m.bit(false) };
        let many = m.register("flight_many", 1).reset_to(u32::from(most >= FLIGHT_TAKE_CYCLES));
        many.next(above);
        let any = m.register("flight_any", 1).reset_to(1u32);
        any.next(now.any());
        Flight { m, count, many: many.value(), any: any.value(), most, retired, unused }
    }

    /// The next state, if the span that is issued `takes` one; whether one may be taken in the next cycle.
    pub(crate) fn next(self, takes: Signal<'m>) -> Signal<'m> {
        let Flight { m, count, many, any, most, retired, unused } = self;
        let flight_taken = m.delay_reset("flight_taken", takes);
        let flight_taken_before = m.delay_reset("flight_taken_before", flight_taken);
        // From one less to two more.
        let width = count.value().width() + 2;
        wire!(back_one = retired ^ unused);
        wire!(back_any = retired | unused);
        let less = (flight_taken & !back_any).repeat(width - 2);
        let two = retired & unused & !flight_taken;
        let change = m.concat(&[less, two | flight_taken & !back_any, back_one ^ flight_taken]);
        let sum = (count.value().zero_extend(width) + change).named("flight_next");
        let bounded = sum.at_most(m.constant(width, most));
        m.assert_always("flight_bounded", bounded, "no more flight credits come back than were taken");
        count.next(sum.low(width - 2));
        many | any & !flight_taken_before & !flight_taken & !takes
    }
}
