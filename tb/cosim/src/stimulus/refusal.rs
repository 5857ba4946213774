//! Updates that meet a given error in a given world.

use rand::Rng;
use stagecoach_planner::PlanError;
use stagecoach_spec::{
    Access, Cam, Command, Config, Counter, Cuckoo, Fault, NetId, PeekEntry, Protection, Region, Seed, Slices,
    Stored, Update, UpdateError as Error, UpdateOp,
};

use super::script::Step;
use super::update::{any_region, any_table, net_id};
use super::world::{Table, World};
use super::{pick, region};

/// A region that `install` accepts, to spoil: one byte at 0x1000.
const PLAIN: Region = Region {
    base: 0x1000,
    length: 0,
    first_offset: 0,
    rights: Access::ALL,
    page_size: 0,
    first_slot: 0,
    pd: 0,
};

/// The steps whose last one meets the error, if this world has what it takes.
pub(super) fn provoke(random: &mut impl Rng, world: &World, error: Error) -> Option<Vec<Step>> {
    let config = world.config();
    let one = |update: Update| Some(vec![Step::Update(update)]);
    let open = any_table(random, world, |_, table| !table.frozen);
    let with_regions = any_table(random, world, |_, table| !table.frozen && table.slices.region_count > 0);
    let install = |change: &dyn Fn(&mut Region)| {
        let (table, _) = with_regions?;
        let mut region = PLAIN;
        change(&mut region);
        one(Update::Install { table, key: 0x7f, region })
    };
    match error {
        Error::Unsupported => {
            let inject = UpdateOp::Inject.code();
            let last = if config.protection == Protection::None { inject } else { 31 };
            let known = match config.cam_kind() {
                Cam::Register => 16,
                Cam::Cuckoo => 18,
            };
            let op = pick(random, &[known, 17.max(known), 24, 31, last, last]);
            Some(vec![Step::Command(Command { op, ..Command::stage(0, random.random()) })])
        }
        Error::BadArgument => Some(vec![bad_argument(random, world)]),
        Error::NoSuchTable => {
            let table = pick(random, &[config.tables as u16, config.tables as u16 | 0x8000, u16::MAX]);
            let update = match random.random_range(0..4) {
                3 => binding_update(random, world, table, NetId::default()),
                0 => Update::ReadCounter { table, counter: Counter::Requests(Fault::Granted) },
                _ => any_update(random, table),
            };
            one(update)
        }
        Error::TableAbsent => {
            let absent: Vec<u16> =
                (0..config.tables as u16).filter(|table| !world.tables.contains_key(table)).collect();
            let table = (!absent.is_empty()).then(|| pick(random, &absent))?;
            let update = match random.random_range(0..7) {
                6 => binding_update(random, world, table, NetId::default()),
                0 => Update::ClearTable { table },
                1 => Update::Track { table, granule_shift: pick(random, &[0, 12, 30]), dirty_base: 0 },
                2 => Update::Harvest { table, word: 0 },
                _ => any_update(random, table),
            };
            one(update)
        }
        Error::TableInUse => {
            let bound = any_table(random, world, |table, _| world.is_bound(table));
            if let (true, Some((table, _))) = (random.random(), bound) {
                return one(Update::ClearTable { table });
            }
            let (table, Table { slices, .. }) = any_table(random, world, |table, _| !world.is_free(table))?;
            one(Update::SetTable { table, slices })
        }
        Error::TableFrozen => match any_table(random, world, |_, table| table.frozen) {
            Some((table, _)) => one(any_update(random, table)),
            None => {
                let (table, _) = open?;
                Some(vec![Step::Update(Update::Freeze { table }), Step::Update(any_update(random, table))])
            }
        },
        Error::NotFrozen => one(Update::Thaw { table: open?.0 }),
        Error::OutOfSlice => one(out_of_slice(random, world)?),
        Error::OutOfWindow => {
            let (table, Table { slices, .. }) =
                any_table(random, world, |_, table| !table.frozen && table.slices.slot_count > 0)?;
            let frames = 1u64 << config.frame_bits();
            let end = slices.window_base + slices.window_count;
            let outside = [end, slices.window_base.wrapping_sub(1), end + 1, frames - 1, 0];
            let frame = pick(random, &outside).min(frames - 1);
            let page_size = random.random_range(0..config.page_shifts.len()) as u8;
            one(Update::SetSlot { table, slot: 0, frame, page_size })
        }
        Error::Overlap => overlap(random, world).and_then(one),
        Error::AlreadyBound => {
            let bound: Vec<NetId> = world.bindings.keys().copied().collect();
            let (table, _) = any_table(random, world, |_, _| true)?;
            (!bound.is_empty())
                .then(|| vec![Step::Update(Update::Bind { table, net_id: pick(random, &bound) })])
        }
        Error::NotBound => {
            let (table, _) = any_table(random, world, |_, _| true)?;
            let other = world.bindings.iter().find(|(_, bound)| **bound != table);
            let net_id = match other {
                Some((net_id, _)) if random.random() => *net_id,
                _ => net_id(random, world),
            };
            one(match config.cam_kind() {
                Cam::Cuckoo if random.random() => {
                    Update::Move { table, net_id, way: random.random_range(0..=4) }
                }
                _ => Update::Unbind { table, net_id },
            })
        }
        Error::BindingsFull => fill_bindings(random, world),
        Error::BadOffset => match random.random_range(0..3) {
            0 => install(&|region| region.first_offset = 1 << config.page_shifts[0]),
            1 => install(&|region| region.first_offset = 1),
            _ => misaligned_frame(random, world).and_then(one),
        },
        Error::AddressWrap => {
            let (table, _) = any_table(random, world, |_, table| {
                !table.frozen && table.slices.region_count > 0 && table.slices.slot_count > 1
            })?;
            let (base, length) = pick(random, &[(u64::MAX - 4095, 4097), (u64::MAX, 2)]);
            let first_offset = (base % 4096) as u32;
            one(Update::Install { table, key: 0, region: Region { base, length, first_offset, ..PLAIN } })
        }
        // A stored word must fail its check first: see `flip`.
        Error::Corrupt => None,
        Error::NotTracked => {
            let (table, _) = any_table(random, world, |table, _| !world.tracked.contains_key(&table))?;
            one(Update::Harvest { table, word: pick(random, &[0, 1, u32::MAX]) })
        }
        Error::WayInUse if config.cam_kind() == Cam::Cuckoo => {
            let cuckoo = Cuckoo::of(config);
            let entries = world.bindings.keys().filter_map(|net_id| world.planner().entry_of(*net_id));
            let ways = entries.map(|entry| cuckoo.way_of(entry)).filter(|way| *way < Cuckoo::WAYS);
            let used: Vec<u32> = ways.collect();
            let way = (!used.is_empty()).then(|| pick(random, &used))?;
            one(Update::Reseed { way: way as u8, seed: cuckoo.initial_seeds()[0] })
        }
        // The log's errors are the controller's, not the mapping unit's.
        Error::WayInUse | Error::StaleEpoch | Error::LogFull => None,
        Error::BadRights => {
            let bits = pick(random, &[2, 6, 8, 10, 12, 14]);
            install(&|region| region.rights = Access::from_bits(bits).unwrap_or(Access::REMOTE_WRITE))
        }
        Error::NotValid => {
            let (table, key, _) = any_region(random, world)?;
            let variant = pick(random, &[1, 0x80, 0xff]);
            let (_, Table { slices, .. }) =
                any_table(random, world, |number, state| number == table && !state.frozen)?;
            let absent = (0..slices.slot_count).find(|slot| !world.slots.contains_key(&(table, *slot)));
            match absent {
                Some(slot) if random.random() => one(Update::ClearSlot { table, slot }),
                _ => one(Update::Invalidate { table, key: key ^ variant }),
            }
        }
    }
}

