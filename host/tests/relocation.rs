//! Tables that move to other slices, on the golden model behind registers: to make room, and when the bus fails on the way.

mod common;

use common::ModelBus;
use stagecoach_host::{
    AxiError, Bindings, Driver, RegisterBus, Registration, Relocation, SliceAllocator, SliceError, Vm,
    VmError,
};
use stagecoach_spec::registers::Register;
use stagecoach_spec::{
    Access, Beat, Cam, Config, Fault, NetId, Op, Preset, Request, Retirement, Slices, UpdateError, UpdateOp,
};

/// A bus that fails at one command, counted from when it is told to, before or after the controller has taken it.
struct Failing {
    bus: ModelBus,
    spared: Option<u32>,
    is_taken: bool,
}

impl RegisterBus for Failing {
    type Error = AxiError;

    fn read(&mut self, offset: u32) -> Result<u32, AxiError> {
        self.bus.read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), AxiError> {
        // Staging and looking change nothing that could be half made.
        let changes = ![UpdateOp::Stage, UpdateOp::Peek].iter().any(|op| value == u32::from(op.code()));
        if offset == Register::Command.offset() && changes {
            match self.spared.as_mut() {
                Some(0) => {
                    self.spared = None;
                    if self.is_taken {
                        self.bus.write(offset, value)?;
                    }
                    return Err(AxiError::Decerr);
                }
                Some(spared) => *spared -= 1,
                None => {}
            }
        }
        self.bus.write(offset, value)
    }
}

/// Two page sizes, 64 regions, 256 slots.
fn config(cam: Cam) -> Config {
    Config {
        tables: 4,
        bindings: 16,
        cam: Some(cam),
        regions: 64,
        slots: 256,
        page_shifts: vec![12, 16],
        ..Preset::Tiny.config()
    }
}

const REGIONS: u32 = 16;
const SLOTS: u32 = 64;
const FRAMES: u64 = 0x100;

/// A controller with four VMs, all under the same keys.
struct Scene {
    driver: Driver<Failing>,
    slices: SliceAllocator,
    bindings: Bindings,
    vms: Vec<Vm>,
    /// The keys of each.
    keys: Vec<Vec<u32>>,
}

fn net_id(table: u16, number: u32) -> NetId {
    NetId::from_u128(0x0a00_0000 + u128::from(table) * 16 + u128::from(number))
}

impl Scene {
    fn new(cam: Cam) -> Scene {
        let bus = Failing { bus: ModelBus::new(config(cam)), spared: None, is_taken: false };
        let mut driver = Driver::open(bus).unwrap();
        let mut slices = SliceAllocator::new(driver.sizes());
        let mut bindings = Bindings::new(&driver).unwrap();
        let (mut vms, mut keys) = (Vec::new(), Vec::new());
        for table in 0..4 {
            let window = u64::from(table) * FRAMES..u64::from(table + 1) * FRAMES;
            let of = slices.take(table, REGIONS, SLOTS, window.clone()).unwrap();
            let mut vm = Vm::create(&mut driver, table, of, || 0x41).unwrap();
            let memory = |base, first_offset, page_size, frames| Registration {
                base,
                length: 0x2_3000,
                first_offset,
                rights: Access::ALL,
                pd: 3,
                page_size,
                frames,
            };
            let small: Vec<u64> = (0..36).map(|page| window.start + 0x40 + (page * 7) % 64).collect();
            let large: Vec<u64> = [2, 0, 1].map(|page| window.start + page * 16).to_vec();
            let gone = vm.register(&mut driver, &memory(0x5000_0000, 0, 1, &large)).unwrap();
            keys.push(vec![
                vm.register(&mut driver, &memory(0x7000_0800, 0x800, 0, &small)).unwrap(),
                vm.register(&mut driver, &memory(0, 0x8edc, 1, &large)).unwrap(),
                gone,
            ]);
            vm.deregister(&mut driver, gone).unwrap();
            for number in 0..2 {
                bindings.bind(&mut driver, net_id(table, number), table).unwrap();
            }
            vms.push(vm);
        }
        Scene { driver, slices, bindings, vms, keys }
    }

    fn relocate(&mut self, to: &Relocation) -> Result<(), VmError<AxiError>> {
        self.vms[usize::from(to.table)].relocate(&mut self.driver, &mut self.bindings, to)
    }

    /// What every VM's clients are answered: both identifiers, all keys, whole regions. `tables` is whom to ask.
    fn answers(&mut self, tables: &[u16]) -> Vec<Vec<Beat>> {
        let mut all = Vec::new();
        for table in tables.iter().copied() {
            for number in 0..2 {
                for (key, va) in self.keys[usize::from(table)].clone().into_iter().zip([0x7000_0800, 0, 0]) {
                    let golden = &mut self.driver.bus().bus.golden;
                    let beats = golden.request(&Request {
                        net_id: net_id(table, number),
                        key,
                        pd: 3,
                        op: Op::RemoteRead,
                        va,
                        length: 0x1000,
                        bound: 0x2_3000,
                        stream: 0,
                        tag: 0,
                    });
                    for beat in beats.iter().filter(|beat| beat.fault == Fault::Granted) {
                        golden.retire(&Retirement {
                            table: beat.table,
                            frame: beat.pa >> 12,
                            write: false,
                            epoch: beat.epoch,
                        });
                    }
                    // Epochs tell spans before a fence from those behind it.
                    all.push(beats.into_iter().map(|beat| Beat { epoch: false, ..beat }).collect());
                }
            }
        }
        all
    }
}

