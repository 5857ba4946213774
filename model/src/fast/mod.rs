//! # Fast lookups
//!
//! [`FastLookup`] gives [`Golden`]'s beats at tens of millions of lookups a second: for software that stands in for the
//! unit, and for traffic that is too much for the golden model. What lookups touch is flat: an index from the
//! identifier to its table, an array of tables, and the two pools as the hardware has them.
//!
//! Updates go through a golden model inside, which checks them; what it accepted is then copied into the arrays. So both
//! accept the same updates, and only lookups are written twice.
//!
//! What is left out, since it would make every lookup write: **lookups are not counted, refused ones not logged, and no
//! memory becomes dirty**. `read_counter`, `harvest` and `peek` of the fault log answer as if nothing had been asked.
//! Stored words have no check bits, whatever `protection` says: nothing is ever corrupt, and `inject` is UNSUPPORTED.
//!
//! ```
//! use stagecoach_model::FastLookup;
//! use stagecoach_spec::{Fault, NetId, Op, Preset, Request, Slices, Update};
//!
//! let mut fast = FastLookup::new(&Preset::Tiny.config());
//! let net_id = NetId::from_u128(0x0a00_0102);
//! fast.update(&Update::SetTable { table: 3, slices: Slices::default() }).unwrap();
//! fast.update(&Update::Bind { table: 3, net_id }).unwrap();
//! let request =
//!     Request { net_id, key: 0, pd: 0, op: Op::RemoteRead, va: 0, length: 64, bound: 64, stream: 0, tag: 0 };
//! assert_eq!(fast.lookup_first(&request).fault, Fault::InvalidKey);
//! assert_eq!(fast.lookup(&request).count(), 1);
//! ```

mod beats;
mod bindings;
mod judge;
mod stored;

pub use beats::Beats;

use crate::Golden;
use crate::tables::Installed;
use bindings::Bindings;
use stagecoach_spec::{Answer, Beat, Config, Fault, Protection, Request, Slices, Update};
use stored::{StoredRegion, StoredSlot, StoredTable};

/// A mapping unit that only answers; see the [module](self).
#[derive(Clone, Debug)]
pub struct FastLookup {
    checker: Golden,
    max_request_bytes: u32,
    bindings: Bindings,
    tables: Vec<StoredTable>,
    regions: Vec<StoredRegion>,
    slots: Vec<StoredSlot>,
}

impl FastLookup {
    /// A mapping unit after reset. The pools are allocated at once: 32 bytes for each region, 8 for each slot.
    ///
    /// The configuration is taken as checked ([`Config::validate`]).
    pub fn new(config: &Config) -> FastLookup {
        let config = Config { protection: Protection::None, ..config.clone() };
        FastLookup {
            max_request_bytes: config.max_request_bytes,
            bindings: Bindings::new(config.bindings),
            tables: vec![StoredTable::default(); config.tables as usize],
            regions: vec![StoredRegion::NONE; config.regions as usize],
            slots: vec![StoredSlot::default(); config.slots as usize],
            checker: Golden::new(&config),
        }
    }

    /// Makes a change, or refuses it as [`Golden::update`] does.
    pub fn update(&mut self, update: &Update) -> Answer {
        let cleared = match *update {
            Update::ClearTable { table } => self.slices(table),
            _ => Slices::default(),
        };
        let answer = self.checker.update(update)?;
        self.copy(update, &cleared);
        Ok(answer)
    }

