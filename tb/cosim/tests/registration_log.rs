//! The registration log of the whole controller: every accepted change is a record, in order, none lost and none twice, whatever
//! the reader does; stale epochs and a full log are refused without effect.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::Machine;
use stagecoach_host::{Driver, LogReader, RegisterBus};
use stagecoach_model::Golden;
use stagecoach_model::registration_log::RegistrationLog;
use stagecoach_spec::registers::Register;
use stagecoach_spec::{
    Access, Answer, Config, LogRecord, NetId, Preset, Region, Slices, Update, UpdateError,
};

struct Both {
    driver: Driver<Machine>,
    golden: Golden,
    log: RegistrationLog,
    expected: VecDeque<LogRecord>,
    config: Config,
    reader: LogReader,
    seen: u64,
    stale: u64,
    full: u64,
}

impl Both {
    fn new(kind: EngineKind, config: &Config, seed: u64) -> Both {
        let machine = Machine::new(kind, config, seed).expect("it can be made");
        Both {
            driver: Driver::open(machine).expect("it is a controller"),
            golden: Golden::new(config),
            log: RegistrationLog::default(),
            expected: VecDeque::new(),
            config: config.clone(),
            reader: LogReader::new(config),
            seen: 0,
            stale: 0,
            full: 0,
        }
    }

    /// A change in an epoch, on both. A full log is the hardware's to find.
    fn change(&mut self, epoch: u32, change: Update) -> Answer {
        self.driver.set_epoch(epoch).expect("the bus works");
        let answer = self.driver.update(&change).expect("the bus works");
        if answer == Err(UpdateError::LogFull) {
            self.full += 1;
            return answer;
        }
        let expected = match self.log.judge(epoch, &change) {
            Ok(()) => self.golden.update(&change),
            Err(error) => Err(error),
        };
        assert_eq!(answer, expected, "{change:?} in epoch {epoch}");
        self.stale += u64::from(expected == Err(UpdateError::StaleEpoch));
        if expected.is_ok() {
            self.expected.extend(self.log.accepted(epoch, &change));
        }
        self.read();
        answer
    }

    /// Compares the records that came.
    fn read(&mut self) {
        while let Some(words) = self.driver.bus().record() {
            let record = self.reader.take(&words).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Some(record), self.expected.pop_front(), "record {}", self.seen);
            self.seen += 1;
        }
    }

    fn steps(&mut self, cycles: u32) {
        for _ in 0..cycles {
            self.driver.bus().step().unwrap_or_else(|error| panic!("{error}"));
        }
    }

    fn settle(&mut self) {
        self.driver.bus().read_log(100);
        self.steps(3000);
        self.read();
        assert!(self.expected.is_empty(), "{} records never came", self.expected.len());
        let room = self.driver.bus().read(Register::LogRoom.offset()).expect("it can be read");
        assert_eq!(room, self.config.log_room(), "all room is free again");
        self.driver.bus().check().unwrap_or_else(|error| panic!("{error}"));
    }
}

fn slices(table: u16) -> Slices {
    let n = u32::from(table);
    Slices {
        region_base: 16 * n,
        region_count: 16,
        slot_base: 64 * n,
        slot_count: 64,
        window_base: 0x1000 + 64 * u64::from(n),
        window_count: 64,
    }
}

fn region(slot: u32) -> Region {
    Region {
        base: 0x8000,
        length: 0x1000,
        first_offset: 0,
        rights: Access::ALL,
        page_size: 0,
        first_slot: slot,
        pd: 1,
    }
}

/// A random change of one of four tables, often one that is refused.
fn any(random: &mut ChaCha8Rng) -> Update {
    let table = random.random_range(0..4);
    let net_id = NetId::from_u128(random.random_range(0..6));
    let key = random.random_range(0..4) << 8 | random.random_range(0..2);
    let slot = random.random_range(0..8);
    match random.random_range(0..40) {
        0 => Update::SetTable { table, slices: slices(table) },
        1 => Update::ClearTable { table },
        2..6 => Update::Bind { table, net_id },
        6 | 7 => Update::Unbind { table, net_id },
        8 => Update::Freeze { table },
        9..13 => Update::Thaw { table },
        13..17 => Update::Install { table, key, region: region(slot) },
        17 | 18 => Update::Invalidate { table, key },
        19..36 => {
            let frame = 0x1000 + 64 * u64::from(table) + random.random_range(0..64);
            Update::SetSlot { table, slot, frame, page_size: 0 }
        }
        36 | 37 => Update::ClearSlot { table, slot },
        38 => Update::Track { table, granule_shift: 12, dirty_base: u32::from(table) },
        _ => Update::Harvest { table, word: 0 },
    }
}

