//! A VM's table: its slots, its keys, and registration in the order that never shows a half-made region: slots first,
//! region last; and away in the opposite one.

use alloc::collections::BTreeMap;

use stagecoach_spec::{Access, Region, Slices, Update, UpdateError};
use thiserror::Error;

use crate::bus::RegisterBus;
use crate::driver::{Driver, DriverError};
use crate::keys::Keys;
use crate::pool::{NoRoom, Part, Pool};

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
    /// No such key is registered here.
    #[error("key {key:#010x} is not registered")]
    NoSuchKey {
        /// The key.
        key: u32,
    },
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
    table: u16,
    slots: Pool,
    keys: Keys,
    /// The slots of every key in use.
    registered: BTreeMap<u32, Part>,
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
            slots: Pool::new(slices.slot_count.into()),
            keys: Keys::new(slices.region_count, first_variant),
            registered: BTreeMap::new(),
        })
    }

    /// Its table.
    pub fn table(&self) -> u16 {
        self.table
    }

    /// Registers memory; gives its key.
    ///
    /// # Errors
    /// As [`VmError`] says. Slots that were set before the refusal hold pages that no region names.
    pub fn register<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        memory: &Registration<'_>,
    ) -> Result<u32, VmError<B::Error>> {
        let needed = pages(driver.sizes().page_shifts, memory)?;
        if memory.frames.len() as u64 != needed {
            return Err(VmError::WrongNumberOfPages { given: memory.frames.len(), needed });
        }
        let slots = self.slots.take(needed).map_err(VmError::NoSlots)?;
        let Some(key) = self.keys.take() else {
            self.slots.give_back(slots);
            return Err(VmError::NoKeys);
        };
        match self.install(driver, memory, key, slots) {
            Ok(()) => {
                self.registered.insert(key, slots);
                Ok(key)
            }
            Err(error) => {
                self.keys.give_back(key);
                self.slots.give_back(slots);
                Err(error)
            }
        }
    }

    /// Takes a key away: when this returns, nothing that was granted under it is under way.
    ///
    /// # Errors
    /// As [`VmError`] says.
    pub fn deregister<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        key: u32,
    ) -> Result<(), VmError<B::Error>> {
        let Some(slots) = self.registered.get(&key).copied() else {
            return Err(VmError::NoSuchKey { key });
        };
        done(driver.update(&Update::Invalidate { table: self.table, key })?)?;
        self.registered.remove(&key);
        self.keys.give_back(key);
        self.slots.give_back(slots);
        Ok(())
    }

    /// Answers every request with FROZEN from now on; when this returns, nothing that was granted before is under way.
    ///
    /// # Errors
    /// As [`VmError`] says.
    pub fn freeze<B: RegisterBus>(&self, driver: &mut Driver<B>) -> Result<(), VmError<B::Error>> {
        done(driver.update(&Update::Freeze { table: self.table })?)
    }

    /// Takes the freeze back.
    ///
    /// # Errors
    /// As [`VmError`] says.
    pub fn thaw<B: RegisterBus>(&self, driver: &mut Driver<B>) -> Result<(), VmError<B::Error>> {
        done(driver.update(&Update::Thaw { table: self.table })?)
    }

    /// Slots first, region last.
    fn install<B: RegisterBus>(
        &self,
        driver: &mut Driver<B>,
        memory: &Registration<'_>,
        key: u32,
        slots: Part,
    ) -> Result<(), VmError<B::Error>> {
        // A pool of the controller's slots has 2^24 places at most.
        let slot_of = |page: usize| slots.first as u32 + page as u32;
        for (page, frame) in memory.frames.iter().enumerate() {
            let (table, slot) = (self.table, slot_of(page));
            let set = Update::SetSlot { table, slot, frame: *frame, page_size: memory.page_size };
            done(driver.update(&set)?)?;
        }
        let region = Region {
            base: memory.base,
            length: memory.length,
            first_offset: memory.first_offset,
            rights: memory.rights,
            page_size: memory.page_size,
            first_slot: slot_of(0),
            pd: memory.pd,
        };
        done(driver.update(&Update::Install { table: self.table, key, region })?)
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

fn done<E: core::error::Error>(answer: stagecoach_spec::Answer) -> Result<(), VmError<E>> {
    answer.map(|_| ()).map_err(VmError::Refused)
}
