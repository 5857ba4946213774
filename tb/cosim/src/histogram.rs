//! How often each verdict and each answer was seen.

use std::collections::BTreeMap;
use std::fmt;

use stagecoach_spec::{Answer, Beat, Command, Fault, Op, UpdateError, UpdateOp};

use crate::races::Race;

/// Counts of what was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Requests by the fault of their last beat.
    pub faults: BTreeMap<Fault, u64>,
    /// Beats.
    pub beats: u64,
    /// Requests of several beats.
    pub several_beats: u64,
    /// Granted requests by operation.
    pub granted: BTreeMap<Op, u64>,
    /// Accepted commands by the code of their operation.
    pub commands: BTreeMap<u8, u64>,
    /// Refused commands by error.
    pub errors: BTreeMap<UpdateError, u64>,
    /// Races, as [`crate::races::Races`] saw them.
    pub races: BTreeMap<Race, u64>,
}

impl Histogram {
    pub(crate) fn count_beat(&mut self, op: Op, beat: &Beat) {
        self.beats += 1;
        if beat.last {
            *self.faults.entry(beat.fault).or_default() += 1;
            self.several_beats += u64::from(!beat.first);
            if beat.fault == Fault::Granted {
                *self.granted.entry(op).or_default() += 1;
            }
        }
    }

    pub(crate) fn count_answer(&mut self, command: &Command, answer: &Answer) {
        match answer {
            Ok(_) => *self.commands.entry(command.op).or_default() += 1,
            Err(error) => *self.errors.entry(*error).or_default() += 1,
        }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Histogram) {
        fn add<K: Ord + Copy>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            from.iter().for_each(|(key, count)| *to.entry(*key).or_default() += count);
        }
        add(&mut self.faults, &other.faults);
        add(&mut self.granted, &other.granted);
        add(&mut self.commands, &other.commands);
        add(&mut self.errors, &other.errors);
        add(&mut self.races, &other.races);
        self.beats += other.beats;
        self.several_beats += other.several_beats;
    }

    /// Requests whose last beat had this fault.
    pub fn fault(&self, fault: Fault) -> u64 {
        self.faults.get(&fault).copied().unwrap_or(0)
    }

    /// Commands refused with this error.
    pub fn error(&self, error: UpdateError) -> u64 {
        self.errors.get(&error).copied().unwrap_or(0)
    }

    /// Commands of this operation that were accepted and took effect.
    pub fn command(&self, op: UpdateOp) -> u64 {
        self.commands.get(&op.code()).copied().unwrap_or(0)
    }

    /// Races of this kind.
    pub fn race(&self, race: Race) -> u64 {
        self.races.get(&race).copied().unwrap_or(0)
    }

    /// Requests in all.
    pub fn requests(&self) -> u64 {
        self.faults.values().sum()
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} requests, {} of them with several beats, {} beats",
            self.requests(),
            self.several_beats,
            self.beats
        )?;
        let list = |f: &mut fmt::Formatter<'_>, title: &str, counts: Vec<(&'static str, u64)>| {
            write!(f, "  {title}:")?;
            counts.iter().try_for_each(|(name, count)| write!(f, " {name} {count}"))?;
            writeln!(f)
        };
        list(f, "verdicts", self.faults.iter().map(|(fault, n)| (fault.name(), *n)).collect())?;
        list(f, "granted", self.granted.iter().map(|(op, n)| (op.name(), *n)).collect())?;
        let named = |code: &u8| UpdateOp::from_code(*code).map_or("unknown", UpdateOp::name);
        list(f, "updates", self.commands.iter().map(|(code, n)| (named(code), *n)).collect())?;
        list(f, "refused", self.errors.iter().map(|(error, n)| (error.name(), *n)).collect())?;
        list(f, "races", self.races.iter().map(|(race, n)| (race.name(), *n)).collect())
    }
}
