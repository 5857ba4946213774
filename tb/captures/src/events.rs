//! The registration log of a machine: one JSON object a line, in time order.
//!
//! Rules beyond the fields' own meaning, each met in logs of real kernels:
//! - A region without remote rights has `key` 0; it lives under its `lkey`.
//! - A kernel may report one registration twice. Registering a live key index replaces the region.
//! - A kernel may report deregistrations of `key` 0, `lkey` 0, or of keys from before the log began.
//!   Deregistering what is not live changes nothing; it is counted, not refused.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::input;

/// Bytes of a page that `pfns` counts in.
pub const PAGE: u64 = 4096;
/// Frames that 48 bits of physical address can name: the bound of a page frame number.
pub const FRAMES: u64 = 1 << 36;

/// Access rights of a region, bits as in `enum ibv_access_flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access(pub u8);

impl Access {
    /// Bit 0: the machine itself may write.
    pub const LOCAL_WRITE: u8 = 1;
    /// Bit 1: peers may write.
    pub const REMOTE_WRITE: u8 = 2;
    /// Bit 2: peers may read.
    pub const REMOTE_READ: u8 = 4;
    /// Bit 3: peers may do atomics.
    pub const REMOTE_ATOMIC: u8 = 8;

    /// Whether all rights of `mask` are given.
    pub fn allows(self, mask: u8) -> bool {
        self.0 & mask == mask
    }
}

/// A registered memory region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// The key under which it is installed: the rkey, or the lkey where there is no rkey.
    pub key: u32,
    /// Protection domain.
    pub pd: u32,
    /// Address that peers use for its first byte.
    pub va: u64,
    /// Bytes.
    pub length: u64,
    /// Rights.
    pub access: Access,
    /// 4 KiB page frames, first to last; its first byte lies at `va mod 4096` of the first.
    pub pfns: Vec<u64>,
}

impl Region {
    /// Offset of its first byte in its first page.
    pub fn first_offset(&self) -> u32 {
        (self.va % PAGE) as u32
    }
}

/// The index that a key has in its table: all but the 8-bit variant.
pub fn key_index(key: u32) -> u32 {
    key >> 8
}

/// What an event changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A region comes alive. If its key index is live already, it replaces that region.
    Register(Region),
    /// The live region with this key ends.
    Deregister {
        /// The key under which it was installed.
        key: u32,
    },
    /// A responder queue pair comes up (again) in a protection domain.
    QueuePair {
        /// Queue pair number, 24 bits.
        qpn: u32,
        /// Protection domain that its requests are checked against.
        pd: u32,
    },
}

/// A change with its time: it counts for packets stamped at or after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Nanoseconds since 1970, the packets' clock.
    pub time_ns: u64,
    /// 1-based line in the log.
    pub line: usize,
    /// What changes.
    pub change: Change,
}

/// A machine's registration log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventLog {
    /// In time order. Every [`Change::Deregister`] in it names a live region.
    pub events: Vec<Event>,
    /// Registrations of a key index that was live; mostly reports that came twice.
    pub replaced: usize,
    /// Deregistrations of a key that was not live; they are left out of `events`.
    pub deregistered_unknown: usize,
}

/// Why a registration log cannot be read.
#[derive(Debug, Error)]
pub enum EventsError {
    /// The file cannot be opened or read.
    #[error("{path}: cannot be read ({source}); check the name and the permissions")]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The gzip stream is damaged.
    #[error(
        "{path}: gzip damage after line {line}: {words}; copy the file again and test it with \
         `gzip -t`"
    )]
    Gzip {
        /// The log.
        path: PathBuf,
        /// Last line that could be read; 0 if none.
        line: usize,
        /// The decoder's words.
        words: String,
    },
    /// A line does not say what it must.
    #[error("{path}, line {line}: {words}; {remedy}")]
    Line {
        /// The log.
        path: PathBuf,
        /// 1-based line number.
        line: usize,
        /// What is wrong.
        words: String,
        /// What to try.
        remedy: &'static str,
    },
}

