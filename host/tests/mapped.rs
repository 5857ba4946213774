//! Registers in mapped memory: a file that a thread serves as the controller, and what cannot be mapped.
#![cfg(all(feature = "std", target_os = "linux"))]

mod common;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use common::ModelBus;
use stagecoach_host::{
    Bindings, Driver, DriverError, MappedError, MappedRegisters, RegisterBus, Registration, Vm, VmError,
};
use stagecoach_spec::registers::{ID, Register};
use stagecoach_spec::{Access, Fault, NetId, Op, Preset, Request, Slices, UpdateError};

/// What stands in COMMAND while none is under way.
const IDLE: u32 = 0xffff_ff00;
/// Where the registers begin in the file: not at its begin, nor at a page's.
const OFFSET: u64 = 0x1100;

/// A thread that plays the controller on a file's bytes, by plain reads and writes of the file.
struct Server {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<ModelBus>,
}

impl Server {
    fn start(file: File) -> Server {
        let mut bus = ModelBus::new(Preset::Tiny.config());
        let put = |file: &File, register: Register, value: u32| {
            file.write_all_at(&value.to_le_bytes(), OFFSET + u64::from(register.offset())).unwrap();
        };
        for offset in (0..0x1000).step_by(4) {
            if let Some(register) = Register::at(offset) {
                put(&file, register, bus.read(offset).unwrap());
            }
        }
        put(&file, Register::Command, IDLE);
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = is_over.clone();
        let get = |file: &File, register: Register| {
            let mut bytes = [0; 4];
            file.read_exact_at(&mut bytes, OFFSET + u64::from(register.offset())).unwrap();
            u32::from_le_bytes(bytes)
        };
        let serve = move || {
            while !stop.load(Ordering::Acquire) {
                let command = get(&file, Register::Command);
                if command == IDLE {
                    std::thread::yield_now();
                    continue;
                }
                for register in [Register::Table, Register::Index, Register::DataLow, Register::DataHigh] {
                    bus.write(register.offset(), get(&file, register)).unwrap();
                }
                bus.write(Register::Command.offset(), command).unwrap();
                for register in [Register::Status, Register::ResultLow, Register::ResultHigh] {
                    put(&file, register, bus.read(register.offset()).unwrap());
                }
                put(&file, Register::Command, IDLE);
            }
            bus
        };
        Server { is_over, thread: std::thread::spawn(serve) }
    }

    /// Ends the thread; gives what the controller then holds.
    fn stop(self) -> ModelBus {
        self.is_over.store(true, Ordering::Release);
        self.thread.join().expect("the thread does not fail")
    }
}

/// The mapped registers of a controller that a thread plays. A file's bytes cannot clear `done` at the very write of
/// a command, as hardware does, so this waits until the thread has seen it.
struct Played(MappedRegisters);

impl RegisterBus for Played {
    type Error = MappedError;

    fn read(&mut self, offset: u32) -> Result<u32, MappedError> {
        self.0.read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), MappedError> {
        self.0.write(offset, value)?;
        while offset == Register::Command.offset() && self.0.read(offset)? != IDLE {
            std::thread::yield_now();
        }
        Ok(())
    }
}

fn file(path: &Path, bytes: u64) -> File {
    let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
    file
}

#[test]
fn a_vm_is_set_up_through_a_mapped_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resource0");
    let server = Server::start(file(&path, OFFSET + 0x1000));
    let mut driver = Driver::open(Played(MappedRegisters::resource(&path, OFFSET).unwrap())).unwrap();
    assert_eq!((driver.sizes().tables, driver.sizes().slots), (16, 1024));
    let slices = Slices {
        region_base: 8,
        region_count: 4,
        slot_base: 16,
        slot_count: 16,
        window_base: 0x100,
        window_count: 0x100,
    };
    let net_id = NetId::from_u128(0x0a00_0001);
    let mut vm = Vm::create(&mut driver, 2, slices, || 0x41).unwrap();
    Bindings::new(&driver).unwrap().bind(&mut driver, net_id, 2).unwrap();
    let memory = |frames| Registration {
        base: 0x8000,
        length: 0x1000,
        first_offset: 0,
        rights: Access::REMOTE_READ,
        pd: 3,
        page_size: 0,
        frames,
    };
    let key = vm.register(&mut driver, &memory(&[0x123])).unwrap();
    let refused = vm.register(&mut driver, &memory(&[0x200])).unwrap_err();
    assert!(matches!(refused, VmError::Refused(UpdateError::OutOfWindow)), "{refused}");

    let (op, va, length) = (Op::RemoteRead, 0x8010, 16);
    let request = Request { net_id, key, pd: 3, op, va, length, bound: length, stream: 0, tag: 0 };
    let beats = server.stop().golden.request(&request);
    assert_eq!(
        beats.iter().map(|beat| (beat.fault, beat.pa)).collect::<Vec<_>>(),
        [(Fault::Granted, 0x12_3010)]
    );
}

