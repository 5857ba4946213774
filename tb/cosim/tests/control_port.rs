//! The driver on the controller's RTL, by nothing but its AXI4-Lite port: every answer is the golden model's, and so is
//! what becomes of every access that follows.

use std::collections::HashMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::{BusError, Finished, Machine, Willing};
use stagecoach_host::{Bindings, Driver, RegisterBus, Registration, Relocation, Vm, VmError};
use stagecoach_model::Golden;
use stagecoach_model::processing::Memory;
use stagecoach_spec::registers::Register;
use stagecoach_spec::{
    Access, AccessRequest, Answer, Atomic, Command, Config, Counter, Fault, NetId, Op, Preset, Request,
    Slices, UpdateError,
};

/// The controller in the native engine, and the golden model that gets the same commands.
struct Rtl {
    machine: Machine,
    golden: Golden,
    memory: Memory,
    /// What was written last, by offset.
    written: HashMap<u32, u32>,
    /// The golden model's answer to the last command.
    expected: Answer,
}

impl Rtl {
    fn new(config: &Config, seed: u64) -> Rtl {
        let mut machine = Machine::new(EngineKind::Native, config, seed).expect("sound");
        // Address and data of a write come in any order then, and answers wait.
        machine.set_willing(Willing { registers: 50, ..Willing::ALWAYS });
        let (golden, memory) = (Golden::new(config), Memory::default());
        Rtl { machine, golden, memory, written: HashMap::new(), expected: Ok(0) }
    }

    /// An access; a write writes its number's low byte everywhere.
    fn access(&mut self, request: &Request) -> Finished {
        let access = AccessRequest { request: *request, atomic: Atomic::None };
        let payload = vec![request.va as u8; if access.has_payload() { request.length as usize } else { 0 }];
        self.machine.send(&access, &payload);
        self.machine.run().unwrap_or_else(|error| panic!("{error}"));
        let finished = self.machine.finished().expect("it is completed");
        let expected = self.golden.access(&access, &payload, &mut self.memory);
        assert_eq!(
            (&finished.completion, &finished.data),
            (&expected.completion, &expected.data),
            "{request:?}"
        );
        finished
    }
}

impl RegisterBus for Rtl {
    type Error = BusError;

    fn read(&mut self, offset: u32) -> Result<u32, BusError> {
        let value = self.machine.read(offset)?;
        if offset == Register::Status.offset() && value & 0b100 != 0 {
            let code = self.expected.err().map_or(0, UpdateError::code);
            assert_eq!((value >> 8) as u8, code, "the golden model says {:?}", self.expected);
        }
        Ok(value)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), BusError> {
        self.machine.write(offset, value)?;
        self.written.insert(offset, value);
        if offset == Register::Command.offset() {
            let word = |register: Register| self.written.get(&register.offset()).copied().unwrap_or(0);
            let data = u64::from(word(Register::DataHigh)) << 32 | u64::from(word(Register::DataLow));
            let (table, index) = (word(Register::Table) as u16, word(Register::Index));
            self.expected = self.golden.command(&Command { op: value as u8, table, index, data });
        }
        Ok(())
    }
}

const NETS: [NetId; 2] = [NetId::from_u128(0x0a00_0001), NetId::from_u128(0x0a00_0002)];

/// Two VMs whose keys begin alike: the same key for other memory.
fn two_vms(driver: &mut Driver<Rtl>) -> ([Vm; 2], Bindings) {
    let mut bindings = Bindings::new(driver).unwrap();
    let vms = [0u16, 1].map(|table| {
        let at = u32::from(table);
        let slices = Slices {
            region_base: 64 * at,
            region_count: 8,
            slot_base: 512 * at,
            slot_count: 64,
            window_base: window(table),
            window_count: 0x1000,
        };
        let vm = Vm::create(driver, table, slices, || 0x55).unwrap();
        bindings.bind(driver, NETS[usize::from(table)], table).unwrap();
        vm
    });
    (vms, bindings)
}

/// First frame of a VM's window.
fn window(table: u16) -> u64 {
    0x1000 * u64::from(1 + table)
}

fn request(table: usize, key: u32, va: u64, op: Op) -> Request {
    Request { net_id: NETS[table], key, pd: 3, op, va, length: 200, bound: 200, stream: 5, tag: 9 }
}

