//! Updates as words at the update port.
//!
//! One command is what `upd_op`, `upd_arg_table`, `upd_arg_index` and `upd_arg_data` carry in one handshake; each
//! gets one answer. Wide arguments go first, by `stage`, into four staging words that keep their value until
//! overwritten:
//!
//! | op | table | index | data | staged words |
//! | --- | --- | --- | --- | --- |
//! | 0 stage | - | word, 0 to 3 | value | |
//! | 1 set_table | table | - | - | 0: region_base, region_count << 32; 1: slot_base, slot_count << 32; 2: window_base; 3: window_count |
//! | 2 clear_table | table | - | - | |
//! | 3 bind, 4 unbind | table | - | - | 0 to 2, **always all three**: net_id, least significant first; bits above `net_id_bits` zero |
//! | 5 freeze, 6 thaw | table | - | - | |
//! | 7 install | table | key | - | 0: base; 1: length; 2: first_offset, rights << 32 (4 bits), page size << 40 (4 bits); 3: first_slot, pd << 32 |
//! | 8 invalidate | table | key | - | |
//! | 9 set_slot | table | slot | frame (52 bits), page size << 56 (4 bits) | |
//! | 10 clear_slot | table | slot | - | |
//! | 11 track | table | first word of the bitmap in the dirty pool | granule_shift (8 bits): 12 to 30, or 0 to stop | |
//! | 12 harvest | table | word of the table's bitmap | - | |
//! | 13 read_counter | table | [`crate::Counter::index`] | - | |
//! | 14 peek | table | entry | space (8 bits), word << 8 (8 bits) | |
//! | 15 inject | table | entry | space (8 bits, [`Stored::space`]), bit << 16 (16 bits) | |
//! | 16 move | table | way | - | as bind |
//! | 17 reseed | - | way | - | 0 to 2, always all three: seed, least significant first; bits above [`crate::Cuckoo::seed_bits`] zero |
//!
//! An argument marked `-` is ignored; every bit that is named nowhere in a word that is used is reserved and must be
//! zero (BAD_ARGUMENT). Ops above 17 are answered UNSUPPORTED, and so are `inject` without protection and `move` and
//! `reseed` without a cuckoo CAM.

use crate::config::{Cam, Config, Protection};
use crate::cuckoo::{Cuckoo, Seed};
use crate::net_id::NetId;
use crate::protection::Stored;
use crate::request::Access;
use crate::update::{Counter, PeekEntry, Region, Slices, Update, UpdateError};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How many staging words there are.
pub const STAGED_WORDS: usize = 4;

/// The staging words.
pub type Staged = [u64; STAGED_WORDS];

/// The operations of the update port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum UpdateOp {
    /// 0: write a staging word.
    Stage = 0,
    /// 1: create a table.
    SetTable = 1,
    /// 2: remove a table.
    ClearTable = 2,
    /// 3: bind a network identifier.
    Bind = 3,
    /// 4: end a binding.
    Unbind = 4,
    /// 5: freeze a table.
    Freeze = 5,
    /// 6: thaw a table.
    Thaw = 6,
    /// 7: make a key valid.
    Install = 7,
    /// 8: make a key invalid.
    Invalidate = 8,
    /// 9: put a page into a slot.
    SetSlot = 9,
    /// 10: empty a slot.
    ClearSlot = 10,
    /// 11: track dirty memory.
    Track = 11,
    /// 12: read and clear dirty bits.
    Harvest = 12,
    /// 13: read a counter.
    ReadCounter = 13,
    /// 14: read an entry back.
    Peek = 14,
    /// 15: flip a stored bit.
    Inject = 15,
    /// 16: move a binding to another way.
    Move = 16,
    /// 17: give a way another hash function.
    Reseed = 17,
}

