//! What survives a crash: the journal, and the newest log.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use stagecoach_protocol::Record;
use thiserror::Error;

use crate::packet::digest;

/// Bytes of a record's digest in the file: enough to tell a torn record from a whole one.
const CHECK: usize = 8;
/// Most bytes of a record.
const MOST_RECORD: usize = 64;

/// Why nothing was stored or found.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("{path}: {error}; the machine stays as it is until it can be written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The journal has a damaged record that is not its last.
    #[error(
        "{path}: the record at byte {at} is damaged, and more follow; restore the journal, do not serve from it"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        at: usize,
    },
}

/// A journal and a log. What is appended or saved is durable when the call returns.
pub trait Store {
    /// Appends a record.
    ///
    /// # Errors
    /// It is not durable.
    fn append(&mut self, record: &Record) -> Result<(), StoreError>;

    /// The journal.
    ///
    /// # Errors
    /// It cannot be read.
    fn records(&self) -> Result<Vec<Record>, StoreError>;

    /// Puts a log, in its binary form, in the place of the one before.
    ///
    /// # Errors
    /// It is not durable; the one before is still there.
    fn save_log(&mut self, log: &[u8]) -> Result<(), StoreError>;

    /// The log; nothing if none was saved.
    ///
    /// # Errors
    /// It cannot be read.
    fn log(&self) -> Result<Option<Vec<u8>>, StoreError>;
}

/// A store for tests and demonstrations: survives as long as it is kept.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    records: Vec<Record>,
    log: Option<Vec<u8>>,
}

impl Store for MemoryStore {
    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        self.records.push(record.clone());
        Ok(())
    }

    fn records(&self) -> Result<Vec<Record>, StoreError> {
        Ok(self.records.clone())
    }

    fn save_log(&mut self, log: &[u8]) -> Result<(), StoreError> {
        self.log = Some(log.to_vec());
        Ok(())
    }

    fn log(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.log.clone())
    }
}

/// A store in a folder: `journal`, records with a length and a digest each, and `log`, which is replaced by renaming.
#[derive(Debug)]
pub struct FolderStore {
    folder: PathBuf,
    journal: File,
}

impl FolderStore {
    /// Opens a folder, or makes it. A record at the journal's end that a crash tore is dropped: nothing followed from it.
    ///
    /// # Errors
    /// The folder cannot be used, or the journal is damaged in its middle.
    pub fn open(folder: &Path) -> Result<FolderStore, StoreError> {
        let fail = |path: &Path| {
            let path = path.to_path_buf();
            move |error| StoreError::Io { path, error }
        };
        std::fs::create_dir_all(folder).map_err(fail(folder))?;
        let path = folder.join("journal");
        let mut options = OpenOptions::new();
        let mut journal = options.read(true).append(true).create(true).open(&path).map_err(fail(&path))?;
        let mut bytes = Vec::new();
        journal.read_to_end(&mut bytes).map_err(fail(&path))?;
        let (_, whole) = parse(&bytes, &path)?;
        journal.set_len(whole as u64).and_then(|()| journal.sync_all()).map_err(fail(&path))?;
        Ok(FolderStore { folder: folder.to_path_buf(), journal })
    }

    fn io<T>(&self, name: &str, result: io::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| StoreError::Io { path: self.folder.join(name), error })
    }
}

/// The records, and how many bytes the whole ones take.
fn parse(bytes: &[u8], path: &Path) -> Result<(Vec<Record>, usize), StoreError> {
    let (mut records, mut at) = (Vec::new(), 0);
    while let Some(length) = bytes.get(at).copied() {
        let end = at + 1 + usize::from(length) + CHECK;
        let Some(entry) = bytes.get(at + 1..end) else { break };
        let (body, check) = entry.split_at(usize::from(length));
        match (digest(body)[..CHECK] == *check, postcard::from_bytes(body)) {
            (true, Ok(record)) => records.push(record),
            // Torn by a crash: the file system had made it longer before its bytes were there.
            _ if end == bytes.len() => break,
            _ => return Err(StoreError::Damaged { path: path.to_path_buf(), at }),
        }
        at = end;
    }
    Ok((records, at))
}

impl Store for FolderStore {
    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let mut buffer = [0; MOST_RECORD];
        let body = postcard::to_slice(record, &mut buffer).expect("a record is a code and a number");
        let mut entry = vec![body.len() as u8];
        entry.extend_from_slice(body);
        entry.extend_from_slice(&digest(body)[..CHECK]);
        let result = self.journal.write_all(&entry).and_then(|()| self.journal.sync_all());
        self.io("journal", result)
    }

    fn records(&self) -> Result<Vec<Record>, StoreError> {
        let path = self.folder.join("journal");
        let bytes = self.io("journal", std::fs::read(&path))?;
        Ok(parse(&bytes, &path)?.0)
    }

    fn save_log(&mut self, log: &[u8]) -> Result<(), StoreError> {
        let fresh = self.folder.join("log.new");
        let result = File::create(&fresh)
            .and_then(|mut file| file.write_all(log).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&fresh, self.folder.join("log")))
            .and_then(|()| File::open(&self.folder)?.sync_all());
        self.io("log", result)
    }

    fn log(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match std::fs::read(self.folder.join("log")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            result => self.io("log", result).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_protocol::Epoch;

    #[test]
    fn a_torn_end_is_dropped_and_a_damaged_middle_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FolderStore::open(folder.path()).unwrap();
        let records = [Record::Serves(Epoch(1)), Record::Moves(Epoch(2)), Record::Committed(Epoch(2))];
        for record in &records {
            store.append(record).unwrap();
        }
        assert_eq!(store.records().unwrap(), records);
        let path = folder.path().join("journal");
        let whole = std::fs::read(&path).unwrap();
        let entry = whole.len() / 3;
        for cut in 2 * entry..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut store = FolderStore::open(folder.path()).unwrap();
            assert_eq!(store.records().unwrap(), records[..2], "cut at {cut}");
            store.append(&records[2]).unwrap();
            assert_eq!(store.records().unwrap(), records);
        }
        for byte in [1, 2, entry - 1] {
            let mut bad = whole.clone();
            bad[byte] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let error = FolderStore::open(folder.path()).unwrap_err();
            assert!(error.to_string().contains("byte 0 is damaged"), "{error}");
        }
    }

    #[test]
    fn a_log_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FolderStore::open(folder.path()).unwrap();
        assert_eq!(store.log().unwrap(), None);
        store.save_log(b"one").unwrap();
        store.save_log(b"two").unwrap();
        assert_eq!(FolderStore::open(folder.path()).unwrap().log().unwrap().as_deref(), Some(&b"two"[..]));
    }
}
