//! Flipped bits. With `parity` a bit is flipped, met by a few requests and updates, and flipped back. With `secded` it
//! stays until the unit or a write puts it right; no word is flipped twice, since a second flip may come before or after
//! that.

use std::collections::BTreeSet;

use rand::Rng;
use stagecoach_spec::{NetId, PeekEntry, Protection, Stored, Update};

use super::request;
use super::script::Step;
use super::update::any_region;
use super::world::World;
use super::{pick, update};

/// What was flipped so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Flips {
    /// Space and place of each, where nothing may be flipped twice.
    done: BTreeSet<(u8, u16, u32)>,
    /// A bit for each space: words that change their name keep their place, and must not get a second flipped bit.
    bits: [Option<u32>; 11],
}

impl Flips {
    /// A flip and what meets it; nothing where there is no protection.
    pub(super) fn steps(&mut self, random: &mut impl Rng, world: &World) -> Vec<Step> {
        let config = world.config();
        let Some(stored) = any_stored(random, world) else { return Vec::new() };
        let chosen = self.bits[usize::from(stored.space())].get_or_insert_with(|| random.random());
        let bit = (*chosen % config.stored_bits(stored)) as u16;
        let flip = Step::Update(Update::Inject { stored, bit });
        let (table, index) = stored.place();
        match config.protection {
            Protection::None => Vec::new(),
            Protection::Parity => {
                let mut steps = vec![flip];
                steps.extend(meet(random, world, stored));
                steps.push(flip);
                steps
            }
            Protection::Secded if self.done.insert((stored.space(), table, index)) => {
                let mut steps = vec![flip];
                steps.extend(meet(random, world, stored));
                steps
            }
            Protection::Secded => Vec::new(),
        }
    }
}

/// A stored word that something depends on.
fn any_stored(random: &mut impl Rng, world: &World) -> Option<Stored> {
    let (table, key, region) = any_region(random, world)?;
    let index = key >> 8;
    let slots = world.tables.get(&table)?.slices.slot_count;
    let slot = region.first_slot.min(slots.checked_sub(1)?);
    let entry = random.random_range(0..world.config().bindings);
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
