//! What the updates so far have made, to aim at. It follows the golden model's answers.

use std::collections::BTreeMap;

use stagecoach_model::Golden;
use stagecoach_spec::{Answer, Beat, Command, Config, NetId, PeekEntry, Region, Request, Slices, Update};

/// A page in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// First frame.
    pub frame: u64,
    /// Index of its size.
    pub page_size: u8,
}

/// A table that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it owns.
    pub slices: Slices,
    /// It is frozen.
    pub frozen: bool,
}

/// How a table's dirty memory is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Base-2 logarithm of the bytes that share a bit.
    pub granule_shift: u8,
    /// First word of the bitmap in the dirty pool.
    pub dirty_base: u32,
    /// Words of the bitmap.
    pub words: u32,
}

/// The state that follows from a list of updates.
#[derive(Clone, Debug)]
pub struct World {
    golden: Golden,
    /// Tables that are set.
    pub tables: BTreeMap<u16, Table>,
    /// Bound identifiers.
    pub bindings: BTreeMap<NetId, u16>,
    /// Valid regions by table and index, with the whole key.
    pub regions: BTreeMap<(u16, u32), (u32, Region)>,
    /// Present slots by table and slot.
    pub slots: BTreeMap<(u16, u32), Page>,
    /// Tables whose dirty memory is tracked.
    pub tracked: BTreeMap<u16, Tracked>,
}

impl World {
    /// After reset.
    pub fn new(config: &Config) -> World {
        World {
            golden: Golden::new(config),
            tables: BTreeMap::new(),
            bindings: BTreeMap::new(),
            regions: BTreeMap::new(),
            slots: BTreeMap::new(),
            tracked: BTreeMap::new(),
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        self.golden.config()
    }

    /// Plays an update.
    pub fn update(&mut self, update: &Update) -> Answer {
        let answer = self.golden.update(update);
        if answer.is_ok() {
            self.follow(update);
        }
        answer
    }

    /// Plays a bare command. Only staging and refusals are followed exactly: what such a command may change is
    /// left out of what is aimed at.
    pub fn command(&mut self, command: &Command) -> Answer {
        self.golden.command(command)
    }

    /// The beats of a request, if it came next; nothing is changed.
    pub fn beats_of(&self, request: &Request) -> Vec<Beat> {
        self.golden.clone().request(request)
    }

    /// Which entry binds an identifier.
    pub fn entry_of(&self, net_id: NetId) -> Option<u32> {
        let mut golden = self.golden.clone();
        let mut word =
            |entry, word| golden.update(&Update::Peek { entry: PeekEntry::Binding { entry }, word }).ok();
        let wanted = net_id.limbs();
        (0..self.config().cam_entries()).find(|entry| {
            let is_bound = word(*entry, 3).is_some_and(|state| state & 1 == 1);
            is_bound && (0..3u8).zip(wanted).all(|(number, limb)| word(*entry, number) == Some(limb))
        })
    }

    fn follow(&mut self, update: &Update) {
        match *update {
            Update::SetTable { table, slices } => {
                self.tables.insert(table, Table { slices, frozen: false });
                self.tracked.remove(&table);
            }
            Update::ClearTable { table } => {
                self.tables.remove(&table);
                self.tracked.remove(&table);
                self.regions.retain(|(owner, _), _| *owner != table);
                self.slots.retain(|(owner, _), _| *owner != table);
            }
            Update::Bind { table, net_id } => {
                self.bindings.insert(net_id, table);
            }
            Update::Unbind { net_id, .. } => {
                self.bindings.remove(&net_id);
            }
            Update::Freeze { table } => self.set_frozen(table, true),
            Update::Thaw { table } => self.set_frozen(table, false),
            Update::Install { table, key, region } => {
                self.regions.insert((table, key >> 8), (key, region));
            }
            Update::Invalidate { table, key } => {
                self.regions.remove(&(table, key >> 8));
            }
            Update::SetSlot { table, slot, frame, page_size } => {
                self.slots.insert((table, slot), Page { frame, page_size });
            }
            Update::ClearSlot { table, slot } => {
                self.slots.remove(&(table, slot));
            }
            Update::Track { table, granule_shift: 0, .. } => {
                self.tracked.remove(&table);
            }
            Update::Track { table, granule_shift, dirty_base } => {
                let frames = self.tables.get(&table).map_or(0, |state| state.slices.window_count);
                let words = Config::dirty_words_of(frames, granule_shift.into()) as u32;
                self.tracked.insert(table, Tracked { granule_shift, dirty_base, words });
            }
            Update::Harvest { .. }
            | Update::ReadCounter { .. }
            | Update::Peek { .. }
            | Update::Inject { .. }
            | Update::Move { .. }
            | Update::Reseed { .. } => {}
        }
    }

    fn set_frozen(&mut self, table: u16, frozen: bool) {
        if let Some(state) = self.tables.get_mut(&table) {
            state.frozen = frozen;
        }
    }

    /// Whether an identifier is bound to the table.
    pub fn is_bound(&self, table: u16) -> bool {
        self.bindings.values().any(|bound| *bound == table)
    }

    /// Whether the table is unbound and empty, so that it may be set.
    pub fn is_free(&self, table: u16) -> bool {
        !self.is_bound(table)
            && self.regions.range((table, 0)..=(table, u32::MAX)).next().is_none()
            && self.slots.range((table, 0)..=(table, u32::MAX)).next().is_none()
    }

    /// The valid regions of a table: key and region.
    pub fn regions_of(&self, table: u16) -> Vec<(u32, Region)> {
        self.regions.range((table, 0)..=(table, u32::MAX)).map(|(_, region)| *region).collect()
    }
}
