//! Every size and choice of a mapping unit, with its range and the widths that follow from it.

use crate::cuckoo::Cuckoo;
use crate::log_record::least_words;
use crate::processing::Processing;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How network identifiers are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cam {
    /// Registers with one comparator per binding.
    #[default]
    Register,
    /// A cuckoo hash table: block RAM in several ways, each with a hash function of its own, and a small stash of
    /// registers. See [`crate::cuckoo`].
    Cuckoo,
}

impl Cam {
    /// Every kind.
    pub const ALL: [Cam; 2] = [Cam::Register, Cam::Cuckoo];
    /// Bindings up to which registers are chosen where a configuration names no kind.
    pub const MOST_REGISTERS: u32 = 64;
}

/// Whether tables may share frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameWindows {
    /// The frame windows of two tables never overlap.
    #[default]
    Disjoint,
    /// Windows may overlap, because an IOMMU behind the controller tells tables apart.
    Iommu,
}

/// What guards stored words against flipped bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Nothing.
    #[default]
    None,
    /// One check bit per stored word: detects one flipped bit.
    Parity,
    /// A Hamming code with an overall parity bit per stored word: corrects one flipped bit, detects two.
    Secded,
}

/// The device family that the memories of the generated Verilog are written for. Nothing else depends on it: ports,
/// cycles and answers are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Any: plain Verilog, from which tools infer memories.
    #[default]
    Generic,
    /// Lattice ECP5: block RAM primitives with their output register.
    Ecp5,
    /// AMD Xilinx: plain Verilog in the form that Vivado infers block RAM with its output register from.
    Xilinx,
}

impl Target {
    /// Every target.
    pub const ALL: [Target; 3] = [Target::Generic, Target::Ecp5, Target::Xilinx];

