//! The registration log: which records the accepted changes make, and which epochs are stale.
//!
//! Room is the hardware's: this log has no end.

use std::collections::BTreeMap;

use stagecoach_spec::{LogRecord, Update, UpdateError};

/// What the log knows of a table.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// The highest epoch: what `set_table` said, then that of the newest binding.
    highest: u32,
    /// It was bound in `highest`.
    served: bool,
    /// Identifiers that are bound.
    bound: u32,
    /// Sequence number of the next record.
    sequence: u32,
}

/// The log of a controller.
#[derive(Clone, Debug, Default)]
pub struct RegistrationLog {
    tables: BTreeMap<u16, State>,
}

impl RegistrationLog {
    /// Whether a change may be asked for in an epoch.
    ///
    /// - The first identifier of a table that nobody is bound to: the epoch must be newer than every one that the table was bound
    ///   in since it was set, and not older than the one that it was set with.
    /// - Another identifier, and `thaw`: the epoch must be the table's.
    ///
    /// # Errors
    /// STALE_EPOCH.
    pub fn judge(&self, epoch: u32, change: &Update) -> Result<(), UpdateError> {
        let fine = match change {
            Update::Bind { table, .. } => {
                let state = self.state(*table);
                match (state.bound > 0, state.served) {
                    (true, _) => epoch == state.highest,
                    (false, true) => epoch > state.highest,
                    (false, false) => epoch >= state.highest,
                }
            }
            Update::Thaw { table } => epoch == self.state(*table).highest,
            _ => true,
        };
        if fine { Ok(()) } else { Err(UpdateError::StaleEpoch) }
    }

    /// Notes a change that was accepted; gives its record, if it makes one.
    pub fn accepted(&mut self, epoch: u32, change: &Update) -> Option<LogRecord> {
        let table = match *change {
            Update::SetTable { table, .. }
            | Update::ClearTable { table }
            | Update::Bind { table, .. }
            | Update::Unbind { table, .. }
            | Update::Freeze { table }
            | Update::Thaw { table }
            | Update::Install { table, .. }
            | Update::Invalidate { table, .. }
            | Update::SetSlot { table, .. }
            | Update::ClearSlot { table, .. } => table,
            _ => return None,
        };
        let state = self.tables.entry(table).or_default();
        match change {
            Update::SetTable { .. } => *state = State { highest: epoch, ..State::default() },
            Update::Bind { .. } => {
                *state = State { highest: epoch, served: true, bound: state.bound + 1, ..*state };
            }
            Update::Unbind { .. } => state.bound -= 1,
            _ => {}
        }
        let record = LogRecord { epoch: state.highest, sequence: state.sequence, change: *change };
        state.sequence = state.sequence.wrapping_add(1);
        Some(record)
    }

    fn state(&self, table: u16) -> State {
        self.tables.get(&table).copied().unwrap_or_default()
    }
}
