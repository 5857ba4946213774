//! RoCEv2 frames into the whole controller, against the golden model: what becomes of each, what clients are told, and every
//! byte of memory.

mod frame;
mod mutants;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use frame::{Extended, Packet, sign};
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::{Machine, describe, manners};
use stagecoach_hdl::Module;
use stagecoach_host::{Driver, QueuePairs, RegisterBus};
use stagecoach_model::Golden;
use stagecoach_model::decoder::{Decoder, Dropped};
use stagecoach_model::processing::{Memory, Outcome};
use stagecoach_spec::queue_pair::{identifier, opcode, table_shape};
use stagecoach_spec::registers::Register;
use stagecoach_spec::{
    Access, Config, Fault, Frontend, Icrc, NetId, OpenMessage, Preset, Processing, QueuePair,
    QueuePairUpdate, Region, Slices, Update,
};

/// Where each region begins, in its VM's addresses.
const BASE: u64 = 0xa5c3_7f00_0000_0000;
/// Pages of each region.
const PAGES: u32 = 12;
/// Frames of each VM.
const FRAMES: u64 = 64;
/// Keys, the same in every VM. The third region can only be read.
const KEYS: [u32; 3] = [0x0011, 0x0122, 0x0233];
/// VMs.
const VMS: u16 = 3;
/// Numbers of queue pairs, the same in every VM.
const QPNS: [u32; 8] =
    [0x00_0011, 0x00_0012, 0xff_fffe, 0x80_0011, 0x5a_3cc7, 0x35_9e12, 0x00_4011, 0xc7_0fa5];

fn config(data_bits: u32, net_id_bits: u32) -> Config {
    let config = Preset::Tiny.config();
    let processing = Processing {
        data_bits,
        axi_id_bits: 6,
        timeout_cycles: 1 << 20,
        frontend: Frontend::Roce,
        queue_pairs: Some(32),
        ..Preset::Roce.config().processing
    };
    Config {
        net_id_bits,
        tables: 4,
        bindings: 8,
        stream_bits: 24,
        tag_bits: 32,
        max_request_bytes: 4096,
        processing,
        ..config
    }
}

/// The same, and the ICRC must be right.
fn checked(data_bits: u32, net_id_bits: u32) -> Config {
    let config = config(data_bits, net_id_bits);
    let processing = Processing { icrc: Icrc::Checked, ..config.processing.clone() };
    Config { processing, ..config }
}

/// A queue pair of a VM: what its client has sent of an open message.
#[derive(Clone, Debug)]
struct Client {
    vm: u16,
    qpn: u32,
    address: IpAddr,
    index: u16,
    entry: u16,
    context: QueuePair,
    psn: u32,
    /// The rest of a write: address of the message, key, length, packet size, bytes sent.
    open: Option<(u32, usize)>,
    rest: u32,
    sent: Vec<Packet>,
}

/// Controller and golden model, side by side.
struct Both {
    driver: Driver<Machine>,
    golden: Golden,
    decoder: Decoder,
    memory: Memory,
    random: ChaCha8Rng,
    config: Config,
    clients: Vec<Client>,
    expected: VecDeque<Outcome>,
    /// Nothing strange is sent.
    plain: bool,
    /// The client that sent last.
    last: usize,
    verdicts: [u64; 15],
    drops: [u64; 5],
}

impl Both {
    fn new(kind: EngineKind, config: &Config, seed: u64) -> Both {
        Both::of(kind, &describe(config).expect("it can be described"), config, seed)
    }

    fn of(kind: EngineKind, module: &Arc<Module>, config: &Config, seed: u64) -> Both {
        let mut machine = Machine::of(kind, module, config, seed).expect("it can be made");
        // The slowest memory answers a beat in 13 cycles, and the longest read has 2,560 of them.
        machine.patience = 100_000;
        let driver = Driver::open(machine).expect("it is a controller");
        let mut both = Both {
            driver,
            golden: Golden::new(config),
            decoder: Decoder::new(config),
            memory: Memory::default(),
            random: ChaCha8Rng::seed_from_u64(seed),
            config: config.clone(),
            clients: Vec::new(),
            expected: VecDeque::new(),
            plain: false,
            last: 0,
            verdicts: [0; 15],
            drops: [0; 5],
        };
        for vm in 0..VMS {
            let n = u32::from(vm);
            let slices = Slices {
                region_base: 8 * n,
                region_count: 8,
                slot_base: 40 * n,
                slot_count: 40,
                window_base: 0x1000 + FRAMES * u64::from(vm),
                window_count: FRAMES,
            };
            both.update(Update::SetTable { table: vm, slices });
            let net_id = both.net_id(both.address(vm));
            both.update(Update::Bind { table: vm, net_id });
            for place in 0..KEYS.len() {
                both.install(vm, place);
            }
            for qpn in QPNS {
                both.add(vm, qpn);
            }
        }
        both
    }

