//! The rows of the decision table from the key on, as far as they are decided without the page.

use stagecoach_hdl::{ModuleBuilder, Signal};
use stagecoach_spec::Fault;

use crate::codes::code;

/// A row, in the order of the decision table; OUT_OF_BOUNDS is two, since joining both comparisons would take longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRow {
    /// The region's word fails its check.
    TableCorrupt,
    /// The key names no region.
    InvalidKey,
    /// The region belongs to another protection domain.
    ProtectionDomain,
    /// The region does not give the right.
    AccessRights,
    /// The bound lies beyond 2^64.
    AddressWrap,
    /// The access begins before the region.
    Below,
    /// The access ends behind the region.
    Beyond,
    /// An atomic that is not eight bytes at a multiple of eight.
    MisalignedAtomic,
}

impl KeyRow {
    /// All, in order.
    pub const ALL: [KeyRow; 8] = [
        KeyRow::TableCorrupt,
        KeyRow::InvalidKey,
        KeyRow::ProtectionDomain,
        KeyRow::AccessRights,
        KeyRow::AddressWrap,
        KeyRow::Below,
        KeyRow::Beyond,
        KeyRow::MisalignedAtomic,
    ];

    /// How many there are.
    pub const COUNT: u32 = KeyRow::ALL.len() as u32;

    /// Its bit among all.
    pub fn of(self, rows: Signal<'_>) -> Signal<'_> {
        rows.bit(self as u32)
    }

    /// Its verdict.
    pub fn fault(self) -> Fault {
        match self {
            KeyRow::TableCorrupt => Fault::TableCorrupt,
            KeyRow::InvalidKey => Fault::InvalidKey,
            KeyRow::ProtectionDomain => Fault::ProtectionDomain,
            KeyRow::AccessRights => Fault::AccessRights,
            KeyRow::AddressWrap => Fault::AddressWrap,
            KeyRow::Below | KeyRow::Beyond => Fault::OutOfBounds,
            KeyRow::MisalignedAtomic => Fault::MisalignedAtomic,
        }
    }
}

/// The code of the first row that applies, GRANTED if none does.
pub fn first_fault<'m>(m: &'m ModuleBuilder, rows: Signal<'m>) -> Signal<'m> {
    let none = code(m, Fault::Granted);
    KeyRow::ALL.into_iter().rev().fold(none, |later, row| row.of(rows).select(code(m, row.fault()), later))
}
