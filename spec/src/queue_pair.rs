//! Queue pairs, as the packet decoder (`frontend = "roce"`) knows them.
//!
//! A queue pair's number says nothing without its VM: two VMs may have the same. So a frame finds its queue pair by
//! {destination address, number} in a table of the shape of a [`Cuckoo`] CAM, whose ways keep their first seeds. The
//! table gives an *index*; the queue pair's context and its open message stand in memories by that index.
//!
//! # Commands
//!
//! Write words 0 to 7 and QUEUE_PAIR_INDEX, then QUEUE_PAIR_COMMAND; `ready` in QUEUE_PAIR_STATUS goes low and comes
//! back. Writes while it is low are answered SLVERR and change nothing.
//!
//! | command | index | words |
//! | --- | --- | --- |
//! | 1 write entry | entry | 0 to 3 the VM's address, lowest first; 4 the queue pair's number; 5 its index; 6 bit 0: the entry is taken |
//! | 2 write context | queue pair | 0 to 3 the peer's address; 4 the protection domain; 5 [`QueuePair::allows`] |
//! | 3 write message | queue pair | 0, 1 `va`; 2 `key`; 3 `length`; 4 `first_psn`; 5 bits 2:0 log2 of the packets' bytes less 8, bit 30 refused, bit 31 open |
//! | 4 read message | queue pair | as above, afterwards |
//!
//! Frames come while entries are written. To move a queue pair from one entry to another, write the new one first: both
//! give the same index. To take one away, clear its entry; what is under way of it is still carried out.

use alloc::vec::Vec;

use crate::config::{Cam, Config};
use crate::cuckoo::Cuckoo;
use crate::net_id::NetId;
use crate::request::Op;

/// Bits of a queue pair's number (InfiniBand 1.4, 9.2).
pub const QPN_BITS: u32 = 24;

/// Least queue pairs that a decoder knows.
pub const LEAST_QUEUE_PAIRS: u32 = 16;
/// Most queue pairs that a decoder knows.
pub const MOST_QUEUE_PAIRS: u32 = 4096;
/// Bytes of the longest payload of a packet: InfiniBand's largest path MTU.
pub const LARGEST_PAYLOAD: u32 = 4096;
/// Bytes of the longest frame that is taken: that payload and all headers, up to a multiple of 64.
pub const LONGEST_FRAME: u32 = 4224;

/// The UDP port of RoCEv2 (InfiniBand annex A17).
pub const ROCE_PORT: u16 = 4791;

/// The opcodes that the decoder takes, all of reliable connections (InfiniBand 1.4, table 38).
pub mod opcode {
    /// RDMA WRITE First.
    pub const WRITE_FIRST: u8 = 0x06;
    /// RDMA WRITE Middle.
    pub const WRITE_MIDDLE: u8 = 0x07;
    /// RDMA WRITE Last.
    pub const WRITE_LAST: u8 = 0x08;
    /// RDMA WRITE Last with Immediate.
    pub const WRITE_LAST_IMMEDIATE: u8 = 0x09;
    /// RDMA WRITE Only.
    pub const WRITE_ONLY: u8 = 0x0a;
    /// RDMA WRITE Only with Immediate.
    pub const WRITE_ONLY_IMMEDIATE: u8 = 0x0b;
    /// RDMA READ Request.
    pub const READ_REQUEST: u8 = 0x0c;
    /// CmpSwap.
    pub const COMPARE_SWAP: u8 = 0x13;
    /// FetchAdd.
    pub const FETCH_ADD: u8 = 0x14;
}

/// What the decoder is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum QueuePairCommand {
    /// 1: an entry is taken, or becomes free.
    WriteEntry = 1,
    /// 2: what is known of a queue pair.
    WriteContext = 2,
    /// 3: its open message.
    WriteMessage = 3,
    /// 4: its open message is read into the words.
    ReadMessage = 4,
}

/// The configuration whose cuckoo CAM is the table of queue pairs: its identifiers are [`identifier`]s, its tables indexes.
pub fn table_config(config: &Config) -> Config {
    let count = config.processing.queue_pairs();
    Config {
        net_id_bits: config.net_id_bits + QPN_BITS,
        bindings: count,
        tables: count,
        cam: Some(Cam::Cuckoo),
        ..config.clone()
    }
}

/// The shape of the table of queue pairs.
pub fn table_shape(config: &Config) -> Cuckoo {
    Cuckoo::of(&table_config(config))
}

/// What a queue pair is found by: its number in the lowest [`QPN_BITS`] bits, its VM's network identifier above.
pub fn identifier(net_id: NetId, qpn: u32) -> NetId {
    let [low, high, top] = net_id.limbs();
    let qpn = u64::from(qpn & ((1 << QPN_BITS) - 1));
    NetId::from_limbs([low << 24 | qpn, high << 24 | low >> 40, top << 24 | high >> 40])
}

/// What is known of a queue pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueuePair {
    /// Its peer's address; frames of others are dropped.
    pub peer: NetId,
    /// Its protection domain.
    pub pd: u32,
    /// Which operations it takes: bit 0 read, bit 1 write, bit 2 atomic.
    pub allows: u8,
}

impl QueuePair {
    /// Allows everything.
    pub const ALL: u8 = 0b111;

    /// Whether it takes an operation.
    pub const fn takes(&self, op: Op) -> bool {
        let bit = match op {
            Op::RemoteRead => 0,
            Op::RemoteWrite => 1,
            Op::RemoteAtomic => 2,
            _ => return false,
        };
        self.allows >> bit & 1 == 1
    }

