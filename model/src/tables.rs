//! What is stored.

use crate::dirty::Tracking;
use crate::pool::Pool;
use stagecoach_spec::{NetId, Region, Slices};
use std::collections::BTreeMap;

/// One mapping table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) slices: Slices,
    pub(crate) frozen: bool,
    /// Flipped by every fence of the table.
    pub(crate) epoch: bool,
}

/// A valid region and the variant of its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Installed {
    pub(crate) variant: u8,
    pub(crate) region: Region,
}

/// A present page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) frame: u64,
    pub(crate) page_size: u8,
}

/// Everything that is stored. Regions and slots are named by their table and their place in its slice; since slices
/// never overlap and only empty tables get others, the pools behind them need no model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    /// By CAM entry.
    pub(crate) bindings: BTreeMap<u32, (NetId, u16)>,
    /// By table number.
    pub(crate) tables: BTreeMap<u16, Table>,
    /// By table and key index.
    pub(crate) regions: Pool<Installed>,
    /// By table and slot.
    pub(crate) slots: Pool<Page>,
    /// By table number: those that are tracked.
    pub(crate) tracking: BTreeMap<u16, Tracking>,
}

impl Tables {
    /// The CAM entry of an identifier and the table that it names.
    pub(crate) fn binding_of(&self, net_id: NetId) -> Option<(u32, u16)> {
        let binding = self.bindings.iter().find(|(_, (bound, _))| *bound == net_id);
        binding.map(|(entry, (_, table))| (*entry, *table))
    }

    /// Whether an identifier names the table.
    pub(crate) fn is_bound(&self, table: u16) -> bool {
        self.bindings.values().any(|(_, bound)| *bound == table)
    }

    /// Whether a region of the table is valid or a slot present.
    pub(crate) fn holds_something(&self, table: u16) -> bool {
        self.regions.has_any(table) || self.slots.has_any(table)
    }
}
