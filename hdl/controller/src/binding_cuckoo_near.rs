//! Stage `binding` as a cuckoo hash table with protection: of the identifier's places the one that is *near* it.
//!
//! ```text
//!   request's    1          2         3, 4        5                6, 7         8            9, (10)    then
//!  net_id ─▶ parities ▶ buckets ▶ the token's ▶ memories ─▶ count bits ─▶ merge the ▶ target of ▶ check of ▶ join
//!                      encode      own bucket                that differ   counts       the entry   the target
//! ```
//!
//! Distances as in `binding_distance.rs`, but of the places alone at which the identifier may stand. A token that reads
//! an entry, for `inject`, puts its bucket in the place of its hash.

use stagecoach_hdl::{Bundle, DesignErrors, ModuleBuilder, Signal, wire};
use stagecoach_spec::Cuckoo;
use stagecoach_spec::latency::CUCKOO_PROTECTED_CYCLES;

use crate::binding::{assert_one_match, or_of};
use crate::binding_cuckoo::{Outcome, Reseed, Seen, Slices, Wanted, buckets};
use crate::binding_distance::{Counts, Meaning};
use crate::bundles::{Check, Flow, delay_flow_by};
use crate::cuckoo_entries::{self, Commit, Entry, Init, Target};
use crate::protect;
use crate::table::Found;
use crate::widths::Widths;

/// Cycles up to the chosen target: see the picture.
const CHOSEN: u32 = 8;
/// Cycles from counting to choosing.
const COUNTS: u32 = 3;

