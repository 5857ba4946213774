//! Stage `binding` alone, with every protection: what a request finds equals a plain search over the entries as they
//! were when it came in.

mod common {
    pub mod bench;
    pub mod coded;
}

use std::collections::VecDeque;

use common::bench::Bench;
use common::coded::coded;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::binding;
use stagecoach_controller::widths::Widths;
use stagecoach_hdl::BigUint;
use stagecoach_spec::{Config, Preset, Protection};

/// Cycles of each run.
const CYCLES: u32 = 12_000;
/// Cycles between tokens: what they do stands still while one is under way.
const TOKEN_EVERY: u32 = 10;
/// Few bits, so that identifiers have neighbours.
const NET_ID_BITS: u32 = 7;

fn configuration(protection: Protection, bindings: u32) -> Config {
    Config { protection, bindings, tables: 12, net_id_bits: NET_ID_BITS, ..Preset::Tiny.config() }
}

/// An entry as it is stored, and how many of its bits were flipped since it was written.
#[derive(Clone, Default)]
struct Entry {
    written: Option<(u64, u64)>,
    identifier_flips: u64,
    number_flips: u64,
}

/// What a request finds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    known: bool,
    table: u64,
    corrupt: bool,
    corrected: bool,
    place: Option<u64>,
}

struct Model {
    protection: Protection,
    table_bits: u32,
    entries: Vec<Entry>,
}

impl Model {
    fn identifier(&self, net_id: u64) -> u64 {
        coded_number(self.protection, NET_ID_BITS + 1, 1 << NET_ID_BITS | net_id)
    }

    fn find(&self, net_id: u64) -> Found {
        let wanted = self.identifier(net_id);
        let distance = |entry: &Entry| {
            let stored = entry.written.map_or(0, |(net_id, _)| self.identifier(net_id));
            (stored ^ entry.identifier_flips ^ wanted).count_ones()
        };
        let (furthest_hit, near) = match self.protection {
            Protection::None => (0, u32::MAX),
            Protection::Parity => (0, 1),
            Protection::Secded => (1, 2),
        };
        let hit = self.entries.iter().enumerate().find(|(_, entry)| distance(entry) <= furthest_hit);
        let Some((place, entry)) = hit else {
            let corrupt = self.entries.iter().any(|entry| distance(entry) == near);
            return Found { known: corrupt, corrupt, ..Found::default() };
        };
        let flips = entry.number_flips.count_ones();
        if flips > furthest_hit {
            return Found { known: true, corrupt: true, ..Found::default() };
        }
        let table = entry.written.map_or(0, |(_, table)| table);
        let corrected = flips == 1 || distance(entry) == 1;
        Found { known: true, table, corrected, place: corrected.then_some(place as u64), ..Found::default() }
    }

    /// A bit of a code that may be flipped now: as many as the protection can tell.
    fn flippable(&self, flips: u64) -> bool {
        let most = match self.protection {
            Protection::None => 0,
            Protection::Parity => 1,
            Protection::Secded => 2,
        };
        flips.count_ones() < most
    }
}

fn coded_number(protection: Protection, bits: u32, word: u64) -> u64 {
    coded(protection, bits, &BigUint::from(word)).to_u64_digits().first().copied().unwrap_or(0)
}

/// How often the cases came.
#[derive(Debug, Default)]
struct Met {
    unknown: u32,
    exact: u32,
    corrected: u32,
    corrupt: u32,
}

