//! Latency and interval over long bursts, on the native engine.

use stagecoach_cosim::{EngineKind, Options, Unit};
use stagecoach_spec::{Access, Config, Fault, NetId, Op, Preset, Region, Request, Slices, Stages, Update};

const VM: NetId = NetId::from_u128(5);
const BASE: u64 = 0x4000_0000;
const KEY: u32 = 0x0102;

/// Table 0 with 64 pages of 4 KiB.
fn loaded(config: &Config) -> Unit {
    let mut unit = Unit::new(EngineKind::Native, config, Options::default()).unwrap();
    let slices = Slices { region_count: 4, slot_count: 64, window_count: 64, ..Slices::default() };
    let mut updates = vec![Update::SetTable { table: 0, slices }, Update::Bind { table: 0, net_id: VM }];
    updates.extend((0..64).map(|slot| Update::SetSlot {
        table: 0,
        slot,
        frame: 63 - u64::from(slot),
        page_size: 0,
    }));
    let region = Region {
        base: BASE,
        length: 64 * 4096,
        first_offset: 0,
        rights: Access::ALL,
        page_size: 0,
        first_slot: 0,
        pd: 0,
    };
    updates.push(Update::Install { table: 0, key: KEY, region });
    for update in updates {
        assert_eq!(unit.update(&update).unwrap(), Ok(0), "{update:?}");
    }
    unit
}

fn read(offset: u64, length: u32) -> Request {
    Request {
        net_id: VM,
        key: KEY,
        pd: 0,
        op: Op::RemoteRead,
        va: BASE + offset,
        length,
        bound: length,
        stream: 0,
        tag: 0,
    }
}

/// Cycles of acceptance and of the first beat.
fn burst(unit: &mut Unit, requests: &[Request]) -> Vec<(u64, u64)> {
    requests.iter().for_each(|request| unit.submit(request).unwrap());
    let mut times = Vec::new();
    while let Some(reply) = unit.poll().unwrap() {
        assert_eq!(reply.beats.last().unwrap().fault, Fault::Granted);
        let accepted = reply.accepted_at.unwrap();
        times.push((accepted, accepted + reply.latency.unwrap()));
    }
    assert_eq!(times.len(), requests.len());
    times
}

#[test]
fn one_request_a_cycle_for_thousands_of_cycles() {
    for preset in [Preset::Tiny, Preset::Roce] {
        let config = preset.config();
        let mut unit = loaded(&config);
        let requests: Vec<Request> = (0..5_000).map(|n| read(n % 63 * 4096 + n % 4096, 1)).collect();
        let times = burst(&mut unit, &requests);
        let constant = u64::from(Stages::of(&config).first_beat());
        for (number, (accepted, shown)) in times.iter().enumerate() {
            assert_eq!(*accepted, times[0].0 + number as u64, "request {number} had to wait");
            assert_eq!(*shown - *accepted, constant, "request {number}");
        }
        unit.finish().unwrap();
    }
}

#[test]
fn one_span_a_cycle_whatever_the_number_of_spans() {
    for (max_request_bytes, length) in [(4096, 4096), (16384, 16384), (65536, 65536), (65536, 40960)] {
        let config = Config { max_request_bytes, name: "bursts".into(), ..Preset::Tiny.config() };
        let mut unit = loaded(&config);
        let requests: Vec<Request> = (0..400).map(|n| read(1 + n % 40 * 4096, length)).collect();
        let times = burst(&mut unit, &requests);
        let spans = u64::from(length) / 4096 + 1;
        assert_eq!(times[0].1 - times[0].0, u64::from(Stages::of(&config).first_beat()));
        for (number, pair) in times.windows(2).enumerate() {
            assert_eq!(pair[1].1 - pair[0].1, spans, "request {number} of {length} bytes");
        }
        unit.finish().unwrap();
    }
}

#[test]
fn every_verdict_takes_the_same_time() {
    let config = Preset::Tiny.config();
    let mut unit = loaded(&config);
    let good = read(0, 64);
    let requests = [
        good,
        Request { net_id: NetId::from_u128(6), ..good },
        Request { bound: 0, length: 0, ..good },
        Request { bound: 1, ..good },
        Request { key: KEY + 1, ..good },
        Request { pd: 1, ..good },
        Request { va: u64::MAX, ..good },
        Request { va: BASE - 1, ..good },
        Request { op: Op::RemoteAtomic, ..good },
        Request { op: Op::Reserved7, ..good },
    ];
    let constant = u64::from(Stages::of(&config).first_beat());
    for request in requests {
        let reply = unit.request(&request).unwrap();
        assert_eq!(reply.latency, Some(constant), "{request:?}: {:?}", reply.beats);
    }
    unit.finish().unwrap();
}
