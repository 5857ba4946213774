//! The words of block `update`: its arguments, what is staged, what is known of a table, what is asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;

use stagecoach_hdl::{ModuleBuilder, Signal, wire};
use stagecoach_spec::UpdateOp;

use crate::codes::is;
use crate::scan::Owned;
use crate::track_check;
use crate::widths::{Widths, fit};

stagecoach_hdl::bundle! {
    /// What stands at the port beside the staged words.
    pub struct Arguments {
        /// Operation, 5 bits.
        op,
        /// Table, 16 bits.
        table,
        /// Key, slot, entry or staging word, 32 bits.
        index,
        /// 64 bits.
        data,
    }
}

impl Arguments<'_> {
    /// Field widths.
    pub const WIDTHS: [u32; 4] = [5, 16, 32, 64];
}

stagecoach_hdl::bundle! {
    /// The staging words, 64 bits each.
    pub struct Staged {
        /// Word 0.
        word0,
        /// Word 1.
        word1,
        /// Word 2.
        word2,
        /// Word 3.
        word3,
    }
}

stagecoach_hdl::bundle! {
    /// All that is known of a table. All zero where none was set.
    pub struct Record {
        /// It was set.
        exists,
        /// It is frozen.
        frozen,
        /// Flipped by every fence of the table.
        epoch,
        /// First region of its slice.
        region_base,
        /// Regions in it.
        region_count,
        /// First slot of its slice.
        slot_base,
        /// Slots in it.
        slot_count,
        /// First frame of its window.
        window_base,
        /// Frames in it.
        window_count,
        /// First word of its dirty bitmap.
        dirty_base,
        /// Words of its dirty bitmap.
        dirty_count,
        /// Base-2 logarithm of a granule of that bitmap; 0: dirty memory is not tracked.
        granule_shift,
        /// Bindings that name it.
        bindings,
        /// Its valid regions.
        regions,
        /// Its present slots.
        slots,
    }
}

impl<'m> Record<'m> {
    pub(crate) fn owned(&self) -> Owned<'m> {
        let Record { region_base, region_count, slot_base, slot_count, .. } = *self;
        let Record { window_base, window_count, dirty_base, dirty_count, .. } = *self;
        Owned {
            region_base,
            region_count,
            slot_base,
            slot_count,
            window_base,
            window_count,
            dirty_base,
            dirty_count,
        }
    }
}

impl Widths {
    /// Field widths of [`Record`].
    pub fn record(&self) -> Vec<u32> {
        let counts = [track_check::SHIFT, self.binding_count, self.region_count, self.slot_count];
        [1, 1, 1].into_iter().chain(self.owned()).chain(counts).collect()
    }
}

stagecoach_hdl::bundle! {
    /// The argument ports.
    pub struct Port {
        /// Operation.
        op,
        /// Table.
        arg_table,
        /// Key, slot, entry or staging word.
        arg_index,
        /// Data.
        arg_data,
    }
}

impl<'m> Port<'m> {
    pub(crate) fn arguments(&self) -> Arguments<'m> {
        Arguments { op: self.op, table: self.arg_table, index: self.arg_index, data: self.arg_data }
    }
}

/// Which operation the arguments name, a register for each that somebody asks for: the arguments stand still, and what
/// depends on them is wide.
pub(crate) struct Which<'m> {
    pub(crate) m: &'m ModuleBuilder,
    op: Signal<'m>,
    space: Signal<'m>,
    asked: RefCell<BTreeMap<String, Signal<'m>>>,
}

