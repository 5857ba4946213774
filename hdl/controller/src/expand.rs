//! Stage `expand`: cuts a decided request into spans, one a cycle, in order with the updates' tokens.
//!
//! ```text
//!  decided ──▶┌───────┐ front ┌──────┐ span
//!             │ queue │──────▶│ head │──────▶ slot
//!             └───────┘ ◀take─│      │◀── credit_return (a place of respond's queue is free again)
//!                             │      │◀── flight_retired, flight_unused (a span is no longer in flight)
//!                             └──────┘ next span of the same request
//! ```
//!
//! Requests with several spans make others wait in the queue. The head issues a span when `respond`'s queue is sure
//! to have room for its beat, and when fewer than `max_in_flight` spans wait for their retirement: a span with bytes
//! takes a *flight credit* along. A token needs no beat and no memory, and so no credit of either kind. A request reads
//! all its slots here, before any later token writes one: it sees one state for all its spans.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, index_width, wire};
use stagecoach_spec::Fault;
use stagecoach_spec::latency::loops::EXPAND_PLACES;

use crate::bundles::{Decided, Flow, Span};
use crate::codes::code;
use crate::flight::Flight;
use crate::request::next_credits;
use crate::respond;
use crate::widths::{OFFSET, Widths, fit};

/// Latency of the stage when nothing waits: the head register.
pub const CYCLES: u32 = 1;
/// Words of the queue's memory: more than the cycles that a credit takes to come back, so that requests can flow
/// at one a cycle.
pub const QUEUE_DEPTH: u32 = 32;

const _: () = assert!(QUEUE_DEPTH == EXPAND_PLACES, "the latency table and this stage agree");

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("expand"), CYCLES, "the latency table and this stage agree");
    let m =
        ModuleBuilder::new("mapping_expand", "Stage expand: cuts a decided request into spans, one a cycle.");
    let in_valid = m.input("in_valid", 1);
    let decided = Decided::inputs(&m, "in", &w.decided());
    let credit_return = m.input("credit_return", 1).doc("a place of respond's queue became free");
    let flight_retired = m.input("flight_retired", 1).doc("a granted span is over");
    let flight_unused = m.input("flight_unused", 1).doc("a span with bytes was not granted after all");

    m.section("Requests that wait");
    let queue = crate::queue::describe("mapping_expand_queue", w.decided().iter().sum(), QUEUE_DEPTH)?;
    let queue = m.instance("queue", &queue);
    queue.input("in_valid", in_valid).input("in_word", decided.pack(&m));
    let front_valid = queue.output_as("front_valid", "front_valid");
    let front = Decided::unpack(queue.output_as("front_word", "front_word"), &w.decided());
    // An empty beat ends its request like one that fits; with that, `head_fits` is all that the head asks.
    let front = Decided { fits: front.fits | front.empty, ..front };

    m.section("Credits: places of respond's queue that no beat is on its way to");
    let width = index_width(u64::from(respond::QUEUE_DEPTH) + 1);
    let credits = m.register("credits", width).reset_to(respond::QUEUE_DEPTH);
    let has_credit = m.register("has_credit", 1).reset_to(1u32);
    let full = credits.value().is(respond::QUEUE_DEPTH);
    m.assert_always("credits_bounded", !(full & credit_return), "no credit is returned twice");

    m.section("Flight credits: spans that may be granted before one is retired");
    let flight = Flight::of(&m, w, flight_retired, flight_unused);

    m.section("Head: the request being cut, at its next span");
    let head_valid = m.register("head_valid", 1).reset_to(0u32);
    let head_first = m.register("head_first", 1);
    let mut head_fields = w.decided().into_iter();
    let head = Decided::FIELDS.map_registers(|name| m.register(name, head_fields.next().unwrap_or(0)));
    let now = Decided::from_signals(&head.iter().map(|register| register.value()).collect::<Vec<_>>());

    wire!(issue_token = head_valid.value() & now.token);
    wire!(issue_span = head_valid.value() & !now.token & has_credit.value() & flight.has_one());
    wire!(head_leaves = issue_token | (issue_span & now.fits));
    wire!(take = !head_valid.value() | head_leaves);
    wire!(load = take & front_valid);
    queue.input("take", take);
    let credits_next = next_credits(&m, credits.value(), issue_span, credit_return);
    credits.next(credits_next);
    has_credit.next(credits_next.any());
    wire!(takes_flight = issue_span & !now.empty);
    flight.next(takes_flight);
    head_valid.next(front_valid | !take);
    head_first.next(take | (head_first.value() & !issue_span));

    m.section("The request after this span: it begins at a 4 KiB border");
    // The bytes up to that border, as far as a length can say them: only what is longer is cut there.
    let room_width = w.length.min(OFFSET + 1);
    let border = m.constant(room_width, 4096u32 & ((1 << room_width) - 1));
    wire!(room = border - fit(now.offset, room_width));
    wire!(length_after = now.length - room.zero_extend(w.length));
    let after_span = |after, now| issue_span.select(after, now);
    let advanced = Decided {
        length: after_span(length_after, now.length),
        fits: after_span(fits_page(&m, length_after), now.fits),
        offset: after_span(m.zero(OFFSET), now.offset),
        // Without big pages it has no bits, so nothing to count.
        page_number: if w.page_number == 0 {
            now.page_number
        } else {
            after_span(now.page_number.plus(1u32), now.page_number)
        },
        crosses: after_span(crosses_page_after(&m, w, &now), now.crosses),
        slot: after_span(now.slot + now.crosses.zero_extend(w.slot), now.slot),
        ..now
    };
    let next = front.select(take, advanced);
    for (register, next) in head.iter().zip(next.signals()) {
        register.next(next);
    }

    m.section("The span");
    Flow { request: issue_span, token: issue_token }.outputs(&m, "out");
    let span = now.fits.select(now.length.low(w.span), room);
    Span {
        tag: now.tag,
        stream: now.stream,
        table: now.table,
        epoch: now.epoch,
        fault: fault(&m, &now),
        empty: now.empty,
        first: head_first.value(),
        last: now.fits,
        page_size: now.page_size,
        offset: now.offset,
        page_number: now.page_number,
        span,
    }
    .outputs(&m, "out");
    m.output("out_slot", now.slot);
    m.output("place_free", m.delay_reset("expand1_place_free", load));
    m.port_doc("place_free", "a place of the queue became free");
    m.finish()
}

