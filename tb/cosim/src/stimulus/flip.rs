//! Flipped bits. With `parity` a bit is flipped, met by a few requests and updates, and flipped back. With `secded` it
//! stays until the unit or a write puts it right; no word is flipped twice, since a second flip may come before or after
//! that, except the first of its memory: all is quiet then, and one request meets nothing but that flip, so the unit has
//! put it right before it takes up the next update.

use std::collections::BTreeSet;

use rand::Rng;
use stagecoach_spec::{Counter, Fault, NetId, PeekEntry, Protection, Stored, Update};

use super::request::{self, Target};
use super::script::Step;
use super::update::any_region;
use super::world::World;
use super::{pick, update};

/// What was flipped so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Flips {
    /// Space and place of each, where nothing may be flipped twice.
    done: BTreeSet<(u8, u32)>,
    /// With parity, a bit for each space: a word that was written while it was flipped stays flipped when it is flipped
    /// back, and parity does not see a second bit.
    bits: [Option<u32>; 11],
}

/// Where a word lies, whatever table owns it: the memory's space, and the place there.
fn place_of(world: &World, stored: Stored) -> (u8, u32) {
    let (table, index) = stored.place();
    let slices = world.tables.get(&table).map(|state| state.slices).unwrap_or_default();
    let place = match stored {
        Stored::Region { .. } | Stored::ValidRegion { .. } => slices.region_base + index,
        Stored::Slot { .. } | Stored::PresentSlot { .. } => slices.slot_base + index,
        Stored::Table { .. } | Stored::Record { .. } | Stored::Tracking { .. } => table.into(),
        Stored::Binding { .. } | Stored::ListedBinding { .. } | Stored::Dirty { .. } => index,
    };
    (stored.space(), place)
}

impl Flips {
    /// A flip and what meets it; nothing where there is no protection.
    pub(super) fn steps(&mut self, random: &mut impl Rng, world: &World) -> Vec<Step> {
        let config = world.config();
        match config.protection {
            Protection::None => Vec::new(),
            Protection::Parity if random.random_ratio(1, 3) => self.pair(random, world).unwrap_or_default(),
            Protection::Parity => {
                let Some(stored) = any_stored(random, world) else { return Vec::new() };
                let flip = self.flip(random, world, stored);
                let mut steps = in_quiet(stored, flip);
                steps.extend(meet(random, world, stored));
                steps.extend(in_quiet(stored, flip));
                steps
            }
            Protection::Secded => {
                if random.random_ratio(1, 3)
                    && let Some(steps) = self.twice(random, world)
                {
                    return steps;
                }
                let words = random.random_range(1..=6);
                (0..words).flat_map(|_| self.once(random, world)).collect()
            }
        }
    }

    /// A word that was not flipped yet is, and is met.
    fn once(&mut self, random: &mut impl Rng, world: &World) -> Vec<Step> {
        let untouched = |stored: &Stored| !self.done.contains(&place_of(world, *stored));
        let Some(stored) = any_stored(random, world).filter(untouched) else { return Vec::new() };
        self.done.insert(place_of(world, stored));
        let mut steps = in_quiet(stored, self.flip(random, world, stored));
        steps.extend(meet(random, world, stored));
        steps
    }

    /// A word of a memory without flips so far is flipped, met, put right, and flipped elsewhere; nothing where no
    /// request would be granted.
    fn twice(&mut self, random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
        let target = any_region(random, world)?;
        let request = request::flawless(random, world, target);
        let beats = world.beats_of(&request);
        if !beats.iter().all(|beat| beat.fault == Fault::Granted && beat.span > 0) {
            return None;
        }
        let read = read_by(world, target, &request);
        let untouched = |stored: &Stored| self.done.iter().all(|(space, _)| *space != stored.space());
        let choices: Vec<Stored> = read.into_iter().flatten().filter(untouched).collect();
        let stored = (!choices.is_empty()).then(|| pick(random, &choices))?;
        self.done.insert(place_of(world, stored));
        let request = Step::Request(request);
        let one = self.flip(random, world, stored);
        let other = self.flip(random, world, stored);
        let quiet = Step::Settle;
        Some(vec![quiet, one, quiet, request, quiet, other, quiet, request, request])
    }

    /// Two words of different tables or memories are flipped at a time, met by requests in turn, and flipped back; then
    /// the unit says how often it met them.
    fn pair(&mut self, random: &mut impl Rng, world: &World) -> Option<Vec<Step>> {
        let (one, other) = (any_region(random, world)?, any_region(random, world)?);
        let words = |(table, key, region): Target| {
            let slots = world.tables.get(&table).map_or(0, |state| state.slices.slot_count);
            let slot = region.first_slot.min(slots.saturating_sub(1));
            [Stored::Table { table }, Stored::Region { table, index: key >> 8 }, Stored::Slot { table, slot }]
        };
        let (table, key, _) = one;
        let of_requests = [pick(random, &words(one)), pick(random, &words(other))];
        let of_updates = [Stored::Record { table }, Stored::ValidRegion { table, index: key >> 8 }];
        let stored = if random.random() { of_requests } else { of_updates };
        if stored[0] == stored[1] {
            return None;
        }
        let flips = stored.map(|stored| self.flip(random, world, stored));
        let mut steps = flips.to_vec();
        for _ in 0..random.random_range(4..24) {
            let target = pick(random, &[one, other]);
            steps.push(Step::Request(request::flawless(random, world, target)));
        }
        steps.push(Step::Update(Update::Invalidate { table, key: key ^ 1 }));
        steps.extend(flips);
        steps.push(Step::Update(Update::ReadCounter { table: 0, counter: Counter::Uncorrectable }));
        Some(steps)
    }

