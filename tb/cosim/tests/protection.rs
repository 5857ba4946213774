//! Flipped bits: `secded` corrects one and puts the word right, `parity` refuses to use the word, and two flipped bits
//! under `secded` are noticed. Whatever happens, no wrong address comes out: the testbench compares every beat.

mod support;

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::{Stalls, Testbench};
use stagecoach_spec::{
    Answer, Config, Counter, Fault, NetId, Op, PeekEntry, Protection, Region, Request, Stored, Update,
    UpdateError,
};
use support::*;

/// Words of up to so many bits are tried bit by bit, longer ones with as many random bits.
const BITS: u32 = 40;
/// Cycles after which a corrected word has been written back.
const SCRUBBED: u64 = 120;
/// The table whose words are flipped.
const TABLE: u16 = 1;
/// The page whose slot is.
const PAGE: u32 = 2;
/// An index of a region that is not valid.
const EMPTY_INDEX: u32 = 6;

fn protected(protection: Protection) -> Config {
    Config { protection, net_id_bits: 29, tables: 3, bindings: 6, dirty_words: 64, ..config() }
}

/// Every stored word of a kind that lookups read.
const LOOKED_UP: [Stored; 4] = [
    // Bound third: the first of the second table.
    Stored::Binding { entry: 2 },
    Stored::Table { table: TABLE },
    Stored::Region { table: TABLE, index: KEY >> 8 },
    Stored::Slot { table: TABLE, slot: PAGE },
];

/// Words that updates read, with an update that reads them, its answer, and changes nothing.
fn consulted() -> [(Stored, Update, Answer); 4] {
    let taken = Update::Bind { table: TABLE, net_id: net_id(0) };
    let invalid = Update::Invalidate { table: TABLE, key: EMPTY_INDEX << 8 };
    let absent = Update::ClearSlot { table: TABLE, slot: EMPTY_SLOT };
    let thawed = Update::Thaw { table: TABLE };
    [
        (Stored::ListedBinding { entry: 2 }, taken, Err(UpdateError::AlreadyBound)),
        (Stored::Record { table: TABLE }, thawed, Err(UpdateError::NotFrozen)),
        (Stored::ValidRegion { table: TABLE, index: EMPTY_INDEX }, invalid, Err(UpdateError::NotValid)),
        (Stored::PresentSlot { table: TABLE, slot: EMPTY_SLOT }, absent, Err(UpdateError::NotValid)),
    ]
}

/// The bits to try.
fn bits(config: &Config, stored: Stored) -> Vec<u16> {
    let all = config.stored_bits(stored);
    if all <= BITS {
        return (0..all as u16).collect();
    }
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(stored.space()));
    let mut bits: Vec<u16> =
        sample(&mut random, all as usize, BITS as usize).iter().map(|bit| bit as u16).collect();
    // The ends, where data and check bits begin and end.
    bits.extend([0, all as u16 - 1]);
    bits.sort_unstable();
    bits.dedup();
    bits
}

fn request() -> Request {
    access(TABLE, Op::RemoteWrite, PAGE)
}

/// The beat of [`request`] by its fault and address.
fn verdict(bench: &mut Testbench) -> (Fault, u64) {
    let beats = ask(bench, &request());
    assert_eq!(beats.len(), 1);
    (beats[0].fault, beats[0].pa)
}

fn granted() -> (Fault, u64) {
    (Fault::Granted, (frame(TABLE, PAGE) << 12) + 8 * u64::from(PAGE))
}

fn flip(bench: &mut Testbench, stored: Stored, bit: u16) {
    done(bench, Update::Inject { stored, bit });
}

fn count(bench: &mut Testbench, counter: Counter) -> u64 {
    done(bench, Update::ReadCounter { table: 0, counter })
}

#[test]
fn without_protection_nothing_is_injected() {
    let mut bench = loaded(&config(), Stalls::NONE);
    for stored in LOOKED_UP {
        let inject = Update::Inject { stored, bit: 0 };
        assert_eq!(answer(&mut bench, inject), Err(UpdateError::Unsupported));
    }
    assert_eq!(verdict(&mut bench), granted());
    finish(bench);
}

