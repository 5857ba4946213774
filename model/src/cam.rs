//! Which entries of the CAM may hold an identifier: all of a CAM of registers, a few of a cuckoo CAM.

use crate::Golden;
use stagecoach_spec::{Cam, Cuckoo, NetId, Seed};

/// The seeds after reset; unused by a CAM of registers.
pub(crate) type Seeds = [Seed; Cuckoo::WAYS as usize];

/// In ascending order: the lowest free one is what `bind` takes.
pub(crate) fn entries_for(golden: &Golden, net_id: NetId) -> Vec<u32> {
    let config = &golden.config;
    match config.cam_kind() {
        Cam::Register => (0..config.bindings).collect(),
        Cam::Cuckoo => {
            let cuckoo = Cuckoo::of(config);
            let places = (0..).zip(golden.seeds).map(|(way, seed)| cuckoo.entry(way, seed, net_id));
            places.chain(Cuckoo::WAYS * cuckoo.depth()..cuckoo.entries()).collect()
        }
    }
}