    /// A bit of the word is flipped.
    fn flip(&mut self, random: &mut impl Rng, world: &World, stored: Stored) -> Step {
        let config = world.config();
        let number = match config.protection {
            Protection::Parity => {
                *self.bits[usize::from(stored.space())].get_or_insert_with(|| random.random())
            }
            Protection::None | Protection::Secded => random.random(),
        };
        Step::Update(Update::Inject { stored, bit: (number % config.stored_bits(stored)) as u16 })
    }
}

/// The flip of a tracking word meets no retirement that is under way: retirements read that word before they count, so
/// which of the two came first is nobody's to say.
fn in_quiet(stored: Stored, flip: Step) -> Vec<Step> {
    match stored {
        Stored::Tracking { .. } => vec![Step::Settle, flip, Step::Settle],
        _ => vec![flip],
    }
}

/// The words that a granted request with bytes reads on its way.
fn read_by(
    world: &World,
    (table, key, region): Target,
    request: &stagecoach_spec::Request,
) -> [Option<Stored>; 4] {
    let shift = world.config().page_shifts[usize::from(region.page_size)];
    let offset = request.va.wrapping_sub(region.base).wrapping_add(region.first_offset.into());
    let slot = region.first_slot + (offset >> shift) as u32;
    [
        world.planner().entry_of(request.net_id).map(|entry| Stored::Binding { entry }),
        Some(Stored::Table { table }),
        Some(Stored::Region { table, index: key >> 8 }),
        Some(Stored::Slot { table, slot }),
    ]
}

/// A stored word that something depends on.
fn any_stored(random: &mut impl Rng, world: &World) -> Option<Stored> {
    let (table, key, region) = any_region(random, world)?;
    let index = key >> 8;
    let slots = world.tables.get(&table)?.slices.slot_count;
    let slot = region.first_slot.min(slots.checked_sub(1)?);
    let entry = match world.bindings.keys().next().and_then(|net_id| world.planner().entry_of(*net_id)) {
        Some(entry) if random.random_ratio(1, 3) => entry,
        _ => random.random_range(0..world.config().cam_entries()),
    };
    let word = random.random_range(0..world.config().dirty_words);
    let choices = [
        Stored::Binding { entry },
        Stored::Table { table },
        Stored::Region { table, index },
        Stored::Slot { table, slot },
        Stored::ListedBinding { entry },
        Stored::Record { table },
        Stored::ValidRegion { table, index },
        Stored::PresentSlot { table, slot },
        Stored::Tracking { table },
        Stored::Dirty { word },
    ];
    // The last two make the comparison of dirty words one of "at least": few scripts are enough.
    let last = if random.random_ratio(1, 10) { choices.len() } else { choices.len() - 2 };
    Some(choices[random.random_range(0..last)])
}

/// Requests and updates that read the word.
fn meet(random: &mut impl Rng, world: &World, stored: Stored) -> Vec<Step> {
    let Some(target) = any_region(random, world) else { return Vec::new() };
    let (table, index) = stored.place();
    let here = world.regions.get(&(table, index)).map_or(target, |(key, region)| (table, *key, *region));
    let of_table = world.regions_of(table).first().map(|(key, region)| (table, *key, *region));
    let of_slot = world.regions_of(table).into_iter().find(|(_, region)| region.first_slot == index);
    let aim = match stored {
        Stored::Region { .. } | Stored::ValidRegion { .. } => here,
        Stored::Slot { .. } => of_slot.map_or(target, |(key, region)| (table, key, region)),
        _ => of_table.unwrap_or(target),
    };
    let bound: Vec<NetId> = world.bindings.keys().copied().collect();
    let mut steps = Vec::new();
    for _ in 0..random.random_range(2..12) {
        let request = request::flawless(random, world, aim);
        steps.push(Step::Request(request));
        if !bound.is_empty() && random.random_ratio(1, 4) {
            steps.push(Step::Request(stagecoach_spec::Request { net_id: pick(random, &bound), ..request }));
        }
    }
    let (other, key, _) = aim;
    let reader = match stored {
        Stored::Binding { .. } | Stored::Dirty { .. } => None,
        Stored::Table { table } | Stored::Record { table } => {
            let entry = PeekEntry::Table { table };
            Some(pick(random, &[Update::Peek { entry, word: 4 }, Update::Freeze { table }]))
        }
        Stored::Region { table, index } => {
            Some(Update::Peek { entry: PeekEntry::Region { table, index }, word: 0 })
        }
        Stored::Slot { table, slot } => {
            Some(Update::Peek { entry: PeekEntry::Slot { table, slot }, word: 0 })
        }
        Stored::ListedBinding { entry } => {
            Some(Update::Peek { entry: PeekEntry::Binding { entry }, word: 3 })
        }
        Stored::ValidRegion { .. } => Some(Update::Invalidate { table: other, key }),
        Stored::PresentSlot { table, slot } => Some(Update::ClearSlot { table, slot }),
        Stored::Tracking { table } => update::harvest_of(random, world, table),
    };
    let at = random.random_range(0..=steps.len());
    if let Some(reader) = reader {
        steps.insert(at, Step::Update(reader));
    }
    steps
}
