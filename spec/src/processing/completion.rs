//! What became of an access.

use crate::fault::{Fault, WireCode};
use crate::request::Op;

/// The kind of a [`WireCode`], as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WireKind {
    /// 0: an acknowledgement, or the data.
    Accepted = 0,
    /// 1: nothing is sent.
    Dropped = 1,
    /// 2: RNR NAK; the code is the syndrome.
    RnrNak = 2,
    /// 3: NAK; the code is the syndrome.
    Nak = 3,
    /// 4: Terminate; the code is layer, error type and error code (4, 4 and 8 bits, the highest first).
    Terminate = 4,
    /// 5: the access is asked again.
    HeldBack = 5,
    /// 6: the VM's own work request completes in error.
    LocalError = 6,
}

impl WireKind {
    /// Kind and number of a code. `rnr_timer` (5 bits) goes into the syndrome of an RNR NAK.
    pub const fn of(code: WireCode, rnr_timer: u8) -> (WireKind, u16) {
        match code {
            WireCode::Accepted => (WireKind::Accepted, 0),
            WireCode::Dropped => (WireKind::Dropped, 0),
            WireCode::RnrNak => (WireKind::RnrNak, 0x20 | rnr_timer as u16),
            WireCode::Nak(syndrome) => (WireKind::Nak, syndrome as u16),
            WireCode::Terminate { layer, error_type, code } => {
                (WireKind::Terminate, (layer as u16) << 12 | (error_type as u16) << 8 | code as u16)
            }
            WireCode::HeldBack => (WireKind::HeldBack, 0),
            WireCode::LocalError => (WireKind::LocalError, 0),
        }
    }
}

/// The answer to an access.
///
/// | byte | bytes | field |
/// | --- | --- | --- |
/// | 0 | 4 | tag |
/// | 4 | 4 | stream |
/// | 8 | 4 | bytes_done |
/// | 12 | 2 | table |
/// | 14 | 1 | fault |
/// | 15 | 1 | op, as it was asked |
/// | 16 | 1 | [`WireKind`] |
/// | 17 | 1 | reserved |
/// | 18 | 2 | the wire code's number |
/// | 20 | 4 | reserved |
/// | 24 | 8 | what an atomic found, 0 otherwise |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Completion {
    /// The request's tag.
    pub tag: u32,
    /// The request's stream.
    pub stream: u32,
    /// Bytes of the spans before the first that failed; of all, if none did. 0 for a compare-and-swap that was refused, 8
    /// for an atomic that was done, whether it changed its bytes or not.
    pub bytes_done: u32,
    /// The table; 0 with UNKNOWN_NETWORK.
    pub table: u16,
    /// The verdict: the first failure in the order of the spans.
    pub fault: Fault,
    /// The operation's code, as it was asked for.
    pub op: u8,
    /// What the requester is told.
    pub wire: (u8, u16),
    /// What an atomic found; 0 where there was none.
    pub original: u64,
}

impl Completion {
    /// Bytes of the word.
    pub const BYTES: usize = 32;

    /// What the requester is told of a verdict on an operation that was asked for by its code.
    pub fn wire_of(fault: Fault, op: u8, transport: crate::fault::Transport, rnr_timer: u8) -> (u8, u16) {
        let op = Op::from_code(op & 7).unwrap_or(Op::Reserved7);
        let (kind, code) = WireKind::of(fault.wire_code(op, transport), rnr_timer);
        (kind as u8, code)
    }

    /// The word.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0..4].copy_from_slice(&self.tag.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.stream.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.bytes_done.to_le_bytes());
        bytes[12..14].copy_from_slice(&self.table.to_le_bytes());
        bytes[14] = self.fault.code();
        bytes[15] = self.op;
        bytes[16] = self.wire.0;
        bytes[18..20].copy_from_slice(&self.wire.1.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.original.to_le_bytes());
        bytes
    }

    /// From a word; nothing if a reserved byte is set or the fault has no meaning.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Completion> {
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        (bytes[17] == 0 && u32_at(20) == 0).then_some(())?;
        Some(Completion {
            tag: u32_at(0),
            stream: u32_at(4),
            bytes_done: u32_at(8),
            table: u16_at(12),
            fault: Fault::from_code(bytes[14])?,
            op: bytes[15],
            wire: (bytes[16], u16_at(18)),
            original: u64::from_le_bytes(bytes[24..32].try_into().expect("eight bytes")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Transport;

    #[test]
    fn words_round_trip() {
        let completion = Completion {
            tag: 7,
            stream: 0x0012_3456,
            bytes_done: 4096,
            table: 0x0fff,
            fault: Fault::BusError,
            op: 1,
            wire: Completion::wire_of(Fault::BusError, 1, Transport::Roce, 0),
            original: 0x0102_0304_0506_0708,
        };
        let word = completion.to_bytes();
        assert_eq!(Completion::from_bytes(&word), Some(completion));
        assert_eq!((word[14], word[16], word[18]), (12, 3, 0x63));
        for byte in [17, 20, 23] {
            let mut bad = word;
            bad[byte] = 1;
            assert_eq!(Completion::from_bytes(&bad), None);
        }
    }

    #[test]
    fn wire_codes_are_numbers() {
        let of = |fault, op: Op, transport| Completion::wire_of(fault, op.code(), transport, 14);
        assert_eq!(of(Fault::Granted, Op::RemoteRead, Transport::Roce), (0, 0));
        assert_eq!(of(Fault::UnknownNetwork, Op::RemoteRead, Transport::Roce), (1, 0));
        assert_eq!(of(Fault::Frozen, Op::RemoteWrite, Transport::Roce), (2, 0x2e));
        assert_eq!(of(Fault::InvalidKey, Op::RemoteWrite, Transport::Roce), (3, 0x62));
        assert_eq!(of(Fault::AddressWrap, Op::RemoteWrite, Transport::Iwarp), (4, 0x1103));
        assert_eq!(of(Fault::Frozen, Op::LocalRead, Transport::Roce), (5, 0));
        assert_eq!(of(Fault::PageAbsent, Op::LocalWrite, Transport::Iwarp), (6, 0));
    }
}
