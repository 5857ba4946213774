//! The driver on the golden model, behind registers of plain Rust; and on hardware that says whatever it likes.

mod common;

use common::ModelBus;
use proptest::prelude::*;
use stagecoach_host::{
    AxiError, BindError, Bindings, Driver, DriverError, RegisterBus, Registration, Vm, VmError,
};
use stagecoach_spec::registers::Register;
use stagecoach_spec::{
    Access, Cam, Config, Fault, NetId, Op, Preset, Request, Retirement, Slices, UpdateError,
};

const SLICES: Slices = Slices {
    region_base: 8,
    region_count: 4,
    slot_base: 16,
    slot_count: 16,
    window_base: 0x100,
    window_count: 0x100,
};

fn memory(frames: &[u64]) -> Registration<'_> {
    Registration {
        base: 0x7000_0800,
        length: 0x2000,
        first_offset: 0x800,
        rights: Access::REMOTE_READ,
        pd: 3,
        page_size: 0,
        frames,
    }
}

fn vm_of(driver: &mut Driver<ModelBus>) -> Vm {
    let vm = Vm::create(driver, 2, SLICES, || 0x41).unwrap();
    let mut bindings = Bindings::new(driver).unwrap();
    bindings.bind(driver, NetId::from_u128(0x0a00_0001), vm.table()).unwrap();
    vm
}

fn read(driver: &mut Driver<ModelBus>, key: u32) -> Vec<(Fault, u64)> {
    let request = Request {
        net_id: NetId::from_u128(0x0a00_0001),
        key,
        pd: 3,
        op: Op::RemoteRead,
        va: 0x7000_0ff8,
        length: 16,
        bound: 16,
        stream: 0,
        tag: 0,
    };
    let golden = &mut driver.bus().golden;
    let beats = golden.request(&request);
    for beat in beats.iter().filter(|beat| beat.fault == Fault::Granted) {
        golden.retire(&Retirement {
            table: beat.table,
            frame: beat.pa >> 12,
            write: false,
            epoch: beat.epoch,
        });
    }
    beats.iter().map(|beat| (beat.fault, beat.pa)).collect()
}

#[test]
fn what_is_registered_is_reachable_until_it_is_deregistered() {
    let mut driver = Driver::open(ModelBus::new(Preset::Tiny.config())).unwrap();
    assert_eq!((driver.sizes().tables, driver.sizes().slots), (16, 1024));
    let mut vm = vm_of(&mut driver);
    let key = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155])).unwrap();
    assert_eq!(key, 0x41);
    assert_eq!(read(&mut driver, key), [(Fault::Granted, 0x12_3ff8), (Fault::Granted, 0x1a_a000)]);
    vm.freeze(&mut driver).unwrap();
    assert_eq!(read(&mut driver, key), [(Fault::Frozen, 0)]);
    vm.thaw(&mut driver).unwrap();
    vm.deregister(&mut driver, key).unwrap();
    assert_eq!(read(&mut driver, key), [(Fault::InvalidKey, 0)]);
    assert!(matches!(vm.deregister(&mut driver, key), Err(VmError::NoSuchKey { key: 0x41 })));
}

#[test]
fn what_does_not_fit_is_refused_and_costs_nothing() {
    let mut driver = Driver::open(ModelBus::new(Preset::Tiny.config())).unwrap();
    let mut vm = vm_of(&mut driver);
    let few = vm.register(&mut driver, &memory(&[0x123])).unwrap_err();
    assert_eq!(few.to_string(), "1 pages are given, 3 are needed");
    let outside = vm.register(&mut driver, &memory(&[0x123, 0x200, 0x155])).unwrap_err();
    assert!(matches!(outside, VmError::Refused(UpdateError::OutOfWindow)), "{outside}");
    let odd = Registration { first_offset: 0x1000, ..memory(&[]) };
    assert!(matches!(vm.register(&mut driver, &odd), Err(VmError::BadPages { .. })));
    let unknown = Registration { page_size: 9, ..memory(&[]) };
    assert!(matches!(vm.register(&mut driver, &unknown), Err(VmError::BadPages { .. })));
    // Four keys; sixteen slots are enough for five regions of three.
    let frames = [0x123, 0x124, 0x125];
    let keys: Vec<u32> = (0..4).map(|_| vm.register(&mut driver, &memory(&frames)).unwrap()).collect();
    assert!(matches!(vm.register(&mut driver, &memory(&frames)), Err(VmError::NoKeys)));
    vm.deregister(&mut driver, keys[1]).unwrap();
    let long = Registration { length: 0x5000, ..memory(&[0x130; 6]) };
    let error = vm.register(&mut driver, &long).unwrap_err();
    assert!(error.to_string().contains("7 are free in all, 4 at most in a row"), "{error}");
    let again = vm.register(&mut driver, &memory(&frames)).unwrap();
    assert_ne!(again, keys[1], "another variant");
}

