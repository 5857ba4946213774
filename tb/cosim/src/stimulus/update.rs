//! Updates that succeed. Those that meet an error are in `refusal`.

use rand::Rng;
use stagecoach_spec::{Cam, Config, Counter, Fault, NetId, PeekEntry, Region, Slices, Update};

use super::world::{Table, World};
use super::{mask, pick, rearrange, region};

/// A set table that fulfils a condition, if there is one.
pub(super) fn any_table(
    random: &mut impl Rng,
    world: &World,
    fits: impl Fn(u16, &Table) -> bool,
) -> Option<(u16, Table)> {
    let tables: Vec<_> = world.tables.iter().filter(|(number, table)| fits(**number, table)).collect();
    (!tables.is_empty()).then(|| {
        let (number, table) = pick(random, &tables);
        (*number, *table)
    })
}

/// A valid region with its table, preferably of a bound table that is not frozen.
pub(super) fn any_region(random: &mut impl Rng, world: &World) -> Option<(u16, u32, Region)> {
    let regions: Vec<_> =
        world.regions.iter().map(|((table, _), (key, region))| (*table, *key, *region)).collect();
    (!regions.is_empty()).then(|| pick(random, &regions))
}

/// An identifier that fits, from a small family so that they resemble each other.
pub(super) fn net_id(random: &mut impl Rng, world: &World) -> NetId {
    let bits = world.config().net_id_bits;
    let mut limbs = match (random.random_range(0..3), world.bindings.keys().next()) {
        (0, Some(bound)) => bound.limbs(),
        (1, _) => [u64::MAX; 3],
        _ => std::array::from_fn(|_| random.random()),
    };
    if let Some(bound) = world.bindings.keys().next()
        && random.random_ratio(1, 4)
        && let Some(kin) = world.kin().some(random, *bound)
    {
        return kin;
    }
    // One bit makes it another one.
    let bit = random.random_range(0..bits);
    limbs[bit as usize / 64] ^= 1 << (bit % 64);
    for (limb, value) in limbs.iter_mut().enumerate() {
        *value &= mask(bits.saturating_sub(limb as u32 * 64).min(64));
    }
    NetId::from_limbs(limbs)
}

/// The next updates: all of them succeed in this world, unless the world has no place for them.
pub(super) fn random(random: &mut impl Rng, world: &World) -> Vec<Update> {
    let frozen = any_table(random, world, |_, table| table.frozen);
    let choice = random.random_range(0..100);
    if let Some((table, _)) = frozen
        && choice < 20
    {
        return vec![Update::Thaw { table }];
    }
    let none = Vec::new();
    if world.config().cam_kind() == Cam::Cuckoo && random.random_ratio(1, 7) {
        return rearrange::any(random, world);
    }
    match choice {
        0..=33 => register(random, world),
        34..=40 => {
            any_region(random, world).map_or(none, |(table, _, region)| page(random, world, table, region))
        }
        41..=46 => clear_slot(random, world).map_or(none, |update| vec![update]),
        47..=53 => {
            any_region(random, world).map_or(none, |(table, key, _)| vec![Update::Invalidate { table, key }])
        }
        54..=58 => any_table(random, world, |_, table| !table.frozen)
            .map_or(none, |(table, _)| vec![Update::Freeze { table }]),
        59..=65 => bind(random, world),
        66..=69 => unbind(random, world),
        70..=73 => set_table(random, world),
        74 => any_table(random, world, |table, _| !world.is_bound(table))
            .map_or(none, |(table, _)| vec![Update::ClearTable { table }]),
        75..=78 => track(random, world).into_iter().collect(),
        79..=85 => harvest(random, world).into_iter().collect(),
        86..=90 => vec![read_counter(random, world)],
        _ => vec![peek(random, world)],
    }
}

/// Tracks the dirty memory of a table, as finely as there is room for, or less so; or stops.
fn track(random: &mut impl Rng, world: &World) -> Option<Update> {
    let config = world.config();
    if let (true, Some(table)) = (random.random_ratio(1, 8), world.tracked.keys().next()) {
        let dirty_base = random.random_range(0..config.dirty_words);
        return Some(Update::Track { table: *table, granule_shift: 0, dirty_base });
    }
    let (table, _) = any_table(random, world, |_, _| true)?;
    track_of(random, world, table)
}

/// As [`track`], of this table.
pub(super) fn track_of(random: &mut impl Rng, world: &World, table: u16) -> Option<Update> {
    let config = world.config();
    let slices = world.tables.get(&table)?.slices;
    let others = world.tracked.iter().filter(|(owner, _)| **owner != table);
    let taken = others.map(|(_, tracked)| (tracked.dirty_base.into(), tracked.words.into()));
    let (dirty_base, room) = gap(random, config.dirty_words.into(), taken);
    let words = |shift: u8| Config::dirty_words_of(slices.window_count, shift.into());
    let fitting: Vec<u8> = (12..=30).filter(|shift| words(*shift) <= room).collect();
    let finest = *fitting.first()?;
    let granule_shift = if random.random() { finest } else { pick(random, &fitting) };
    Some(Update::Track { table, granule_shift, dirty_base: dirty_base as u32 })
}

