//! Records of the registration log, as the hardware sends them at `m_axis_log`.
//!
//! Every accepted change of a table is a packet of 64-bit words:
//!
//! | word | bits | what |
//! | --- | --- | --- |
//! | 0 | 7:0 | [`VERSION`] |
//! | | 15:8 | operation, as at the update port |
//! | | 23:16 | words of the record |
//! | | 24 | end marker: the table was frozen, and nothing follows until it is thawed |
//! | | 31:25 | reserved |
//! | | 47:32 | table |
//! | | 63:48 | reserved |
//! | 1 | 31:0 | epoch of the log: that in which the table serves |
//! | | 63:32 | sequence number: 0 for `set_table`, then consecutive, modulo 2^32 |
//! | 2 … | | what the operation uses of: index, data, staged words; in that order |
//!
//! | operation | words behind the first two |
//! | --- | --- |
//! | set_table | staged 0 to 3 |
//! | bind, unbind | staged 0 to 2 |
//! | install | index, staged 0 to 3 |
//! | invalidate, clear_slot | index |
//! | set_slot | index, data |
//! | clear_table, freeze, thaw | none |
//!
//! `track`, `harvest`, `read_counter`, `peek`, `inject`, `move` and `reseed` change no mapping and are not logged.

use alloc::vec::Vec;
use thiserror::Error;

use crate::command::{Action, Command, STAGED_WORDS, UpdateOp};
use crate::config::Config;
use crate::update::Update;

/// Version of the format.
pub const VERSION: u8 = 1;
/// Words of the longest record.
pub const MOST_WORDS: usize = 7;
/// Words of the longest record that an urgent change makes: `unbind`.
pub const URGENT_WORDS: u32 = 5;
/// Words of a `freeze`.
pub const FREEZE_WORDS: u32 = 2;
/// Urgent changes, besides freezing, that have room when registrations are refused.
pub const URGENT_RECORDS: u32 = 64;

/// How a change stands to the log's room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Not logged.
    Unlogged,
    /// Refused with LOG_FULL while only the reserve is left, to be tried again when the log was read: set_table, bind, install,
    /// set_slot.
    Registration,
    /// Uses the reserve: unbind, invalidate, clear_slot, clear_table, thaw. LOG_FULL when that is used up.
    Urgent,
    /// Always has room: freeze.
    Freeze,
}

impl UpdateOp {
    /// How it stands to the log's room.
    pub const fn urgency(self) -> Urgency {
        match self {
            UpdateOp::SetTable | UpdateOp::Bind | UpdateOp::Install | UpdateOp::SetSlot => {
                Urgency::Registration
            }
            UpdateOp::Unbind
            | UpdateOp::Invalidate
            | UpdateOp::ClearSlot
            | UpdateOp::ClearTable
            | UpdateOp::Thaw => Urgency::Urgent,
            UpdateOp::Freeze => Urgency::Freeze,
            _ => Urgency::Unlogged,
        }
    }

    /// What its record has behind the first two words: whether the index, whether the data, and how many staged words.
    pub const fn logged_words(self) -> (bool, bool, usize) {
        match self {
            UpdateOp::SetTable => (false, false, 4),
            UpdateOp::Bind | UpdateOp::Unbind => (false, false, 3),
            UpdateOp::Install => (true, false, 4),
            UpdateOp::Invalidate | UpdateOp::ClearSlot => (true, false, 0),
            UpdateOp::SetSlot => (true, true, 0),
            _ => (false, false, 0),
        }
    }
}

/// Words of the log that are kept free for `freeze`: one for each table.
pub const fn freeze_reserve(tables: u32) -> u32 {
    FREEZE_WORDS * tables
}

/// Words of the log that registrations leave free.
pub const fn reserve(tables: u32) -> u32 {
    freeze_reserve(tables) + URGENT_WORDS * URGENT_RECORDS
}

