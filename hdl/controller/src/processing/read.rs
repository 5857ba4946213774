//! Block `read`: what memory reads, put where block `finish` finds it: a place for each slot, its beats in order.
//!
//! ```text
//!  R channel ─▶ beat ─▶ memory: slot, number of the beat ─▶ block finish
//!                 ├───▶ answer: block slots
//!                 └───▶ eight bytes: block atomic
//! ```
//!
//! Beats of several slots may come mixed. There is room for all that was asked for, so memory never waits here.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, wire};

use super::shape::Shape;

/// Cycles from a place to its word.
pub(crate) const READ_CYCLES: u32 = 2;

/// Describes the block.
pub fn describe(s: &Shape) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("processing_read", "Block read: what memory reads, a place for each slot.");
    let valid = m.input("m_axi_rvalid", 1);
    let id = m.input("m_axi_rid", s.id);
    let data = m.input("m_axi_rdata", s.data);
    let response = m.input("m_axi_rresp", 2).doc("bit 1: SLVERR or DECERR");
    let last = m.input("m_axi_rlast", 1);
    let waiting = m.input("waiting", s.outstanding);
    let allocate = m.input("allocate", 1);
    let allocate_slot = m.input("allocate_slot", s.slot);
    let place = m.input("read_place", s.slot + s.beat);
    m.unused(response.bit(0));

    m.section("beat: as it came");
    let beat_valid = m.delay_reset("beat_valid", valid);
    let beat_id = m.delay("beat_id", id);
    let beat_data = m.delay("beat_data", data);
    let beat_error = m.delay("beat_error", response.bit(1));
    let beat_last = m.delay("beat_last", last);
    m.comment("An identifier that was never given out is nobody's.");
    let known = !beat_id.bits(s.slot + 1..s.id).any();
    let is_atomic = (known & beat_id.bit(s.slot)).named("is_atomic");
    let is_slot = (known & !beat_id.bit(s.slot)).named("is_slot");
    let slot = beat_id.low(s.slot);

    m.section("The number of the next beat of each slot");
    let at = slot.decode(s.outstanding).gated_by(beat_valid & is_slot).named("beat_at");
    let new = allocate_slot.decode(s.outstanding).gated_by(allocate).named("new_at");
    let counts: Vec<_> = (0..s.outstanding)
        .map(|number| {
            let count = m.register(&format!("slot{number}_beats"), s.beat);
            let here = at.bit(number);
            count.next((count.value() + here.zero_extend(s.beat)).gated_by(!new.bit(number)));
            count.value()
        })
        .collect();
    let number = slot.choose(&counts).named("beat_number");
    let waits: Vec<_> = (0..s.outstanding).map(|number| waiting.bit(number)).collect();
    wire!(wanted = beat_valid & is_slot & slot.choose(&waits));

    m.section("store: into its place");
    let store = m.delay_reset("store_valid", wanted);
    let store_place = m.delay("store_place", m.concat(&[slot, number]));
    let store_data = m.delay("store_data", beat_data);
    let memory = m.memory("read_memory", s.data, s.outstanding * s.span_beats).output_register();
    memory.write(store, store_place, store_data);
    let word = memory.read("word_now", place);

    m.section("Outputs");
    m.output("m_axi_rready", m.bit(true));
    m.output("answer", store);
    m.output("answer_slot", m.delay("answer_slot_now", slot));
    m.output("answer_last", m.delay("answer_last_now", beat_last));
    m.output("answer_error", m.delay("answer_error_now", beat_error));
    m.output("atomic_valid", beat_valid & is_atomic);
    m.output("atomic_error", beat_error);
    m.output("atomic_word", beat_data);
    m.output("read_word", word);
    m.finish()
}