    /// IPv4, and where identifiers have room for it IPv6 too.
    fn address(&self, vm: u16) -> IpAddr {
        let spread = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128.wrapping_mul(u128::from(vm) * 2 + 1);
        if vm > 0 && self.config.net_id_bits == 128 {
            IpAddr::V6(Ipv6Addr::from(spread))
        } else {
            IpAddr::V4(Ipv4Addr::from(spread as u32))
        }
    }

    /// An address of the same family as a VM's.
    fn peer(&mut self, vm: u16) -> IpAddr {
        match self.address(vm) {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(self.random.random::<u32>())),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(self.random.random::<u128>())),
        }
    }

    fn net_id(&self, address: IpAddr) -> NetId {
        NetId::from_ip(address, &self.config).expect("it has room")
    }

    fn update(&mut self, update: Update) {
        let expected = self.golden.update(&update);
        let answer = self.driver.update(&update).expect("the bus works");
        assert_eq!(answer, expected, "{update:?}");
    }

    fn tell(&mut self, update: &QueuePairUpdate) {
        self.decoder.update(update);
        self.driver.queue_pair(update).expect("the bus works");
    }

    /// A queue pair at any of its entries, whether the planner would take that or not.
    fn add(&mut self, vm: u16, qpn: u32) {
        let address = self.peer(vm);
        // The first takes everything.
        let allows = if self.clients.is_empty() { QueuePair::ALL } else { self.random.random_range(0..8) };
        let allows = if self.random.random_range(0..3) == 0 { allows } else { QueuePair::ALL };
        let context = QueuePair { peer: self.net_id(address), pd: 3, allows };
        let psn = self.random.random_range(0..1 << 24);
        let index = self.clients.len() as u16;
        let (open, rest, sent) = (None, 0, Vec::new());
        self.clients.push(Client { vm, qpn, address, index, entry: 0, context, psn, open, rest, sent });
        self.tell(&QueuePairUpdate::Context { index, context });
        self.tell(&QueuePairUpdate::Message { index, message: None });
        self.place(usize::from(index));
    }

    /// Takes a free entry for a client's queue pair.
    fn place(&mut self, number: usize) {
        let Client { vm, qpn, index, .. } = self.clients[number];
        let wanted = identifier(self.net_id(self.address(vm)), qpn);
        let shape = table_shape(&self.config);
        let (depth, seeds) = (shape.depth(), shape.initial_seeds());
        let ways = (0..4).map(|way| way * depth + shape.bucket(seeds[way as usize], wanted));
        let places: Vec<u32> = ways.chain(4 * depth..4 * depth + 4).collect();
        let others = self.clients.iter().enumerate().filter(|(other, _)| *other != number);
        let used: Vec<u16> = others.map(|(_, client)| client.entry).collect();
        let free = places.into_iter().filter(|place| !used.contains(&(*place as u16)));
        let entry = free.choose(&mut self.random).expect("the stash is never full") as u16;
        self.clients[number].entry = entry;
        self.tell(&QueuePairUpdate::Entry { entry, taken: Some((wanted, index)) });
    }

    fn install(&mut self, vm: u16, place: usize) {
        for page in 0..PAGES {
            let frame = 0x1000 + FRAMES * u64::from(vm) + self.random.random_range(0..FRAMES);
            let slot = place as u32 * PAGES + page;
            self.update(Update::SetSlot { table: vm, slot, frame, page_size: 0 });
        }
        let region = Region {
            base: BASE,
            length: u64::from(PAGES) * 4096,
            first_offset: 0,
            rights: [Access::ALL, Access::ALL, Access::REMOTE_READ][place],
            page_size: 0,
            first_slot: place as u32 * PAGES,
            pd: 3,
        };
        self.update(Update::Install { table: vm, key: KEYS[place], region });
    }

    /// The next packet of a client that behaves, mostly.
    fn packet(&mut self, number: usize) -> Packet {
        let (vm, qpn) = (self.clients[number].vm, self.clients[number].qpn);
        let (source, destination) = (self.clients[number].address, self.address(vm));
        let random = &mut self.random;
        let client = &mut self.clients[number];
        let psn = client.psn;
        client.psn = (client.psn + 1) & 0xff_ffff;
        let vlan = (random.random_range(0..4) == 0).then(|| random.random_range(0..4096));
        let mut packet = Packet {
            source,
            destination,
            vlan,
            opcode: opcode::WRITE_ONLY,
            qpn,
            psn,
            extended: Extended::None,
            payload: Vec::new(),
        };
        let bytes = |random: &mut ChaCha8Rng, count: usize| (0..count).map(|_| random.random()).collect();
        if let Some((_, size)) = client.open {
            let last = client.rest as usize <= size;
            packet.opcode = match (last, random.random()) {
                (false, _) => opcode::WRITE_MIDDLE,
                (true, false) => opcode::WRITE_LAST,
                (true, true) => opcode::WRITE_LAST_IMMEDIATE,
            };
            let count = size.min(client.rest as usize);
            packet.payload = bytes(random, count);
            client.rest -= count as u32;
            if last {
                client.open = None;
            }
            return packet;
        }
        let key = if random.random_range(0..12) == 0 {
            KEYS[2] ^ random.random_range(0..2)
        } else {
            KEYS[random.random_range(0..2)]
        };
        let mut va = BASE + random.random_range(0..u64::from(PAGES) * 4096);
        match random.random_range(0..10) {
            0..5 => {
                let size = 256 << random.random_range(0..5);
                let length = random.random_range(size as u32 + 1..=5 * size as u32);
                va = BASE + random.random_range(0..u64::from(PAGES) * 4096 - u64::from(length.min(20_000)));
                if random.random_range(0..12) == 0 {
                    va = BASE - u64::from(random.random_range(1..length));
                }
                packet.opcode = opcode::WRITE_FIRST;
                packet.extended = Extended::Reth(va, key, length);
                packet.payload = bytes(random, size);
                client.open = Some((length, size));
                client.rest = length - size as u32;
            }
            5 | 6 => {
                let length: u32 =
                    if random.random() { random.random_range(0..200) } else { random.random_range(0..=4096) };
                packet.opcode = [opcode::WRITE_ONLY, opcode::WRITE_ONLY_IMMEDIATE][random.random_range(0..2)];
                packet.payload = bytes(random, length as usize);
                let said =
                    if random.random_range(0..20) == 0 { random.random_range(0..4096) } else { length };
                packet.extended = Extended::Reth(va, key, said);
            }
            7 | 8 => {
                let length = [0, 1, 64, 4096, 4097, 9000, 20_000, 1 << 31, u32::MAX];
                let length = if random.random_range(0..60) == 0 {
                    (1 << 31) + 1
                } else {
                    length[random.random_range(0..7)]
                };
                packet.opcode = opcode::READ_REQUEST;
                packet.extended = Extended::Reth(va, key, length);
            }
            _ => {
                va = BASE + 8 * random.random_range(0..4);
                packet.opcode = [opcode::COMPARE_SWAP, opcode::FETCH_ADD][random.random_range(0..2)];
                let compare = if random.random() { 0 } else { random.random() };
                packet.extended = Extended::Atomic(va, key, random.random(), compare);
            }
        }
        packet
    }

    /// A frame, of a packet that comes once, twice, late, spoiled or never; and whether the MAC calls it damaged.
    fn frame(&mut self, silent: Option<usize>) -> (Vec<u8>, bool) {
        let mut number = self.random.random_range(0..self.clients.len());
        // Often a message's packets come one right behind the other.
        if self.clients[self.last].open.is_some() && self.random.random() {
            number = self.last;
        }
        if Some(number) == silent {
            number = (number + 1) % self.clients.len();
        }
        self.last = number;
        let mut packet = self.packet(number);
        let random = &mut self.random;
        let sent = &mut self.clients[number].sent;
        if random.random_range(0..25) == 0 && !sent.is_empty() {
            packet = sent.choose(random).expect("there is one").clone();
        }
        sent.push(packet.clone());
        if sent.len() > 6 {
            sent.remove(0);
        }
        let strange = if self.plain { 99 } else { random.random_range(0..130) };
        match strange {
            0 | 23 => packet.qpn ^= 1 << random.random_range(0..24),
            1 | 24 => packet.source = near(packet.source, random),
            40..43 => {
                // Payload where none may be, or of a length that none may have.
                let more = random.random_range(1..40);
                packet.payload.resize(packet.payload.len() + more, 0xee);
            }
            25 => packet.destination = near(packet.destination, random),
            2 => packet.psn = (packet.psn + 1) & 0xff_ffff,
            3 => packet.opcode = random.random_range(0..0x20),
            4 => packet.opcode |= 0x40,
            5 => std::mem::swap(&mut packet.source, &mut packet.destination),
            _ => {}
        }
        let mut frame = packet.frame();
        match strange {
            6..12 => frame.truncate(random.random_range(1..frame.len())),
            12..18 => {
                let at = random.random_range(12..frame.len().min(90));
                frame[at] ^= 1 << random.random_range(0..8);
            }
            18..20 => frame.extend(vec![0; random.random_range(1..20)]),
            20 => frame.resize(5000, 0),
            21 => frame = (0..random.random_range(1..200)).map(|_| random.random()).collect(),
            // As short as an acknowledgement.
            26..40 => frame.truncate(64),
            _ => {}
        }
        // A frame whose ICRC is looked at has a right one, mostly, however strange it is.
        if self.config.processing.icrc == Icrc::Checked && (self.plain || self.random.random_range(0..8) > 0)
        {
            sign(&mut frame);
        }
        (frame, strange == 22)
    }

    fn send(&mut self, frames: usize) {
        self.send_but(frames, None);
    }

    /// Sends frames of all clients but one.
    fn send_but(&mut self, frames: usize, silent: Option<usize>) {
        for _ in 0..frames {
            let (frame, damaged) = self.frame(silent);
            let outcomes = self.decoder.frame(&frame, damaged, &mut self.golden, &mut self.memory);
            match &outcomes {
                Ok(_) => {}
                Err(reason) => self.drops[*reason as usize] += 1,
            }
            let outcomes = outcomes.unwrap_or_default();
            self.driver.bus().send_frame(&frame, damaged, outcomes.len() as u64);
            self.expected.extend(outcomes);
        }
    }

    /// Runs until nothing is under way, and compares all, memory too.
    fn settle(&mut self) {
        self.driver.bus().rest().unwrap_or_else(|error| panic!("{error}"));
        while let Some(finished) = self.driver.bus().finished() {
            let expected = self.expected.pop_front().expect("no more completions than accesses");
            self.verdicts[usize::from(finished.completion.fault.code())] += 1;
            assert_eq!(finished.completion, expected.completion);
            assert_eq!(finished.data, expected.data, "{:x?}", expected.completion);
        }
        assert!(self.expected.is_empty());
        let machine = self.driver.bus();
        assert_eq!(machine.differs(&self.memory), None);
        for index in 0..self.clients.len() as u16 {
            let open = self.driver.open_message(index).expect("the bus works");
            assert_eq!(open, self.decoder.message(index), "of queue pair {index}");
        }
        let reasons = [
            (Register::FramesMalformed, Dropped::Malformed),
            (Register::FramesOther, Dropped::Other),
            (Register::FramesUnknownQueuePair, Dropped::UnknownQueuePair),
            (Register::FramesUnknownPeer, Dropped::UnknownPeer),
            (Register::FramesNoMessage, Dropped::NoMessage),
        ];
        for (register, reason) in reasons {
            let count = self.driver.bus().read(register.offset()).expect("the bus works");
            assert_eq!(count, self.decoder.dropped(reason), "{reason:?}");
        }
        let count = self.driver.bus().read(Register::FramesAccepted.offset()).expect("the bus works");
        assert_eq!(count, self.decoder.accepted());
        self.driver.bus().check().unwrap_or_else(|error| panic!("{error}"));
    }
}