#[test]
fn secded_corrects_every_bit_that_lookups_read_and_puts_it_right() {
    let config = protected(Protection::Secded);
    for stored in LOOKED_UP {
        let mut bench = loaded(&config, Stalls::NONE);
        let bits = bits(&config, stored);
        for (number, bit) in bits.iter().enumerate() {
            let before = count(&mut bench, Counter::Corrected);
            flip(&mut bench, stored, *bit);
            assert_eq!(verdict(&mut bench), granted(), "{stored:?}, bit {bit}");
            steps(&mut bench, SCRUBBED);
            assert!(count(&mut bench, Counter::Corrected) > before, "{stored:?}, bit {bit} was not counted");
            // Only a word that was put right survives another flipped bit.
            flip(&mut bench, stored, bits[(number + 1) % bits.len()]);
            assert_eq!(verdict(&mut bench), granted(), "{stored:?}, bit {bit} was not put right");
            steps(&mut bench, SCRUBBED);
        }
        let outcome = finish(bench);
        assert_eq!(outcome.histogram.fault(Fault::TableCorrupt), 0);
    }
}

#[test]
fn secded_corrects_every_bit_that_updates_read_and_puts_it_right() {
    let config = protected(Protection::Secded);
    for (stored, reader, expected) in consulted() {
        let mut bench = loaded(&config, Stalls::NONE);
        for bit in bits(&config, stored) {
            for again in [0, 1] {
                let before = count(&mut bench, Counter::Corrected);
                flip(&mut bench, stored, (bit + again) % config.stored_bits(stored) as u16);
                assert_eq!(answer(&mut bench, reader), expected, "{stored:?}, bit {bit}, {again}");
                steps(&mut bench, SCRUBBED);
                assert!(count(&mut bench, Counter::Corrected) > before, "{stored:?}, bit {bit}");
            }
        }
        assert_eq!(verdict(&mut bench), granted());
        finish(bench);
    }
}

#[test]
fn secded_corrects_while_lookups_go_on_in_every_cycle() {
    let config = protected(Protection::Secded);
    let mut bench = loaded(&config, Stalls::NONE);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for number in 0..4_000 {
        bench.ask(&access(number as u16 % TABLES, Op::RemoteRead, number % PAGES)).unwrap();
    }
    for stored in LOOKED_UP.into_iter().cycle().take(40) {
        let bit = sample(&mut random, config.stored_bits(stored) as usize, 1).index(0) as u16;
        flip(&mut bench, stored, bit);
        steps(&mut bench, SCRUBBED / 4);
    }
    settle(&mut bench);
    let outcome = finish(bench);
    assert_eq!(outcome.histogram.fault(Fault::Granted), 4_000);
}

#[test]
fn parity_refuses_whatever_bit_is_flipped() {
    let config = protected(Protection::Parity);
    for stored in LOOKED_UP {
        let mut bench = loaded(&config, Stalls::NONE);
        for bit in bits(&config, stored) {
            let before = count(&mut bench, Counter::Uncorrectable);
            flip(&mut bench, stored, bit);
            for _ in 0..2 {
                assert_eq!(verdict(&mut bench), (Fault::TableCorrupt, 0), "{stored:?}, bit {bit}");
            }
            assert!(count(&mut bench, Counter::Uncorrectable) >= before + 2, "{stored:?}, bit {bit}");
            // Other tables do not depend on it.
            let others = ask(&mut bench, &access(0, Op::RemoteRead, 3));
            assert_eq!(others[0].fault, Fault::Granted, "{stored:?}, bit {bit}");
            flip(&mut bench, stored, bit);
            assert_eq!(verdict(&mut bench), granted(), "{stored:?}, bit {bit}");
        }
        finish(bench);
    }
}

#[test]
fn parity_refuses_updates_that_depend_on_the_word() {
    let config = protected(Protection::Parity);
    for (stored, reader, expected) in consulted() {
        let mut bench = loaded(&config, Stalls::NONE);
        for bit in bits(&config, stored) {
            flip(&mut bench, stored, bit);
            assert_eq!(answer(&mut bench, reader), Err(UpdateError::Corrupt), "{stored:?}, bit {bit}");
            // Lookups have words of their own.
            assert_eq!(verdict(&mut bench), granted());
            if let Stored::Record { .. } = stored {
                // The record is needed to get at it again: only writing it anew would help.
                let inject = Update::Inject { stored, bit };
                assert_eq!(answer(&mut bench, inject), Err(UpdateError::Corrupt));
                bench = loaded(&config, Stalls::NONE);
                continue;
            }
            flip(&mut bench, stored, bit);
            assert_eq!(answer(&mut bench, reader), expected, "{stored:?}, bit {bit}");
        }
        finish(bench);
    }
}

