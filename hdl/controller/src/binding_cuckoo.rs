//! Stage `binding` as a cuckoo hash table: a CAM of block RAM. Which table does the network identifier name, and where
//! are its slices?
//!
//! ```text
//!   request's cycle   cycle 1     cycles 2, 3        cycle 4           cycle 5       cycle 6
//!  net_id ─▶ parities ─▶ buckets ─▶ memories of ────▶ compare every ──▶ match of ──▶ target of the
//!                                   the four ways     way in chunks     every way    matching entry
//!                                        ▲
//!                       token: a way is written
//!
//!                                   cycle 3           cycle 4           cycle 5
//!                                   compare every ──▶ match ──────────▶ or of the ──┘
//!                                   stash entry                         stash
//! ```
//!
//! An identifier has a place in each way, which the way's hash function gives, and may stand in the stash instead. All of
//! these are read and compared at once, so a lookup takes the same time wherever its entry stands. How tokens write:
//! [`crate::cuckoo_entries`]. The first step of the hash looks at the port, in the cycle in which stage `request` accepts:
//! what comes of it means nothing if it does not.
//!
//! With protection the entries are compared otherwise: see `binding_cuckoo_near.rs`.

use std::sync::Arc;

use stagecoach_hdl::{Bundle, DesignErrors, Module, ModuleBuilder, Signal, wire};
use stagecoach_spec::{Cuckoo, Protection};

use crate::binding::{assert_one_match, or_of};
use crate::bundles::{Check, Flow};
use crate::cuckoo_entries::{self, Commit, Entry, Init, PLACES, Target};
use crate::table::Found;
use crate::widths::Widths;
use crate::{binding_cuckoo_near, chunks, copy, toeplitz};

/// Latency of the stage without protection: see the picture.
const CYCLES: u32 = 6;
/// Bits of an entry, its valid bit among them, that one chunk compares: two levels of LUTs, up to ten pairs with the multiplexer
/// behind two of them.
const LEAST_CHUNK: u32 = 8;
/// Chunks of an entry: as many as two levels of LUTs can join.
const MOST_CHUNKS: u32 = 16;

stagecoach_hdl::bundle! {
    /// A way gets another hash function.
    pub struct Reseed {
        /// Which: a bit for each.
        way,
        /// Its seed.
        seed,
    }
}

stagecoach_hdl::bundle! {
    /// Where the slices of the table lie that was found.
    pub struct Slices {
        /// First region.
        region_base,
        /// Regions.
        region_count,
        /// First slot.
        slot_base,
    }
}

impl<'m> Slices<'m> {
    pub(crate) fn of(target: &Target<'m>) -> Slices<'m> {
        let Target { slot_base, region_count, region_base, .. } = *target;
        Slices { region_base, region_count, slot_base }
    }
}

stagecoach_hdl::bundle! {
    /// What a token that reads an entry saw of it. No bits without protection.
    pub struct Seen {
        /// The token has passed.
        token,
        /// The entry as it is stored: its identifier's code, above it the target's.
        raw,
    }
}

impl Widths {
    /// Field widths of [`Reseed`].
    pub fn reseed(&self) -> Vec<u32> {
        vec![Cuckoo::WAYS, self.cuckoo().seed_bits()]
    }

    /// Field widths of [`Seen`].
    pub fn binding_seen(&self) -> Vec<u32> {
        match self.config.protection {
            Protection::None => vec![0, 0],
            _ => vec![1, self.stored_identifier() + self.stored_target()],
        }
    }
}

/// The port's request while stage `request` accepts it, and what stands there a cycle later.
pub(crate) struct Wanted<'m> {
    /// At the port.
    pub(crate) early: Signal<'m>,
    /// Behind stage `request`.
    pub(crate) net_id: Signal<'m>,
}

/// What the stage gives.
pub(crate) struct Outcome<'m> {
    pub(crate) flow: Flow<'m>,
    pub(crate) found: Found<'m>,
    pub(crate) slices: Slices<'m>,
    pub(crate) check: Check<'m>,
    pub(crate) seen: Seen<'m>,
}

