//! Block `update_hash`: the places of an update's identifier in the ways of a cuckoo CAM, worked out a few positions a
//! cycle while the update is looked up.
//!
//! ```text
//!  start ──▶ identifier, seeds ──▶ shifted by STEP positions a cycle
//!                                      │ lowest bits
//!                                      ▼
//!                           parities of the positions ──▶ added to the buckets
//! ```
//!
//! The hash is the one of `toeplitz.rs`, but this block takes its time, and a fraction of the logic.

use std::sync::Arc;

use stagecoach_hdl::{DesignErrors, Module, ModuleBuilder, Signal};
use stagecoach_spec::Cuckoo;

use crate::widths::Widths;

/// Positions of the identifier that are added in a cycle.
const STEP: u32 = 8;

/// Cycles from `start` to standing buckets: its register, loading, a step for every `STEP` positions, adding the last one.
pub fn cycles(w: &Widths) -> u32 {
    2 + w.config.net_id_bits.div_ceil(STEP) + 1
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_update_hash",
        "Block update_hash: the places of an update's identifier in the ways of the CAM.",
    );
    let shape = w.cuckoo();
    let start = m.input("start", 1).doc("begins with the identifier of the next cycle");
    // It drives every bit here, and comes from elsewhere.
    let start = m.delay_reset("start_here", start);
    let net_id = m.input("net_id", w.config.net_id_bits);

    m.section("What is left of the identifier");
    let ahead = shifting(&m, "ahead", start, net_id);
    let positions = ahead.low(STEP);
    let anew = m.delay_reset("anew", start);
    for way in 0..Cuckoo::WAYS {
        m.section(&format!("Way {way}"));
        let seed = m.input(&format!("seed{way}"), shape.seed_bits());
        let window = shifting(&m, &format!("window{way}"), start, seed);
        let parities: Vec<_> = (0..shape.bucket_bits())
            .rev()
            .map(|bit| (positions & window.bits(bit..bit + STEP)).parity())
            .collect();
        let parities = m.delay(&format!("parities{way}"), m.concat(&parities));
        let bucket = m.register(&format!("hashed{way}"), shape.bucket_bits());
        // In the first step the parities are still those of the update before.
        bucket.next((bucket.value() ^ parities).gated_by(!anew));
        m.output(&format!("bucket{way}"), bucket.value());
    }
    m.finish()
}

/// A register that is loaded by `start` and then moves down by [`STEP`] bits a cycle; zeros follow, which add nothing.
fn shifting<'m>(m: &'m ModuleBuilder, name: &str, start: Signal<'m>, value: Signal<'m>) -> Signal<'m> {
    let width = value.width().next_multiple_of(STEP) + STEP;
    let register = m.register(name, width);
    let left = register.value().bits(STEP..width).zero_extend(width);
    register.next(start.select(value.zero_extend(width), left));
    register.value()
}
