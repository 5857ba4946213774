//! What a replay prints.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use stagecoach_captures::{Request as Captured, Verdict};
use stagecoach_spec::{Config, Fault, Stages};

use super::player::Answered;
use super::verdict::{Comparison, Tally};
use crate::cli::VmArgument;
use crate::output::{counted, grouped};

/// Disagreements that are printed one by one; the rest is counted.
const SHOWN: usize = 10;

/// What came of a replay.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the engine.
    pub engine: &'static str,
    /// The configuration that it ran.
    pub config: Config,
    /// Address and counts per machine.
    pub machines: Vec<(String, Tally)>,
    /// Changes of tables at the update port.
    pub updates: u64,
    /// Requests at the request port: at least one per captured request.
    pub lookups: u64,
    /// How many lookups took so many cycles from request to first beat.
    pub latencies: BTreeMap<u64, u64>,
    /// Clock cycles simulated from reset on; nothing for an engine without a clock.
    pub cycles: Option<u64>,
    /// Time spent answering lookups.
    pub lookup_time: Duration,
    /// The first disagreements, in words.
    pub disagreements: Vec<String>,
}

impl Report {
    /// Nothing came yet.
    pub fn new(engine: &'static str, config: &Config, machines: &[VmArgument]) -> Report {
        Report {
            engine,
            config: config.clone(),
            machines: machines.iter().map(|vm| (vm.text.clone(), Tally::default())).collect(),
            updates: 0,
            lookups: 0,
            latencies: BTreeMap::new(),
            cycles: None,
            lookup_time: Duration::ZERO,
            disagreements: Vec::new(),
        }
    }

    /// Compares an answer with the captured verdict; notes a disagreement. `machine` is the place among the machines.
    pub fn judge(&mut self, machine: usize, captured: &Captured, answered: &Answered) {
        let (name, tally) = &mut self.machines[machine];
        if tally.count(captured, answered) == Comparison::Disagrees {
            let name = name.clone();
            self.disagree(&name, captured, answered);
        }
    }

    /// All machines together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for (_, tally) in &self.machines {
            total.add(tally);
        }
        total
    }

    /// Notes a disagreement.
    fn disagree(&mut self, network: &str, captured: &Captured, answered: &Answered) {
        if self.disagreements.len() < SHOWN {
            let header = captured.header;
            self.disagreements.push(format!(
                "{network}, packet {}, psn {}, qpn {}: {} of {} bytes at {:#x}, key {:#x}: captured {}, answered {}",
                captured.packet,
                captured.psn,
                captured.qpn,
                header.op.op(),
                header.length,
                header.va,
                header.key,
                shown(captured.verdict),
                answered.fault
            ));
        }
    }

    /// Least, median and largest latency in cycles.
    pub fn latency(&self) -> Option<(u64, u64, u64)> {
        let (least, most) = (*self.latencies.keys().next()?, *self.latencies.keys().next_back()?);
        let half = self.latencies.values().sum::<u64>().div_ceil(2);
        let mut seen = 0;
        let median = self.latencies.iter().find(|(_, count)| {
            seen += **count;
            seen >= half
        });
        Some((least, *median?.0, most))
    }

    /// The report as text.
    pub fn text(&self) -> String {
        let mut text = self.verdicts();
        let mut line = |words: std::fmt::Arguments| {
            let _ = writeln!(text, "{words}");
        };
        line(format_args!("{}", self.latency_words()));
        let seconds = self.lookup_time.as_secs_f64().max(1e-9);
        let rate = grouped((self.lookups as f64 / seconds) as u64);
        let (lookups, updates) =
            (counted(self.lookups, "lookup", "lookups"), counted(self.updates, "update", "updates"));
        let cycles =
            self.cycles.map_or(String::new(), |cycles| format!("; {} simulated cycles", grouped(cycles)));
        line(format_args!("{lookups} in {seconds:.2} s: {rate} lookups/s; {updates}{cycles}"));
        text
    }

    /// The counts by machine and by fault, disagreements, and the share that agrees.
    pub fn verdicts(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let mut line = |words: std::fmt::Arguments| {
            let _ = writeln!(text, "{words}");
        };
        line(format_args!("engine {}, configuration {}\n", self.engine, self.config));
        let width =
            self.machines.iter().map(|(name, _)| name.len()).max().unwrap_or_default().max("machine".len());
        line(format_args!(
            "{:<width$}  {:>8}  {:>8}  {:>8}  {:>8}",
            "machine", "requests", "granted", "refused", "agree"
        ));
        for (name, t) in &self.machines {
            let [requests, granted, refused, agree] =
                [t.requests, t.granted, t.refused, t.agree].map(grouped);
            line(format_args!("{name:<width$}  {requests:>8}  {granted:>8}  {refused:>8}  {agree:>8}"));
        }
        let total = self.total();
        line(format_args!("\nverdicts"));
        for fault in Fault::ALL {
            if let Some(count) = total.faults.get(&fault) {
                line(format_args!("  {:<18} {:>8}", fault.name(), grouped(*count)));
            }
        }
        for words in &self.disagreements {
            line(format_args!("disagreement: {words}"));
        }
        let more = total.disagree - self.disagreements.len() as u64;
        if more > 0 {
            line(format_args!("disagreement: {} more", grouped(more)));
        }
        line(format_args!("\n{}", self.agreement(&total)));
        text
    }

    fn agreement(&self, total: &Tally) -> String {
        let judged = total.agree + total.disagree;
        let share = if judged == 0 { 0.0 } else { 100.0 * total.agree as f64 / judged as f64 };
        // Never rounded up to a full hundred.
        let share = if total.disagree > 0 { share.min(99.99) } else { share };
        let mut text = format!("agreement {} of {} ({share:.2} %)", grouped(total.agree), grouped(judged));
        if total.other_code > 0 {
            text += &format!("; {} of them refused with another NAK code", grouped(total.other_code));
        }
        if total.no_verdict > 0 {
            text += &format!("; {} without a captured verdict", grouped(total.no_verdict));
        }
        if total.from_memory > 0 {
            text += &format!("; {} answered from the responder's memory", grouped(total.from_memory));
        }
        text
    }

    fn latency_words(&self) -> String {
        match self.latency() {
            Some((least, median, most)) => format!("latency min {least}, median {median}, max {most} cycles"),
            None => {
                let promised = Stages::of(&self.config).first_beat();
                format!(
                    "latency not measured: this engine has no clock (the hardware's is {promised} cycles)"
                )
            }
        }
    }
}

fn shown(verdict: Verdict) -> String {
    match verdict {
        Verdict::Granted => "granted".into(),
        Verdict::Refused { syndrome } => format!("refused with syndrome {syndrome:#04x}"),
        Verdict::Unknown => "nothing".into(),
    }
}
