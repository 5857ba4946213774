//! A VM's table: its slots, its keys, and registration in the order that never shows a half-made region: slots first,
//! region last; and away in the opposite one.
//!
//! Whoever registers memory pins its pages, and unpins them when [`Vm::deregister`] has returned. So a slot stays present
//! no longer than its region: both deregistration and a registration that is refused clear the slots. Where that fails,
//! the key stays known, and [`Vm::deregister`] goes on where it ended.

use alloc::collections::BTreeMap;
use core::ops::Range;

use stagecoach_spec::{Access, Region, Slices, Update, UpdateError};
use thiserror::Error;

use crate::bindings::BindError;
use crate::bus::RegisterBus;
use crate::driver::{Driver, DriverError};
use crate::keys::Keys;
use crate::pool::{NoRoom, Part, Pool};
use crate::relocation::Contents;

/// Why one change of a table was not made.
#[derive(Debug, Error)]
pub enum ChangeError<E: core::error::Error> {
    /// The driver failed; whether it was made is not known.
    #[error(transparent)]
    Driver(#[from] DriverError<E>),
    /// The controller refused.
    #[error("the controller refused: {0}")]
    Refused(UpdateError),
}

impl<E: core::error::Error> From<ChangeError<E>> for VmError<E> {
    fn from(error: ChangeError<E>) -> VmError<E> {
        match error {
            ChangeError::Driver(error) => VmError::Driver(error),
            ChangeError::Refused(error) => VmError::Refused(error),
        }
    }
}

/// Why a VM's table could not be changed.
#[derive(Debug, Error)]
pub enum VmError<E: core::error::Error> {
    /// The driver failed; what the table holds is not known.
    #[error(transparent)]
    Driver(#[from] DriverError<E>),
    /// The controller refused; the table is as it was.
    #[error("the controller refused: {0}")]
    Refused(UpdateError),
    /// The table's slice has too few slots in a row.
    #[error("the VM's slots do not suffice: {0}")]
    NoSlots(NoRoom),
    /// Every key of the table is in use.
    #[error("the VM has no key left; give it more regions, or deregister some")]
    NoKeys,
    /// The page size is none of the controller's, or an address does not suit it.
    #[error("page size {page_size} with offset {first_offset} is not usable: {why}")]
    BadPages {
        /// Its number.
        page_size: u8,
        /// First byte in the first page.
        first_offset: u32,
        /// What is wrong.
        why: &'static str,
    },
    /// The number of frames is not what the length needs.
    #[error("{given} pages are given, {needed} are needed")]
    WrongNumberOfPages {
        /// Frames that were given.
        given: usize,
        /// Pages that hold the region.
        needed: u64,
    },
    /// The registration was refused, and what it had set could not be cleared: those pages must stay pinned.
    #[error(
        "key {key:#010x} was not registered: {refused}; and some of its pages may still be in their slots: {left}; deregister the key to try again"
    )]
    NotUndone {
        /// The key that it would have had; [`Vm::deregister`] takes it.
        key: u32,
        /// Why it was refused.
        refused: ChangeError<E>,
        /// Why its slots could not be cleared.
        left: ChangeError<E>,
    },
    /// The key is no longer valid, but its slots could not be cleared: their pages must stay pinned.
    #[error(
        "key {key:#010x} is not valid any more, but {slots} of its pages may still be in their slots: {error}; deregister it again"
    )]
    SlotsLeft {
        /// The key; [`Vm::deregister`] takes it again.
        key: u32,
        /// Slots that may still be present.
        slots: u64,
        /// Why they could not be cleared.
        error: ChangeError<E>,
    },
    /// No such key is registered here.
    #[error("key {key:#010x} is not registered")]
    NoSuchKey {
        /// The key.
        key: u32,
    },
    /// Somebody else shall move.
    #[error("the VM's table is {own}, and table {named} shall move")]
    OtherTable {
        /// The VM's.
        own: u16,
        /// The one that was named.
        named: u16,
    },
    /// The table is on its way to other slices.
    #[error("the VM's table has not arrived at its new slices; relocate it again first")]
    OnTheWay,
    /// An identifier could not be unbound or bound again.
    #[error(transparent)]
    Binding(#[from] BindError<E>),
}

