//! What is stored.

use stagecoach_spec::{NetId, Region, Slices};
use std::collections::BTreeMap;

/// One mapping table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) slices: Slices,
    pub(crate) frozen: bool,
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
    pub(crate) regions: BTreeMap<(u16, u32), Installed>,
    /// By table and slot.
    pub(crate) slots: BTreeMap<(u16, u32), Page>,
}

impl Tables {
    /// The table that an identifier is bound to.
    pub(crate) fn bound_to(&self, net_id: NetId) -> Option<u16> {
        self.bindings.values().find(|(bound, _)| *bound == net_id).map(|(_, table)| *table)
    }

    /// Whether an identifier names the table, a region of it is valid or a slot present.
    pub(crate) fn in_use(&self, table: u16) -> bool {
        self.bindings.values().any(|(_, bound)| *bound == table)
            || self.regions.keys().any(|(owner, _)| *owner == table)
            || self.slots.keys().any(|(owner, _)| *owner == table)
    }
}
