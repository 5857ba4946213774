//! RoCEv2 frames, written field by field.

use std::net::IpAddr;

use etherparse::PacketBuilder;
use stagecoach_spec::queue_pair::{ROCE_PORT, opcode};

/// What a RETH or an AtomicETH says.
#[derive(Clone, Copy, Debug)]
pub enum Extended {
    /// Nothing.
    None,
    /// Address, key, bytes.
    Reth(u64, u32, u32),
    /// Address, key, what is swapped in or added, what is compared with.
    Atomic(u64, u32, u64, u64),
}

/// A packet.
#[derive(Clone, Debug)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub vlan: Option<u16>,
    pub opcode: u8,
    pub qpn: u32,
    pub psn: u32,
    pub extended: Extended,
    pub payload: Vec<u8>,
}

impl Packet {
    /// The frame, with an ICRC of zeros.
    pub fn frame(&self) -> Vec<u8> {
        let padding = (4 - self.payload.len() % 4) % 4;
        let mut bytes = vec![self.opcode, (padding as u8) << 4, 0xff, 0xff, 0];
        bytes.extend(&self.qpn.to_be_bytes()[1..]);
        bytes.push(0x80);
        bytes.extend(&self.psn.to_be_bytes()[1..]);
        match self.extended {
            Extended::None => {}
            Extended::Reth(va, key, length) => {
                bytes.extend(va.to_be_bytes());
                bytes.extend(key.to_be_bytes());
                bytes.extend(length.to_be_bytes());
            }
            Extended::Atomic(va, key, operand, compare) => {
                bytes.extend(va.to_be_bytes());
                bytes.extend(key.to_be_bytes());
                bytes.extend(operand.to_be_bytes());
                bytes.extend(compare.to_be_bytes());
            }
        }
        if [opcode::WRITE_LAST_IMMEDIATE, opcode::WRITE_ONLY_IMMEDIATE].contains(&self.opcode) {
            bytes.extend(*b"IMM!");
        }
        bytes.extend(&self.payload);
        bytes.extend(vec![0; padding + 4]);
        let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let mut frame = Vec::new();
        let ip = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let (source, destination) = (ip(self.source), ip(self.destination));
        macro_rules! written {
            ($builder:expr) => {{
                let builder = $builder;
                if source.len() == 4 {
                    let builder =
                        builder.ipv4(source.try_into().unwrap(), destination.try_into().unwrap(), 64);
                    builder.udp(0xc0de, ROCE_PORT).write(&mut frame, &bytes).unwrap();
                } else {
                    let builder =
                        builder.ipv6(source.try_into().unwrap(), destination.try_into().unwrap(), 64);
                    builder.udp(0xc0de, ROCE_PORT).write(&mut frame, &bytes).unwrap();
                }
            }};
        }
        match self.vlan {
            None => written!(ethernet),
            Some(tag) => written!(ethernet.single_vlan(tag.try_into().unwrap())),
        }
        frame
    }
}

/// Writes the ICRC that a frame of IP over Ethernet should have into its last four bytes, if it is long enough.
pub fn sign(frame: &mut [u8]) {
    let Some(ip) = frame.get(12..14).map(|tag| if matches!(tag, [0x81, 0] | [0x88, 0xa8]) { 18 } else { 14 })
    else {
        return;
    };
    let udp = if frame.get(ip - 2..ip) == Some(&[0x86, 0xdd]) { 40 } else { 20 };
    if frame.len() < ip + udp + 8 + 12 + 4 {
        return;
    }
    let (packet, icrc) = frame.split_at_mut(frame.len() - 4);
    let mut packet = packet[ip..].to_vec();
    let (changing, word) = match udp {
        40 => (vec![7], 0x0fff_ffff_u32),
        _ => (vec![8, 10, 11], 0x00ff_0000),
    };
    for at in changing.into_iter().chain([udp + 6, udp + 7, udp + 12]) {
        packet[at] = 0xff;
    }
    let first = u32::from_be_bytes([packet[0], packet[1], packet[2], packet[3]]) | word;
    packet[..4].copy_from_slice(&first.to_be_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[0xff; 8]);
    crc.update(&packet);
    icrc.copy_from_slice(&crc.finalize().to_le_bytes());
}