/// An address that differs in one bit.
fn near(address: IpAddr, random: &mut ChaCha8Rng) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            IpAddr::V4(Ipv4Addr::from(u32::from(address) ^ 1 << random.random_range(0..32)))
        }
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from(u128::from(address) ^ 1 << random.random_range(0..128)))
        }
    }
}

fn traffic(kind: EngineKind, config: &Config, seed: u64, rounds: usize) -> ([u64; 15], [u64; 5]) {
    let module = describe(config).expect("it can be described");
    traffic_on(kind, &module, config, seed, rounds)
}

fn traffic_on(
    kind: EngineKind,
    module: &Arc<Module>,
    config: &Config,
    seed: u64,
    rounds: usize,
) -> ([u64; 15], [u64; 5]) {
    let mut both = Both::of(kind, module, config, seed);
    for round in 0..rounds {
        let (manner, willing) = manners(&mut both.random);
        both.driver.bus().slave.manner = manner;
        both.driver.bus().set_willing(willing);
        both.send(40);
        both.settle();
        let vm = both.random.random_range(0..VMS);
        match round % 4 {
            0 => {
                both.update(Update::Freeze { table: vm });
                both.send(20);
                both.settle();
                both.update(Update::Thaw { table: vm });
            }
            1 => {
                let slot = both.random.random_range(0..2 * PAGES);
                both.update(Update::ClearSlot { table: vm, slot });
                both.send(40);
                both.settle();
                both.install(vm, 0);
                both.install(vm, 1);
            }
            2 => {
                let index = both.random.random_range(0..both.clients.len() as u16);
                // The others go on; nothing strange, which might be for this one.
                both.plain = true;
                both.send_but(20, Some(index.into()));
                both.plain = false;
                let message = OpenMessage {
                    va: BASE,
                    key: KEYS[0],
                    length: 3000,
                    first_psn: both.clients[usize::from(index)].psn.wrapping_sub(1) & 0xff_ffff,
                    packet_bytes: 1024,
                    refused: both.random.random(),
                };
                let message = both.random.random::<bool>().then_some(message);
                both.tell(&QueuePairUpdate::Message { index, message });
                let client = &mut both.clients[usize::from(index)];
                (client.open, client.rest) = match message {
                    Some(message) => (Some((3000, 1024)), message.length - 1024),
                    None => (None, 0),
                };
            }
            _ => {
                // A queue pair leaves and comes back at another place.
                let number = both.random.random_range(0..both.clients.len());
                let entry = both.clients[number].entry;
                both.tell(&QueuePairUpdate::Entry { entry, taken: None });
                both.send(20);
                both.settle();
                both.place(number);
            }
        }
    }
    (both.verdicts, both.drops)
}

