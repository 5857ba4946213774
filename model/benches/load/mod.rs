//! Full tables and random requests for them: what benches, examples and the guard of instruction counts measure.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_model::FastLookup;
use stagecoach_spec::{Access, Cam, Config, NetId, Op, Region, Request, Slices, Update};

/// Two pages a region.
const PAGES: u32 = 2;

/// How much is registered.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub tables: u32,
    pub regions_per_table: u32,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tables of {} regions", self.tables, self.regions_per_table)
    }
}

impl Size {
    /// Room for exactly so much.
    pub fn config(self) -> Config {
        let regions = self.tables * self.regions_per_table;
        let Size { tables, .. } = self;
        // Nothing here depends on the kind of CAM, and registers take any identifier without a plan.
        let cam = Some(Cam::Register);
        Config { tables, bindings: tables, cam, regions, slots: regions * PAGES, ..Config::default() }
    }
}

/// Every table bound to a random identifier of 128 bits, every key valid, every page present.
pub fn fill(size: Size) -> FastLookup {
    let mut fast = FastLookup::new(&size.config());
    updates(size, |update| assert_eq!(fast.update(&update), Ok(0), "{update:?}"));
    fast
}

/// What registers it all.
pub fn updates(size: Size, mut accept: impl FnMut(Update)) {
    for (table, net_id) in (0..).zip(net_ids(size)) {
        let first = u32::from(table) * size.regions_per_table;
        let slices = Slices {
            region_base: first,
            region_count: size.regions_per_table,
            slot_base: first * PAGES,
            slot_count: size.regions_per_table * PAGES,
            window_base: u64::from(first * PAGES),
            window_count: u64::from(size.regions_per_table * PAGES),
        };
        accept(Update::SetTable { table, slices });
        accept(Update::Bind { table, net_id });
        for index in 0..size.regions_per_table {
            for slot in index * PAGES..(index + 1) * PAGES {
                let frame = slices.window_base + u64::from(slot);
                accept(Update::SetSlot { table, slot, frame, page_size: 0 });
            }
            accept(Update::Install { table, key: key(index), region: region(index) });
        }
    }
}

/// Requests that are all granted.
pub fn requests(size: Size, count: usize) -> Vec<Request> {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let net_ids = net_ids(size);
    (0..count).map(|_| request(&mut rng, &net_ids, size)).collect()
}

fn net_ids(size: Size) -> Vec<NetId> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    (0..size.tables).map(|_| NetId::from_u128(rng.random())).collect()
}

/// The variant differs from region to region.
fn key(index: u32) -> u32 {
    index << 8 | (index.wrapping_mul(0x9e37_79b9) >> 24)
}

fn region(index: u32) -> Region {
    Region {
        base: 0x7f00_0000_0000 + u64::from(index) * 0x1_0000,
        length: u64::from(PAGES) * 4096,
        first_offset: 0,
        rights: Access::ALL,
        page_size: 0,
        first_slot: index * PAGES,
        pd: index % 16,
    }
}

/// A random table, key, op and place; 64 bytes, which now and then cross a page.
fn request(rng: &mut ChaCha8Rng, net_ids: &[NetId], size: Size) -> Request {
    let index = rng.random_range(0..size.regions_per_table);
    let region = region(index);
    Request {
        net_id: net_ids[rng.random_range(0..net_ids.len())],
        key: key(index),
        pd: region.pd,
        op: if rng.random() { Op::RemoteRead } else { Op::RemoteWrite },
        va: region.base + rng.random_range(0..=region.length - 64),
        length: 64,
        bound: 64,
        stream: rng.random_range(0..1 << 24),
        tag: rng.random_range(0..1 << 8),
    }
}
