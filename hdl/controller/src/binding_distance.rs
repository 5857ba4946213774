//! Stage `binding` with protection: the entry that is *near* the identifier.
//!
//! ```text
//!         1          2        3                4, 5          6            7          8
//!  net_id ▶ encode ─▶ copies ▶ count bits that ▶ merge the ─▶ number of ─▶ or of the ▶ check of
//!           {1, id}            differ, in parts  counts       each group   groups      the number
//!                                  ▲                              ▲
//!                     token: the identifier is written       its number is written
//! ```
//!
//! An entry keeps two codes: the identifier's, over {valid, net_id}, and the table number's. Checking every entry
//! would not help: the entry that matches is sought. So the wanted identifier is encoded, as a valid entry would have
//! it, and the distance to every entry counted. Two codes of different identifiers are four bits apart or more with
//! secded, two with parity. So with secded a distance of one is that entry with one flipped bit: a hit that is
//! corrected; two is an entry with two flipped bits, perhaps the one that is sought. With parity that is so at one.
//! If no entry is a hit, such a *near* one means TABLE_CORRUPT. A free entry holds zeros after reset, which are as far
//! from every identifier.
//!
//! The number is read three cycles after the identifier was compared, so it is written as much later.

use stagecoach_hdl::{Bundle, DesignErrors, ModuleBuilder, Signal, wire};
use stagecoach_spec::Protection;

use crate::binding::{Commit, GROUP, assert_one_match, copies, copy_of, or_in_groups, or_of, written};
use crate::bundles::{Check, Flow};
use crate::protect;
use crate::table::Found;
use crate::widths::Widths;

/// Latency of the stage: see the picture.
const CYCLES: u32 = 8;