/// An update that every existing table which is not frozen might accept, of any kind that a frozen one refuses.
fn any_update(random: &mut impl Rng, table: u16) -> Update {
    match random.random_range(0..5) {
        0 => Update::Freeze { table },
        1 => Update::Install { table, key: 0, region: PLAIN },
        2 => Update::Invalidate { table, key: 0 },
        3 => Update::SetSlot { table, slot: 0, frame: 0, page_size: 0 },
        _ => Update::ClearSlot { table, slot: 0 },
    }
}

/// An update of an identifier's binding.
fn binding_update(random: &mut impl Rng, world: &World, table: u16, net_id: NetId) -> Update {
    match random.random_range(0..3) {
        0 => Update::Bind { table, net_id },
        1 if world.config().cam_kind() == Cam::Cuckoo => Update::Move { table, net_id, way: 0 },
        _ => Update::Unbind { table, net_id },
    }
}

fn bad_argument(random: &mut impl Rng, world: &World) -> Step {
    let config = world.config();
    let table = any_table(random, world, |_, _| true).map_or(0, |(table, _)| table);
    let sizes = config.page_shifts.len() as u8;
    // A reserved bit; bits 31:0 and 35:32 of word 2 of install are in use, and so on.
    let bare = |op: UpdateOp, data| Command { op: op.code(), table, index: 0, data };
    let update = match random.random_range(0..16) {
        9 => {
            let data = pick(random, &[1, 11, 31, 64, 0xff, 12 | 1 << 8, 1 << 63]);
            return Step::Command(bare(UpdateOp::Track, data));
        }
        10 => {
            let index = pick(random, &[14, 15, 16, 1 << 31, u32::MAX]);
            return Step::Command(Command { index, ..bare(UpdateOp::ReadCounter, 0) });
        }
        11 if config.protection != Protection::None => {
            let bit = u64::from(config.stored_bits(Stored::Table { table }));
            let spaces = [4, 11, 0xff, 1 | 1 << 8, 1 | 1 << 15, 1 | 1 << 32, 1 | bit << 16, 10 | 128 << 16];
            return Step::Command(bare(UpdateOp::Inject, pick(random, &spaces)));
        }
        12 if config.cam_kind() == Cam::Cuckoo => {
            let way = pick(random, &[5, 8, 0xff]);
            Update::Move { table, net_id: NetId::default(), way }
        }
        13 if config.cam_kind() == Cam::Cuckoo => {
            let bit = random.random_range(Cuckoo::of(config).seed_bits()..192);
            let mut limbs = [0; 3];
            limbs[bit as usize / 64] = 1 << (bit % 64);
            let way = random.random_range(0..Cuckoo::WAYS) as u8;
            Update::Reseed { way, seed: Seed::from_limbs(limbs) }
        }
        14 if config.cam_kind() == Cam::Cuckoo => {
            let index = pick(random, &[4, 5, 0x100, 1 << 31]);
            let op = pick(random, &[UpdateOp::Reseed, UpdateOp::Move]);
            // The stash is a way that `move` knows.
            return Step::Command(Command { index: index + u32::from(op == UpdateOp::Move), ..bare(op, 0) });
        }
        0 => return Step::Command(Command::stage(pick(random, &[4, 5, 0x8000_0000, u32::MAX]), 7)),
        1 if sizes < 16 => Update::Install { table, key: 0, region: Region { page_size: sizes, ..PLAIN } },
        2 if config.pd_bits < 32 => {
            Update::Install { table, key: 0, region: Region { pd: 1 << config.pd_bits, ..PLAIN } }
        }
        3 if config.frame_bits() < 52 => {
            Update::SetSlot { table, slot: 0, frame: 1 << config.frame_bits(), page_size: 0 }
        }
        4 => Update::SetSlot { table, slot: 0, frame: 0, page_size: 16 },
        5 => return Step::Command(bare(UpdateOp::SetSlot, 1 << random.random_range(52..56))),
        6 => return Step::Command(bare(UpdateOp::Peek, pick(random, &[5, 0xff, 1 << 16, 1 << 63]))),
        7 => {
            let entries = [
                PeekEntry::Binding { entry: 0 },
                PeekEntry::Table { table },
                PeekEntry::Region { table, index: 0 },
                PeekEntry::Slot { table, slot: 0 },
                PeekEntry::FaultLog { entry: 0 },
            ];
            let entry = pick(random, &entries);
            Update::Peek { entry, word: entry.words() + pick(random, &[0, 3, 64]) }
        }
        _ => {
            let bit = random.random_range(config.net_id_bits..192);
            let mut limbs = [0; 3];
            limbs[bit as usize / 64] = 1 << (bit % 64);
            let net_id = NetId::from_limbs(limbs);
            binding_update(random, world, table, net_id)
        }
    };
    Step::Update(update)
}

