//! A compacted log leaves behind what the log left behind, and no more than it needs.

mod support;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use stagecoach_log::compaction::End;
use stagecoach_log::{Change, compact};
use support::log;

proptest! {
    // A failure prints its seed; there is no file to keep it in.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_end_is_the_same_and_the_log_is_shortest(seed in 0u64..u64::MAX, changes in 0usize..200) {
        let log = log(&mut ChaCha8Rng::seed_from_u64(seed), changes);
        let short = compact(&log).unwrap();
        let (end, short_end) = (End::of(log.changes()), End::of(short.changes()));
        prop_assert_eq!(&end, &short_end);
        let parts = end.slots.len() + end.regions.len() + end.freed.len() + end.bound.len() + end.states.len();
        prop_assert_eq!(short.changes().len(), parts + usize::from(end.frozen));
        prop_assert_eq!(compact(&short).unwrap(), short);
    }
}

#[test]
fn a_freed_index_remembers_its_last_variant() {
    let freed = |changes: &[Change]| End::of(changes).freed;
    let gone = [Change::Invalidate { key: 0x0105 }];
    assert_eq!(freed(&gone).get(&1), Some(&5));
    let later = [Change::Invalidate { key: 0x0105 }, Change::Invalidate { key: 0x0106 }];
    assert_eq!(freed(&later).get(&1), Some(&6));
    assert_eq!(End::of(&later).changes(), [Change::Freed { key: 0x0106 }]);
}
