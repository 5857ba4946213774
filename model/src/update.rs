//! The checks of each update, in the order of the errors' codes, and its effect. (1 UNSUPPORTED and 2 BAD_ARGUMENT
//! are found when the command is read.)
//!
//! 18 CORRUPT comes right behind 3 NO_SUCH_TABLE: each update says first which words it reads. A fence takes effect
//! here and now, epoch included; that hardware answers it later is a matter of time, which the model has not.

use crate::Golden;
use crate::cam;
use crate::dirty::Tracking;
use crate::part::Part;
use crate::peek;
use crate::protection::{Reading, Word};
use crate::tables::{Installed, Page, Table};
use stagecoach_spec::{
    Answer, Config, Counter, Cuckoo, FrameWindows, NetId, PeekEntry, Region, Seed, Slices, Stored, Update,
    UpdateError,
};

type Checked = Result<(), UpdateError>;

pub(crate) fn apply(golden: &mut Golden, update: &Update) -> Answer {
    match *update {
        Update::SetTable { table, slices } => set_table(golden, table, slices)?,
        Update::ClearTable { table } => clear_table(golden, table)?,
        Update::Bind { table, net_id } => bind(golden, table, net_id)?,
        Update::Unbind { table, net_id } => unbind(golden, table, net_id)?,
        Update::Move { table, net_id, way } => move_binding(golden, table, net_id, way)?,
        Update::Reseed { way, seed } => reseed(golden, way, seed)?,
        Update::Freeze { table } => freeze(golden, table)?,
        Update::Thaw { table } => thaw(golden, table)?,
        Update::Install { table, key, region } => install(golden, table, key, region)?,
        Update::Invalidate { table, key } => invalidate(golden, table, key)?,
        Update::SetSlot { table, slot, frame, page_size } => {
            set_slot(golden, table, slot, Page { frame, page_size })?;
        }
        Update::ClearSlot { table, slot } => clear_slot(golden, table, slot)?,
        Update::Track { table, granule_shift: 0, .. } => stop_tracking(golden, table)?,
        Update::Track { table, granule_shift, dirty_base } => {
            track(golden, table, Tracking::new(granule_shift.into(), dirty_base))?;
        }
        Update::Harvest { table, word } => return harvest(golden, table, word),
        Update::ReadCounter { table, counter } => return read_counter(golden, table, counter),
        Update::Peek { entry, word } => {
            check_entry(golden, entry)?;
            return Ok(peek::word(golden, entry, word));
        }
        Update::Inject { stored, bit } => inject(golden, stored, bit)?,
    }
    Ok(0)
}

fn refuse_if(applies: bool, error: UpdateError) -> Checked {
    if applies { Err(error) } else { Ok(()) }
}

fn check_number(config: &Config, table: u16) -> Checked {
    refuse_if(u32::from(table) >= config.tables, UpdateError::NoSuchTable)
}

/// Reads all of these words.
fn read(golden: &mut Golden, words: impl IntoIterator<Item = Word>) -> Checked {
    let mut corrupt = false;
    for word in words {
        corrupt |= golden.flips.read(word) == Reading::Corrupt;
    }
    refuse_if(corrupt, UpdateError::Corrupt)
}

/// The words that a search of all tables reads.
fn all_records(golden: &Golden) -> Vec<Word> {
    golden.tables.tables.keys().map(|table| Word::Record(*table)).collect()
}

/// The words that a search of all bindings reads.
fn all_bindings(golden: &Golden) -> impl Iterator<Item = Word> + use<> {
    (0..golden.config.cam_entries()).map(Word::ListedBinding)
}

/// The table, when its number exists (3), its record can be read (18) and it is set (4).
fn existing(golden: &mut Golden, table: u16) -> Result<Table, UpdateError> {
    check_number(&golden.config, table)?;
    read(golden, [Word::Record(table)])?;
    golden.tables.tables.get(&table).copied().ok_or(UpdateError::TableAbsent)
}

/// As [`existing`], where a word of the table's slices is read too, if it lies in them (18), and the table's mappings
/// may change: not frozen (6).
fn changeable(golden: &mut Golden, table: u16, note: Stored) -> Result<Table, UpdateError> {
    let state = existing(golden, table)?;
    read(golden, Word::of(note, &state.slices))?;
    refuse_if(state.frozen, UpdateError::TableFrozen)?;
    Ok(state)
}