#[test]
fn a_flipped_identifier_is_never_taken_for_another() {
    for protection in [Protection::Parity, Protection::Secded] {
        let config = protected(protection);
        let mut bench = loaded(&config, Stalls::NONE);
        for bit in bits(&config, LOOKED_UP[0]) {
            flip(&mut bench, LOOKED_UP[0], bit);
            // What the flipped entry seems to hold now, and its neighbours.
            for near in 0..config.net_id_bits {
                let near = NetId::from_u128(0x0a00_0202 ^ 1 << near);
                if (0..TABLES).any(|table| near == net_id(table) || near == second_net_id(table)) {
                    continue;
                }
                let beats = ask(&mut bench, &Request { net_id: near, ..request() });
                let fault = beats[0].fault;
                assert!(matches!(fault, Fault::UnknownNetwork | Fault::TableCorrupt), "{near}: {fault}");
            }
            let own = verdict(&mut bench);
            match protection {
                Protection::Secded => assert_eq!(own, granted()),
                _ => assert_eq!(own, (Fault::TableCorrupt, 0)),
            }
            steps(&mut bench, SCRUBBED);
            if protection == Protection::Parity {
                flip(&mut bench, LOOKED_UP[0], bit);
            }
        }
        finish(bench);
    }
}

#[test]
fn secded_notices_two_flipped_bits() {
    let config = protected(Protection::Secded);
    for stored in LOOKED_UP {
        let mut bench = loaded(&config, Stalls::NONE);
        let bits = bits(&config, stored);
        // A binding is made of two words with a code each: two bits of the identifier's.
        let bits: Vec<u16> = match stored {
            Stored::Binding { .. } => {
                let code = config.protection.coded_bits(config.net_id_bits + 1) as u16;
                bits.into_iter().filter(|bit| *bit < code).collect()
            }
            _ => bits,
        };
        for pair in bits.windows(2) {
            flip(&mut bench, stored, pair[0]);
            flip(&mut bench, stored, pair[1]);
            assert_eq!(verdict(&mut bench), (Fault::TableCorrupt, 0), "{stored:?}, bits {pair:?}");
            assert!(count(&mut bench, Counter::Uncorrectable) > 0);
            // Written anew, it is whole again.
            write_anew(&mut bench, stored);
            assert_eq!(verdict(&mut bench), granted(), "{stored:?}, bits {pair:?}");
        }
        finish(bench);
    }
    for (stored, reader, expected) in consulted() {
        if let Stored::Record { .. } = stored {
            continue; // The second injection reads the record, and puts it right.
        }
        let bits = bits(&config, stored);
        for pair in bits.windows(2).take(8) {
            let mut bench = loaded(&config, Stalls::NONE);
            flip(&mut bench, stored, pair[0]);
            flip(&mut bench, stored, pair[1]);
            assert_eq!(answer(&mut bench, reader), Err(UpdateError::Corrupt), "{stored:?}, bits {pair:?}");
            assert_ne!(expected, Err(UpdateError::Corrupt));
            assert_eq!(verdict(&mut bench), granted());
            finish(bench);
        }
    }
}

/// Writes the word with what it holds.
fn write_anew(bench: &mut Testbench, stored: Stored) {
    match stored {
        Stored::Binding { .. } => {
            let net_id = net_id(TABLE);
            done(bench, Update::Unbind { table: TABLE, net_id });
            done(bench, Update::Bind { table: TABLE, net_id });
        }
        Stored::Table { table } => {
            done(bench, Update::Freeze { table });
            done(bench, Update::Thaw { table });
        }
        Stored::Region { table, .. } => {
            done(bench, Update::Install { table, key: KEY, region: region(0) });
        }
        Stored::Slot { table, slot } => {
            done(bench, Update::SetSlot { table, slot, frame: frame(table, PAGE), page_size: 0 });
        }
        _ => unreachable!("lookups read four kinds of words"),
    }
}

