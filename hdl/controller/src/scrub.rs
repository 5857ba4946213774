//! Block `scrub`: remembers which stored words lookups had to correct, one of each memory, until `update` has written
//! them back.
//!
//! ```text
//!  binding ─▶┌──────────────────┐
//!  table ───▶│ wanted? and place│──▶ the first that is wanted ──▶ update
//!  region ──▶│ of each memory   │                             ◀── taken
//!  slot ────▶│                  │
//!  tracking ▶└──────────────────┘
//! ```
//!
//! A word that is corrected while another of its memory is remembered is not: it stays as it is, and is found again when
//! it is read next. Only with `secded`.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder};

use crate::bundles::Check;
use crate::widths::Widths;

/// The memories whose words lookups and retirements read, and the bits of their places.
pub fn memories(w: &Widths) -> [(&'static str, u32); 5] {
    [
        ("binding", w.binding),
        ("table", w.table),
        ("region", w.region),
        ("slot", w.slot),
        ("tracking", w.table),
    ]
}

/// Describes the block.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new("mapping_scrub", "Block scrub: which corrected words are to be written back.");
    let checks = memories(w).map(|(name, bits)| (name, Check::inputs(&m, name, &w.check(bits))));
    let taken = m.input("taken", 1).doc("the word that is shown is being written back");

    m.section("One word of each memory");
    let mut before = m.bit(false);
    for (name, check) in checks {
        m.unused(check.uncorrectable);
        let wanted = m.register(&format!("{name}_wanted"), 1).reset_to(0u32);
        let place = m.register(&format!("{name}_kept"), check.place.width());
        let place = place.enabled_by(check.corrected & !wanted.value());
        place.next(check.place);
        let shown = (wanted.value() & !before).named(format!("{name}_shown"));
        wanted.next((wanted.value() & !(shown & taken)) | check.corrected);
        before = (before | wanted.value()).named(format!("{name}_or_earlier"));
        m.output(&format!("scrub_{name}"), shown);
        m.output(&format!("scrub_{name}_place"), place.value());
    }
    m.output("wanted", before);
    m.finish()
}
