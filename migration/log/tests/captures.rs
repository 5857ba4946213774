//! The captured machines' tables travel by their logs, twice, into random frames.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_captures::{self as captured, Registrations, Sizing, Vm};
use stagecoach_log::compaction::End;
use stagecoach_log::{
    Capacity, Change, Destination, Header, Log, Plan, Relocation, ReplayError, UpdatePort, binary, plan,
};
use stagecoach_model::Golden;
use stagecoach_spec::{
    Access, Answer, Beat, Config, Fault, NetId, PeekEntry, Preset, Region, Request, Slices, Update,
    UpdateError,
};

const MACHINES: [(&str, &str); 6] = [
    ("vma", "10.0.1.2"),
    ("vmb", "10.0.2.2"),
    ("vma-ipv6", "fd00:1::2"),
    ("vmb-ipv6", "fd00:2::2"),
    ("vma-vlan", "10.100.1.2"),
    ("vmb-vlan", "10.100.2.2"),
];
const WINDOW: u64 = 1 << 24;
const NO_PD: u32 = 0xffff;

struct Port(Golden);

impl UpdatePort for Port {
    type Error = Infallible;

    fn update(&mut self, update: &Update) -> Result<Answer, Infallible> {
        Ok(self.0.update(update))
    }
}

fn machine(name: &str, address: &str) -> Vm {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tb/captures/data/roce");
    let file = |end: &str| data.join(format!("{name}.{end}"));
    Vm::read(address.parse().unwrap(), &file("pcap.gz"), &file("events.jsonl")).unwrap()
}

/// The changes that the first `events` events make, and what is known of queue pairs then.
fn changes(vm: &Vm, events: usize) -> (Vec<Change>, Registrations) {
    let mut registrations = Registrations::new(1 << 24);
    let of = |event| registrations.changes(event).unwrap();
    let changes = vm.log.events[..events].iter().flat_map(of).collect();
    (changes, registrations)
}

/// The log as it comes out at the other end.
fn read(header: &Header, changes: &[Change]) -> Log {
    let log = Log::new(header.clone(), changes.to_vec()).unwrap();
    binary::read(&binary::write(&log), header.epoch).unwrap()
}

fn random_map(changes: &[Change], rng: &mut ChaCha8Rng) -> Relocation {
    let page = |change: &Change| if let Change::SetSlot { page, .. } = change { Some(*page) } else { None };
    let pages: BTreeSet<u64> = changes.iter().filter_map(page).collect();
    let mut frames: Vec<u64> = (WINDOW..WINDOW + 2 * pages.len() as u64).collect();
    frames.shuffle(rng);
    Relocation::new(pages.into_iter().zip(frames)).unwrap()
}

fn served(config: &Config, plan: &Plan) -> Golden {
    let mut port = Port(Golden::new(config));
    plan.prepare(&mut port).unwrap();
    let mut golden = port.0;
    let last = [Update::Thaw { table: plan.table() }];
    for update in plan.binds().iter().chain(&last) {
        golden.update(update).unwrap();
    }
    golden
}

fn ask(vm: &Vm, net_id: NetId, pairs: &Registrations, golden: &mut Golden) -> Vec<Vec<Beat>> {
    let ask = |captured: &captured::Request| {
        let header = captured.header;
        golden.request(&Request {
            net_id,
            key: header.key,
            pd: pairs.protection_domain(captured.qpn).unwrap_or(NO_PD),
            op: header.op.op(),
            va: header.va,
            length: header.length.min(4096),
            bound: header.length,
            stream: 0,
            tag: 0,
        })
    };
    vm.requests.iter().map(ask).collect()
}

/// What the beats must be where frames lie as `map` says.
fn moved(beats: &[Vec<Beat>], map: &Relocation, table: u16) -> Vec<Vec<Beat>> {
    let beat = |beat: &Beat| {
        let pa = if beat.span == 0 { 0 } else { map.frame(beat.pa >> 12).unwrap() << 12 | beat.pa & 4095 };
        Beat { pa, table, epoch: false, ..*beat }
    };
    beats.iter().map(|beats| beats.iter().map(beat).collect()).collect()
}

fn without_epoch(mut beats: Vec<Vec<Beat>>, table: u16) -> Vec<Vec<Beat>> {
    beats.iter_mut().flatten().for_each(|beat| (beat.epoch, beat.table) = (false, table));
    beats
}

