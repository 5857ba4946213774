//! Updates at the port: round trips, reserved bits, unsupported operations.

use stagecoach_spec::{
    Access, Action, Command, Config, Counter, Fault, NetId, PeekEntry, Preset, Protection, Region,
    STAGED_WORDS, Slices, Staged, Stored, Update, UpdateError, UpdateOp,
};

/// Plays commands as the port would; the staging words hold leftovers first, as they may in life.
fn play(commands: &[Command], config: &Config) -> Result<Update, UpdateError> {
    let mut staged: Staged = [u64::MAX; STAGED_WORDS];
    for command in commands {
        match command.decode(&staged, config)? {
            Action::Stage { word, data } => staged[word] = data,
            Action::Update(update) => return Ok(update),
        }
    }
    panic!("no commit in {commands:?}");
}

fn region() -> Region {
    Region {
        base: 0xfedc_ba98_7654_3210,
        length: 0x0123_4567_89ab_cdef,
        first_offset: 0x8765_4321,
        rights: Access::ALL,
        page_size: 3,
        first_slot: 0xdead_beef,
        pd: 0xffff,
    }
}

fn every_update() -> Vec<Update> {
    let slices = Slices {
        region_base: 0x8000_0001,
        region_count: 0x8000_0002,
        slot_base: 0x8000_0003,
        slot_count: 0x8000_0004,
        window_base: u64::MAX,
        window_count: u64::MAX - 1,
    };
    let net_id = NetId::from_u128(u128::MAX - 5);
    let table = 0xfffe;
    vec![
        Update::SetTable { table, slices },
        Update::ClearTable { table },
        Update::Track { table, granule_shift: 0, dirty_base: u32::MAX },
        Update::Track { table, granule_shift: 30, dirty_base: 1 },
        Update::Harvest { table, word: u32::MAX },
        Update::ReadCounter { table, counter: Counter::Requests(Fault::InvalidRequest) },
        Update::ReadCounter { table, counter: Counter::Uncorrectable },
        Update::Peek { entry: PeekEntry::FaultLog { entry: u32::MAX }, word: 7 },
        Update::Bind { table, net_id },
        Update::Unbind { table, net_id },
        Update::Freeze { table },
        Update::Thaw { table },
        Update::Install { table, key: 0xffff_ff01, region: region() },
        Update::Invalidate { table, key: 0xffff_ff01 },
        Update::SetSlot { table, slot: u32::MAX, frame: (1 << 36) - 1, page_size: 2 },
        Update::ClearSlot { table, slot: u32::MAX },
        Update::Peek { entry: PeekEntry::Binding { entry: u32::MAX }, word: 3 },
        Update::Peek { entry: PeekEntry::Table { table }, word: 4 },
        Update::Peek { entry: PeekEntry::Region { table, index: 0xff_ffff }, word: 4 },
        Update::Peek { entry: PeekEntry::Slot { table, slot: u32::MAX }, word: 0 },
    ]
}

#[test]
fn every_update_round_trips() {
    let config = Preset::Roce.config();
    for update in every_update() {
        assert_eq!(play(&update.encode(), &config), Ok(update));
    }
}

#[test]
fn words_are_where_the_table_says() {
    let install = Update::Install { table: 5, key: 0x1234, region: region() }.encode();
    let stage = |word: u32, data| Command { op: 0, table: 0, index: word, data };
    let expected = [
        stage(0, 0xfedc_ba98_7654_3210),
        stage(1, 0x0123_4567_89ab_cdef),
        stage(2, 0x0000_030f_8765_4321),
        stage(3, 0x0000_ffff_dead_beef),
        Command { op: 7, table: 5, index: 0x1234, data: 0 },
    ];
    assert_eq!(install, expected);
    let slot = Update::SetSlot { table: 1, slot: 2, frame: 0x3_4567, page_size: 1 }.encode();
    assert_eq!(slot, [Command { op: 9, table: 1, index: 2, data: 0x0100_0000_0003_4567 }]);
    let peek = Update::Peek { entry: PeekEntry::Region { table: 1, index: 9 }, word: 4 }.encode();
    assert_eq!(peek, [Command { op: 14, table: 1, index: 9, data: 0x0402 }]);
    let bind = Update::Bind { table: 3, net_id: NetId::from_limbs([1, 2, 3]) }.encode();
    let expected = [stage(0, 1), stage(1, 2), stage(2, 3), Command { op: 3, table: 3, index: 0, data: 0 }];
    assert_eq!(bind, expected);
}

#[test]
fn op_codes_are_those_of_the_contract() {
    for code in 0..18 {
        assert_eq!(UpdateOp::from_code(code).map(UpdateOp::code), Some(code));
    }
    assert_eq!(UpdateOp::from_code(18), None);
    assert_eq!((UpdateOp::SetSlot.code(), UpdateOp::SetSlot.name()), (9, "set_slot"));
}