#[test]
fn a_corrupt_region_says_so_before_everything_that_it_would_have_to_say() {
    let config = protected(Protection::Parity);
    let mut bench = loaded(&config, Stalls::NONE);
    flip(&mut bench, Stored::Region { table: TABLE, index: KEY >> 8 }, 17);
    let good = request();
    let corrupt = [
        good,
        Request { key: KEY ^ 1, ..good },
        Request { pd: 9, ..good },
        Request { va: 0, ..good },
        Request { op: Op::RemoteAtomic, va: BASE + 1, ..good },
        Request { length: 12288, bound: 12288, ..good },
    ];
    for request in corrupt {
        let beats = ask(&mut bench, &request);
        assert_eq!((beats.len(), beats[0].fault), (1, Fault::TableCorrupt), "{request:x?}");
    }
    // Rows before it, and other regions, have their say.
    let other = [
        (Request { op: Op::Reserved5, ..good }, Fault::InvalidRequest),
        (Request { length: 0, bound: 0, ..good }, Fault::Granted),
        (Request { key: OTHER_KEY, ..good }, Fault::Granted),
        (Request { key: 8 << 8, ..good }, Fault::InvalidKey),
        (Request { net_id: NetId::from_u128(3), ..good }, Fault::UnknownNetwork),
    ];
    for (request, fault) in other {
        assert_eq!(ask(&mut bench, &request)[0].fault, fault, "{request:x?}");
    }
    done(&mut bench, Update::Freeze { table: TABLE });
    assert_eq!(ask(&mut bench, &good)[0].fault, Fault::Frozen);
    finish(bench);
}

#[test]
fn a_corrupt_slot_ends_a_request_at_its_span() {
    let config = protected(Protection::Parity);
    let mut bench = loaded(&config, Stalls::NONE);
    flip(&mut bench, Stored::Slot { table: TABLE, slot: PAGE }, 5);
    let across = Request { length: 12288, bound: 12288, ..access(TABLE, Op::RemoteRead, PAGE - 1) };
    let faults: Vec<Fault> = ask(&mut bench, &across).iter().map(|beat| beat.fault).collect();
    assert_eq!(faults, [Fault::Granted, Fault::TableCorrupt]);
    let around = Request { length: 8192, bound: 8192, va: BASE + 4096 * 3, ..across };
    assert!(ask(&mut bench, &around).iter().all(|beat| beat.fault == Fault::Granted));
    finish(bench);
}

#[test]
fn a_corrupt_binding_holds_up_no_fence() {
    let config = protected(Protection::Parity);
    let mut bench = loaded(&config, Stalls::NONE);
    flip(&mut bench, LOOKED_UP[0], 4);
    // Its requests name no table: their beats say table 0, epoch 0. They come in every cycle.
    (0..4_000).for_each(|_| bench.ask(&request()).unwrap());
    for round in 0..4 {
        let frame = window_base(0) + round;
        done(&mut bench, Update::SetSlot { table: 0, slot: SPARE_SLOT, frame, page_size: 0 });
    }
    assert!(bench.driver().queued_requests() > 3_000, "the fences waited for others' requests");
    settle(&mut bench);
    assert_eq!(finish(bench).histogram.fault(Fault::TableCorrupt), 4_000);
}

#[test]
fn peeking_is_a_patrol() {
    let config = protected(Protection::Secded);
    let mut bench = loaded(&config, Stalls::NONE);
    let peeks = [
        (
            Stored::Region { table: TABLE, index: KEY >> 8 },
            PeekEntry::Region { table: TABLE, index: KEY >> 8 },
        ),
        (Stored::Slot { table: TABLE, slot: PAGE }, PeekEntry::Slot { table: TABLE, slot: PAGE }),
        (Stored::Record { table: TABLE }, PeekEntry::Table { table: TABLE }),
        (Stored::ListedBinding { entry: 2 }, PeekEntry::Binding { entry: 2 }),
    ];
    for (stored, entry) in peeks {
        let right = done(&mut bench, Update::Peek { entry, word: 0 });
        for bit in bits(&config, stored) {
            flip(&mut bench, stored, bit);
            assert_eq!(done(&mut bench, Update::Peek { entry, word: 0 }), right, "{stored:?}, bit {bit}");
            steps(&mut bench, SCRUBBED);
        }
    }
    assert_eq!(verdict(&mut bench), granted());
    finish(bench);
}

