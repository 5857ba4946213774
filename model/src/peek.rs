//! How entries read back. The layout of the words stands at [`PeekEntry`].

use crate::Golden;
use stagecoach_spec::PeekEntry;

/// The word of an entry whose place was checked; 0 for an entry that is not valid.
pub(crate) fn word(golden: &Golden, entry: PeekEntry, word: u8) -> u64 {
    let words = words(golden, entry).unwrap_or_default();
    words.get(usize::from(word)).copied().unwrap_or(0)
}

fn words(golden: &Golden, entry: PeekEntry) -> Option<[u64; 8]> {
    let tables = &golden.tables;
    match entry {
        PeekEntry::Binding { entry } => {
            let (net_id, table) = tables.bindings.get(&entry)?;
            let [low, middle, high] = net_id.limbs();
            Some([low, middle, high, 1 | u64::from(*table) << 32, 0, 0, 0, 0])
        }
        PeekEntry::Table { table } => {
            let state = tables.tables.get(&table)?;
            let s = state.slices;
            Some([
                u64::from(s.region_base) | u64::from(s.region_count) << 32,
                u64::from(s.slot_base) | u64::from(s.slot_count) << 32,
                s.window_base,
                s.window_count,
                1 | u64::from(state.frozen) << 1,
                0,
                0,
                0,
            ])
        }
        PeekEntry::Region { table, index } => {
            let installed = tables.regions.get(table, index)?;
            let r = installed.region;
            let limit = u128::from(r.base) + u128::from(r.length);
            let origin = r.base.wrapping_sub(u64::from(r.first_offset));
            let state = 1
                | ((limit >> 64) as u64) << 1
                | u64::from(r.rights.bits()) << 8
                | u64::from(r.page_size) << 16
                | u64::from(installed.variant) << 24
                | u64::from(r.pd) << 32;
            let stored_origin = origin % (1 << golden.config.position_bits());
            Some([r.base, limit as u64, state, stored_origin, u64::from(r.first_slot), 0, 0, 0])
        }
        PeekEntry::Slot { table, slot } => {
            let page = tables.slots.get(table, slot)?;
            Some([1 << 63 | u64::from(page.page_size) << 56 | page.frame, 0, 0, 0, 0, 0, 0, 0])
        }
        PeekEntry::FaultLog { entry } => golden.fault_log.words(entry),
    }
}
