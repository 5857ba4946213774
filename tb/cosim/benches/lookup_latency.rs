//! Latency of one lookup: the mapping unit's in cycles and in ns at stated clocks, against two software lookups that
//! make the same checks over the same tables: `cargo bench -p stagecoach-cosim --bench lookup_latency`.
//!
//! The software's time is a dependent chain of lookups: the next is chosen by the last one's answer. Its tables are
//! warm, no lock is taken and no packet parsed, so it is a lower bound of what a driver takes. The clocks are stated,
//! not measured here: what a device reaches is in the place-and-route report.

mod software;

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use software::{Lookup, OneMap, Registered, TwoLevel, answer};
use stagecoach_cosim::{EngineKind, Options, Unit};
use stagecoach_model::Golden;
use stagecoach_spec::{Access, Config, Fault, NetId, Op, Preset, Region, Request, Slices, Stages, Update};

/// Clocks at which cycles are turned into time, in MHz.
const CLOCKS: [f64; 3] = [150.0, 250.0, 500.0];
/// Pages of each region.
const PAGES: u32 = 4;

/// All tables and regions of preset `roce` in use, four pages each.
fn updates(config: &Config) -> Vec<Update> {
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
fn request(config: &Config, n: u64) -> Request {
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
fn registered(updates: &[Update]) -> Vec<(NetId, u32, Registered)> {
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

/// A chain of lookups, each chosen by the answer before.
fn chain(tables: &impl Lookup, config: &Config, requests: &[Request], lookups: u64) -> u64 {
    let mut at = 0;
    for n in 0..lookups {
        let (fault, pa) = answer(tables, config, &requests[at as usize % requests.len()]);
        at = n.wrapping_add(pa >> 12).wrapping_add(fault as u64).wrapping_mul(7);
    }
    at
}

/// Every lookup gives the golden model's first beat.
fn check(name: &str, tables: &impl Lookup, golden: &mut Golden, requests: &[Request]) {
    for request in requests {
        let beat = golden.request(request)[0];
        assert_eq!(answer(tables, golden.config(), request), (beat.fault, beat.pa), "{name}: {request:?}");
    }
}

fn main() {
    let config = Preset::Roce.config();
    let updates = updates(&config);
    let requests: Vec<Request> = (0..1 << 14).map(|n| request(&config, n)).collect();

    let stages = Stages::of(&config);
    println!("preset roce, all {} tables and {} regions in use", config.tables, config.regions);
    let mut unit = Unit::new(EngineKind::Native, &config, Options::default()).expect("the native engine");
    for update in &updates {
        assert_eq!(unit.update(update).expect("the unit runs"), Ok(0), "{update:?}");
    }
    let mut latencies: Vec<u64> = Vec::new();
    for request in requests.iter().take(2_000) {
        let reply = unit.request(request).expect("the unit runs");
        assert_eq!(reply.beats[0].fault, Fault::Granted);
        latencies.extend(reply.latency);
    }
    let least = latencies.iter().min().copied().unwrap_or(0);
    let most = latencies.iter().max().copied().unwrap_or(0);
    let stated = stages.first_beat();
    println!(
        "hardware: {stated} cycles by the table of stages, {least} to {most} measured on the native engine"
    );
    for clock in CLOCKS {
        let cycle = 1e3 / clock;
        println!(
            "  at {clock:>3.0} MHz: {:>6.1} ns latency, a lookup every {cycle:.1} ns",
            cycle * f64::from(stages.first_beat())
        );
    }

    let (mut two_level, mut one_map, mut golden) =
        (TwoLevel::default(), OneMap::default(), Golden::new(&config));
    for (net_id, index, registered) in registered(&updates) {
        two_level.insert(net_id, index, registered.clone());
        one_map.insert(net_id, index, registered);
    }
    for update in &updates {
        assert_eq!(golden.update(update), Ok(0));
    }
    check("two levels", &two_level, &mut golden, &requests);
    check("one map", &one_map, &mut golden, &requests);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("software_lookup");
    let mut bench = |name: &str, run: &dyn Fn(u64) -> u64| {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|lookups| {
                let started = std::time::Instant::now();
                black_box(run(lookups));
                started.elapsed()
            });
        });
    };
    bench("two_level_table", &|lookups| chain(&two_level, &config, &requests, lookups));
    bench("one_hash_map", &|lookups| chain(&one_map, &config, &requests, lookups));
    group.finish();
    criterion.final_summary();
}
