//! The whole controller against the golden model: what clients are told, what they read, and every byte of memory.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::{Finished, Machine, Manner, Willing, describe, manners};
use stagecoach_hdl::Module;
use stagecoach_host::Driver;
use stagecoach_model::Golden;
use stagecoach_model::processing::{Memory, Outcome};
use stagecoach_spec::{
    Access, AccessRequest, Atomic, Completion, Config, Fault, NetId, Op, Preset, Processing, Region, Request,
    Slices, Update,
};

#[path = "support/mutants.rs"]
mod mutants;

/// Frames of each VM.
const FRAMES: u64 = 64;
/// Where each region begins, in its VM's addresses.
const BASE: u64 = 0x7f00_0000_0000;
/// Pages of each region.
const PAGES: u32 = 6;
/// Keys, the same in every VM.
const KEYS: [u32; 3] = [0x0011, 0x0122, 0x0233];
/// VMs.
const VMS: u16 = 2;

fn config(data_bits: u32) -> Config {
    let config = Preset::Tiny.config();
    // The widest as in preset `roce`, the others small, so that they fill up.
    let processing = Preset::Roce.config().processing;
    if data_bits == 512 {
        return Config { processing: Processing { timeout_cycles: 1 << 20, ..processing }, ..config };
    }
    // Longer than the slowest memory here takes for all that can be under way.
    let timeout_cycles = 1 << 20;
    let sizes = config.processing.clone();
    let processing = Processing { data_bits, axi_id_bits: 6, timeout_cycles, ..sizes };
    Config { max_request_bytes: 4096, processing, ..config }
}

fn net_id(vm: u16) -> NetId {
    NetId::from_u128(0x0a00_0001 + u128::from(vm))
}

/// Controller and golden model, side by side.
struct Both {
    driver: Driver<Machine>,
    golden: Golden,
    memory: Memory,
    random: ChaCha8Rng,
    config: Config,
    /// What is under way, oldest first.
    sent: VecDeque<(AccessRequest, Vec<u8>)>,
    /// An update whose place among the accesses is not known yet.
    racing: Option<Update>,
    verdicts: [u64; 15],
    tag: u32,
    /// The epoch in which each VM serves.
    epochs: [u32; VMS as usize],
}

impl Both {
    fn new(kind: EngineKind, config: &Config, seed: u64) -> Both {
        Both::of(kind, &describe(config).expect("it can be described"), config, seed)
    }

    fn of(kind: EngineKind, module: &Arc<Module>, config: &Config, seed: u64) -> Both {
        let machine = Machine::of(kind, module, config, seed).expect("it can be made");
        let driver = Driver::open(machine).expect("it is a controller");
        let mut both = Both {
            driver,
            golden: Golden::new(config),
            memory: Memory::default(),
            random: ChaCha8Rng::seed_from_u64(seed),
            config: config.clone(),
            sent: VecDeque::new(),
            racing: None,
            verdicts: [0; 15],
            tag: 0,
            epochs: [0; VMS as usize],
        };
        for vm in 0..VMS {
            let n = u32::from(vm);
            let slices = Slices {
                region_base: 16 * n,
                region_count: 16,
                slot_base: 64 * n,
                slot_count: 64,
                window_base: 0x1000 + FRAMES * u64::from(vm),
                window_count: FRAMES,
            };
            both.update(Update::SetTable { table: vm, slices });
            both.update(Update::Bind { table: vm, net_id: net_id(vm) });
            for place in 0..KEYS.len() {
                both.install(vm, place);
            }
        }
        both
    }

    fn machine(&mut self) -> &mut Machine {
        self.driver.bus()
    }

    /// An update on both, nothing under way.
    fn update(&mut self, update: Update) {
        let expected = self.golden.update(&update);
        let answer = self.driver.update(&update).expect("the bus works");
        assert_eq!(answer, expected, "{update:?}");
    }

    /// Registers a region anew, at random frames of its VM, in the slots that are its own.
    fn install(&mut self, vm: u16, place: usize) {
        for page in 0..PAGES {
            let frame = 0x1000 + FRAMES * u64::from(vm) + self.random.random_range(0..FRAMES);
            let slot = place as u32 * PAGES + page;
            self.update(Update::SetSlot { table: vm, slot, frame, page_size: 0 });
        }
        let region = self.region(place);
        self.update(Update::Install { table: vm, key: KEYS[place], region });
    }

