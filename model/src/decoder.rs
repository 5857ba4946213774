//! The packet decoder: accesses made of RoCEv2 frames, one frame after the other.
//!
//! Nothing is stored in between and nothing is under way: a frame is read, its queue pair looked up, and its access carried
//! out, before the next is looked at.

use std::collections::BTreeMap;

use stagecoach_spec::queue_pair::{self, LARGEST_PAYLOAD, LONGEST_FRAME, ROCE_PORT, opcode};
use stagecoach_spec::{
    AccessRequest, Atomic, Config, Cuckoo, Fault, Icrc, NetId, Op, OpenMessage, QueuePair, QueuePairUpdate,
    Request,
};

use crate::Golden;
use crate::icrc::icrc;
use crate::processing::{Memory, Objections, Outcome};

/// Why a frame is dropped. Each is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dropped {
    /// Damaged, cut, or with headers that contradict each other.
    Malformed,
    /// Not RoCEv2 over plain IP, or of an operation that is not decoded.
    Other,
    /// Nobody here has the queue pair.
    UnknownQueuePair,
    /// The queue pair's peer is another.
    UnknownPeer,
    /// A later packet of a write, and no open message has a place for it.
    NoMessage,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    opcode: u8,
    qpn: u32,
    psn: u32,
    source: NetId,
    destination: NetId,
    /// The bytes of the RETH or AtomicETH; zeros where there is none.
    extended: [u8; 28],
    payload: Vec<u8>,
}

/// A frame that becomes an access.
struct Decided {
    /// Its queue pair's index.
    index: u16,
    packet: Packet,
    context: QueuePair,
    /// The open message that it continues.
    begun: Option<OpenMessage>,
}

/// The decoder's tables.
#[derive(Clone, Debug)]
pub struct Decoder {
    config: Config,
    table: Cuckoo,
    entries: BTreeMap<u32, (NetId, u16)>,
    contexts: BTreeMap<u16, QueuePair>,
    messages: BTreeMap<u16, OpenMessage>,
    /// Queue pairs whose last message was refused.
    refused: BTreeMap<u16, bool>,
    accepted: u32,
    dropped: BTreeMap<Dropped, u32>,
}

impl Decoder {
    /// After reset. The configuration has a decoder.
    pub fn new(config: &Config) -> Decoder {
        Decoder {
            config: config.clone(),
            table: queue_pair::table_shape(config),
            entries: BTreeMap::new(),
            contexts: BTreeMap::new(),
            messages: BTreeMap::new(),
            refused: BTreeMap::new(),
            accepted: 0,
            dropped: BTreeMap::new(),
        }
    }

    /// A change of what is known.
    pub fn update(&mut self, update: &QueuePairUpdate) {
        match *update {
            QueuePairUpdate::Entry { entry, taken: Some(taken) } => {
                self.entries.insert(entry.into(), taken);
            }
            QueuePairUpdate::Entry { entry, taken: None } => {
                self.entries.remove(&entry.into());
            }
            QueuePairUpdate::Context { index, context } => {
                self.contexts.insert(index, context);
            }
            QueuePairUpdate::Message { index, message: None } => {
                self.refused.insert(index, false);
                self.messages.remove(&index);
            }
            QueuePairUpdate::Message { index, message: Some(message) } => {
                self.refused.insert(index, message.refused);
                self.messages.insert(index, message);
            }
        }
    }

    /// A queue pair's open message.
    pub fn message(&self, index: u16) -> Option<OpenMessage> {
        let refused = self.refused.get(&index) == Some(&true);
        self.messages.get(&index).map(|message| OpenMessage { refused, ..*message })
    }

    /// Frames that became accesses.
    pub fn accepted(&self) -> u32 {
        self.accepted
    }

    /// Frames that were dropped for a reason.
    pub fn dropped(&self, reason: Dropped) -> u32 {
        self.dropped.get(&reason).copied().unwrap_or(0)
    }

