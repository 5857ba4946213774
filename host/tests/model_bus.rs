//! The driver on the golden model, behind registers of plain Rust; and on hardware that says whatever it likes.

mod common;

use common::ModelBus;
use proptest::prelude::*;
use stagecoach_host::{
    AxiError, BindError, Bindings, ChangeError, Driver, DriverError, RegisterBus, Registration, Vm, VmError,
};
use stagecoach_spec::registers::Register;
use stagecoach_spec::{
    Access, Cam, Config, Fault, NetId, Op, PeekEntry, Preset, Request, Retirement, Slices, Update,
    UpdateError, UpdateOp,
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

/// Slots of the VM that hold a page, as `peek` reads them back.
fn present<B: RegisterBus>(driver: &mut Driver<B>) -> Vec<u32> {
    let mut peek = |slot| driver.update(&Update::Peek { entry: PeekEntry::Slot { table: 2, slot }, word: 0 });
    (0..SLICES.slot_count).filter(|slot| peek(*slot).unwrap().unwrap() != 0).collect()
}

#[test]
fn no_slot_keeps_a_page_that_nobody_registered() {
    let mut driver = Driver::open(ModelBus::new(Preset::Tiny.config())).unwrap();
    let mut vm = vm_of(&mut driver);
    let stays = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155])).unwrap();
    let goes = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155])).unwrap();
    assert_eq!(present(&mut driver), [0, 1, 2, 3, 4, 5]);
    // A page outside the window, a region that is refused.
    let refused = vm.register(&mut driver, &memory(&[0x123, 0x124, 0x200])).unwrap_err();
    assert!(matches!(refused, VmError::Refused(UpdateError::OutOfWindow)), "{refused}");
    assert_eq!(present(&mut driver), [0, 1, 2, 3, 4, 5], "after a slot was refused");
    let rights = Registration { rights: Access::REMOTE_WRITE, ..memory(&[0x123, 0x124, 0x125]) };
    let refused = vm.register(&mut driver, &rights).unwrap_err();
    assert!(matches!(refused, VmError::Refused(_)), "{refused}");
    assert_eq!(present(&mut driver), [0, 1, 2, 3, 4, 5], "after the region was refused");
    vm.deregister(&mut driver, goes).unwrap();
    assert_eq!(present(&mut driver), [0, 1, 2], "after deregistration");
    assert_eq!(read(&mut driver, stays), [(Fault::Granted, 0x12_3ff8), (Fault::Granted, 0x1a_a000)]);
}

/// A bus that fails at some commands of one operation, before or after the controller has taken them.
struct Failing {
    bus: ModelBus,
    op: UpdateOp,
    /// Commands of the operation that go well first.
    spared: u32,
    /// Commands that fail then.
    failing: u32,
    is_taken: bool,
}

impl RegisterBus for Failing {
    type Error = AxiError;

    fn read(&mut self, offset: u32) -> Result<u32, AxiError> {
        self.bus.read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), AxiError> {
        let is_meant = offset == Register::Command.offset() && value == u32::from(self.op.code());
        if !is_meant || self.failing == 0 {
            return self.bus.write(offset, value);
        }
        if self.spared > 0 {
            self.spared -= 1;
            return self.bus.write(offset, value);
        }
        self.failing -= 1;
        if self.is_taken {
            self.bus.write(offset, value)?;
        }
        Err(AxiError::Decerr)
    }
}

fn failing(op: UpdateOp, spared: u32, failing: u32, is_taken: bool) -> (Driver<Failing>, Vm) {
    let bus = ModelBus::new(Preset::Tiny.config());
    let mut driver = Driver::open(Failing { bus, op, spared, failing: 0, is_taken }).unwrap();
    let vm = Vm::create(&mut driver, 2, SLICES, || 0x41).unwrap();
    driver.bus().failing = failing;
    (driver, vm)
}

#[test]
fn a_registration_whose_answer_is_lost_is_undone() {
    for (op, is_taken) in [
        (UpdateOp::SetSlot, false),
        (UpdateOp::SetSlot, true),
        (UpdateOp::Install, false),
        (UpdateOp::Install, true),
    ] {
        let spared = if op == UpdateOp::SetSlot { 1 } else { 0 };
        let (mut driver, mut vm) = failing(op, spared, 1, is_taken);
        let error = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155])).unwrap_err();
        assert!(matches!(error, VmError::Driver(DriverError::Bus(AxiError::Decerr))), "{op:?}: {error}");
        assert!(present(&mut driver).is_empty(), "{op:?}, taken: {is_taken}");
        let region = Update::Peek { entry: PeekEntry::Region { table: 2, index: 0 }, word: 0 };
        assert_eq!(driver.update(&region).unwrap(), Ok(0), "{op:?}, taken: {is_taken}");
        assert!(vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155])).is_ok(), "what it took is free");
    }
}

#[test]
fn what_cannot_be_undone_says_both_reasons_and_can_be_tried_again() {
    let (mut driver, mut vm) = failing(UpdateOp::ClearSlot, 1, 1, false);
    let error = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x200])).unwrap_err();
    let VmError::NotUndone { key, refused, left } = &error else { panic!("{error}") };
    assert!(matches!(refused, ChangeError::Refused(UpdateError::OutOfWindow)), "{refused}");
    assert!(matches!(left, ChangeError::Driver(DriverError::Bus(AxiError::Decerr))), "{left}");
    assert!(error.to_string().contains("window") && error.to_string().contains("DECERR"), "{error}");
    assert_eq!(present(&mut driver), [1]);
    vm.deregister(&mut driver, *key).unwrap();
    assert!(present(&mut driver).is_empty());
}

#[test]
fn a_deregistration_that_fails_half_way_goes_on_when_it_is_called_again() {
    for is_taken in [false, true] {
        let (mut driver, mut vm) = failing(UpdateOp::ClearSlot, 1, 1, is_taken);
        let key = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155])).unwrap();
        let error = vm.deregister(&mut driver, key).unwrap_err();
        assert!(matches!(error, VmError::SlotsLeft { slots: 2, .. }), "{error}");
        // Its slots are nobody else's meanwhile.
        let other = vm.register(&mut driver, &memory(&[0x130, 0x131, 0x132])).unwrap();
        assert_eq!(present(&mut driver), if is_taken { vec![2, 3, 4, 5] } else { vec![1, 2, 3, 4, 5] });
        vm.deregister(&mut driver, key).unwrap();
        assert_eq!(present(&mut driver), [3, 4, 5]);
        vm.deregister(&mut driver, other).unwrap();
        assert!(present(&mut driver).is_empty());
        assert!(matches!(vm.deregister(&mut driver, key), Err(VmError::NoSuchKey { .. })));

        let (mut driver, mut vm) = failing(UpdateOp::Invalidate, 0, 1, is_taken);
        let key = vm.register(&mut driver, &memory(&[0x123, 0x1aa, 0x155])).unwrap();
        let error = vm.deregister(&mut driver, key).unwrap_err();
        assert!(matches!(error, VmError::Driver(_)), "{error}");
        vm.deregister(&mut driver, key).unwrap();
        assert!(present(&mut driver).is_empty());
    }
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