#[test]
fn all_frames_and_every_byte_agree_with_the_golden_model() {
    let (mut verdicts, mut drops) = ([0; 15], [0; 5]);
    for (data_bits, net_id_bits) in [(64, 128), (128, 32), (256, 128), (512, 128)] {
        for (config, rounds) in [(config(data_bits, net_id_bits), 36), (checked(data_bits, net_id_bits), 20)]
        {
            let (verdict, drop) = traffic(EngineKind::Native, &config, data_bits.into(), rounds);
            verdicts.iter_mut().zip(verdict).for_each(|(sum, count)| *sum += count);
            drops.iter_mut().zip(drop).for_each(|(sum, count)| *sum += count);
        }
    }
    println!("accesses by verdict:");
    for fault in Fault::ALL {
        println!("  {:<20}{:>8}", fault.name(), verdicts[usize::from(fault.code())]);
    }
    println!("dropped: malformed, other, unknown queue pair, unknown peer, no message: {drops:?}");
    let seldom = [
        Fault::UnknownNetwork,
        Fault::TableCorrupt,
        Fault::BusError,
        Fault::AddressWrap,
        Fault::ProtectionDomain,
        Fault::MisalignedAtomic,
    ];
    for fault in Fault::ALL.into_iter().filter(|fault| !seldom.contains(fault)) {
        assert!(verdicts[usize::from(fault.code())] > 10, "too few of {fault}");
    }
    assert!(drops.iter().all(|count| *count > 10), "{drops:?}");
}