    /// The words of the command that writes it.
    pub fn words(&self) -> [u32; 8] {
        let [a, b, c, d] = address_words(self.peer);
        [a, b, c, d, self.pd, self.allows.into(), 0, 0]
    }
}

/// A write message whose first packet came, and not its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpenMessage {
    /// Where it begins.
    pub va: u64,
    /// Its key.
    pub key: u32,
    /// Bytes of all of it.
    pub length: u32,
    /// The sequence number of its first packet, 24 bits. So that of a later one says where its bytes belong, and a packet that
    /// comes twice lands on itself.
    pub first_psn: u32,
    /// Bytes of all packets but the last: 256 to 4096.
    pub packet_bytes: u32,
    /// A packet of it was refused, so those behind are.
    pub refused: bool,
}

impl OpenMessage {
    /// The words of the command that writes it.
    pub fn words(&self) -> [u32; 8] {
        let flags = (self.packet_bytes.ilog2() - 8) | u32::from(self.refused) << 30 | 1 << 31;
        [self.va as u32, (self.va >> 32) as u32, self.key, self.length, self.first_psn, flags, 0, 0]
    }

    /// From the words that were read; nothing if no message is open.
    pub fn from_words(words: &[u32; 8]) -> Option<OpenMessage> {
        (words[5] >> 31 == 1).then(|| OpenMessage {
            va: u64::from(words[0]) | u64::from(words[1]) << 32,
            key: words[2],
            length: words[3],
            first_psn: words[4],
            packet_bytes: 256 << (words[5] & 7).min(4),
            refused: words[5] >> 30 & 1 == 1,
        })
    }
}

/// A change of what the decoder knows: one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueuePairUpdate {
    /// An entry of the table is taken for a queue pair's [`identifier`] and index, or becomes free.
    Entry {
        /// The entry, as a [`Cuckoo`] counts them.
        entry: u16,
        /// By whom.
        taken: Option<(NetId, u16)>,
    },
    /// What is known of a queue pair.
    Context {
        /// Its index.
        index: u16,
        /// What.
        context: QueuePair,
    },
    /// A queue pair's open message.
    Message {
        /// Its index.
        index: u16,
        /// The message; nothing if none is open.
        message: Option<OpenMessage>,
    },
}

impl QueuePairUpdate {
    /// The command, its index and its words.
    pub fn command(&self) -> (QueuePairCommand, u16, [u32; 8]) {
        match *self {
            QueuePairUpdate::Entry { entry, taken } => {
                (QueuePairCommand::WriteEntry, entry, entry_words(taken))
            }
            QueuePairUpdate::Context { index, context } => {
                (QueuePairCommand::WriteContext, index, context.words())
            }
            QueuePairUpdate::Message { index, message } => {
                let words = message.map_or([0; 8], |message| message.words());
                (QueuePairCommand::WriteMessage, index, words)
            }
        }
    }
}

/// The words of the command that takes an entry for an identifier's index, or frees it.
fn entry_words(taken: Option<(NetId, u16)>) -> [u32; 8] {
    let Some((identifier, index)) = taken else { return [0; 8] };
    let [low, high, top] = identifier.limbs();
    let net_id = NetId::from_limbs([low >> 24 | high << 40, high >> 24 | top << 40, top >> 24]);
    let [a, b, c, d] = address_words(net_id);
    [a, b, c, d, low as u32 & ((1 << QPN_BITS) - 1), index.into(), 1, 0]
}

fn address_words(net_id: NetId) -> [u32; 4] {
    let [low, high, _] = net_id.limbs();
    let words: Vec<u32> = [low, high].iter().flat_map(|limb| [*limb as u32, (*limb >> 32) as u32]).collect();
    words.try_into().expect("four words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_the_identifier_in_words() {
        let address = 0x2001_0db8_1122_3344_5566_7788_99aa_bbcc_u128;
        let words = entry_words(Some((identifier(NetId::from_u128(address), 0xab_cdef), 0x123)));
        let said = (0..4).map(|word| u128::from(words[word]) << (32 * word)).sum::<u128>();
        assert_eq!((said, words[4], words[5], words[6]), (address, 0xab_cdef, 0x123, 1));
        assert_eq!(identifier(NetId::from_u128(1), 2).limbs(), [1 << 24 | 2, 0, 0]);
        assert_eq!(entry_words(None), [0; 8]);
    }

    #[test]
    fn messages_round_trip() {
        for (shift, refused) in [(8, false), (9, true), (12, false)] {
            let (va, first_psn) = (0x1122_3344_5566_7788, 0xff_fffe);
            let message =
                OpenMessage { va, key: 7, length: 1 << 31, first_psn, packet_bytes: 1 << shift, refused };
            assert_eq!(OpenMessage::from_words(&message.words()), Some(message));
        }
        assert_eq!(OpenMessage::from_words(&[0; 8]), None);
    }

    #[test]
    fn a_queue_pair_takes_what_it_allows() {
        let pair = QueuePair { peer: NetId::from_u128(1), pd: 3, allows: 0b010 };
        assert!(pair.takes(Op::RemoteWrite) && !pair.takes(Op::RemoteRead) && !pair.takes(Op::LocalWrite));
        assert_eq!(pair.words(), [1, 0, 0, 0, 3, 2, 0, 0]);
    }
}
