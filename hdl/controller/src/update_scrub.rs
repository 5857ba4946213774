//! Part of block `update`: the word that is to be written back, as [`crate::scrub`] remembers it.

use stagecoach_hdl::{Bundle, DesignErrors, InstanceHandle, ModuleBuilder, Signal};

use crate::bundles::Check;
use crate::scrub;
use crate::update_words::{Arguments, keep};
use crate::widths::Widths;

/// Which word is to be written back, as arguments of an update.
pub(crate) struct Scrub<'m> {
    pub(crate) wanted: Signal<'m>,
    pub(crate) arguments: Arguments<'m>,
    pub(crate) binding: Signal<'m>,
    pub(crate) table: Signal<'m>,
    pub(crate) region: Signal<'m>,
    pub(crate) slot: Signal<'m>,
    pub(crate) tracking: Signal<'m>,
}

impl<'m> Scrub<'m> {
    pub(crate) fn describe(
        m: &'m ModuleBuilder,
        w: &Widths,
        corrects: bool,
        taken: Signal<'m>,
        scrubs: Signal<'m>,
    ) -> Result<Scrub<'m>, DesignErrors> {
        if !corrects {
            let none = m.bit(false);
            let [op, table, index, data] = Arguments::WIDTHS.map(|width| m.zero(width));
            m.unused(taken);
            let arguments = Arguments { op, table, index, data };
            return Ok(Scrub {
                wanted: none,
                arguments,
                binding: none,
                table: none,
                region: none,
                slot: none,
                tracking: none,
            });
        }
        let block: InstanceHandle<'m> = m.instance("scrub", &scrub::describe(w)?);
        let mut index = m.zero(32);
        let mut kept = Vec::new();
        let mut scrubbed_table = m.zero(16);
        for (name, bits) in scrub::memories(w) {
            let check = Check::inputs(m, &format!("{name}_check"), &w.check(bits));
            check.connect(&block, name);
            let shown = block.output_as(&format!("scrub_{name}"), &format!("scrub_{name}"));
            let place = block.output_as(&format!("scrub_{name}_place"), &format!("scrub_{name}_place"));
            if matches!(name, "table" | "tracking") {
                scrubbed_table = scrubbed_table | place.zero_extend(16).gated_by(shown);
            } else {
                index = index | place.zero_extend(32).gated_by(shown);
            }
            let meant = keep(m, &format!("means_{name}"), taken, shown);
            kept.push((meant & scrubs).named(format!("scrubs_{name}")));
        }
        block.input("taken", taken);
        Ok(Scrub {
            wanted: block.output_as("wanted", "scrub_wanted"),
            arguments: Arguments { op: m.zero(5), table: scrubbed_table, index, data: m.zero(64) },
            binding: kept[0],
            table: kept[1],
            region: kept[2],
            slot: kept[3],
            tracking: kept[4],
        })
    }
}
