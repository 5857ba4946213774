//! The checks of each update, in the order of the errors' codes, and its effect. (1 UNSUPPORTED and 2 BAD_ARGUMENT
//! are found when the command is read.)

use crate::peek;
use crate::tables::{Installed, Page, Table, Tables};
use stagecoach_spec::{Answer, Config, FrameWindows, NetId, PeekEntry, Region, Slices, Update, UpdateError};

type Checked = Result<(), UpdateError>;

pub(crate) fn apply(config: &Config, tables: &mut Tables, update: &Update) -> Answer {
    match *update {
        Update::SetTable { table, slices } => set_table(config, tables, table, slices)?,
        Update::Bind { table, net_id } => bind(config, tables, table, net_id)?,
        Update::Unbind { table, net_id } => unbind(config, tables, table, net_id)?,
        Update::Freeze { table } => freeze(config, tables, table)?,
        Update::Thaw { table } => thaw(config, tables, table)?,
        Update::Install { table, key, region } => install(config, tables, table, key, region)?,
        Update::Invalidate { table, key } => invalidate(config, tables, table, key)?,
        Update::SetSlot { table, slot, frame, page_size } => {
            set_slot(config, tables, table, slot, Page { frame, page_size })?;
        }
        Update::ClearSlot { table, slot } => clear_slot(config, tables, table, slot)?,
        Update::Peek { entry, word } => {
            check_place(config, tables, entry)?;
            return Ok(peek::word(config, tables, entry, word));
        }
    }
    Ok(0)
}

fn refuse_if(applies: bool, error: UpdateError) -> Checked {
    if applies { Err(error) } else { Ok(()) }
}

fn check_number(config: &Config, table: u16) -> Checked {
    refuse_if(u32::from(table) >= config.tables, UpdateError::NoSuchTable)
}

/// The table, when its number exists (3) and it is set (4).
fn existing(config: &Config, tables: &Tables, table: u16) -> Result<Table, UpdateError> {
    check_number(config, table)?;
    tables.tables.get(&table).copied().ok_or(UpdateError::TableAbsent)
}

/// The table, when its mappings may change: not frozen (6).
fn changeable(config: &Config, tables: &Tables, table: u16) -> Result<Table, UpdateError> {
    let state = existing(config, tables, table)?;
    refuse_if(state.frozen, UpdateError::TableFrozen)?;
    Ok(state)
}

fn set_table(config: &Config, tables: &mut Tables, table: u16, slices: Slices) -> Checked {
    check_number(config, table)?;
    refuse_if(tables.in_use(table), UpdateError::TableInUse)?;
    let frozen = tables.tables.get(&table).is_some_and(|state| state.frozen);
    refuse_if(frozen, UpdateError::TableFrozen)?;

    let regions = Part::of(slices.region_base, slices.region_count);
    let slots = Part::of(slices.slot_base, slices.slot_count);
    let window = Part { base: slices.window_base.into(), count: slices.window_count.into() };
    let in_pools = regions.is_in(config.regions.into()) && slots.is_in(config.slots.into());
    refuse_if(!in_pools, UpdateError::OutOfSlice)?;
    refuse_if(!window.is_in(1 << config.frame_bits()), UpdateError::OutOfWindow)?;

    for (other, state) in &tables.tables {
        if *other == table {
            continue;
        }
        let owned = state.slices;
        let other_window = Part { base: owned.window_base.into(), count: owned.window_count.into() };
        let windows_matter = config.frame_windows == FrameWindows::Disjoint;
        let overlap = regions.overlaps(&Part::of(owned.region_base, owned.region_count))
            || slots.overlaps(&Part::of(owned.slot_base, owned.slot_count))
            || windows_matter && window.overlaps(&other_window);
        refuse_if(overlap, UpdateError::Overlap)?;
    }
    tables.tables.insert(table, Table { slices, frozen: false });
    Ok(())
}

fn bind(config: &Config, tables: &mut Tables, table: u16, net_id: NetId) -> Checked {
    existing(config, tables, table)?;
    refuse_if(tables.bound_to(net_id).is_some(), UpdateError::AlreadyBound)?;
    let free = (0..config.bindings).find(|entry| !tables.bindings.contains_key(entry));
    let entry = free.ok_or(UpdateError::BindingsFull)?;
    tables.bindings.insert(entry, (net_id, table));
    Ok(())
}

fn unbind(config: &Config, tables: &mut Tables, table: u16, net_id: NetId) -> Checked {
    existing(config, tables, table)?;
    refuse_if(tables.bound_to(net_id) != Some(table), UpdateError::NotBound)?;
    tables.bindings.retain(|_, (bound, _)| *bound != net_id);
    Ok(())
}

