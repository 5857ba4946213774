//! The plans.

use alloc::vec::Vec;
use stagecoach_spec::{Cam, Config, Cuckoo, NetId, Seed, Update, UpdateError};

use crate::contents::{Bound, Contents, STASH};
use crate::error::PlanError;
use crate::path::{self, Ways};
use crate::seeds;

/// Seeds that are tried for a way before another way is.
const TRIES: usize = 8;

/// Knows a unit's CAM, of either kind, and plans its updates. Begins as the unit does after reset.
///
/// Planning changes nothing. What the unit has accepted is told to [`Planner::follow`], update by update, whether
/// planned or not.
#[derive(Clone, Debug)]
pub struct Planner {
    config: Config,
    contents: Contents,
}

impl Planner {
    /// The CAM of a configuration after reset. The configuration is taken as checked ([`Config::validate`]).
    pub fn new(config: &Config) -> Planner {
        Planner { config: config.clone(), contents: Contents::new(config) }
    }

    /// As [`Planner::new`], where `bindings` limits nothing: to measure how full the ways can become.
    pub fn unlimited(config: &Config) -> Planner {
        Planner { config: config.clone(), contents: Contents::unlimited(config) }
    }

    /// Takes notice of an update that the unit has accepted; those that concern no binding change nothing. An error
    /// says that the unit must have refused it, or is not the one that this planner has followed.
    pub fn follow(&mut self, update: &Update) -> Result<(), UpdateError> {
        self.contents.follow(update)
    }

    /// How many identifiers are bound.
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them stand in the stash.
    pub fn in_stash(&self) -> usize {
        match self.contents.kind() {
            Cam::Register => 0,
            Cam::Cuckoo => Cuckoo::STASH as usize - self.contents.free_in_stash(),
        }
    }

    /// The seeds of a cuckoo CAM's ways.
    pub fn seeds(&self) -> &[Seed; Cuckoo::WAYS as usize] {
        self.contents.seeds()
    }

    /// The entry of an identifier that is bound.
    pub fn entry_of(&self, net_id: NetId) -> Option<u32> {
        self.contents.entry_of(net_id)
    }

    /// Who stands in an entry, and the table that it is bound to.
    pub fn at(&self, entry: u32) -> Option<(NetId, u16)> {
        self.contents.at(entry).map(|bound| (bound.net_id, bound.table))
    }

    /// Binds an identifier: the moves that make room, then `bind`. Without room in the ways it goes to the stash.
    pub fn bind(&self, net_id: NetId, table: u16) -> Result<Vec<Update>, PlanError> {
        self.may_bind(net_id)?;
        match self.contents.kind() {
            Cam::Register => Ok(vec![Update::Bind { table, net_id }]),
            Cam::Cuckoo => {
                plan_bind(&self.contents, net_id, table, StashPlaces::All).ok_or(PlanError::Crowded)
            }
        }
    }

    /// As [`Planner::bind`]; where only the last place of the stash is left, or none, a way is given another seed, if one
    /// can be emptied. `random` gives the seeds.
    pub fn bind_or_reseed(
        &self,
        net_id: NetId,
        table: u16,
        random: &mut impl FnMut() -> u64,
    ) -> Result<Vec<Update>, PlanError> {
        self.may_bind(net_id)?;
        if self.contents.kind() == Cam::Register {
            return self.bind(net_id, table);
        }
        // A way can hardly be emptied without a place in the stash: the identifiers that brought it to this have none
        // but the ones that are taken.
        if let Some(plan) = plan_bind(&self.contents, net_id, table, StashPlaces::ButOne) {
            return Ok(plan);
        }
        let mut ways: Vec<u32> = (0..Cuckoo::WAYS).collect();
        ways.sort_by_key(|way| self.contents.residents(*way).count());
        for way in ways {
            let mut emptied = Draft::new(&self.contents);
            if !emptied.empty(way) {
                continue;
            }
            for _ in 0..TRIES {
                let mut draft = emptied.clone();
                draft.play(Update::Reseed {
                    way: way as u8,
                    seed: self.contents.cuckoo().draw_seed(random),
                })?;
                draft.drain_stash()?;
                if let Some(plan) = plan_bind(&draft.contents, net_id, table, StashPlaces::ButOne) {
                    draft.updates.extend(plan);
                    return Ok(draft.updates);
                }
            }
        }
        self.bind(net_id, table)
    }

    /// Ends a binding, and brings who stands in the stash back to the ways, as far as there is room now.
    pub fn unbind(&self, net_id: NetId) -> Result<Vec<Update>, PlanError> {
        let table = self.contents.bound(net_id).ok_or(PlanError::NotBound)?.table;
        let unbind = Update::Unbind { table, net_id };
        if self.in_stash() == 0 {
            return Ok(vec![unbind]);
        }
        let mut draft = Draft::new(&self.contents);
        draft.play(unbind)?;
        draft.drain_stash()?;
        Ok(draft.updates)
    }

