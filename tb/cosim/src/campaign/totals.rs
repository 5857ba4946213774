//! What many cases together have shown.

use std::collections::BTreeMap;
use std::fmt;

use crate::coverage::Coverage;
use crate::session::Outcome;
use crate::{EngineKind, Histogram};

/// Sums over cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Configurations; one that is played in several lots counts for each.
    pub configurations: u64,
    /// Cases that passed.
    pub cases: u64,
    /// Requests by engine.
    pub requests: BTreeMap<EngineKind, u64>,
    /// Clock cycles.
    pub cycles: u64,
    /// Verdicts, answers and races.
    pub histogram: Histogram,
    /// Fences.
    pub fences: u64,
    /// Fences that had something to wait for.
    pub waiting_fences: u64,
    /// The most spans that were in flight at once.
    pub peak_in_flight: u64,
    /// Kinds of requests.
    pub coverage: Coverage,
}

impl Totals {
    /// Adds a case that passed on this engine.
    pub fn add_outcome(&mut self, kind: EngineKind, outcome: &Outcome) {
        self.cases += 1;
        *self.requests.entry(kind).or_default() += outcome.histogram.requests();
        self.cycles += outcome.trace.last().map_or(0, |timed| timed.cycle);
        self.histogram.add(&outcome.histogram);
        self.fences += outcome.fences.len() as u64;
        self.waiting_fences += outcome.fences.iter().filter(|fence| fence.waited()).count() as u64;
        self.peak_in_flight = self.peak_in_flight.max(outcome.peak_in_flight);
        self.coverage.add(&outcome.coverage);
    }

    /// Adds other sums.
    pub fn add(&mut self, other: &Totals) {
        self.configurations += other.configurations;
        self.cases += other.cases;
        other.requests.iter().for_each(|(kind, count)| *self.requests.entry(*kind).or_default() += count);
        self.cycles += other.cycles;
        self.histogram.add(&other.histogram);
        self.fences += other.fences;
        self.waiting_fences += other.waiting_fences;
        self.peak_in_flight = self.peak_in_flight.max(other.peak_in_flight);
        self.coverage.add(&other.coverage);
    }

    /// Requests on an engine.
    pub fn requests_on(&self, kind: EngineKind) -> u64 {
        self.requests.get(&kind).copied().unwrap_or(0)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cases, configurations) = (self.cases, self.configurations);
        write!(f, "{cases} cases in {configurations} configurations, {} cycles;", self.cycles)?;
        self.requests.iter().try_for_each(|(kind, count)| write!(f, " {count} requests on {kind}"))?;
        write!(f, "\n{}", self.histogram)?;
        let (fences, waiting, peak) = (self.fences, self.waiting_fences, self.peak_in_flight);
        writeln!(f, "  fences: {fences}, {waiting} of them waited; at most {peak} spans in flight")?;
        f.write_str(&self.coverage.summary())
    }
}
