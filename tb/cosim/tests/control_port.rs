//! The driver on the controller's RTL, by nothing but its AXI4-Lite port: every answer is the golden model's, and so is
//! every beat of the lookups that follow.

use std::collections::HashMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::controller;
use stagecoach_hdl::native::{Options, Simulator, Start};
use stagecoach_hdl::netlist::Direction;
use stagecoach_host::{AxiError, Bindings, Driver, RegisterBus, Registration, Vm, VmError};
use stagecoach_model::Golden;
use stagecoach_spec::registers::Register;
use stagecoach_spec::{
    Access, Answer, Beat, Command, Config, Counter, Fault, NetId, Op, Preset, Request, Retirement, Slices,
    UpdateError,
};

/// The controller in the native engine, and the golden model that gets the same commands.
struct Rtl {
    simulator: Simulator,
    inputs: HashMap<String, stagecoach_hdl::native::InputId>,
    outputs: HashMap<String, stagecoach_hdl::native::OutputId>,
    random: ChaCha8Rng,
    golden: Golden,
    /// What was written last, by offset.
    written: HashMap<u32, u32>,
    /// The golden model's answer to the last command.
    expected: Answer,
}

impl Rtl {
    fn new(config: &Config, seed: u64) -> Rtl {
        let module = controller(config).expect("sound");
        let options = Options { start: Start::Random { seed }, ..Options::default() };
        let mut simulator = Simulator::new(&module, options);
        let ports = |direction| module.ports.iter().filter(move |port| port.direction == direction);
        let inputs = ports(Direction::Input)
            .map(|port| (port.name.clone(), simulator.input(&port.name).expect("it has this port")))
            .collect();
        let outputs = ports(Direction::Output)
            .map(|port| (port.name.clone(), simulator.output(&port.name).expect("it has this port")))
            .collect();
        simulator.set_reset(true);
        simulator.step();
        simulator.set_reset(false);
        Rtl {
            simulator,
            inputs,
            outputs,
            random: ChaCha8Rng::seed_from_u64(seed),
            golden: Golden::new(config),
            written: HashMap::new(),
            expected: Ok(0),
        }
    }

    fn set(&mut self, port: &str, value: u128) {
        // A field of no bits has no port.
        if let Some(input) = self.inputs.get(port) {
            self.simulator.set_wide(*input, &[value as u64, (value >> 64) as u64]);
        }
    }

    fn get(&mut self, port: &str) -> u64 {
        self.outputs.get(port).map_or(0, |output| self.simulator.get(*output))
    }

    /// Waits with a channel's ready high, or now and then low, until it is valid; gives a port then.
    fn answer(&mut self, channel: &str, port: &str) -> u64 {
        for _ in 0..1000 {
            let ready = self.random.random::<bool>();
            self.set(&format!("s_axil_{channel}ready"), ready.into());
            let valid = self.get(&format!("s_axil_{channel}valid")) == 1;
            let value = self.get(port);
            self.simulator.step();
            if valid && ready {
                self.set(&format!("s_axil_{channel}ready"), 0);
                return value;
            }
        }
        panic!("channel {channel} never answers");
    }

    /// Asks for a translation; gives the beats, and retires what they grant.
    fn request(&mut self, request: &Request) -> Vec<Beat> {
        let fields = [
            ("req_net_id", u128::from(request.net_id.limbs()[0])),
            ("req_key", request.key.into()),
            ("req_pd", request.pd.into()),
            ("req_op", (request.op as u8).into()),
            ("req_va", request.va.into()),
            ("req_length", request.length.into()),
            ("req_bound", request.bound.into()),
            ("req_stream", request.stream.into()),
            ("req_tag", request.tag.into()),
            ("req_valid", 1),
        ];
        for (port, value) in fields {
            self.set(port, value);
        }
        self.set("rsp_ready", 1);
        let mut beats: Vec<Beat> = Vec::new();
        for _ in 0..200 {
            let accepted = self.get("req_ready") == 1;
            let beat = (self.get("rsp_valid") == 1).then(|| Beat {
                tag: self.get("rsp_tag") as u32,
                stream: self.get("rsp_stream") as u32,
                fault: Fault::from_code(self.get("rsp_fault") as u8).expect("a fault of the contract"),
                pa: self.get("rsp_pa"),
                span: self.get("rsp_span") as u32,
                table: self.get("rsp_table") as u16,
                epoch: self.get("rsp_epoch") == 1,
                first: self.get("rsp_first") == 1,
                last: self.get("rsp_last") == 1,
            });
            self.simulator.step();
            if accepted {
                self.set("req_valid", 0);
            }
            let retired = beat.as_ref().and_then(|beat| beat.retirement(request.op == Op::RemoteWrite));
            self.retire(retired.as_ref());
            let is_last = beat.as_ref().is_some_and(|beat| beat.last);
            beats.extend(beat);
            if is_last {
                self.simulator.step();
                self.retire(None);
                return beats;
            }
        }
        panic!("{request:?} is never answered");
    }