fn out_of_slice(random: &mut impl Rng, world: &World) -> Option<Update> {
    let config = world.config();
    let beyond = |choice: usize, count: u32, largest: u32| {
        [count, count, count.saturating_add(1), largest][choice].min(largest).max(count)
    };
    if random.random_ratio(1, 4) {
        let free = (0..config.tables as u16).find(|table| world.is_free(*table));
        let table = free.filter(|table| world.tables.get(table).is_none_or(|state| !state.frozen))?;
        let (base, count) =
            pick(random, &[(config.slots, 0), (config.slots - 1, 2), (u32::MAX, 0), (1, u32::MAX)]);
        let slices = Slices { slot_base: base, slot_count: count, ..Slices::default() };
        return Some(Update::SetTable { table, slices });
    }
    if random.random_ratio(1, 4) {
        return beyond_the_pool_of_words(random, world, beyond);
    }
    let (table, Table { slices, .. }) = any_table(random, world, |_, table| !table.frozen)?;
    let index = beyond(random.random_range(0..4), slices.region_count, (1 << 24) - 1);
    let slot = beyond(random.random_range(0..4), slices.slot_count, u32::MAX);
    let first_page = Region { length: 1, first_slot: slices.slot_count, ..PLAIN };
    let choice = match random.random_range(0..8) {
        0 => Update::Install { table, key: index << 8, region: PLAIN },
        1 => Update::Install { table, key: 0, region: first_page },
        2 => Update::Install {
            table,
            key: 0,
            region: Region { first_slot: slot.max(1), length: u64::MAX, ..PLAIN },
        },
        3 => Update::Invalidate { table, key: index << 8 },
        4 => Update::SetSlot { table, slot, frame: slices.window_base, page_size: 0 },
        5 => Update::ClearSlot { table, slot },
        6 => Update::Peek {
            entry: PeekEntry::Region {
                table,
                index: beyond(random.random_range(0..4), slices.region_count, u32::MAX),
            },
            word: 0,
        },
        _ if random.random() => Update::Peek { entry: PeekEntry::Slot { table, slot }, word: 0 },
        _ => Update::Peek {
            entry: PeekEntry::Binding {
                entry: beyond(random.random_range(0..4), config.cam_entries(), u32::MAX),
            },
            word: 0,
        },
    };
    Some(choice)
}