    fn region(&mut self, place: usize) -> Region {
        let first_offset = [0, 0, 0x123][place];
        Region {
            base: BASE + u64::from(first_offset),
            length: u64::from(PAGES) * 4096 - u64::from(first_offset),
            first_offset,
            rights: [Access::ALL, Access::ALL, Access::REMOTE_READ][place],
            page_size: 0,
            first_slot: place as u32 * PAGES,
            pd: 3,
        }
    }

    /// A random access, mostly one that is granted, mostly near others.
    fn access(&mut self) -> (AccessRequest, Vec<u8>) {
        let random = &mut self.random;
        let ops = [Op::RemoteRead, Op::RemoteWrite, Op::RemoteAtomic, Op::LocalRead, Op::LocalWrite];
        let mut op = ops[random.random_range(0..5)];
        let most = self.config.max_request_bytes;
        let length = match random.random_range(0..6) {
            _ if op == Op::RemoteAtomic => 8,
            0 => random.random_range(0..=most),
            1 => most,
            2 => 64,
            _ => random.random_range(0..300),
        };
        let near = [0, 64, 4096, 8192 - 32, 4 * 4096 - 100][random.random_range(0..5)];
        let mut va = BASE + near + random.random_range(0..200) / if op == Op::RemoteAtomic { 8 } else { 1 };
        if op == Op::RemoteAtomic {
            va &= !7;
        }
        let mut request = Request {
            net_id: net_id(random.random_range(0..VMS)),
            key: KEYS[if random.random_range(0..10) == 0 { 2 } else { random.random_range(0..2) }],
            pd: 3,
            op,
            va,
            length,
            bound: length,
            stream: random.random_range(0..256),
            tag: self.tag,
        };
        self.tag = (self.tag + 1) % 256;
        match random.random_range(0..60) {
            0 => request.net_id = NetId::from_u128(99),
            1 => request.key ^= 1,
            2 => request.pd = 4,
            3 => request.va = BASE + u64::from(PAGES) * 4096 - 8,
            4 => request.bound = request.length + 1,
            5 => request.length = most + 1,
            6 => op = Op::Reserved6,
            7 => request.va += 1,
            8 => (request.length, request.bound) = (0, 0),
            9 => request.pd = 1 << 20,
            _ => {}
        }
        request.op = op;
        let atomic = match (op, random.random_range(0..3)) {
            (Op::RemoteAtomic, 0) => Atomic::FetchAdd { add: random.random() },
            (Op::RemoteAtomic, 1) => Atomic::CompareSwap { compare: 0, swap: random.random() },
            (Op::RemoteAtomic, _) => Atomic::CompareSwap { compare: random.random(), swap: random.random() },
            (_, 0) if random.random_range(0..100) == 0 => Atomic::FetchAdd { add: 1 },
            _ => Atomic::None,
        };
        let access = AccessRequest { request, atomic };
        let wrong = random.random_range(0..40);
        let bytes = match wrong {
            _ if !access.has_payload() => 0,
            0 => request.length.saturating_sub(1),
            1 => request.length + 1,
            2 => most + 300,
            _ => request.length,
        };
        let payload = (0..bytes).map(|_| random.random()).collect();
        (access, payload)
    }

    fn send(&mut self, accesses: usize) {
        for _ in 0..accesses {
            let (access, payload) = self.access();
            self.machine().send(&access, &payload);
            self.sent.push_back((access, payload));
        }
    }

    /// Compares what is finished with the golden model.
    fn compare(&mut self) {
        while let Some(finished) = self.machine().finished() {
            let (access, payload) = self.sent.pop_front().expect("no more completions than accesses");
            self.verdicts[usize::from(finished.completion.fault.code())] += 1;
            if let Some(update) = self.racing {
                let (golden, memory) = (self.golden.clone(), self.memory.clone());
                let before = self.golden.access(&access, &payload, &mut self.memory);
                if agree(&before, &finished) {
                    continue;
                }
                (self.golden, self.memory) = (golden, memory);
                self.golden.update(&update).expect("it was accepted");
                self.racing = None;
            }
            let expected = self.golden.access(&access, &payload, &mut self.memory);
            assert_eq!(finished.completion, expected.completion, "{access:x?}");
            assert_eq!(finished.data, expected.data, "{access:x?}");
        }
    }