/// A line as written.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
enum Record {
    Register {
        time_us: u64,
        key: u32,
        lkey: u32,
        pd: u32,
        va: u64,
        length: u64,
        access: u32,
        pfns: Vec<u64>,
        #[serde(default, rename = "app")]
        _app: Option<String>,
    },
    Deregister {
        time_us: u64,
        key: u32,
        lkey: u32,
        #[serde(default, rename = "app")]
        _app: Option<String>,
    },
    Qp {
        time_us: u64,
        qpn: u32,
        pd: u32,
        #[serde(default, rename = "app")]
        _app: Option<String>,
    },
}

/// What is wrong with a line, and what to try.
type Complaint = (String, &'static str);

const FIX_LINE: &str = "write the line as data/roce/README.md describes, or log again";

/// Flags of `enum ibv_access_flags` that change nothing a peer can see: memory windows (bit 4),
/// on-demand paging (6), huge pages (7) and the optional ones (20 to 29).
const HARMLESS_ACCESS: u32 = 1 << 4 | 1 << 6 | 1 << 7 | 0x3ff0_0000;

impl EventLog {
    /// Reads a log, gzipped or not.
    ///
    /// # Errors
    /// The file cannot be read or decompressed, or a line is wrong; the error names the line.
    pub fn read(path: &Path) -> Result<EventLog, EventsError> {
        let failed = |line: usize, source: io::Error| match input::gzip_damage(&source) {
            Some(words) => EventsError::Gzip { path: path.to_owned(), line, words },
            None if source.kind() == io::ErrorKind::InvalidData => EventsError::Line {
                path: path.to_owned(),
                line: line + 1,
                words: "not text (UTF-8)".into(),
                remedy: "give the events file (the order is ADDRESS=CAPTURE,EVENTS)",
            },
            None => EventsError::Unreadable { path: path.to_owned(), source },
        };
        let (_, bytes) = input::open(path, 0).map_err(|e| failed(0, e))?;
        let mut reader = Reader::default();
        for (index, text) in BufReader::new(bytes).lines().enumerate() {
            let text = text.map_err(|e| failed(index, e))?;
            let line = index + 1;
            reader.line(line, &text).map_err(|(words, remedy)| EventsError::Line {
                path: path.to_owned(),
                line,
                words,
                remedy,
            })?;
        }
        Ok(reader.log)
    }

    /// The largest page frame number of any region.
    pub fn largest_pfn(&self) -> Option<u64> {
        let regions = self.events.iter().filter_map(|event| match &event.change {
            Change::Register(region) => region.pfns.iter().max().copied(),
            _ => None,
        });
        regions.max()
    }
}

#[derive(Default)]
struct Reader {
    log: EventLog,
    last_us: u64,
    /// Key index → key of the live region.
    live: HashMap<u32, u32>,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) -> Result<(), Complaint> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let record = serde_json::from_str::<Record>(text).map_err(|e| {
            // serde_json counts lines of its own input, which is one line.
            let words = e.to_string().replace(" at line 1 column ", ", at column ");
            (words, FIX_LINE)
        })?;
        let (time_us, change) = match record {
            Record::Register { time_us, key, lkey, pd, va, length, access, pfns, .. } => {
                let key = if key == 0 { lkey } else { key };
                let access = checked_access(access)?;
                let region = Region { key, pd, va, length, access, pfns };
                check_region(&region)?;
                (time_us, Change::Register(region))
            }
            Record::Deregister { time_us, key, lkey, .. } => {
                (time_us, Change::Deregister { key: if key == 0 { lkey } else { key } })
            }
            Record::Qp { time_us, qpn, pd, .. } => {
                if qpn >> 24 != 0 {
                    return Err((format!("qpn {qpn} does not fit 24 bits"), FIX_LINE));
                }
                (time_us, Change::QueuePair { qpn, pd })
            }
        };
        if time_us < self.last_us {
            let words = format!("time_us {time_us} is before the previous line's {}", self.last_us);
            return Err((words, "sort the log by time_us"));
        }
        let time_ns = time_us
            .checked_mul(1_000)
            .ok_or_else(|| (format!("time_us {time_us} exceeds 64 bits of nanoseconds"), FIX_LINE))?;
        self.last_us = time_us;
        match &change {
            Change::Register(region) => {
                if self.live.insert(key_index(region.key), region.key).is_some() {
                    self.log.replaced += 1;
                }
            }
            Change::Deregister { key } => {
                if self.live.get(&key_index(*key)) != Some(key) {
                    self.log.deregistered_unknown += 1;
                    return Ok(());
                }
                self.live.remove(&key_index(*key));
            }
            Change::QueuePair { .. } => {}
        }
        self.log.events.push(Event { time_ns, line, change });
        Ok(())
    }
}

