//! Updates and requests that meet on purpose. [`crate::races`] counts whether they did.

use rand::Rng;
use stagecoach_spec::{Cam, NetId, PeekEntry, Region, Request, Update};

use super::request::{self, Target};
use super::script::Step;
use super::update::{any_region, any_table, harvest_of, track_of};
use super::world::World;
use super::{pick, rearrange, region};

/// Entries of the fault log that are read one after the other.
const MOST_ENTRIES: u32 = 64;

/// The steps of the next meeting; nothing where the world has not what it takes.
pub(super) fn steps(random: &mut impl Rng, world: &World, number: usize) -> Vec<Step> {
    let kinds = match world.config().cam_kind() {
        Cam::Register => 8,
        Cam::Cuckoo => 11,
    };
    let steps = match number % kinds {
        0 => swap_slots(random, world),
        1 => freeze_a_busy_table(random, world),
        2 => twins(random, world),
        3 => recycle(random, world),
        4 | 5 => harvest_while_writing(random, world),
        6 => read_the_log(random, world),
        8 => move_amid_requests(random, world),
        9 => reseed_amid_requests(random, world),
        10 => crowd(random, world),
        _ => burst(random, world),
    };
    steps.unwrap_or_default()
}

fn requests(random: &mut impl Rng, world: &World, target: Target, most: usize) -> Vec<Step> {
    let count = random.random_range(1..=most);
    (0..count).map(|_| Step::Request(request::flawless(random, world, target))).collect()
}

/// A valid region of a table that is bound and not frozen.
fn live_region(random: &mut impl Rng, world: &World) -> Option<Target> {
    (0..8).find_map(|_| any_region(random, world).filter(|(table, ..)| is_live(world, *table)))
}

fn is_live(world: &World, table: u16) -> bool {
    world.is_bound(table) && world.tables.get(&table).is_some_and(|state| !state.frozen)
}

/// Puts pages into the slots of a region.
fn pages(random: &mut impl Rng, world: &World, (table, _, region): Target) -> Option<Vec<Step>> {
    let config = world.config();
    let slices = world.tables.get(&table)?.slices;
    let shift = config.page_shifts[usize::from(region.page_size)];
    let extent = u128::from(region.length) + u128::from(region.first_offset);
    let pages = if region.length == 0 { 0 } else { extent.div_ceil(1 << shift) as u32 };
    let mut steps = Vec::new();
    for slot in region.first_slot..region.first_slot + pages {
        let frame = region::frame(random, &slices, shift)?;
        steps.push(Step::Update(Update::SetSlot { table, slot, frame, page_size: region.page_size }));
    }
    Some(steps)
}

/// The same key again and again, with two sets of slots in turn.
fn swap_slots(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let (table, key, one) = live_region(random, world)?;
    let slices = world.tables.get(&table)?.slices;
    let shift = world.config().page_shifts[usize::from(one.page_size)];
    let extent = u128::from(one.length) + u128::from(one.first_offset);
    let pages_of_it = extent.div_ceil(1 << shift) as u32;
    let highest = slices.slot_count.checked_sub(pages_of_it)?;
    let other = Region { first_slot: if one.first_slot == highest { 0 } else { highest }, ..one };
    let mut steps = pages(random, world, (table, key, other))?;
    for round in 0..random.random_range(2..7) {
        let region = if round % 2 == 0 { other } else { one };
        // Sometimes the key's variant changes too.
        let key = if random.random_ratio(1, 4) { key ^ round } else { key };
        steps.push(Step::Update(Update::Install { table, key, region }));
        steps.extend(requests(random, world, (table, key, region), 6));
    }
    Some(steps)
}

/// Requests, the freeze amid them, more requests, the end of the freeze.
fn freeze_a_busy_table(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let target = live_region(random, world)?;
    let (table, ..) = target;
    let mut steps = requests(random, world, target, 20);
    steps.push(Step::Update(Update::Freeze { table }));
    steps.extend(requests(random, world, target, 10));
    steps.push(Step::Update(Update::Thaw { table }));
    steps.extend(requests(random, world, target, 10));
    Some(steps)
}