/// The stage with protection but for its last register, in the module that `binding` describes.
pub(crate) fn near<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    flow: Flow<'m>,
    net_id: Signal<'m>,
    commit: &Commit<'m>,
) -> Result<(Flow<'m>, Found<'m>, Check<'m>), DesignErrors> {
    assert_eq!(w.cycles("binding"), CYCLES, "the latency table and this stage agree");
    m.section("Cycle 1: the identifier as a valid entry would have it; which entry a token writes");
    let binding1 = flow.delay_reset(m, "binding1");
    wire!(valid_entry = m.concat(&[m.bit(true), net_id]));
    let binding1_wanted = m.delay("binding1_wanted", protect::encode(w, valid_entry));
    let binding1_write = m.delay_reset("binding1_write", written(w, &flow, commit));

    m.section("Cycle 2: a copy of it for each group of entries");
    let binding2 = binding1.delay_reset(m, "binding2");
    let copies = copies(m, w, binding1_wanted, "binding2_wanted")?;
    let binding2_write = m.delay_reset("binding2_write", binding1_write);

    m.section("Cycle 3: every entry counts the bits that differ, in parts of six");
    let binding3 = binding2.delay_reset(m, "binding3");
    let binding3_write = m.delay_reset("binding3_write", binding2_write);
    let counts: Vec<_> = (0..w.config.bindings)
        .map(|entry| {
            let name = format!("entry{entry}_identifier");
            // Zero in reset: free, and far from every identifier.
            let identifier = m.register(&name, w.stored_identifier()).reset_to(0u32);
            let identifier = identifier.enabled_by(binding2_write.bit(entry));
            identifier.next(after(commit, identifier.value(), commit.identifier));
            let differs = (copy_of(&copies, entry) ^ identifier.value()).named(format!("differs{entry}"));
            Counts::of(differs, &format!("counts{entry}")).delay(m, &format!("binding3_count{entry}"))
        })
        .collect();

    m.section("Cycle 4: the counts of nine parts merged");
    let binding4 = binding3.delay_reset(m, "binding4");
    let binding4_write = m.delay_reset("binding4_write", binding3_write);
    let counts = (0..).zip(counts).map(|(entry, counts)| {
        let merged = counts.by_three(&format!("merged{entry}a")).by_three(&format!("merged{entry}b"));
        merged.delay(m, &format!("binding4_count{entry}"))
    });
    let counts: Vec<_> = counts.collect();

    m.section("Cycle 5: what the distance of each entry means");
    let binding5 = binding4.delay_reset(m, "binding5");
    let binding5_write = m.delay_reset("binding5_write", binding4_write);
    let meanings: Vec<_> = (0..)
        .zip(counts)
        .map(|(entry, counts)| Meaning::of(w, counts, entry).delay(m, &format!("binding5_{entry}")))
        .collect();
    let exact: Vec<_> = meanings.iter().map(Meaning::exact).collect();
    assert_one_match(m, binding5.request, &exact);

    m.section("Cycle 6: what each group has");
    let binding6 = binding5.delay_reset(m, "binding6");
    let (mut numbers, mut places) = (Vec::new(), Vec::new());
    for (entry, meaning) in (0u32..).zip(&meanings) {
        let number = m.register(&format!("entry{entry}_number"), w.stored_number());
        let number = number.enabled_by(binding5_write.bit(entry));
        number.next(after(commit, number.value(), commit.number));
        numbers.push(number.value().gated_by(meaning.hit));
        places.push(w.check_place(m.constant(w.binding, entry)).gated_by(meaning.hit));
    }
    let lane = |field: fn(&Meaning<'m>) -> Signal<'m>| meanings.iter().map(field).collect::<Vec<_>>();
    let hits = or_in_groups(m, "binding6_hit", &lane(|meaning| meaning.hit), GROUP);
    let close = or_in_groups(m, "binding6_close", &lane(|meaning| meaning.close), GROUP);
    let far = or_in_groups(m, "binding6_near", &lane(|meaning| meaning.near), GROUP);
    let numbers = or_in_groups(m, "binding6_number", &numbers, GROUP);
    let places = or_in_groups(m, "binding6_place", &places, GROUP);

    m.section("Cycle 7: the group that knows the identifier");
    let binding7 = binding6.delay_reset(m, "binding7");
    let binding7_hit = m.delay("binding7_hit", or_of(&hits));
    let binding7_close = m.delay("binding7_close", or_of(&close));
    let binding7_near = m.delay("binding7_near", or_of(&far));
    let binding7_number = m.delay("binding7_number", or_of(&numbers));
    let binding7_place = m.delay("binding7_place", or_of(&places));

    m.section("Cycle 8: the check of the number");
    let number = protect::check_at_once(m, w, "number", binding7_number);
    wire!(bad_number = binding7_hit & number.uncorrectable);
    wire!(corrupt = bad_number | binding7_near & !binding7_hit);
    let found = Found {
        known: binding7_hit | binding7_near,
        table: number.word.gated_by(binding7_hit & !number.uncorrectable),
        corrupt,
    };
    let repaired = if number.corrected.width() == 0 {
        m.zero(0)
    } else {
        binding7.request & binding7_hit & (binding7_close | number.corrected) & !number.uncorrectable
    };
    let check = Check {
        corrected: m.delay_reset("check_corrected", repaired),
        uncorrectable: m.delay_reset("check_uncorrectable", binding7.request & corrupt),
        place: m.delay("check_place", binding7_place),
    };
    Ok((binding7, found, check))
}

/// A stored code after a token: written, or with some bits flipped.
fn after<'m>(commit: &Commit<'m>, stored: Signal<'m>, written: Signal<'m>) -> Signal<'m> {
    written ^ stored.gated_by(commit.flip)
}

/// Numbers of ones, each 0, 1, 2, or 3 for more, side by side: bit n of `twos` and of `ones` are number n.
#[derive(Clone, Copy)]
pub(crate) struct Counts<'m> {
    twos: Signal<'m>,
    ones: Signal<'m>,
}

