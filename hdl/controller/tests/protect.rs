//! Check bits alone: every single flip and double flips of words of several widths, a word a cycle.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::protect;
use stagecoach_controller::widths::Widths;
use stagecoach_hdl::native::{InputId, Options, OutputId, Simulator};
use stagecoach_hdl::{Module, ModuleBuilder};
use stagecoach_spec::{Config, Preset, Protection};

/// Widths of words: the least, odd ones, a region's.
const WIDTHS: [u32; 6] = [1, 2, 9, 30, 64, 221];
/// More double flips than this are chosen at random.
const MOST_DOUBLE_FLIPS: usize = 12_000;

type Bits = Vec<u64>;

fn widths(protection: Protection) -> Widths {
    Widths::of(&Config { protection, ..Preset::Tiny.config() })
}

/// A word is encoded, bits are flipped, and it is checked: in cycles, and at once.
fn bench(w: &Widths, bits: u32) -> Arc<Module> {
    let m = ModuleBuilder::new("protect_bench", "Encodes, flips, checks.");
    let word = m.input("word", bits);
    let flips = m.input("flips", w.coded(bits));
    let written = protect::encode(w, word).named("written");
    let read = (written ^ flips).named("read");
    let (checked, raw) = protect::check_and_keep(&m, w, "kept", read);
    let plain = protect::check(&m, w, "plain", read);
    let at_once = protect::check_at_once(&m, w, "at_once", read);
    m.output("raw", raw);
    for (name, checked) in [("kept", checked), ("plain", plain), ("at_once", at_once)] {
        m.output(&format!("{name}_out"), checked.word);
        m.output(&format!("{name}_out_corrected"), checked.corrected);
        m.output(&format!("{name}_out_uncorrectable"), checked.uncorrectable);
    }
    m.output("coded", written);
    m.combinational_path("word", "coded");
    for input in ["word", "flips"] {
        for output in ["at_once_out", "at_once_out_corrected", "at_once_out_uncorrectable"] {
            m.combinational_path(input, output);
        }
        if w.check_cycles() == 0 {
            m.combinational_path(input, "kept_out");
            m.combinational_path(input, "plain_out");
        }
    }
    m.finish().expect("sound")
}

/// One check's outputs.
struct Outputs {
    word: OutputId,
    corrected: Option<OutputId>,
    uncorrectable: Option<OutputId>,
}

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    /// Nothing if the word is uncorrectable: then it means nothing.
    word: Option<Bits>,
    corrected: bool,
    uncorrectable: bool,
}

struct Bench {
    simulator: Simulator,
    word: InputId,
    flips: InputId,
    checks: Vec<Outputs>,
    coded: OutputId,
    raw: Option<OutputId>,
}

impl Bench {
    fn new(w: &Widths, bits: u32) -> Bench {
        let simulator = Simulator::new(&bench(w, bits), Options::default());
        let input = |name| simulator.input(name).expect("the bench has this input");
        let checks = ["kept", "plain", "at_once"].map(|name| Outputs {
            word: simulator.output(&format!("{name}_out")).expect("every check gives a word"),
            corrected: simulator.output(&format!("{name}_out_corrected")),
            uncorrectable: simulator.output(&format!("{name}_out_uncorrectable")),
        });
        let (word, flips) = (input("word"), input("flips"));
        let (coded, raw) = (simulator.output("coded").expect("always there"), simulator.output("raw"));
        Bench { word, flips, checks: checks.into(), coded, raw, simulator }
    }

    fn seen(&mut self, check: usize) -> Seen {
        let Outputs { word, corrected, uncorrectable } = self.checks[check];
        let mut bit = |output: Option<OutputId>| output.is_some_and(|output| self.simulator.get(output) == 1);
        let (corrected, uncorrectable) = (bit(corrected), bit(uncorrectable));
        let word = (!uncorrectable).then(|| self.simulator.get_wide(word).to_vec());
        Seen { word, corrected, uncorrectable }
    }
}

fn random_word(random: &mut ChaCha8Rng, bits: u32) -> Bits {
    let mut word: Bits = (0..bits.div_ceil(64)).map(|_| random.random()).collect();
    if !bits.is_multiple_of(64) {
        *word.last_mut().expect("a word has bits") &= (1 << (bits % 64)) - 1;
    }
    word
}

fn flips_of(positions: &[u32], coded_bits: u32) -> Bits {
    let mut flips = vec![0; coded_bits.div_ceil(64) as usize];
    for position in positions {
        flips[(position / 64) as usize] ^= 1 << (position % 64);
    }
    flips
}