fn checked_access(access: u32) -> Result<Access, Complaint> {
    let rights = access & !HARMLESS_ACCESS;
    if rights > 15 {
        let words = format!("access {access:#x} has bits that are not understood");
        return Err((words, "use bits 0 to 3 (local write, remote write, read, atomic)"));
    }
    let access = Access(rights as u8);
    let remote = Access::REMOTE_WRITE | Access::REMOTE_ATOMIC;
    if access.0 & remote != 0 && !access.allows(Access::LOCAL_WRITE) {
        let words = format!("access {} has remote write or atomic without local write", access.0);
        return Err((words, "add local write (bit 0), as verbs demand"));
    }
    Ok(access)
}

fn check_region(region: &Region) -> Result<(), Complaint> {
    let Region { key, va, length, pfns, .. } = region;
    if *key == 0 {
        return Err(("neither key nor lkey names the region".into(), FIX_LINE));
    }
    if u128::from(*va) + u128::from(*length) > 1 << 64 {
        return Err((format!("va {va} + length {length} exceeds 2^64"), FIX_LINE));
    }
    let pages = if *length == 0 {
        0
    } else {
        (u128::from(va % PAGE) + u128::from(*length)).div_ceil(u128::from(PAGE))
    };
    // A region of no bytes may name the page that its address points into.
    let enough = pfns.len() as u128 == pages || (*length == 0 && pfns.len() == 1);
    if !enough {
        let words = format!(
            "pfns has {} entries, but va {va} and length {length} take {pages} pages of 4 KiB",
            pfns.len()
        );
        return Err((words, FIX_LINE));
    }
    if let Some(pfn) = pfns.iter().find(|pfn| **pfn >= FRAMES) {
        let words = format!("page frame {pfn} is not below {FRAMES}");
        return Err((words, "give 4 KiB page frame numbers, not byte addresses"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const GOOD: &str = r#"{"time_us":5,"event":"register","key":743,"lkey":743,"pd":1,"va":8191,"length":2,"access":3,"pfns":[7,9],"app":"a"}"#;

    fn read(lines: &[&str]) -> Result<EventLog, EventsError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines.join("\n").as_bytes()).unwrap();
        EventLog::read(file.path())
    }

    /// The words of the error that the last of the lines causes.
    fn complaint(lines: &[&str]) -> String {
        match read(lines).unwrap_err() {
            EventsError::Line { line, words, .. } => {
                assert_eq!(line, lines.len());
                words
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn reads_every_kind_of_event() {
        let log = read(&[
            GOOD,
            r#"{"time_us":5,"event":"qp","qpn":17,"pd":1,"app":"a"}"#,
            "",
            r#"{"time_us":6,"event":"deregister","key":743,"lkey":743,"app":"a"}"#,
        ])
        .unwrap();
        let region = Region { key: 743, pd: 1, va: 8191, length: 2, access: Access(3), pfns: vec![7, 9] };
        assert_eq!(region.first_offset(), 4095);
        assert_eq!(
            log.events,
            [
                Event { time_ns: 5000, line: 1, change: Change::Register(region) },
                Event { time_ns: 5000, line: 2, change: Change::QueuePair { qpn: 17, pd: 1 } },
                Event { time_ns: 6000, line: 4, change: Change::Deregister { key: 743 } },
            ]
        );
        assert_eq!((log.replaced, log.deregistered_unknown), (0, 0));
        assert_eq!(log.largest_pfn(), Some(9));
    }

    #[test]
    fn a_region_without_rkey_lives_under_its_lkey() {
        let log = read(&[
            &GOOD.replace("\"key\":743,\"lkey\":743", "\"key\":0,\"lkey\":99"),
            r#"{"time_us":6,"event":"deregister","key":0,"lkey":0}"#,
            r#"{"time_us":6,"event":"deregister","key":0,"lkey":99}"#,
        ])
        .unwrap();
        assert_eq!(log.events.len(), 2);
        assert_eq!(log.events[1].change, Change::Deregister { key: 99 });
        assert_eq!(log.deregistered_unknown, 1);
    }

    #[test]
    fn a_repeated_registration_replaces() {
        let log = read(&[GOOD, GOOD]).unwrap();
        assert_eq!((log.events.len(), log.replaced), (2, 1));
    }

    #[test]
    fn an_unknown_field_or_event_is_refused() {
        assert!(complaint(&[GOOD, &GOOD.replace("\"app\"", "\"aap\"")]).contains("aap"));
        let moved = r#"{"time_us":6,"event":"moved","key":1}"#;
        assert!(complaint(&[GOOD, moved]).contains("moved"));
    }

    #[test]
    fn broken_json_and_missing_fields_are_refused() {
        assert!(complaint(&[&GOOD[..40]]).contains("column"));
        assert!(complaint(&[&GOOD.replace("\"pd\":1,", "")]).contains("pd"));
        assert!(complaint(&["[1]"]).contains("invalid"));
        assert!(complaint(&[&GOOD.replace("\"length\":2", "\"length\":-2")]).contains("-2"));
    }

    #[test]
    fn time_must_not_run_backwards() {
        let earlier = r#"{"time_us":4,"event":"qp","qpn":17,"pd":1}"#;
        assert!(complaint(&[GOOD, earlier]).contains("before"));
        let beyond = r#"{"time_us":18446744073709551615,"event":"qp","qpn":17,"pd":1}"#;
        assert!(complaint(&[beyond]).contains("64 bits"));
    }

    #[test]
    fn pages_must_match_the_region() {
        assert!(complaint(&[&GOOD.replace("[7,9]", "[7]")]).contains("take 2 pages"));
        assert!(complaint(&[&GOOD.replace("\"length\":2", "\"length\":1")]).contains("take 1"));
        assert!(complaint(&[&GOOD.replace("[7,9]", "[7,68719476736]")]).contains("68719476736"));
        let wraps = GOOD.replace("8191", "18446744073709551615");
        assert!(complaint(&[&wraps]).contains("2^64"));
        let empty = GOOD.replace("\"length\":2", "\"length\":0");
        assert!(complaint(&[&empty]).contains("take 0"));
        assert!(read(&[&empty.replace("[7,9]", "[]")]).is_ok());
    }

    #[test]
    fn impossible_keys_rights_and_queue_pairs_are_refused() {
        let no_key = GOOD.replace("743", "0");
        assert!(complaint(&[&no_key]).contains("neither"));
        assert!(complaint(&[&GOOD.replace("\"access\":3", "\"access\":2")]).contains("local write"));
        assert!(complaint(&[&GOOD.replace("\"access\":3", "\"access\":35")]).contains("0x23"));
        let wide = r#"{"time_us":4,"event":"qp","qpn":16777216,"pd":1}"#;
        assert!(complaint(&[wide]).contains("24 bits"));
    }

    #[test]
    fn a_capture_in_place_of_the_log_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1]).unwrap();
        let error = EventLog::read(file.path()).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("ADDRESS=CAPTURE,EVENTS"), "{error}");
    }

    #[test]
    fn gzip_is_read_and_its_damage_named() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(GOOD.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&packed).unwrap();
        assert_eq!(EventLog::read(file.path()).unwrap().events.len(), 1);
        file.as_file().set_len(packed.len() as u64 - 9).unwrap();
        let error = EventLog::read(file.path()).unwrap_err();
        assert!(matches!(error, EventsError::Gzip { .. }), "{error}");
    }
}