impl UpdateOp {
    /// Every operation, in order of its code.
    pub const ALL: [UpdateOp; 18] = [
        UpdateOp::Stage,
        UpdateOp::SetTable,
        UpdateOp::ClearTable,
        UpdateOp::Bind,
        UpdateOp::Unbind,
        UpdateOp::Freeze,
        UpdateOp::Thaw,
        UpdateOp::Install,
        UpdateOp::Invalidate,
        UpdateOp::SetSlot,
        UpdateOp::ClearSlot,
        UpdateOp::Track,
        UpdateOp::Harvest,
        UpdateOp::ReadCounter,
        UpdateOp::Peek,
        UpdateOp::Inject,
        UpdateOp::Move,
        UpdateOp::Reseed,
    ];

    /// The code at `upd_op` (5 bits).
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The operation of a code; nothing above 17.
    pub fn from_code(code: u8) -> Option<UpdateOp> {
        UpdateOp::ALL.get(usize::from(code)).copied()
    }

    /// The name in lower snake case.
    pub const fn name(self) -> &'static str {
        match self {
            UpdateOp::Stage => "stage",
            UpdateOp::SetTable => "set_table",
            UpdateOp::ClearTable => "clear_table",
            UpdateOp::Bind => "bind",
            UpdateOp::Unbind => "unbind",
            UpdateOp::Freeze => "freeze",
            UpdateOp::Thaw => "thaw",
            UpdateOp::Install => "install",
            UpdateOp::Invalidate => "invalidate",
            UpdateOp::SetSlot => "set_slot",
            UpdateOp::ClearSlot => "clear_slot",
            UpdateOp::Track => "track",
            UpdateOp::Harvest => "harvest",
            UpdateOp::ReadCounter => "read_counter",
            UpdateOp::Peek => "peek",
            UpdateOp::Inject => "inject",
            UpdateOp::Move => "move",
            UpdateOp::Reseed => "reseed",
        }
    }
}

/// One handshake at the update port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// `upd_op`, 5 bits; any value can be sent.
    pub op: u8,
    /// `upd_arg_table`, 16 bits.
    pub table: u16,
    /// `upd_arg_index`, 32 bits.
    pub index: u32,
    /// `upd_arg_data`, 64 bits.
    pub data: u64,
}

/// What a command means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Write a staging word.
    Stage {
        /// Which, 0 to 3.
        word: usize,
        /// Its value.
        data: u64,
    },
    /// A change of the tables, or a look at them.
    Update(Update),
}

impl Command {
    /// Writes `data` into staging word `word`.
    pub const fn stage(word: u32, data: u64) -> Command {
        Command { op: UpdateOp::Stage.code(), table: 0, index: word, data }
    }

    const fn of(op: UpdateOp, table: u16, index: u32, data: u64) -> Command {
        Command { op: op.code(), table, index, data }
    }