/// Describes the stage.
pub fn describe(w: &Widths) -> Result<Arc<Module>, DesignErrors> {
    let m = ModuleBuilder::new(
        "mapping_binding",
        "Stage binding: a content-addressable memory of block RAM, a cuckoo hash table of four ways and a stash.\n\
         Finds the table that the network identifier is bound to, and where its slices begin.",
    );
    let bits = w.config.net_id_bits;
    let early = m.input("req_net_id", bits).doc("at the port, a cycle ahead");
    let flow = Flow::inputs(&m, "in", &w.flow());
    let wanted = Wanted { early, net_id: m.input("in_net_id", bits) };
    let commit = Commit::inputs(&m, "commit", &w.cuckoo_commit());
    let (clears, bucket) = (m.input("init", 1), m.input("init_place", w.cuckoo().bucket_bits()));
    // The walk stands far away, and a cycle more does not matter to it.
    let init = Init {
        clears_next: clears,
        clears: m.delay_reset("init_here", clears),
        bucket: m.delay("init_here_place", bucket),
    };
    let reseed = Reseed::inputs(&m, "reseed", &w.reseed());
    let outcome = match w.config.protection {
        Protection::None => exact(&m, w, flow, wanted, &commit, &init, &reseed)?,
        _ => binding_cuckoo_near::near(&m, w, flow, wanted, &commit, &init, &reseed)?,
    };
    outcome.flow.outputs(&m, "out");
    outcome.found.outputs(&m, "out");
    outcome.slices.outputs(&m, "out");
    outcome.check.outputs(&m, "check");
    outcome.seen.outputs(&m, "seen");
    m.finish()
}

/// The buckets of the ways, at the end of cycle 1; gives out the seeds.
pub(crate) fn buckets<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    early: Signal<'m>,
    reseed: &Reseed<'m>,
) -> Vec<Signal<'m>> {
    m.section("Request's own cycle: parities of groups of the identifier's bits");
    let seeds = w.cuckoo().initial_seeds();
    let parities: Vec<_> = (0..Cuckoo::WAYS)
        .zip(seeds)
        .map(|(way, initial)| {
            let register = m.register(&format!("seed{way}"), reseed.seed.width());
            let register = register.reset_to(toeplitz::number(initial));
            let register = register.enabled_by(reseed.way.bit(way));
            register.next(reseed.seed);
            m.output(&format!("seed{way}"), register.value());
            toeplitz::parities(m, &format!("way{way}"), early, register.value())
        })
        .collect();
    m.section("Cycle 1: the buckets");
    let buckets = (0..Cuckoo::WAYS).zip(&parities);
    buckets
        .map(|(way, parities)| m.delay(&format!("way{way}_bucket"), toeplitz::bucket(m, parities)))
        .collect()
}

