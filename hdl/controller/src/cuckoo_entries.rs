//! The entries of a cuckoo CAM: four ways of memory and a stash of registers, and how an update's token writes them.
//!
//! ```text
//!                     cycle c             c + 1     c + 2
//!  buckets ──────────▶ memory of each ──▶ output ──▶ words of the ways
//!  token, or init ───▶ way                register
//!
//!  token, some cycle ▶ stash ──────────────────────▶ entries
//! ```
//!
//! A token writes each way in the cycle in which it would read it, and each entry of the stash in the cycle in which it
//! would be compared. So for every traveller alike, the token takes an identifier to another entry at once: whoever is
//! ahead of it finds the old entry in all places, whoever is behind the new one.

use stagecoach_hdl::{MemoryStyle, ModuleBuilder, Signal};
use stagecoach_spec::{Cuckoo, Protection};

use crate::widths::Widths;

/// Places of a way up to which it is LUT RAM. A way's words are wide, so more places would drive many tables.
const SMALL_WAY: u32 = 16;
/// Ways and entries of the stash: what a token can write.
pub const PLACES: u32 = Cuckoo::WAYS + Cuckoo::STASH;

stagecoach_hdl::bundle! {
    /// What an update's token does to the entries: it takes one, leaves one, or both.
    pub struct Commit {
        /// The token in flight writes what the next two fields say.
        binding,
        /// Where the identifier goes, or what is read: one bit at most, of the ways and above them the stash.
        take,
        /// What becomes free, likewise.
        leave,
        /// The bucket, if it goes into a way.
        take_bucket,
        /// The bucket, if a way's place becomes free.
        leave_bucket,
        /// Its identifier's code over {valid, net_id}.
        identifier,
        /// The code of what it leads to: see [`Target`].
        target,
    }
}

stagecoach_hdl::bundle! {
    /// What an entry leads to. Slices never change while a table is bound, so the entry can hold them.
    pub struct Target {
        /// First slot of the table's slice.
        slot_base,
        /// Regions in its slice.
        region_count,
        /// First region of its slice.
        region_base,
        /// The table.
        table,
    }
}

/// Clearing after reset.
pub(crate) struct Init<'m> {
    /// A cycle before `clears`.
    pub(crate) clears_next: Signal<'m>,
    /// A bucket of every way is cleared.
    pub(crate) clears: Signal<'m>,
    /// Which.
    pub(crate) bucket: Signal<'m>,
}

impl Widths {
    /// Field widths of [`Commit`].
    pub fn cuckoo_commit(&self) -> Vec<u32> {
        let bucket = self.cuckoo().bucket_bits();
        vec![1, PLACES, PLACES, bucket, bucket, self.stored_identifier(), self.stored_target()]
    }

    /// Field widths of [`Target`].
    pub fn target(&self) -> Vec<u32> {
        vec![self.slot, self.region_count, self.region, self.table]
    }

    /// Width of an entry's target as it is stored.
    pub fn stored_target(&self) -> u32 {
        self.coded(self.target().iter().sum())
    }
}

/// An entry as it is stored: codes with protection.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'m> {
    /// The identifier's, over {valid, net_id}. All zero in a free entry.
    pub(crate) identifier: Signal<'m>,
    /// The target's. Means nothing in a free entry.
    pub(crate) target: Signal<'m>,
}

/// The words of the ways, two cycles after `buckets` reach the memories. `token` is a cycle ahead of `buckets`.
pub(crate) fn ways<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    commit: &Commit<'m>,
    init: &Init<'m>,
    token: Signal<'m>,
    buckets: &[Signal<'m>],
) -> Vec<Entry<'m>> {
    let writes = (token & commit.binding).named("writes_ways");
    (0..Cuckoo::WAYS)
        .zip(buckets)
        .map(|(way, bucket)| {
            let (takes, leaves) = (commit.take.bit(way), commit.leave.bit(way));
            let write = init.clears | writes & (takes | leaves);
            let write = m.delay_reset(&format!("way{way}_write"), write);
            let place = takes.select(commit.take_bucket, commit.leave_bucket);
            let place = m.delay(&format!("way{way}_place"), init.clears.select(init.bucket, place));
            // What a token carries stands still long before, so this may be known a cycle earlier.
            let fills = m.delay(&format!("way{way}_fills"), takes & !init.clears_next);
            let identifier = commit.identifier.gated_by(fills);
            let written = m.delay(&format!("way{way}_written"), m.concat(&[commit.target, identifier]));
            let shape = w.cuckoo();
            let memory = m.memory(&format!("way{way}_memory"), written.width(), shape.depth());
            let style =
                if shape.depth() <= SMALL_WAY { MemoryStyle::Distributed } else { MemoryStyle::Block };
            let memory = memory.output_register().style(style);
            memory.write(write, place, written);
            let word = memory.read(&format!("way{way}_word"), *bucket);
            let (low, all) = (commit.identifier.width(), word.width());
            Entry { identifier: word.low(low), target: word.bits(low..all) }
        })
        .collect()
}

/// The entries of the stash, to be compared a cycle behind `token`. Targets are written `lag` cycles later than
/// identifiers.
pub(crate) fn stash<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    commit: &Commit<'m>,
    token: Signal<'m>,
    lag: u32,
) -> Vec<Entry<'m>> {
    let writes = (token & commit.binding).named("writes_stash");
    let written =
        (commit.take.high(Cuckoo::STASH) | commit.leave.high(Cuckoo::STASH)) & writes.repeat(Cuckoo::STASH);
    let written = m.delay_reset("stash_write", written);
    let mut target_written = written;
    for cycle in 1..=lag {
        target_written = m.delay_reset(&format!("stash_write_later{cycle}"), target_written);
    }
    (0..Cuckoo::STASH)
        .map(|place| {
            let takes = commit.take.bit(Cuckoo::WAYS + place);
            let identifier = commit.identifier.gated_by(takes).named(format!("stash{place}_written"));
            let register = |name: &str, value: Signal<'m>| {
                let register = m.register(&format!("stash{place}_{name}"), value.width());
                let register = register.enabled_by(written.bit(place));
                register.next(value);
                register
            };
            let identifier = match w.config.protection {
                Protection::None => {
                    let net_id_bits = w.config.net_id_bits;
                    let valid = register("valid", identifier.bit(net_id_bits)).reset_to(0u32);
                    m.concat(&[valid.value(), register("net_id", identifier.low(net_id_bits)).value()])
                }
                // Zero in reset: free, and far from every identifier.
                _ => register("identifier", identifier).reset_to(0u32).value(),
            };
            let target = m.register(&format!("stash{place}_target"), commit.target.width());
            let target = target.enabled_by(target_written.bit(place));
            target.next(commit.target);
            Entry { identifier: identifier.named(format!("stash{place}_entry")), target: target.value() }
        })
        .collect()
}
