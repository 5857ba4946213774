//! The stages that read a stored word, each alone: what is written is read, flipped bits are told of as the protection
//! can, tokens see what requests see, and no row of the decision table comes out of a corrupt word.

mod common {
    pub mod bench;
    pub mod coded;
}

use std::sync::Arc;

use common::bench::Bench;
use common::coded::coded;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::key_row::KeyRow;
use stagecoach_controller::widths::Widths;
use stagecoach_controller::{bounds, decide, region, slice, slot, table};
use stagecoach_hdl::{BigUint, DesignErrors, Module};
use stagecoach_spec::{Config, Fault, Preset, Protection};

const PROTECTIONS: [Protection; 3] = [Protection::None, Protection::Parity, Protection::Secded];

/// A stage that reads a stored word, and how its ports are called.
struct Stage {
    name: &'static str,
    describe: fn(&Widths) -> Result<Arc<Module>, DesignErrors>,
    /// A lookup's place.
    place: &'static str,
    /// The place, and whether a token comes, a cycle ahead of the rest.
    ahead: bool,
    write_place: &'static str,
    write: &'static str,
    write_word: &'static str,
    /// Fields of the word with their outputs, highest first.
    fields: Vec<(&'static str, u32)>,
    /// Inputs that make a lookup depend on the word, and others that make it not.
    depends: &'static [(&'static str, u32)],
    ignores: &'static [(&'static str, u32)],
}

fn stages(w: &Widths) -> Vec<Stage> {
    let named = |names: &[&'static str], widths: Vec<u32>| names.iter().copied().zip(widths).collect();
    let table = Stage {
        name: "table",
        describe: table::describe,
        place: "in_table",
        ahead: false,
        write_place: "commit_table",
        write: "commit_write_table",
        write_word: "commit_table_word",
        fields: named(
            &["out_frozen", "out_epoch", "out_region_base", "out_region_count", "out_slot_base"],
            w.table_memory(),
        ),
        depends: &[("in_known", 1)],
        ignores: &[("in_known", 0)],
    };
    let region_fields = [
        "out_region_valid",
        "out_region_variant",
        "out_region_pd",
        "out_region_rights",
        "out_region_page_size",
        "out_region_base",
        "out_region_limit",
        "out_region_origin",
        "out_region_first_slot",
    ];
    let region = Stage {
        name: "region",
        describe: region::describe,
        place: "ahead_region",
        ahead: true,
        write_place: "commit_region",
        write: "commit_write_region",
        write_word: "commit_region_word",
        fields: named(&region_fields, w.region_word()),
        depends: &[("in_in_slice", 1), ("in_settled", 0)],
        ignores: &[("in_in_slice", 1), ("in_settled", 1)],
    };
    let slot = Stage {
        name: "slot",
        describe: slot::describe,
        place: "in_slot_index",
        ahead: false,
        write_place: "commit_slot",
        write: "commit_write_slot",
        write_word: "commit_slot_word",
        fields: named(&["out_slot_present", "out_slot_page_size", "out_slot_frame"], w.slot_word()),
        depends: &[("in_empty", 0)],
        ignores: &[("in_empty", 1)],
    };
    vec![table, region, slot]
}

/// Whose read it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reader {
    Lookup,
    LookupThatDoesNotDepend,
    Token,
}

struct Under<'a> {
    stage: &'a Stage,
    bench: Bench,
    cycles: u32,
}

impl Under<'_> {
    fn write(&mut self, place: u32, word: &BigUint) {
        self.bench.set(self.stage.write, 1u32);
        self.bench.set(self.stage.write_place, place);
        self.bench.set(self.stage.write_word, word.clone());
        // What a token carries stands still before it comes.
        self.bench.steps(1);
        self.bench.set(if self.stage.ahead { "ahead_token" } else { "in_token" }, 1u32);
        self.bench.steps(1);
        self.bench.set("ahead_token", 0u32);
        self.bench.set("in_token", 0u32);
        self.bench.set(self.stage.write, 0u32);
        // A pool writes a cycle later.
        self.bench.steps(1);
    }

    /// Reads a place; the outputs stand when this returns.
    fn read(&mut self, place: u32, reader: Reader) {
        let token = reader == Reader::Token;
        self.bench.set(self.stage.place, place);
        if self.stage.ahead {
            self.bench.set("ahead_token", u32::from(token));
            self.bench.steps(1);
            self.bench.set("ahead_token", 0u32);
            self.bench.set(self.stage.place, place ^ 1);
        }
        let inputs = if reader == Reader::Lookup { self.stage.depends } else { self.stage.ignores };
        inputs.iter().for_each(|(name, value)| self.bench.set(name, *value));
        let flow = if token { "in_token" } else { "in_request" };
        self.bench.set(flow, 1u32);
        self.bench.steps(1);
        self.bench.set(flow, 0u32);
        // What comes behind it must not be mixed up with it.
        self.bench.set(self.stage.place, place ^ 1);
        self.bench.steps(self.cycles - 1);
    }

    fn word(&mut self) -> BigUint {
        let fields = &self.stage.fields;
        fields.iter().fold(BigUint::ZERO, |word, (name, width)| word << *width | self.bench.get(name))
    }
}

