//! The fault log alone, against a list of refused requests.

mod common;

use std::collections::VecDeque;

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::fault_log::{self, LOG_CYCLES, SIDECAR_DEPTH};
use stagecoach_controller::widths::Widths;
use stagecoach_spec::{Config, Fault, Preset};

/// The fields of a request, in the order of the entry's fields behind the table, `op` first.
const REQUEST: [&str; 9] = ["op", "va", "key", "pd", "length", "bound", "tag", "stream", "net_id"];
/// Cycles in which a request cannot have a verdict yet.
const FRESH: u64 = 15;
/// Tables that requests have.
const TABLES: u32 = 3;

#[derive(Clone, Debug)]
struct Request {
    fields: Vec<u128>,
    accepted: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    count: u32,
    fault: u32,
    table: u32,
    fields: Vec<u128>,
}

fn entry_of(block: &mut Block) -> Option<Entry> {
    let get = |block: &mut Block, field: &str| block.get(&format!("entry_{field}"));
    let fields: Vec<_> = REQUEST.into_iter().map(|field| get(block, field)).collect();
    let (count, fault) = (get(block, "count") as u32, get(block, "fault") as u32);
    let entry = Entry { count, fault, table: get(block, "table") as u32, fields };
    if get(block, "valid") == 1 {
        return Some(entry);
    }
    let zero = Entry { count: 0, fault: 0, table: 0, fields: vec![0; REQUEST.len()] };
    assert_eq!(entry, zero, "an entry that is not valid is zero");
    None
}

/// An erasure under way: since when, and whose.
struct Erasure {
    table: u32,
    begun: u64,
    /// The count of each entry that is to go.
    doomed: Vec<Option<u32>>,
}

/// How often the cases came that need care.
#[derive(Debug, Default)]
struct Met {
    refusals: u32,
    erasures: u32,
    /// Entries that were erased.
    erased: u32,
    /// Entries of others that an erasure left.
    spared: u32,
    /// Entries to be erased that a refusal took over while the walk was under way.
    rewritten: u32,
    reads: u32,
    invalid_reads: u32,
}

fn run(entries: u32, seed: u64) -> Met {
    let config = Config { fault_log_entries: entries, net_id_bits: 128, ..Preset::Tiny.config() };
    let w = Widths::of(&config);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut block = Block::new(&fault_log::describe(&w).expect("sound"), seed);
    let widths = w.waiting();
    let mut met = Met::default();
    let mut sidecar = VecDeque::<Request>::new();
    let mut log: Vec<Option<Entry>> = vec![None; entries as usize];
    let mut count = 0u32;
    let mut reads = VecDeque::from(vec![None::<Option<Entry>>; LOG_CYCLES as usize]);
    let mut shown = None::<Option<Entry>>;
    let mut erasure = None::<Erasure>;
    for cycle in 0..20_000u64 {
        let phase = cycle / 500 % 4;
        // A request, unless too many wait already.
        let request = sidecar.len() < SIDECAR_DEPTH as usize && random.random_bool(0.8);
        let fields: Vec<u128> = widths.iter().map(|width| random.random::<u128>() >> (128 - width)).collect();
        block.set("in_request", u8::from(request));
        for (name, value) in REQUEST.into_iter().zip(&fields) {
            block.set(&format!("in_{name}"), *value);
        }
        // A verdict on the oldest, or a token, or neither.
        let ready = sidecar.front().is_some_and(|oldest| oldest.accepted + FRESH <= cycle);
        let verdict = ready && random.random_bool([0.95, 0.02, 0.5, 1.0][phase as usize]);
        let fault: u32 = match random.random_range(0..4) {
            0 if phase < 2 => 0,
            1 => Fault::UnknownNetwork.code().into(),
            _ => random.random_range(2..12),
        };
        // The table that is being erased has no requests left.
        let tables: Vec<_> =
            (0..TABLES).filter(|table| erasure.as_ref().is_none_or(|e| e.table != *table)).collect();
        let table = tables[random.random_range(0..tables.len())];
        let table = if fault == u32::from(Fault::UnknownNetwork.code()) { 0 } else { table };
        block.set("verdict", u8::from(verdict));
        block.set("verdict_fault", if verdict { fault } else { random.random() });
        block.set("verdict_table", if verdict { table } else { random.random() });
        let token = !verdict && erasure.is_none() && random.random_bool(0.5);
        let entry = random.random_range(0..entries);
        block.set("token", u8::from(token));
        block.set("token_entry", entry);
        let erase = erasure.is_none() && random.random_bool(0.02);
        block.set("erase", u8::from(erase));
        let erased_table = random.random_range(0..TABLES);
        block.set("erase_table", erased_table);

        if request {
            sidecar.push_back(Request { fields, accepted: cycle });
        }
        if verdict {
            let request = sidecar.pop_front().expect("there is one");
            if fault != 0 {
                count += 1;
                let place = (count - 1) as usize % log.len();
                if let Some(Erasure { doomed, .. }) = &erasure {
                    met.rewritten += u32::from(doomed[place].is_some());
                }
                log[place] = Some(Entry { count, fault, table, fields: request.fields });
                met.refusals += 1;
            }
        }
        if erase {
            let table = erased_table;
            let is_doomed = |entry: &Entry| {
                entry.table == table && entry.fault != u32::from(Fault::UnknownNetwork.code())
            };
            met.spared += log.iter().flatten().filter(|entry| !is_doomed(entry)).count() as u32;
            let doomed = log.iter().map(|entry| entry.as_ref().filter(|e| is_doomed(e)).map(|e| e.count));
            erasure = Some(Erasure { table, begun: cycle, doomed: doomed.collect() });
        }
        if block.get("erase_done") == 1 {
            let Erasure { begun, doomed, .. } = erasure.take().expect("an erasure is under way");
            assert!(cycle - begun <= u64::from(entries) + 11, "an entry a cycle");
            for (entry, doomed) in log.iter_mut().zip(doomed) {
                if doomed.is_some() && entry.as_ref().map(|entry| entry.count) == doomed {
                    met.erased += 1;
                    *entry = None;
                }
            }
            met.erasures += 1;
        }
        reads.push_back(token.then(|| log[entry as usize].clone()));
        if let Some(expected) = reads.pop_front().expect("one per cycle") {
            met.reads += 1;
            met.invalid_reads += u32::from(expected.is_none());
            shown = Some(expected);
        }
        if let Some(shown) = &shown {
            assert_eq!(entry_of(&mut block), *shown, "{entries} entries, seed {seed}, cycle {cycle}");
        }
        block.step();
    }
    assert!(block.failures().is_empty(), "{:?}", block.failures());
    met
}

