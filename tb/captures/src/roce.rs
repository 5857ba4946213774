//! RoCEv2 packets: Ethernet, up to two VLAN tags, IPv4 or IPv6, UDP port 4791, and the
//! InfiniBand transport headers of reliable connections (InfiniBand specification, chapter 9).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use etherparse::{IpNumber, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use stagecoach_spec::Op;

use crate::pcap::{CaptureError, Frame, Frames};

pub use stagecoach_spec::queue_pair::ROCE_PORT;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestOp {
    /// RDMA read request (opcode 0x0c).
    RemoteRead,
    /// First or only packet of an RDMA write (opcodes 0x06, 0x0a, 0x0b).
    RemoteWrite,
    /// Compare-and-swap or fetch-and-add (opcodes 0x13, 0x14).
    RemoteAtomic,
}

impl RequestOp {
    /// The operation that the mapping unit is asked for.
    pub const fn op(self) -> Op {
        match self {
            RequestOp::RemoteRead => Op::RemoteRead,
            RequestOp::RemoteWrite => Op::RemoteWrite,
            RequestOp::RemoteAtomic => Op::RemoteAtomic,
        }
    }
}

/// The access that a request names, from its RETH or AtomicETH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestHeader {
    /// Read, write or atomic.
    pub op: RequestOp,
    /// The R_Key.
    pub key: u32,
    /// First byte, in the responder's virtual addresses.
    pub va: u64,
    /// Bytes of the whole message (the DMA length of the RETH); 8 for an atomic.
    pub length: u32,
}

/// What a response says of the request packet with its PSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseKind {
    /// ACK, or read or atomic response: everything up to this PSN was executed.
    Acknowledge,
    /// NAK (AETH syndrome 0x61..=0x7f): this request is refused.
    Refuse {
        /// The AETH syndrome; 0x62 is a remote access error.
        syndrome: u8,
    },
    /// Sequence-error NAK (0x60) or receiver-not-ready NAK (0x20..=0x3f): the responder has not
    /// taken the packet with this PSN, nor any after it, and waits for it to come again.
    Resend {
        /// The AETH syndrome.
        syndrome: u8,
    },
}

/// What a packet is, as far as a mapping unit cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// A request packet that carries a RETH or an AtomicETH.
    Request(RequestHeader),
    /// Another packet of a requester on a reliable connection: sends, and the later packets of
    /// a write.
    Requester,
    /// A packet of a responder; its destination queue pair is the requester's.
    Response(ResponseKind),
    /// Another transport service (datagrams, connection management, congestion notification).
    Other,
}

/// One RoCEv2 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// 0-based index in the capture.
    pub index: u64,
    /// Stamp in nanoseconds since 1970.
    pub time_ns: u64,
    /// Sender's address (an IPv4-mapped IPv6 address reads as the IPv4 address).
    pub source: IpAddr,
    /// Receiver's address.
    pub destination: IpAddr,
    /// UDP source port.
    pub source_port: u16,
    /// BTH opcode.
    pub opcode: u8,
    /// BTH destination queue pair number, 24 bits.
    pub qpn: u32,
    /// BTH packet sequence number, 24 bits.
    pub psn: u32,
    /// What it is.
    pub kind: PacketKind,
}

/// Why a captured frame is no RoCEv2 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// Neither IPv4 nor IPv6 (ARP and the like), or a damaged header below UDP.
    NotIp,
    /// A fragment: its transport headers are not whole.
    Fragment,
    /// IP, but not UDP.
    NotUdp,
    /// UDP to another port than 4791.
    OtherPort,
    /// Shorter than the headers that its opcode asks for (or cut by the snapshot length).
    TooShort,
    /// A transport header version other than 0.
    UnknownVersion,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SkipReason::NotIp => "not IP",
            SkipReason::Fragment => "IP fragment",
            SkipReason::NotUdp => "not UDP",
            SkipReason::OtherPort => "not UDP port 4791",
            SkipReason::TooShort => "too short for its headers",
            SkipReason::UnknownVersion => "unknown transport header version",
        })
    }
}

