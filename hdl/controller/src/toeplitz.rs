//! The hash functions of a cuckoo CAM on the lookup path: a bucket in two cycles.
//!
//! ```text
//!                   cycle 1                              cycle 2
//!  net_id, seed ──▶ parities of groups of positions ──▶ parity of the groups ──▶ bucket
//! ```
//!
//! Bit i of a bucket is the parity of the identifier and the seed from bit i on: see `stagecoach_spec::cuckoo`.

use stagecoach_hdl::{BigUint, ModuleBuilder, Signal};
use stagecoach_spec::Seed;

/// Groups of positions at most: as many bits as two levels of 4-input LUTs join.
const GROUPS: u32 = 16;
/// Positions of a group at least: two of them fill a 4-input LUT.
const LEAST_GROUP: u32 = 4;

/// The first cycle's registers `<name>_parities<bit>`, one for each bit of the bucket: the parity of each group.
pub(crate) fn parities<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    net_id: Signal<'m>,
    seed: Signal<'m>,
) -> Vec<Signal<'m>> {
    let bits = net_id.width();
    let group = bits.div_ceil(GROUPS).max(LEAST_GROUP);
    (0..=seed.width() - bits)
        .map(|bit| {
            let mut groups = Vec::new();
            for low in (0..bits).step_by(group as usize) {
                let high = (low + group).min(bits);
                groups.push((net_id.bits(low..high) & seed.bits(low + bit..high + bit)).parity());
            }
            m.delay(&format!("{name}_parities{bit}"), m.concat(&groups))
        })
        .collect()
}

/// The second cycle's value: the bucket.
pub(crate) fn bucket<'m>(m: &'m ModuleBuilder, parities: &[Signal<'m>]) -> Signal<'m> {
    m.concat(&parities.iter().rev().map(|groups| groups.parity()).collect::<Vec<_>>())
}

/// A seed as a number.
pub(crate) fn number(seed: Seed) -> BigUint {
    let limbs: Vec<u8> = seed.limbs().into_iter().flat_map(u64::to_le_bytes).collect();
    BigUint::from_bytes_le(&limbs)
}
