//! A table moves to other slices of the pools: [`Vm::relocate`].
//!
//! What a table owns can only change while it is unbound and empty. So its contents are read back while it still serves,
//! and then it is frozen, unbound, cleared, set anew, filled and bound again. Keys, addresses and frames stay as they are,
//! so clients notice a pause: FROZEN until the fence, then UNKNOWN_NETWORK until it is bound. Both are answers after which a
//! reliable transport asks again.
//!
//! The contents stay with the [`Vm`] until all is done: if the bus fails on the way, the same call goes on.

use alloc::vec::Vec;

use stagecoach_spec::{Access, NetId, PeekEntry, Region, Slices, Update, UpdateError};

use crate::bindings::{BindError, Bindings};
use crate::bus::RegisterBus;
use crate::driver::Driver;
use crate::slices::Relocation;
use crate::vm::{ChangeError, Vm, VmError, done};

/// What a table holds, while it stands nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    net_ids: Vec<NetId>,
    is_frozen: bool,
    slots: Vec<Slot>,
    /// Keys and what they name.
    regions: Vec<(u32, Region)>,
}

/// A present slot.
#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u32,
    frame: u64,
    page_size: u8,
}

/// Where bits stand in words that `peek` gives: [`PeekEntry`].
mod bits {
    pub const FROZEN: u64 = 1 << 1;
    pub const REGION_VALID: u64 = 1;
    pub const LIMIT_64: u64 = 1 << 1;
    pub const PRESENT: u64 = 1 << 63;
    pub const FRAME: u64 = (1 << 52) - 1;
}

impl Vm {
    /// Moves the table to other slices of the same sizes. Meant for `to` as [`SliceAllocator::make_room`] says it. The
    /// table's counters, its entries of the fault log and its dirty bitmap are cleared: not while the VM is tracked.
    ///
    /// If the bus fails on the way, the table is not reachable, nothing is lost, and calling this again goes on; until then
    /// keys can neither be registered nor deregistered.
    ///
    /// # Errors
    /// As [`VmError`] says. If the controller refuses the new slices, the table is back where it was.
    ///
    /// [`SliceAllocator::make_room`]: crate::SliceAllocator::make_room
    pub fn relocate<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        bindings: &mut Bindings,
        to: &Relocation,
    ) -> Result<(), VmError<B::Error>> {
        if to.table != self.table {
            return Err(VmError::OtherTable { own: self.table, named: to.table });
        }
        let contents = match self.moving.take() {
            Some(contents) => contents,
            None => self.read_back(driver, bindings)?,
        };
        let there = Slices { region_base: to.region_base, slot_base: to.slot_base, ..self.slices };
        self.moving = Some(contents.clone());
        let made = self.make_anew(driver, bindings, &contents, there)?;
        self.moving = None;
        Ok(done(made.map(|()| 0))?)
    }

    /// What stands in the table. Nothing but this `Vm` changes it.
    fn read_back<B: RegisterBus>(
        &self,
        driver: &mut Driver<B>,
        bindings: &Bindings,
    ) -> Result<Contents, VmError<B::Error>> {
        let table = self.table;
        let state = peek(driver, PeekEntry::Table { table }, 4)?;
        let (mut slots, mut regions) = (Vec::new(), Vec::new());
        for (key, entry) in &self.registered {
            for page in entry.present.clone() {
                let number = entry.slot(page);
                let word = peek(driver, PeekEntry::Slot { table, slot: number }, 0)?;
                if word & bits::PRESENT != 0 {
                    let page_size = (word >> 56 & 0xf) as u8;
                    slots.push(Slot { number, frame: word & bits::FRAME, page_size });
                }
            }
            if entry.is_valid {
                let index = key >> 8;
                let mut words = [0; 5];
                for (number, word) in (0..).zip(&mut words) {
                    *word = peek(driver, PeekEntry::Region { table, index }, number)?;
                }
                let is_this = words[2] & bits::REGION_VALID != 0 && (words[2] >> 24) as u8 == *key as u8;
                if is_this {
                    regions.push((*key, region_of(&words, driver.sizes().page_shifts)));
                }
            }
        }
        Ok(Contents { net_ids: bindings.of(table), is_frozen: state & bits::FROZEN != 0, slots, regions })
    }

    /// Takes the table away, whatever is left of it, and makes it again at `there`, or where it was if that is refused. The
    /// inner error is the refusal. Every step may be made twice.
    fn make_anew<B: RegisterBus>(
        &mut self,
        driver: &mut Driver<B>,
        bindings: &mut Bindings,
        contents: &Contents,
        there: Slices,
    ) -> Result<Result<(), UpdateError>, VmError<B::Error>> {
        let table = self.table;
        unless(
            &[UpdateError::TableAbsent, UpdateError::TableFrozen],
            driver.update(&Update::Freeze { table })?,
        )?;
        self.unbind_all(driver, bindings, contents)?;
        unless(&[UpdateError::TableAbsent], driver.update(&Update::ClearTable { table })?)?;
        let refusal = driver.update(&Update::SetTable { table, slices: there })?;
        if refusal.is_err() {
            done(driver.update(&Update::SetTable { table, slices: self.slices })?)?;
        } else {
            self.slices = there;
        }
        for slot in &contents.slots {
            let Slot { number, frame, page_size } = *slot;
            done(driver.update(&Update::SetSlot { table, slot: number, frame, page_size })?)?;
        }
        for (key, region) in &contents.regions {
            done(driver.update(&Update::Install { table, key: *key, region: *region })?)?;
        }
        if contents.is_frozen {
            done(driver.update(&Update::Freeze { table })?)?;
        }
        for net_id in &contents.net_ids {
            bindings.bind(driver, *net_id, table)?;
        }
        Ok(refusal.map(|_| ()))
    }
}