/// Writes a table's state into the word that lookups read.
fn write_table(golden: &mut Golden, table: u16, state: Table) {
    golden.tables.tables.insert(table, state);
    golden.flips.written(Word::Table(table));
}

/// A fence takes its place in the order: beats before it carry the old epoch, later ones the new.
fn fence(golden: &mut Golden, table: u16, state: Table) {
    write_table(golden, table, Table { epoch: !state.epoch, ..state });
}

fn set_table(golden: &mut Golden, table: u16, slices: Slices) -> Checked {
    check_number(&golden.config, table)?;
    let records = all_records(golden);
    read(golden, records)?;
    let config = &golden.config;
    let tables = &golden.tables;
    let in_use = tables.is_bound(table) || tables.holds_something(table);
    refuse_if(in_use, UpdateError::TableInUse)?;
    let before = tables.tables.get(&table);
    refuse_if(before.is_some_and(|state| state.frozen), UpdateError::TableFrozen)?;

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
    // A table that is set again keeps its epoch: beats of it may be under way.
    let epoch = before.is_some_and(|state| state.epoch);
    write_table(golden, table, Table { slices, frozen: false, epoch });
    forget_tracking(golden, table);
    Ok(())
}

fn clear_table(golden: &mut Golden, table: u16) -> Checked {
    let state = existing(golden, table)?;
    refuse_if(golden.tables.is_bound(table), UpdateError::TableInUse)?;
    golden.tables.tables.remove(&table);
    golden.tables.tracking.remove(&table);
    golden.tables.regions.clear(table);
    golden.tables.slots.clear(table);
    golden.counters.clear(table);
    golden.fault_log.clear(table);
    golden.flips.clear(table, &state.slices);
    Ok(())
}

fn bind(golden: &mut Golden, table: u16, net_id: NetId) -> Checked {
    check_number(&golden.config, table)?;
    read(golden, all_bindings(golden).chain([Word::Record(table)]))?;
    existing(golden, table)?;
    let entries = cam::entries_for(golden, net_id);
    let most = golden.config.bindings as usize;
    let bindings = &mut golden.tables.bindings;
    refuse_if(bindings.values().any(|(bound, _)| *bound == net_id), UpdateError::AlreadyBound)?;
    refuse_if(bindings.len() >= most, UpdateError::BindingsFull)?;
    let free = entries.into_iter().find(|entry| !bindings.contains_key(entry));
    let entry = free.ok_or(UpdateError::BindingsFull)?;
    bindings.insert(entry, (net_id, table));
    golden.flips.written(Word::Binding(entry));
    Ok(())
}

fn unbind(golden: &mut Golden, table: u16, net_id: NetId) -> Checked {
    check_number(&golden.config, table)?;
    read(golden, all_bindings(golden).chain([Word::Record(table)]))?;
    let state = existing(golden, table)?;
    let binding = golden.tables.binding_of(net_id).filter(|(_, bound)| *bound == table);
    let (entry, _) = binding.ok_or(UpdateError::NotBound)?;
    golden.tables.bindings.remove(&entry);
    golden.flips.written(Word::Binding(entry));
    fence(golden, table, state);
    Ok(())
}

fn move_binding(golden: &mut Golden, table: u16, net_id: NetId, way: u8) -> Checked {
    check_number(&golden.config, table)?;
    read(golden, all_bindings(golden).chain([Word::Record(table)]))?;
    existing(golden, table)?;
    let binding = golden.tables.binding_of(net_id).filter(|(_, bound)| *bound == table);
    let (from, _) = binding.ok_or(UpdateError::NotBound)?;
    let cuckoo = Cuckoo::of(&golden.config);
    let entries = cam::entries_for(golden, net_id).into_iter();
    let in_way = entries.filter(|entry| cuckoo.way_of(*entry) == u32::from(way));
    let free = in_way.into_iter().find(|entry| !golden.tables.bindings.contains_key(entry));
    let to = free.ok_or(UpdateError::BindingsFull)?;
    golden.tables.bindings.remove(&from);
    golden.tables.bindings.insert(to, (net_id, table));
    golden.flips.written(Word::Binding(from));
    golden.flips.written(Word::Binding(to));
    Ok(())
}

