//! Who stands where, and what an accepted update does to it: the same rules as in the unit.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use stagecoach_spec::{Cam, Config, Cuckoo, NetId, Seed, Update, UpdateError};

pub(crate) const WAYS: usize = Cuckoo::WAYS as usize;

/// The way that stands for the stash in [`Update::Move`].
pub(crate) const STASH: u32 = Cuckoo::WAYS;

/// An identifier that is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) net_id: NetId,
    pub(crate) table: u16,
    /// Its entries in the ways, as the seeds have it.
    pub(crate) places: [u32; WAYS],
}

/// The CAM's entries and seeds.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    kind: Cam,
    cuckoo: Cuckoo,
    bindings: u32,
    seeds: [Seed; WAYS],
    entries: Vec<Option<Bound>>,
    /// The entry of each identifier that is bound.
    places: BTreeMap<NetId, u32>,
}

impl Contents {
    pub(crate) fn new(config: &Config) -> Contents {
        let cuckoo = Cuckoo::of(config);
        Contents {
            kind: config.cam_kind(),
            cuckoo,
            bindings: config.bindings,
            seeds: cuckoo.initial_seeds(),
            entries: vec![None; config.cam_entries() as usize],
            places: BTreeMap::new(),
        }
    }

    pub(crate) fn unlimited(config: &Config) -> Contents {
        Contents { bindings: u32::MAX, ..Contents::new(config) }
    }

    pub(crate) fn kind(&self) -> Cam {
        self.kind
    }

    pub(crate) fn cuckoo(&self) -> Cuckoo {
        self.cuckoo
    }

    pub(crate) fn bindings(&self) -> u32 {
        self.bindings
    }

    pub(crate) fn seeds(&self) -> &[Seed; WAYS] {
        &self.seeds
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn at(&self, entry: u32) -> Option<&Bound> {
        self.entries.get(entry as usize)?.as_ref()
    }

    pub(crate) fn entry_of(&self, net_id: NetId) -> Option<u32> {
        self.places.get(&net_id).copied()
    }

    pub(crate) fn bound(&self, net_id: NetId) -> Option<&Bound> {
        self.at(self.entry_of(net_id)?)
    }

    /// Its entries in the ways; of no meaning for registers.
    pub(crate) fn places_of(&self, net_id: NetId) -> [u32; WAYS] {
        core::array::from_fn(|way| self.cuckoo.entry(way as u32, self.seeds[way], net_id))
    }

    /// The entries of a way, or of the stash.
    pub(crate) fn entries_of(&self, way: u32) -> core::ops::Range<u32> {
        let first = way * self.cuckoo.depth();
        let count = if way == STASH { Cuckoo::STASH } else { self.cuckoo.depth() };
        first..first + count
    }

    /// Who stands in a way, or in the stash, lowest entry first.
    pub(crate) fn residents(&self, way: u32) -> impl Iterator<Item = &Bound> {
        self.entries_of(way).filter_map(|entry| self.at(entry))
    }

    pub(crate) fn free_in_stash(&self) -> usize {
        self.entries_of(STASH).filter(|entry| self.at(*entry).is_none()).count()
    }

    /// Does what the unit does when it accepts an update. Updates that concern no binding change nothing.
    pub(crate) fn follow(&mut self, update: &Update) -> Result<(), UpdateError> {
        match *update {
            Update::Bind { table, net_id } => self.bind(net_id, table),
            Update::Unbind { table, net_id } => self.unbind(net_id, table),
            Update::Move { table, net_id, way } => self.move_to(net_id, table, way.into()),
            Update::Reseed { way, seed } => self.reseed(way.into(), seed),
            _ => Ok(()),
        }
    }

    fn bind(&mut self, net_id: NetId, table: u16) -> Result<(), UpdateError> {
        if self.places.contains_key(&net_id) {
            return Err(UpdateError::AlreadyBound);
        }
        if self.places.len() >= self.bindings as usize {
            return Err(UpdateError::BindingsFull);
        }
        let places = self.places_of(net_id);
        let free = |entry: &u32| self.at(*entry).is_none();
        let entry = match self.kind {
            Cam::Register => (0..self.bindings).find(free),
            Cam::Cuckoo => places.into_iter().chain(self.entries_of(STASH)).find(free),
        };
        let entry = entry.ok_or(UpdateError::BindingsFull)?;
        self.put(entry, Bound { net_id, table, places });
        Ok(())
    }

    fn unbind(&mut self, net_id: NetId, table: u16) -> Result<(), UpdateError> {
        self.bound_to(net_id, table)?;
        self.take(net_id);
        Ok(())
    }

    fn move_to(&mut self, net_id: NetId, table: u16, way: u32) -> Result<(), UpdateError> {
        if self.kind == Cam::Register {
            return Err(UpdateError::Unsupported);
        }
        let bound = self.bound_to(net_id, table)?;
        let to = match bound.places.get(way as usize) {
            Some(place) => Some(*place).filter(|entry| self.at(*entry).is_none()),
            None => self.entries_of(STASH).find(|entry| self.at(*entry).is_none()),
        };
        let to = to.ok_or(UpdateError::BindingsFull)?;
        self.take(net_id);
        self.put(to, bound);
        Ok(())
    }

    fn reseed(&mut self, way: u32, seed: Seed) -> Result<(), UpdateError> {
        if self.kind == Cam::Register {
            return Err(UpdateError::Unsupported);
        }
        if way >= STASH || seed.significant_bits() > self.cuckoo.seed_bits() {
            return Err(UpdateError::BadArgument);
        }
        if self.residents(way).next().is_some() {
            return Err(UpdateError::WayInUse);
        }
        self.seeds[way as usize] = seed;
        for bound in self.entries.iter_mut().flatten() {
            bound.places[way as usize] = self.cuckoo.entry(way, seed, bound.net_id);
        }
        Ok(())
    }

    fn bound_to(&self, net_id: NetId, table: u16) -> Result<Bound, UpdateError> {
        self.bound(net_id).filter(|bound| bound.table == table).copied().ok_or(UpdateError::NotBound)
    }

    fn put(&mut self, entry: u32, bound: Bound) {
        self.places.insert(bound.net_id, entry);
        self.entries[entry as usize] = Some(bound);
    }

    fn take(&mut self, net_id: NetId) {
        if let Some(entry) = self.places.remove(&net_id) {
            self.entries[entry as usize] = None;
        }
    }
}
