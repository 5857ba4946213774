//! FST waveforms of all named values, with the hierarchy.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use fst_writer::{
    FstBodyWriter, FstFileType, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection,
    FstVarType, FstWriteError,
};

use super::elaborate::{Design, Kind};
use super::layout::limbs_of;
use super::program::{Place, Program};

/// Nanoseconds that a cycle takes in the waveform.
const CYCLE: u64 = 10;

/// Changes are kept in memory up to this size before they are written.
const FLUSH_AT_BYTES: usize = 64 << 20;

/// A waveform could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the waveform {}: {source}; is the directory there and writable, and the disk not full?", .path.display())]
pub struct WaveError {
    /// The file.
    pub path: PathBuf,
    /// What the FST writer says.
    #[source]
    pub source: FstWriteError,
}

struct Traced {
    id: FstSignalId,
    place: Place,
    /// Where its last limbs are.
    last: usize,
}

pub(super) struct Wave {
    path: PathBuf,
    body: FstBodyWriter<BufWriter<File>>,
    clock: FstSignalId,
    traced: Vec<Traced>,
    last: Vec<u64>,
    digits: Vec<u8>,
    started: bool,
    error: Option<FstWriteError>,
}

impl Wave {
    pub(super) fn create(path: &Path, design: &Design, program: &Program) -> Result<Wave, WaveError> {
        Wave::open(path, design, program).map_err(|source| WaveError { path: path.to_owned(), source })
    }

    fn open(path: &Path, design: &Design, program: &Program) -> Result<Wave, FstWriteError> {
        let info = FstInfo {
            start_time: 0,
            timescale_exponent: -9,
            version: "Stagecoach native simulator".to_owned(),
            date: String::new(),
            file_type: FstFileType::Verilog,
        };
        let mut header = fst_writer::open_fst(path, &info)?;
        let mut by_scope = vec![Vec::new(); design.scopes.len()];
        for (position, named) in design.names.iter().enumerate() {
            by_scope[named.scope].push(position);
        }
        let (mut traced, mut last, mut clock, mut reset) = (Vec::new(), 0, None, None);
        // (scope, entered already)
        let mut stack = vec![(0, false)];
        while let Some((scope, entered)) = stack.pop() {
            if entered {
                header.up_scope()?;
                continue;
            }
            let here = &design.scopes[scope];
            header.scope(&here.name, &here.module.name, FstScopeType::Module)?;
            // The top always shows the clock, for the cycles' borders.
            let has_clock = here.module.has_clock || scope == 0;
            for (name, present, first) in
                [("clk", has_clock, &mut clock), ("rst", here.module.has_reset, &mut reset)]
            {
                if present {
                    let bit = FstSignalType::bit_vec(1);
                    let id = header.var(name, bit, FstVarType::Wire, FstVarDirection::Input, *first)?;
                    first.get_or_insert(id);
                }
            }
            for position in &by_scope[scope] {
                let (named, place) = (&design.names[*position], program.names[*position]);
                let (kind, direction) = match named.kind {
                    Kind::Input => (FstVarType::Wire, FstVarDirection::Input),
                    Kind::Output => (FstVarType::Wire, FstVarDirection::Output),
                    Kind::Register => (FstVarType::Reg, FstVarDirection::Implicit),
                    Kind::Wire => (FstVarType::Wire, FstVarDirection::Implicit),
                };
                let signal = FstSignalType::bit_vec(named.width);
                let id = header.var(&named.name, signal, kind, direction, None)?;
                traced.push(Traced { id, place, last });
                last += limbs_of(named.width);
            }
            stack.push((scope, true));
            stack.extend(here.children.iter().rev().map(|child| (*child, false)));
        }
        if let Some(id) = reset {
            traced.push(Traced { id, place: Place { offset: 0, width: 1 }, last });
            last += 1;
        }
        Ok(Wave {
            path: path.to_owned(),
            body: header.finish()?,
            clock: clock.expect("the top scope always shows a clock"),
            traced,
            last: vec![0; last],
            digits: Vec::new(),
            started: false,
            error: None,
        })
    }

    /// Writes what changed in this cycle. An error is kept for [`Wave::finish`] and ends the writing.
    pub(super) fn sample(&mut self, m: &[u64], cycle: u64) {
        if self.error.is_none() {
            self.error = self.write(m, cycle).err();
        }
    }

    fn write(&mut self, m: &[u64], cycle: u64) -> Result<(), FstWriteError> {
        self.body.time_change(cycle * CYCLE)?;
        self.body.signal_change(self.clock, b"1")?;
        for traced in &self.traced {
            let (offset, limbs) = (traced.place.offset as usize, limbs_of(traced.place.width));
            let now = &m[offset..offset + limbs];
            let last = &mut self.last[traced.last..traced.last + limbs];
            if self.started && last == now {
                continue;
            }
            last.copy_from_slice(now);
            self.digits.clear();
            let bits = (0..traced.place.width as usize).rev();
            self.digits.extend(bits.map(|bit| b'0' + (now[bit / 64] >> (bit % 64) & 1) as u8));
            self.body.signal_change(traced.id, &self.digits)?;
        }
        self.started = true;
        self.body.time_change(cycle * CYCLE + CYCLE / 2)?;
        self.body.signal_change(self.clock, b"0")?;
        if self.body.size() > FLUSH_AT_BYTES {
            self.body.flush()?;
        }
        Ok(())
    }

    /// Completes the file, which ends where `cycle` begins.
    pub(super) fn finish(mut self, cycle: u64) -> Result<(), WaveError> {
        let error = |source| WaveError { path: self.path.clone(), source };
        if let Some(source) = self.error {
            return Err(error(source));
        }
        self.body.time_change(cycle * CYCLE).map_err(error)?;
        let mut file = self.body.finish().map_err(error)?;
        std::io::Write::flush(&mut file).map_err(|source| error(source.into()))
    }
}