fn reseed(golden: &mut Golden, way: u8, seed: Seed) -> Checked {
    let cuckoo = Cuckoo::of(&golden.config);
    let entries = golden.tables.bindings.keys();
    let used = entries.into_iter().any(|entry| cuckoo.way_of(*entry) == u32::from(way));
    refuse_if(used, UpdateError::WayInUse)?;
    golden.seeds[usize::from(way)] = seed;
    Ok(())
}

fn freeze(golden: &mut Golden, table: u16) -> Checked {
    let state = existing(golden, table)?;
    refuse_if(state.frozen, UpdateError::TableFrozen)?;
    fence(golden, table, Table { frozen: true, ..state });
    Ok(())
}

fn thaw(golden: &mut Golden, table: u16) -> Checked {
    let state = existing(golden, table)?;
    refuse_if(!state.frozen, UpdateError::NotFrozen)?;
    write_table(golden, table, Table { frozen: false, ..state });
    Ok(())
}

fn install(golden: &mut Golden, table: u16, key: u32, region: Region) -> Checked {
    let index = key >> 8;
    let slices = changeable(golden, table, Stored::ValidRegion { table, index })?.slices;
    let page_bytes = page_bytes(&golden.config, region.page_size)?;
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

    golden.tables.regions.insert(table, index, Installed { variant: key as u8, region });
    golden.flips.written(Word::Region(slices.region_base + index));
    Ok(())
}

fn invalidate(golden: &mut Golden, table: u16, key: u32) -> Checked {
    let index = key >> 8;
    let state = changeable(golden, table, Stored::ValidRegion { table, index })?;
    refuse_if(index >= state.slices.region_count, UpdateError::OutOfSlice)?;
    let variant = golden.tables.regions.get(table, index).map(|installed| installed.variant);
    refuse_if(variant != Some(key as u8), UpdateError::NotValid)?;
    golden.tables.regions.remove(table, index);
    golden.flips.written(Word::Region(state.slices.region_base + index));
    fence(golden, table, state);
    Ok(())
}

fn set_slot(golden: &mut Golden, table: u16, slot: u32, page: Page) -> Checked {
    let state = changeable(golden, table, Stored::PresentSlot { table, slot })?;
    let slices = state.slices;
    let page_frames = page_bytes(&golden.config, page.page_size)? / 4096;
    let frame = u128::from(page.frame);
    let window_base = u128::from(slices.window_base);
    let window_end = window_base + u128::from(slices.window_count);

    refuse_if(slot >= slices.slot_count, UpdateError::OutOfSlice)?;
    refuse_if(frame < window_base || frame + page_frames > window_end, UpdateError::OutOfWindow)?;
    refuse_if(frame % page_frames != 0, UpdateError::BadOffset)?;

    let replaced = golden.tables.slots.insert(table, slot, page);
    golden.flips.written(Word::Slot(slices.slot_base + slot));
    if replaced.is_some() {
        fence(golden, table, state);
    }
    Ok(())
}

fn clear_slot(golden: &mut Golden, table: u16, slot: u32) -> Checked {
    let state = changeable(golden, table, Stored::PresentSlot { table, slot })?;
    refuse_if(slot >= state.slices.slot_count, UpdateError::OutOfSlice)?;
    let removed = golden.tables.slots.remove(table, slot);
    refuse_if(removed.is_none(), UpdateError::NotValid)?;
    golden.flips.written(Word::Slot(state.slices.slot_base + slot));
    fence(golden, table, state);
    Ok(())
}

