//! Whose log it is, and what room it needs.

use serde::{Deserialize, Serialize};
use stagecoach_spec::NetId;

/// Room that the table must have at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Regions, thus key indices.
    pub regions: u32,
    /// Page slots.
    pub slots: u32,
}

/// The first thing in a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The VM's identifiers; at least one, none twice.
    pub net_ids: Vec<NetId>,
    /// The epoch in which the VM served when this was logged.
    pub epoch: u32,
    /// Base-2 logarithms of the page sizes: ascending, 12 first, none above 30.
    pub page_shifts: Vec<u32>,
    /// Room that is needed.
    pub capacity: Capacity,
}

impl Header {
    /// Whether the header makes sense; why not.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let mut ids = self.net_ids.clone();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() || ids.len() != self.net_ids.len() || ids.len() > 4096 {
            return Err("the header must name 1 to 4096 network identifiers, none twice");
        }
        let ascending = self.page_shifts.windows(2).all(|pair| pair[0] < pair[1]);
        if self.page_shifts.first() != Some(&12) || !ascending || self.page_shifts.last() > Some(&30) {
            return Err("the header's page sizes must ascend from 12, none above 30");
        }
        if self.capacity.regions > 1 << 24 || self.capacity.slots > 1 << 24 {
            return Err("the header asks for more than 2^24 regions or slots");
        }
        Ok(())
    }
}