#[test]
fn the_driver_registers_and_deregisters_through_the_port_as_the_golden_model_says() {
    for seed in [1, 2, 3] {
        let config = Preset::Tiny.config();
        let mut driver = Driver::open(Rtl::new(&config, seed)).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut vms, mut bindings) = two_vms(&mut driver);
        let mut keys: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
        let mut seen: HashMap<Fault, u32> = HashMap::new();
        let mut moved = 0;
        for round in 0..150 {
            let table = random.random_range(0..2usize);
            match random.random_range(0..8) {
                0 | 1 => {
                    let beyond = u64::from(random.random_range(0..12u8) == 0) * 0x1000;
                    let frames: Vec<u64> = (0..3)
                        .map(|_| window(table as u16) + random.random_range(0..0x1000) + beyond)
                        .collect();
                    let memory = Registration {
                        base: 0x7000_0800,
                        length: 0x2000,
                        first_offset: 0x800,
                        rights: Access::REMOTE_READ | Access::REMOTE_WRITE | Access::LOCAL_WRITE,
                        pd: 3,
                        page_size: 0,
                        frames: &frames,
                    };
                    match vms[table].register(&mut driver, &memory) {
                        Ok(key) => keys[table].push(key),
                        Err(VmError::Refused(UpdateError::OutOfWindow)) => {
                            assert_ne!(beyond, 0, "round {round}")
                        }
                        Err(VmError::NoKeys) => assert_eq!(keys[table].len(), 8),
                        Err(error) => panic!("seed {seed}, round {round}: {error}"),
                    }
                }
                2 if !keys[table].is_empty() => {
                    let place = random.random_range(0..keys[table].len());
                    let key = keys[table].remove(place);
                    vms[table].deregister(&mut driver, key).unwrap();
                    let after = driver
                        .bus()
                        .access(&request(table, key, 0x7000_0900, Op::RemoteRead))
                        .completion
                        .fault;
                    assert_eq!(after, Fault::InvalidKey);
                }
                3 => {
                    vms[table].freeze(&mut driver).unwrap();
                    let frozen = driver
                        .bus()
                        .access(&request(table, 0x55, 0x7000_0900, Op::RemoteRead))
                        .completion
                        .fault;
                    assert_eq!(frozen, Fault::Frozen);
                    vms[table].thaw(&mut driver).unwrap();
                }
                4 => {
                    // Elsewhere in what only this VM uses of the pools; what its keys name stays.
                    let at = table as u32;
                    let to = Relocation {
                        table: table as u16,
                        region_base: 64 * at + random.random_range(0..56),
                        slot_base: 512 * at + random.random_range(0..448),
                    };
                    vms[table].relocate(&mut driver, &mut bindings, &to).unwrap();
                    moved += 1;
                    for key in keys[table].clone() {
                        let read = driver.bus().access(&request(table, key, 0x7000_0900, Op::RemoteRead));
                        assert_eq!(read.completion.fault, Fault::Granted, "seed {seed}, round {round}");
                    }
                }
                _ => {
                    let key = keys[table].first().copied().unwrap_or(0x55);
                    let op = if random.random::<bool>() { Op::RemoteRead } else { Op::RemoteWrite };
                    let va = 0x7000_0800 + random.random_range(0..0x2400);
                    *seen
                        .entry(driver.bus().access(&request(table, key, va, op)).completion.fault)
                        .or_default() += 1;
                }
            }
        }
        for fault in [Fault::Granted, Fault::OutOfBounds] {
            assert!(seen.contains_key(&fault), "seed {seed} saw {seen:?}");
        }
        assert!(moved > 5, "seed {seed} moved tables {moved} times");
        let granted = driver.counter(0, Counter::Requests(Fault::Granted)).unwrap();
        assert_eq!(granted, driver.bus().expected, "a result comes back whole");
        assert!(granted.unwrap() > 0);
    }
}

#[test]
fn two_vms_hold_the_same_key_for_other_memory() {
    let mut driver = Driver::open(Rtl::new(&Preset::Tiny.config(), 1)).unwrap();
    let (mut vms, _) = two_vms(&mut driver);
    let pages = [0u16, 1].map(|table| {
        let frames = [window(table) + 7];
        let memory = Registration {
            base: 0x8000,
            length: 0x1000,
            first_offset: 0,
            rights: Access::REMOTE_READ,
            pd: 3,
            page_size: 0,
            frames: &frames,
        };
        let key = vms[usize::from(table)].register(&mut driver, &memory).unwrap();
        let address = (window(table) + 7) << 12 | 0x10;
        driver.bus().machine.slave.memory.set(address, 0xa0 + table as u8);
        driver.bus().memory.set(address, 0xa0 + table as u8);
        let finished = driver.bus().access(&request(table.into(), key, 0x8010, Op::RemoteRead));
        (key, finished.data[0])
    });
    assert_eq!(pages, [(0x55, 0xa0), (0x55, 0xa1)]);
}

#[test]
fn the_integration_pages_steps_bring_a_vm_up() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/integration.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let word = |cell: &str| {
        let cell = cell.trim().trim_matches('`');
        let (digits, radix) = cell.strip_prefix("0x").map_or((cell, 10), |digits| (digits, 16));
        u32::from_str_radix(digits, radix).expect("a cell is a number")
    };
    let rows = page.lines().filter(|line| line.starts_with("| `0x"));
    let steps: Vec<Vec<u32>> = rows.map(|row| row.split('|').skip(1).take(5).map(word).collect()).collect();
    assert_eq!(steps.len(), 17);

    let mut rtl = Rtl::new(&Preset::Roce.config(), 1);
    let mut status = 0;
    while status & 0b11 != 0b01 {
        status = rtl.read(0x00c).unwrap();
    }
    for step in &steps {
        for (offset, value) in [0x040, 0x044, 0x048, 0x04c, 0x050].into_iter().zip(step) {
            rtl.write(offset, *value).unwrap();
        }
        status = 0;
        while status & 0b100 == 0 {
            status = rtl.read(0x00c).unwrap();
        }
        assert_eq!(status >> 8, 0, "{step:x?}");
    }
    let request = Request {
        net_id: NetId::from_u128(0xffff_0a00_0102),
        key: 0x5ee,
        pd: 1,
        op: Op::RemoteWrite,
        va: 0x7f12_3456_8f80,
        length: 256,
        bound: 256,
        stream: 0,
        tag: 0,
    };
    let finished = rtl.access(&request);
    assert_eq!((finished.completion.fault, finished.completion.bytes_done), (Fault::Granted, 256));
    let written: Vec<u64> = rtl.machine.slave.memory.written().map(|(address, _)| address).collect();
    let expected: Vec<u64> = (0x4005_5000..0x4005_5080).chain(0x4020_0f80..0x4020_1000).collect();
    assert_eq!(written, expected, "the two spans that the page names");
}