/// Two tables get the same key for different memory, and are asked in turn.
fn twins(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let fits = |table: u16| world.is_bound(table);
    let (one, first) = any_table(random, world, |table, state| {
        fits(table) && !state.frozen && state.slices.region_count > 0
    })?;
    let (other, second) = any_table(random, world, |table, state| {
        table != one && fits(table) && !state.frozen && state.slices.region_count > 0
    })?;
    let index = random.random_range(0..first.slices.region_count.min(second.slices.region_count));
    let key = index << 8 | pick(random, &[0, 1, 0x80, 0xff]);
    let mut steps = Vec::new();
    let mut targets = Vec::new();
    for (table, slices) in [(one, first.slices), (other, second.slices)] {
        let target = (table, key, region::random(random, world.config(), &slices));
        steps.extend(pages(random, world, target).unwrap_or_default());
        steps.push(Step::Update(Update::Install { table, key, region: target.2 }));
        targets.push(target);
    }
    for round in 0..random.random_range(6..20) {
        steps.push(Step::Request(request::flawless(random, world, targets[round % 2])));
    }
    Some(steps)
}

/// A table goes while its requests are in flight, and its slices come back at once under another number or the same.
fn recycle(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let target = live_region(random, world)?;
    let (table, ..) = target;
    let slices = world.tables.get(&table)?.slices;
    let bound: Vec<NetId> =
        world.bindings.iter().filter(|(_, owner)| **owner == table).map(|(net_id, _)| *net_id).collect();
    let unset = (0..world.config().tables as u16).find(|other| !world.tables.contains_key(other));
    let next = unset.filter(|_| random.random()).unwrap_or(table);
    let mut steps = requests(random, world, target, 8);
    steps.extend(bound.iter().map(|net_id| Step::Update(Update::Unbind { table, net_id: *net_id })));
    steps.push(Step::Update(Update::ClearTable { table }));
    steps.push(Step::Update(Update::SetTable { table: next, slices }));
    steps.extend(bound.iter().map(|net_id| Step::Update(Update::Bind { table: next, net_id: *net_id })));
    // What was there is gone: not even the slots are left.
    steps.extend(requests(random, world, target, 8));
    // Nor does the log speak of it.
    if random.random() {
        steps.extend(read_the_log(random, world).into_iter().flatten());
    }
    let renewed = (next, target.1, target.2);
    let index = target.1 >> 8;
    steps.push(Step::Update(Update::Install { table: next, key: index << 8, region: renewed.2 }));
    steps.extend(requests(random, world, renewed, 4));
    steps.extend(pages(random, world, (table, target.1, target.2)).into_iter().flatten().map(
        |step| match step {
            Step::Update(Update::SetSlot { slot, frame, page_size, .. }) => {
                Step::Update(Update::SetSlot { table: next, slot, frame, page_size })
            }
            other => other,
        },
    ));
    steps.extend(requests(random, world, renewed, 8));
    Some(steps)
}

/// Harvests the words that writes are making dirty, of a table that is tracked already or from now on.
fn harvest_while_writing(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let mut world = world.clone();
    let (live, ..) = live_region(random, &world)?;
    let tracked: Vec<u16> = world.tracked.keys().copied().filter(|table| is_live(&world, *table)).collect();
    let mut steps = Vec::new();
    let table = match tracked.first() {
        Some(_) if random.random_ratio(3, 4) => pick(random, &tracked),
        _ => {
            let track = track_of(random, &world, live)?;
            let _ = world.update(&track);
            steps.push(Step::Update(track));
            live
        }
    };
    let regions = world.regions_of(table);
    if regions.is_empty() {
        return Some(steps);
    }
    for _ in 0..random.random_range(3..10) {
        let (key, region) = pick(random, &regions);
        steps.extend(requests(random, &world, (table, key, region), 15));
        steps.extend(harvest_of(random, &world, table).map(Step::Update));
    }
    Some(steps)
}