    /// Gives a way another seed: the moves that empty it, `reseed`, and the moves that bring who stands in the stash back
    /// to the ways.
    pub fn reseed(&self, way: u8, seed: Seed) -> Result<Vec<Update>, PlanError> {
        let mut draft = Draft::new(&self.contents);
        let reseed = Update::Reseed { way, seed };
        // Registers have no ways, and nobody stands in a way that does not exist.
        if self.contents.kind() == Cam::Cuckoo && u32::from(way) < Cuckoo::WAYS && !draft.empty(way.into()) {
            return Err(PlanError::CannotEmpty { way });
        }
        draft.play(reseed)?;
        draft.drain_stash()?;
        Ok(draft.updates)
    }

    /// Gives every way a seed, one after the other: at once after reset, so that nobody knows them. Registers need none,
    /// and their plan is empty.
    pub fn reseed_all(&self, random: &mut impl FnMut() -> u64) -> Result<Vec<Update>, PlanError> {
        if self.contents.kind() == Cam::Register {
            return Ok(Vec::new());
        }
        let mut planner = self.clone();
        let mut updates = Vec::new();
        for way in 0..Cuckoo::WAYS as u8 {
            let plan = planner.reseed(way, planner.draw_seed(way, random))?;
            for update in &plan {
                planner.follow(update)?;
            }
            updates.extend(plan);
        }
        Ok(updates)
    }

    /// A seed for a way that goes well with those of the others: blocks of consecutive identifiers spread over all ways.
    pub fn draw_seed(&self, way: u8, random: &mut impl FnMut() -> u64) -> Seed {
        let others = (0..).zip(self.seeds()).filter(|(other, _)| *other != way).map(|(_, seed)| *seed);
        seeds::draw(self.contents.cuckoo(), &others.collect::<Vec<_>>(), random)
    }

    fn may_bind(&self, net_id: NetId) -> Result<(), PlanError> {
        net_id.check(&self.config)?;
        if let Some(bound) = self.contents.bound(net_id) {
            return Err(PlanError::AlreadyBound { table: bound.table });
        }
        let bindings = self.contents.bindings();
        if self.len() >= bindings as usize {
            return Err(PlanError::Full { bindings });
        }
        Ok(())
    }
}

/// How much of the stash a bind may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StashPlaces {
    All,
    /// The last free place stays free.
    ButOne,
}

/// Moves and the bind, if there is room: in the ways, else in the stash.
fn plan_bind(contents: &Contents, net_id: NetId, table: u16, stash: StashPlaces) -> Option<Vec<Update>> {
    let bind = Update::Bind { table, net_id };
    if let Some(path) = path::free_one(contents, &contents.places_of(net_id), Ways::All) {
        let mut plan = path.moves;
        plan.push(bind);
        return Some(plan);
    }
    let kept = match stash {
        StashPlaces::All => 0,
        StashPlaces::ButOne => 1,
    };
    (contents.free_in_stash() > kept).then(|| vec![bind])
}

/// A plan of several parts, with what the CAM holds behind it.
#[derive(Clone)]
struct Draft {
    contents: Contents,
    updates: Vec<Update>,
}

impl Draft {
    fn new(contents: &Contents) -> Draft {
        Draft { contents: contents.clone(), updates: Vec::new() }
    }

    fn play(&mut self, update: Update) -> Result<(), UpdateError> {
        self.contents.follow(&update)?;
        self.updates.push(update);
        Ok(())
    }

    fn play_all(&mut self, updates: Vec<Update>) -> Result<(), UpdateError> {
        updates.into_iter().try_for_each(|update| self.play(update))
    }

    /// Moves everybody out of a way; `false` where somebody has no other place.
    fn empty(&mut self, way: u32) -> bool {
        let residents: Vec<Bound> = self.contents.residents(way).copied().collect();
        residents.iter().all(|resident| {
            let (moves, to) = match path::free_one(&self.contents, &resident.places, Ways::Without(way)) {
                Some(path) => (path.moves, path.way),
                None => (Vec::new(), STASH),
            };
            self.play_all(moves).is_ok() && self.play(move_of(resident, to)).is_ok()
        })
    }

    /// Brings who stands in the stash back to the ways, as far as there is room.
    fn drain_stash(&mut self) -> Result<(), UpdateError> {
        if self.contents.kind() == Cam::Register {
            return Ok(());
        }
        let stashed: Vec<Bound> = self.contents.residents(STASH).copied().collect();
        for bound in stashed {
            if let Some(path) = path::free_one(&self.contents, &bound.places, Ways::All) {
                self.play_all(path.moves)?;
                self.play(move_of(&bound, path.way))?;
            }
        }
        Ok(())
    }
}

fn move_of(bound: &Bound, way: u32) -> Update {
    Update::Move { table: bound.table, net_id: bound.net_id, way: way as u8 }
}