impl<'m> Counts<'m> {
    /// The ones of every sixth part: three that lie a third of the width apart, and three half a third further.
    pub(crate) fn of(bits: Signal<'m>, name: &str) -> Counts<'m> {
        let [a, b, c] = parts::<3>(bits);
        let thirds = Counts { twos: a & b | c & (a | b), ones: a ^ b ^ c }.named(&format!("{name}_third"));
        let [twos_low, twos_high] = parts::<2>(thirds.twos);
        let [ones_low, ones_high] = parts::<2>(thirds.ones);
        Counts { twos: twos_low, ones: ones_low }.plus(Counts { twos: twos_high, ones: ones_high }, name)
    }

    /// Three numbers become one.
    pub(crate) fn by_three(self, name: &str) -> Counts<'m> {
        if self.ones.width() == 1 {
            return self;
        }
        let (twos, ones) = (parts::<3>(self.twos), parts::<3>(self.ones));
        let [a, b, c] = [0, 1, 2].map(|part| Counts { twos: twos[part], ones: ones[part] });
        a.plus(b, &format!("{name}_pair")).plus(c, name)
    }

    /// Number by number the sum, 3 if it is more.
    fn plus(self, other: Counts<'m>, name: &str) -> Counts<'m> {
        let carry = (self.ones & other.ones).named(format!("{name}_carry"));
        let any_two = (self.twos | other.twos).named(format!("{name}_any_two"));
        let more = self.twos & other.twos | any_two & carry;
        Counts { twos: any_two | carry, ones: self.ones ^ other.ones | more }.named(name)
    }

    fn named(self, name: &str) -> Counts<'m> {
        Counts {
            twos: self.twos.named(format!("{name}_twos")),
            ones: self.ones.named(format!("{name}_ones")),
        }
    }

    pub(crate) fn delay(self, m: &'m ModuleBuilder, name: &str) -> Counts<'m> {
        let (twos, ones) = (format!("{name}_twos"), format!("{name}_ones"));
        Counts { twos: m.delay(&twos, self.twos), ones: m.delay(&ones, self.ones) }
    }
}

/// Equal parts of a value, zeros above if its width is no multiple.
fn parts<const N: usize>(value: Signal<'_>) -> [Signal<'_>; N] {
    let width = value.width().div_ceil(N as u32);
    let value = value.zero_extend(width * N as u32);
    std::array::from_fn(|part| value.bits(part as u32 * width..(part as u32 + 1) * width))
}

/// What the distance of an entry means.
#[derive(Clone, Copy)]
pub(crate) struct Meaning<'m> {
    /// It is the entry.
    pub(crate) hit: Signal<'m>,
    /// It is, and one of its bits was flipped.
    pub(crate) close: Signal<'m>,
    /// It may be, but for more flipped bits than are corrected.
    pub(crate) near: Signal<'m>,
}

impl<'m> Meaning<'m> {
    pub(crate) fn of(w: &Widths, counts: Counts<'m>, entry: u32) -> Meaning<'m> {
        let mut counts = counts;
        let mut step = 0;
        while counts.ones.width() > 1 {
            counts = counts.by_three(&format!("distance{entry}_{step}"));
            step += 1;
        }
        let Counts { twos, ones } = counts;
        match w.config.protection {
            Protection::Secded => Meaning { hit: !twos, close: ones & !twos, near: twos & !ones },
            Protection::None | Protection::Parity => {
                Meaning { hit: !twos & !ones, close: ones.low(0), near: ones & !twos }
            }
        }
    }

    /// No bit differs.
    pub(crate) fn exact(&self) -> Signal<'m> {
        if self.close.width() == 0 { self.hit } else { self.hit & !self.close }
    }

    pub(crate) fn delay(self, m: &'m ModuleBuilder, name: &str) -> Meaning<'m> {
        Meaning {
            hit: m.delay(&format!("{name}_hit"), self.hit),
            close: m.delay(&format!("{name}_close"), self.close),
            near: m.delay(&format!("{name}_near"), self.near),
        }
    }
}
