//! The form in lines of JSON, to read and to keep.
//!
//! The first line is `{"stagecoach_log":1,"header":{…}}`, then a line `{"sequence":0,"change":{…},"chain":"…"}` for each record, and
//! last `{"count":…,"digest":"…"}`. Hashes are those of the binary form, in hexadecimal digits.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::binary::{header_bytes, record_bytes};
use crate::chain::Chain;
use crate::change::Change;
use crate::error::{LogError, Part};
use crate::header::Header;
use crate::log::Log;
use crate::{MOST_HEADER_BYTES, MOST_RECORD_BYTES, VERSION};

/// Most bytes of a line for each byte of its part: numbers and names are longer in letters.
const LETTERS: usize = 8;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    stagecoach_log: u16,
    header: Header,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    sequence: u64,
    change: Change,
    chain: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    count: u64,
    digest: String,
}

/// Writes a log.
pub fn write(log: &Log) -> String {
    let mut chain = Chain::new(&header_bytes(log.header()));
    let mut text = line(&First { stagecoach_log: VERSION, header: log.header().clone() });
    for (sequence, change) in log.changes().iter().enumerate() {
        let sequence = sequence as u64;
        let chain = hex(&chain.add(&record_bytes(sequence, change)));
        text += &line(&Record { sequence, change: change.clone(), chain });
    }
    text + &line(&Trailer { count: log.changes().len() as u64, digest: hex(&chain.digest()) })
}

/// Reads and verifies a log of an epoch.
///
/// # Errors
/// It is not whole, not unchanged, or not of this epoch: see [`LogError`].
pub fn read(text: &str, epoch: u32) -> Result<Log, LogError> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or("");
    if !first.starts_with("{\"stagecoach_log\":") {
        return Err(LogError::NotALog { expected: "a line {\"stagecoach_log\":1,…" });
    }
    let First { stagecoach_log: found, header } = parse(first, MOST_HEADER_BYTES, Part::Header)?;
    if found != VERSION {
        return Err(LogError::Version { found });
    }
    if header.epoch != epoch {
        return Err(LogError::Epoch { expected: epoch, found: header.epoch });
    }
    let mut chain = Chain::new(&header_bytes(&header));
    let mut changes = Vec::new();
    while let Some(line) = lines.next() {
        let number = changes.len() as u64;
        if line.starts_with("{\"count\":") {
            let Trailer { count: said, digest } = parse(line, 256, Part::Trailer)?;
            if said != number {
                return Err(LogError::Count { said, found: number });
            }
            if digest != hex(&chain.digest()) {
                return Err(LogError::Chain { part: Part::Trailer });
            }
            let bytes = lines.map(str::len).sum();
            if bytes > 0 {
                return Err(LogError::Trailing { bytes });
            }
            return Log::new(header, changes);
        }
        let part = Part::Record(number);
        let Record { sequence, change, chain: short } = parse(line, MOST_RECORD_BYTES, part)?;
        if sequence != number {
            return Err(LogError::Sequence { part, expected: number, found: sequence });
        }
        if short != hex(&chain.add(&record_bytes(sequence, &change))) {
            return Err(LogError::Chain { part });
        }
        changes.push(change);
    }
    Err(LogError::Truncated { part: Part::Trailer })
}

/// A line as a value; a line that lacks its end was cut.
fn parse<T: DeserializeOwned>(line: &str, most: usize, part: Part) -> Result<T, LogError> {
    let most = most * LETTERS;
    if line.len() > most {
        return Err(LogError::TooLong { part, bytes: line.len() as u64, most });
    }
    let Some(line) = line.strip_suffix('\n') else { return Err(LogError::Truncated { part }) };
    serde_json::from_str(line).map_err(|error| LogError::Unreadable { part, why: error.to_string() })
}

/// A value as a line.
fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("strings, numbers and lists are always JSON") + "\n"
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
