//! What is registered, and what is asked: the same for the unit and for all software.

use crate::software::Registered;
use stagecoach_spec::{Access, Config, NetId, Op, Region, Request, Slices, Update};
use std::collections::HashMap;

/// Pages of each region.
const PAGES: u32 = 4;

/// All tables and regions in use, four pages each.
pub fn updates(config: &Config) -> Vec<Update> {
    let regions = config.regions / config.tables;
    let slots = config.slots / config.tables;
    let mut updates = Vec::new();
    for table in 0..config.tables as u16 {
        let n = u32::from(table);
        let window_base = u64::from(table) << 20;
        let slices = Slices {
            region_base: n * regions,
            region_count: regions,
            slot_base: n * slots,
            slot_count: slots,
            window_base,
            window_count: 1 << 20,
        };
        updates.push(Update::SetTable { table, slices });
        updates.push(Update::Bind { table, net_id: net_id(table) });
        for slot in 0..slots {
            // Neighbouring pages lie far apart, as in a host's memory.
            let frame = window_base + u64::from(slot * 4093 % (1 << 20));
            updates.push(Update::SetSlot { table, slot, frame, page_size: 0 });
        }
        for index in 0..regions {
            let region = Region {
                base: base(index),
                length: u64::from(PAGES) * 4096,
                first_offset: 0,
                rights: Access::ALL,
                page_size: 0,
                first_slot: index * PAGES,
                pd: 1,
            };
            updates.push(Update::Install { table, key: key(index), region });
        }
    }
    updates
}

fn net_id(table: u16) -> NetId {
    NetId::from_u128(0xffff_0a00_0100 + u128::from(table))
}

fn base(index: u32) -> u64 {
    0x7f00_0000_0000 + (u64::from(index) << 20)
}

fn key(index: u32) -> u32 {
    index << 8 | 0x5a
}

/// The n-th request of a long random-looking row.
pub fn request(config: &Config, n: u64) -> Request {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let index = (mixed >> 8) as u32 % (config.regions / config.tables);
    Request {
        net_id: net_id((mixed % u64::from(config.tables)) as u16),
        key: key(index),
        pd: 1,
        op: if mixed >> 30 & 1 == 0 { Op::RemoteRead } else { Op::RemoteWrite },
        va: base(index) + (mixed >> 24) % (u64::from(PAGES) * 4096 - 64),
        length: 64,
        bound: 64,
        stream: 0,
        tag: 0,
    }
}

/// What the software tables hold after the updates.
pub fn registered(updates: &[Update]) -> Vec<(NetId, u32, Registered)> {
    let addresses: HashMap<(u16, u32), u64> = updates
        .iter()
        .filter_map(|update| match *update {
            Update::SetSlot { table, slot, frame, .. } => Some(((table, slot), frame << 12)),
            _ => None,
        })
        .collect();
    let installed = updates.iter().filter_map(|update| match *update {
        Update::Install { table, key, region } => {
            let slots = region.first_slot..region.first_slot + PAGES;
            let pages = slots.filter_map(|slot| addresses.get(&(table, slot)).copied()).collect();
            let registered = Registered { variant: key as u8, region, page_shift: 12, pages };
            Some((net_id(table), key >> 8, registered))
        }
        _ => None,
    });
    installed.collect()
}