fn track(golden: &mut Golden, table: u16, tracking: Tracking) -> Checked {
    check_number(&golden.config, table)?;
    let records = all_records(golden);
    read(golden, records)?;
    let state = existing(golden, table)?;
    let bitmap = tracking.bitmap(&state.slices);
    refuse_if(!bitmap.is_in(golden.config.dirty_words.into()), UpdateError::OutOfSlice)?;
    let tables = &golden.tables;
    let overlap = tables.tracking.iter().any(|(other, theirs)| {
        let owner = tables.tables.get(other);
        *other != table && owner.is_some_and(|owner| bitmap.overlaps(&theirs.bitmap(&owner.slices)))
    });
    refuse_if(overlap, UpdateError::Overlap)?;
    forget_tracking(golden, table);
    // Whose bits may be missing is not known, so the doubt ends when nobody else's are left that it could be about.
    golden.unsure &= !golden.tables.tracking.is_empty();
    golden.tables.tracking.insert(table, tracking);
    Ok(())
}

fn stop_tracking(golden: &mut Golden, table: u16) -> Checked {
    existing(golden, table)?;
    forget_tracking(golden, table);
    Ok(())
}

/// The word that retirements read is written anew.
fn forget_tracking(golden: &mut Golden, table: u16) {
    golden.tables.tracking.remove(&table);
    golden.flips.written(Word::Tracking(table));
}

fn harvest(golden: &mut Golden, table: u16, word: u32) -> Answer {
    let slices = existing(golden, table)?.slices;
    // An untracked table has no bitmap whose end could be told.
    let tracking = golden.tables.tracking.get_mut(&table).ok_or(UpdateError::NotTracked)?;
    refuse_if(u128::from(word) >= tracking.bitmap(&slices).count, UpdateError::OutOfSlice)?;
    let dirty = tracking.harvest(word);
    // Until tracking starts again, no bitmap can be trusted.
    refuse_if(golden.unsure, UpdateError::Corrupt)?;
    Ok(dirty)
}

fn read_counter(golden: &Golden, table: u16, counter: Counter) -> Answer {
    check_number(&golden.config, table)?;
    let value = match counter {
        Counter::Requests(fault) => golden.counters.of(table, fault),
        Counter::Corrected => golden.flips.corrected(),
        Counter::Uncorrectable => golden.flips.uncorrectable(),
    };
    Ok(value.into())
}

/// Whether there is such an entry to peek at and it can be read; whether something valid is there does not matter.
fn check_entry(golden: &mut Golden, entry: PeekEntry) -> Checked {
    let outside = UpdateError::OutOfSlice;
    match entry {
        PeekEntry::Binding { entry } => {
            refuse_if(entry >= golden.config.cam_entries(), outside)?;
            read(golden, [Word::ListedBinding(entry)])
        }
        PeekEntry::Table { table } => {
            check_number(&golden.config, table)?;
            read(golden, [Word::Record(table)])
        }
        PeekEntry::Region { table, index } => {
            let slices = existing(golden, table)?.slices;
            let word = Word::of(Stored::Region { table, index }, &slices).ok_or(outside)?;
            read(golden, [word])
        }
        PeekEntry::Slot { table, slot } => {
            let slices = existing(golden, table)?.slices;
            let word = Word::of(Stored::Slot { table, slot }, &slices).ok_or(outside)?;
            read(golden, [word])
        }
        PeekEntry::FaultLog { entry } => refuse_if(entry >= golden.config.fault_log_entries, outside),
    }
}

fn inject(golden: &mut Golden, stored: Stored, bit: u16) -> Checked {
    let outside = UpdateError::OutOfSlice;
    let slices = match stored {
        Stored::Binding { entry } | Stored::ListedBinding { entry } => {
            refuse_if(entry >= golden.config.cam_entries(), outside)?;
            Slices::default()
        }
        // A flip in the dirty pool can only make more memory dirty; the model stays with what was written.
        Stored::Dirty { word } => return refuse_if(word >= golden.config.dirty_words, outside),
        Stored::Table { table }
        | Stored::Region { table, .. }
        | Stored::Slot { table, .. }
        | Stored::Record { table }
        | Stored::ValidRegion { table, .. }
        | Stored::PresentSlot { table, .. }
        | Stored::Tracking { table } => existing(golden, table)?.slices,
    };
    let word = Word::of(stored, &slices).ok_or(outside)?;
    golden.flips.flip(word, bit);
    Ok(())
}

fn page_bytes(config: &Config, page_size: u8) -> Result<u128, UpdateError> {
    config.page_shift(page_size).map(|shift| 1 << shift).ok_or(UpdateError::BadArgument)
}
