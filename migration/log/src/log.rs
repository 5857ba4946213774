//! A log that was verified as a whole.

use crate::change::Change;
use crate::error::{LogError, Part};
use crate::header::Header;

/// A header and its changes. Only [`Log::new`] and the readers give one, so whoever holds a log knows that it makes sense, and
/// that its trailer was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    header: Header,
    changes: Vec<Change>,
}

impl Log {
    /// A log of these changes.
    ///
    /// # Errors
    /// The header or a change makes no sense.
    pub fn new(header: Header, changes: Vec<Change>) -> Result<Log, LogError> {
        header.check().map_err(|why| LogError::Senseless { part: Part::Header, why })?;
        for (number, change) in changes.iter().enumerate() {
            let part = Part::Record(number as u64);
            change.check(&header.page_shifts).map_err(|why| LogError::Senseless { part, why })?;
        }
        Ok(Log { header, changes })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}