    /// Runs until nothing is under way, and compares all, memory too.
    fn settle(&mut self) {
        self.machine().rest().unwrap_or_else(|error| panic!("{error}"));
        self.compare();
        assert!(self.sent.is_empty());
        if let Some(update) = self.racing.take() {
            self.golden.update(&update).expect("it was accepted");
        }
        let machine = self.driver.bus();
        assert_eq!(machine.differs(&self.memory), None);
        self.machine().check().unwrap_or_else(|error| panic!("{error}"));
    }
}

fn agree(outcome: &Outcome, finished: &Finished) -> bool {
    outcome.completion == finished.completion && outcome.data == finished.data
}

fn traffic(kind: EngineKind, data_bits: u32, seed: u64, rounds: usize) -> [u64; 15] {
    let config = config(data_bits);
    let module = describe(&config).expect("it can be described");
    traffic_on(kind, &module, &config, seed, rounds)
}

fn traffic_on(
    kind: EngineKind,
    module: &Arc<Module>,
    config: &Config,
    seed: u64,
    rounds: usize,
) -> [u64; 15] {
    let mut both = Both::of(kind, module, config, seed);
    for frame in [3, 40] {
        for vm in 0..VMS {
            let frame = 0x1000 + FRAMES * u64::from(vm) + frame;
            both.machine().slave.memory.break_frame(frame);
            both.memory.break_frame(frame);
        }
    }
    for _ in 0..rounds {
        let (manner, willing) = manners(&mut both.random);
        both.machine().slave.manner = manner;
        both.machine().set_willing(willing);
        both.send(40);
        // An update among them: its place is found out from what the accesses met.
        let vm = both.random.random_range(0..VMS);
        let update = match both.random.random_range(0..4) {
            0 => Update::Freeze { table: vm },
            1 => Update::Invalidate { table: vm, key: KEYS[both.random.random_range(0..2)] },
            2 => Update::ClearSlot { table: vm, slot: both.random.random_range(0..PAGES) },
            _ => Update::Unbind { table: vm, net_id: net_id(vm) },
        };
        let steps = both.random.random_range(0..600);
        for _ in 0..steps {
            both.machine().step().unwrap_or_else(|error| panic!("{error}"));
        }
        both.compare();
        both.racing = Some(update);
        both.driver.update(&update).expect("the bus works").expect("it is accepted");
        both.settle();
        match update {
            Update::Freeze { table } => {
                let epoch = both.epochs[usize::from(table)];
                both.driver.set_epoch(epoch).expect("the bus works");
                both.update(Update::Thaw { table });
            }
            Update::Unbind { table, net_id } => {
                // It comes back in a newer epoch.
                let epoch = &mut both.epochs[usize::from(table)];
                *epoch += 1;
                let epoch = *epoch;
                both.driver.set_epoch(epoch).expect("the bus works");
                both.update(Update::Bind { table, net_id });
            }
            _ => {
                both.install(vm, 0);
                both.install(vm, 1);
            }
        }
    }
    both.verdicts
}

#[test]
fn all_traffic_and_every_byte_agree_with_the_golden_model() {
    let mut sums = [0; 15];
    for data_bits in [64, 128, 256, 512] {
        for seed in 1..=2 {
            let verdicts = traffic(EngineKind::Native, data_bits, seed, 25);
            for (sum, verdict) in sums.iter_mut().zip(verdicts) {
                *sum += verdict;
            }
        }
    }
    println!("accesses by verdict:");
    for (code, count) in sums.iter().enumerate() {
        let fault = Fault::from_code(code as u8).expect("a fault");
        println!("{fault:>20} {count}");
        // No word is corrupt without protection, and no packet belongs to a message without a packet decoder.
        let cannot_be = [Fault::TableCorrupt, Fault::AddressWrap, Fault::MessageRefused].contains(&fault);
        assert!(*count > 0 || cannot_be, "{fault} never came");
    }
}

