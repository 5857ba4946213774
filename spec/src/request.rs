//! What is asked of the mapping unit.

use crate::config::Config;
use crate::net_id::NetId;
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::BitOr;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What an access does. Three bits; the codes 5 to 7 mean nothing and are answered INVALID_REQUEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// 0: a client reads.
    RemoteRead,
    /// 1: a client writes.
    RemoteWrite,
    /// 2: a client's compare-and-swap or fetch-and-add of 8 bytes.
    RemoteAtomic,
    /// 3: a transmit request of the VM gathers.
    LocalRead,
    /// 4: a receive request of the VM scatters.
    LocalWrite,
    /// 5: no operation.
    #[serde(rename = "reserved_5")]
    Reserved5,
    /// 6: no operation.
    #[serde(rename = "reserved_6")]
    Reserved6,
    /// 7: no operation.
    #[serde(rename = "reserved_7")]
    Reserved7,
}

impl Op {
    /// Every code of the 3-bit field, in order.
    pub const ALL: [Op; 8] = [
        Op::RemoteRead,
        Op::RemoteWrite,
        Op::RemoteAtomic,
        Op::LocalRead,
        Op::LocalWrite,
        Op::Reserved5,
        Op::Reserved6,
        Op::Reserved7,
    ];

    /// The 3-bit code at the port.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The operation of a code; nothing above 7.
    pub fn from_code(code: u8) -> Option<Op> {
        Op::ALL.get(usize::from(code)).copied()
    }

    /// Whether the code means an operation (0 to 4).
    pub const fn is_valid(self) -> bool {
        self.code() <= 4
    }

    /// Whether the VM itself asked, not a client.
    pub const fn is_local(self) -> bool {
        matches!(self, Op::LocalRead | Op::LocalWrite)
    }

    /// The right that a region must give. A local read needs none.
    pub const fn needed_access(self) -> Access {
        match self {
            Op::RemoteRead => Access::REMOTE_READ,
            Op::RemoteWrite => Access::REMOTE_WRITE,
            Op::RemoteAtomic => Access::REMOTE_ATOMIC,
            Op::LocalWrite => Access::LOCAL_WRITE,
            Op::LocalRead | Op::Reserved5 | Op::Reserved6 | Op::Reserved7 => Access::NONE,
        }
    }

