//! An access as it is asked for.

use crate::config::Config;
use crate::net_id::NetId;
use crate::request::{Op, Request};

/// What an atomic does with the eight bytes that it finds, little-endian, at once for all other accesses of the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Atomic {
    /// 0: the access is no atomic.
    #[default]
    None,
    /// 1: puts `swap` in their place if they are `compare`.
    CompareSwap {
        /// What they must be.
        compare: u64,
        /// What they become.
        swap: u64,
    },
    /// 2: adds to them, modulo 2^64.
    FetchAdd {
        /// What is added.
        add: u64,
    },
}

impl Atomic {
    /// The code in the word.
    pub const fn code(self) -> u8 {
        match self {
            Atomic::None => 0,
            Atomic::CompareSwap { .. } => 1,
            Atomic::FetchAdd { .. } => 2,
        }
    }

    /// What eight bytes become; nothing if they stay.
    pub const fn change(self, found: u64) -> Option<u64> {
        match self {
            Atomic::None => None,
            Atomic::CompareSwap { compare, swap } if found == compare => Some(swap),
            Atomic::CompareSwap { .. } => None,
            Atomic::FetchAdd { add } => Some(found.wrapping_add(add)),
        }
    }
}

/// The operation that the mapping unit is asked for in the place of a malformed request's: none, so that the answer is
/// the first of UNKNOWN_NETWORK, FROZEN and INVALID_REQUEST that applies.
pub const MALFORMED: Op = Op::Reserved7;

/// One access to a VM's memory.
///
/// | byte | bytes | field |
/// | --- | --- | --- |
/// | 0 | 20 | net_id |
/// | 20 | 4 | key |
/// | 24 | 4 | pd |
/// | 28 | 4 | stream |
/// | 32 | 4 | tag |
/// | 36 | 4 | length |
/// | 40 | 8 | va |
/// | 48 | 4 | bound |
/// | 52 | 1 | op |
/// | 53 | 1 | atomic: 0 none, 1 compare-and-swap, 2 fetch-and-add |
/// | 54 | 2 | reserved |
/// | 56 | 8 | what is swapped in or added |
/// | 64 | 8 | what is compared with |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccessRequest {
    /// What the mapping unit is asked.
    pub request: Request,
    /// What an atomic does.
    pub atomic: Atomic,
}

impl AccessRequest {
    /// Bytes of the word.
    pub const BYTES: usize = 72;

    /// Whether a packet of payload belongs to it: it writes, and more than nothing. So whatever its verdict will be.
    pub fn has_payload(&self) -> bool {
        matches!(self.request.op, Op::RemoteWrite | Op::LocalWrite) && self.request.length > 0
    }

    /// Whether it reads bytes into the packet of `m_axis_read`.
    pub fn is_read(&self) -> bool {
        matches!(self.request.op, Op::RemoteRead | Op::LocalRead)
    }

    /// Whether the hardware refuses it as malformed: a field has bits beyond its port's width ([`Request::check`]), or the
    /// kind of atomic contradicts the operation. It is then asked as [`MALFORMED`].
    pub fn is_malformed(&self, config: &Config) -> bool {
        let wide = Request { length: 0, ..self.request }.check(config).is_err();
        wide || (self.request.op == Op::RemoteAtomic) != (self.atomic != Atomic::None)
    }

    /// The word.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let Request { net_id, key, pd, op, va, length, bound, stream, tag } = self.request;
        let mut bytes = [0; Self::BYTES];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        let limbs = net_id.limbs();
        put(0, &limbs[0].to_le_bytes());
        put(8, &limbs[1].to_le_bytes());
        put(16, &(limbs[2] as u32).to_le_bytes());
        for (at, field) in [(20, key), (24, pd), (28, stream), (32, tag), (36, length), (48, bound)] {
            put(at, &field.to_le_bytes());
        }
        put(40, &va.to_le_bytes());
        put(52, &[op.code(), self.atomic.code()]);
        match self.atomic {
            Atomic::None => {}
            Atomic::CompareSwap { compare, swap } => {
                put(56, &swap.to_le_bytes());
                put(64, &compare.to_le_bytes());
            }
            Atomic::FetchAdd { add } => put(56, &add.to_le_bytes()),
        }
        bytes
    }

    /// From a word; nothing if a reserved byte is set or a code has no meaning. The hardware takes such a word as malformed.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<AccessRequest> {
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let atomic = match (bytes[53], bytes[54], bytes[55]) {
            (0, 0, 0) => Atomic::None,
            (1, 0, 0) => Atomic::CompareSwap { compare: u64_at(64), swap: u64_at(56) },
            (2, 0, 0) => Atomic::FetchAdd { add: u64_at(56) },
            _ => return None,
        };
        let request = Request {
            net_id: NetId::from_limbs([u64_at(0), u64_at(8), u32_at(16).into()]),
            key: u32_at(20),
            pd: u32_at(24),
            op: Op::from_code(bytes[52])?,
            va: u64_at(40),
            length: u32_at(36),
            bound: u32_at(48),
            stream: u32_at(28),
            tag: u32_at(32),
        };
        Some(AccessRequest { request, atomic })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    fn access() -> AccessRequest {
        let request = Request {
            net_id: NetId::from_u128(0x0a00_0102),
            key: 0x1234_5678,
            pd: 9,
            op: Op::RemoteAtomic,
            va: 0x1122_3344_5566_7788,
            length: 8,
            bound: 16,
            stream: 3,
            tag: 77,
        };
        AccessRequest { request, atomic: Atomic::CompareSwap { compare: 5, swap: u64::MAX } }
    }

    #[test]
    fn words_round_trip_and_fields_lie_where_the_table_says() {
        let word = access().to_bytes();
        assert_eq!(AccessRequest::from_bytes(&word), Some(access()));
        assert_eq!(word[0..4], [2, 1, 0, 10]);
        assert_eq!(word[20..24], 0x1234_5678_u32.to_le_bytes());
        assert_eq!(word[40], 0x88);
        assert_eq!((word[52], word[53]), (2, 1));
        assert_eq!(word[64], 5);
        for (byte, value) in [(53, 3), (54, 1), (55, 128), (52, 8)] {
            let mut bad = word;
            bad[byte] = value;
            assert_eq!(AccessRequest::from_bytes(&bad), None, "byte {byte}");
        }
    }

    #[test]
    fn contradictions_are_malformed() {
        let config = Preset::Tiny.config();
        let good = access();
        assert!(!good.is_malformed(&config));
        assert!(AccessRequest { atomic: Atomic::None, ..good }.is_malformed(&config));
        let read = Request { op: Op::RemoteRead, ..good.request };
        assert!(AccessRequest { request: read, ..good }.is_malformed(&config));
        assert!(!AccessRequest { request: read, atomic: Atomic::None }.is_malformed(&config));
        let wide = Request { tag: 256, ..good.request };
        assert!(AccessRequest { request: wide, ..good }.is_malformed(&config));
        // A length beyond its port is for the decision table to refuse.
        let long = Request { length: u32::MAX, ..good.request };
        assert!(!AccessRequest { request: long, ..good }.is_malformed(&config));
    }

    #[test]
    fn atomics_change_what_they_find() {
        assert_eq!(Atomic::CompareSwap { compare: 5, swap: 6 }.change(5), Some(6));
        assert_eq!(Atomic::CompareSwap { compare: 5, swap: 6 }.change(4), None);
        assert_eq!(Atomic::FetchAdd { add: 2 }.change(u64::MAX), Some(1));
        assert_eq!(Atomic::None.change(5), None);
    }
}