/// Memory to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    /// Virtual address of the first byte; 0 makes the region zero-based.
    pub base: u64,
    /// Bytes.
    pub length: u64,
    /// Offset of the first byte in the first page.
    pub first_offset: u32,
    /// What accesses may do.
    pub rights: Access,
    /// Protection domain.
    pub pd: u32,
    /// Number of the page size.
    pub page_size: u8,
    /// The frame of each page, in order, in units of 4 KiB.
    pub frames: &'a [u64],
}

/// A VM's table on a controller.
#[derive(Clone, Debug)]
pub struct Vm {
    pub(crate) table: u16,
    /// What the table owns.
    pub(crate) slices: Slices,
    slots: Pool,
    keys: Keys,
    /// Every key in use.
    pub(crate) registered: BTreeMap<u32, Registered>,
    /// What the table held, if it did not arrive at its new slices.
    pub(crate) moving: Option<Contents>,
}

/// What stands in the table for a key.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    /// All its slots.
    slots: Part,
    /// Those of them, counted from the first, that may be present.
    pub(crate) present: Range<u64>,
    /// Its region may be valid.
    pub(crate) is_valid: bool,
}

impl Vm {
    /// Creates the table with its slices and its frame window. `first_variant` gives the keys' first variants.
    ///
    /// # Errors
    /// As [`VmError`] says.
    pub fn create<B: RegisterBus>(
        driver: &mut Driver<B>,
        table: u16,
        slices: Slices,
        first_variant: impl FnMut() -> u8,
    ) -> Result<Vm, VmError<B::Error>> {
        done(driver.update(&Update::SetTable { table, slices })?)?;
        Ok(Vm {
            table,
            slices,
            slots: Pool::new(slices.slot_count.into()),
            keys: Keys::new(slices.region_count, first_variant),
            registered: BTreeMap::new(),
            moving: None,
        })
    }

    /// What its table owns.
    pub fn slices(&self) -> Slices {
        self.slices
    }

    /// Its table.
    pub fn table(&self) -> u16 {
        self.table
    }

