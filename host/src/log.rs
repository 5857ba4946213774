//! The registration log as software takes it: packets of words become records, and none may be missing.

use alloc::collections::BTreeMap;

use stagecoach_spec::{Config, LogRecord, LogRecordError, Update};
use thiserror::Error;

/// Why a packet is not the next record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogError {
    /// The words are no record.
    #[error(transparent)]
    Record(#[from] LogRecordError),
    /// A record was lost, came twice or came from elsewhere.
    #[error(
        "table {table}: record {found} came where {expected} was due; take no further record of this table's log"
    )]
    Sequence {
        /// The table.
        table: u16,
        /// The sequence number that was due.
        expected: u32,
        /// The one that came.
        found: u32,
    },
    /// The epoch went back.
    #[error("table {table}: a record of epoch {found} after one of {newest}")]
    Epoch {
        /// The table.
        table: u16,
        /// The newest epoch that was seen.
        newest: u32,
        /// That of the record.
        found: u32,
    },
}

/// Reads the log of a controller from its reset on.
#[derive(Clone, Debug)]
pub struct LogReader {
    config: Config,
    /// Next sequence number and newest epoch, by table.
    tables: BTreeMap<u16, (u32, u32)>,
}

impl LogReader {
    /// Nothing was read yet. `config` is the controller's.
    pub fn new(config: &Config) -> LogReader {
        LogReader { config: config.clone(), tables: BTreeMap::new() }
    }

    /// Takes the next packet.
    ///
    /// # Errors
    /// It is not the next record of its table; then nothing is noted, and it may be offered again.
    pub fn take(&mut self, words: &[u64]) -> Result<LogRecord, LogError> {
        let record = LogRecord::decode(words, &self.config)?;
        let table = (words[0] >> 32) as u16;
        let begins = matches!(record.change, Update::SetTable { .. });
        // A table that is set anew begins a log of its own.
        let known = self.tables.get(&table).filter(|_| !begins);
        let (expected, newest) = known.copied().unwrap_or((0, 0));
        if record.sequence != expected {
            return Err(LogError::Sequence { table, expected, found: record.sequence });
        }
        if record.epoch < newest {
            return Err(LogError::Epoch { table, newest, found: record.epoch });
        }
        self.tables.insert(table, (expected.wrapping_add(1), record.epoch));
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_spec::{Preset, Slices};

    fn words(epoch: u32, sequence: u32, change: Update) -> Vec<u64> {
        LogRecord { epoch, sequence, change }.encode().expect("it is logged")
    }

    fn set(sequence: u32) -> Vec<u64> {
        words(4, sequence, Update::SetTable { table: 1, slices: Slices::default() })
    }

    fn freeze(epoch: u32, sequence: u32) -> Vec<u64> {
        words(epoch, sequence, Update::Freeze { table: 1 })
    }

    #[test]
    fn records_come_one_by_one() {
        let mut reader = LogReader::new(&Preset::Tiny.config());
        for packet in [set(0), freeze(4, 1), freeze(5, 2), set(0), freeze(4, 1)] {
            reader.take(&packet).unwrap();
        }
    }

    #[test]
    fn what_is_lost_repeated_or_old_is_named() {
        let mut reader = LogReader::new(&Preset::Tiny.config());
        assert_eq!(reader.take(&freeze(4, 1)), Err(LogError::Sequence { table: 1, expected: 0, found: 1 }));
        reader.take(&set(0)).unwrap();
        let lost = Err(LogError::Sequence { table: 1, expected: 1, found: 2 });
        assert_eq!(reader.take(&freeze(4, 2)), lost);
        assert_eq!(reader.take(&freeze(3, 1)), Err(LogError::Epoch { table: 1, newest: 4, found: 3 }));
        assert!(matches!(reader.take(&set(0)[..3]), Err(LogError::Record(_))));
        reader.take(&freeze(4, 1)).expect("what was refused is not noted");
        assert!(matches!(reader.take(&freeze(4, 1)), Err(LogError::Sequence { .. })), "twice");
    }
}