#[test]
fn flipped_bits_of_stored_words_are_told_of() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for protection in PROTECTIONS {
        for tables in [16, 100] {
            let w = Widths::of(&Config { protection, tables, ..Preset::Tiny.config() });
            for stage in stages(&w) {
                flip_all(&w, &stage, &mut random);
            }
        }
    }
}

/// Words with no flip, with every single one, and with some double ones.
fn flip_all(w: &Widths, stage: &Stage, random: &mut ChaCha8Rng) {
    let protection = w.config.protection;
    let bench = Bench::new(&(stage.describe)(w).expect("sound"), 7);
    let mut under = Under { stage, bench, cycles: w.cycles(stage.name) };
    let bits: u32 = stage.fields.iter().map(|(_, width)| width).sum();
    let width = protection.coded_bits(bits);
    let mut cases = vec![vec![]];
    if protection != Protection::None {
        cases.extend((0..width).map(|bit| vec![bit]));
    }
    if protection == Protection::Secded {
        cases.extend((1..width).map(|bit| vec![bit, random.random_range(0..bit)]));
    }
    for flips in cases {
        let place = random.random_range(0..16);
        let word = (0..bits)
            .fold(BigUint::ZERO, |word, _| word << 1u32 | BigUint::from(random.random_range(0..2u32)));
        let mut stored = coded(protection, bits, &word);
        for flip in &flips {
            stored.set_bit(u64::from(*flip), !stored.bit(u64::from(*flip)));
        }
        // The neighbour is fine, and different.
        under.write(place ^ 1, &coded(protection, bits, &(&word ^ BigUint::from(1u32))));
        under.write(place, &stored);
        let corrects = protection == Protection::Secded;
        let corrupt = flips.len() > usize::from(corrects);
        for reader in [Reader::Lookup, Reader::LookupThatDoesNotDepend, Reader::Token] {
            under.read(place, reader);
            let case = format!("{protection:?}, {}, {flips:?}, {reader:?}", stage.name);
            assert_eq!(under.bench.is("out_token"), reader == Reader::Token, "{case}");
            assert_eq!(under.bench.is("out_request"), reader != Reader::Token, "{case}");
            assert_eq!(under.bench.is("out_corrupt"), corrupt, "{case}");
            if !corrupt {
                assert_eq!(under.word(), word, "{case}");
            }
            if protection != Protection::None {
                assert_eq!(under.bench.get("out_raw"), stored, "{case}");
            }
            let told = reader == Reader::Lookup;
            assert_eq!(under.bench.is("check_uncorrectable"), told && corrupt, "{case}");
            let corrected = told && corrects && flips.len() == 1;
            assert_eq!(under.bench.is("check_corrected"), corrected, "{case}");
            if corrected {
                assert_eq!(under.bench.number("check_place"), u64::from(place), "{case}");
            }
        }
    }
}

#[test]
fn a_corrupt_binding_names_no_table() {
    for protection in [Protection::Parity, Protection::Secded] {
        let w = Widths::of(&Config { protection, ..Preset::Tiny.config() });
        // The memory holds noise: nothing was written, and nothing may come of it.
        for seed in 0..8 {
            let mut bench = Bench::new(&table::describe(&w).expect("sound"), seed);
            for (name, value) in [("in_request", 1u32), ("in_known", 1), ("in_corrupt", 1)] {
                bench.set(name, value);
            }
            bench.steps(w.cycles("table"));
            assert!(bench.is("out_corrupt") && bench.is("out_known"));
            assert!(!bench.is("check_corrected") && !bench.is("check_uncorrectable"), "not the table's word");
        }
    }
}