impl<'m> Which<'m> {
    pub(crate) fn of(m: &'m ModuleBuilder, arguments: &Arguments<'m>) -> Which<'m> {
        let space = m.delay("space_here", arguments.data.low(8));
        Which { m, op: arguments.op, space, asked: RefCell::default() }
    }

    /// A cycle after the arguments.
    #[track_caller]
    pub(crate) fn is(&self, op: UpdateOp) -> Signal<'m> {
        self.register(format!("op_is_{}", op.name()), || is(self.op, op))
    }

    #[track_caller]
    pub(crate) fn any(&self, ops: &[UpdateOp]) -> Signal<'m> {
        ops.iter().map(|op| self.is(*op)).reduce(|a, b| a | b).unwrap_or_else(|| self.m.bit(false))
    }

    /// A `peek` or `inject` names this space. Two cycles after the arguments.
    #[track_caller]
    pub(crate) fn is_space(&self, number: u32) -> Signal<'m> {
        self.register(format!("space_is_{number}"), || self.space.is(number))
    }

    #[track_caller]
    pub(crate) fn in_space(&self, numbers: &[u32]) -> Signal<'m> {
        numbers.iter().map(|number| self.is_space(*number)).reduce(|a, b| a | b).expect("some space is meant")
    }

    #[track_caller]
    fn register(&self, name: String, when: impl FnOnce() -> Signal<'m>) -> Signal<'m> {
        if let Some(register) = self.asked.borrow().get(&name) {
            return *register;
        }
        let register = self.m.delay(&name, when());
        self.asked.borrow_mut().insert(name, register);
        register
    }
}

impl Widths {
    /// Those of some operations that the configuration has: `move` and `reseed` need a cuckoo CAM.
    pub(crate) fn known_ops(&self, ops: &[UpdateOp]) -> Vec<UpdateOp> {
        let is_known = |op: &UpdateOp| self.is_cuckoo() || !matches!(op, UpdateOp::Move | UpdateOp::Reseed);
        ops.iter().copied().filter(is_known).collect()
    }
}

/// The record of a table that was just set.
pub(crate) fn fresh_record<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    wanted: &Owned<'m>,
    epoch: Signal<'m>,
) -> Record<'m> {
    let Owned { region_base, region_count, slot_base, slot_count, window_base, window_count, .. } = *wanted;
    Record {
        exists: m.bit(true),
        frozen: m.bit(false),
        epoch,
        region_base,
        region_count,
        slot_base,
        slot_count,
        window_base,
        window_count,
        dirty_base: m.zero(w.dirty),
        dirty_count: m.zero(w.dirty_count),
        granule_shift: m.zero(track_check::SHIFT),
        bindings: m.zero(w.binding_count),
        regions: m.zero(w.region_count),
        slots: m.zero(w.slot_count),
    }
}

/// A condition that has no bits where it cannot arise.
pub(crate) fn flag<'m>(m: &'m ModuleBuilder, condition: Signal<'m>) -> Signal<'m> {
    if condition.width() == 0 { m.bit(false) } else { condition }
}

/// Keeps the value of the cycle in which `when` is one.
pub(crate) fn keep<'m>(m: &'m ModuleBuilder, name: &str, when: Signal<'m>, value: Signal<'m>) -> Signal<'m> {
    let register = m.register(name, value.width()).enabled_by(when);
    register.next(value);
    register.value()
}

/// What `set_table` or `track` asks for, cut to what the pools have: more was refused.
pub(crate) fn wanted_places<'m>(
    w: &Widths,
    staged: &Staged<'m>,
    is_track: Signal<'m>,
    dirty_base: Signal<'m>,
    dirty_count: Signal<'m>,
) -> Owned<'m> {
    wire!(takes_slices = !is_track);
    Owned {
        region_base: staged.word0.low(w.region),
        region_count: staged.word0.bits(32..32 + w.region_count).gated_by(takes_slices),
        slot_base: staged.word1.low(w.slot),
        slot_count: staged.word1.bits(32..32 + w.slot_count).gated_by(takes_slices),
        window_base: staged.word2.low(w.frame),
        window_count: staged.word3.low(w.frame_count).gated_by(takes_slices),
        dirty_base: fit(dirty_base, w.dirty),
        dirty_count: dirty_count.gated_by(is_track),
    }
}