    /// Reads a command with the words that are staged. Gives the errors that depend on neither tables nor entries:
    /// UNSUPPORTED and BAD_ARGUMENT.
    pub fn decode(&self, staged: &Staged, config: &Config) -> Result<Action, UpdateError> {
        let op = UpdateOp::from_code(self.op).ok_or(UpdateError::Unsupported)?;
        let table = self.table;
        let update = match op {
            UpdateOp::Stage => {
                let word = self.index as usize;
                require(word < STAGED_WORDS)?;
                return Ok(Action::Stage { word, data: self.data });
            }
            UpdateOp::SetTable => Update::SetTable { table, slices: slices(staged) },
            UpdateOp::ClearTable => Update::ClearTable { table },
            UpdateOp::Bind => Update::Bind { table, net_id: net_id(staged, config)? },
            UpdateOp::Unbind => Update::Unbind { table, net_id: net_id(staged, config)? },
            UpdateOp::Freeze => Update::Freeze { table },
            UpdateOp::Thaw => Update::Thaw { table },
            UpdateOp::Install => Update::Install { table, key: self.index, region: region(staged, config)? },
            UpdateOp::Invalidate => Update::Invalidate { table, key: self.index },
            UpdateOp::SetSlot => {
                let frame = self.data & mask(52);
                let page_size = (self.data >> 56) as u8;
                require(self.data >> 52 & 0xf == 0)?;
                require(config.page_shift(page_size).is_some())?;
                require(frame <= mask(config.frame_bits()))?;
                Update::SetSlot { table, slot: self.index, frame, page_size }
            }
            UpdateOp::ClearSlot => Update::ClearSlot { table, slot: self.index },
            UpdateOp::Track => {
                let granule_shift = self.data as u8;
                require(self.data >> 8 == 0)?;
                require(granule_shift == 0 || (12..=30).contains(&granule_shift))?;
                Update::Track { table, granule_shift, dirty_base: self.index }
            }
            UpdateOp::Harvest => Update::Harvest { table, word: self.index },
            UpdateOp::ReadCounter => {
                let counter = Counter::of(self.index).ok_or(UpdateError::BadArgument)?;
                Update::ReadCounter { table, counter }
            }
            UpdateOp::Inject => {
                if config.protection == Protection::None {
                    return Err(UpdateError::Unsupported);
                }
                require(self.data >> 32 == 0 && self.data >> 8 & 0xff == 0)?;
                let bit = (self.data >> 16) as u16;
                let stored =
                    Stored::of(self.data as u8, table, self.index).ok_or(UpdateError::BadArgument)?;
                require(u32::from(bit) < config.stored_bits(stored))?;
                Update::Inject { stored, bit }
            }
            UpdateOp::Move => {
                cuckoo(config)?;
                require(self.index <= Cuckoo::WAYS)?;
                Update::Move { table, net_id: net_id(staged, config)?, way: self.index as u8 }
            }
            UpdateOp::Reseed => {
                let cuckoo = cuckoo(config)?;
                let seed = Seed::from_limbs([staged[0], staged[1], staged[2]]);
                require(self.index < Cuckoo::WAYS && seed.significant_bits() <= cuckoo.seed_bits())?;
                Update::Reseed { way: self.index as u8, seed }
            }
            UpdateOp::Peek => {
                require(self.data >> 16 == 0)?;
                let entry = match self.data as u8 {
                    0 => PeekEntry::Binding { entry: self.index },
                    1 => PeekEntry::Table { table },
                    2 => PeekEntry::Region { table, index: self.index },
                    3 => PeekEntry::Slot { table, slot: self.index },
                    4 => PeekEntry::FaultLog { entry: self.index },
                    _ => return Err(UpdateError::BadArgument),
                };
                let word = (self.data >> 8) as u8;
                require(word < entry.words())?;
                Update::Peek { entry, word }
            }
        };
        Ok(Action::Update(update))
    }
}

