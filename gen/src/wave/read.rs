//! Reads an FST: finds signals by name, and the value of each in each cycle.
//!
//! A cycle begins at a rising edge of the clock. Its values are those just before the next one, which is what
//! registers take: so waveforms of the native simulator, which change at the edge, and of Verilator, whose inputs
//! change amid the cycle, read alike.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use fst_reader::{FstFilter, FstHierarchyEntry, FstReader, FstSignalHandle, FstSignalValue};

use super::{MOST_CYCLES, Row, Trace};
use crate::Error;

/// Names of like signals that an error shows.
const SUGGESTIONS: usize = 8;

/// A signal of the file.
struct Variable {
    /// Names of scopes and of the signal.
    path: Vec<String>,
    width: u32,
    /// Which signal of the file it shows; several variables may show one.
    signal: usize,
}

/// When a signal changed, and to what.
type Changes = Vec<(u64, String)>;

pub(super) fn read(
    path: &Path,
    names: &[String],
    from: Option<u64>,
    to: Option<u64>,
) -> Result<Trace, Error> {
    let problem = |problem: String| Error::Waveform { path: path.to_owned(), problem };
    let file = File::open(path).map_err(Error::io("cannot read waveform", path))?;
    let unreadable = |error: &dyn std::fmt::Display| {
        problem(format!("is no complete FST waveform ({error}); write one with `stagecoach replay --wave`"))
    };
    let mut reader = FstReader::open(BufReader::new(file)).map_err(|error| unreadable(&error))?;
    let variables = variables(&mut reader).map_err(|error| unreadable(&error))?;
    let clock = find(&variables, "clk").map_err(problem)?;
    let wanted: Result<Vec<&Variable>, String> = names.iter().map(|name| find(&variables, name)).collect();
    let wanted = wanted.map_err(problem)?;

    let mut handles = vec![FstSignalHandle::from_index(clock.signal)];
    handles.extend(wanted.iter().map(|variable| FstSignalHandle::from_index(variable.signal)));
    let mut changes: HashMap<usize, Changes> = HashMap::new();
    let filter = FstFilter::filter_signals(handles);
    let outcome = reader.read_signals(&filter, |time, handle, value| {
        if let FstSignalValue::String(bits) = value {
            let bits = String::from_utf8_lossy(bits).into_owned();
            changes.entry(handle.get_index()).or_default().push((time, bits));
        }
        Ok::<(), std::convert::Infallible>(())
    });
    outcome.map_err(|error| unreadable(&error))?;
    let none = Changes::new();
    let changes_of = |variable: &Variable| changes.get(&variable.signal).unwrap_or(&none).as_slice();

    let edges = Edges::of(changes_of(clock)).ok_or_else(|| problem("its clock does not tick".to_owned()))?;
    let (first, last) = (from.unwrap_or(edges.first()), to.unwrap_or(edges.last()));
    if first < edges.first() || last > edges.last() || first > last {
        return Err(problem(format!(
            "holds cycles {} to {}, but not {first} to {last}; give others with --from and --to",
            edges.first(),
            edges.last()
        )));
    }
    if last - first >= MOST_CYCLES {
        let cycles = last - first + 1;
        return Err(problem(format!(
            "{cycles} cycles are more than the {MOST_CYCLES} that a picture shows; give fewer with --from and --to"
        )));
    }
    let rows = names.iter().zip(&wanted).map(|(name, variable)| {
        let changes = changes_of(variable);
        let values = (first..=last).map(|cycle| value_before(changes, edges.end_of(cycle), variable.width));
        Row { name: name.clone(), values: values.collect() }
    });
    Ok(Trace { first: first as i64, rows: rows.collect() })
}

fn variables<R: std::io::BufRead + std::io::Seek>(
    reader: &mut FstReader<R>,
) -> Result<Vec<Variable>, fst_reader::ReaderError> {
    let (mut scopes, mut variables) = (Vec::new(), Vec::new());
    reader.read_hierarchy(|entry| match entry {
        FstHierarchyEntry::Scope { name, .. } => scopes.push(name),
        FstHierarchyEntry::UpScope => {
            scopes.pop();
        }
        FstHierarchyEntry::Var { name, length, handle, .. } => {
            // Verilator writes the range behind the name.
            let name = name.split_whitespace().next().unwrap_or_default().to_owned();
            let path = scopes.iter().cloned().chain([name]).collect();
            variables.push(Variable { path, width: length, signal: handle.get_index() });
        }
        _ => {}
    })?;
    Ok(variables)
}

