//! Functional coverage: which kinds of requests were met.
//!
//! A kind ([`Bin`]) is the cross of fault, op, page size, position, stall and protection. Some kinds cannot be, each for a
//! reason that is written down ([`RULES`]); every other must be met: one that was not is a hole. An impossible kind
//! that was met is an error of the hardware, of the model, or of the rule.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `bin` | what is told apart |
//! | `impossible` | what cannot be, and why |
//! | `collector` | the bin of each request that a testbench sees |
//! | [`directed`] | scripts that aim at given bins |
//! | `report` | tables to read |

mod bin;
mod collector;
pub mod directed;
mod impossible;
mod report;

pub use bin::{Bin, PROTECTIONS, PageSize, Position, Stall};
pub use collector::Collector;
pub use impossible::{RULES, Rule, why_impossible};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often each bin was hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Hit>", into = "Vec<Hit>")]
pub struct Coverage {
    hits: BTreeMap<Bin, u64>,
}

/// A line of a file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Hit {
    #[serde(flatten)]
    bin: Bin,
    hits: u64,
}

impl Coverage {
    /// Counts a hit.
    pub fn count(&mut self, bin: Bin) {
        *self.hits.entry(bin).or_default() += 1;
    }

    /// Adds another's hits.
    pub fn add(&mut self, other: &Coverage) {
        other.hits.iter().for_each(|(bin, hits)| *self.hits.entry(*bin).or_default() += hits);
    }

    /// How often a bin was hit.
    pub fn hits(&self, bin: &Bin) -> u64 {
        self.hits.get(bin).copied().unwrap_or(0)
    }

    /// Hits in all.
    pub fn total(&self) -> u64 {
        self.hits.values().sum()
    }

    /// Possible bins that were not hit.
    pub fn holes(&self) -> Vec<Bin> {
        possible().filter(|bin| self.hits(bin) == 0).collect()
    }

    /// Impossible bins that were hit.
    pub fn impossible_hits(&self) -> Vec<(Bin, &'static Rule, u64)> {
        let hit = self.hits.iter();
        hit.filter_map(|(bin, hits)| Some((*bin, why_impossible(bin)?, *hits))).collect()
    }
}

/// Every bin that must be hit.
pub fn possible() -> impl Iterator<Item = Bin> {
    Bin::all().filter(|bin| why_impossible(bin).is_none())
}

impl From<Vec<Hit>> for Coverage {
    fn from(list: Vec<Hit>) -> Coverage {
        let mut coverage = Coverage::default();
        list.iter().for_each(|hit| *coverage.hits.entry(hit.bin).or_default() += hit.hits);
        coverage
    }
}

impl From<Coverage> for Vec<Hit> {
    fn from(coverage: Coverage) -> Vec<Hit> {
        coverage.hits.into_iter().map(|(bin, hits)| Hit { bin, hits }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_spec::{Fault, Op, Protection};

    fn granted() -> Bin {
        let found = possible().find(|bin| bin.fault == Fault::Granted && bin.op == Op::RemoteRead);
        found.expect("reads can be granted")
    }

    #[test]
    fn a_bin_that_was_not_hit_is_a_hole() {
        let mut coverage = Coverage::default();
        possible().for_each(|bin| coverage.count(bin));
        assert!(coverage.holes().is_empty() && coverage.impossible_hits().is_empty());
        coverage.hits.remove(&granted());
        assert_eq!(coverage.holes(), [granted()]);
    }

    #[test]
    fn an_impossible_bin_that_was_hit_is_told_with_its_reason() {
        let mut coverage = Coverage::default();
        let bin = Bin { fault: Fault::TableCorrupt, protection: Protection::None, ..granted() };
        coverage.count(bin);
        let [(hit, rule, 1)] = coverage.impossible_hits()[..] else { panic!("{coverage:?}") };
        assert!(hit == bin && rule.reason.contains("check bits"));
    }

    #[test]
    fn hits_add_up_and_go_through_a_file() {
        let (mut one, mut other) = (Coverage::default(), Coverage::default());
        one.count(granted());
        other.count(granted());
        other.count(Bin { stall: Stall::Stalled, ..granted() });
        one.add(&other);
        assert_eq!((one.hits(&granted()), one.total()), (2, 3));
        let text = serde_json::to_string(&one).expect("coverage is plain data");
        assert_eq!(serde_json::from_str::<Coverage>(&text).expect("its own text"), one);
        assert!(text.contains(r#""fault":"granted","op":"remote_read""#), "{text}");
    }
}
