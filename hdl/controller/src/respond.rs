//! Stage `respond`: joins frame and position, finds absent pages, holds beats until they are taken.
//!
//! ```text
//!         cycle 1      cycle 2
//!  span ─▶┌──────┐    ┌────────────────────┐ beat ┌───────┐ front ┌──────┐
//!  slot ─▶│ join │───▶│ PAGE_ABSENT, skip  │─────▶│ queue │──────▶│ head │──▶ rsp_*
//!         └──────┘    └────────────────────┘      └───────┘       └──────┘
//! ```
//!
//! A span whose page is absent is the last beat of its request; spans of that request that were issued behind it are
//! dropped here. A span costs a place of the queue from its issue on; the place is free when its beat leaves or is
//! dropped.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::Fault;

use crate::bundles::{Beat, Slot, Span};
use crate::codes::code;
use crate::widths::{OFFSET, Widths};

/// Latency of the stage when the output does not stall: the join, the head register.
pub const CYCLES: u32 = 2;
/// Words of the queue's memory: more than the cycles that a credit takes to come back.
pub const QUEUE_DEPTH: u32 = 16;

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("respond"), CYCLES, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_respond",
        "Stage respond: joins frame and position, finds absent pages, holds beats until they are taken.",
    );
    let arrives = m.input("in_request", 1).doc("a span arrives");
    let span = Span::inputs(&m, "in", &w.span_beat());
    let slot = Slot::inputs(&m, "in_slot", &w.slot_word());
    let rsp_ready = m.input("rsp_ready", 1);

    m.section("Cycle 1: frame and position joined; what the slot's word says");
    let respond1_arrives = m.delay_reset("respond1_arrives", arrives);
    let joined = physical_address(&m, w, &span, &slot);
    let respond1_address = m.delay("respond1_address", joined);
    let respond1_present = m.delay("respond1_present", slot.present);
    let respond1_other_size = m.delay("respond1_other_size", slot.page_size.differs(span.page_size));
    let respond1 = Kept::of(&span).delay(&m, "respond1");

    m.section("Cycle 2: PAGE_ABSENT");
    wire!(is_absent = !respond1.empty & (!respond1_present | respond1_other_size));
    wire!(has_address = !respond1.empty & !is_absent);

    m.section("Spans behind an absent page of the same request are dropped");
    let skipping = m.register("skipping", 1).reset_to(0u32);
    wire!(skip = skipping.value() & !respond1.first);
    wire!(ends_early = respond1_arrives & (is_absent | skip) & !respond1.last);
    skipping.next(ends_early | (skipping.value() & !respond1_arrives));
    wire!(beat_valid = respond1_arrives & !skip);
    wire!(drop = respond1_arrives & skip);

    m.section("The beat");
    let absent_fault = code(&m, Fault::PageAbsent);
    let beat = Beat {
        tag: respond1.tag,
        stream: respond1.stream,
        fault: is_absent.select(absent_fault, respond1.fault).zero_extend(8),
        pa: respond1_address.gated_by(has_address),
        span: respond1.span.gated_by(has_address),
        table: respond1.table,
        first: respond1.first,
        last: respond1.last | is_absent,
    };

    m.section("Beats that wait");
    let queue = crate::queue::describe("mapping_respond_queue", w.beat().iter().sum(), QUEUE_DEPTH)?;
    let queue = m.instance("queue", &queue);
    let rsp_valid = m.register("rsp_valid", 1).reset_to(0u32);
    wire!(take = !rsp_valid.value() | rsp_ready);
    queue.input("in_valid", beat_valid).input("in_word", beat.pack(&m)).input("take", take);
    let front_valid = queue.output_as("front_valid", "front_valid");
    let front = Beat::unpack(queue.output_as("front_word", "front_word"), &w.beat());

    m.section("Head: what the response port shows");
    rsp_valid.next(front_valid | !take);
    wire!(load = take & front_valid);
    let head = front.hold(&m, "rsp", load);
    head.outputs(&m, "rsp");
    m.output("rsp_valid", rsp_valid.value());

    m.section("Places that became free");
    // A dropped span and a beat that leaves may fall into one cycle; the second waits for the next.
    let owed = m.register("credits_owed", 5).reset_to(0u32);
    wire!(freed = load.zero_extend(5) + drop.zero_extend(5));
    wire!(repaid = owed.value().any() | load | drop);
    owed.next(owed.value() + freed - repaid.zero_extend(5));
    m.output("place_free", m.delay_reset("respond1_place_free", repaid));
    m.finish()
}

/// The frame with the position's bits below the page size.
fn physical_address<'m>(m: &'m ModuleBuilder, w: &Widths, span: &Span<'m>, slot: &Slot<'m>) -> Signal<'m> {
    let choices: Vec<_> = w
        .config
        .page_shifts
        .iter()
        .map(|shift| {
            let inside = shift - OFFSET;
            m.concat(&[slot.frame.bits(inside..w.frame), span.page_number.low(inside)])
        })
        .collect();
    m.concat(&[span.page_size.choose(&choices), span.offset])
}

stagecoach_hdl::bundle! {
    /// What of a span is still needed once its address is joined.
    pub struct Kept {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// The table.
        table,
        /// The fault, but for PAGE_ABSENT.
        fault,
        /// No address and no bytes.
        empty,
        /// First span of its request.
        first,
        /// Last span of its request.
        last,
        /// Bytes.
        span,
    }
}

impl<'m> Kept<'m> {
    fn of(span: &Span<'m>) -> Kept<'m> {
        let Span { tag, stream, table, fault, empty, first, last, span, .. } = *span;
        Kept { tag, stream, table, fault, empty, first, last, span }
    }
}