/// The signal whose dotted path is or ends with `name`; the outermost of several.
fn find<'v>(variables: &'v [Variable], name: &str) -> Result<&'v Variable, String> {
    let wanted: Vec<&str> = name.split('.').collect();
    let ends_so = |variable: &&Variable| {
        let skipped = variable.path.len().checked_sub(wanted.len());
        skipped.is_some_and(|skipped| variable.path[skipped..].iter().zip(&wanted).all(|(a, b)| a == b))
    };
    let found: Vec<&Variable> = variables.iter().filter(ends_so).collect();
    let Some(depth) = found.iter().map(|variable| variable.path.len()).min() else {
        let part = wanted.last().copied().unwrap_or_default().to_lowercase();
        let like = variables.iter().map(|variable| variable.path.join("."));
        let like: Vec<_> =
            like.filter(|path| path.to_lowercase().contains(&part)).take(SUGGESTIONS).collect();
        let hint = if like.is_empty() {
            "a waveform viewer lists what there is".to_owned()
        } else {
            format!("there are {}", like.join(", "))
        };
        return Err(format!("has no signal `{name}`; {hint}"));
    };
    let outermost: Vec<_> = found.into_iter().filter(|variable| variable.path.len() == depth).collect();
    // One signal may have two names; Verilator lists the ports twice.
    let first = outermost[0];
    if let Some(other) = outermost.iter().find(|variable| variable.signal != first.signal) {
        let (one, other) = (first.path.join("."), other.path.join("."));
        return Err(format!("has several signals `{name}`, e.g. {one} and {other}; give more of the path"));
    }
    Ok(first)
}

/// The rising edges of the clock, numbered as the simulator numbers its cycles.
struct Edges {
    rises: Vec<u64>,
    first: u64,
}

impl Edges {
    fn of(changes: &[(u64, String)]) -> Option<Edges> {
        let mut was_high = false;
        let mut rises = Vec::new();
        for (time, bits) in changes {
            let is_high = bits == "1";
            if is_high && !was_high {
                rises.push(*time);
            }
            was_high = is_high;
        }
        let period = match rises[..] {
            [] => return None,
            [_] => 1,
            [one, next, ..] => next - one,
        };
        let first = rises[0] / period;
        Some(Edges { rises, first })
    }

    fn first(&self) -> u64 {
        self.first
    }

    fn last(&self) -> u64 {
        self.first + self.rises.len() as u64 - 1
    }

    /// When the next cycle begins; for the last one the end of time.
    fn end_of(&self, cycle: u64) -> u64 {
        let next = (cycle - self.first) as usize + 1;
        self.rises.get(next).copied().unwrap_or(u64::MAX)
    }
}

fn value_before(changes: &[(u64, String)], time: u64, width: u32) -> String {
    let known = changes.partition_point(|(at, _)| *at < time);
    match known.checked_sub(1) {
        Some(last) => changes[last].1.clone(),
        None => "x".repeat(width as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(list: &[(u64, &str)]) -> Changes {
        list.iter().map(|(time, bits)| (*time, (*bits).to_owned())).collect()
    }

    #[test]
    fn cycles_are_numbered_as_by_both_simulators() {
        let native = changes(&[(0, "x"), (30, "1"), (35, "0"), (40, "1"), (45, "0"), (50, "1")]);
        let edges = Edges::of(&native).unwrap();
        assert_eq!((edges.first(), edges.last(), edges.end_of(3), edges.end_of(5)), (3, 5, 40, u64::MAX));
        let verilator = changes(&[(0, "0"), (1, "1"), (2, "0"), (3, "1")]);
        let edges = Edges::of(&verilator).unwrap();
        assert_eq!((edges.first(), edges.last(), edges.end_of(0)), (0, 1, 3));
        assert!(Edges::of(&changes(&[(0, "0")])).is_none());
    }

    #[test]
    fn a_value_is_that_before_the_next_edge() {
        let bus = changes(&[(10, "00"), (19, "01"), (20, "10")]);
        assert_eq!(value_before(&bus, 20, 2), "01");
        assert_eq!(value_before(&bus, u64::MAX, 2), "10");
        assert_eq!(value_before(&bus, 10, 2), "xx");
    }
}
