//! The same few updates and requests on every engine.

use stagecoach_cosim::{EngineKind, Options, Unit};
use stagecoach_spec::{
    Access, Fault, NetId, Op, Preset, Region, Request, Slices, Stages, Update, UpdateError,
};

const VM: NetId = NetId::from_u128(0x0a00_0102);

fn load(unit: &mut Unit) {
    let slices = Slices {
        region_base: 3,
        region_count: 8,
        slot_base: 5,
        slot_count: 8,
        window_base: 0x100,
        window_count: 0x100,
    };
    let region = Region {
        base: 0x7000,
        length: 0x3000,
        first_offset: 0,
        rights: Access::REMOTE_READ,
        page_size: 0,
        first_slot: 1,
        pd: 1,
    };
    let mut updates = vec![Update::SetTable { table: 3, slices }];
    updates.extend((0..2).map(|page| Update::SetSlot {
        table: 3,
        slot: 1 + page,
        frame: 0x123 + 0x10 * u64::from(page),
        page_size: 0,
    }));
    updates.push(Update::Install { table: 3, key: 0x05ee, region });
    updates.push(Update::Bind { table: 3, net_id: VM });
    for update in updates {
        assert_eq!(unit.update(&update).unwrap(), Ok(0), "{update:?}");
    }
}

fn read(va: u64, length: u32) -> Request {
    Request {
        net_id: VM,
        key: 0x05ee,
        pd: 1,
        op: Op::RemoteRead,
        va,
        length,
        bound: length,
        stream: 9,
        tag: 7,
    }
}

fn run(kind: EngineKind) {
    let config = Preset::Tiny.config();
    let mut unit = Unit::new(kind, &config, Options::default()).unwrap();
    load(&mut unit);
    let reply = unit.request(&read(0x7010, 4096)).unwrap();
    let places: Vec<_> = reply.beats.iter().map(|beat| (beat.fault, beat.pa, beat.span)).collect();
    assert_eq!(places, [(Fault::Granted, 0x12_3010, 4080), (Fault::Granted, 0x13_3000, 16)]);
    let constant = u64::from(Stages::of(&config).first_beat());
    assert_eq!(reply.latency, (kind != EngineKind::Golden).then_some(constant));

    for va in [0x7000, 0x8ff8, 0x9000, 0xa000] {
        unit.submit(&read(va, 16)).unwrap();
    }
    // The update follows what was submitted before.
    let frozen = unit.update(&Update::Freeze { table: 3 }).unwrap();
    assert_eq!(frozen, Ok(0));
    let last = unit.request(&read(0x7000, 16)).unwrap();
    assert_eq!(last.beats[0].fault, Fault::Frozen);
    assert_eq!(unit.outstanding(), 4);
    let mut faults = Vec::new();
    while let Some(reply) = unit.poll().unwrap() {
        faults.push(reply.beats.last().unwrap().fault);
    }
    assert_eq!(faults, [Fault::Granted, Fault::PageAbsent, Fault::PageAbsent, Fault::OutOfBounds]);
    assert_eq!(unit.update(&Update::Freeze { table: 3 }).unwrap(), Err(UpdateError::TableFrozen));
    let mut wide = read(0, 0);
    wide.pd = 256;
    assert!(unit.submit(&wide).unwrap_err().to_string().contains("pd"));
    unit.finish().unwrap();
}

#[test]
fn golden_answers() {
    run(EngineKind::Golden);
}

#[test]
fn native_answers_the_same_in_the_latency_of_the_table() {
    run(EngineKind::Native);
}

#[test]
fn verilator_answers_the_same_in_the_latency_of_the_table() {
    run(EngineKind::Verilator);
}
