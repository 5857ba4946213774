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

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::latency::loops::EXPAND_PLACES;

use crate::bundles::{Decided, Flow, Issued};
use crate::copy;
use crate::credits::Credits;
use crate::flight::Flight;
use crate::key_row::KeyRow;
use crate::respond;
use crate::widths::{OFFSET, Widths};

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
    let late = [KeyRow::Below, KeyRow::Beyond, KeyRow::MisalignedAtomic].map(|row| row.of(decided.rows));
    wire!(empty = late.into_iter().fold(decided.empty, |empty, row| empty | row));
    // Of its request: an empty beat is the only one, a token has none.
    wire!(last = empty | !decided.more.any() | decided.token);
    let decided = Decided { empty, ..decided };
    let width = w.decided().iter().sum();
    let queue = crate::queue::describe("mapping_expand_queue", width + 1, QUEUE_DEPTH)?;
    let queue = m.instance("queue", &queue);
    queue.input("in_valid", in_valid).input("in_word", m.concat(&[last, decided.pack(&m)]));
    let front_valid = queue.output_as("front_valid", "front_valid");
    let front_word = queue.output_as("front_word", "front_word");
    let front = Decided::unpack(front_word.low(width), &w.decided());
    let front_last = front_word.bit(width);

    m.section("Credits: places of respond's queue that no beat is on its way to");
    let credits = Credits::of(&m, respond::QUEUE_DEPTH, credit_return);

    m.section("Flight credits: spans that may be granted before one is retired");
    let flight = Flight::of(&m, w, flight_retired, flight_unused);
    let may_issue = m.register("may_issue", 1).reset_to(1u32);

    m.section("Head: the request being cut, at its next span");
    // Nothing but a token or nothing at all: whatever is there leaves in any case.
    let head_free = m.register("head_free", 1).reset_to(1u32);
    // At its last span, or free.
    let head_last = m.register("head_last", 1).reset_to(1u32);
    let head_first = m.register("head_first", 1);
    let mut head_fields = w.decided().into_iter();
    let head = Decided::FIELDS.map_registers(|name| m.register(name, head_fields.next().unwrap_or(0)));
    let head_token = head[0].reset_to(0u32);
    let now = Decided::from_signals(&head.iter().map(|register| register.value()).collect::<Vec<_>>());

    let (issue_token, over) = (now.token, head_last.value());
    wire!(issue_span = !head_free.value() & may_issue.value());
    wire!(advances = head_free.value() | may_issue.value());
    wire!(take = over & advances);
    wire!(load = take & front_valid);
    // The queue takes from copies: the head's own registers have the head's enables to reach.
    let flag = copy::describe_flag("mapping_expand_copy", 1)?;
    let copied = |name: &str, value| {
        let copy = m.instance(&format!("{name}_copy"), &flag);
        copy.input("value", value);
        copy.output_as("copy", &format!("copied_{name}"))
    };
    let (next_may_issue, next_free, next_last) =
        (m.wire("next_may_issue", 1), m.wire("next_free", 1), m.wire("next_last", 1));
    let copied_advances = copied("free", next_free) | copied("may_issue", next_may_issue);
    wire!(queue_take = copied("last", next_last) & copied_advances);
    queue.input("take", queue_take);
    wire!(takes_flight = issue_span & !now.empty);
    let flight_enough = flight.next(takes_flight);
    next_may_issue.drive(credits.enough & flight_enough);
    may_issue.next(next_may_issue);
    credits.next(issue_span);
    next_free.drive(take & (!front_valid | front.token));
    head_free.next(next_free);
    head_token.next(take & front_valid & front.token);

    m.section("The request after this span: it begins at a 4 KiB border");
    let several = w.more() > 1;
    let after = Decided {
        more: now.more - m.constant(w.more(), 1u32),
        offset: m.zero(OFFSET),
        // Without big pages it has no bits, so nothing to count.
        page_number: if w.page_number == 0 { now.page_number } else { now.page_number.plus(1u32) },
        // A second span that is the last needs it no more.
        crosses: if several { crosses_page_after(&m, w, &now) } else { now.crosses },
        slot_index: now.slot_index + now.crosses.zero_extend(w.slot),
        ..now
    };
    m.comment("Registers show who comes next; the enables alone wait for credits.");
    let moving = ["more", "offset", "page_number", "crosses", "slot_index"];
    for ((name, register), (front, after)) in
        Decided::FIELDS.iter().zip(head).zip(front.signals().into_iter().zip(after.signals())).skip(1)
    {
        if moving.contains(name) {
            register.enabled_by(advances).next(over.select(front, after));
        } else {
            register.enabled_by(take).next(front);
        }
    }
    let last_of_front = front_last | !front_valid;
    let last_of_next = over.select(last_of_front, now.more.is(1u32));
    next_last.drive(advances.select(last_of_next, over));
    head_last.next(next_last);
    head_first.enabled_by(advances).next(over);

    m.section("The span");
    Flow { request: issue_span, token: issue_token }.outputs(&m, "out");
    Issued {
        tag: now.tag,
        stream: now.stream,
        table: now.table,
        epoch: now.epoch,
        settled: now.settled,
        fault: now.fault,
        rows: now.rows,
        empty: now.empty,
        first: head_first.value(),
        last: over,
        page_size: now.page_size,
        offset: now.offset,
        page_number: now.page_number,
        end: now.end,
    }
    .outputs(&m, "out");
    m.output("out_slot_base", now.slot_base);
    m.output("out_slot_index", now.slot_index);
    m.output("place_free", m.delay_reset("expand1_place_free", load));
    m.port_doc("place_free", "a place of the queue became free");
    m.finish()
}

/// Whether the 4 KiB page after this one is the last of a page of the region: all ones but for the lowest bit now.
fn crosses_page_after<'m>(m: &'m ModuleBuilder, w: &Widths, now: &Decided<'m>) -> Signal<'m> {
    let last = |shift: &u32| match shift - OFFSET {
        0 => m.bit(true),
        inside => now.page_number.bits(1..inside).all() & !now.page_number.bit(0),
    };
    now.page_size.choose(&w.config.page_shifts.iter().map(last).collect::<Vec<_>>())
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