    /// The name in lower snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Op::RemoteRead => "remote_read",
            Op::RemoteWrite => "remote_write",
            Op::RemoteAtomic => "remote_atomic",
            Op::LocalRead => "local_read",
            Op::LocalWrite => "local_write",
            Op::Reserved5 => "reserved_5",
            Op::Reserved6 => "reserved_6",
            Op::Reserved7 => "reserved_7",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The rights that a region gives: four bits, numbered as in `enum ibv_access_flags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Access(u8);

impl Access {
    /// No right; local reads need none.
    pub const NONE: Access = Access(0);
    /// Bit 0: the VM's own receive requests may write.
    pub const LOCAL_WRITE: Access = Access(1);
    /// Bit 1: clients may write.
    pub const REMOTE_WRITE: Access = Access(2);
    /// Bit 2: clients may read.
    pub const REMOTE_READ: Access = Access(4);
    /// Bit 3: clients may do atomics.
    pub const REMOTE_ATOMIC: Access = Access(8);
    /// Every right.
    pub const ALL: Access = Access(15);

    /// From the four bits; nothing when a higher bit is set.
    pub const fn from_bits(bits: u8) -> Option<Access> {
        if bits <= 15 { Some(Access(bits)) } else { None }
    }

    /// The four bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every right of `other` is given.
    pub const fn contains(self, other: Access) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a region may have these rights: remote write and atomic need local write (as in verbs).
    pub const fn is_registrable(self) -> bool {
        let remote_change = Access::REMOTE_WRITE.0 | Access::REMOTE_ATOMIC.0;
        self.0 & remote_change == 0 || self.contains(Access::LOCAL_WRITE)
    }
}

impl From<Access> for u8 {
    fn from(access: Access) -> u8 {
        access.0
    }
}

impl TryFrom<u8> for Access {
    type Error = UnknownAccess;

    fn try_from(bits: u8) -> Result<Access, UnknownAccess> {
        Access::from_bits(bits).ok_or(UnknownAccess(bits))
    }
}

/// A number has a bit that is no right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("rights are four bits, 0 to 15, but found {0}")]
pub struct UnknownAccess(pub u8);

impl BitOr for Access {
    type Output = Access;

    fn bitor(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["local_write", "remote_write", "remote_read", "remote_atomic"];
        let given: Vec<&str> = (0..4).filter(|bit| self.0 >> bit & 1 == 1).map(|bit| names[bit]).collect();
        f.write_str(&if given.is_empty() { "none".to_owned() } else { given.join("|") })
    }
}

/// One access to translate.
///
/// Longer messages are split upstream; `length` is what this request translates, `bound` what must lie in the region
/// from `va` on, so that a message is refused at its first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// The VM whose memory is meant; `net_id_bits` wide.
    pub net_id: NetId,
    /// The memory region's key: index in bits 31:8 (within the table's region slice), variant in bits 7:0.
    pub key: u32,
    /// The protection domain of the asking queue pair; `pd_bits` wide.
    pub pd: u32,
    /// What the access does; 3 bits.
    pub op: Op,
    /// Virtual address of the first byte; 64 bits.
    pub va: u64,
    /// Bytes to translate now; [`Config::length_bits`] wide, at most `max_request_bytes`.
    pub length: u32,
    /// Bytes from `va` that must lie in the region; 32 bits, at least `length`, at most 2^31.
    pub bound: u32,
    /// Queue pair or other source, handed through; `stream_bits` wide.
    pub stream: u32,
    /// Handed through; `tag_bits` wide.
    pub tag: u32,
}

/// A request's field does not fit its port.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "request field {field} = {value} does not fit its {bits} bits: send a smaller value or widen the configuration"
)]
pub struct RequestError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// The width of its port; 0 when the configuration leaves it out.
    pub bits: u32,
}

impl Request {
    /// Index part of the key.
    pub const fn key_index(&self) -> u32 {
        self.key >> 8
    }

    /// Variant part of the key.
    pub const fn key_variant(&self) -> u8 {
        self.key as u8
    }

    /// Whether every field fits its port. (Values that fit but make no sense are for the hardware to refuse.)
    pub fn check(&self, config: &Config) -> Result<(), RequestError> {
        let fields = [
            ("pd", self.pd, config.pd_bits),
            ("length", self.length, config.length_bits()),
            ("stream", self.stream, config.stream_bits),
            ("tag", self.tag, config.tag_bits),
        ];
        for (field, value, bits) in fields {
            if u64::from(value) >> bits != 0 {
                return Err(RequestError { field, value: value.to_string(), bits });
            }
        }
        self.net_id.check(config).map_err(|error| RequestError {
            field: "net_id",
            value: error.net_id,
            bits: error.has,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    #[test]
    fn op_codes_round_trip() {
        for code in 0..8 {
            let op = Op::from_code(code).unwrap();
            assert_eq!(op.code(), code);
            assert_eq!(op.is_valid(), code < 5);
        }
        assert_eq!(Op::from_code(8), None);
    }

    #[test]
    fn access_bits_are_those_of_verbs() {
        assert_eq!(Op::LocalWrite.needed_access().bits(), 1);
        assert_eq!(Op::RemoteWrite.needed_access().bits(), 2);
        assert_eq!(Op::RemoteRead.needed_access().bits(), 4);
        assert_eq!(Op::RemoteAtomic.needed_access().bits(), 8);
        assert_eq!(Op::LocalRead.needed_access(), Access::NONE);
        assert_eq!(Access::from_bits(16), None);
        assert_eq!((Access::LOCAL_WRITE | Access::REMOTE_READ).to_string(), "local_write|remote_read");
        assert_eq!(Access::NONE.to_string(), "none");
    }

    #[test]
    fn remote_write_and_atomic_need_local_write() {
        let registrable: Vec<u8> =
            (0..16).filter(|b| Access::from_bits(*b).unwrap().is_registrable()).collect();
        assert_eq!(registrable, [0, 1, 3, 4, 5, 7, 9, 11, 13, 15]);
    }

    #[test]
    fn a_field_too_wide_is_named() {
        let config = Preset::Tiny.config();
        let good = Request {
            net_id: NetId::from_u128(7),
            key: u32::MAX,
            pd: 255,
            op: Op::RemoteRead,
            va: u64::MAX,
            length: 8191,
            bound: u32::MAX,
            stream: 255,
            tag: 255,
        };
        assert_eq!(good.check(&config), Ok(()));
        let field = |request: Request| request.check(&config).unwrap_err().field;
        assert_eq!(field(Request { pd: 256, ..good }), "pd");
        assert_eq!(field(Request { length: 8192, ..good }), "length");
        assert_eq!(field(Request { stream: 256, ..good }), "stream");
        assert_eq!(field(Request { tag: 256, ..good }), "tag");
        assert_eq!(field(Request { net_id: NetId::from_u128(1 << 32), ..good }), "net_id");
        assert_eq!((good.key_index(), good.key_variant()), (0xff_ffff, 0xff));
    }
}