/// Reads a frame as a RoCEv2 packet.
///
/// # Errors
/// The reason why it is none.
pub fn parse(frame: &Frame) -> Result<Packet, SkipReason> {
    let sliced = LaxSlicedPacket::from_ethernet(&frame.data).map_err(|_| SkipReason::TooShort)?;
    let (source, destination, fragmented) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => (
            IpAddr::from(ip.header().source_addr()),
            IpAddr::from(ip.header().destination_addr()),
            ip.is_payload_fragmented(),
        ),
        Some(LaxNetSlice::Ipv6(ip)) => (
            IpAddr::from(ip.header().source_addr()),
            IpAddr::from(ip.header().destination_addr()),
            ip.is_payload_fragmented(),
        ),
        _ => return Err(SkipReason::NotIp),
    };
    if fragmented {
        return Err(SkipReason::Fragment);
    }
    if sliced.ip_payload().is_some_and(|payload| payload.ip_number != IpNumber::UDP) {
        return Err(SkipReason::NotUdp);
    }
    let Some(TransportSlice::Udp(udp)) = &sliced.transport else {
        return Err(SkipReason::TooShort);
    };
    if udp.destination_port() != ROCE_PORT {
        return Err(SkipReason::OtherPort);
    }
    let headers = Transport(udp.payload());
    let bth = headers.field::<12>(0)?;
    if bth[1] & 0x0f != 0 {
        return Err(SkipReason::UnknownVersion);
    }
    Ok(Packet {
        index: frame.index,
        time_ns: frame.time_ns,
        source: source.to_canonical(),
        destination: destination.to_canonical(),
        source_port: udp.source_port(),
        opcode: bth[0],
        qpn: u32::from_be_bytes([0, bth[5], bth[6], bth[7]]),
        psn: u32::from_be_bytes([0, bth[9], bth[10], bth[11]]),
        kind: headers.kind(bth[0])?,
    })
}

/// The bytes that a requester's packet carries behind its transport headers, without padding and ICRC; nothing of a frame that
/// is no such packet, or not whole.
pub fn payload(frame: &Frame) -> Option<&[u8]> {
    let packet = parse(frame).ok()?;
    let sliced = LaxSlicedPacket::from_ethernet(&frame.data).ok()?;
    let TransportSlice::Udp(udp) = sliced.transport? else { return None };
    let extended = match packet.opcode {
        0x07 | 0x08 => 0,
        0x09 => 4,
        0x06 | 0x0a | 0x0c => 16,
        0x0b => 20,
        0x13 | 0x14 => 28,
        _ => return None,
    };
    // Cut to what the IP and UDP headers say: a frame may be longer.
    let whole = udp.payload();
    if whole.len() != usize::from(udp.length()).checked_sub(8)? {
        return None;
    }
    let padding = usize::from(whole[1] >> 4 & 3);
    whole.get(12 + extended..whole.len().checked_sub(4 + padding)?)
}

/// The UDP payload: BTH (12 bytes), then the headers that the opcode asks for.
struct Transport<'a>(&'a [u8]);

impl Transport<'_> {
    fn field<const N: usize>(&self, at: usize) -> Result<[u8; N], SkipReason> {
        let bytes = self.0.get(at..at + N).ok_or(SkipReason::TooShort)?;
        bytes.try_into().map_err(|_| SkipReason::TooShort)
    }

    fn request(&self, op: RequestOp) -> Result<PacketKind, SkipReason> {
        let length = match op {
            RequestOp::RemoteAtomic => {
                // The AtomicETH goes on with the swap (or add) and compare operands.
                self.field::<16>(24)?;
                8
            }
            _ => u32::from_be_bytes(self.field(24)?),
        };
        Ok(PacketKind::Request(RequestHeader {
            op,
            va: u64::from_be_bytes(self.field(12)?),
            key: u32::from_be_bytes(self.field(20)?),
            length,
        }))
    }

    fn kind(&self, opcode: u8) -> Result<PacketKind, SkipReason> {
        Ok(match opcode {
            0x06 | 0x0a | 0x0b => self.request(RequestOp::RemoteWrite)?,
            0x0c => self.request(RequestOp::RemoteRead)?,
            0x13 | 0x14 => self.request(RequestOp::RemoteAtomic)?,
            // A middle packet of a read response has no AETH.
            0x0d..=0x10 | 0x12 => PacketKind::Response(ResponseKind::Acknowledge),
            0x11 => PacketKind::Response(match self.field::<4>(12)?[0] {
                syndrome @ (0x20..=0x3f | 0x60) => ResponseKind::Resend { syndrome },
                syndrome @ 0x61..=0x7f => ResponseKind::Refuse { syndrome },
                _ => ResponseKind::Acknowledge,
            }),
            0x00..=0x1f => PacketKind::Requester,
            _ => PacketKind::Other,
        })
    }
}

/// All RoCEv2 packets of a capture, and how many frames were skipped for which reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// In the order of the file.
    pub packets: Vec<Packet>,
    /// Frames that are no RoCEv2 packets.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl Capture {
    /// Reads a whole capture file.
    ///
    /// # Errors
    /// As [`Frames::open`]; or the file is damaged later on.
    pub fn read(path: &Path) -> Result<Capture, CaptureError> {
        let mut capture = Capture::default();
        for frame in Frames::open(path)? {
            match parse(&frame?) {
                Ok(packet) => capture.packets.push(packet),
                Err(reason) => *capture.skipped.entry(reason).or_default() += 1,
            }
        }
        Ok(capture)
    }
}