/// The least log of a configuration with some tables.
pub const fn least_words(tables: u32) -> u32 {
    (reserve(tables) + 8 * MOST_WORDS as u32).next_power_of_two()
}

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogRecord {
    /// The log's epoch.
    pub epoch: u32,
    /// Its place in the table's log.
    pub sequence: u32,
    /// The change, with its table.
    pub change: Update,
}

/// Why words are no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogRecordError {
    /// There are too few words, or too many.
    #[error("a record of {found} words: word 0 says {said}; was a word lost?")]
    Length {
        /// Words that are there.
        found: usize,
        /// Words that should be there.
        said: usize,
    },
    /// The version is another.
    #[error("log record of version {found}, not {VERSION}; update the reader")]
    Version {
        /// The version.
        found: u8,
    },
    /// A reserved bit is set.
    #[error("log record with a reserved bit in word 0: {word:#018x}")]
    Reserved {
        /// Word 0.
        word: u64,
    },
    /// The operation is none that is logged.
    #[error("log record of operation {op}, which is never logged")]
    Operation {
        /// The operation.
        op: u8,
    },
    /// The change could not have been accepted.
    #[error("log record of a change that the controller would refuse: {0}")]
    Change(crate::update::UpdateError),
}

impl LogRecord {
    /// The words, or none if the change is not logged.
    pub fn encode(&self) -> Option<Vec<u64>> {
        let commands: Vec<Command> = self.change.encode();
        let command = commands.last()?;
        let op = UpdateOp::from_code(command.op)?;
        if op.urgency() == Urgency::Unlogged {
            return None;
        }
        let mut staged = [0; STAGED_WORDS];
        for stage in &commands[..commands.len() - 1] {
            staged[stage.index as usize % STAGED_WORDS] = stage.data;
        }
        let (has_index, has_data, count) = op.logged_words();
        let words = 2 + usize::from(has_index) + usize::from(has_data) + count;
        let end = u64::from(op == UpdateOp::Freeze);
        let mut record = vec![
            u64::from(VERSION)
                | u64::from(command.op) << 8
                | (words as u64) << 16
                | end << 24
                | u64::from(command.table) << 32,
            u64::from(self.epoch) | u64::from(self.sequence) << 32,
        ];
        record.extend(has_index.then_some(u64::from(command.index)));
        record.extend(has_data.then_some(command.data));
        record.extend(&staged[..count]);
        Some(record)
    }

