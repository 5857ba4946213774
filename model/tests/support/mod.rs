//! Tables and requests that the tests share.
#![allow(dead_code)] // Each test file uses its own part.

use stagecoach_model::Golden;
use stagecoach_spec::{
    Access, Beat, Config, Counter, Fault, NetId, Op, PeekEntry, Preset, Region, Request, Slices, Update,
    UpdateError,
};

/// The identifier of the VM in table 0.
pub const VM: NetId = NetId::from_u128(0xffff_0a00_0102);
/// The identifier of the VM in table 1.
pub const OTHER_VM: NetId = NetId::from_u128(0xffff_0a00_0202);
/// A key: index 5, variant 0xee.
pub const KEY: u32 = 0x05ee;
/// Where the region of [`region`] starts.
pub const BASE: u64 = 0x7f00_0000_0000;
/// How long it is.
pub const LENGTH: u64 = 0x4000;
/// Protection domain of the region.
pub const PD: u32 = 7;
/// First frame of table 0's window.
pub const WINDOW: u64 = 0x10_0000;

pub fn config() -> Config {
    Preset::Roce.config()
}

/// Slices that differ per table: 16 regions, 64 slots, 2^20 frames.
pub fn slices(table: u16) -> Slices {
    let n = u32::from(table);
    Slices {
        region_base: n * 16,
        region_count: 16,
        slot_base: n * 64,
        slot_count: 64,
        window_base: WINDOW + u64::from(table) * 0x10_0000,
        window_count: 0x10_0000,
    }
}

/// Four pages from `BASE` on, every right.
pub fn region() -> Region {
    Region {
        base: BASE,
        length: LENGTH,
        first_offset: 0,
        rights: Access::ALL,
        page_size: 0,
        first_slot: 8,
        pd: PD,
    }
}

pub fn request() -> Request {
    Request {
        net_id: VM,
        key: KEY,
        pd: PD,
        op: Op::RemoteRead,
        va: BASE,
        length: 64,
        bound: 64,
        stream: 0x00ab_cdef,
        tag: 0x5a,
    }
}

/// Table 0 set and bound to [`VM`], nothing in it.
pub fn empty_table() -> Golden {
    let mut golden = Golden::new(&config());
    accept(&mut golden, Update::SetTable { table: 0, slices: slices(0) });
    accept(&mut golden, Update::Bind { table: 0, net_id: VM });
    golden
}

/// As [`empty_table`], with slots 8 to 11 at frames `WINDOW + 0x30`, `0x20`, `0x10`, `0x00` and [`region`] at [`KEY`].
pub fn one_region() -> Golden {
    with_region(region())
}

/// As [`one_region`], with another region.
pub fn with_region(region: Region) -> Golden {
    let mut golden = empty_table();
    for page in 0..4 {
        set_slot(&mut golden, 8 + page, WINDOW + 0x30 - 0x10 * u64::from(page));
    }
    install(&mut golden, region);
    golden
}

pub fn set_slot(golden: &mut Golden, slot: u32, frame: u64) {
    accept(golden, Update::SetSlot { table: 0, slot, frame, page_size: 0 });
}

pub fn install(golden: &mut Golden, region: Region) {
    accept(golden, Update::Install { table: 0, key: KEY, region });
}

/// An update that must be accepted.
#[track_caller]
pub fn accept(golden: &mut Golden, update: Update) {
    assert_eq!(golden.update(&update), Ok(0), "{update:?}");
}

/// An update that must be refused, and change nothing.
#[track_caller]
pub fn refuse(golden: &mut Golden, update: Update, error: UpdateError) {
    let before = format!("{golden:?}");
    assert_eq!(golden.update(&update), Err(error), "{update:?}");
    // Staging words may have changed; nothing else.
    let tables = |text: &str| text.split("staged").next().map(str::to_owned);
    assert_eq!(tables(&before), tables(&format!("{golden:?}")), "{update:?}");
}

/// The fault of a request that must get a single beat, all of whose other fields are checked.
#[track_caller]
pub fn fault(golden: &mut Golden, request: Request) -> Fault {
    let beats = golden.request(&request);
    assert_eq!(beats.len(), 1, "{request:?}: {beats:?}");
    let beat = beats[0];
    assert_eq!((beat.tag, beat.stream, beat.first, beat.last), (request.tag, request.stream, true, true));
    if beat.fault != Fault::Granted {
        assert_eq!((beat.pa, beat.span), (0, 0), "{beat:?}");
    }
    beat.fault
}

/// Address and bytes of every beat of a request that must be granted.
#[track_caller]
pub fn granted(golden: &mut Golden, request: Request) -> Vec<(u64, u32)> {
    let beats = golden.request(&request);
    for (place, beat) in beats.iter().enumerate() {
        let expected = Beat {
            tag: request.tag,
            stream: request.stream,
            fault: Fault::Granted,
            pa: beat.pa,
            span: beat.span,
            table: beat.table,
            epoch: beat.epoch,
            first: place == 0,
            last: place + 1 == beats.len(),
        };
        assert_eq!(*beat, expected, "{request:?}");
    }
    beats.iter().map(|beat| (beat.pa, beat.span)).collect()
}

/// All words of an entry.
#[track_caller]
pub fn peek(golden: &mut Golden, entry: PeekEntry) -> Vec<u64> {
    (0..entry.words()).map(|word| golden.update(&Update::Peek { entry, word }).unwrap()).collect()
}

/// What a counter of requests says.
#[track_caller]
pub fn counter(golden: &mut Golden, table: u16, fault: Fault) -> u64 {
    golden.update(&Update::ReadCounter { table, counter: Counter::Requests(fault) }).unwrap()
}

/// The epoch that beats of [`request`] carry.
pub fn epoch(golden: &mut Golden) -> bool {
    golden.request(&request())[0].epoch
}
