//! The binary form.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `STAGELOG` |
//! | 2 | version |
//! | 4 | length of the header, then the header (postcard) |
//! | | for each record: 1 (a byte), length (4 bytes), sequence number and change (postcard), 8 bytes of the chain |
//! | 41 | 2 (a byte), count of records (8 bytes), digest (32 bytes) |
//!
//! Numbers are little-endian. Nothing may follow.

use serde::{Deserialize, Serialize};

use crate::chain::{Chain, SHORT};
use crate::change::Change;
use crate::error::{LogError, Part};
use crate::header::Header;
use crate::log::Log;
use crate::{MOST_HEADER_BYTES, MOST_RECORD_BYTES, VERSION};

const MAGIC: &[u8; 8] = b"STAGELOG";
const RECORD: u8 = 1;
const TRAILER: u8 = 2;

/// A record as it is hashed and written.
#[derive(Serialize)]
struct Written<'a> {
    sequence: u64,
    change: &'a Change,
}

/// The same as it is read.
#[derive(Deserialize)]
struct Read {
    sequence: u64,
    change: Change,
}

/// The bytes of a header, which the chain begins with.
pub(crate) fn header_bytes(header: &Header) -> Vec<u8> {
    postcard::to_allocvec(header).expect("plain data of known length is always written")
}

/// The bytes of a record, which the chain goes on with.
pub(crate) fn record_bytes(sequence: u64, change: &Change) -> Vec<u8> {
    postcard::to_allocvec(&Written { sequence, change })
        .expect("plain data of known length is always written")
}

/// Writes a log.
pub fn write(log: &Log) -> Vec<u8> {
    let header = header_bytes(log.header());
    let mut chain = Chain::new(&header);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(&header);
    for (sequence, change) in log.changes().iter().enumerate() {
        let record = record_bytes(sequence as u64, change);
        bytes.push(RECORD);
        bytes.extend((record.len() as u32).to_le_bytes());
        bytes.extend(&record);
        bytes.extend(chain.add(&record));
    }
    bytes.push(TRAILER);
    bytes.extend((log.changes().len() as u64).to_le_bytes());
    bytes.extend(chain.digest());
    bytes
}

/// Reads a log's header alone, of any epoch: whose it is. Nothing behind it is looked at.
///
/// # Errors
/// It does not begin as a log does.
pub fn header(bytes: &[u8]) -> Result<Header, LogError> {
    Ok(header_of(&mut Rest(bytes))?.1)
}

/// The header's bytes, and what they say.
fn header_of<'a>(rest: &mut Rest<'a>) -> Result<(&'a [u8], Header), LogError> {
    if rest.take(8, Part::Header).ok() != Some(&MAGIC[..]) {
        return Err(LogError::NotALog { expected: "the letters STAGELOG" });
    }
    let found = u16::from_le_bytes(rest.array(Part::Header)?);
    if found != VERSION {
        return Err(LogError::Version { found });
    }
    let bytes = rest.sized(MOST_HEADER_BYTES, Part::Header)?;
    Ok((bytes, whole(bytes, Part::Header)?))
}

/// Reads and verifies a log of an epoch.
///
/// # Errors
/// It is not whole, not unchanged, or not of this epoch: see [`LogError`].
pub fn read(bytes: &[u8], epoch: u32) -> Result<Log, LogError> {
    let mut rest = Rest(bytes);
    let (header_part, header) = header_of(&mut rest)?;
    if header.epoch != epoch {
        return Err(LogError::Epoch { expected: epoch, found: header.epoch });
    }
    let mut chain = Chain::new(header_part);
    let mut changes = Vec::new();
    loop {
        let number = changes.len() as u64;
        let [kind] = rest.array(Part::Trailer)?;
        match kind {
            RECORD => {
                let part = Part::Record(number);
                let record = rest.sized(MOST_RECORD_BYTES, part)?;
                let short: [u8; SHORT] = rest.array(part)?;
                if chain.add(record) != short {
                    return Err(LogError::Chain { part });
                }
                let Read { sequence, change } = whole(record, part)?;
                if sequence != number {
                    return Err(LogError::Sequence { part, expected: number, found: sequence });
                }
                changes.push(change);
            }
            TRAILER => {
                let said = u64::from_le_bytes(rest.array(Part::Trailer)?);
                let digest: [u8; 32] = rest.array(Part::Trailer)?;
                if said != number {
                    return Err(LogError::Count { said, found: number });
                }
                if digest != chain.digest() {
                    return Err(LogError::Chain { part: Part::Trailer });
                }
                if !rest.0.is_empty() {
                    return Err(LogError::Trailing { bytes: rest.0.len() });
                }
                return Log::new(header, changes);
            }
            other => {
                let why = format!("a part of kind {other}");
                return Err(LogError::Unreadable { part: Part::Record(number), why });
            }
        }
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, bytes: usize, part: Part) -> Result<&'a [u8], LogError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(LogError::Truncated { part })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, part: Part) -> Result<[u8; N], LogError> {
        let taken = self.take(N, part)?;
        taken.try_into().map_err(|_| LogError::Truncated { part })
    }

    /// A length, and so many bytes.
    fn sized(&mut self, most: usize, part: Part) -> Result<&'a [u8], LogError> {
        let bytes = u32::from_le_bytes(self.array(part)?);
        if bytes as usize > most {
            return Err(LogError::TooLong { part, bytes: bytes.into(), most });
        }
        self.take(bytes as usize, part)
    }
}

/// A value that takes all of its bytes.
fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8], part: Part) -> Result<T, LogError> {
    let unreadable = |why: String| LogError::Unreadable { part, why };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| unreadable(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(unreadable(format!("{} bytes too many", rest.len()))) }
}