#[test]
fn what_cannot_be_mapped_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resource0");
    let absent = MappedRegisters::resource(&path, 0).unwrap_err();
    assert!(matches!(absent, MappedError::NotThere { .. }), "{absent}");
    assert!(absent.to_string().contains("resource0 is not there"), "{absent}");

    drop(file(&path, 0x1ffc));
    let short = MappedRegisters::resource(&path, 0x1000).unwrap_err();
    assert!(matches!(short, MappedError::TooSmall { has: 0x1ffc, offset: 0x1000, .. }), "{short}");
    let far = MappedRegisters::resource(&path, u64::MAX - 3).unwrap_err();
    assert!(matches!(far, MappedError::TooSmall { .. }), "{far}");
    let odd = MappedRegisters::resource(&path, 2).unwrap_err();
    assert!(matches!(odd, MappedError::Unaligned { offset: 2 }), "{odd}");
    assert!(MappedRegisters::resource(&path, 0xffc).is_ok(), "the last byte is the file's last");

    let folder_error = MappedRegisters::resource(folder.path(), 0).unwrap_err();
    assert!(matches!(folder_error, MappedError::Io { .. }), "{folder_error}");
}

#[test]
fn a_file_that_may_not_be_written_is_not_permitted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resource0");
    drop(file(&path, 0x1000));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    // Root may write everything but what the kernel itself keeps: there a file of /proc/sys that nobody may write.
    let is_root = OpenOptions::new().write(true).open(&path).is_ok();
    let path = if is_root { Path::new("/proc/sys/kernel/ostype").to_owned() } else { path };
    let error = MappedRegisters::resource(&path, 0).unwrap_err();
    assert!(matches!(error, MappedError::NotPermitted { .. }), "{error}");
    assert!(error.to_string().contains("grant access"), "{error}");
}

#[test]
fn registers_beyond_or_beside_the_grid_are_refused_and_touch_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resource0");
    drop(file(&path, 0x3000));
    let mut registers = MappedRegisters::resource(&path, 0).unwrap();
    for offset in [0x1000, u32::MAX - 3] {
        let error = registers.write(offset, 1).unwrap_err();
        assert!(matches!(error, MappedError::Beyond { .. }), "{error}");
    }
    assert!(matches!(registers.read(0x41), Err(MappedError::Unaligned { offset: 0x41 })));
    assert_eq!(fs::read(&path).unwrap(), vec![0; 0x3000]);
    registers.write(0xffc, 0x0102_0304).unwrap();
    assert_eq!(registers.read(0xffc).unwrap(), 0x0102_0304);
    assert_eq!(fs::read(&path).unwrap()[0xffc..0x1001], [4, 3, 2, 1, 0], "little endian, as AXI has it");
}

#[test]
fn a_device_that_is_gone_is_told_from_a_register_of_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resource0");
    let device = file(&path, 0x1000);
    device.write_all_at(&[0xff; 0x1000], 0).unwrap();
    let registers = MappedRegisters::resource(&path, 0).unwrap();
    let error = Driver::open(registers).map(|_| ()).unwrap_err();
    assert!(matches!(error, DriverError::Bus(MappedError::Gone)), "{error}");
    device.write_all_at(&ID.to_le_bytes(), 0).unwrap();
    assert_eq!(MappedRegisters::resource(&path, 0).unwrap().read(0x48).unwrap(), u32::MAX);
}