/// The stage without protection: the entry that equals the identifier.
fn exact<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    flow: Flow<'m>,
    wanted: Wanted<'m>,
    commit: &Commit<'m>,
    init: &Init<'m>,
    reseed: &Reseed<'m>,
) -> Result<Outcome<'m>, DesignErrors> {
    assert_eq!(w.cycles("binding"), CYCLES, "the latency table and this stage agree");
    let buckets = buckets(m, w, wanted.early, reseed);
    let binding1 = flow.delay_reset(m, "binding1");
    let binding1_net_id = m.delay("binding1_net_id", wanted.net_id);

    m.section("Cycles 2 and 3: the memories of the ways");
    let ways = cuckoo_entries::ways(m, w, commit, init, flow.token, &buckets);
    let binding2 = binding1.delay_reset(m, "binding2");
    let binding2_net_id = m.delay("binding2_net_id", binding1_net_id);
    let binding3 = binding2.delay_reset(m, "binding3");
    // A copy for each way, which lies near its block RAMs.
    let copies = copy::describe("mapping_binding_copy", w.config.net_id_bits)?;

    m.section("Cycles 3 to 5: the stash");
    // Targets are read two cycles later than identifiers are compared, but they change only when a free entry is taken.
    let stash = cuckoo_entries::stash(m, w, commit, binding1.token, 0);
    let stash_hits: Vec<_> = (0u32..)
        .zip(&stash)
        .map(|(place, entry)| {
            let chunks = equal(m, &format!("stash{place}"), 3, binding2_net_id, entry);
            m.delay(&format!("binding4_stash{place}_hit"), chunks.all())
        })
        .collect();
    let targets = stash.iter().zip(&stash_hits).map(|(entry, hit)| entry.target.gated_by(*hit));
    let binding5_stash_hit = m.delay("binding5_stash_hit", or_of(&stash_hits));
    let binding5_stash_target = m.delay("binding5_stash_target", or_of(&targets.collect::<Vec<_>>()));

    m.section("Cycles 4 and 5: match of every way");
    let ways_equal = (0u32..).zip(&ways).map(|(way, entry)| {
        let copy = m.instance(&format!("net_id_copy{way}"), &copies);
        copy.input("value", binding2_net_id);
        let net_id = copy.output_as("copy", &format!("binding3_net_id{way}"));
        equal(m, &format!("way{way}"), 4, net_id, entry)
    });
    let ways_equal: Vec<_> = ways_equal.collect();
    let binding4 = binding3.delay_reset(m, "binding4");
    let hits = copy::describe("mapping_binding_hit", 1)?;
    let mut chosen = Vec::new();
    let mut way_hits = Vec::new();
    for (way, (entry, chunks)) in ways.iter().zip(ways_equal).enumerate() {
        let hit = chunks.all().named(format!("way{way}_hit"));
        way_hits.push(m.delay(&format!("binding5_way{way}_hit"), hit));
        let target = m.delay(&format!("binding4_way{way}_target"), entry.target);
        let target = m.delay(&format!("binding5_way{way}_target"), target);
        chosen.push(gated_in_parts(m, &hits, way, hit, target));
    }
    let binding5 = binding4.delay_reset(m, "binding5");
    let all_hits: Vec<_> = way_hits.iter().copied().chain([binding5_stash_hit]).collect();
    let mut each = way_hits.clone();
    each.extend(
        (0..).zip(&stash_hits).map(|(place, hit)| m.delay(&format!("binding5_stash{place}_hit"), *hit)),
    );
    assert_eq!(each.len(), PLACES as usize);
    assert_one_match(m, binding5.request, &each);

    m.section("Cycle 6: what the matching entry leads to");
    chosen.push(binding5_stash_target);
    wire!(target = or_of(&chosen));
    let target = Target::unpack(m.delay("binding6_target", target), &w.target());
    let known = m.delay("binding6_known", or_of(&all_hits));
    let nothing = Check { corrected: m.zero(0), uncorrectable: m.zero(0), place: m.zero(0) };
    Ok(Outcome {
        flow: binding5.delay_reset(m, "binding6"),
        found: Found { known, table: target.table, corrupt: m.zero(0) },
        slices: Slices::of(&target),
        check: nothing,
        seen: Seen { token: m.zero(0), raw: m.zero(0) },
    })
}

/// The chunks that equal a valid entry's with this identifier, in a register of cycle `cycle`.
fn equal<'m>(
    m: &'m ModuleBuilder,
    name: &str,
    cycle: u32,
    net_id: Signal<'m>,
    entry: &Entry<'m>,
) -> Signal<'m> {
    let wanted = m.concat(&[m.bit(true), net_id]).named(format!("{name}_wanted"));
    let chunk = wanted.width().div_ceil(MOST_CHUNKS).max(LEAST_CHUNK);
    m.delay(&format!("binding{cycle}_{name}_chunks"), chunks::equal(m, wanted, entry.identifier, chunk))
}

/// Bits of a target that share a copy of the match.
const COPY_BITS: u32 = 16;

/// A way's target if it matches, each part gated by a copy of its own of the match.
fn gated_in_parts<'m>(
    m: &'m ModuleBuilder,
    copy: &Arc<Module>,
    way: usize,
    hit: Signal<'m>,
    target: Signal<'m>,
) -> Signal<'m> {
    let mut parts = Vec::new();
    for (part, low) in (0..target.width()).step_by(COPY_BITS as usize).enumerate() {
        let high = (low + COPY_BITS).min(target.width());
        let copy = m.instance(&format!("way{way}_hit_copy{part}"), copy);
        copy.input("value", hit);
        let hit = copy.output_as("copy", &format!("way{way}_hit{part}"));
        parts.insert(0, target.bits(low..high).gated_by(hit));
    }
    m.concat(&parts).named(format!("way{way}_chosen"))
}
