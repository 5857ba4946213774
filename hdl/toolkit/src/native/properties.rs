//! Assertions and cover points while a simulation runs.

use super::elaborate::{Design, FlatProperty};
use super::program::Program;

/// Failures kept; later ones are dropped, so that a broken design does not fill the memory.
pub const MAX_FAILURES: usize = 1000;

/// An assertion that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Dotted instance names from the top module, which is left out; empty for an assertion of the top.
    pub path: String,
    /// Its label.
    pub name: String,
    /// What it means.
    pub doc: String,
    /// The cycle, counted from 0.
    pub cycle: u64,
}

#[derive(Debug)]
pub(super) struct Properties {
    /// There has been a reset, or the module has none.
    armed: bool,
    /// (assertion, cycle)
    failures: Vec<(usize, u64)>,
    covers: Vec<u64>,
    /// What has been seen since it was last added to `covers`, and in how many cycles that was.
    recent: Vec<u8>,
    cycles: u8,
}

impl Properties {
    pub(super) fn new(program: &Program, armed: bool) -> Properties {
        let covers = program.covers.len();
        Properties {
            armed,
            failures: Vec::new(),
            covers: vec![0; covers],
            recent: vec![0; covers],
            cycles: 0,
        }
    }

    /// Looks at a settled cycle.
    pub(super) fn check(&mut self, program: &Program, m: &[u64], cycle: u64, reset: bool) {
        if reset {
            self.armed = true;
            return;
        }
        if !self.armed {
            return;
        }
        for (number, condition) in program.assertions.iter().enumerate() {
            if m[*condition as usize] == 0 && self.failures.len() < MAX_FAILURES {
                self.failures.push((number, cycle));
            }
        }
        for (count, condition) in self.covers.iter_mut().zip(&program.covers) {
            *count += m[*condition as usize];
        }
    }

    /// Takes what a compiled cycle tells: a byte, 0 or 1, for each of so many assertions, then for each cover point.
    pub(super) fn count(&mut self, seen: &[u8], assertions: usize, cycle: u64, reset: bool) {
        self.armed |= reset;
        if reset || !self.armed {
            return;
        }
        let (held, seen) = seen.split_at(assertions);
        if held.iter().fold(1, |all, held| all & held) == 0 {
            let failed = held.iter().enumerate().filter(|(_, held)| **held == 0);
            let room = MAX_FAILURES - self.failures.len();
            self.failures.extend(failed.map(|(number, _)| (number, cycle)).take(room));
        }
        // Bytes first: many are added at once.
        self.recent.iter_mut().zip(seen).for_each(|(count, seen)| *count += seen);
        self.cycles += 1;
        if self.cycles == u8::MAX {
            self.cycles = 0;
            self.covers.iter_mut().zip(&mut self.recent).for_each(|(count, recent)| {
                *count += u64::from(std::mem::take(recent));
            });
        }
    }

    pub(super) fn failures(&self, design: &Design) -> Vec<Failure> {
        let failures = self.failures.iter().map(|(number, cycle)| {
            let FlatProperty { scope, name, doc, .. } = &design.assertions[*number];
            let path = design.scopes[*scope].path.clone();
            Failure { path, name: name.clone(), doc: doc.clone(), cycle: *cycle }
        });
        failures.collect()
    }

    pub(super) fn cover_counts(&self, design: &Design) -> Vec<(String, u64)> {
        let counts = self.covers.iter().zip(&self.recent);
        let counts = design.covers.iter().zip(counts.map(|(count, recent)| count + u64::from(*recent)));
        counts
            .map(|(cover, count)| {
                let scope = &design.scopes[cover.scope].path;
                let dot = if scope.is_empty() { "" } else { "." };
                (format!("{scope}{dot}{}", cover.name), count)
            })
            .collect()
    }
}