    /// All beats of a request's answer, in order, as [`Golden::request`] gives them.
    ///
    /// The request's fields are taken as fitting their ports ([`Request::check`]).
    #[inline]
    pub fn lookup(&self, request: &Request) -> Beats<'_> {
        let named = self.named(request);
        let region = self.region(&named);
        let slot = StoredSlot::read(&self.slots, region.slot(region.position(request.va)));
        self.beats(&named, region, slot, request)
    }

    /// The first beat of a request's answer: the only one, unless the access crosses a 4 KiB border.
    #[inline]
    pub fn lookup_first(&self, request: &Request) -> Beat {
        self.lookup(request).beat()
    }

    /// Answers many requests, in order: `answer` gets each with its beats.
    ///
    /// Faster than one after the other once the pools exceed the processor's caches: the memory reads of neighbouring
    /// requests overlap.
    #[inline]
    pub fn lookup_each<'a>(&'a self, requests: &[Request], mut answer: impl FnMut(&Request, Beats<'a>)) {
        let mut named = [Named::default(); TOGETHER];
        let mut places = [0; TOGETHER];
        let mut slots = [StoredSlot::default(); TOGETHER];
        for requests in requests.chunks(TOGETHER) {
            // Short loops of reads that do not wait for each other, so that a processor has many of them under way.
            for (request, named) in requests.iter().zip(&mut named) {
                *named = self.named(request);
            }
            for ((request, named), place) in requests.iter().zip(&named).zip(&mut places) {
                let region = self.region(named);
                *place = region.slot(region.position(request.va));
            }
            for (_, (place, slot)) in requests.iter().zip(places.iter().zip(&mut slots)) {
                *slot = StoredSlot::read(&self.slots, *place);
            }
            // The regions are near by now.
            for ((request, named), slot) in requests.iter().zip(&named).zip(&slots) {
                answer(request, self.beats(named, self.region(named), *slot, request));
            }
        }
    }

    /// The table that the request's identifier names, and the place of the region that its key names.
    #[inline]
    fn named(&self, request: &Request) -> Named {
        let table = self.bindings.table(request.net_id);
        let state = table.and_then(|table| self.tables.get(usize::from(table)));
        let StoredTable { region_base, region_count, frozen, epoch } = state.copied().unwrap_or_default();
        let index = request.key_index();
        Named {
            region: if index < region_count { region_base + index } else { u32::MAX },
            table: table.unwrap_or(0),
            known: table.is_some(),
            open: !frozen,
            epoch,
        }
    }

    /// The region that was named, or an invalid one.
    #[inline]
    fn region(&self, named: &Named) -> &StoredRegion {
        self.regions.get(named.region as usize).unwrap_or(&StoredRegion::NONE)
    }

    /// What is answered, with the slot of the first byte at hand.
    #[inline]
    fn beats<'a>(
        &'a self,
        named: &Named,
        region: &'a StoredRegion,
        slot: StoredSlot,
        request: &Request,
    ) -> Beats<'a> {
        let most = self.max_request_bytes;
        let (length, fault) = if judge::grants_bytes(named, region, request, most) {
            (request.length, Fault::Granted)
        } else {
            (0, judge::verdict_without_bytes(named, region, request, most))
        };
        let beat = Beat {
            tag: request.tag,
            stream: request.stream,
            fault,
            pa: 0,
            span: 0,
            table: named.table,
            epoch: named.epoch,
            first: true,
            last: true,
        };
        Beats::new(&self.slots, region, beat, length, region.position(request.va), slot)
    }

    /// Copies what an accepted update changed.
    fn copy(&mut self, update: &Update, cleared: &Slices) {
        match *update {
            Update::SetTable { table, .. } | Update::Freeze { table } | Update::Thaw { table } => {
                self.copy_table(table);
            }
            Update::ClearTable { table } => {
                fill(&mut self.regions, cleared.region_base, cleared.region_count, StoredRegion::NONE);
                fill(&mut self.slots, cleared.slot_base, cleared.slot_count, StoredSlot::default());
                self.copy_table(table);
            }
            Update::Bind { table, net_id } => {
                self.bindings.insert(net_id, table);
            }
            Update::Unbind { table, net_id } => {
                self.bindings.remove(net_id);
                self.copy_table(table);
            }
            Update::Install { table, key, .. } | Update::Invalidate { table, key } => {
                self.copy_region(table, key >> 8);
                self.copy_table(table);
            }
            Update::SetSlot { table, slot, .. } | Update::ClearSlot { table, slot } => {
                self.copy_slot(table, slot);
                self.copy_table(table);
            }
            Update::Track { .. }
            | Update::Harvest { .. }
            | Update::ReadCounter { .. }
            | Update::Peek { .. }
            | Update::Inject { .. }
            | Update::Move { .. }
            | Update::Reseed { .. } => {}
        }
    }

    fn slices(&self, table: u16) -> Slices {
        self.checker.tables.tables.get(&table).map(|state| state.slices).unwrap_or_default()
    }

    fn copy_table(&mut self, table: u16) {
        let state = self.checker.tables.tables.get(&table);
        if let Some(stored) = self.tables.get_mut(usize::from(table)) {
            *stored = state.map(StoredTable::of).unwrap_or_default();
        }
    }

    fn copy_region(&mut self, table: u16, index: u32) {
        let slices = self.slices(table);
        let of = |installed: &Installed| {
            let shift = self.checker.config.page_shift(installed.region.page_size)?;
            Some(StoredRegion::of(installed, shift, slices.slot_base))
        };
        let installed = self.checker.tables.regions.get(table, index);
        let region = installed.and_then(of).unwrap_or(StoredRegion::NONE);
        if let Some(stored) = self.regions.get_mut((slices.region_base + index) as usize) {
            *stored = region;
        }
    }

    fn copy_slot(&mut self, table: u16, slot: u32) {
        let place = self.slices(table).slot_base + slot;
        let page = self.checker.tables.slots.get(table, slot);
        if let Some(stored) = self.slots.get_mut(place as usize) {
            *stored = page.map(StoredSlot::of).unwrap_or_default();
        }
    }
}

/// Requests whose memory reads overlap: enough to hide one behind the others, and few enough to stay in the first cache.
const TOGETHER: usize = 64;

/// What a request names.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    /// In the pool; `u32::MAX`, which no pool has, when there is no table or the key's index is outside its slice.
    region: u32,
    /// 0 when there is none.
    table: u16,
    /// Whether the identifier is bound.
    known: bool,
    /// Whether the table is not frozen.
    open: bool,
    epoch: bool,
}

/// Empties a part of a pool.
fn fill<T: Copy>(pool: &mut [T], base: u32, count: u32, empty: T) {
    if let Some(part) = pool.get_mut(base as usize..(base + count) as usize) {
        part.fill(empty);
    }
}