    fn retire(&mut self, retired: Option<&Retirement>) {
        self.set("ret_valid", retired.is_some().into());
        if let Some(retired) = retired {
            self.set("ret_table", retired.table.into());
            self.set("ret_frame", retired.frame.into());
            self.set("ret_write", retired.write.into());
            self.set("ret_epoch", retired.epoch.into());
        }
    }

    /// The same request on RTL and golden model.
    fn compare(&mut self, request: &Request) -> Fault {
        let expected = self.golden.request(request);
        for beat in &expected {
            if let Some(retired) = beat.retirement(request.op == Op::RemoteWrite) {
                self.golden.retire(&retired);
            }
        }
        let beats = self.request(request);
        assert_eq!(beats, expected, "{request:?}");
        beats[0].fault
    }
}

impl RegisterBus for Rtl {
    type Error = AxiError;

    fn read(&mut self, offset: u32) -> Result<u32, AxiError> {
        self.set("s_axil_araddr", offset.into());
        self.set("s_axil_arvalid", 1);
        while self.get("s_axil_arready") == 0 {
            self.simulator.step();
        }
        self.simulator.step();
        self.set("s_axil_arvalid", 0);
        let value = self.answer("r", "s_axil_rdata") as u32;
        if offset == Register::Status.offset() && value & 0b100 != 0 {
            let code = self.expected.err().map_or(0, UpdateError::code);
            assert_eq!((value >> 8) as u8, code, "the golden model says {:?}", self.expected);
        }
        Ok(value)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), AxiError> {
        self.set("s_axil_awaddr", offset.into());
        self.set("s_axil_wdata", value.into());
        self.set("s_axil_wstrb", 15);
        // Address first, data first, or both at once.
        let orders: [&[&[&str]]; 3] = [&[&["aw"], &["w"]], &[&["w"], &["aw"]], &[&["aw", "w"]]];
        for together in orders[self.random.random_range(0..3)] {
            let mut left = together.to_vec();
            for channel in &left {
                self.set(&format!("s_axil_{channel}valid"), 1);
            }
            while !left.is_empty() {
                let ready = |channel: &str| format!("s_axil_{channel}ready");
                let (taken, rest): (Vec<&str>, Vec<&str>) =
                    left.iter().partition(|channel| self.get(&ready(channel)) == 1);
                self.simulator.step();
                for channel in taken {
                    self.set(&format!("s_axil_{channel}valid"), 0);
                }
                left = rest;
            }
        }
        AxiError::check(self.answer("b", "s_axil_bresp") as u8)?;
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
fn two_vms(driver: &mut Driver<Rtl>) -> [Vm; 2] {
    let mut bindings = Bindings::new(driver).unwrap();
    [0u16, 1].map(|table| {
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
    })
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
        let mut vms = two_vms(&mut driver);
        let mut keys: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
        let mut seen: HashMap<Fault, u32> = HashMap::new();
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
                    let after = driver.bus().compare(&request(table, key, 0x7000_0900, Op::RemoteRead));
                    assert_eq!(after, Fault::InvalidKey);
                }
                3 => {
                    vms[table].freeze(&mut driver).unwrap();
                    let frozen = driver.bus().compare(&request(table, 0x55, 0x7000_0900, Op::RemoteRead));
                    assert_eq!(frozen, Fault::Frozen);
                    vms[table].thaw(&mut driver).unwrap();
                }
                _ => {
                    let key = keys[table].first().copied().unwrap_or(0x55);
                    let op = if random.random::<bool>() { Op::RemoteRead } else { Op::RemoteWrite };
                    let va = 0x7000_0800 + random.random_range(0..0x2400);
                    *seen.entry(driver.bus().compare(&request(table, key, va, op))).or_default() += 1;
                }
            }
        }
        for fault in [Fault::Granted, Fault::OutOfBounds] {
            assert!(seen.contains_key(&fault), "seed {seed} saw {seen:?}");
        }
        let granted = driver.counter(0, Counter::Requests(Fault::Granted)).unwrap();
        assert_eq!(granted, driver.bus().expected, "a result comes back whole");
        assert!(granted.unwrap() > 0);
    }
}

#[test]
fn two_vms_hold_the_same_key_for_other_memory() {
    let mut driver = Driver::open(Rtl::new(&Preset::Tiny.config(), 1)).unwrap();
    let mut vms = two_vms(&mut driver);
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
        let beats = driver.bus().request(&request(table.into(), key, 0x8010, Op::RemoteRead));
        (key, beats[0].pa)
    });
    assert_eq!(pages, [(0x55, 0x100_7010), (0x55, 0x200_7010)]);
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
    let beats: Vec<_> = rtl.request(&request).iter().map(|beat| (beat.fault, beat.pa, beat.span)).collect();
    assert_eq!(beats, [(Fault::Granted, 0x4020_0f80, 128), (Fault::Granted, 0x4005_5000, 128)]);
}
