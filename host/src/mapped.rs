//! Registers in mapped memory: a PCI function's resource file, or a map of Linux's UIO.
//!
//! ```text
//!  /sys/bus/pci/devices/0000:01:00.0/resource0 ──┐
//!                                                ├─▶ mmap, shared ─▶ 32-bit loads and stores, one for each call
//!  /dev/uio0 + /sys/class/uio/uio0/maps/map0 ────┘
//! ```
//!
//! What mapped memory cannot tell: a store is not answered, so a write that the controller refuses with SLVERR looks
//! like one that it took. [`Driver`](crate::Driver) never makes such a write, and hears of refused changes in `status`.
//! A device that is gone, or whose memory space is not enabled, reads as ones everywhere: that is found, and is
//! [`MappedError::Gone`].

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use memmap2::{MmapOptions, MmapRaw};
use stagecoach_spec::registers::Register;
use thiserror::Error;

use crate::bus::RegisterBus;

/// Bytes that the controller's registers take.
pub const REGISTER_BYTES: u64 = 4096;

/// Why registers could not be mapped, read or written.
#[derive(Debug, Error)]
pub enum MappedError {
    /// There is no such file.
    #[error("{} is not there: is the device plugged in, and its driver bound?", path.display())]
    NotThere {
        /// The file.
        path: PathBuf,
    },
    /// The file may not be opened, or not be mapped.
    #[error("{} may not be read and written: run as root, or grant access; a locked-down kernel maps no device", path.display())]
    NotPermitted {
        /// The file.
        path: PathBuf,
    },
    /// The registers do not fit into the file.
    #[error("{} has {has} bytes; registers from byte {offset} on need {}", path.display(), offset.saturating_add(REGISTER_BYTES))]
    TooSmall {
        /// The file.
        path: PathBuf,
        /// Bytes that can be mapped.
        has: u64,
        /// Offset of the first register.
        offset: u64,
    },
    /// A register lies at a multiple of four.
    #[error("offset {offset:#x} is no multiple of 4")]
    Unaligned {
        /// The offset.
        offset: u64,
    },
    /// There is no register at this offset.
    #[error("offset {offset:#x} lies beyond the registers, which end at {REGISTER_BYTES:#x}")]
    Beyond {
        /// The offset.
        offset: u64,
    },
    /// What the kernel says of a map is not a number.
    #[error("{} says `{found}`, which is no number: is this a UIO device?", path.display())]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// Every register reads as ones.
    #[error(
        "the device reads as ones everywhere: it is gone, or its memory space is not enabled (write 1 to its `enable`)"
    )]
    Gone,
    /// Something else failed.
    #[error("cannot use {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

impl MappedError {
    fn of(path: &Path, error: io::Error) -> MappedError {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => MappedError::NotThere { path },
            io::ErrorKind::PermissionDenied => MappedError::NotPermitted { path },
            _ => MappedError::Io { path, error },
        }
    }
}

/// A controller's registers in this process's memory. They are unmapped when it is dropped.
#[derive(Debug)]
pub struct MappedRegisters {
    map: MmapRaw,
    /// Of the first register within the map; a multiple of four, and [`REGISTER_BYTES`] before the map's end at least.
    first: usize,
}

impl MappedRegisters {
    /// Maps the registers that begin at a byte of a file: a PCI function's `resource0` or the like.
    ///
    /// # Errors
    /// As [`MappedError`] says.
    pub fn resource(path: &Path, offset: u64) -> Result<MappedRegisters, MappedError> {
        let file = open(path)?;
        let has = file.metadata().map_err(|error| MappedError::of(path, error))?.len();
        map(path, &file, Stretch { begin: 0, bytes: has }, offset)
    }

    /// Maps the registers that begin at a byte of a map of `/dev/uioN`.
    ///
    /// # Errors
    /// As [`MappedError`] says.
    pub fn uio(device: u32, number: u32, offset: u64) -> Result<MappedRegisters, MappedError> {
        let name = format!("uio{device}");
        uio_in(&Path::new("/dev").join(&name), &Path::new("/sys/class/uio").join(&name), number, offset)
    }

    /// The register at an offset that is in range and a multiple of four.
    fn register(&self, offset: u32) -> Result<*mut u32, MappedError> {
        let offset = u64::from(offset);
        if offset >= REGISTER_BYTES {
            return Err(MappedError::Beyond { offset });
        }
        if !offset.is_multiple_of(4) {
            return Err(MappedError::Unaligned { offset });
        }
        Ok(self.map.as_mut_ptr().wrapping_add(self.first + offset as usize).cast())
    }

    fn load(&self, offset: u32) -> Result<u32, MappedError> {
        let register = self.register(offset)?;
        // SAFETY: `register` checks that the four bytes lie in the map, which lives as long as `self` and was made for
        // reading; they are aligned, since the map begins at a page (or at a multiple of four in it), `first` and the
        // offset are multiples of four. Nothing in Rust refers to the bytes, and any 32 bits are a `u32`.
        Ok(u32::from_le(unsafe { register.read_volatile() }))
    }