/// Frames that fill so many words of a bitmap of some granule, or some fewer or more.
pub(super) fn window_of_words(random: &mut impl Rng, config: &Config) -> u64 {
    let of_a_word = 64u64 << pick(random, &[0, 0, 0, 1, 4, 9]);
    let words = random.random_range(1..=u64::from(config.dirty_words).min(8));
    of_a_word * words + pick(random, &[0, 1, 1, 1, of_a_word - 1])
}

/// A word of a tracked table's bitmap, mostly one with a granule that a slot names.
fn harvest(random: &mut impl Rng, world: &World) -> Option<Update> {
    let tracked: Vec<u16> =
        world.tracked.iter().filter(|(_, tracked)| tracked.words > 0).map(|(table, _)| *table).collect();
    let table = (!tracked.is_empty()).then(|| pick(random, &tracked))?;
    harvest_of(random, world, table)
}

/// As [`harvest`], of this table.
pub(super) fn harvest_of(random: &mut impl Rng, world: &World, table: u16) -> Option<Update> {
    let tracked = world.tracked.get(&table).filter(|tracked| tracked.words > 0)?;
    let window_base = world.tables.get(&table)?.slices.window_base;
    let frames: Vec<u64> =
        world.slots.range((table, 0)..=(table, u32::MAX)).map(|(_, page)| page.frame).collect();
    let anywhere = random.random_range(0..tracked.words);
    let word = if frames.is_empty() || random.random_ratio(1, 6) {
        pick(random, &[0, tracked.words - 1, anywhere])
    } else {
        let granule = (pick(random, &frames) - window_base) >> (tracked.granule_shift - 12);
        (granule / 64) as u32
    };
    Some(Update::Harvest { table, word })
}

/// Counters of what happens, of tables that are set or not.
fn read_counter(random: &mut impl Rng, world: &World) -> Update {
    let counter = match random.random_range(0..8) {
        0 => pick(random, &[Counter::Corrected, Counter::Uncorrectable]),
        1..=3 => Counter::Requests(Fault::Granted),
        _ => Counter::Requests(Fault::ALL[random.random_range(0..12)]),
    };
    let any = random.random_range(0..world.config().tables) as u16;
    let set = any_table(random, world, |_, _| true).map(|(table, _)| table);
    let table = set.filter(|_| random.random_ratio(5, 6)).unwrap_or(any);
    Update::ReadCounter { table, counter }
}

/// Slots first, region last, as drivers do; sometimes a slot is left out or has a page of another size.
fn register(random: &mut impl Rng, world: &World) -> Vec<Update> {
    let fits = |table: &Table| !table.frozen && table.slices.region_count > 0;
    let chosen = any_table(random, world, |number, table| fits(table) && world.is_bound(number))
        .or_else(|| any_table(random, world, |_, table| fits(table)));
    let Some((table, Table { slices, .. })) = chosen else { return Vec::new() };
    let config = world.config();
    let region = region::random(random, config, &slices);
    let shift = config.page_shifts[usize::from(region.page_size)];
    let extent = u128::from(region.length) + u128::from(region.first_offset);
    let pages = if region.length == 0 { 0 } else { extent.div_ceil(1 << shift) as u32 };
    let mut updates = Vec::new();
    let skips_pages = random.random_ratio(1, 4);
    for slot in region.first_slot..region.first_slot + pages {
        let other_size = random.random_ratio(1, 15);
        let page_size = if other_size {
            random.random_range(0..config.page_shifts.len()) as u8
        } else {
            region.page_size
        };
        let left_out = skips_pages && random.random_ratio(1, 2);
        let frame = region::frame(random, &slices, config.page_shifts[usize::from(page_size)]);
        if let Some(frame) = frame.filter(|_| !left_out) {
            updates.push(Update::SetSlot { table, slot, frame, page_size });
        }
    }
    let known = world.regions_of(table);
    let index = match known.first() {
        Some(_) if random.random() => pick(random, &known).0 >> 8,
        _ => {
            let anywhere = random.random_range(0..slices.region_count);
            pick(random, &[0, slices.region_count - 1, anywhere, anywhere])
        }
    };
    let variant = pick(random, &[0, 1, 0x80, 0xff]);
    updates.push(Update::Install { table, key: index << 8 | variant, region });
    updates
}

/// Another page into a slot of a region.
fn page(random: &mut impl Rng, world: &World, table: u16, region: Region) -> Vec<Update> {
    let config = world.config();
    let Some(Table { slices, .. }) = world.tables.get(&table) else { return Vec::new() };
    let shift = config.page_shifts[usize::from(region.page_size)];
    let slot = region.first_slot + random.random_range(0..3);
    match region::frame(random, slices, shift) {
        Some(frame) if slot < slices.slot_count => {
            vec![Update::SetSlot { table, slot, frame, page_size: region.page_size }]
        }
        _ => Vec::new(),
    }
}