    /// Registers memory; gives its key.
    ///
    /// # Errors
    /// As [`VmError`] says. Nothing of the memory is left in the table then, but for [`VmError::NotUndone`].
    pub fn register<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        memory: &Registration<'_>,
    ) -> Result<u32, VmError<B::Error>> {
        self.stands()?;
        let needed = pages(driver.sizes().page_shifts, memory)?;
        if memory.frames.len() as u64 != needed {
            return Err(VmError::WrongNumberOfPages { given: memory.frames.len(), needed });
        }
        let slots = self.slots.take(needed).map_err(VmError::NoSlots)?;
        let Some(key) = self.keys.take() else {
            self.slots.give_back(slots);
            return Err(VmError::NoKeys);
        };
        let mut entry = Registered { slots, present: 0..0, is_valid: false };
        let Err(refused) = self.install(driver, memory, key, &mut entry) else {
            self.registered.insert(key, entry);
            return Ok(key);
        };
        match self.remove(driver, key, &mut entry) {
            Ok(()) => {
                self.release(key, slots);
                Err(refused.into())
            }
            Err(left) => {
                self.registered.insert(key, entry);
                Err(VmError::NotUndone { key, refused, left })
            }
        }
    }

    /// Takes a key away, and its pages out of their slots: when this returns, nothing that was granted under it is under
    /// way, no slot holds a page of it, and the pages may be unpinned.
    ///
    /// # Errors
    /// As [`VmError`] says. The key stays known then, and this can be called again.
    pub fn deregister<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        key: u32,
    ) -> Result<(), VmError<B::Error>> {
        self.stands()?;
        let Some(mut entry) = self.registered.remove(&key) else {
            return Err(VmError::NoSuchKey { key });
        };
        let removed = self.remove(driver, key, &mut entry);
        if removed.is_ok() {
            self.release(key, entry.slots);
            return Ok(());
        }
        let (is_valid, slots) = (entry.is_valid, entry.present.end - entry.present.start);
        self.registered.insert(key, entry);
        removed.map_err(|error| match is_valid {
            true => error.into(),
            false => VmError::SlotsLeft { key, slots, error },
        })
    }

    /// Answers every request with FROZEN from now on; when this returns, nothing that was granted before is under way.
    ///
    /// # Errors
    /// As [`VmError`] says.
    pub fn freeze<B: RegisterBus>(&self, driver: &mut Driver<B>) -> Result<(), VmError<B::Error>> {
        Ok(done(driver.update(&Update::Freeze { table: self.table })?)?)
    }

    /// Takes the freeze back.
    ///
    /// # Errors
    /// As [`VmError`] says.
    pub fn thaw<B: RegisterBus>(&self, driver: &mut Driver<B>) -> Result<(), VmError<B::Error>> {
        Ok(done(driver.update(&Update::Thaw { table: self.table })?)?)
    }

    /// The table is not on its way to other slices.
    fn stands<E: core::error::Error>(&self) -> Result<(), VmError<E>> {
        if self.moving.is_some() { Err(VmError::OnTheWay) } else { Ok(()) }
    }

    /// Slots first, region last. The entry says what stands in the table, also when this fails: an update whose answer
    /// was lost may have been made.
    fn install<B: RegisterBus>(
        &self,
        driver: &mut Driver<B>,
        memory: &Registration<'_>,
        key: u32,
        entry: &mut Registered,
    ) -> Result<(), ChangeError<B::Error>> {
        for (page, frame) in (0..).zip(memory.frames) {
            let (table, slot) = (self.table, entry.slot(page));
            let set = Update::SetSlot { table, slot, frame: *frame, page_size: memory.page_size };
            entry.present.end = page + 1;
            if let Err(refusal) = driver.update(&set)? {
                entry.present.end = page;
                return Err(ChangeError::Refused(refusal));
            }
        }
        let region = Region {
            base: memory.base,
            length: memory.length,
            first_offset: memory.first_offset,
            rights: memory.rights,
            page_size: memory.page_size,
            first_slot: entry.slot(0),
            pd: memory.pd,
        };
        entry.is_valid = true;
        let installed = driver.update(&Update::Install { table: self.table, key, region })?;
        entry.is_valid = installed.is_ok();
        done(installed)
    }

    /// Region first, slots last. What is not there any more is no error: this may be the second try, after an answer that
    /// was lost. The entry says what is left.
    fn remove<B: RegisterBus>(
        &self,
        driver: &mut Driver<B>,
        key: u32,
        entry: &mut Registered,
    ) -> Result<(), ChangeError<B::Error>> {
        let table = self.table;
        if entry.is_valid {
            gone(driver.update(&Update::Invalidate { table, key })?)?;
            entry.is_valid = false;
        }
        while let Some(page) = entry.present.clone().next() {
            gone(driver.update(&Update::ClearSlot { table, slot: entry.slot(page) })?)?;
            entry.present.start = page + 1;
        }
        Ok(())
    }

    /// Nothing of a key stands in the table: the key and its slots may be used again.
    fn release(&mut self, key: u32, slots: Part) {
        self.keys.give_back(key);
        self.slots.give_back(slots);
    }
}

impl Registered {
    /// The slot of a page. A pool of the controller's slots has 2^24 places at most.
    pub(crate) fn slot(&self, page: u64) -> u32 {
        (self.slots.first + page) as u32
    }
}

/// How many pages hold some memory.
fn pages<E: core::error::Error>(page_shifts: u32, memory: &Registration<'_>) -> Result<u64, VmError<E>> {
    let bad = |why| VmError::BadPages { page_size: memory.page_size, first_offset: memory.first_offset, why };
    let mut shifts = (0..32).filter(|shift| page_shifts >> shift & 1 == 1);
    let shift =
        shifts.nth(memory.page_size.into()).ok_or_else(|| bad("the controller has no such page size"))?;
    if u64::from(memory.first_offset) >= 1 << shift {
        return Err(bad("the offset lies beyond the first page"));
    }
    if memory.length == 0 {
        return Ok(0);
    }
    let bytes = u128::from(memory.length) + u128::from(memory.first_offset);
    Ok(bytes.div_ceil(1 << shift) as u64)
}

pub(crate) fn done<E: core::error::Error>(answer: stagecoach_spec::Answer) -> Result<(), ChangeError<E>> {
    answer.map(|_| ()).map_err(ChangeError::Refused)
}

/// As [`done`]; what was not there is gone too.
fn gone<E: core::error::Error>(answer: stagecoach_spec::Answer) -> Result<(), ChangeError<E>> {
    match answer {
        Err(UpdateError::NotValid) => Ok(()),
        answer => done(answer),
    }
}