#[test]
fn every_captured_request_has_its_verdict_after_two_moves() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut granted, mut refused, mut kept) = (0, 0, 0);
    for (name, address) in MACHINES {
        let vm = machine(name, address);
        let size = Sizing::of(&vm.log.events);
        let mut config = Preset::Roce.config();
        config.regions = config.regions.max(size.regions as u32);
        config.slots = config.slots.max(size.slots as u32);
        let net_id = NetId::from_ip(vm.address, &config).unwrap();
        let capacity = Capacity { regions: size.regions as u32, slots: size.slots as u32 };
        let slices = Slices {
            region_base: 0,
            region_count: capacity.regions,
            slot_base: 0,
            slot_count: capacity.slots,
            window_base: 0,
            window_count: size.frames,
        };
        let page_shifts = config.page_shifts.clone();
        let header = Header { epoch: 4, net_ids: vec![net_id], page_shifts, capacity };
        let all = vm.log.events.len();
        for events in [all / 4, all / 2, rng.random_range(0..all), all - all / 8, all] {
            let (mut changes, pairs) = changes(&vm, events);
            changes.push(Change::Freeze);
            let mut source = Golden::new(&config);
            source.update(&Update::SetTable { table: 0, slices }).unwrap();
            source.update(&Update::Bind { table: 0, net_id }).unwrap();
            for change in &changes {
                let made = !matches!(change, Change::Freeze);
                let Some(update) = change.update(0, |page| page).filter(|_| made) else { continue };
                source.update(&update).unwrap();
            }
            let answers = ask(&vm, net_id, &pairs, &mut source);
            let last = |beats: &&Vec<Beat>| beats.last().unwrap().fault == Fault::Granted;
            let yes = answers.iter().filter(last).count();
            granted += yes;
            refused += answers.len() - yes;

            let map = random_map(&changes, &mut rng);
            let window_count = 2 * map.pairs().count() as u64;
            let there = Slices { window_base: WINDOW, window_count, ..slices };
            let to = Destination { config: &config, table: 5, slices: there, free_bindings: 1 };
            let first = plan(&read(&header, &changes), &map, to).unwrap();
            let found = ask(&vm, net_id, &pairs, &mut served(&config, &first));
            assert_eq!(without_epoch(found, 5), moved(&answers, &map, 5), "{name}, {events} events");

            let own = first.own_log().unwrap();
            assert_eq!(own.header().epoch, 5);
            let end = End::of(&changes);
            let mut freed = BTreeMap::new();
            for change in &changes {
                match change {
                    Change::Install { key, .. } => drop(freed.remove(&(key >> 8))),
                    Change::Invalidate { key } => drop(freed.insert(key >> 8, *key as u8)),
                    _ => {}
                }
            }
            assert_eq!(first.end().freed, freed);
            kept += freed.len();
            let bound = [net_id].into();
            assert_eq!(End::of(own.changes()), End { frozen: false, bound, ..end }, "freed variants too");
            let map = random_map(&changes, &mut rng);
            let second =
                plan(&read(own.header(), own.changes()), &map, Destination { table: 2, ..to }).unwrap();
            let found = ask(&vm, net_id, &pairs, &mut served(&config, &second));
            assert_eq!(without_epoch(found, 2), moved(&answers, &map, 2), "{name}, moved on");
        }
    }
    assert!(kept > 50, "{kept} freed indices");
    assert!(granted > 500 && refused > 500, "{granted} granted, {refused} refused");
}

#[test]
fn no_room_and_refusals_leave_the_destination_as_it_was() {
    let config = Preset::Roce.config();
    let capacity = Capacity { regions: 2, slots: 2 };
    let net_ids = vec![NetId::from_u128(1)];
    let header = Header { epoch: 1, net_ids, page_shifts: vec![12], capacity };
    let mut region = Region { length: 4096, rights: Access::REMOTE_READ, ..region() };
    let slot = Change::SetSlot { slot: 1, page: 8, page_size: 0 };
    let good = read(&header, &[slot.clone(), Change::Install { key: 0x101, region }]);
    let map = Relocation::new([(8, WINDOW)]).unwrap();
    let slices =
        Slices { region_count: 2, slot_count: 2, window_base: WINDOW, window_count: 1, ..Slices::default() };
    let to = Destination { config: &config, table: 0, slices, free_bindings: 1 };
    assert!(plan(&good, &map, to).is_ok());
    let small = |slices| plan(&good, &map, Destination { slices, ..to });
    assert!(matches!(small(Slices { region_count: 1, ..slices }), Err(ReplayError::NoRoom { .. })));
    assert!(matches!(small(Slices { slot_count: 1, ..slices }), Err(ReplayError::NoRoom { .. })));
    assert!(matches!(small(Slices { window_base: WINDOW + 1, ..slices }), Err(ReplayError::Unmapped(8))));
    assert!(matches!(
        plan(&good, &map, Destination { free_bindings: 0, ..to }),
        Err(ReplayError::NoRoom { .. })
    ));
    assert!(matches!(plan(&good, &Relocation::default(), to), Err(ReplayError::Unmapped(8))));

    // More slots than the table has, which only the hardware judges: refused in the middle, undone.
    region.length = 8192;
    let bad = plan(&read(&header, &[slot, Change::Install { key: 0x101, region }]), &map, to).unwrap();
    let mut port = Port(Golden::new(&config));
    let refusal = bad.prepare(&mut port).unwrap_err();
    assert!(
        matches!(refusal, ReplayError::Refused { error: UpdateError::OutOfSlice, undone: true, .. }),
        "{refusal}"
    );
    let peek = Update::Peek { entry: PeekEntry::Table { table: 0 }, word: 4 };
    assert_eq!(port.0.update(&peek), Ok(0), "the table does not exist");
}

