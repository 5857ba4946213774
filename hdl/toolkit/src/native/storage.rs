//! Where values lie in the limb array, and which values need a place at all.

use std::collections::HashMap;

use super::graph::{Graph, Value, ValueId};
use super::layout::limbs_of;
use super::program::Op;

/// A design on its way to a program. Operation selection runs twice over the values: backward, when only the
/// marks that [`Lowering::at`] leaves count, and forward, when places are known and the operations are kept.
pub(super) struct Lowering<'d> {
    pub(super) graph: &'d Graph,
    /// Offset of each value that has a place.
    pub(super) places: Vec<Option<u32>>,
    /// Values that some operation or the clock edge reads.
    pub(super) needed: Vec<bool>,
    /// Values whose operations have been kept.
    pub(super) emitted: Vec<bool>,
    /// How many values and roots use each value, among those that state, outputs and properties depend on.
    pub(super) uses: Vec<u32>,
    pub(super) ops: Vec<Op>,
    /// Each value's part of what was emitted last.
    pub(super) values: Vec<std::ops::Range<u32>>,
    /// Limbs given out.
    pub(super) limbs: u32,
    pub(super) constants: Vec<(u32, u64)>,
    pool: HashMap<u64, u32>,
    blocks: HashMap<[u64; 3], u32>,
}

impl<'d> Lowering<'d> {
    pub(super) fn new(graph: &'d Graph) -> Lowering<'d> {
        let count = graph.len();
        Lowering {
            graph,
            places: vec![None; count],
            needed: vec![false; count],
            emitted: vec![false; count],
            uses: vec![0; count],
            ops: Vec::new(),
            values: Vec::new(),
            limbs: 0,
            constants: Vec::new(),
            pool: HashMap::new(),
            blocks: HashMap::new(),
        }
    }

    /// Room for `width` bits.
    pub(super) fn allocate(&mut self, width: u32) -> u32 {
        let offset = self.limbs;
        self.limbs += limbs_of(width) as u32;
        offset
    }

    /// The offset of a constant limb.
    pub(super) fn limb(&mut self, limb: u64) -> u32 {
        if let Some(&offset) = self.pool.get(&limb) {
            return offset;
        }
        let offset = self.allocate(64);
        self.constants.push((offset, limb));
        self.pool.insert(limb, offset);
        offset
    }

    /// The offset of three constant limbs in a row.
    pub(super) fn block(&mut self, limbs: [u64; 3]) -> u32 {
        if let Some(&offset) = self.blocks.get(&limbs) {
            return offset;
        }
        let offset = self.allocate(64 * 3);
        self.constants.extend((offset..).zip(limbs));
        self.blocks.insert(limbs, offset);
        offset
    }

    /// The value that really holds the bits of `id`, and the limb at which they start: a slice that starts
    /// and ends at limb borders needs no place of its own.
    pub(super) fn root(&self, id: ValueId) -> (ValueId, u32) {
        if let Value::Slice(of, low) = *self.graph.value(id) {
            let width = self.graph.width(id);
            let clean = width.is_multiple_of(64) || low + width == self.graph.width(of);
            if low.is_multiple_of(64) && clean {
                return (of, low / 64);
            }
        }
        (id, 0)
    }

    /// Some operation computes the value into a place of its own.
    pub(super) fn is_computed(&self, id: ValueId) -> bool {
        let stored = matches!(
            self.graph.value(id),
            Value::Constant(_) | Value::Input(_) | Value::Register(_) | Value::MemoryRead(_)
        );
        !stored && self.root(id).0 == id
    }

    /// The offset of a value; marks it as needed. Zero while it has no place yet (in the backward pass).
    pub(super) fn at(&mut self, id: ValueId) -> u32 {
        let (root, limb) = self.root(id);
        self.needed[root.index()] = true;
        if self.places[root.index()].is_none()
            && let Value::Constant(value) = self.graph.value(root)
        {
            let limbs = value.to_u64_digits();
            let offset = if self.graph.width(root) <= 64 {
                self.limb(limbs.first().copied().unwrap_or(0))
            } else {
                let offset = self.allocate(self.graph.width(root));
                self.constants.extend((offset..).zip(limbs));
                offset
            };
            self.places[root.index()] = Some(offset);
        }
        self.places[root.index()].unwrap_or(0) + limb
    }

    /// The limb and the bit in it where a value of at most 64 bits starts, without giving a slice inside one
    /// limb a place of its own. Bits above the value's are not zero.
    pub(super) fn bits(&mut self, id: ValueId) -> (u32, u8) {
        if let Value::Slice(of, low) = *self.graph.value(id)
            && low % 64 + self.graph.width(id) <= 64
        {
            return (self.at(of) + low / 64, (low % 64) as u8);
        }
        (self.at(id), 0)
    }

    /// The offset of a wide value whose bits above the width are not zero: saves placing slices that start at
    /// a limb border.
    pub(super) fn loose(&mut self, id: ValueId) -> u32 {
        match *self.graph.value(id) {
            Value::Slice(of, low) if low.is_multiple_of(64) => self.at(of) + low / 64,
            _ => self.at(id),
        }
    }

    pub(super) fn limbs_at(&self, id: ValueId) -> u8 {
        limbs_of(self.graph.width(id)) as u8
    }

    /// Unused bits of the top limb.
    pub(super) fn spare(&self, id: ValueId) -> u8 {
        spare(self.graph.width(id))
    }
}

/// Unused bits of the top limb of a value of `width` bits.
pub(super) fn spare(width: u32) -> u8 {
    ((64 - width % 64) % 64) as u8
}
