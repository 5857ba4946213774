//! Nothing but the log that was written is accepted, and every refusal names the part and the reason.

mod support;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_log::chain::Chain;
use stagecoach_log::error::Part;
use stagecoach_log::{Capacity, Change, Header, Log, LogError, binary, json};
use support::{EPOCH, header, log, mutate};

#[test]
fn both_forms_round_trip_and_agree() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for changes in [0, 1, 2, 50] {
        let log = log(&mut random, changes);
        let (bytes, text) = (binary::write(&log), json::write(&log));
        assert_eq!(binary::read(&bytes, EPOCH).as_ref(), Ok(&log));
        assert_eq!(json::read(&text, EPOCH).as_ref(), Ok(&log));
        assert_eq!(text.lines().count(), changes + 2);
        let digest: String = bytes[bytes.len() - 32..].iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(text.trim_end().ends_with(&format!("\"digest\":\"{digest}\"}}")), "one digest in both forms");
    }
}

/// What a reader said, to count.
fn name(error: &LogError) -> &'static str {
    match error {
        LogError::NotALog { .. } => "not a log",
        LogError::Version { .. } => "version",
        LogError::Truncated { .. } => "truncated",
        LogError::TooLong { .. } => "too long",
        LogError::Unreadable { .. } => "unreadable",
        LogError::Chain { .. } => "chain",
        LogError::Sequence { .. } => "sequence",
        LogError::Epoch { .. } => "epoch",
        LogError::Count { .. } => "count",
        LogError::Trailing { .. } => "trailing",
        LogError::Senseless { .. } => "senseless",
    }
}

#[test]
fn a_hundred_thousand_mutated_logs_are_refused() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut reasons = std::collections::BTreeMap::<&str, u32>::new();
    for round in 0..100_000 {
        let count = random.random_range(0..6);
        let original = log(&mut random, count);
        let result = if round % 2 == 0 {
            binary::read(&mutate(&mut random, &binary::write(&original)), EPOCH)
        } else {
            let mutated = mutate(&mut random, json::write(&original).as_bytes());
            json::read(&String::from_utf8_lossy(&mutated), EPOCH)
        };
        match result {
            // A change that is none, or one of white space between JSON's words.
            Ok(read) => assert_eq!(read, original, "round {round}"),
            Err(error) => *reasons.entry(name(&error)).or_default() += 1,
        }
    }
    println!("{reasons:?}");
    for reason in ["not a log", "version", "truncated", "too long", "unreadable", "chain", "trailing"] {
        assert!(reasons.contains_key(reason), "no mutation was refused as {reason}");
    }
    let refused: u32 = reasons.values().sum();
    assert!(refused > 95_000, "{refused}");
}

/// The parts of a binary log: everything before the records, the records, the trailer.
fn parts(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
    let header = 14 + u32::from_le_bytes(bytes[10..14].try_into().unwrap()) as usize;
    let (mut at, mut records) = (header, Vec::new());
    while bytes[at] == 1 {
        let length = u32::from_le_bytes(bytes[at + 1..at + 5].try_into().unwrap()) as usize + 13;
        records.push(bytes[at..at + length].to_vec());
        at += length;
    }
    (bytes[..header].to_vec(), records, bytes[at..].to_vec())
}

#[test]
fn records_that_are_missing_repeated_or_exchanged_are_named() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let bytes = binary::write(&log(&mut random, 6));
    let (header, records, trailer) = parts(&bytes);
    assert_eq!(records.len(), 6);
    let refused = |records: Vec<Vec<u8>>| {
        let bytes = [vec![header.clone()], records, vec![trailer.clone()]].concat().concat();
        binary::read(&bytes, EPOCH).unwrap_err()
    };
    let mut missing = records.clone();
    missing.remove(2);
    assert_eq!(refused(missing), LogError::Chain { part: Part::Record(2) });
    let mut repeated = records.clone();
    repeated.insert(3, records[2].clone());
    assert_eq!(refused(repeated), LogError::Chain { part: Part::Record(3) });
    let mut exchanged = records.clone();
    exchanged.swap(4, 5);
    assert_eq!(refused(exchanged), LogError::Chain { part: Part::Record(4) });
    // At a record's border, too.
    assert_eq!(refused(records[..5].to_vec()), LogError::Count { said: 6, found: 5 });
    let cut = [vec![header.clone()], records.clone()].concat().concat();
    assert_eq!(binary::read(&cut, EPOCH), Err(LogError::Truncated { part: Part::Trailer }));
    let mut more = bytes.clone();
    more.push(0);
    assert_eq!(binary::read(&more, EPOCH), Err(LogError::Trailing { bytes: 1 }));
}

#[test]
fn a_foreign_epoch_and_version_are_refused_before_anything_else_is_read() {
    let bytes = binary::write(&log(&mut ChaCha8Rng::seed_from_u64(4), 3));
    assert_eq!(binary::read(&bytes, 8), Err(LogError::Epoch { expected: 8, found: EPOCH }));
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert_eq!(binary::read(&newer, EPOCH), Err(LogError::Version { found: 2 }));
    assert!(matches!(binary::read(b"STAGE", EPOCH), Err(LogError::NotALog { .. })));
    assert!(matches!(json::read("{}\n", EPOCH), Err(LogError::NotALog { .. })));
}

#[test]
fn lengths_are_bounded_before_memory_is_taken() {
    let bytes = binary::write(&log(&mut ChaCha8Rng::seed_from_u64(5), 3));
    let mut long = bytes.clone();
    long[10..14].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(binary::read(&long, EPOCH), Err(LogError::TooLong { part: Part::Header, .. })));
    let (header, ..) = parts(&bytes);
    let mut long = bytes.clone();
    long[header.len() + 1..header.len() + 5].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(binary::read(&long, EPOCH), Err(LogError::TooLong { part: Part::Record(0), .. })));
    // A record whose inner length claims gigabytes: postcard takes no more than is there.
    let mut record = vec![0, 9, 0];
    record.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    let mut bytes = header.clone();
    bytes.push(1);
    bytes.extend((record.len() as u32).to_le_bytes());
    bytes.extend(&record);
    bytes.extend(Chain::new(&header[14..]).add(&record));
    assert!(matches!(binary::read(&bytes, EPOCH), Err(LogError::Unreadable { part: Part::Record(0), .. })));
}

#[test]
fn what_makes_no_sense_is_not_written_either() {
    let refused = |header: Header, change: Change| match Log::new(header, vec![change]) {
        Err(LogError::Senseless { part, .. }) => part,
        other => panic!("{other:?}"),
    };
    let bad = |change| refused(header(), change);
    assert_eq!(bad(Change::SetSlot { slot: 0, page: 1, page_size: 1 }), Part::Record(0), "not aligned");
    assert_eq!(bad(Change::SetSlot { slot: 0, page: 0, page_size: 2 }), Part::Record(0), "no such page size");
    assert_eq!(bad(Change::SetSlot { slot: 0, page: 1 << 52, page_size: 0 }), Part::Record(0));
    assert_eq!(bad(Change::TransportState { stream: 0, state: vec![0; 65_537] }), Part::Record(0));
    let good = Change::Freeze;
    assert_eq!(refused(Header { net_ids: Vec::new(), ..header() }, good.clone()), Part::Header);
    assert_eq!(refused(Header { page_shifts: vec![21], ..header() }, good.clone()), Part::Header);
    let capacity = Capacity { regions: u32::MAX, slots: 0 };
    assert_eq!(refused(Header { capacity, ..header() }, good), Part::Header);
}