/// At most 4096 bytes.
fn fits_page<'m>(m: &'m ModuleBuilder, length: Signal<'m>) -> Signal<'m> {
    if length.width() <= OFFSET {
        return m.bit(true);
    }
    let (above, exact) = (length.bits(OFFSET..length.width()), !length.low(OFFSET).any());
    !above.any() | above.is(1u32) & exact
}

/// Whether the 4 KiB page after this one is the last of a page of the region: all ones but for the lowest bit now.
fn crosses_page_after<'m>(m: &'m ModuleBuilder, w: &Widths, now: &Decided<'m>) -> Signal<'m> {
    let last = |shift: &u32| match shift - OFFSET {
        0 => m.bit(true),
        inside => now.page_number.bits(1..inside).all() & !now.page_number.bit(0),
    };
    now.page_size.choose(&w.config.page_shifts.iter().map(last).collect::<Vec<_>>())
}

/// The first row that applies, of those decided without the page.
fn fault<'m>(m: &'m ModuleBuilder, now: &Decided<'m>) -> Signal<'m> {
    let code = |fault: Fault| code(m, fault);
    let rows = now.misaligned.select(code(Fault::MisalignedAtomic), code(Fault::Granted));
    let rows = now.outside.select(code(Fault::OutOfBounds), rows);
    now.early_end.select(now.early_fault, rows)
}

/// One register per field of a bundle.
trait MapRegisters {
    fn map_registers<R>(&self, make: impl FnMut(&str) -> R) -> Vec<R>;
}

impl MapRegisters for &'static [&'static str] {
    fn map_registers<R>(&self, mut make: impl FnMut(&str) -> R) -> Vec<R> {
        self.iter().map(|field| make(&format!("head_{field}"))).collect()
    }
}
