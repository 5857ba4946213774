//! Tables, regions and slots as lookups read them: small, so that more of them stay in the processor's caches.

use crate::tables::{Installed, Page, Table};
use stagecoach_spec::Op;

/// A table, 16 bytes. One that is not set has no region and no binding.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(16))]
pub(super) struct StoredTable {
    pub(super) region_base: u32,
    pub(super) region_count: u32,
    pub(super) frozen: bool,
    pub(super) epoch: bool,
}

impl StoredTable {
    pub(super) fn of(table: &Table) -> StoredTable {
        let Table { slices, frozen, epoch } = *table;
        StoredTable { region_base: slices.region_base, region_count: slices.region_count, frozen, epoch }
    }
}

/// A region, 32 bytes: two to a cache line, none across.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct StoredRegion {
    pub(super) base: u64,
    pub(super) length: u64,
    /// In the slot pool.
    pub(super) first_slot: u32,
    pub(super) first_offset: u32,
    pub(super) pd: u32,
    variant: u8,
    /// Bit n: n is an operation's code, and the operation has the rights that it needs. Asking costs no branch on the op.
    /// 0 where no region is valid.
    ops: u8,
    pub(super) page_size: u8,
    /// 0 where no region is valid.
    pub(super) page_shift: u8,
}

impl StoredRegion {
    pub(super) fn of(installed: &Installed, page_shift: u32, slot_base: u32) -> StoredRegion {
        let Installed { variant, region } = *installed;
        let allows = |op: &Op| op.is_valid() && region.rights.contains(op.needed_access());
        let allowed = Op::ALL.into_iter().filter(allows);
        let ops = allowed.map(|op| 1 << op.code()).sum();
        StoredRegion {
            base: region.base,
            length: region.length,
            first_slot: slot_base + region.first_slot,
            first_offset: region.first_offset,
            pd: region.pd,
            variant,
            ops,
            page_size: region.page_size,
            page_shift: page_shift as u8,
        }
    }

    /// Where no region is valid.
    pub(super) const NONE: StoredRegion = StoredRegion {
        base: 0,
        length: 0,
        first_slot: 0,
        first_offset: 0,
        pd: 0,
        variant: 0,
        ops: 0,
        page_size: 0,
        page_shift: 0,
    };

    /// Of an address of the region, and without meaning for others.
    #[inline]
    pub(super) fn position(&self, va: u64) -> u64 {
        va.wrapping_sub(self.base).wrapping_add(self.first_offset.into())
    }

    /// The slot of a position, in the pool.
    #[inline]
    pub(super) fn slot(&self, position: u64) -> u64 {
        u64::from(self.first_slot) + (position >> self.page_shift)
    }

    /// Whether it is valid and of this variant.
    #[inline]
    pub(super) fn is(&self, variant: u8) -> bool {
        self.page_shift != 0 && self.variant == variant
    }

    /// Whether it is valid, and its rights are enough for the op.
    #[inline]
    pub(super) fn allows(&self, op: Op) -> bool {
        self.ops >> op.code() & 1 == 1
    }
}

/// A slot: present in bit 63, page size in 59:56, frame in 51:0; all zero when it is empty.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StoredSlot(u64);

impl StoredSlot {
    pub(super) fn of(page: &Page) -> StoredSlot {
        StoredSlot(1 << 63 | u64::from(page.page_size) << 56 | page.frame)
    }

    /// The slot of this place in the pool.
    #[inline]
    pub(super) fn read(pool: &[StoredSlot], place: u64) -> StoredSlot {
        pool.get(place as usize).copied().unwrap_or_default()
    }

    /// The frame, when a page of this size is present.
    #[inline]
    pub(super) fn frame(self, page_size: u8) -> Option<u64> {
        let present = self.0 >> 56 == 1 << 7 | u64::from(page_size);
        present.then_some(self.0 & ((1 << 52) - 1))
    }
}
