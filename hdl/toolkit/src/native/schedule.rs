//! Puts operations of one kind side by side.
//!
//! Each operation gets a level, one above whatever it depends on; operations of one level do not depend on each
//! other, so they may be sorted by kind. An interpreter then seldom changes from one kind to another.

use std::collections::HashMap;

use super::program::Op;

/// The order of execution.
pub(super) fn schedule(ops: Vec<Op>, limbs: usize) -> Vec<Op> {
    // Level at which a limb has its first part, and its last.
    let (mut first, mut last) = (vec![0u32; limbs], vec![0u32; limbs]);
    let mut levels = Vec::with_capacity(ops.len());
    for op in &ops {
        let access = op.access();
        let mut level = 0;
        for (start, count) in access.reads {
            let limbs = start as usize..(start + count) as usize;
            level = last[limbs].iter().fold(level, |level, ready| level.max(*ready));
        }
        let written = access.writes.0 as usize..(access.writes.0 + access.writes.1) as usize;
        if access.adds {
            level = first[written.clone()].iter().fold(level, |level, ready| level.max(*ready));
        }
        level += 1;
        for limb in written {
            if !access.adds {
                first[limb] = first[limb].max(level);
            }
            last[limb] = last[limb].max(level);
        }
        levels.push(level);
    }
    // Kinds are numbered as they appear, so that the order is the same from run to run.
    let mut kinds = HashMap::new();
    let kinds: Vec<_> = ops
        .iter()
        .map(|op| {
            let next = kinds.len();
            *kinds.entry(std::mem::discriminant(op)).or_insert(next)
        })
        .collect();
    let mut order: Vec<_> = (0..ops.len()).collect();
    order.sort_by_key(|position| (levels[*position], kinds[*position], *position));
    order.into_iter().map(|position| ops[position]).collect()
}