/// What the textbook says of a word with so many flipped bits.
fn expected(protection: Protection, word: &Bits, flips: usize) -> Seen {
    let fine = Seen { word: Some(word.clone()), corrected: false, uncorrectable: false };
    let corrupt = Seen { word: None, corrected: false, uncorrectable: true };
    match (protection, flips) {
        (_, 0) => fine,
        (Protection::Parity, 1) | (Protection::Secded, 2) => corrupt,
        (Protection::Secded, 1) => Seen { corrected: true, ..fine },
        other => panic!("nothing is promised for {other:?}"),
    }
}

/// Plays the flips, one case a cycle, each with a word of its own.
fn play(protection: Protection, bits: u32, cases: &[Vec<u32>]) {
    let w = widths(protection);
    let mut bench = Bench::new(&w, bits);
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(bits));
    let cycles = w.check_cycles() as usize;
    let mut under_way = VecDeque::new();
    let drain = vec![vec![]; cycles];
    for (case, flips) in cases.iter().chain(&drain).enumerate() {
        let word = random_word(&mut random, bits);
        let flipped = flips_of(flips, w.coded(bits));
        bench.simulator.set_wide(bench.word, &word);
        bench.simulator.set_wide(bench.flips, &flipped);
        let coded = bench.simulator.get_wide(bench.coded).to_vec();
        let ones: u32 = coded.iter().map(|limb| limb.count_ones()).sum();
        assert_eq!(ones % 2, 0, "{protection:?}, {bits} bits: the parity of a coded word is even");
        let read: Bits = coded.iter().zip(&flipped).map(|(coded, flips)| coded ^ flips).collect();
        let want = expected(protection, &word, flips.len());
        assert_eq!(bench.seen(2), want, "{protection:?}, {bits} bits, {flips:?} at once");
        under_way.push_back((want, read, flips));
        if case >= cycles {
            let (want, read, flips) = under_way.pop_front().expect("cycles of them are under way");
            for check in 0..2 {
                assert_eq!(bench.seen(check), want, "{protection:?}, {bits} bits, {flips:?}, check {check}");
            }
            let raw = bench.raw.expect("there is protection");
            assert_eq!(bench.simulator.get_wide(raw), read, "as it was read");
        }
        bench.simulator.step();
    }
}

fn single_flips(coded: u32) -> Vec<Vec<u32>> {
    [vec![]].into_iter().chain((0..coded).map(|position| vec![position])).collect()
}

#[test]
fn parity_detects_every_single_flip() {
    for bits in WIDTHS {
        let coded = widths(Protection::Parity).coded(bits);
        assert_eq!(coded, bits + 1);
        play(Protection::Parity, bits, &single_flips(coded));
    }
}

#[test]
fn secded_corrects_every_single_flip() {
    for bits in WIDTHS {
        play(Protection::Secded, bits, &single_flips(widths(Protection::Secded).coded(bits)));
    }
}

#[test]
fn secded_detects_double_flips() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for bits in WIDTHS {
        let coded = widths(Protection::Secded).coded(bits);
        let mut pairs: Vec<Vec<u32>> =
            (1..coded).flat_map(|high| (0..high).map(move |low| vec![low, high])).collect();
        while pairs.len() > MOST_DOUBLE_FLIPS {
            let dropped = random.random_range(0..pairs.len());
            pairs.swap_remove(dropped);
        }
        play(Protection::Secded, bits, &pairs);
    }
}

#[test]
fn zero_and_nothing_else_has_check_bits_of_zero_alone() {
    for protection in [Protection::Parity, Protection::Secded] {
        for bits in WIDTHS {
            let w = widths(protection);
            let mut bench = Bench::new(&w, bits);
            bench.simulator.set_wide(bench.flips, &[0]);
            bench.simulator.set_wide(bench.word, &[0]);
            assert!(bench.simulator.get_wide(bench.coded).iter().all(|limb| *limb == 0));
            for bit in 0..bits {
                bench.simulator.set_wide(bench.word, &flips_of(&[bit], bits));
                let coded = bench.simulator.get_wide(bench.coded).to_vec();
                let ones: u32 = coded.iter().map(|limb| limb.count_ones()).sum();
                // The distance of the code: two, or four.
                let least = if protection == Protection::Parity { 2 } else { 4 };
                assert!(ones >= least, "{protection:?}, {bits} bits, bit {bit}");
            }
        }
    }
}

#[test]
fn without_protection_nothing_is_added() {
    let w = widths(Protection::None);
    assert_eq!((w.coded(221), w.check_cycles(), w.check(12)), (221, 0, vec![0, 0, 0]));
    let mut bench = Bench::new(&w, 221);
    assert!(bench.raw.is_none() && bench.checks.iter().all(|check| check.uncorrectable.is_none()));
    let word = random_word(&mut ChaCha8Rng::seed_from_u64(9), 221);
    bench.simulator.set_wide(bench.word, &word);
    bench.simulator.set_wide(bench.flips, &[0]);
    for check in 0..3 {
        assert_eq!(bench.seen(check).word.as_ref(), Some(&word));
    }
}
