//! Stage `respond`: joins frame and position, finds absent pages, holds beats until they are taken, and tells of them.
//!
//! ```text
//!          cycle 1      cycle 2
//!  span ──▶┌──────┐    ┌────────────────────┐ beat ┌───────┐ front ┌──────┐
//!  slot ──▶│ join │─┬─▶│ TABLE_CORRUPT,     │───┬─▶│ queue │──────▶│ head │─┬▶ rsp_*
//!          └──────┘ │  │ PAGE_ABSENT, skip  │   │  └───────┘       └──────┘ └▶ left_* (taken, without bytes)
//!  token ───────────┘  └────────────────────┘   └▶ formed_* (the verdict, or the token)
//! ```
//!
//! A span whose slot is corrupt or whose page is absent is the last beat of its request; spans of that request that were
//! issued behind it are dropped here. A span costs a place of the queue from its issue on; the place is free when its
//! beat leaves or is dropped. A span with bytes also holds a flight credit, which goes back if it is not granted.
//!
//! Whoever counts what is under way hears of every beat twice: when it is formed, in order with the updates' tokens, and
//! when it is over. A beat with bytes is over with its retirement, one without bytes when it is taken; one without a
//! table (UNKNOWN_NETWORK) is not counted.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::latency::loops::RESPOND_PLACES;
use stagecoach_spec::{Fault, Protection};

use crate::bundles::{Beat, Formed, Slot, Span};
use crate::codes::{code, is};
use crate::widths::{OFFSET, Widths};
use crate::{copy, protect};

/// Latency of the stage when the output does not stall: the join, the head register.
pub const CYCLES: u32 = 2;
/// Words of the queue's memory: more than the cycles that a credit takes to come back.
pub const QUEUE_DEPTH: u32 = 16;