    /// From the words of a packet.
    ///
    /// # Errors
    /// They are no record of a change that a controller of this configuration accepts.
    pub fn decode(words: &[u64], config: &Config) -> Result<LogRecord, LogRecordError> {
        let head = words.first().copied().unwrap_or(0);
        let said = (head >> 16 & 0xff) as usize;
        if words.len() < 2 || words.len() != said {
            return Err(LogRecordError::Length { found: words.len(), said });
        }
        if head as u8 != VERSION {
            return Err(LogRecordError::Version { found: head as u8 });
        }
        let code = (head >> 8) as u8;
        let op = UpdateOp::from_code(code).filter(|op| op.urgency() != Urgency::Unlogged);
        let Some(op) = op else { return Err(LogRecordError::Operation { op: code }) };
        let end = u64::from(op == UpdateOp::Freeze);
        if head >> 48 != 0 || head >> 24 & 0xff != end {
            return Err(LogRecordError::Reserved { word: head });
        }
        let (has_index, has_data, count) = op.logged_words();
        let expected = 2 + usize::from(has_index) + usize::from(has_data) + count;
        if words.len() != expected {
            return Err(LogRecordError::Length { found: words.len(), said: expected });
        }
        let mut rest = words[2..].iter().copied();
        let index = if has_index { rest.next().unwrap_or(0) } else { 0 };
        let data = if has_data { rest.next().unwrap_or(0) } else { 0 };
        if index >> 32 != 0 {
            return Err(LogRecordError::Reserved { word: index });
        }
        let mut staged = [0; STAGED_WORDS];
        for (place, word) in staged.iter_mut().zip(rest) {
            *place = word;
        }
        let command = Command { op: code, table: (head >> 32) as u16, index: index as u32, data };
        match command.decode(&staged, config).map_err(LogRecordError::Change)? {
            Action::Update(change) => {
                Ok(LogRecord { epoch: words[1] as u32, sequence: (words[1] >> 32) as u32, change })
            }
            Action::Stage { .. } => Err(LogRecordError::Operation { op: code }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, NetId, Preset, Region, Slices};

    fn changes() -> Vec<Update> {
        let slices = Slices {
            region_base: 1,
            region_count: 2,
            slot_base: 3,
            slot_count: 4,
            window_base: 5,
            window_count: 6,
        };
        let region = Region {
            base: 0x1800,
            length: 7,
            first_offset: 0x800,
            rights: Access::ALL,
            page_size: 1,
            first_slot: 2,
            pd: 9,
        };
        let (table, net_id) = (3, NetId::from_u128(0x0a00_0102));
        vec![
            Update::SetTable { table, slices },
            Update::SetSlot { table, slot: 1, frame: 0x10, page_size: 1 },
            Update::Install { table, key: 0x1ff, region },
            Update::Bind { table, net_id },
            Update::Freeze { table },
            Update::Thaw { table },
            Update::Unbind { table, net_id },
            Update::Invalidate { table, key: 0x1ff },
            Update::ClearSlot { table, slot: 1 },
            Update::ClearTable { table },
        ]
    }

    #[test]
    fn records_round_trip() {
        let config = Preset::Tiny.config();
        for (sequence, change) in changes().into_iter().enumerate() {
            let record = LogRecord { epoch: 0xffff_ffff, sequence: sequence as u32, change };
            let words = record.encode().expect("it is logged");
            assert!(words.len() <= MOST_WORDS);
            assert_eq!(words[0] >> 24 & 1 == 1, matches!(change, Update::Freeze { .. }));
            assert_eq!(LogRecord::decode(&words, &config), Ok(record));
        }
        let harvest = LogRecord { epoch: 0, sequence: 0, change: Update::Harvest { table: 0, word: 0 } };
        assert_eq!(harvest.encode(), None);
    }

    #[test]
    fn urgent_records_have_the_room_that_is_kept_for_them() {
        for change in changes() {
            let words =
                LogRecord { epoch: 0, sequence: 0, change }.encode().expect("it is logged").len() as u32;
            let op =
                UpdateOp::from_code(change.encode().last().expect("a command").op).expect("an operation");
            match op.urgency() {
                Urgency::Urgent => assert!(words <= URGENT_WORDS, "{change:?}"),
                Urgency::Freeze => assert_eq!(words, FREEZE_WORDS),
                Urgency::Registration => assert!(words as usize <= MOST_WORDS),
                Urgency::Unlogged => panic!("{change:?} is logged"),
            }
        }
        assert_eq!(least_words(16), 512);
        assert_eq!(least_words(64), 512);
    }

    #[test]
    fn damage_is_refused_by_name() {
        let config = Preset::Tiny.config();
        let good = LogRecord { epoch: 1, sequence: 2, change: changes()[2] }.encode().expect("it is logged");
        let refused = |words: &[u64]| LogRecord::decode(words, &config).unwrap_err();
        assert!(matches!(refused(&good[..good.len() - 1]), LogRecordError::Length { .. }));
        assert!(matches!(refused(&[]), LogRecordError::Length { .. }));
        let with = |bits: u64| {
            let mut words = good.clone();
            words[0] ^= bits;
            words
        };
        assert!(matches!(refused(&with(2)), LogRecordError::Version { found: 3 }));
        assert!(matches!(refused(&with(1 << 63)), LogRecordError::Reserved { .. }));
        assert!(matches!(refused(&with(1 << 24)), LogRecordError::Reserved { .. }));
        assert!(matches!(refused(&with((7 ^ 12) << 8)), LogRecordError::Operation { op: 12 }));
        let mut words = good.clone();
        words[5] |= 1 << 50;
        assert!(matches!(refused(&words), LogRecordError::Change(_)));
    }
}