    fn store(&self, offset: u32, value: u32) -> Result<(), MappedError> {
        let register = self.register(offset)?;
        // SAFETY: as in `load`; the map was made for writing.
        unsafe { register.write_volatile(value.to_le()) };
        Ok(())
    }
}

impl RegisterBus for MappedRegisters {
    type Error = MappedError;

    fn read(&mut self, offset: u32) -> Result<u32, MappedError> {
        let value = self.load(offset)?;
        // Ones may be a register's value; `id` is never ones.
        if value == u32::MAX && self.load(Register::Id.offset())? == u32::MAX {
            return Err(MappedError::Gone);
        }
        Ok(value)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), MappedError> {
        self.store(offset, value)
    }
}

/// What of a file may be mapped.
#[derive(Clone, Copy)]
struct Stretch {
    /// Its first byte; a page's first.
    begin: u64,
    bytes: u64,
}

fn open(path: &Path) -> Result<File, MappedError> {
    OpenOptions::new().read(true).write(true).open(path).map_err(|error| MappedError::of(path, error))
}

/// UIO: map `number` of a device is mapped at that many pages; sysfs says how long it is, and where in its first page
/// the device's memory begins.
fn uio_in(device: &Path, class: &Path, number: u32, offset: u64) -> Result<MappedRegisters, MappedError> {
    let file = open(device)?;
    let map_folder = class.join("maps").join(format!("map{number}"));
    let (bytes, begins) = (word(&map_folder.join("size"))?, word(&map_folder.join("offset"))?);
    let begin = u64::from(number) * rustix::param::page_size() as u64;
    let first = offset.saturating_add(begins);
    map(device, &file, Stretch { begin, bytes: bytes.saturating_add(begins) }, first)
}

/// A number as sysfs writes it: hexadecimal, with its prefix.
fn word(path: &Path) -> Result<u64, MappedError> {
    let text = fs::read_to_string(path).map_err(|error| MappedError::of(path, error))?;
    let digits = text.trim();
    let number = digits.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| MappedError::NotANumber { path: path.to_owned(), found: digits.to_owned() })
}

/// Maps the page in which the registers begin and all that they need.
fn map(path: &Path, file: &File, stretch: Stretch, offset: u64) -> Result<MappedRegisters, MappedError> {
    if !offset.is_multiple_of(4) {
        return Err(MappedError::Unaligned { offset });
    }
    let too_small = || MappedError::TooSmall { path: path.to_owned(), has: stretch.bytes, offset };
    let end = offset.checked_add(REGISTER_BYTES).filter(|end| *end <= stretch.bytes).ok_or_else(too_small)?;
    let page = rustix::param::page_size() as u64;
    // A UIO map is asked for by its page alone, so it begins there; a file's registers are mapped from their own page on.
    let skipped = if stretch.begin == 0 { offset / page * page } else { 0 };
    let bytes = usize::try_from(end - skipped).map_err(|_| too_small())?;
    let first = usize::try_from(offset - skipped).map_err(|_| too_small())?;
    let mut options = MmapOptions::new();
    options.offset(stretch.begin + skipped).len(bytes);
    let map = options.map_raw(file).map_err(|error| MappedError::of(path, error))?;
    Ok(MappedRegisters { map, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A UIO device of ordinary files, whose map 2 has so many bytes from `begins` on.
    fn device(folder: &Path, size: &str, begins: &str) -> Result<MappedRegisters, MappedError> {
        let page = rustix::param::page_size();
        let mut bytes = vec![0; 2 * page];
        bytes.extend((0..3 * page as u32 / 4).flat_map(u32::to_le_bytes));
        fs::write(folder.join("uio7"), bytes).unwrap();
        fs::create_dir_all(folder.join("class/maps/map2")).unwrap();
        fs::write(folder.join("class/maps/map2/size"), size).unwrap();
        fs::write(folder.join("class/maps/map2/offset"), begins).unwrap();
        uio_in(&folder.join("uio7"), &folder.join("class"), 2, 0x100)
    }

    #[test]
    fn a_uio_map_lies_where_the_kernel_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut registers = device(folder.path(), "0x0000000000001100\n", "0x20\n").unwrap();
        assert_eq!(registers.read(8).unwrap(), (0x120 + 8) / 4);
        registers.write(0xffc, 0x1234_5678).unwrap();
        let at = 2 * rustix::param::page_size() + 0x120 + 0xffc;
        let bytes = fs::read(folder.path().join("uio7")).unwrap();
        assert_eq!(bytes[at..at + 4], [0x78, 0x56, 0x34, 0x12]);
    }

    #[test]
    fn a_uio_map_that_is_too_short_or_unreadable_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = device(folder.path(), "0x10fc\n", "0x20\n").unwrap_err();
        assert!(matches!(error, MappedError::TooSmall { has: 0x111c, offset: 0x120, .. }), "{error}");
        let error = device(folder.path(), "4096\n", "0x0\n").unwrap_err();
        assert!(error.to_string().contains("size says `4096`, which is no number"), "{error}");
        fs::remove_dir_all(folder.path().join("class")).unwrap();
        let error = uio_in(&folder.path().join("uio7"), &folder.path().join("class"), 2, 0).unwrap_err();
        assert!(matches!(error, MappedError::NotThere { .. }), "{error}");
    }
}