    /// The name as it is written on a command line and in a file.
    pub const fn name(self) -> &'static str {
        match self {
            Target::Generic => "generic",
            Target::Ecp5 => "ecp5",
            Target::Xilinx => "xilinx",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No target has the name that was given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no target is called `{0}`; there are: generic, ecp5, xilinx")]
pub struct UnknownTarget(pub String);

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(given: &str) -> Result<Target, UnknownTarget> {
        let wanted = given.trim().to_ascii_lowercase();
        let found = Target::ALL.into_iter().find(|target| target.name() == wanted);
        found.ok_or_else(|| UnknownTarget(given.to_owned()))
    }
}

/// A configuration of the mapping unit. Every field may be left out of the file; the defaults make the preset `roce`.
///
/// [`Config::from_toml`] checks; a `Config` made by hand is checked with [`Config::validate`]. The derived widths
/// and the other crates rely on a configuration that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the configuration is called: 1 to 32 of `a-z 0-9 _ -`, a letter first. Default `custom`.
    pub name: String,
    /// Width of a network identifier in bits: 1 to 160. 32 holds an IPv4 address, 128 a GID, 152 a VNI and a GID. Default 128.
    pub net_id_bits: u32,
    /// Network identifiers that can be bound at once: 1 to 4096. Default 64.
    pub bindings: u32,
    /// Mapping tables, thus VMs: 1 to 4096. Default 64.
    pub tables: u32,
    /// Regions in the pool that all tables share out: 1 to 16,777,216 (a key has 24 index bits). Default 4096.
    pub regions: u32,
    /// Page slots in the pool that all tables share out: 1 to 16,777,216. Default 16384.
    pub slots: u32,
    /// Width of a protection domain in bits: 0 to 32; 0 leaves protection domains out. Default 16.
    pub pd_bits: u32,
    /// Width of the stream (QP or other source) in bits: 0 to 32; 0 leaves it out. Default 24.
    pub stream_bits: u32,
    /// Width of the tag in bits: 0 to 32; 0 leaves it out. Default 8.
    pub tag_bits: u32,
    /// Width of a physical address in bits: 13 to 64. Default 48.
    pub physical_address_bits: u32,
    /// Base-2 logarithms of the page sizes: ascending, 12 first, at most 30. Stored as an index into this list.
    /// Default `[12, 16, 21, 30]`: 4 KiB, 64 KiB, 2 MiB, 1 GiB.
    pub page_shifts: Vec<u32>,
    /// Most bytes that one request may translate: a power of two, 64 to 65536. Default 4096.
    pub max_request_bytes: u32,
    /// How network identifiers are matched: `register` or `cuckoo`. Absent by default: `register` up to
    /// [`Cam::MOST_REGISTERS`] bindings, `cuckoo` beyond. [`Config::cam_kind`] says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cam: Option<Cam>,
    /// Whether tables may share frames: `disjoint` or `iommu`. Default `disjoint`.
    pub frame_windows: FrameWindows,
    /// Most granted spans that wait for their retirement at once, all tables together: 1 to 65,536. A span beyond
    /// waits in the pipeline. Enough for one span a cycle when it exceeds the cycles from a grant to its retirement.
    /// Default 512.
    pub max_in_flight: u32,
    /// 64-bit words of the pool that the dirty bitmaps of tracked tables share: 1 to 1,048,576. Default 1024.
    pub dirty_words: u32,
    /// Refused requests that the fault log remembers: 0 leaves the log out, else a power of two from 2 to 256.
    /// Default 64.
    pub fault_log_entries: u32,
    /// What guards stored words: `none`, `parity` or `secded`. Default `none`.
    pub protection: Protection,
    /// The device family that memories are written for: `generic`, `ecp5` or `xilinx`. Default `generic`.
    pub target: Target,
    /// 64-bit words of the controller's registration log: a power of two, from [`crate::log_record::least_words`] to 65,536; 0
    /// leaves the log and the epochs out. Absent by default: 2048, or the least. [`Config::log_room`] says how many. The mapping unit
    /// does not depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_words: Option<u32>,
    /// The controller's processing unit. The mapping unit does not depend on it.
    pub processing: Processing,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            name: "custom".into(),
            net_id_bits: 128,
            bindings: 64,
            tables: 64,
            regions: 4096,
            slots: 16384,
            pd_bits: 16,
            stream_bits: 24,
            tag_bits: 8,
            physical_address_bits: 48,
            page_shifts: vec![12, 16, 21, 30],
            max_request_bytes: 4096,
            cam: None,
            frame_windows: FrameWindows::Disjoint,
            max_in_flight: 512,
            dirty_words: 1024,
            fault_log_entries: 64,
            protection: Protection::None,
            target: Target::Generic,
            log_words: None,
            processing: Processing::default(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The text is not TOML, or a field is unknown or of the wrong type.
    #[error("{name}: {message}")]
    Syntax {
        /// The file or preset, as the caller named it.
        name: String,
        /// Line, column and what was expected, from the TOML reader.
        message: String,
    },
    /// A field's value lies outside its range.
    #[error("{field} = {value}: allowed is {allowed}, because {reason}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value as written.
        value: String,
        /// What is allowed instead.
        allowed: String,
        /// Why.
        reason: &'static str,
    },
    /// Two fields contradict each other, each within its own range.
    #[error(
        "{field} = {value} is impossible with {other} = {other_value}: allowed is {allowed}, because {reason}"
    )]
    Combination {
        /// The field to change first.
        field: &'static str,
        /// Its value as written.
        value: String,
        /// The field that it contradicts.
        other: &'static str,
        /// That field's value.
        other_value: String,
        /// What is allowed instead.
        allowed: String,
        /// Why.
        reason: &'static str,
    },
    /// An error of a configuration that has a file.
    #[error("{name}: {error}")]
    In {
        /// The file or preset, as the caller named it.
        name: String,
        /// What is wrong in it.
        #[source]
        error: Box<ConfigError>,
    },
}

impl Config {
    /// Reads and checks a configuration. `name` names the text in errors (a path, usually).
    #[cfg(feature = "std")]
    pub fn from_toml(text: &str, name: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            name: name.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        match config.validate() {
            Ok(()) => Ok(config),
            Err(error) => Err(ConfigError::In { name: name.to_owned(), error: Box::new(error) }),
        }
    }

    /// The configuration as a TOML file that [`Config::from_toml`] reads back, with the kind of CAM that was chosen.
    #[cfg(feature = "std")]
    pub fn to_toml(&self) -> String {
        let resolved = Config { cam: Some(self.cam_kind()), ..self.clone() };
        toml::to_string(&resolved).expect("strings, numbers and lists of numbers are always TOML")
    }