fn run(protection: Protection, bindings: u32, seed: u64) -> Met {
    let w = Widths::of(&configuration(protection, bindings));
    let mut bench = Bench::new(&binding::describe(&w).expect("sound"), seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let entries = vec![Entry::default(); bindings as usize];
    let mut model = Model { protection, table_bits: w.table, entries };
    let mut under_way: VecDeque<(Option<Found>, bool)> = VecDeque::new();
    let mut met = Met::default();
    // Without protection the identifier comes from the request port, a cycle before the request itself.
    let (net_id_port, ahead) = match protection {
        Protection::None => ("req_net_id", 1),
        Protection::Parity | Protection::Secded => ("in_net_id", 0),
    };
    let mut flows: VecDeque<(bool, bool)> = (0..ahead).map(|_| (false, false)).collect();
    for cycle in 0..CYCLES {
        let token = cycle % TOKEN_EVERY == 0;
        if token {
            token_in(&mut bench, &mut model, &mut random);
        }
        let net_id = wanted(&model, &mut random);
        let request = !token && random.random_range(0..10) < 9;
        bench.set(net_id_port, net_id);
        flows.push_back((token, request));
        let (token_in, request_in) = flows.pop_front().expect("at least this one");
        bench.set("in_token", u64::from(token_in));
        bench.set("in_request", u64::from(request_in));
        under_way.push_back((request.then(|| model.find(net_id)), token));
        if cycle >= w.cycles("binding") + ahead {
            let (expected, token) = under_way.pop_front().expect("so many are under way");
            assert_eq!(bench.is("out_token"), token);
            assert_eq!(bench.is("out_request"), expected.is_some());
            let pulses = (bench.is("check_corrected"), bench.is("check_uncorrectable"));
            let Some(expected) = expected else {
                assert_eq!(pulses, (false, false), "of requests only");
                bench.steps(1);
                continue;
            };
            let seen = Found {
                known: bench.is("out_known"),
                table: bench.number("out_table"),
                corrupt: bench.is("out_corrupt"),
                corrected: pulses.0,
                place: pulses.0.then(|| bench.number("check_place")),
            };
            assert_eq!(seen, expected, "{protection:?}, {bindings} bindings, seed {seed}, cycle {cycle}");
            assert_eq!(pulses.1, expected.corrupt);
            met.unknown += u32::from(!expected.known);
            met.corrected += u32::from(expected.corrected);
            met.corrupt += u32::from(expected.corrupt);
            met.exact += u32::from(expected.known && !expected.corrected && !expected.corrupt);
        }
        bench.steps(1);
    }
    assert!(bench.simulator.failures().is_empty(), "{:?}", bench.simulator.failures());
    met
}

/// Mostly one that is bound.
fn wanted(model: &Model, random: &mut ChaCha8Rng) -> u64 {
    let entry = &model.entries[random.random_range(0..model.entries.len())];
    match entry.written {
        Some((net_id, _)) if random.random_range(0..4) > 0 => net_id,
        _ => random.random_range(0..1 << NET_ID_BITS),
    }
}

/// A token that writes, frees or flips an entry, or does nothing.
fn token_in(bench: &mut Bench, model: &mut Model, random: &mut ChaCha8Rng) {
    let place = random.random_range(0..model.entries.len());
    let entry = model.entries[place].clone();
    let number_bits = model.protection.coded_bits(model.table_bits);
    let identifier_bits = model.protection.coded_bits(NET_ID_BITS + 1);
    let number_code = |table| coded_number(model.protection, model.table_bits, table);
    let (identifier, number, flip, after) = match random.random_range(0..5) {
        // Bind, or write an entry anew.
        0 | 1 => {
            let bound = |id| model.entries.iter().any(|e| e.written.is_some_and(|(other, _)| other == id));
            let (net_id, table) = entry.written.unwrap_or_else(|| {
                let free = (0..).map(|_| random.random_range(0..1 << NET_ID_BITS)).find(|id| !bound(*id));
                (free.expect("more identifiers than entries"), random.random_range(0..12))
            });
            let written = Some((net_id, table));
            (model.identifier(net_id), number_code(table), 0, Entry { written, ..Entry::default() })
        }
        2 => (0, number_code(entry.written.map_or(0, |(_, table)| table)), 0, Entry::default()),
        3 if model.flippable(entry.identifier_flips) => {
            let bit = 1 << random.random_range(0..identifier_bits);
            (bit, 0, 1, Entry { identifier_flips: entry.identifier_flips ^ bit, ..entry })
        }
        4 if model.flippable(entry.number_flips) => {
            let bit = 1 << random.random_range(0..number_bits);
            (0, bit, 1, Entry { number_flips: entry.number_flips ^ bit, ..entry })
        }
        _ => {
            bench.set("commit_binding", 0u32);
            return;
        }
    };
    bench.set("commit_binding", 1u32);
    bench.set("commit_entry", place);
    bench.set("commit_identifier", identifier);
    bench.set("commit_number", number);
    bench.set("commit_flip", flip as u32);
    model.entries[place] = after;
}

#[test]
fn a_request_finds_what_was_bound_when_it_came() {
    for (bindings, seed) in [(1, 1), (16, 2), (17, 3), (40, 4)] {
        let met = run(Protection::None, bindings, seed);
        assert!(met.unknown.min(met.exact) > 500, "{met:?}");
    }
}

#[test]
fn with_parity_a_flipped_bit_is_never_another_table() {
    for (bindings, seed) in [(1, 5), (17, 6), (40, 7)] {
        let met = run(Protection::Parity, bindings, seed);
        assert!(met.unknown.min(met.exact).min(met.corrupt) > 500, "{met:?}");
    }
}

#[test]
fn with_secded_one_flipped_bit_is_a_hit_and_two_are_never_another_table() {
    for (bindings, seed) in [(1, 8), (17, 9), (40, 10)] {
        let met = run(Protection::Secded, bindings, seed);
        assert!(met.unknown.min(met.exact).min(met.corrupt).min(met.corrected) > 200, "{met:?}");
    }
}