/// The stage with protection, in the module that `binding_cuckoo` describes.
pub(crate) fn near<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    flow: Flow<'m>,
    wanted: Wanted<'m>,
    commit: &Commit<'m>,
    init: &Init<'m>,
    reseed: &Reseed<'m>,
) -> Result<Outcome<'m>, DesignErrors> {
    let cycles = CHOSEN + w.check_cycles() + 1;
    assert_eq!(CUCKOO_PROTECTED_CYCLES + w.check_cycles(), cycles, "the latency table and this stage agree");
    assert_eq!(w.cycles("binding"), cycles, "the latency table and this stage agree");
    let buckets = buckets(m, w, wanted.early, reseed);
    let binding1 = flow.delay_reset(m, "binding1");
    wire!(valid_entry = m.concat(&[m.bit(true), wanted.net_id]));
    let binding1_wanted = m.delay("binding1_wanted", protect::encode(w, valid_entry));

    m.section("Cycle 2: a token's own bucket");
    let binding2 = binding1.delay_reset(m, "binding2");
    let binding2_wanted = m.delay("binding2_wanted", binding1_wanted);
    let places: Vec<_> = (0..)
        .zip(buckets)
        .map(|(way, bucket)| {
            m.delay(&format!("way{way}_read"), binding1.token.select(commit.take_bucket, bucket))
        })
        .collect();

    m.section("Cycles 3 and 4: the memories of the ways");
    let ways = cuckoo_entries::ways(m, w, commit, init, binding1.token, &places);
    let binding3 = binding2.delay_reset(m, "binding3");
    let binding3_wanted = m.delay("binding3_wanted", binding2_wanted);
    let binding4 = binding3.delay_reset(m, "binding4");
    let binding4_wanted = m.delay("binding4_wanted", binding3_wanted);
    let stash = cuckoo_entries::stash(m, w, commit, binding3.token, COUNTS);

    m.section("What a token reads");
    let all: Vec<Entry<'m>> = ways.iter().chain(&stash).copied().collect();
    let read = (0..)
        .zip(&all)
        .map(|(place, entry)| m.concat(&[entry.target, entry.identifier]).gated_by(commit.take.bit(place)));
    let raw = m.delay("read_raw", or_of(&read.collect::<Vec<_>>()));
    let seen = Seen { token: m.delay_reset("read_token", binding4.token), raw };

    m.section("Cycles 5 to 7: the distance of every entry, and what it means");
    let binding7 = delay_flow_by(m, "binding", binding4, 5, COUNTS);
    let meanings: Vec<_> = (0..)
        .zip(&all)
        .map(|(place, entry)| {
            let differs = (binding4_wanted ^ entry.identifier).named(format!("differs{place}"));
            let counts = Counts::of(differs, &format!("counts{place}"));
            let counts = counts.delay(m, &format!("binding5_count{place}"));
            let merged = counts.by_three(&format!("merged{place}a")).by_three(&format!("merged{place}b"));
            let counts = merged.delay(m, &format!("binding6_count{place}"));
            Meaning::of(w, counts, place).delay(m, &format!("binding7_{place}"))
        })
        .collect();
    let exact: Vec<_> = meanings.iter().map(Meaning::exact).collect();
    assert_one_match(m, binding7.request, &exact);

    m.section("Cycle 8: what the entry leads to");
    let mut targets = Vec::new();
    for (way, entry) in ways.iter().enumerate() {
        let mut target = entry.target;
        for cycle in 5..5 + COUNTS {
            target = m.delay(&format!("binding{cycle}_target{way}"), target);
        }
        targets.push(target);
    }
    targets.extend(stash.iter().map(|entry| entry.target));
    let of_hits = |values: Vec<Signal<'m>>| {
        or_of(&values.iter().zip(&meanings).map(|(value, it)| value.gated_by(it.hit)).collect::<Vec<_>>())
    };
    let lane = |field: fn(&Meaning<'m>) -> Signal<'m>| or_of(&meanings.iter().map(field).collect::<Vec<_>>());
    let chosen = m.delay("binding8_target", of_hits(targets));
    let hit = m.delay("binding8_hit", lane(|meaning| meaning.hit));
    let close = m.delay("binding8_close", lane(|meaning| meaning.close));
    let near = m.delay("binding8_near", lane(|meaning| meaning.near));
    let place = m.delay("binding8_place", of_hits(entry_numbers(m, w, &places)));

    m.section("The check of the target");
    let target = protect::check(m, w, "target", chosen);
    let lag = |name: &str, value: Signal<'m>| {
        let mut value = value;
        for cycle in 1..=w.check_cycles() {
            value = m.delay(&format!("checked{cycle}_{name}"), value);
        }
        value
    };
    let flow = binding7.delay_reset(m, "binding8");
    let flow = delay_flow_by(m, "binding", flow, CHOSEN + 1, w.check_cycles());
    let (hit, close, near, place) =
        (lag("hit", hit), lag("close", close), lag("near", near), lag("place", place));

    m.section("The last cycle: what was found");
    wire!(bad_target = hit & target.uncorrectable);
    wire!(corrupt = bad_target | near & !hit);
    wire!(sound = hit & !target.uncorrectable);
    let fields =
        Target::unpack(target.word.named("target_fields").gated_by(sound).named("sound_target"), &w.target());
    let found = Found { known: hit | near, table: fields.table, corrupt };
    let repaired = if target.corrected.width() == 0 {
        m.zero(0)
    } else {
        flow.request & sound & (close | target.corrected)
    };
    let check = Check {
        corrected: m.delay_reset("check_corrected", repaired),
        uncorrectable: m.delay_reset("check_uncorrectable", flow.request & corrupt),
        place: m.delay("check_place", place),
    };
    Ok(Outcome {
        flow: flow.delay_reset(m, "found"),
        found: found.delay(m, "found"),
        slices: Slices::of(&fields).delay(m, "found"),
        check,
        seen,
    })
}

/// The number of each entry in cycle 8, as [`Check`] has it; `read` are the ways' buckets in cycle 3.
fn entry_numbers<'m>(m: &'m ModuleBuilder, w: &Widths, read: &[Signal<'m>]) -> Vec<Signal<'m>> {
    let (shape, bits) = (w.cuckoo(), w.check(w.binding)[2]);
    let mut numbers = Vec::new();
    for (way, bucket) in (0u32..).zip(read) {
        let mut bucket = bucket.low(bits.min(shape.bucket_bits()));
        for cycle in 3..CHOSEN {
            bucket = m.delay(&format!("binding{cycle}_bucket{way}"), bucket);
        }
        let above = m.constant(w.binding - shape.bucket_bits(), way);
        numbers.push(m.concat(&[above.low(bits.min(above.width())), bucket]));
    }
    let stash = (0..Cuckoo::STASH).map(|place| Cuckoo::WAYS * shape.depth() + place);
    numbers.extend(stash.map(|entry| w.check_place(m.constant(w.binding, entry))));
    numbers
}
