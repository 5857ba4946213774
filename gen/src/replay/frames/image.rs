//! What memory must hold after the captures: every payload that was granted, at the page frames that the registration log
//! names. Made of capture and events alone, without the card and its model.

use std::collections::{BTreeMap, HashMap};

use stagecoach_captures::{Change, Event, Packet, RequestOp, events, roce};
use stagecoach_spec::queue_pair::opcode;

/// The registrations of a machine, and its clients' open messages.
#[derive(Debug)]
pub struct Image {
    window_base: u64,
    /// By key index: the key, its first address, its page frames.
    live: HashMap<u32, (u32, u64, Vec<u64>)>,
    /// By queue pair: address, key, first sequence number, bytes of a packet.
    open: HashMap<u32, (u64, u32, u32, u64)>,
}

impl Image {
    /// Nothing is registered. Frames lie in a window of physical memory from this frame on.
    pub fn new(window_base: u64) -> Image {
        Image { window_base, live: HashMap::new(), open: HashMap::new() }
    }

    /// An event changes what is registered.
    pub fn event(&mut self, event: &Event) {
        match &event.change {
            Change::Register(region) => {
                let place = (region.key, region.va, region.pfns.clone());
                self.live.insert(events::key_index(region.key), place);
            }
            Change::Deregister { key } => {
                self.live.remove(&events::key_index(*key));
            }
            Change::QueuePair { qpn, .. } => {
                self.open.remove(qpn);
            }
        }
    }

    /// A packet whose access was granted, with its frame: its bytes go to memory. Gives how many.
    ///
    /// # Errors
    /// The capture or the log has no place for it, in words.
    pub fn granted(
        &mut self,
        packet: &Packet,
        frame: &stagecoach_captures::Frame,
        memory: &mut BTreeMap<u64, u8>,
    ) -> Result<u64, String> {
        let payload = roce::payload(frame).ok_or("the frame is not whole")?;
        let header = match packet.kind {
            stagecoach_captures::roce::PacketKind::Request(header) => Some(header),
            _ => None,
        };
        if packet.opcode == opcode::WRITE_FIRST {
            let header = header.ok_or("a first packet names its access")?;
            self.open.insert(packet.qpn, (header.va, header.key, packet.psn, payload.len() as u64));
        }
        let (va, key) = match header {
            Some(header) => (header.va, header.key),
            None => {
                let (va, key, first, bytes) = self.open.get(&packet.qpn).ok_or("no message is open")?;
                (va + bytes * u64::from(packet.psn.wrapping_sub(*first) & 0xff_ffff), *key)
            }
        };
        let op = header.map_or(RequestOp::RemoteWrite, |header| header.op);
        match op {
            RequestOp::RemoteRead => Ok(0),
            RequestOp::RemoteWrite => {
                for (at, byte) in payload.iter().enumerate() {
                    memory.insert(self.address(key, va + at as u64)?, *byte);
                }
                Ok(payload.len() as u64)
            }
            RequestOp::RemoteAtomic => {
                let place = self.address(key, va)?;
                let at = |byte: u64| memory.get(&(place + byte)).copied().unwrap_or(0);
                let found = u64::from_le_bytes(std::array::from_fn(|byte| at(byte as u64)));
                let (operand, compare) = operands(frame).ok_or("the frame has no operands")?;
                let becomes = match packet.opcode {
                    opcode::FETCH_ADD => found.wrapping_add(operand),
                    _ if found == compare => operand,
                    _ => return Ok(0),
                };
                for (byte, value) in (0..).zip(becomes.to_le_bytes()) {
                    memory.insert(place + byte, value);
                }
                Ok(8)
            }
        }
    }

    /// Where a byte lies.
    fn address(&self, key: u32, va: u64) -> Result<u64, String> {
        let (live, base, pfns) =
            self.live.get(&events::key_index(key)).ok_or(format!("key {key:#x} is not registered"))?;
        if *live != key {
            return Err(format!("key {key:#x} is not registered; {live:#x} is"));
        }
        let offset = va.wrapping_sub(*base).wrapping_add(base % events::PAGE);
        let pfn = usize::try_from(offset / events::PAGE).ok().and_then(|page| pfns.get(page));
        let pfn = pfn.ok_or(format!("{va:#x} does not lie in the region of key {key:#x}"))?;
        Ok((self.window_base + pfn) * events::PAGE + offset % events::PAGE)
    }
}

/// The operands of an AtomicETH: the last 16 bytes before the ICRC, of a packet without payload.
fn operands(frame: &stagecoach_captures::Frame) -> Option<(u64, u64)> {
    let end = frame.data.len().checked_sub(4)?;
    let at = |from: usize| Some(u64::from_be_bytes(frame.data.get(from..from + 8)?.try_into().ok()?));
    Some((at(end.checked_sub(16)?)?, at(end.checked_sub(8)?)?))
}