/// Beyond the dirty pool, a bitmap, or the fault log.
fn beyond_the_pool_of_words(
    random: &mut impl Rng,
    world: &World,
    beyond: impl Fn(usize, u32, u32) -> u32,
) -> Option<Update> {
    let config = world.config();
    let choice = random.random_range(0..4);
    let tracked: Vec<u16> = world.tracked.keys().copied().collect();
    if let (true, false) = (random.random(), tracked.is_empty()) {
        let table = pick(random, &tracked);
        return Some(Update::Harvest { table, word: beyond(choice, world.tracked[&table].words, u32::MAX) });
    }
    if random.random() {
        let entry = PeekEntry::FaultLog { entry: beyond(choice, config.fault_log_entries, u32::MAX) };
        return Some(Update::Peek { entry, word: 0 });
    }
    let (table, Table { slices, .. }) = any_table(random, world, |_, _| true)?;
    let granule_shift = random.random_range(12..=30);
    let words = Config::dirty_words_of(slices.window_count, granule_shift.into());
    // The last word of the bitmap lies behind the pool, or even its first.
    let last = u64::from(config.dirty_words).saturating_sub(words) + 1;
    let dirty_base = if random.random() { last as u32 } else { beyond(choice, config.dirty_words, u32::MAX) };
    Some(Update::Track { table, granule_shift, dirty_base })
}