#[test]
fn verilator_agrees_too() {
    traffic(EngineKind::Verilator, &checked(512, 128), 7, 8);
}

/// A write of one packet by the first client, that is granted.
fn write(both: &Both, psn: u32, bytes: usize) -> Vec<u8> {
    let packet = Packet {
        source: both.clients[0].address,
        destination: both.address(0),
        vlan: None,
        opcode: opcode::WRITE_ONLY,
        qpn: QPNS[0],
        psn,
        // Elsewhere than those before it, so that it waits for none of them.
        extended: Extended::Reth(BASE + u64::from(psn % 11) * 4096, KEYS[0], bytes as u32),
        payload: vec![psn as u8; bytes],
    };
    packet.frame()
}

#[test]
fn a_beat_is_taken_in_every_cycle() {
    println!("writes of one packet, memory and client never stall: beats of frames in a cycle");
    for data_bits in [64, 128, 256, 512] {
        for bytes in [64, 256, 1024, 4096] {
            let mut both = Both::new(EngineKind::Native, &config(data_bits, 128), 3);
            let frames = (256 * 1024 / bytes).min(256) as u32;
            for psn in 0..frames {
                let frame = write(&both, psn, bytes);
                both.driver.bus().send_frame(&frame, false, 1);
            }
            let start = both.driver.bus().cycle();
            both.driver.bus().run().unwrap_or_else(|error| panic!("{error}"));
            let cycles = both.driver.bus().cycle() - start;
            let beats = both.driver.bus().frame_beats();
            let share = beats as f64 / cycles as f64;
            println!("  {data_bits:>3} bits, {bytes:>4} bytes: {share:.2} ({beats} in {cycles} cycles)");
            // The rest is the latency of the first and last.
            assert!(share > LEAST_SHARE, "{data_bits} bits, {bytes} bytes: {share}");
        }
    }
}

