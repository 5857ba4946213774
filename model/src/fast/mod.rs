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
use beats::Spans;
use foldhash::fast::FixedState;
use stagecoach_spec::{Answer, Beat, Config, Fault, NetId, Op, Protection, Request, Slices, Update};
use std::collections::HashMap;
use stored::{StoredRegion, StoredSlot, StoredTable};

/// A mapping unit that only answers; see the [module](self).
#[derive(Clone, Debug)]
pub struct FastLookup {
    checker: Golden,
    max_request_bytes: u32,
    // The standard library's hasher withstands identifiers that were chosen to collide, at several times the cost. These
    // come from the host alone, and foldhash is among the fastest for short keys without special instructions.
    bindings: HashMap<NetId, u16, FixedState>,
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
        Beats::new(self.decide(request))
    }

    /// The first beat of a request's answer: the only one, unless the access crosses a 4 KiB border.
    #[inline]
    pub fn lookup_first(&self, request: &Request) -> Beat {
        match self.decide(request) {
            Decided::Single(beat) => beat,
            Decided::Spans(spans) => spans.beat(),
        }
    }

    /// Takes the rows of the decision table in their order.
    #[inline]
    fn decide(&self, request: &Request) -> Decided<'_> {
        let Request { tag, stream, .. } = *request;
        let single = |table, epoch, fault| {
            Decided::Single(Beat {
                tag,
                stream,
                fault,
                pa: 0,
                span: 0,
                table,
                epoch,
                first: true,
                last: true,
            })
        };
        let Some(&table) = self.bindings.get(&request.net_id) else {
            return single(0, false, Fault::UnknownNetwork);
        };
        let state = self.tables.get(usize::from(table)).copied().unwrap_or_default();
        let answer = |fault| single(table, state.epoch, fault);
        if state.frozen {
            return answer(Fault::Frozen);
        }

        let Request { op, va, length, bound, .. } = *request;
        if !op.is_valid() || length > self.max_request_bytes || bound < length || bound > 1 << 31 {
            return answer(Fault::InvalidRequest);
        }
        let atomic = op == Op::RemoteAtomic;
        if bound == 0 && !atomic {
            return answer(Fault::Granted);
        }

        let index = request.key_index();
        let in_slice = index < state.region_count;
        let place = (state.region_base + index) as usize;
        let region = match self.regions.get(place) {
            Some(region) if in_slice && region.is(request.key_variant()) => region,
            _ => return answer(Fault::InvalidKey),
        };
        if request.pd != region.pd {
            return answer(Fault::ProtectionDomain);
        }
        if !region.rights.contains(op.needed_access()) {
            return answer(Fault::AccessRights);
        }
        let (end, wrapped) = va.overflowing_add(bound.into());
        if wrapped && end != 0 {
            return answer(Fault::AddressWrap);
        }
        let offset = va.wrapping_sub(region.base);
        if va < region.base || offset > region.length || u64::from(bound) > region.length - offset {
            return answer(Fault::OutOfBounds);
        }
        // Regions fit their slots, so positions have 54 bits at most.
        let position = offset + u64::from(region.first_offset);
        if atomic && (position % 8 != 0 || length != 8) {
            return answer(Fault::MisalignedAtomic);
        }
        if length == 0 {
            return answer(Fault::Granted);
        }
        let beat = Beat {
            tag,
            stream,
            fault: Fault::Granted,
            pa: 0,
            span: 0,
            table,
            epoch: state.epoch,
            first: true,
            last: true,
        };
        Decided::Spans(Spans::new(&self.slots, region, beat, position, length))
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
                self.bindings.insert(net_id, table);
            }
            Update::Unbind { table, net_id } => {
                self.bindings.remove(&net_id);
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
            | Update::Inject { .. } => {}
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

/// What the decision table says of a request.
#[derive(Clone, Debug)]
enum Decided<'a> {
    /// One beat without bytes.
    Single(Beat),
    /// The access lies in its region; its pages may be absent.
    Spans(Spans<'a>),
}

/// Empties a part of a pool.
fn fill<T: Copy + Default>(pool: &mut [T], base: u32, count: u32) {
    if let Some(part) = pool.get_mut(base as usize..(base + count) as usize) {
        part.fill(T::default());
    }
}