/// A table is tracked in words that another has.
fn overlapping_bitmap(random: &mut impl Rng, world: &World) -> Option<Update> {
    let owners: Vec<_> = world.tracked.iter().filter(|(_, tracked)| tracked.words > 0).collect();
    let (owner, tracked) = (!owners.is_empty()).then(|| pick(random, &owners))?;
    let (table, Table { slices, .. }) =
        any_table(random, world, |table, state| table != *owner && state.slices.window_count > 0)?;
    let words = |shift: u8| Config::dirty_words_of(slices.window_count, shift.into());
    let pool = u64::from(world.config().dirty_words);
    let dirty_base = tracked.dirty_base + pick(random, &[0, tracked.words - 1]);
    let granule_shift = (12..=30).find(|shift| u64::from(dirty_base) + words(*shift) <= pool)?;
    Some(Update::Track { table, granule_shift, dirty_base })
}

/// A free table is given what another owns.
fn overlap(random: &mut impl Rng, world: &World) -> Option<Update> {
    let config = world.config();
    if random.random_ratio(1, 3)
        && let Some(update) = overlapping_bitmap(random, world)
    {
        return Some(update);
    }
    let owns = |slices: &Slices| slices.region_count > 0 && slices.slot_count > 0;
    let (owner, Table { slices, .. }) = any_table(random, world, |_, table| owns(&table.slices))?;
    let free = (0..config.tables as u16).find(|table| *table != owner && world.is_free(*table))?;
    let part = match random.random_range(0..3) {
        0 => Slices {
            region_base: slices.region_base + slices.region_count - 1,
            region_count: 1,
            ..Slices::default()
        },
        1 => Slices { slot_base: 0, slot_count: slices.slot_base + 1, ..Slices::default() },
        _ => Slices {
            window_base: slices.window_base,
            window_count: slices.window_count.min(1),
            ..Slices::default()
        },
    };
    Some(Update::SetTable { table: free, slices: part })
}

/// Binds identifiers until as many are bound as can be and one more is refused, then gives most entries back.
fn fill_bindings(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let (table, _) = any_table(random, world, |_, _| true)?;
    let mut world = world.clone();
    let mut steps = Vec::new();
    let mut chosen = Vec::new();
    let missing = world.config().bindings as usize - world.bindings.len();
    for _ in 0..(missing + 1) * 20 {
        let net_id = net_id(random, &world);
        match world.planner().bind_or_reseed(net_id, table, &mut || random.next_u64()) {
            Ok(plan) => {
                for update in plan {
                    let _ = world.update(&update);
                    steps.push(Step::Update(update));
                }
                chosen.push(net_id);
            }
            Err(PlanError::Full { .. }) => {
                steps.push(Step::Update(Update::Bind { table, net_id }));
                let given_back = &chosen[missing / 4..];
                steps.extend(
                    given_back.iter().map(|net_id| Step::Update(Update::Unbind { table, net_id: *net_id })),
                );
                return Some(steps);
            }
            Err(_) => {}
        }
    }
    None // The identifiers have too few bits.
}

/// A frame in the window that is not aligned to its page.
fn misaligned_frame(random: &mut impl Rng, world: &World) -> Option<Update> {
    let config = world.config();
    let page_size = random.random_range(0..config.page_shifts.len()) as u8;
    let shift = config.page_shifts[usize::from(page_size)];
    let (table, Table { slices, .. }) =
        any_table(random, world, |_, table| !table.frozen && table.slices.slot_count > 0)?;
    let frame = region::frame(random, &slices, shift)?;
    (shift > 12).then_some(Update::SetSlot { table, slot: 0, frame: frame + 1, page_size })
}
