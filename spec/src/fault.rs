//! The verdicts, and what each becomes on the wire.

use crate::request::Op;
use core::fmt;
use serde::{Deserialize, Serialize};

/// The verdict on a request or span. The codes are those of the response port's `fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 0: the access may go on.
    Granted,
    /// 1: no binding for the network identifier.
    UnknownNetwork,
    /// 2: the table is frozen.
    Frozen,
    /// 3: key index outside the slice, region not valid, or variant differs.
    InvalidKey,
    /// 4: the protection domain differs from the region's.
    ProtectionDomain,
    /// 5: the region does not give the right that the op needs.
    AccessRights,
    /// 6: `va + bound` exceeds 2^64.
    AddressWrap,
    /// 7: the access does not lie in the region.
    OutOfBounds,
    /// 8: an atomic whose position is not a multiple of 8, or whose length is not 8.
    MisalignedAtomic,
    /// 9: the slot that the span needs is not present.
    PageAbsent,
    /// 10: a stored word that the verdict depends on failed its check ([`crate::Protection`]). It takes the place of
    /// every later row that would need the word.
    TableCorrupt,
    /// 11: reserved op, length or bound that no packet can mean.
    InvalidRequest,
    /// 12: the memory bus answered with an error. Given by the processing unit, not by the mapping unit.
    BusError,
    /// 13: the payload's length contradicts the request. Given by the processing unit, not by the mapping unit.
    PayloadLength,
    /// 14: an earlier packet of the same message was refused, so this one is too, whatever its own access would be.
    /// Given by the processing unit to the packets that its decoder found to belong together.
    MessageRefused,
}

/// The RDMA transport that carries a verdict back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// RoCE v1 and v2, with InfiniBand's acknowledgements.
    Roce,
    /// iWARP: RDMAP over DDP over TCP.
    Iwarp,
}

/// What a verdict becomes for the requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireCode {
    /// No refusal: an acknowledgement, or the data.
    Accepted,
    /// Nothing is sent; the packet is dropped and counted.
    Dropped,
    /// RoCE: RNR NAK (AETH syndrome 0x20 to 0x3f with the configured timer): try again later.
    RnrNak,
    /// RoCE: NAK with this AETH syndrome (InfiniBand 1.4, 9.7.5.2.8).
    Nak(u8),
    /// iWARP: Terminate message with these fields (RFC 5040 section 4.8, RFC 5041 section 8.2).
    Terminate {
        /// 0 RDMAP, 1 DDP.
        layer: u8,
        /// Error type in that layer.
        error_type: u8,
        /// Error code in that type.
        code: u8,
    },
    /// The access waits and is asked again; nothing fails. (Local ops, and iWARP, which has TCP's flow control.)
    HeldBack,
    /// The work request of the VM itself completes in error; nothing goes on the wire.
    LocalError,
}

impl Fault {
    /// Every fault, in order of its code.
    pub const ALL: [Fault; 15] = [
        Fault::Granted,
        Fault::UnknownNetwork,
        Fault::Frozen,
        Fault::InvalidKey,
        Fault::ProtectionDomain,
        Fault::AccessRights,
        Fault::AddressWrap,
        Fault::OutOfBounds,
        Fault::MisalignedAtomic,
        Fault::PageAbsent,
        Fault::TableCorrupt,
        Fault::InvalidRequest,
        Fault::BusError,
        Fault::PayloadLength,
        Fault::MessageRefused,
    ];

    /// The code at the response port.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The fault of a code; nothing for a code that has no meaning.
    pub fn from_code(code: u8) -> Option<Fault> {
        Fault::ALL.get(usize::from(code)).copied()
    }

    /// Whether the processing unit alone gives it: the mapping unit never does.
    pub const fn is_of_processing_unit(self) -> bool {
        matches!(self, Fault::BusError | Fault::PayloadLength | Fault::MessageRefused)
    }