#[test]
fn a_cuckoo_cam_is_filled_and_emptied_by_plans() {
    let config = Config { bindings: 40, cam: Some(Cam::Cuckoo), ..Preset::Tiny.config() };
    let mut driver = Driver::open(ModelBus::new(config)).unwrap();
    let vm = Vm::create(&mut driver, 2, SLICES, || 0).unwrap();
    let mut bindings = Bindings::new(&driver).unwrap();
    let net_id = |number: u32| NetId::from_u128(0x0a00_0000 + u128::from(number) * 7);
    for number in 0..40 {
        bindings.bind(&mut driver, net_id(number), vm.table()).unwrap();
    }
    let full = bindings.bind(&mut driver, net_id(40), vm.table()).unwrap_err();
    assert!(matches!(full, BindError::Plan(_)), "{full}");
    assert_eq!(bindings.len(), 40);
    for number in 0..40 {
        bindings.unbind(&mut driver, net_id(number)).unwrap();
    }
    assert!(bindings.is_empty());
}

/// Hardware that answers with what it was given, and then with the last of it for ever.
struct Hostile {
    words: Vec<u32>,
    next: usize,
}

impl RegisterBus for Hostile {
    type Error = AxiError;

    fn read(&mut self, offset: u32) -> Result<u32, AxiError> {
        // Honest enough to be opened.
        match Register::at(offset) {
            Some(Register::Id) => return Ok(stagecoach_spec::registers::ID),
            Some(Register::Version) => return Ok(stagecoach_spec::registers::VERSION),
            _ => {}
        }
        let word = self.words.get(self.next).copied().unwrap_or(0b101);
        self.next += 1;
        Ok(word)
    }

    fn write(&mut self, _: u32, value: u32) -> Result<(), AxiError> {
        if value == 0x1aa { Err(AxiError::Slverr) } else { Ok(()) }
    }
}

proptest! {
    #[test]
    fn no_word_of_the_hardware_makes_the_driver_panic(words in prop::collection::vec(any::<u32>(), 0..60)) {
        let mut driver = match Driver::open(Hostile { words, next: 0 }) {
            Ok(driver) => driver,
            Err(error) => {
                let is_silent = matches!(error, DriverError::Silent { .. });
                prop_assert!(is_silent, "{}", error);
                return Ok(());
            }
        };
        if let Ok(mut vm) = Vm::create(&mut driver, 2, SLICES, || 0) {
            if let Ok(mut bindings) = Bindings::new(&driver) {
                let _ = bindings.bind(&mut driver, NetId::from_u128(7), 2);
            }
            let _ = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155]));
            if let Ok(key) = vm.register(&mut driver, &memory(&[0x123, 0x124, 0x155])) {
                let _ = vm.deregister(&mut driver, key);
            }
        }
    }
}

#[test]
fn something_else_at_the_address_is_said_so() {
    struct Other(u32);
    impl RegisterBus for Other {
        type Error = AxiError;
        fn read(&mut self, offset: u32) -> Result<u32, AxiError> {
            Ok(if offset == 0 { self.0 } else { 0x0002_0000 })
        }
        fn write(&mut self, _: u32, _: u32) -> Result<(), AxiError> {
            Err(AxiError::Slverr)
        }
    }
    let error = Driver::open(Other(0xffff_ffff)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("id reads 0xffffffff"), "{error}");
    let error = Driver::open(Other(stagecoach_spec::registers::ID)).map(|_| ()).unwrap_err();
    assert!(matches!(error, DriverError::OtherLayout { found: 0x0002_0000 }), "{error}");
}