#[test]
fn unknown_operations_are_unsupported_and_so_is_inject_without_protection() {
    let config = Preset::Tiny.config();
    for op in [15].into_iter().chain(16..32) {
        let command = Command { op, ..Command::default() };
        assert_eq!(command.decode(&[0; STAGED_WORDS], &config), Err(UpdateError::Unsupported), "op {op}");
    }
}

#[test]
fn reserved_bits_and_wide_values_are_bad_arguments() {
    let config = Preset::Roce.config();
    let zero: Staged = [0; STAGED_WORDS];
    let bad = |command: Command, staged: Staged| {
        assert_eq!(
            command.decode(&staged, &config),
            Err(UpdateError::BadArgument),
            "{command:?} {staged:x?}"
        );
    };
    let command = |op: UpdateOp, index, data| Command { op: op.code(), table: 0, index, data };

    bad(command(UpdateOp::Stage, 4, 0), zero);
    bad(command(UpdateOp::Stage, u32::MAX, 0), zero);
    for bit in (36..40).chain(42..64) {
        bad(command(UpdateOp::Install, 0, 0), [0, 0, 1 << bit, 0]);
    }
    for bit in 48..64 {
        bad(command(UpdateOp::Install, 0, 0), [0, 0, 0, 1 << bit]);
    }
    for bit in (36..56).chain(58..64) {
        bad(command(UpdateOp::SetSlot, 0, 1 << bit), zero);
    }
    for data in [5, 0xff, 0x0804, 0x0400, 0x0501, 0x0502, 0x0103, 1 << 16, 1 << 63] {
        bad(command(UpdateOp::Peek, 0, data), zero);
    }
    for data in [1, 11, 31, 255, 12 | 1 << 8, 12 | 1 << 63] {
        bad(command(UpdateOp::Track, 0, data), zero);
    }
    bad(command(UpdateOp::ReadCounter, 14, 0), zero);
    bad(command(UpdateOp::Bind, 0, 0), [0, 0, 1, 0]);
    bad(command(UpdateOp::Unbind, 0, 0), [0, 0, 1, 0]);
    let tiny = Preset::Tiny.config();
    let bind = command(UpdateOp::Bind, 0, 0);
    assert_eq!(bind.decode(&[1 << 32, 0, 0, 0], &tiny), Err(UpdateError::BadArgument));
    assert_eq!(bind.decode(&[0, 1, 0, 0], &tiny), Err(UpdateError::BadArgument));
    assert!(bind.decode(&[0xffff_ffff, 0, 0, u64::MAX], &tiny).is_ok());
}

#[test]
fn unused_arguments_are_ignored() {
    let config = Preset::Roce.config();
    let noisy = Command { op: UpdateOp::Freeze.code(), table: 3, index: u32::MAX, data: u64::MAX };
    let action = noisy.decode(&[u64::MAX; STAGED_WORDS], &config);
    assert_eq!(action, Ok(Action::Update(Update::Freeze { table: 3 })));
}

#[test]
fn a_value_too_wide_is_refused_not_cut() {
    let config = Preset::Roce.config();
    let refused = |update: Update| assert_eq!(play(&update.encode(), &config), Err(UpdateError::BadArgument));
    for frame in [1 << 36, 1 << 52, 1 << 56, u64::MAX] {
        refused(Update::SetSlot { table: 0, slot: 0, frame, page_size: 0 });
    }
    refused(Update::SetSlot { table: 0, slot: 0, frame: 0, page_size: 255 });
    refused(Update::Install { table: 0, key: 0, region: Region { page_size: 4, ..region() } });
    refused(Update::Install { table: 0, key: 0, region: Region { page_size: 255, ..region() } });
    refused(Update::Install { table: 0, key: 0, region: Region { pd: 0x1_0000, ..region() } });
    refused(Update::Bind { table: 0, net_id: NetId::from_u128(1).with_vni(1) });
    refused(Update::Peek { entry: PeekEntry::Table { table: 0 }, word: 5 });
}

#[test]
fn inject_names_every_stored_bit_and_no_other() {
    let config = Config { protection: Protection::Secded, ..Preset::Tiny.config() };
    for space in 0..=255 {
        let inject = |bit: u64| Command { op: 15, table: 3, index: 5, data: space | bit << 16 };
        let Some(stored) = Stored::of(space as u8, 3, 5) else {
            assert_eq!(inject(0).decode(&[0; STAGED_WORDS], &config), Err(UpdateError::BadArgument));
            continue;
        };
        let bits = config.stored_bits(stored);
        let update = Update::Inject { stored, bit: bits as u16 - 1 };
        let (table, index) = stored.place();
        assert_eq!(update.encode(), [Command { table, index, ..inject(u64::from(bits) - 1) }]);
        assert_eq!(play(&update.encode(), &config), Ok(update));
        let beyond = inject(bits.into());
        assert_eq!(beyond.decode(&[0; STAGED_WORDS], &config), Err(UpdateError::BadArgument));
    }
    let reserved = Command { op: 15, table: 0, index: 0, data: 1 << 8 };
    assert_eq!(reserved.decode(&[0; STAGED_WORDS], &config), Err(UpdateError::BadArgument));
}
