//! Flight credits of `expand`: how many spans may still be granted before one is retired.
//!
//! A span with bytes takes one as it is issued. It comes back when the span is retired, or when `respond` finds that it
//! has no page to grant. Both may happen in one cycle.

use stagecoach_hdl::{ModuleBuilder, RegisterHandle, Signal, wire};

use crate::widths::Widths;

/// The credits, as registers.
pub(crate) struct Flight<'m> {
    m: &'m ModuleBuilder,
    flight: RegisterHandle<'m>,
    has_flight: RegisterHandle<'m>,
    /// Two or more: when one is taken there is still one. So `has_flight` waits for no sum.
    has_second: RegisterHandle<'m>,
    back_any: Signal<'m>,
    /// What is there with those that come back, if none is taken; and if one is.
    kept: Signal<'m>,
    taken: Signal<'m>,
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
        let flight = m.register("flight", w.in_flight).reset_to(most);
        let has_flight = m.register("has_flight", 1).reset_to(1u32);
        let has_second = m.register("has_second", 1).reset_to(u32::from(most > 1));
        let width = w.in_flight.max(2) + 1;
        wire!(back_any = retired | unused);
        // Whether one, in the lowest bit: of none and of two the number less one is odd.
        wire!(back_one = retired ^ unused);
        let back = m.concat(&[retired & unused, back_one]).zero_extend(width);
        let back_less_one = m.concat(&[(!back_any).repeat(width - 1), !back_one]);
        let now = flight.value().zero_extend(width);
        let kept = (now + back).named("flight_kept");
        let taken = (now + back_less_one).named("flight_taken");
        let bounded = kept.at_most(m.constant(width, most));
        m.assert_always("flight_bounded", bounded, "no more flight credits come back than were taken");
        Flight { m, flight, has_flight, has_second, back_any, kept, taken }
    }

    /// A span may be issued.
    pub(crate) fn has_one(&self) -> Signal<'m> {
        self.has_flight.value()
    }

    /// The next state, if the span that is issued `takes` one.
    pub(crate) fn next(self, takes: Signal<'m>) {
        let Flight { m, flight, has_flight, has_second, back_any, kept, taken } = self;
        m.comment(
            "Whether there is one, or a second, is worked out for both cases beside the choice between them.",
        );
        let second = |count: Signal<'m>| count.bits(1..count.width()).any();
        let width = flight.value().width();
        flight.next(takes.select(taken.low(width), kept.low(width)));
        has_flight.next(back_any | takes.select(has_second.value(), has_flight.value()));
        has_second.next(takes.select(second(taken), second(kept)));
    }
}