    /// Takes a frame; `damaged` is what the MAC says of it. Gives what became of its access, piece by piece where it is a long
    /// read.
    ///
    /// # Errors
    /// It is dropped.
    pub fn frame(
        &mut self,
        frame: &[u8],
        damaged: bool,
        golden: &mut Golden,
        memory: &mut Memory,
    ) -> Result<Vec<Outcome>, Dropped> {
        let decided = self.decide(frame, damaged);
        let Decided { index, packet, context, begun } = match decided {
            Ok(decided) => decided,
            Err(reason) => {
                *self.dropped.entry(reason).or_default() += 1;
                return Err(reason);
            }
        };
        self.accepted += 1;
        let access = access(&packet, &context, begun);
        match packet.opcode {
            opcode::WRITE_FIRST => {
                let message = OpenMessage {
                    va: access.request.va,
                    key: access.request.key,
                    length: access.request.bound,
                    first_psn: packet.psn,
                    packet_bytes: packet.payload.len() as u32,
                    refused: false,
                };
                self.messages.insert(index, message);
            }
            opcode::WRITE_MIDDLE => {}
            _ => {
                self.messages.remove(&index);
            }
        }
        let not_taken = !context.takes(access.request.op);
        let pieces = pieces(&access, self.config.max_request_bytes);
        let mut outcomes = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            let continues = number > 0 || begun.is_some();
            let message_refused = continues && self.refused.get(&index) == Some(&true);
            let objections = Objections { not_taken, message_refused };
            let outcome = golden.access_under(piece, &packet.payload, memory, objections);
            if !continues {
                self.refused.insert(index, outcome.refused);
            } else if outcome.refused && outcome.completion.fault != Fault::Frozen {
                self.refused.insert(index, true);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn decide(&self, frame: &[u8], damaged: bool) -> Result<Decided, Dropped> {
        if damaged || frame.len() > LONGEST_FRAME as usize {
            return Err(Dropped::Malformed);
        }
        let packet = parse(frame, &self.config)?;
        let index = self.find(packet.destination, packet.qpn).ok_or(Dropped::UnknownQueuePair)?;
        let context = self.contexts.get(&index).copied().ok_or(Dropped::UnknownPeer)?;
        if context.peer != packet.source {
            return Err(Dropped::UnknownPeer);
        }
        let is_last = [opcode::WRITE_LAST, opcode::WRITE_LAST_IMMEDIATE].contains(&packet.opcode);
        if packet.opcode != opcode::WRITE_MIDDLE && !is_last {
            return Ok(Decided { index, packet, context, begun: None });
        }
        let message = self.messages.get(&index).copied().ok_or(Dropped::NoMessage)?;
        let place = place(&message, packet.psn);
        let end = place + packet.payload.len() as u64;
        let (bytes, length) = (packet.payload.len() as u32, u64::from(message.length));
        let fits = if is_last {
            bytes <= message.packet_bytes && end == length
        } else {
            bytes == message.packet_bytes && end < length
        };
        // The first place is the first packet's.
        if place == 0 || !fits {
            return Err(Dropped::NoMessage);
        }
        Ok(Decided { index, packet, context, begun: Some(message) })
    }

    /// The index of a queue pair: the entry that has it, among the places that it may have.
    pub fn find(&self, net_id: NetId, qpn: u32) -> Option<u16> {
        let wanted = queue_pair::identifier(net_id, qpn);
        let seeds = self.table.initial_seeds();
        let here = |entry: u32| self.table.may_hold(&seeds, entry, wanted);
        let mut found = self.entries.iter().filter(|(entry, taken)| taken.0 == wanted && here(**entry));
        found.next().map(|(_, (_, index))| *index)
    }
}

/// Where a later packet's bytes begin in its message.
fn place(message: &OpenMessage, psn: u32) -> u64 {
    let distance = psn.wrapping_sub(message.first_psn) & 0xff_ffff;
    u64::from(distance) * u64::from(message.packet_bytes)
}

/// The access of a packet; `begun` is the message that it continues.
fn access(packet: &Packet, context: &QueuePair, begun: Option<OpenMessage>) -> AccessRequest {
    let u32_at = |at: usize| number(&packet.extended, at, 4) as u32;
    let u64_at = |at: usize| number(&packet.extended, at, 8) as u64;
    let bytes = packet.payload.len() as u32;
    let (mut va, mut key, mut length, mut bound) = (u64_at(0), u32_at(8), u32_at(12), u32_at(12));
    let mut op = Op::RemoteWrite;
    let mut atomic = Atomic::None;
    match packet.opcode {
        opcode::WRITE_FIRST => length = bytes,
        opcode::READ_REQUEST => op = Op::RemoteRead,
        opcode::COMPARE_SWAP | opcode::FETCH_ADD => {
            op = Op::RemoteAtomic;
            (length, bound) = (8, 8);
            atomic = match packet.opcode {
                opcode::FETCH_ADD => Atomic::FetchAdd { add: u64_at(12) },
                _ => Atomic::CompareSwap { swap: u64_at(12), compare: u64_at(20) },
            };
        }
        _ => {}
    }
    if let Some(message) = begun {
        (va, key) = (message.va.wrapping_add(place(&message, packet.psn)), message.key);
        (length, bound) = (bytes, bytes);
    }
    let request = Request {
        net_id: packet.destination,
        key,
        pd: context.pd,
        op,
        va,
        length,
        bound,
        stream: packet.qpn,
        tag: u32::from(packet.opcode) << 24 | packet.psn,
    };
    AccessRequest { request, atomic }
}

/// The requests of an access: a read that is longer than one may be is asked in several. One of more than 2^31 bytes is no
/// message, and refused by its first.
fn pieces(access: &AccessRequest, most: u32) -> Vec<AccessRequest> {
    let whole = access.request;
    if !access.is_read() || whole.length <= most {
        return vec![*access];
    }
    let first = AccessRequest { request: Request { length: most, ..whole }, ..*access };
    if whole.bound > 1 << 31 {
        return vec![first];
    }
    let starts = (0..whole.length).step_by(most as usize);
    starts
        .map(|start| {
            let bound = whole.length - start;
            let va = whole.va.wrapping_add(start.into());
            let request = Request { va, bound, length: bound.min(most), ..whole };
            AccessRequest { request, ..*access }
        })
        .collect()
}

/// What a frame says.
fn parse(frame: &[u8], config: &Config) -> Result<Packet, Dropped> {
    // Bytes that are not there read as zero; that they are missing shows at the end.
    let mut bytes = frame.to_vec();
    bytes.resize(frame.len().max(128), 0);
    let at = |place: usize, count: usize| number(&bytes, place, count);
    let tagged = [0x8100, 0x88a8].contains(&at(12, 2));
    let ip = if tagged { 18 } else { 14 };
    let ether_type = at(ip - 2, 2);
    let (version, mut malformed) = (bytes[ip] >> 4, false);
    let (udp, behind_ip, source, destination);
    match ether_type {
        0x0800 => {
            let options = bytes[ip] & 15 != 5;
            let fragment = at(ip + 6, 2) & 0x3fff != 0;
            if options || fragment || bytes[ip + 9] != 17 {
                return Err(Dropped::Other);
            }
            let sum: u128 = (0..10).map(|word| at(ip + 2 * word, 2)).sum();
            malformed |= version != 4 || (sum & 0xffff) + (sum >> 16) != 0xffff;
            (udp, behind_ip) = (ip + 20, (at(ip + 2, 2) as u16).wrapping_sub(20));
            let address = |place| {
                let mapped = if config.net_id_bits == 32 { 0 } else { 0xffff << 32 };
                NetId::from_u128(mapped | at(place, 4))
            };
            (source, destination) = (address(ip + 12), address(ip + 16));
        }
        0x86dd if config.net_id_bits >= 128 => {
            if bytes[ip + 6] != 17 {
                return Err(Dropped::Other);
            }
            malformed |= version != 6;
            (udp, behind_ip) = (ip + 40, at(ip + 4, 2) as u16);
            (source, destination) = (NetId::from_u128(at(ip + 8, 16)), NetId::from_u128(at(ip + 24, 16)));
        }
        _ => return Err(Dropped::Other),
    }
    let transport = udp + 8;
    let code = bytes[transport];
    let extended = match code {
        opcode::WRITE_MIDDLE | opcode::WRITE_LAST => 0,
        opcode::WRITE_LAST_IMMEDIATE => 4,
        opcode::WRITE_FIRST | opcode::WRITE_ONLY | opcode::READ_REQUEST => 16,
        opcode::WRITE_ONLY_IMMEDIATE => 20,
        opcode::COMPARE_SWAP | opcode::FETCH_ADD => 28,
        _ => return Err(Dropped::Other),
    };
    let (padding, header_version) = (usize::from(bytes[transport + 1] >> 4 & 3), bytes[transport + 1] & 15);
    if at(udp + 2, 2) != u128::from(ROCE_PORT) || header_version != 0 {
        return Err(Dropped::Other);
    }
    let udp_length = at(udp + 4, 2) as usize;
    malformed |= udp_length != usize::from(behind_ip) || udp + udp_length > frame.len();
    let payload = transport + 12 + extended;
    let Some(payload_bytes) = udp_length.checked_sub(8 + 12 + extended + padding + 4) else {
        return Err(Dropped::Malformed);
    };
    malformed |= payload_bytes > LARGEST_PAYLOAD as usize;
    malformed |= match code {
        opcode::WRITE_FIRST | opcode::WRITE_MIDDLE => {
            padding > 0 || payload_bytes < 256 || !payload_bytes.is_power_of_two()
        }
        opcode::WRITE_LAST | opcode::WRITE_LAST_IMMEDIATE => payload_bytes == 0,
        opcode::WRITE_ONLY | opcode::WRITE_ONLY_IMMEDIATE => false,
        _ => payload_bytes > 0,
    };
    if config.processing.icrc == Icrc::Checked && !malformed {
        let end = udp + udp_length;
        let right = icrc(&frame[ip..end - 4], ether_type == 0x86dd);
        // Nothing may follow.
        malformed = end != frame.len() || frame[end - 4..] != right;
    }
    if malformed {
        return Err(Dropped::Malformed);
    }
    Ok(Packet {
        opcode: code,
        qpn: at(transport + 5, 3) as u32,
        psn: at(transport + 9, 3) as u32,
        source,
        destination,
        extended: bytes[transport + 12..transport + 40].try_into().expect("28 bytes"),
        payload: bytes[payload..payload + payload_bytes].to_vec(),
    })
}

/// A number in network byte order.
fn number(bytes: &[u8], at: usize, count: usize) -> u128 {
    bytes[at..at + count].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}