fn random_changes(kind: EngineKind, seed: u64, rounds: u32) -> Both {
    let mut both = Both::new(kind, &Preset::Tiny.config(), seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for table in 0..4 {
        both.change(0, Update::SetTable { table, slices: slices(table) }).expect("there is room");
    }
    for round in 0..rounds {
        if round % 20 == 0 {
            both.driver.bus().read_log([0, 2, 30, 100][random.random_range(0..4)]);
        }
        let change = any(&mut random);
        let epoch = random.random_range(0..4) + round / 100;
        let _ = both.change(epoch, change);
    }
    both.settle();
    both
}

#[test]
fn every_accepted_change_is_a_record_in_order() {
    let (mut seen, mut stale) = (0, 0);
    for seed in 1..=4 {
        let both = random_changes(EngineKind::Native, seed, 400);
        (seen, stale) = (seen + both.seen, stale + both.stale);
    }
    println!("{seen} records, {stale} stale epochs");
    assert!(seen > 300 && stale > 50);
}

#[test]
fn verilator_logs_the_same() {
    let both = random_changes(EngineKind::Verilator, 9, 60);
    assert!(both.seen > 10);
}

#[test]
fn a_log_that_nobody_reads_refuses_registrations_and_takes_what_is_urgent() {
    let config = Config { log_words: Some(512), ..Preset::Tiny.config() };
    let mut both = Both::new(EngineKind::Native, &config, 1);
    let tables = config.tables as u16;
    for table in 0..tables {
        both.change(0, Update::SetTable { table, slices: slices(table) }).expect("there is room");
        both.steps(100);
    }
    both.driver.bus().read_log(0);
    // Registrations until the log is full for them.
    let mut registered = Vec::new();
    let mut slot = 0;
    loop {
        let table = slot as u16 % 8;
        let change =
            Update::SetSlot { table, slot: slot / 8, frame: 0x1000 + 64 * u64::from(table), page_size: 0 };
        match both.change(0, change) {
            Ok(_) => registered.push((table, slot / 8)),
            Err(error) => {
                assert_eq!(error, UpdateError::LogFull);
                break;
            }
        }
        slot += 1;
    }
    // What is urgent has room for 64 records of the longest kind, and these are shorter.
    let mut urgent = 0;
    for (table, slot) in &registered {
        if both.change(0, Update::ClearSlot { table: *table, slot: *slot }).is_err() {
            break;
        }
        urgent += 1;
    }
    println!("{} registrations, then {urgent} urgent changes, without a reader", registered.len());
    assert!(urgent == registered.len() || urgent >= 64, "{urgent}");
    // Thawing is refused before it could take a freeze's room; freezing never is.
    while both.full < 2 {
        both.change(0, Update::Freeze { table: 0 }).expect("a freeze always has room");
        if both.change(0, Update::Thaw { table: 0 }).is_err() {
            break;
        }
    }
    for table in 1..tables {
        both.change(0, Update::Freeze { table }).expect("a freeze always has room");
    }
    // The reader comes back: nothing was lost, and registrations go on.
    both.settle();
    both.change(0, Update::Thaw { table: 3 }).expect("there is room again");
    both.change(0, Update::SetSlot { table: 3, slot: 9, frame: 0x1000 + 64 * 3, page_size: 0 })
        .expect("there is room again");
    both.settle();
}

#[test]
fn a_configuration_without_a_log_takes_any_epoch() {
    let config = Config { log_words: Some(0), ..Preset::Tiny.config() };
    let machine = Machine::new(EngineKind::Native, &config, 1).expect("it can be made");
    let mut driver = Driver::open(machine).expect("it is a controller");
    assert_eq!(driver.bus().read(Register::LogRoom.offset()).expect("it can be read"), 0);
    let capabilities = driver.bus().read(Register::Capabilities.offset()).expect("it can be read");
    assert_eq!(capabilities >> 5 & 1, 0);
    let net_id = NetId::from_u128(1);
    for change in [
        Update::SetTable { table: 0, slices: slices(0) },
        Update::Bind { table: 0, net_id },
        Update::Unbind { table: 0, net_id },
        Update::Bind { table: 0, net_id },
    ] {
        assert_eq!(driver.update(&change).expect("the bus works"), Ok(0));
    }
}