fn region() -> Region {
    Region { base: 0, length: 0, first_offset: 0, rights: Access::NONE, page_size: 0, first_slot: 1, pd: 0 }
}

#[test]
fn a_map_is_injective_and_large_pages_lie_in_a_row() {
    assert!(Relocation::new([(1, 5), (2, 5)]).is_err());
    assert!(Relocation::new([(1, 5), (1, 6)]).is_err());
    let row = Relocation::new((0..16).map(|page| (16 + page, 32 + page))).unwrap();
    assert_eq!(row.large(16, 16), Some(32));
    assert_eq!(row.large(17, 16), None);
    let gap = Relocation::new((0..16).map(|page| (16 + page, 32 + (page ^ 1)))).unwrap();
    assert_eq!(gap.large(16, 16), None);
}

#[test]
fn a_table_that_was_built_ahead_becomes_the_one_that_is_planned() {
    let vm = machine("vma", "10.0.1.2");
    let net_id = NetId::from_ip("10.0.1.2".parse().unwrap(), &Preset::Roce.config()).unwrap();
    let config = Preset::Roce.config();
    let header = Header {
        epoch: 1,
        net_ids: vec![net_id],
        page_shifts: vec![12],
        capacity: Capacity { regions: 1024, slots: 2048 },
    };
    let all = vm.log.events.len();
    let (everything, _) = changes(&vm, all);
    let map = random_map(&everything, &mut ChaCha8Rng::seed_from_u64(5));
    let slices = Slices {
        region_count: 1024,
        slot_count: 2048,
        window_base: WINDOW,
        window_count: 1 << 20,
        ..Slices::default()
    };
    let to = Destination { config: &config, table: 0, slices, free_bindings: 1 };
    let planned = |events: usize| {
        let (changes, pairs) = changes(&vm, events);
        (plan(&read(&header, &changes), &map, to).unwrap(), pairs)
    };
    for (before, after) in
        [(all / 3, all / 2), (all / 2, all / 3), (0, all / 2), (all / 2, 0), (all / 4, all / 4 + 9)]
    {
        let (old, _) = planned(before);
        let (new, pairs) = planned(after);
        let mut port = Port(Golden::new(&config));
        old.prepare_ahead(&mut port).unwrap();
        let updates = new.changes_from(&old).unwrap();
        for update in &updates {
            port.0.update(update).unwrap_or_else(|error| panic!("{update:?}: {error}"));
        }
        for update in new.binds().iter().chain(&[Update::Thaw { table: 0 }]) {
            port.0.update(update).unwrap();
        }
        let mut fresh = served(&config, &new);
        let answers = |golden| without_epoch(ask(&vm, net_id, &pairs, golden), 0);
        assert!(answers(&mut port.0) == answers(&mut fresh), "{before} to {after} events");
        // Not only what was asked: every slot is the same.
        for slot in 0..slices.slot_count {
            let peek = Update::Peek { entry: PeekEntry::Slot { table: 0, slot }, word: 0 };
            assert_eq!(port.0.update(&peek), fresh.update(&peek), "slot {slot}");
        }
        assert_eq!(new.changes_from(&new).unwrap(), [Update::Freeze { table: 0 }]);
        println!("{before} to {after} events: {} updates", updates.len());
    }
    let (old, _) = planned(all / 3);
    let elsewhere = Destination { table: 1, ..to };
    let other = plan(&read(&header, &changes(&vm, 5).0), &map, elsewhere).unwrap();
    assert!(other.changes_from(&old).is_none(), "another table");
}