impl Vm {
    /// Nobody reaches the table any more. An answer that was lost before left the bindings as they were known or not.
    fn unbind_all<B: RegisterBus>(
        &self,
        driver: &mut Driver<B>,
        bindings: &mut Bindings,
        contents: &Contents,
    ) -> Result<(), VmError<B::Error>> {
        let (table, known) = (self.table, bindings.of(self.table));
        for net_id in known.iter().copied() {
            match bindings.unbind(driver, net_id) {
                Err(BindError::Refused(UpdateError::NotBound)) => bindings.is_gone(net_id, table),
                unbound => unbound?,
            }
        }
        for net_id in contents.net_ids.iter().copied().filter(|net_id| !known.contains(net_id)) {
            unless(
                &[UpdateError::NotBound, UpdateError::TableAbsent],
                driver.update(&Update::Unbind { table, net_id })?,
            )?;
        }
        Ok(())
    }
}

/// The region that `peek` shows. `page_shifts` has a bit for each page size.
fn region_of(words: &[u64; 5], page_shifts: u32) -> Region {
    let [base, limit, fields, origin, first_slot] = *words;
    let page_size = (fields >> 16 & 0xf) as u8;
    let shift = (0..32).filter(|shift| page_shifts >> shift & 1 == 1).nth(page_size.into()).unwrap_or(12);
    let limit = u128::from(fields & bits::LIMIT_64 != 0) << 64 | u128::from(limit);
    Region {
        base,
        // Below 2^64, as it was when it was installed.
        length: limit.wrapping_sub(base.into()) as u64,
        first_offset: (base.wrapping_sub(origin) & ((1 << shift) - 1)) as u32,
        rights: Access::from_bits((fields >> 8 & 0xf) as u8).unwrap_or(Access::NONE),
        page_size,
        first_slot: first_slot as u32,
        pd: (fields >> 32) as u32,
    }
}

fn peek<B: RegisterBus>(
    driver: &mut Driver<B>,
    entry: PeekEntry,
    word: u8,
) -> Result<u64, ChangeError<B::Error>> {
    driver.update(&Update::Peek { entry, word })?.map_err(ChangeError::Refused)
}

/// As [`done`]; but these refusals say that nothing was left to do.
fn unless<E: core::error::Error>(
    nothing_to_do: &[UpdateError],
    answer: stagecoach_spec::Answer,
) -> Result<(), ChangeError<E>> {
    match answer {
        Err(refusal) if nothing_to_do.contains(&refusal) => Ok(()),
        answer => done(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_read_back_as_it_was_installed() {
        let page_shifts = 1 << 12 | 1 << 21;
        // Base 0x7000_0800, 0x2000 bytes, from 0x800 in a small page.
        let words = [0x7000_0800, 0x7000_2800, 1 | 0b0111 << 8 | 0x41 << 24 | 3 << 32, 0x7000_0000, 9];
        let region = region_of(&words, page_shifts);
        assert_eq!((region.base, region.length, region.first_offset), (0x7000_0800, 0x2000, 0x800));
        assert_eq!((region.rights.bits(), region.pd, region.first_slot, region.page_size), (7, 3, 9, 0));
        // Zero-based, large pages, from 0x12_3456 in the first; the origin has its low bits alone.
        let words = [0, 0x40_0000, 1 | 1 << 16, 0x3f_ffff_ffff - 0x12_3455, 0];
        let region = region_of(&words, page_shifts);
        assert_eq!((region.length, region.first_offset, region.page_size), (0x40_0000, 0x12_3456, 1));
        // To the end of the address space.
        let words = [u64::MAX - 0xfff, 0, 1 | 1 << 1, u64::MAX - 0xfff, 0];
        assert_eq!(region_of(&words, page_shifts).length, 0x1000);
    }
}
