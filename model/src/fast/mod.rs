//! # Fast lookups
//!
//! [`FastLookup`] gives [`Golden`]'s beats at tens of millions of lookups a second: for software that stands in for the
//! unit, and for traffic that is too much for the golden model. What lookups touch is flat: a hash map from the
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
mod stored;

pub use beats::Beats;

use crate::Golden;
use crate::tables::Installed;
use foldhash::fast::FixedState;
use stagecoach_spec::{Answer, Beat, Config, Fault, NetId, Op, Protection, Request, Slices, Update};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use stored::{StoredRegion, StoredSlot, StoredTable};

/// A mapping unit that only answers; see the [module](self).
#[derive(Clone, Debug)]
pub struct FastLookup {
    checker: Golden,
    max_request_bytes: u32,
    // The standard library's hasher withstands identifiers that were chosen to collide, at several times the cost. These
    // come from the host alone, and foldhash is among the fastest for short keys without special instructions.
    bindings: HashMap<Identifier, u16, FixedState>,
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
            bindings: HashMap::with_capacity_and_hasher(config.bindings as usize, FixedState::default()),
            tables: vec![StoredTable::default(); config.tables as usize],
            regions: vec![StoredRegion::default(); config.regions as usize],
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
        let region = self.region(&named, request);
        let mut beats = self.judge(&named, &region, request);
        beats.read_slot();
        beats
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
        let mut regions = [StoredRegion::default(); TOGETHER];
        let mut answers = [Beats::single(NO_BEAT); TOGETHER];
        for requests in requests.chunks(TOGETHER) {
            // Short loops of reads that do not wait for each other, so that a processor has many of them under way.
            for (request, named) in requests.iter().zip(&mut named) {
                *named = self.named(request);
            }
            for ((request, named), region) in requests.iter().zip(&named).zip(&mut regions) {
                *region = self.region(named, request);
            }
            for (((request, named), region), beats) in
                requests.iter().zip(&named).zip(&regions).zip(&mut answers)
            {
                *beats = self.judge(named, region, request);
            }
            for (_, beats) in requests.iter().zip(&mut answers) {
                beats.read_slot();
            }
            for (request, beats) in requests.iter().zip(&answers) {
                answer(request, *beats);
            }
        }
    }

    /// The table that the request's identifier names.
    #[inline]
    fn named(&self, request: &Request) -> Named {
        let table = self.bindings.get(&Identifier(request.net_id)).copied();
        let state = table.and_then(|table| self.tables.get(usize::from(table)));
        Named { table, state: state.copied().unwrap_or_default() }
    }

    /// The region that the request's key names, or an invalid one.
    #[inline]
    fn region(&self, named: &Named, request: &Request) -> StoredRegion {
        let index = request.key_index();
        let StoredTable { region_base, region_count, .. } = named.state;
        if index >= region_count {
            return StoredRegion::default();
        }
        self.regions.get((region_base + index) as usize).copied().unwrap_or_default()
    }

    /// Takes the rows of the decision table in their order.
    #[inline]
    fn judge(&self, named: &Named, region: &StoredRegion, request: &Request) -> Beats<'_> {
        let Request { op, va, length, bound, tag, stream, .. } = *request;
        let Named { table, state: StoredTable { frozen, epoch, .. } } = *named;
        let granted = Beat {
            tag,
            stream,
            fault: Fault::Granted,
            pa: 0,
            span: 0,
            table: table.unwrap_or(0),
            epoch,
            first: true,
            last: true,
        };
        let refused = |fault| Beats::single(Beat { fault, ..granted });
        if table.is_none() {
            return refused(Fault::UnknownNetwork);
        }
        if frozen {
            return refused(Fault::Frozen);
        }
        if !op.is_valid() || length > self.max_request_bytes || bound < length || bound > 1 << 31 {
            return refused(Fault::InvalidRequest);
        }
        let atomic = op == Op::RemoteAtomic;
        if bound == 0 && !atomic {
            return Beats::single(granted);
        }
        if !region.is(request.key_variant()) {
            return refused(Fault::InvalidKey);
        }
        if request.pd != region.pd {
            return refused(Fault::ProtectionDomain);
        }
        if !region.allows(op) {
            return refused(Fault::AccessRights);
        }
        let (end, wrapped) = va.overflowing_add(bound.into());
        if wrapped && end != 0 {
            return refused(Fault::AddressWrap);
        }
        let offset = va.wrapping_sub(region.base);
        if va < region.base || offset > region.length || u64::from(bound) > region.length - offset {
            return refused(Fault::OutOfBounds);
        }
        // Regions fit their slots, so positions have 54 bits at most.
        let position = offset + u64::from(region.first_offset);
        if atomic && (position % 8 != 0 || length != 8) {
            return refused(Fault::MisalignedAtomic);
        }
        if length == 0 {
            return Beats::single(granted);
        }
        Beats::spans(&self.slots, region, granted, position, length)
    }

    /// Copies what an accepted update changed.
    fn copy(&mut self, update: &Update, cleared: &Slices) {
        match *update {
            Update::SetTable { table, .. } | Update::Freeze { table } | Update::Thaw { table } => {
                self.copy_table(table);
            }
            Update::ClearTable { table } => {
                fill(&mut self.regions, cleared.region_base, cleared.region_count);
                fill(&mut self.slots, cleared.slot_base, cleared.slot_count);
                self.copy_table(table);
            }
            Update::Bind { table, net_id } => {
                self.bindings.insert(Identifier(net_id), table);
            }
            Update::Unbind { table, net_id } => {
                self.bindings.remove(&Identifier(net_id));
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
        let installed = self.checker.tables.regions.get(&(table, index));
        let region = installed.and_then(of).unwrap_or_default();
        if let Some(stored) = self.regions.get_mut((slices.region_base + index) as usize) {
            *stored = region;
        }
    }

    fn copy_slot(&mut self, table: u16, slot: u32) {
        let place = self.slices(table).slot_base + slot;
        let page = self.checker.tables.slots.get(&(table, slot));
        if let Some(stored) = self.slots.get_mut(place as usize) {
            *stored = page.map(StoredSlot::of).unwrap_or_default();
        }
    }
}

/// Requests whose memory reads overlap: enough to hide one behind the others, and few enough to stay in the first cache.
const TOGETHER: usize = 64;

/// What stands in a place before a request has it.
const NO_BEAT: Beat = Beat {
    tag: 0,
    stream: 0,
    fault: Fault::Granted,
    pa: 0,
    span: 0,
    table: 0,
    epoch: false,
    first: true,
    last: true,
};

/// An identifier as a key of the hash map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identifier(NetId);

/// Limb by limb, where an array would be hashed as a string of bytes.
impl Hash for Identifier {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let [low, middle, high] = self.0.limbs();
        hasher.write_u64(low);
        hasher.write_u64(middle);
        hasher.write_u64(high);
    }
}

/// A table that was named, if any, and its state.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    table: Option<u16>,
    state: StoredTable,
}

/// Empties a part of a pool.
fn fill<T: Copy + Default>(pool: &mut [T], base: u32, count: u32) {
    if let Some(part) = pool.get_mut(base as usize..(base + count) as usize) {
        part.fill(T::default());
    }
}