    /// The specification's name in lower snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Granted => "granted",
            Fault::UnknownNetwork => "unknown_network",
            Fault::Frozen => "frozen",
            Fault::InvalidKey => "invalid_key",
            Fault::ProtectionDomain => "protection_domain",
            Fault::AccessRights => "access_rights",
            Fault::AddressWrap => "address_wrap",
            Fault::OutOfBounds => "out_of_bounds",
            Fault::MisalignedAtomic => "misaligned_atomic",
            Fault::PageAbsent => "page_absent",
            Fault::TableCorrupt => "table_corrupt",
            Fault::InvalidRequest => "invalid_request",
            Fault::BusError => "bus_error",
            Fault::PayloadLength => "payload_length",
            Fault::MessageRefused => "message_refused",
        }
    }

    /// The fault of a name, as [`Fault::name`] gives it.
    pub fn from_name(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// What the requester is told. Local ops complete in error locally; FROZEN holds them back and never fails them.
    pub fn wire_code(self, op: Op, transport: Transport) -> WireCode {
        match (self, transport) {
            (Fault::Granted, _) => WireCode::Accepted,
            (Fault::Frozen, _) if op.is_local() => WireCode::HeldBack,
            (_, _) if op.is_local() => WireCode::LocalError,
            // Of a refused message, the requester was told at its first refused packet.
            (Fault::UnknownNetwork | Fault::MessageRefused, _) => WireCode::Dropped,
            (_, Transport::Roce) => self.roce(),
            (_, Transport::Iwarp) => self.iwarp(op),
        }
    }

    /// AETH syndromes: 0x61 invalid request, 0x62 remote access error, 0x63 remote operational error.
    fn roce(self) -> WireCode {
        match self {
            Fault::Granted => WireCode::Accepted,
            Fault::UnknownNetwork | Fault::MessageRefused => WireCode::Dropped,
            Fault::Frozen => WireCode::RnrNak,
            Fault::InvalidKey
            | Fault::ProtectionDomain
            | Fault::AccessRights
            | Fault::AddressWrap
            | Fault::OutOfBounds => WireCode::Nak(0x62),
            Fault::MisalignedAtomic | Fault::InvalidRequest | Fault::PayloadLength => WireCode::Nak(0x61),
            Fault::PageAbsent | Fault::TableCorrupt | Fault::BusError => WireCode::Nak(0x63),
        }
    }

    /// Writes are DDP tagged messages and fail in DDP; reads (and atomics, RFC 7306) fail in RDMAP.
    fn iwarp(self, op: Op) -> WireCode {
        let is_write = op == Op::RemoteWrite;
        let protection = |read: u8, write: u8| {
            if is_write {
                WireCode::Terminate { layer: 1, error_type: 1, code: write }
            } else {
                WireCode::Terminate { layer: 0, error_type: 1, code: read }
            }
        };
        match self {
            Fault::Granted => WireCode::Accepted,
            Fault::UnknownNetwork | Fault::MessageRefused => WireCode::Dropped,
            Fault::Frozen => WireCode::HeldBack,
            Fault::InvalidKey => protection(0x00, 0x00),
            Fault::OutOfBounds => protection(0x01, 0x01),
            // DDP has no code for rights, so a write says invalid STag.
            Fault::AccessRights => protection(0x02, 0x00),
            Fault::ProtectionDomain => protection(0x03, 0x02),
            Fault::AddressWrap => protection(0x04, 0x03),
            // RDMAP remote operation error, unspecified: no code says these.
            Fault::MisalignedAtomic | Fault::InvalidRequest | Fault::PayloadLength => {
                WireCode::Terminate { layer: 0, error_type: 2, code: 0xff }
            }
            // RDMAP local catastrophic error; that type has no codes.
            Fault::PageAbsent | Fault::TableCorrupt | Fault::BusError => {
                WireCode::Terminate { layer: 0, error_type: 0, code: 0 }
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_round_trip() {
        for (code, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(fault.code()), code);
            assert_eq!(Fault::from_code(fault.code()), Some(fault));
            assert_eq!(Fault::from_name(fault.name()), Some(fault));
        }
        assert_eq!(Fault::from_code(15), None);
        assert_eq!(Fault::from_name("GRANTED"), None);
    }

    #[test]
    fn roce_wire_codes() {
        use WireCode::{Accepted, Dropped, Nak, RnrNak};
        let expected = [
            Accepted,
            Dropped,
            RnrNak,
            Nak(0x62),
            Nak(0x62),
            Nak(0x62),
            Nak(0x62),
            Nak(0x62),
            Nak(0x61),
            Nak(0x63),
            Nak(0x63),
            Nak(0x61),
            Nak(0x63),
            Nak(0x61),
            Dropped,
        ];
        for op in [Op::RemoteRead, Op::RemoteWrite, Op::RemoteAtomic] {
            assert_eq!(Fault::ALL.map(|fault| fault.wire_code(op, Transport::Roce)), expected);
        }
    }

    #[test]
    fn iwarp_wire_codes() {
        let code = |fault: Fault, op| match fault.wire_code(op, Transport::Iwarp) {
            WireCode::Terminate { layer, error_type, code } => (layer, error_type, code),
            other => panic!("{fault}: {other:?}"),
        };
        let protection = [
            (Fault::InvalidKey, 0x00, 0x00),
            (Fault::OutOfBounds, 0x01, 0x01),
            (Fault::AccessRights, 0x02, 0x00),
            (Fault::ProtectionDomain, 0x03, 0x02),
            (Fault::AddressWrap, 0x04, 0x03),
        ];
        for (fault, read, write) in protection {
            assert_eq!(code(fault, Op::RemoteRead), (0, 1, read));
            assert_eq!(code(fault, Op::RemoteWrite), (1, 1, write));
        }
        for op in [Op::RemoteRead, Op::RemoteWrite] {
            assert_eq!(code(Fault::PageAbsent, op), (0, 0, 0));
            assert_eq!(code(Fault::TableCorrupt, op), (0, 0, 0));
            assert_eq!(code(Fault::InvalidRequest, op), (0, 2, 0xff));
            assert_eq!(Fault::Frozen.wire_code(op, Transport::Iwarp), WireCode::HeldBack);
            assert_eq!(Fault::UnknownNetwork.wire_code(op, Transport::Iwarp), WireCode::Dropped);
        }
    }

    #[test]
    fn local_ops_complete_locally_and_wait_while_frozen() {
        for op in [Op::LocalRead, Op::LocalWrite] {
            for transport in [Transport::Roce, Transport::Iwarp] {
                assert_eq!(Fault::Frozen.wire_code(op, transport), WireCode::HeldBack);
                assert_eq!(Fault::OutOfBounds.wire_code(op, transport), WireCode::LocalError);
                assert_eq!(Fault::UnknownNetwork.wire_code(op, transport), WireCode::LocalError);
                assert_eq!(Fault::Granted.wire_code(op, transport), WireCode::Accepted);
            }
        }
    }
}
