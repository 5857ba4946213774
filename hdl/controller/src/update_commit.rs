//! Part of block `update`: what its token does where it passes.

use stagecoach_hdl::{Bundle, ModuleBuilder, Signal};
use stagecoach_spec::UpdateOp;

use crate::bundles::Slot;
use crate::scan::Owned;
use crate::table::TableWord;
use crate::update_words::{Arguments, Record, Which};
use crate::widths::Widths;

/// The outputs that tell the stages what the token in flight does. They stand still while it travels.
pub(crate) struct Commit<'a, 'm> {
    pub(crate) m: &'m ModuleBuilder,
    pub(crate) w: &'a Widths,
    pub(crate) ops: &'a Which<'m>,
}

impl<'m> Commit<'_, 'm> {
    pub(crate) fn outputs(
        &self,
        record: &Record<'m>,
        argument: &Arguments<'m>,
        wanted: &Owned<'m>,
        clear: Signal<'m>,
        table: Signal<'m>,
    ) {
        let (m, w, ops) = (self.m, self.w, self.ops);
        put(m, "commit_binding", ops.any(&[UpdateOp::Bind, UpdateOp::Unbind]));
        put(m, "commit_valid", ops.is(UpdateOp::Bind));
        put(m, "commit_table", table);
        put(m, "commit_table_word", ops.any(&[UpdateOp::SetTable, UpdateOp::Freeze, UpdateOp::Thaw]));
        let sets = ops.is(UpdateOp::SetTable);
        TableWord {
            frozen: ops.is(UpdateOp::Freeze),
            region_base: sets.select(wanted.region_base, record.region_base),
            region_count: sets.select(wanted.region_count, record.region_count),
            slot_base: sets.select(wanted.slot_base, record.slot_base),
        }
        .delay(m, "commit")
        .outputs(m, "commit");
        put(m, "commit_write_region", ops.any(&[UpdateOp::Install, UpdateOp::Invalidate]));
        put(m, "commit_write_slot", ops.any(&[UpdateOp::SetSlot, UpdateOp::ClearSlot]));
        put(m, "init_write", clear);
        let page = Slot {
            present: m.bit(true),
            page_size: argument.data.bits(56..56 + w.page_size),
            frame: argument.data.low(w.frame),
        };
        let writes = ops.is(UpdateOp::SetSlot) & !clear;
        put(m, "commit_slot_word", page.pack(m).gated_by(writes));
    }
}

/// An output from a register: it stands still while the token travels, and the stages are far away.
#[track_caller]
pub(crate) fn put<'m>(m: &'m ModuleBuilder, name: &str, value: Signal<'m>) {
    m.output(name, m.delay(name, value));
}