/// Requests that are granted, one after the other: as many spans as there may be.
fn burst(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let target = live_region(random, world)?;
    Some(requests(random, world, target, 60))
}

/// The fault log, entry by entry: also those that are not written yet, and what `clear_table` has left.
fn read_the_log(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let entries = world.config().fault_log_entries;
    let first = random.random_range(0..entries.max(1));
    let read = entries.min(MOST_ENTRIES);
    let peek = |number: u32| {
        let entry = PeekEntry::FaultLog { entry: (first + number) % entries };
        Step::Update(Update::Peek { entry, word: 0 })
    };
    (read > 0).then(|| (0..read).map(peek).collect())
}

/// Cycles of an update's commands beside its search: a request a cycle for so long meets its token.
const BESIDE_SEARCH: u32 = 120;

/// An identifier is moved about while every request is about it.
fn move_amid_requests(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let mut world = world.clone();
    let target = live_region(random, &world)?;
    let bound: Vec<NetId> =
        world.bindings.iter().filter(|(_, owner)| **owner == target.0).map(|(net_id, _)| *net_id).collect();
    let net_id = (!bound.is_empty()).then(|| pick(random, &bound))?;
    let mut steps = Vec::new();
    for _ in 0..random.random_range(1..=2) {
        let Some(update) = rearrange::move_of(random, &world, net_id) else { break };
        let _ = world.update(&update);
        steps.push(Step::Update(update));
        for _ in 0..world.config().cam_entries() + BESIDE_SEARCH {
            steps.push(Step::Request(Request { net_id, ..request::flawless(random, &world, target) }));
        }
    }
    Some(steps)
}

/// A way is re-seeded amid requests of those who stand in it: refused at first, then with the moves that empty it.
fn reseed_amid_requests(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let plan = rearrange::reseed(random, world)?;
    let reseed = plan.iter().find(|update| matches!(update, Update::Reseed { .. }));
    let mut steps = Vec::new();
    for update in reseed.into_iter().chain(&plan) {
        steps.push(Step::Update(*update));
        let Some(target) = live_region(random, world) else { continue };
        match update {
            Update::Reseed { .. } => {
                steps.extend(
                    (0..BESIDE_SEARCH).map(|_| Step::Request(request::flawless(random, world, target))),
                );
            }
            _ => steps.extend(requests(random, world, target, 12)),
        }
    }
    Some(steps)
}

/// Identifiers that share every place are bound until there is no room, moved (most of these are refused) and asked for;
/// then they go again.
fn crowd(random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
    let mut world = world.clone();
    let (first, table) = world.bindings.iter().next().map(|(net_id, table)| (*net_id, *table))?;
    let target = live_region(random, &world)?;
    let mut steps = Vec::new();
    let mut crowd = vec![first];
    for _ in 0..random.random_range(4..12) {
        let net_id = world.kin().close(random, first)?;
        let bind = Update::Bind { table, net_id };
        steps.push(Step::Update(bind));
        if world.update(&bind).is_ok() {
            crowd.push(net_id);
        }
        let asked = pick(random, &crowd);
        for net_id in [net_id, asked] {
            steps.push(Step::Request(Request { net_id, ..request::flawless(random, &world, target) }));
        }
    }
    for _ in 0..random.random_range(3..10) {
        let net_id = pick(random, &crowd);
        let way = random.random_range(0..=4);
        steps.push(Step::Update(Update::Move { table, net_id, way }));
        steps.push(Step::Request(Request { net_id, ..request::flawless(random, &world, target) }));
    }
    steps.extend(crowd[1..].iter().map(|net_id| Step::Update(Update::Unbind { table, net_id: *net_id })));
    Some(steps)
}
