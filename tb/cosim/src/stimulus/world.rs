//! What the updates so far have made, to aim at. It follows the golden model's answers.

use std::collections::BTreeMap;

use stagecoach_model::Golden;
use stagecoach_planner::Planner;
use stagecoach_spec::{Answer, Beat, Command, Config, NetId, Region, Request, Slices, Update};

use super::kin::Kin;

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
    planner: Planner,
    kin: Kin,
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
        let planner = Planner::new(config);
        World {
            golden: Golden::new(config),
            kin: Kin::of(config, planner.seeds()),
            planner,
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

    /// Who stands where in the CAM.
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// Identifiers that share places.
    pub(super) fn kin(&self) -> &Kin {
        &self.kin
    }

    fn follow(&mut self, update: &Update) {
        let followed = self.planner.follow(update);
        debug_assert_eq!(followed, Ok(()), "the model has accepted {update:?}");
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
            | Update::Move { .. } => {}
            Update::Reseed { .. } => self.kin = Kin::of(self.golden.config(), self.planner.seeds()),
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