/// A granted access of VM 0, alone.
fn alone(both: &mut Both, op: Op, va: u64, length: u32, payload: &[u8]) -> Completion {
    let request =
        Request { net_id: net_id(0), key: KEYS[0], pd: 3, op, va, length, bound: length, stream: 1, tag: 2 };
    let access = AccessRequest { request, atomic: Atomic::None };
    both.machine().send(&access, payload);
    both.sent.push_back((access, payload.to_vec()));
    both.machine().run().unwrap_or_else(|error| panic!("{error}"));
    let finished = both.machine().finished().expect("it is completed");
    let (access, payload) = both.sent.pop_front().expect("it was sent");
    let expected = both.golden.access(&access, &payload, &mut both.memory);
    assert_eq!((finished.completion, &finished.data), (expected.completion, &expected.data));
    finished.completion
}

#[test]
fn what_is_written_is_read_back() {
    for data_bits in [64, 128, 256, 512] {
        let mut both = Both::new(EngineKind::Native, &config(data_bits), 3);
        let payload: Vec<u8> = (0..4096_u32).map(|byte| (byte * 7 + byte / 256) as u8).collect();
        for (va, length) in [(BASE, 64), (BASE + 5, 1), (BASE + 4090, 4096), (BASE + 3 * 4096 + 1, 777)] {
            let done = alone(&mut both, Op::RemoteWrite, va, length, &payload[..length as usize]);
            assert_eq!((done.fault, done.bytes_done), (Fault::Granted, length), "{data_bits} bits");
            let done = alone(&mut both, Op::RemoteRead, va, length, &[]);
            assert_eq!((done.fault, done.bytes_done), (Fault::Granted, length), "{data_bits} bits");
        }
        both.settle();
    }
}

#[test]
fn verilator_agrees_too() {
    for data_bits in [64, 512] {
        traffic(EngineKind::Verilator, data_bits, 7, 6);
    }
}

/// A granted access of VM 0 at some place of key 0, for the streams.
fn plain(op: Op, va: u64, length: u32) -> AccessRequest {
    let request =
        Request { net_id: net_id(0), key: KEYS[0], pd: 3, op, va, length, bound: length, stream: 0, tag: 0 };
    AccessRequest { request, atomic: Atomic::None }
}