/// The rows before the key, in order; the first that applies is the verdict.
#[test]
fn early_rows_come_in_order() {
    for protection in PROTECTIONS {
        let w = Widths::of(&Config { protection, ..Preset::Tiny.config() });
        let mut bench = Bench::new(&slice::describe(&w).expect("sound"), 3);
        for case in 0..64u32 {
            let flag = |bit: u32| case >> bit & 1 == 1;
            let (known, corrupt, frozen) = (flag(0), flag(1) && protection != Protection::None, flag(2));
            let (invalid, unchecked, epoch) = (flag(3), flag(4), flag(5));
            let flags = [
                ("in_known", known),
                ("in_corrupt", corrupt),
                ("in_frozen", frozen),
                ("in_invalid", invalid),
                ("in_unchecked", unchecked),
                ("in_epoch", epoch),
            ];
            flags.iter().for_each(|(name, value)| bench.set(name, u32::from(*value)));
            bench.set("in_table", 5u32);
            bench.set("in_request", 1u32);
            bench.steps(2);
            let rows = [
                (!known, Fault::UnknownNetwork),
                (corrupt, Fault::TableCorrupt),
                (frozen, Fault::Frozen),
                (invalid, Fault::InvalidRequest),
                (unchecked, Fault::Granted),
            ];
            let expected = rows.iter().find(|(applies, _)| *applies).map(|(_, fault)| *fault);
            assert_eq!(bench.is("out_settled"), expected.is_some(), "{flags:?}");
            if let Some(fault) = expected {
                assert_eq!(bench.number("out_fault"), u64::from(fault.code()), "{flags:?}");
            }
            assert_eq!(bench.number("out_table"), if known { 5 } else { 0 }, "{flags:?}");
            assert_eq!(bench.is("out_epoch"), epoch && known && !corrupt, "{flags:?}");
        }
    }
}

/// A corrupt region counts only where the key names it; there it comes before every row that would look at it.
#[test]
fn a_corrupt_region_comes_first_of_the_key_s_rows() {
    for protection in PROTECTIONS {
        let w = Widths::of(&Config { protection, ..Preset::Tiny.config() });
        let mut compare = Bench::new(&bounds::describe(&w).expect("sound"), 4);
        let mut decide = Bench::new(&decide::describe(&w).expect("sound"), 5);
        for case in 0..32u32 {
            let flag = |bit: u32| case >> bit & 1 == 1;
            let corrupt = flag(0) && protection != Protection::None;
            let (in_slice, settled, valid, same_variant) = (flag(1), flag(2), flag(3), flag(4));
            let inputs = [
                ("in_corrupt", u64::from(corrupt)),
                ("in_in_slice", u64::from(in_slice)),
                ("in_settled", u64::from(settled)),
                ("in_fault", u64::from(Fault::Frozen.code())),
                ("in_region_valid", u64::from(valid)),
                ("in_region_variant", u64::from(!same_variant)),
                ("in_region_rights", 0xf),
                ("in_region_limit", 64),
                ("in_end", 8),
                ("in_last_byte", 7),
                ("in_epoch", 1),
            ];
            inputs.iter().for_each(|(name, value)| compare.set(name, *value));
            compare.steps(1);
            let outputs: Vec<_> =
                compare.simulator.layout().outputs.iter().map(|slot| slot.name.clone()).collect();
            for name in outputs {
                let value = compare.get(&name);
                decide.set(&name.replacen("out_", "in_", 1), value);
            }
            decide.set("in_request", 1u32);
            decide.steps(1);
            let rows = [
                (settled, Fault::Frozen),
                (corrupt && in_slice, Fault::TableCorrupt),
                (!in_slice || !valid || !same_variant, Fault::InvalidKey),
            ];
            let expected = rows.iter().find(|(applies, _)| *applies).map(|(_, fault)| *fault);
            assert_eq!(decide.is("out_empty"), expected.is_some(), "{protection:?}, {inputs:?}");
            assert_eq!(decide.is("out_settled"), settled, "{protection:?}, {inputs:?}");
            let rows = decide.number("out_rows");
            let first = KeyRow::ALL.into_iter().find(|row| rows >> *row as u32 & 1 == 1).map(KeyRow::fault);
            let fault =
                if settled { decide.number("out_fault") } else { first.map_or(0, |f| f.code().into()) };
            let code = expected.unwrap_or(Fault::Granted).code();
            assert_eq!(fault, u64::from(code), "{protection:?}, {inputs:?}");
            assert!(decide.is("out_epoch"));
        }
    }
}