/// Beats in a cycle at least, over a whole run with its start and end. They are fewest at 512 bits, where the smallest frames wait for
/// memory: 16 writes are under way at once, each for some 60 cycles.
const LEAST_SHARE: f64 = 0.70;

#[test]
fn a_queue_pair_is_found_while_others_come_and_go() {
    let mut config = config(128, 128);
    config.processing.queue_pairs = Some(64);
    let mut both = Both::new(EngineKind::Native, &config, 5);
    let net_id = both.net_id(both.address(2));
    let context = both.clients[0].context;
    // The planner knows those of the clients at their places.
    let mut pairs = QueuePairs::new(&config).expect("it has a decoder");
    for client in both.clients.clone() {
        both.tell(&QueuePairUpdate::Entry { entry: client.entry, taken: None });
    }
    for client in both.clients.clone() {
        let vm = both.net_id(both.address(client.vm));
        for update in pairs.add(vm, client.qpn, client.context).expect("there is room") {
            both.tell(&update);
        }
    }
    let mut sent = 0;
    for round in 0..200u32 {
        for _ in 0..2 {
            let frame = write(&both, sent, 64);
            both.driver.bus().send_frame(&frame, false, 1);
            sent += 1;
        }
        // Registers are written while frames are looked up.
        let qpn = 0x100 + both.random.random_range(0..15);
        let updates = match pairs.index(net_id, qpn) {
            Some(_) => pairs.remove(net_id, qpn),
            None => pairs.add(net_id, qpn, context),
        };
        for update in updates.unwrap_or_else(|error| panic!("round {round}: {error}")) {
            both.driver.queue_pair(&update).expect("the bus works");
        }
    }
    both.driver.bus().run().unwrap_or_else(|error| panic!("{error}"));
    let count = both.driver.bus().read(Register::FramesAccepted.offset()).expect("the bus works");
    assert_eq!(count, sent);
    while let Some(finished) = both.driver.bus().finished() {
        assert_eq!(finished.completion.fault, Fault::Granted);
    }
}

#[test]
fn registers_of_queue_pairs_refuse_while_the_decoder_works() {
    let mut both = Both::new(EngineKind::Native, &config(64, 128), 5);
    let bus = both.driver.bus();
    bus.write(Register::QueuePairIndex.offset(), 3).expect("it is ready");
    // Reserved bits, and registers that are only read.
    for (register, value) in [
        (Register::QueuePairIndex, 1 << 16),
        (Register::QueuePairCommand, 8),
        (Register::QueuePairStatus, 0),
        (Register::QueuePairs, 0),
        (Register::FramesAccepted, 0),
    ] {
        assert!(bus.write(register.offset(), value).is_err(), "{register:?}");
    }
    assert_eq!(bus.read(Register::QueuePairIndex.offset()).expect("it can be read"), 3);
    assert_eq!(bus.read(Register::QueuePairs.offset()).expect("it can be read"), 32);
    // Commands without a meaning do nothing.
    for op in [0, 5, 6, 7] {
        bus.write(Register::QueuePairCommand.offset(), op).expect("it is ready");
    }
    both.send(40);
    both.settle();
}
