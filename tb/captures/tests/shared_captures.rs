//! The bundled captures: totals as their README tells them, and an independent check that the
//! specification's rules, applied to the registrations alone, predict every captured verdict.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use stagecoach_captures::{Access, Change, Item, Region, Request, RequestOp, Sizing, Timeline, Verdict, Vm};

/// Name, address, event lines, requests, granted, refused.
const MACHINES: [(&str, &str, usize, usize, usize, usize); 6] = [
    ("vma", "10.0.1.2", 1427, 1779, 821, 958),
    ("vmb", "10.0.2.2", 1422, 1771, 813, 958),
    ("vma-ipv6", "fd00:1::2", 450, 466, 137, 329),
    ("vmb-ipv6", "fd00:2::2", 450, 472, 152, 320),
    ("vma-vlan", "10.100.1.2", 463, 474, 135, 339),
    ("vmb-vlan", "10.100.2.2", 455, 461, 154, 307),
];

fn read(name: &str, address: &str) -> Vm {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/roce");
    let capture = data.join(format!("{name}.pcap.gz"));
    let events = data.join(format!("{name}.events.jsonl"));
    Vm::read(address.parse().unwrap(), &capture, &events).unwrap()
}

fn machines() -> Vec<Vm> {
    MACHINES.iter().map(|(name, address, ..)| read(name, address)).collect()
}

#[test]
fn totals_are_those_of_the_readme() {
    for (vm, (name, _, events, requests, granted, refused)) in machines().iter().zip(MACHINES) {
        let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
        for request in &vm.requests {
            *verdicts.entry(format!("{:x?}", request.verdict)).or_default() += 1;
        }
        let expected =
            BTreeMap::from([("Granted".into(), granted), ("Refused { syndrome: 62 }".into(), refused)]);
        assert_eq!(verdicts, expected, "{name}");
        assert_eq!(vm.requests.len(), requests, "{name}");
        let lines = vm.log.events.len() + vm.log.deregistered_unknown;
        assert_eq!(lines, events, "{name}");
        assert_eq!(vm.skipped, BTreeMap::new(), "{name}");
    }
}

#[test]
fn sizes_are_those_of_the_readme() {
    let sizes: Vec<Sizing> = machines().iter().map(|vm| Sizing::of(&vm.log.events)).collect();
    assert_eq!(sizes.iter().map(|size| size.live_regions).max(), Some(67));
    assert_eq!(sizes.iter().map(|size| size.live_pages).max(), Some(207));
    assert_eq!(sizes.iter().map(|size| size.regions).max(), Some(182));
    for size in sizes {
        assert!(size.slots >= size.live_pages && size.slots < 2 * size.live_pages, "{size:?}");
        assert!(size.frames <= 1 << 19, "{size:?}");
    }
}

/// One machine as the specification sees it, in plain maps.
#[derive(Default)]
struct Checker {
    regions: HashMap<u32, Region>,
    domains: HashMap<u32, u32>,
}

impl Checker {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Register(region) => {
                self.regions.insert(region.key, region.clone());
            }
            Change::Deregister { key } => assert!(self.regions.remove(key).is_some(), "{key}"),
            Change::QueuePair { qpn, pd } => {
                self.domains.insert(*qpn, *pd);
            }
        }
    }

    /// The first rule that the request breaks.
    fn fault(&self, request: &Request) -> Option<&'static str> {
        let header = request.header;
        let pd = self.domains[&request.qpn];
        if header.length == 0 {
            return None;
        }
        let Some(region) = self.regions.get(&header.key) else {
            return Some("invalid_key");
        };
        if region.pd != pd {
            return Some("protection_domain");
        }
        let right = match header.op {
            RequestOp::RemoteRead => Access::REMOTE_READ,
            RequestOp::RemoteWrite => Access::REMOTE_WRITE,
            RequestOp::RemoteAtomic => Access::REMOTE_ATOMIC,
        };
        if !region.access.allows(right) {
            return Some("access_rights");
        }
        let (first, last) = (u128::from(header.va), u128::from(header.va) + u128::from(header.length));
        let base = u128::from(region.va);
        if first < base || last > base + u128::from(region.length) {
            return Some("out_of_bounds");
        }
        (header.op == RequestOp::RemoteAtomic && !header.va.is_multiple_of(8)).then_some("misaligned_atomic")
    }
}

#[test]
fn plain_maps_predict_every_verdict() {
    let vms = machines();
    let mut checkers: Vec<Checker> = vms.iter().map(|_| Checker::default()).collect();
    let mut faults: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut last = 0;
    for moment in Timeline::new(&vms) {
        assert!(moment.time_ns >= last);
        last = moment.time_ns;
        let checker = &mut checkers[moment.vm];
        match moment.item {
            Item::Event(event) => checker.change(&event.change),
            Item::Request(request) => {
                let fault = checker.fault(request);
                let granted = request.verdict == Verdict::Granted;
                assert_eq!(fault.is_none(), granted, "machine {}: {request:x?} {fault:?}", moment.vm);
                *faults.entry(fault).or_default() += 1;
            }
        }
    }
    let expected = BTreeMap::from([
        (None, 2212),
        (Some("access_rights"), 866),
        (Some("invalid_key"), 1176),
        (Some("out_of_bounds"), 615),
        (Some("protection_domain"), 554),
    ]);
    assert_eq!(faults, expected);
    assert_eq!(faults.values().sum::<usize>(), 5423);
}

#[test]
fn retransmissions_are_known() {
    let again: Vec<usize> = machines()
        .iter()
        .map(|vm| vm.requests.iter().filter(|request| request.retransmission).count())
        .collect();
    assert_eq!(again, [2, 1, 0, 0, 0, 0]);
}

#[test]
fn a_mapped_address_is_the_ipv4_address() {
    let vm = read("vma-vlan", "::ffff:10.100.1.2");
    assert_eq!(vm.requests.len(), 474);
}

#[test]
fn another_address_is_refused_with_those_there_are() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/roce");
    let error = Vm::read(
        "10.0.9.9".parse().unwrap(),
        &data.join("vma-ipv6.pcap.gz"),
        &data.join("vma-ipv6.events.jsonl"),
    )
    .unwrap_err()
    .to_string();
    assert!(error.contains("10.0.9.9") && error.contains("fd00:1::1, fd00:1::2"), "{error}");
}

#[test]
fn events_come_before_requests_of_the_same_time() {
    let mut vm = read("vma-vlan", "10.100.1.2");
    vm.log.events.truncate(2);
    vm.requests.truncate(3);
    for event in &mut vm.log.events {
        event.time_ns = 7;
    }
    // Stamps that run backwards do not change a capture's order.
    for (request, time_ns) in vm.requests.iter_mut().zip([7, 6, 8]) {
        request.time_ns = time_ns;
    }
    let vms = [vm.clone(), vm];
    let order: Vec<(usize, u64, bool)> = Timeline::new(&vms)
        .map(|moment| (moment.vm, moment.time_ns, matches!(moment.item, Item::Request(_))))
        .collect();
    let expected = [
        (0, 7, false),
        (0, 7, false),
        (1, 7, false),
        (1, 7, false),
        (0, 7, true),
        (0, 7, true),
        (1, 7, true),
        (1, 7, true),
        (0, 8, true),
        (1, 8, true),
    ];
    assert_eq!(order, expected);
}