#[test]
fn memory_that_never_answers_hangs_nobody() {
    let base = config(128);
    let processing = Processing { timeout_cycles: 512, ..base.processing.clone() };
    let mut both = Both::new(EngineKind::Native, &Config { processing, ..base }, 5);
    let frames = 0x1000..0x1000 + FRAMES;
    both.machine().slave.silent.extend(frames);
    // More than there are slots for, of every kind.
    let atomic = AccessRequest { atomic: Atomic::FetchAdd { add: 1 }, ..plain(Op::RemoteAtomic, BASE, 8) };
    for place in 0..12 {
        let va = BASE + 64 * place;
        both.machine().send(&plain(Op::RemoteRead, va, 64), &[]);
        both.machine().send(&plain(Op::RemoteWrite, va + 8192, 64), &[1; 64]);
        both.machine().send(&atomic, &[]);
    }
    let begin = both.machine().cycle();
    both.machine().run().unwrap_or_else(|error| panic!("{error}"));
    while let Some(finished) = both.machine().finished() {
        assert_eq!((finished.completion.fault, finished.completion.bytes_done), (Fault::BusError, 0));
    }
    let cycles = both.machine().cycle() - begin;
    println!("36 accesses to a dead memory are over after {cycles} cycles, the timeout being 512");
    // A fence is over too: what was given up is retired.
    both.update(Update::Freeze { table: 0 });
    both.update(Update::Thaw { table: 0 });
    // Memory wakes up: its late answers reach nobody, and everything works again.
    both.machine().slave.silent.clear();
    for _ in 0..3000 {
        both.machine().step().unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(both.machine().slave.is_idle(), "every late answer was taken");
    let written: Vec<(u64, u8)> = both.machine().slave.memory.written().collect();
    for (address, value) in written {
        assert!(value == 1, "only what was written may have landed");
        both.memory.set(address, value);
    }
    for place in 0..20 {
        let payload = [place as u8; 64];
        alone(&mut both, Op::RemoteWrite, BASE + 100 * place, 64, &payload);
        alone(&mut both, Op::RemoteRead, BASE + 100 * place, 64, &[]);
    }
    both.settle();
}

#[test]
fn no_fence_waits_for_a_client() {
    let mut both = Both::new(EngineKind::Native, &config(64), 6);
    both.machine().set_willing(Willing { sends: 100, takes: 0, registers: 100 });
    for place in 0..100 {
        both.machine().send(&plain(Op::RemoteRead, BASE + 64 * place, 600), &[]);
    }
    for _ in 0..3000 {
        both.machine().step().unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(both.machine().under_way() > 80, "the client takes nothing");
    // The fence answers although nothing is taken; `update` would not come back otherwise.
    both.update(Update::Freeze { table: 0 });
    assert!(both.machine().finished().is_none());
    both.machine().set_willing(Willing::ALWAYS);
    both.machine().run().unwrap_or_else(|error| panic!("{error}"));
    let mut granted = 0;
    while let Some(finished) = both.machine().finished() {
        granted += u32::from(finished.completion.fault == Fault::Granted);
    }
    println!("{granted} of 100 reads were granted before the freeze, without a client taking any");
    assert!((5..100).contains(&granted));
}

/// Cycles from the first completion to the last of many accesses, per access.
fn pace(data_bits: u32, op: Op, length: u32, accesses: u64, least_cycles: u64) -> (f64, Both) {
    // Room as a configuration has it that says nothing of it.
    let config = config(data_bits);
    let processing = Processing { payload_bytes: None, read_bytes: None, ..config.processing.clone() };
    let mut both = Both::new(EngineKind::Native, &Config { processing, ..config }, 8);
    both.machine().slave.manner = Manner { least_cycles, ..Manner::FAST };
    let payload = vec![0x5a; length as usize];
    for place in 0..accesses {
        let va = BASE + (u64::from(length) * place) % (3 * 4096);
        let writes = matches!(op, Op::RemoteWrite);
        both.machine().send(&plain(op, va, length), if writes { &payload } else { &[] });
    }
    both.machine().run().unwrap_or_else(|error| panic!("{error}"));
    let cycles: Vec<u64> = std::iter::from_fn(|| both.machine().finished()).map(|done| done.cycle).collect();
    let (first, last) = (cycles[9], cycles[cycles.len() - 1]);
    ((last - first) as f64 / (cycles.len() - 10) as f64, both)
}

#[test]
fn rates_are_those_of_the_documents() {
    println!("op             bits  bytes  cycles an access  beats an access");
    for (data_bits, op, length, most) in [
        (512, Op::RemoteRead, 64, 2.0),
        (512, Op::RemoteWrite, 64, 2.0),
        (512, Op::RemoteRead, 4096, 64.0 * 1.05),
        (512, Op::RemoteWrite, 4096, 64.0 * 1.05),
        (64, Op::RemoteRead, 4096, 512.0 * 1.02),
        (64, Op::RemoteWrite, 4096, 512.0 * 1.02),
    ] {
        let (cycles, _) = pace(data_bits, op, length, 200, 0);
        println!("{op:<14} {data_bits:>4} {length:>6} {cycles:>17.2} {:>16}", length * 8 / data_bits);
        assert!(cycles <= most + 0.05, "{op} of {length} bytes at {data_bits} bits: {cycles} cycles");
    }
}

#[test]
fn eight_reads_and_writes_are_under_way_at_once() {
    for op in [Op::RemoteRead, Op::RemoteWrite] {
        let (_, mut both) = pace(64, op, 64, 60, 200);
        let (reads, writes) = both.machine().slave.most;
        println!("{op}: {reads} reads and {writes} writes were under way at once");
        assert!(if op == Op::RemoteRead { reads >= 8 } else { writes >= 8 });
    }
}

/// Mutants that a test run tries: so many that chance has little say.
const TRIED: usize = 24;
/// Most of a hundred that may survive. Those that do are mostly about when: an age that a timeout counts, an access that waits for
/// another although they do not overlap, credits that are more generous than needed.
const MOST_SURVIVE: usize = 40;

/// `STAGECOACH_MUTANTS=400 cargo test --release -p stagecoach-cosim --test processing mutants -- --nocapture` tries more.
#[test]
fn mutants_of_the_processing_unit_are_caught() {
    let config = config(64);
    let sound = describe(&config).expect("it can be described");
    let of_unit = |module: &str| module.starts_with("processing_");
    mutants::are_caught(&sound, "the processing unit", of_unit, TRIED, MOST_SURVIVE, |mutant| {
        for (seed, rounds) in [(1, 3), (2, 6)] {
            traffic_on(EngineKind::Native, mutant, &config, seed, rounds);
        }
    });
}