impl Update {
    /// The commands of this update: staging first, the commit last. A value that is too wide for its field spills
    /// into reserved bits, so that the port refuses it and nothing is cut.
    pub fn encode(&self) -> Vec<Command> {
        match *self {
            Update::SetTable { table, slices: s } => commit(
                &[
                    pair(s.region_base, s.region_count),
                    pair(s.slot_base, s.slot_count),
                    s.window_base,
                    s.window_count,
                ],
                Command::of(UpdateOp::SetTable, table, 0, 0),
            ),
            Update::Bind { table, net_id } => {
                commit(&net_id.limbs(), Command::of(UpdateOp::Bind, table, 0, 0))
            }
            Update::Unbind { table, net_id } => {
                commit(&net_id.limbs(), Command::of(UpdateOp::Unbind, table, 0, 0))
            }
            Update::Move { table, net_id, way } => {
                commit(&net_id.limbs(), Command::of(UpdateOp::Move, table, way.into(), 0))
            }
            Update::Reseed { way, seed } => {
                commit(&seed.limbs(), Command::of(UpdateOp::Reseed, 0, way.into(), 0))
            }
            Update::ClearTable { table } => vec![Command::of(UpdateOp::ClearTable, table, 0, 0)],
            Update::Track { table, granule_shift, dirty_base } => {
                vec![Command::of(UpdateOp::Track, table, dirty_base, granule_shift.into())]
            }
            Update::Harvest { table, word } => vec![Command::of(UpdateOp::Harvest, table, word, 0)],
            Update::ReadCounter { table, counter } => {
                vec![Command::of(UpdateOp::ReadCounter, table, counter.index(), 0)]
            }
            Update::Inject { stored, bit } => {
                let (table, index) = stored.place();
                let data = u64::from(stored.space()) | u64::from(bit) << 16;
                vec![Command::of(UpdateOp::Inject, table, index, data)]
            }
            Update::Freeze { table } => vec![Command::of(UpdateOp::Freeze, table, 0, 0)],
            Update::Thaw { table } => vec![Command::of(UpdateOp::Thaw, table, 0, 0)],
            Update::Install { table, key, region: r } => commit(
                &[
                    r.base,
                    r.length,
                    u64::from(r.first_offset)
                        | u64::from(r.rights.bits()) << 32
                        | u64::from(r.page_size) << 40,
                    pair(r.first_slot, r.pd),
                ],
                Command::of(UpdateOp::Install, table, key, 0),
            ),
            Update::Invalidate { table, key } => {
                vec![Command::of(UpdateOp::Invalidate, table, key, 0)]
            }
            Update::SetSlot { table, slot, frame, page_size } => {
                // A frame above 52 bits would reach the page size; saturating keeps it refused.
                let frame = if frame > mask(52) { mask(56) } else { frame };
                vec![Command::of(UpdateOp::SetSlot, table, slot, frame | u64::from(page_size) << 56)]
            }
            Update::ClearSlot { table, slot } => {
                vec![Command::of(UpdateOp::ClearSlot, table, slot, 0)]
            }
            Update::Peek { entry, word } => {
                let (table, index) = match entry {
                    PeekEntry::Binding { entry } => (0, entry),
                    PeekEntry::Table { table } => (table, 0),
                    PeekEntry::Region { table, index } => (table, index),
                    PeekEntry::Slot { table, slot } => (table, slot),
                    PeekEntry::FaultLog { entry } => (0, entry),
                };
                let data = u64::from(entry.space()) | u64::from(word) << 8;
                vec![Command::of(UpdateOp::Peek, table, index, data)]
            }
        }
    }
}

/// Stages `words` from word 0 on, then commits.
fn commit(words: &[u64], last: Command) -> Vec<Command> {
    let staging = words.iter().enumerate().map(|(word, data)| Command::stage(word as u32, *data));
    staging.chain([last]).collect()
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// `bits` ones; 64 or more give all of them.
fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

fn require(holds: bool) -> Result<(), UpdateError> {
    if holds { Ok(()) } else { Err(UpdateError::BadArgument) }
}

/// The cuckoo CAM of a configuration that has one.
fn cuckoo(config: &Config) -> Result<Cuckoo, UpdateError> {
    match config.cam_kind() {
        Cam::Cuckoo => Ok(Cuckoo::of(config)),
        Cam::Register => Err(UpdateError::Unsupported),
    }
}

fn slices(staged: &Staged) -> Slices {
    Slices {
        region_base: staged[0] as u32,
        region_count: (staged[0] >> 32) as u32,
        slot_base: staged[1] as u32,
        slot_count: (staged[1] >> 32) as u32,
        window_base: staged[2],
        window_count: staged[3],
    }
}

fn net_id(staged: &Staged, config: &Config) -> Result<NetId, UpdateError> {
    let net_id = NetId::from_limbs([staged[0], staged[1], staged[2]]);
    net_id.check(config).map_err(|_| UpdateError::BadArgument)?;
    Ok(net_id)
}

fn region(staged: &Staged, config: &Config) -> Result<Region, UpdateError> {
    let word = staged[2];
    let page_size = (word >> 40) as u8;
    let pd = (staged[3] >> 32) as u32;
    require(word >> 48 == 0)?;
    let rights = Access::from_bits((word >> 32) as u8).ok_or(UpdateError::BadArgument)?;
    require(config.page_shift(page_size).is_some())?;
    require(u64::from(pd) <= mask(config.pd_bits))?;
    Ok(Region {
        base: staged[0],
        length: staged[1],
        first_offset: word as u32,
        rights,
        page_size,
        first_slot: staged[3] as u32,
        pd,
    })
}