#[test]
fn equals_a_list_of_refused_requests() {
    for seed in SEEDS {
        for entries in [2, 4, 16, 128, 256] {
            let met = run(entries, seed);
            assert!(met.refusals > 5000 && met.reads > 500 && met.erasures > 30, "{entries}: {met:?}");
            assert!(met.erased > 10 && met.spared > 30, "{entries}: {met:?}");
            // An erasure is too short, or a log too large, for these in some of the sizes.
            assert!(entries > 16 || met.invalid_reads > 30, "{entries}: {met:?}");
            assert!(entries < 4 || met.rewritten > 30, "{entries}: {met:?}");
        }
    }
}

/// The block after reset, for the smallest log.
fn new() -> Block {
    let config = Config { fault_log_entries: 2, ..Preset::Tiny.config() };
    Block::new(&fault_log::describe(&Widths::of(&config)).expect("sound"), 1)
}

#[test]
fn nothing_is_in_the_log_after_reset() {
    let mut block = new();
    for entry in 0..2u8 {
        block.set("token", 1u8);
        block.set("token_entry", entry);
        block.step();
        block.set("token", 0u8);
        (1..LOG_CYCLES).for_each(|_| block.step());
        assert_eq!(entry_of(&mut block), None);
    }
}

#[test]
fn more_requests_than_the_sidecar_holds_are_noticed() {
    let mut block = new();
    block.set("in_request", 1u8);
    (0..SIDECAR_DEPTH).for_each(|_| block.step());
    // They come a cycle later.
    block.step();
    assert!(block.failures().is_empty());
    block.step();
    assert_eq!(block.failures(), ["sidecar_holds"]);
}

#[test]
fn a_verdict_without_a_request_is_noticed() {
    let mut block = new();
    block.set("verdict", 1u8);
    block.step();
    block.set("verdict", 0u8);
    block.step();
    assert_eq!(block.failures(), ["verdict_has_request"]);
}

#[test]
fn a_token_beside_a_verdict_is_noticed() {
    let mut block = new();
    block.set("in_request", 1u8);
    block.step();
    block.set("in_request", 0u8);
    block.set("verdict", 1u8);
    block.set("token", 1u8);
    block.step();
    assert_eq!(block.failures(), ["one_traveller"]);
}
