//! The processing unit: accesses carried out on memory, one after the other.
//!
//! No clock, no bus, nothing under way: an access is over before the next begins, which is what hardware must look like
//! wherever bytes overlap. One freedom of the hardware is fixed here as the hardware uses it: spans behind one that
//! failed on the bus are still carried out.

use std::collections::{BTreeMap, BTreeSet};

use stagecoach_spec::processing::MALFORMED;
use stagecoach_spec::{AccessRequest, Beat, Completion, Fault, Op, Request, Retirement};

use crate::Golden;

/// Physical memory, byte by byte; what was never written is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    bytes: BTreeMap<u64, u8>,
    /// Frames that answer every access with an error and keep nothing.
    broken: BTreeSet<u64>,
}

impl Memory {
    /// Makes a frame of 4 KiB answer with errors from now on.
    pub fn break_frame(&mut self, frame: u64) {
        self.broken.insert(frame);
    }

    /// Whether the frame of an address answers with errors.
    pub fn is_broken(&self, address: u64) -> bool {
        self.broken.contains(&(address >> 12))
    }

    /// A byte.
    pub fn get(&self, address: u64) -> u8 {
        self.bytes.get(&address).copied().unwrap_or(0)
    }

    /// Writes a byte.
    pub fn set(&mut self, address: u64, value: u8) {
        self.bytes.insert(address, value);
    }

    /// Every byte that was ever written, by address.
    pub fn written(&self) -> impl Iterator<Item = (u64, u8)> {
        self.bytes.iter().map(|(address, value)| (*address, *value))
    }

    fn read(&self, address: u64, bytes: u32) -> Vec<u8> {
        (0..u64::from(bytes)).map(|at| self.get(address + at)).collect()
    }

    fn write(&mut self, address: u64, bytes: &[u8]) {
        for (at, value) in bytes.iter().enumerate() {
            self.set(address + at as u64, *value);
        }
    }
}

/// What became of an access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer.
    pub completion: Completion,
    /// The packet of read data: `bytes_done` bytes of a read, nothing otherwise.
    pub data: Vec<u8>,
    /// What goes back to the mapping unit, in the order of the spans (hardware may give it in another).
    pub retirements: Vec<Retirement>,
    /// A span of it was refused by the tables, its payload or its message; what memory's bus did does not count.
    pub refused: bool,
}

/// What stands against an access before anybody looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objections {
    /// Its queue pair does not take its operation: it is malformed.
    pub not_taken: bool,
    /// An earlier packet of its message was refused.
    pub message_refused: bool,
}

/// What a span came to.
struct Done {
    fault: Fault,
    data: Vec<u8>,
    original: u64,
    wrote: bool,
}

impl Done {
    fn failed(fault: Fault, wrote: bool) -> Done {
        Done { fault, data: Vec::new(), original: 0, wrote }
    }
}

impl Golden {
    /// Carries an access out on `memory`, with the packet of payload that belongs to it (empty if none does), and tells the
    /// mapping unit of the spans that are over.
    pub fn access(&mut self, access: &AccessRequest, payload: &[u8], memory: &mut Memory) -> Outcome {
        self.access_under(access, payload, memory, Objections::default())
    }