fn clear_slot(random: &mut impl Rng, world: &World) -> Option<Update> {
    let slots: Vec<_> = world.slots.keys().collect();
    (!slots.is_empty()).then(|| {
        let (table, slot) = *pick(random, &slots);
        Update::ClearSlot { table, slot }
    })
}

pub(super) fn bind(random: &mut impl Rng, world: &World) -> Vec<Update> {
    let unbound = |number: u16| !world.is_bound(number);
    let chosen = any_table(random, world, |number, _| unbound(number))
        .or_else(|| any_table(random, world, |_, _| true));
    chosen.map_or(Vec::new(), |(table, _)| {
        let net_id = net_id(random, world);
        rearrange::bind(random, world, net_id, table)
    })
}

/// Ends a binding, often to bind the identifier again elsewhere.
fn unbind(random: &mut impl Rng, world: &World) -> Vec<Update> {
    let bindings: Vec<_> = world.bindings.iter().map(|(net_id, table)| (*net_id, *table)).collect();
    if bindings.is_empty() {
        return Vec::new();
    }
    let (net_id, table) = pick(random, &bindings);
    let plan = world.planner().unbind(net_id).ok().filter(|_| random.random());
    let mut updates = plan.unwrap_or_else(|| vec![Update::Unbind { table, net_id }]);
    if let Some((table, _)) = any_table(random, world, |_, _| true)
        && random.random_ratio(3, 4)
    {
        updates.push(Update::Bind { table, net_id });
    }
    updates
}

/// Gives a free table a part of the pools that nobody owns.
fn set_table(random: &mut impl Rng, world: &World) -> Vec<Update> {
    let config = world.config();
    let free: Vec<u16> = (0..config.tables as u16).filter(|table| world.is_free(*table)).collect();
    if free.is_empty() {
        return Vec::new();
    }
    let table = pick(random, &free);
    let owners =
        || world.tables.iter().filter(|(number, _)| **number != table).map(|(_, table)| table.slices);
    let regions =
        gap(random, config.regions.into(), owners().map(|s| (s.region_base.into(), s.region_count.into())));
    let slots = gap(random, config.slots.into(), owners().map(|s| (s.slot_base.into(), s.slot_count.into())));
    let frames = 1u64 << config.frame_bits();
    let windows = gap(random, frames, owners().map(|s| (s.window_base, s.window_count)));
    let slices = Slices {
        region_base: regions.0 as u32,
        region_count: regions.1 as u32,
        slot_base: slots.0 as u32,
        slot_count: slots.1 as u32,
        window_base: windows.0,
        window_count: windows.1,
    };
    vec![Update::SetTable { table, slices }]
}

/// A part between what is owned: base and count, the count 0 where nothing is left.
pub(super) fn gap(random: &mut impl Rng, pool: u64, owned: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    let mut owned: Vec<_> = owned.filter(|(_, count)| *count > 0).collect();
    owned.sort_unstable();
    owned.push((pool, 0));
    let mut gaps = Vec::new();
    let mut from = 0;
    for (base, count) in owned {
        if base > from {
            gaps.push((from, base - from));
        }
        from = from.max(base + count);
    }
    if gaps.is_empty() {
        return (0, 0);
    }
    let (base, count) = pick(random, &gaps);
    match random.random_range(0..4) {
        0 => (base, count),
        1 => (base, count.div_ceil(2)),
        2 => (base + count / 2, count - count / 2),
        _ => (base + count / 3, (count - count / 3).div_ceil(2)),
    }
}

/// Reads some entry, mostly one that something was done to.
fn peek(random: &mut impl Rng, world: &World) -> Update {
    let table = any_table(random, world, |_, _| true).map_or(0, |(table, _)| table);
    let bound = world.bindings.keys().next().and_then(|net_id| world.planner().entry_of(*net_id));
    let any_entry = random.random_range(0..world.config().cam_entries());
    let log = world.config().fault_log_entries;
    if log > 0 && random.random() {
        let entry = PeekEntry::FaultLog { entry: random.random_range(0..log) };
        return Update::Peek { entry, word: random.random_range(0..entry.words()) };
    }
    let entry = match (random.random_range(0..4), any_region(random, world)) {
        (0, _) => PeekEntry::Binding { entry: bound.filter(|_| random.random()).unwrap_or(any_entry) },
        (1, _) | (_, None) => PeekEntry::Table { table },
        (2, Some((table, key, _))) => PeekEntry::Region { table, index: key >> 8 },
        (_, Some((table, _, region))) => PeekEntry::Slot { table, slot: region.first_slot },
    };
    Update::Peek { entry, word: random.random_range(0..entry.words()) }
}
