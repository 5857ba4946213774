//! What a record says.

use serde::{Deserialize, Serialize};
use stagecoach_spec::{NetId, Region, Update};

use crate::MOST_STATE_BYTES;

/// A change of the VM's table, or what travels beside it. Slots and keys are the table's own; pages are the guest's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// A page goes into a slot.
    SetSlot {
        /// The slot.
        slot: u32,
        /// First guest page of the page, in units of 4 KiB; a multiple of the page size.
        page: u64,
        /// Page size, as an index into the header's `page_shifts`.
        page_size: u8,
    },
    /// A slot becomes empty.
    ClearSlot {
        /// The slot.
        slot: u32,
    },
    /// A key becomes valid.
    Install {
        /// The key: index in bits 31:8, variant in bits 7:0.
        key: u32,
        /// What it names; its page size as an index into the header's `page_shifts`.
        region: Region,
    },
    /// A key becomes invalid.
    Invalidate {
        /// The key.
        key: u32,
    },
    /// A key that is not valid any more, and was the last of its index: what compaction keeps of it, so that the next key of
    /// the index is another.
    Freed {
        /// The key.
        key: u32,
    },
    /// An identifier is bound.
    Bind {
        /// The identifier.
        net_id: NetId,
    },
    /// An identifier is not bound any more.
    Unbind {
        /// The identifier.
        net_id: NetId,
    },
    /// The table is frozen.
    Freeze,
    /// The table is thawed.
    Thaw,
    /// What the transport above keeps of a queue pair: opaque here.
    TransportState {
        /// The queue pair's number.
        stream: u32,
        /// Its state, at most [`MOST_STATE_BYTES`].
        state: Vec<u8>,
    },
}

impl Change {
    /// The update that makes it in a table, with the frame of a guest page; page sizes are taken as they are. Nothing for what no
    /// update makes: a variant to remember, and the transport's state.
    pub fn update(&self, table: u16, frame: impl FnOnce(u64) -> u64) -> Option<Update> {
        Some(match *self {
            Change::SetSlot { slot, page, page_size } => {
                Update::SetSlot { table, slot, frame: frame(page), page_size }
            }
            Change::ClearSlot { slot } => Update::ClearSlot { table, slot },
            Change::Install { key, region } => Update::Install { table, key, region },
            Change::Invalidate { key } => Update::Invalidate { table, key },
            Change::Bind { net_id } => Update::Bind { table, net_id },
            Change::Unbind { net_id } => Update::Unbind { table, net_id },
            Change::Freeze => Update::Freeze { table },
            Change::Thaw => Update::Thaw { table },
            Change::Freed { .. } | Change::TransportState { .. } => return None,
        })
    }

    /// Whether the change can be in a log with these page sizes; why not.
    pub(crate) fn check(&self, page_shifts: &[u32]) -> Result<(), &'static str> {
        let shift = |page_size: u8| {
            page_shifts
                .get(usize::from(page_size))
                .copied()
                .ok_or("it has a page size that the header does not name")
        };
        match self {
            Change::SetSlot { page, page_size, .. } => {
                let pages = 1 << (shift(*page_size)? - 12);
                let aligned = page % pages == 0 && page.checked_add(pages).is_some_and(|end| end <= 1 << 52);
                if aligned {
                    Ok(())
                } else {
                    Err("its page is not aligned to its page size, or beyond 64 bits")
                }
            }
            Change::Install { region, .. } => {
                let shift = shift(region.page_size)?;
                if u64::from(region.first_offset) >> shift != 0 {
                    return Err("its region begins beyond its first page");
                }
                if u128::from(region.base) + u128::from(region.length) > 1 << 64 {
                    return Err("its region wraps around 2^64");
                }
                if region.rights.is_registrable() { Ok(()) } else { Err("its rights cannot be registered") }
            }
            Change::TransportState { state, .. } if state.len() > MOST_STATE_BYTES => {
                Err("its transport state is longer than 65536 bytes")
            }
            _ => Ok(()),
        }
    }
}