    /// Checks every field and every combination of fields.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        let starts_well = self.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts_well || self.name.len() > 32 || !self.name.chars().all(letters) {
            return Err(ConfigError::Range {
                field: "name",
                value: format!("{:?}", self.name),
                allowed: "1 to 32 of a-z, 0-9, _ and -, a letter first".into(),
                reason: "it becomes part of file names",
            });
        }
        range("net_id_bits", self.net_id_bits, 1, 160, "staged words carry 160 bits")?;
        range("bindings", self.bindings, 1, 4096, "a CAM of more is not built")?;
        range("tables", self.tables, 1, 4096, "the table number has 12 bits")?;
        range("regions", self.regions, 1, 1 << 24, "a key has 24 index bits")?;
        range("slots", self.slots, 1, 1 << 24, "a region's pages must keep its position within 54 bits")?;
        range("pd_bits", self.pd_bits, 0, 32, "the staged word has 32 bits for it")?;
        range("stream_bits", self.stream_bits, 0, 32, "the contract carries 32 bits at most")?;
        range("tag_bits", self.tag_bits, 0, 32, "the contract carries 32 bits at most")?;
        range(
            "physical_address_bits",
            self.physical_address_bits,
            13,
            64,
            "a frame has 4096 bytes and an address 64 bits",
        )?;
        self.validate_page_shifts()?;
        let bytes = self.max_request_bytes;
        if !bytes.is_power_of_two() || !(64..=65536).contains(&bytes) {
            return Err(ConfigError::Range {
                field: "max_request_bytes",
                value: bytes.to_string(),
                allowed: "a power of two, 64 to 65536".into(),
                reason: "the width of length follows from it, and no request may hold the pipeline for long",
            });
        }
        range("max_in_flight", self.max_in_flight, 1, 65_536, "every table counts that far")?;
        range(
            "dirty_words",
            self.dirty_words,
            1,
            1 << 20,
            "a dirty pool of 8 MiB covers 256 GiB in 4 KiB pages",
        )?;
        let entries = self.fault_log_entries;
        if entries != 0 && !(entries.is_power_of_two() && (2..=256).contains(&entries)) {
            return Err(ConfigError::Range {
                field: "fault_log_entries",
                value: entries.to_string(),
                allowed: "0, or a power of two from 2 to 256".into(),
                reason: "the log is a ring in memory",
            });
        }
        let least = least_words(self.tables);
        let words = self.log_room();
        if words != 0 && !(words.is_power_of_two() && (least..=65_536).contains(&words)) {
            return Err(ConfigError::Range {
                field: "log_words",
                value: words.to_string(),
                allowed: format!("0, or a power of two from {least} to 65536"),
                reason: "it is a ring in memory, with room kept for every table's freeze and for urgent changes",
            });
        }
        self.processing.validate_frontend(self)?;
        self.processing.validate(self.max_request_bytes)
    }

    fn validate_page_shifts(&self) -> Result<(), ConfigError> {
        let shifts = &self.page_shifts;
        let ascending = shifts.windows(2).all(|pair| pair[0] < pair[1]);
        if shifts.first() != Some(&12) || !ascending || shifts.iter().any(|shift| *shift > 30) {
            return Err(ConfigError::Range {
                field: "page_shifts",
                value: format!("{shifts:?}"),
                allowed: "an ascending list, 12 first, none above 30".into(),
                reason: "spans are cut at 4 KiB and no page is larger than 1 GiB",
            });
        }
        if shifts.len() > 16 {
            return Err(ConfigError::Range {
                field: "page_shifts",
                value: format!("{shifts:?}"),
                allowed: "at most 16 page sizes".into(),
                reason: "the staged word has 4 bits for the index",
            });
        }
        if self.max_page_shift() > self.physical_address_bits {
            return Err(ConfigError::Combination {
                field: "page_shifts",
                value: format!("{shifts:?}"),
                other: "physical_address_bits",
                other_value: self.physical_address_bits.to_string(),
                allowed: format!("no page shift above {}", self.physical_address_bits),
                reason: "a page cannot be bigger than physical memory",
            });
        }
        Ok(())
    }

    /// 64-bit words of the controller's registration log; 0 without one.
    pub fn log_room(&self) -> u32 {
        self.log_words.unwrap_or_else(|| least_words(self.tables).max(2048))
    }

    /// Width of a table number: at least 1, also with a single table.
    pub fn table_bits(&self) -> u32 {
        index_bits(self.tables)
    }

    /// How network identifiers are matched: as [`Config::cam`] says, or by size.
    pub fn cam_kind(&self) -> Cam {
        self.cam.unwrap_or(if self.bindings <= Cam::MOST_REGISTERS { Cam::Register } else { Cam::Cuckoo })
    }

    /// Entries of the CAM, of which `bindings` can be taken at once: as many, or more with [`Cam::Cuckoo`].
    pub fn cam_entries(&self) -> u32 {
        match self.cam_kind() {
            Cam::Register => self.bindings,
            Cam::Cuckoo => Cuckoo::of(self).entries(),
        }
    }

    /// Width of a CAM entry's number: at least 1.
    pub fn binding_bits(&self) -> u32 {
        index_bits(self.cam_entries())
    }

    /// Width of a count of bindings, 0 to `bindings` inclusive.
    pub fn binding_count_bits(&self) -> u32 {
        count_bits(self.bindings)
    }

    /// Width of a region's place in the pool: at least 1.
    pub fn region_bits(&self) -> u32 {
        index_bits(self.regions)
    }

    /// Width of a count of regions, 0 to `regions` inclusive.
    pub fn region_count_bits(&self) -> u32 {
        count_bits(self.regions)
    }

    /// Width of a slot's place in the pool: at least 1.
    pub fn slot_bits(&self) -> u32 {
        index_bits(self.slots)
    }

    /// Width of a count of slots, 0 to `slots` inclusive; also of a stored `first_slot`, since a region without
    /// bytes may start at the end of its slice.
    pub fn slot_count_bits(&self) -> u32 {
        count_bits(self.slots)
    }

    /// Width of a place in the dirty pool: at least 1.
    pub fn dirty_bits(&self) -> u32 {
        index_bits(self.dirty_words)
    }

    /// Width of a count of words of the dirty pool, 0 to `dirty_words` inclusive.
    pub fn dirty_count_bits(&self) -> u32 {
        count_bits(self.dirty_words)
    }

    /// 64-bit words that a dirty bitmap over `frames` frames takes, a bit for each granule of `1 << granule_shift`
    /// bytes (12 or more).
    pub fn dirty_words_of(frames: u64, granule_shift: u32) -> u64 {
        frames.div_ceil(1 << (granule_shift - 12)).div_ceil(64)
    }

    /// Width of a frame number: the physical address without its 12 offset bits.
    pub fn frame_bits(&self) -> u32 {
        self.physical_address_bits - 12
    }

    /// Width of a count of frames, 0 to the whole physical memory inclusive.
    pub fn frame_count_bits(&self) -> u32 {
        self.frame_bits() + 1
    }

    /// Width of a request's `length`: log2 of `max_request_bytes`, plus one so that the maximum (and too much) can be said.
    pub fn length_bits(&self) -> u32 {
        self.max_request_bytes.ilog2() + 1
    }

    /// Width of a beat's `span` in bytes: a span never exceeds 4096 nor the request.
    pub fn span_bits(&self) -> u32 {
        self.max_request_bytes.min(4096).ilog2() + 1
    }

    /// Width of a stored page-size index; 0 when there is one page size.
    pub fn page_size_bits(&self) -> u32 {
        ceil_log2(self.page_shifts.len() as u32)
    }

    /// Base-2 logarithm of the largest page.
    pub fn max_page_shift(&self) -> u32 {
        self.page_shifts.last().copied().unwrap_or(12)
    }

    /// Width of a position in a region (and of the stored origin): `slot_bits` + the largest page shift.
    /// Enough for every region that fits the pool; at most 54.
    pub fn position_bits(&self) -> u32 {
        self.slot_bits() + self.max_page_shift()
    }

    /// Most spans (so beats) that one request can have: its bytes, unaligned.
    pub fn max_spans(&self) -> u32 {
        self.max_request_bytes.div_ceil(4096) + 1
    }

    /// The index that stands for a page of `1 << shift` bytes, when the configuration has it.
    pub fn page_size_index(&self, shift: u32) -> Option<u8> {
        self.page_shifts.iter().position(|s| *s == shift).map(|index| index as u8)
    }

    /// The shift that a stored page-size index stands for.
    pub fn page_shift(&self, page_size: u8) -> Option<u32> {
        self.page_shifts.get(usize::from(page_size)).copied()
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} tables, {} bindings of {} bits, {} regions, {} slots",
            self.name, self.tables, self.bindings, self.net_id_bits, self.regions, self.slots
        )
    }
}

/// Bits that number `count` things: 0 for one thing.
fn ceil_log2(count: u32) -> u32 {
    count.max(1).next_power_of_two().ilog2()
}

/// Bits of an index into `count` things; at least 1, so that no index is a field without bits.
fn index_bits(count: u32) -> u32 {
    ceil_log2(count).max(1)
}

/// Bits of a number from 0 to `count` inclusive.
fn count_bits(count: u32) -> u32 {
    count.max(1).ilog2() + 1
}

fn range(
    field: &'static str,
    value: u32,
    low: u32,
    high: u32,
    reason: &'static str,
) -> Result<(), ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::Range { field, value: value.to_string(), allowed: format!("{low} to {high}"), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_targets_round_trip() {
        for target in Target::ALL {
            assert_eq!(target.to_string().parse(), Ok(target));
            let config = Config::from_toml(&format!("target = \"{target}\""), "mine.toml").unwrap();
            assert_eq!(config.target, target);
        }
        let error = "ice40".parse::<Target>().unwrap_err();
        assert!(error.to_string().contains("generic, ecp5, xilinx"), "{error}");
    }
}
