//! The kinds of mistake that this design invites, as classes of mutations.

use std::fmt;

use stagecoach_hdl::mutate::{Mutation, Rule};

/// A kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A fence that does not wait for everything that it should.
    SkippedFence,
    /// A word that is older than the order of requests and updates allows.
    StaleWord,
    /// A wrong part of a word, or a place outside a table's slice.
    WrongSlice,
    /// A bound, a count or a carry that is off by one.
    OffByOne,
    /// A stage that takes a cycle more or less.
    StageLatency,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] =
        [Kind::SkippedFence, Kind::StaleWord, Kind::WrongSlice, Kind::OffByOne, Kind::StageLatency];

    /// Of which kind a mutation is, if it is of one.
    pub fn of(mutation: &Mutation) -> Option<Kind> {
        let names = [mutation.module.as_str(), &mutation.place];
        let is_about = |word: &str| names.iter().any(|name| name.contains(word));
        let (fence, bypass) = (is_about("fence"), is_about("bypass") || is_about("forward"));
        match mutation.rule {
            Rule::StageLater | Rule::StageBypassed | Rule::MemoryLatency => Some(Kind::StageLatency),
            _ if fence => Some(Kind::SkippedFence),
            Rule::WriteLate | Rule::WriteNever | Rule::ReadEnableRemoved => Some(Kind::StaleWord),
            Rule::SelectInverted | Rule::SelectStuck if bypass => Some(Kind::StaleWord),
            Rule::SliceShifted | Rule::AddressBitDropped => Some(Kind::WrongSlice),
            _ if is_about("slice") => Some(Kind::WrongSlice),
            Rule::ComparisonSwapped
            | Rule::ComparisonExchanged
            | Rule::ConstantOffByOne
            | Rule::CarryDropped => Some(Kind::OffByOne),
            _ => None,
        }
    }

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::SkippedFence => "skipped fence",
            Kind::StaleWord => "stale word or bypass",
            Kind::WrongSlice => "wrong slice",
            Kind::OffByOne => "off-by-one bound",
            Kind::StageLatency => "one stage's latency changed",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