const ALL: [u16; 4] = [0, 1, 2, 3];

#[test]
fn gaps_are_closed_and_every_answer_stays() {
    for cam in [Cam::Register, Cam::Cuckoo] {
        let mut scene = Scene::new(cam);
        let all = scene.answers(&ALL);
        let granted = all.iter().flatten().filter(|beat| beat.fault == Fault::Granted).count();
        assert!(granted >= 16, "keys name memory: {granted}");
        let before = scene.answers(&[1, 3]);
        for table in [0, 2] {
            for number in 0..2 {
                scene.bindings.unbind(&mut scene.driver, net_id(table, number)).unwrap();
            }
            scene.driver.update(&stagecoach_spec::Update::ClearTable { table }).unwrap().unwrap();
            scene.slices.give_back(table);
        }
        let full = scene.slices.take(0, 2 * REGIONS, 2 * SLOTS, 0..FRAMES).unwrap_err();
        assert!(matches!(full, SliceError::NoRoom { .. }), "{full}");
        let moves = scene.slices.make_room(2 * REGIONS, 2 * SLOTS).unwrap();
        assert_eq!(moves, [Relocation { table: 1, region_base: 0, slot_base: 0 }]);
        scene.relocate(&moves[0]).unwrap();
        scene.slices.moved(&moves[0]);
        assert_eq!(scene.answers(&[1, 3]), before, "{cam:?}");
        let newcomer = scene.slices.take(0, 2 * REGIONS, 2 * SLOTS, 0..FRAMES).unwrap();
        assert_eq!((newcomer.region_base, newcomer.slot_base), (REGIONS, SLOTS));
        Vm::create(&mut scene.driver, 0, newcomer, || 0).unwrap();
        // Keys come and go as before.
        let old = scene.keys[1][0];
        scene.vms[1].deregister(&mut scene.driver, old).unwrap();
        assert!(scene.answers(&[1])[0].iter().all(|beat| beat.fault == Fault::InvalidKey));
    }
}

#[test]
fn a_frozen_table_arrives_frozen() {
    let mut scene = Scene::new(Cam::Register);
    for number in 0..2 {
        scene.bindings.unbind(&mut scene.driver, net_id(0, number)).unwrap();
    }
    scene.driver.update(&stagecoach_spec::Update::ClearTable { table: 0 }).unwrap().unwrap();
    let before = scene.answers(&[1]);
    scene.vms[1].freeze(&mut scene.driver).unwrap();
    scene.relocate(&Relocation { table: 1, region_base: 3, slot_base: 5 }).unwrap();
    assert!(scene.answers(&[1]).iter().flatten().all(|beat| beat.fault == Fault::Frozen));
    scene.vms[1].thaw(&mut scene.driver).unwrap();
    assert_eq!(scene.answers(&[1]), before);
}

#[test]
fn slices_that_are_refused_leave_the_table_where_it_was() {
    let mut scene = Scene::new(Cam::Register);
    let before = scene.answers(&ALL);
    let own = scene.vms[1].slices();
    let error = scene.relocate(&Relocation { table: 1, region_base: 0, slot_base: 0 }).unwrap_err();
    assert!(matches!(error, VmError::Refused(UpdateError::Overlap)), "{error}");
    assert_eq!((scene.answers(&ALL), scene.vms[1].slices()), (before, own));
    let other = scene.vms[0].clone();
    scene.vms[1] = other;
    let error = scene.relocate(&Relocation { table: 1, region_base: 0, slot_base: 0 }).unwrap_err();
    assert_eq!(error.to_string(), "the VM's table is 0, and table 1 shall move");
}

#[test]
fn wherever_the_bus_fails_the_same_call_goes_on() {
    let to = Relocation { table: 1, region_base: 3, slot_base: 5 };
    for cam in [Cam::Register, Cam::Cuckoo] {
        let mut points = 0;
        for is_taken in [false, true] {
            for spared in 0.. {
                let mut scene = Scene::new(cam);
                for number in 0..2 {
                    scene.bindings.unbind(&mut scene.driver, net_id(0, number)).unwrap();
                }
                scene.driver.update(&stagecoach_spec::Update::ClearTable { table: 0 }).unwrap().unwrap();
                let before = scene.answers(&[1, 2, 3]);
                let bus = scene.driver.bus();
                (bus.spared, bus.is_taken) = (Some(spared), is_taken);
                let Err(error) = scene.relocate(&to) else { break };
                assert!(error.to_string().contains("DECERR"), "{spared}: {error}");
                let key = scene.keys[1][0];
                let refused = scene.vms[1].deregister(&mut scene.driver, key).unwrap_err();
                assert!(matches!(refused, VmError::OnTheWay), "{spared}: {refused}");
                scene.relocate(&to).unwrap();
                assert_eq!(scene.answers(&[1, 2, 3]), before, "{cam:?}, command {spared}, taken: {is_taken}");
                let slices = scene.vms[1].slices();
                assert_eq!((slices.region_base, slices.slot_base), (3, 5), "{spared}");
                points += 1;
            }
        }
        println!("{cam:?}: the bus failed at {points} points");
        assert!(points > 80, "{points}");
    }
}

#[test]
fn windows_are_handed_through() {
    let mut scene = Scene::new(Cam::Register);
    scene.slices.give_back(3);
    let Slices { window_base, window_count, .. } = scene.slices.take(3, 1, 1, 0x300..0x380).unwrap();
    assert_eq!((window_base, window_count), (0x300, 0x80));
}