fn freeze(config: &Config, tables: &mut Tables, table: u16) -> Checked {
    let state = changeable(config, tables, table)?;
    tables.tables.insert(table, Table { frozen: true, ..state });
    Ok(())
}

fn thaw(config: &Config, tables: &mut Tables, table: u16) -> Checked {
    let state = existing(config, tables, table)?;
    refuse_if(!state.frozen, UpdateError::NotFrozen)?;
    tables.tables.insert(table, Table { frozen: false, ..state });
    Ok(())
}

fn install(config: &Config, tables: &mut Tables, table: u16, key: u32, region: Region) -> Checked {
    let slices = changeable(config, tables, table)?.slices;
    let index = key >> 8;
    let page_bytes = page_bytes(config, region.page_size)?;
    let base = u128::from(region.base);
    let length = u128::from(region.length);
    let first_offset = u128::from(region.first_offset);

    let pages = if length == 0 { 0 } else { (first_offset + length).div_ceil(page_bytes) };
    let slots_fit = u128::from(region.first_slot) + pages <= u128::from(slices.slot_count);
    refuse_if(index >= slices.region_count || !slots_fit, UpdateError::OutOfSlice)?;

    let congruent = base % 4096 == first_offset % 4096;
    let zero_based = base == 0;
    refuse_if(first_offset >= page_bytes || !(congruent || zero_based), UpdateError::BadOffset)?;
    refuse_if(base + length > 1 << 64, UpdateError::AddressWrap)?;
    refuse_if(!region.rights.is_registrable(), UpdateError::BadRights)?;

    tables.regions.insert((table, index), Installed { variant: key as u8, region });
    Ok(())
}

fn invalidate(config: &Config, tables: &mut Tables, table: u16, key: u32) -> Checked {
    let slices = changeable(config, tables, table)?.slices;
    let index = key >> 8;
    refuse_if(index >= slices.region_count, UpdateError::OutOfSlice)?;
    let variant = tables.regions.get(&(table, index)).map(|installed| installed.variant);
    refuse_if(variant != Some(key as u8), UpdateError::NotValid)?;
    tables.regions.remove(&(table, index));
    Ok(())
}

fn set_slot(config: &Config, tables: &mut Tables, table: u16, slot: u32, page: Page) -> Checked {
    let slices = changeable(config, tables, table)?.slices;
    let page_frames = page_bytes(config, page.page_size)? / 4096;
    let frame = u128::from(page.frame);
    let window_base = u128::from(slices.window_base);
    let window_end = window_base + u128::from(slices.window_count);

    refuse_if(slot >= slices.slot_count, UpdateError::OutOfSlice)?;
    refuse_if(frame < window_base || frame + page_frames > window_end, UpdateError::OutOfWindow)?;
    refuse_if(frame % page_frames != 0, UpdateError::BadOffset)?;

    tables.slots.insert((table, slot), page);
    Ok(())
}

fn clear_slot(config: &Config, tables: &mut Tables, table: u16, slot: u32) -> Checked {
    let slices = changeable(config, tables, table)?.slices;
    refuse_if(slot >= slices.slot_count, UpdateError::OutOfSlice)?;
    let removed = tables.slots.remove(&(table, slot));
    refuse_if(removed.is_none(), UpdateError::NotValid)
}

/// Whether there is such a place to peek at; whether something valid is there does not matter.
fn check_place(config: &Config, tables: &Tables, entry: PeekEntry) -> Checked {
    let outside = match entry {
        PeekEntry::Binding { entry } => entry >= config.bindings,
        PeekEntry::Table { table } => {
            check_number(config, table)?;
            false
        }
        PeekEntry::Region { table, index } => index >= existing(config, tables, table)?.slices.region_count,
        PeekEntry::Slot { table, slot } => slot >= existing(config, tables, table)?.slices.slot_count,
    };
    refuse_if(outside, UpdateError::OutOfSlice)
}

fn page_bytes(config: &Config, page_size: u8) -> Result<u128, UpdateError> {
    config.page_shift(page_size).map(|shift| 1 << shift).ok_or(UpdateError::BadArgument)
}

/// Consecutive entries of a pool, or frames of the memory.
struct Part {
    base: u128,
    count: u128,
}

impl Part {
    fn of(base: u32, count: u32) -> Part {
        Part { base: base.into(), count: count.into() }
    }

    /// Whether the pool has all of it, and its first entry even when it is empty.
    fn is_in(&self, pool: u128) -> bool {
        self.base < pool && self.base + self.count <= pool
    }

    /// Whether some entry belongs to both.
    fn overlaps(&self, other: &Part) -> bool {
        let first = self.base.max(other.base);
        let end = (self.base + self.count).min(other.base + other.count);
        first < end
    }
}