#[test]
fn flipped_dirty_memory_is_only_ever_more_dirty() {
    for protection in [Protection::Parity, Protection::Secded] {
        let config = protected(protection);
        let mut bench = loaded(&config, Stalls::NONE);
        let stored = Stored::Dirty { word: 5 };
        done(&mut bench, Update::Track { table: TABLE, granule_shift: 18, dirty_base: 5 });
        let granule = (frame(TABLE, PAGE) - window_base(TABLE)) >> 6;
        assert!(granule < 64, "it is in the first word");
        for bit in bits(&config, stored) {
            for written in [false, true] {
                if written {
                    ask(&mut bench, &request());
                }
                flip(&mut bench, stored, bit);
                let dirty = done(&mut bench, Update::Harvest { table: TABLE, word: 0 });
                let true_bits = if written { 1 << granule } else { 0 };
                assert_eq!(dirty & true_bits, true_bits, "{protection:?}, bit {bit}");
                assert_eq!(dirty & !true_bits & !(1 << (bit % 64)), 0, "{protection:?}, bit {bit}");
                // Harvested, both copies are clear.
                assert_eq!(done(&mut bench, Update::Harvest { table: TABLE, word: 0 }), 0, "bit {bit}");
            }
        }
        finish(bench);
    }
}

#[test]
fn a_flipped_tracking_word_loses_no_write() {
    let stored = Stored::Tracking { table: TABLE };
    for protection in [Protection::Parity, Protection::Secded] {
        let config = protected(protection);
        for bit in bits(&config, stored) {
            let mut bench = loaded(&config, Stalls::NONE);
            done(&mut bench, Update::Track { table: TABLE, granule_shift: 18, dirty_base: 5 });
            let granule = (frame(TABLE, PAGE) - window_base(TABLE)) >> 6;
            flip(&mut bench, stored, bit);
            ask(&mut bench, &request());
            let harvested = answer(&mut bench, Update::Harvest { table: TABLE, word: 0 });
            match protection {
                Protection::Secded => assert_eq!(harvested, Ok(1 << granule), "bit {bit}"),
                // Which granule was written is unknown: that is said, or all are dirty.
                _ => assert!(
                    harvested.is_err_and(|error| error == UpdateError::Corrupt)
                        || harvested.is_ok_and(|dirty| dirty >> granule & 1 == 1),
                    "bit {bit}: {harvested:x?}"
                ),
            }
            // Tracked again, it is right again.
            done(&mut bench, Update::Track { table: TABLE, granule_shift: 18, dirty_base: 5 });
            ask(&mut bench, &request());
            let harvest = Update::Harvest { table: TABLE, word: 0 };
            assert_eq!(answer(&mut bench, harvest), Ok(1 << granule), "bit {bit}");
            finish(bench);
        }
    }
}

#[test]
fn clearing_a_table_leaves_no_flipped_bit_behind() {
    let config = protected(Protection::Parity);
    let mut bench = loaded(&config, Stalls::NONE);
    let owned = [
        Stored::Table { table: TABLE },
        Stored::Region { table: TABLE, index: KEY >> 8 },
        Stored::Slot { table: TABLE, slot: PAGE },
        Stored::ValidRegion { table: TABLE, index: EMPTY_INDEX },
        Stored::PresentSlot { table: TABLE, slot: EMPTY_SLOT },
    ];
    owned.into_iter().for_each(|stored| flip(&mut bench, stored, 0));
    for net_id in [net_id(TABLE), second_net_id(TABLE)] {
        done(&mut bench, Update::Unbind { table: TABLE, net_id });
    }
    done(&mut bench, Update::ClearTable { table: TABLE });
    load(&mut bench, TABLE);
    assert_eq!(verdict(&mut bench), granted());
    for (_, reader, expected) in consulted() {
        assert_eq!(answer(&mut bench, reader), expected, "{reader:?}");
    }
    let empty = Region { length: 0, ..region(0) };
    done(&mut bench, Update::Install { table: TABLE, key: EMPTY_INDEX << 8, region: empty });
    finish(bench);
}
