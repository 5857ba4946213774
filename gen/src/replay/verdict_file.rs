//! `--verdicts`: a line of JSON per request.

use std::path::Path;

use serde::Serialize;
use stagecoach_captures::Request as Captured;

use super::player::Answered;
use crate::Error;
use crate::folder::Pending;

/// A line of the file. Requests stand in the order in which they were asked for: by time, over all machines.
#[derive(Serialize)]
struct Line<'a> {
    /// The ADDRESS of `--vm`, as it was written.
    network: &'a str,
    /// 0-based index in the capture.
    packet: u64,
    /// Packet sequence number.
    psn: u32,
    /// Responder's queue pair number.
    qpn: u32,
    /// `remote_read`, `remote_write` or `remote_atomic`.
    op: &'static str,
    /// The remote key.
    key: u32,
    /// First virtual address.
    va: u64,
    /// Bytes of the whole message.
    length: u32,
    /// The verdict.
    fault: &'static str,
    /// `[physical address, bytes]` of every granted span over all pieces.
    spans: &'a [(u64, u32)],
}

/// The file while it is written. It appears when it is whole.
pub struct VerdictFile {
    pending: Pending,
    buffer: Vec<u8>,
}

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 16;

impl VerdictFile {
    /// Starts the file.
    ///
    /// # Errors
    /// The place cannot be written.
    pub fn create(path: &Path) -> Result<VerdictFile, Error> {
        Ok(VerdictFile { pending: Pending::create(path)?, buffer: Vec::with_capacity(BUFFER) })
    }

    /// Adds a request.
    ///
    /// # Errors
    /// The place cannot be written.
    pub fn add(&mut self, network: &str, captured: &Captured, answered: &Answered) -> Result<(), Error> {
        let line = Line {
            network,
            packet: captured.packet,
            psn: captured.psn,
            qpn: captured.qpn,
            op: captured.header.op.op().name(),
            key: captured.header.key,
            va: captured.header.va,
            length: captured.header.length,
            fault: answered.fault.name(),
            spans: &answered.spans,
        };
        let text = serde_json::to_vec(&line).expect("numbers and strings are always JSON");
        self.buffer.extend(text);
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.pending.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Lets the file appear.
    ///
    /// # Errors
    /// The place cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        self.flush()?;
        self.pending.publish()
    }
}