const _: () = assert!(QUEUE_DEPTH == RESPOND_PLACES, "the latency table and this stage agree");

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    assert_eq!(w.cycles("respond"), CYCLES, "the latency table and this stage agree");
    let m = ModuleBuilder::new(
        "mapping_respond",
        "Stage respond: joins frame and position, finds absent pages, holds beats until they are taken,\n\
         and tells what was formed and what is over.",
    );
    let arrives = m.input("in_request", 1).doc("a span arrives");
    let token = m.input("in_token", 1).doc("an update's token passes");
    let span = Span::inputs(&m, "in", &w.span_beat());
    let slot = Slot::inputs(&m, "in_slot", &w.slot_word());
    let corrupt = m.input("in_corrupt", w.corrupt()).doc("the slot's word fails its check");
    let rsp_ready = m.input("rsp_ready", 1);

    m.section("Cycle 1: frame and position joined; what the slot's word says");
    let respond1_arrives = m.delay_reset("respond1_arrives", arrives);
    let respond1_token = m.delay_reset("respond1_token", token);
    let joined = physical_address(&m, w, &span, &slot);
    let respond1_address = m.delay("respond1_address", joined);
    let other_size = slot.page_size.differs(span.page_size);
    wire!(no_page = protect::or_corrupt(!slot.present | other_size, corrupt));
    let respond1_refused = m.delay("respond1_refused", !span.empty & no_page);
    let respond1_has_address = m.delay("respond1_has_address", !span.empty & !no_page);
    let respond1_corrupt = m.delay("respond1_corrupt", corrupt);
    // A corrupt binding says nothing of the table. Were its refusals counted for table 0, in epoch 0 whatever that table's
    // is, a row of them would hold up its fences for ever.
    let nobody = match w.config.protection {
        Protection::None => is(span.fault, Fault::UnknownNetwork),
        _ => is(span.fault, Fault::UnknownNetwork) | is(span.fault, Fault::TableCorrupt),
    };
    let respond1_known = m.delay("respond1_known", !nobody);
    let respond1 = Kept::of(&span).delay(&m, "respond1");

    m.section("Cycle 2: spans behind a refused one of the same request are dropped");
    let skipping = m.register("skipping", 1).reset_to(0u32);
    wire!(skip = skipping.value() & !respond1.first);
    wire!(ends_early = respond1_arrives & (respond1_refused | skip) & !respond1.last);
    skipping.next(ends_early | (skipping.value() & !respond1_arrives));
    wire!(beat_valid = respond1_arrives & !skip);
    wire!(drop = respond1_arrives & skip);

    m.section("The beat");
    let (absent, corrupt) = (code(&m, Fault::PageAbsent), code(&m, Fault::TableCorrupt));
    let refusal = protect::if_corrupt(respond1_corrupt, corrupt, absent);
    wire!(fault = respond1_refused.select(refusal, respond1.fault));
    wire!(last = respond1.last | respond1_refused);
    let beat = Beat {
        tag: respond1.tag,
        stream: respond1.stream,
        fault: fault.zero_extend(8),
        pa: respond1_address.gated_by(respond1_has_address),
        span: respond1.span.gated_by(respond1_has_address),
        table: respond1.table,
        epoch: respond1.epoch,
        first: respond1.first,
        last,
    };
    // Without bytes, but of a table: the beat is over when it is taken.
    wire!(ends_when_taken = respond1_known & !respond1_has_address);

    m.section("What was formed, and the flight credit of a span that is not granted");
    let formed = Formed {
        beat: m.delay_reset("formed_beat", beat_valid),
        token: m.delay_reset("formed_token", respond1_token),
        last: m.delay("formed_last", last),
        known: m.delay("formed_known", respond1_known),
        table: m.delay("formed_table", beat.table),
        epoch: m.delay("formed_epoch", beat.epoch),
        fault: m.delay("formed_fault", fault),
    };
    formed.outputs(&m, "formed");
    let unused = respond1_arrives & !respond1.empty & (respond1_refused | skip);
    m.output("flight_unused", m.delay_reset("flight_unused", unused));
    m.port_doc("flight_unused", "a span with bytes is absent, corrupt or dropped");

    m.section("Beats that wait");
    let beat_width = w.beat().iter().sum();
    let queue = crate::queue::describe("mapping_respond_queue", beat_width + 1, QUEUE_DEPTH)?;
    let queue = m.instance("queue", &queue);
    let rsp_valid = m.register("rsp_valid", 1).reset_to(0u32);
    wire!(take = !rsp_valid.value() | rsp_ready);
    // The queue takes by a copy: the head has its own registers' enables to reach.
    let next_valid = m.wire("next_valid", 1);
    let copy = m.instance("valid_copy", &copy::describe_flag("mapping_respond_copy", 0)?);
    copy.input("value", next_valid);
    wire!(queue_take = !copy.output_as("copy", "copied_valid") | rsp_ready);
    let word = m.concat(&[ends_when_taken, beat.pack(&m)]);
    queue.input("in_valid", beat_valid).input("in_word", word).input("take", queue_take);
    let front_valid = queue.output_as("front_valid", "front_valid");
    let front_word = queue.output_as("front_word", "front_word");
    let front = Beat::unpack(front_word.low(beat_width), &w.beat());

    m.section("Head: what the response port shows");
    next_valid.drive(front_valid | !take);
    rsp_valid.next(next_valid);
    wire!(load = take & front_valid);
    m.comment("Without a beat it shows what nobody looks at: so the enable does not wait for one.");
    let head = front.hold(&m, "rsp", take);
    head.outputs(&m, "rsp");
    m.output("rsp_valid", rsp_valid.value());

    m.section("A beat that was taken and is over");
    let head_ends = m.register("head_ends", 1).enabled_by(take);
    head_ends.next(front_word.bit(beat_width));
    let over = rsp_valid.value() & rsp_ready & head_ends.value();
    m.output("left_valid", m.delay_reset("left_valid", over));
    m.port_doc("left_valid", "a beat without bytes was taken, and its request had a table");
    m.output("left_table", m.delay("left_table", head.table));
    m.output("left_epoch", m.delay("left_epoch", head.epoch));

    m.section("Places that became free");
    // A dropped span and a beat that leaves may fall into one cycle; the second waits. A bit is one for each that waits.
    let left = m.delay_reset("respond1_left", load);
    let dropped = m.delay_reset("respond1_dropped", drop);
    let owed = m.register("credits_owed", QUEUE_DEPTH).reset_to(0u32);
    let one_more = m.concat(&[owed.value().low(QUEUE_DEPTH - 1), m.bit(true)]);
    let one_fewer = m.concat(&[m.bit(false), owed.value().high(QUEUE_DEPTH - 1)]);
    owed.next((left & dropped).select(one_more, (left | dropped).select(owed.value(), one_fewer)));
    m.output("place_free", owed.value().bit(0) | left | dropped);
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
        /// Its epoch.
        epoch,
        /// The fault, but for what the slot says.
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
        let Span { tag, stream, table, epoch, fault, empty, first, last, span, .. } = *span;
        Kept { tag, stream, table, epoch, fault, empty, first, last, span }
    }
}