    /// As [`Golden::access`], under objections of the packet decoder.
    pub fn access_under(
        &mut self,
        access: &AccessRequest,
        payload: &[u8],
        memory: &mut Memory,
        objections: Objections,
    ) -> Outcome {
        let config = self.config().clone();
        let asked = access.request;
        let op = if access.is_malformed(&config) || objections.not_taken { MALFORMED } else { asked.op };
        let beats = self.request(&cut(Request { op, ..asked }, &config));
        let wrong_payload = access.has_payload() && payload.len() as u64 != u64::from(asked.length);

        let (mut fault, mut bytes_done, mut original) = (Fault::Granted, 0, 0);
        let (mut data, mut retirements, mut offset) = (Vec::new(), Vec::new(), 0);
        let mut refused = false;
        for beat in &beats {
            let done = if beat.fault != Fault::Granted {
                Done::failed(beat.fault, false)
            } else if objections.message_refused {
                Done::failed(Fault::MessageRefused, false)
            } else if wrong_payload {
                Done::failed(Fault::PayloadLength, false)
            } else {
                span(access, op, beat, &payload[offset.min(payload.len())..], memory)
            };
            offset += beat.span as usize;
            refused |= ![Fault::Granted, Fault::BusError].contains(&done.fault);
            retirements.extend(beat.retirement(done.wrote));
            // The first failure is the access's; what comes behind it does not count any more.
            if fault == Fault::Granted {
                fault = done.fault;
                if done.fault == Fault::Granted {
                    bytes_done += beat.span;
                    data.extend(done.data);
                    original = done.original;
                }
            }
        }
        for retirement in &retirements {
            self.retire(retirement);
        }
        let processing = &config.processing;
        let (transport, timer) = (processing.transport.into(), processing.rnr_timer as u8);
        let completion = Completion {
            tag: low(asked.tag, config.tag_bits),
            stream: low(asked.stream, config.stream_bits),
            bytes_done,
            table: beats.last().map_or(0, |beat| beat.table),
            fault,
            op: asked.op.code(),
            wire: Completion::wire_of(fault, asked.op.code(), transport, timer),
            original,
        };
        Outcome { completion, data, retirements, refused }
    }
}

/// Carries a granted span out.
fn span(access: &AccessRequest, op: Op, beat: &Beat, payload: &[u8], memory: &mut Memory) -> Done {
    let bytes = beat.span as usize;
    if bytes == 0 {
        return Done { fault: Fault::Granted, data: Vec::new(), original: 0, wrote: false };
    }
    let broken = memory.is_broken(beat.pa);
    match op {
        Op::RemoteRead | Op::LocalRead if broken => Done::failed(Fault::BusError, false),
        Op::RemoteRead | Op::LocalRead => {
            let data = memory.read(beat.pa, beat.span);
            Done { fault: Fault::Granted, data, original: 0, wrote: false }
        }
        Op::RemoteWrite | Op::LocalWrite if broken => Done::failed(Fault::BusError, true),
        Op::RemoteWrite | Op::LocalWrite => {
            memory.write(beat.pa, &payload[..bytes]);
            Done { fault: Fault::Granted, data: Vec::new(), original: 0, wrote: true }
        }
        _ if broken => Done::failed(Fault::BusError, false),
        _ => {
            let found = memory.read(beat.pa, 8).try_into().expect("an atomic that is granted has 8 bytes");
            let original = u64::from_le_bytes(found);
            let change = access.atomic.change(original);
            if let Some(value) = change {
                memory.write(beat.pa, &value.to_le_bytes());
            }
            Done { fault: Fault::Granted, data: Vec::new(), original, wrote: change.is_some() }
        }
    }
}

/// The request as the mapping unit's ports carry it: a field that is too wide is malformed, and its upper bits are lost; a
/// length that is too long stays too long.
fn cut(request: Request, config: &stagecoach_spec::Config) -> Request {
    let most = config.max_request_bytes;
    let mut limbs = request.net_id.limbs();
    for (place, limb) in limbs.iter_mut().enumerate() {
        let bits = config.net_id_bits.saturating_sub(64 * place as u32);
        if bits < 64 {
            *limb &= (1 << bits) - 1;
        }
    }
    Request {
        net_id: stagecoach_spec::NetId::from_limbs(limbs),
        pd: low(request.pd, config.pd_bits),
        stream: low(request.stream, config.stream_bits),
        tag: low(request.tag, config.tag_bits),
        length: if request.length > most { 2 * most - 1 } else { request.length },
        ..request
    }
}

fn low(value: u32, bits: u32) -> u32 {
    (u64::from(value) & ((1 << bits) - 1)) as u32
}
