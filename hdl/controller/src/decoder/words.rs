//! What travels between the blocks of the packet decoder.

use stagecoach_hdl::bundle;
use stagecoach_spec::queue_pair::QPN_BITS;

use super::shape::{BYTES, PLACE, Shape};

/// Bits of a packet's sequence number.
pub(crate) const PSN: u32 = 24;

bundle! {
    /// What a frame says.
    pub struct Fields {
        /// It is malformed, damaged or cut.
        malformed,
        /// It is not for this card to decode.
        other,
        /// It is the first packet of a write.
        first,
        /// It is a later one, but not the last.
        middle,
        /// It is the last of several.
        last,
        /// It is a write whole.
        only,
        /// It is a read request.
        reads,
        /// It is a compare-and-swap.
        swaps,
        /// It is a fetch-and-add.
        adds,
        /// The opcode.
        opcode,
        /// The queue pair's number.
        qpn,
        /// The sequence number.
        psn,
        /// The destination's address.
        net_id,
        /// The source's address.
        peer,
        /// The virtual address of a RETH or AtomicETH.
        va,
        /// The R_Key.
        key,
        /// The DMA length of a RETH.
        length,
        /// What an atomic swaps in or adds.
        operand,
        /// What a compare-and-swap compares with.
        compare,
        /// Bytes of payload.
        payload,
        /// Where they begin in the frame.
        place,
        /// Data beats of the frame that are stored.
        beats,
    }
}

bundle! {
    /// The queue pair of a frame.
    pub struct Found {
        /// There is one.
        known,
        /// Its index.
        queue_pair,
        /// Which operations it takes.
        allows,
        /// Its protection domain.
        pd,
        /// Its peer's address.
        peer,
    }
}

bundle! {
    /// An open write message, as `stagecoach_spec::queue_pair` has it in words.
    pub struct Message {
        /// There is one.
        open,
        /// log2 of the bytes of its packets, less 8.
        packet,
        /// The sequence number of its first packet.
        first_psn,
        /// Bytes of all of it.
        length,
        /// Its key.
        key,
        /// Where it begins.
        va,
    }
}

bundle! {
    /// A frame that becomes an access.
    pub struct Admitted {
        /// It reads.
        reads,
        /// It writes.
        writes,
        /// It is a compare-and-swap.
        swaps,
        /// It is a fetch-and-add.
        adds,
        /// Its queue pair does not take its operation.
        refused,
        /// It continues a message.
        continues,
        /// Its queue pair's index.
        queue_pair,
        /// Its network identifier.
        net_id,
        /// Its queue pair's protection domain.
        pd,
        /// Its queue pair's number.
        qpn,
        /// Its opcode.
        opcode,
        /// Its sequence number.
        psn,
        /// The key.
        key,
        /// The virtual address.
        va,
        /// Bytes of the access.
        length,
        /// Bytes that must lie in the region.
        bound,
        /// What an atomic swaps in or adds.
        operand,
        /// What a compare-and-swap compares with.
        compare,
    }
}

bundle! {
    /// What is to be done with a frame's beats.
    pub struct Cargo {
        /// Its payload goes on.
        carries,
        /// Bytes of it.
        payload,
        /// Where it begins in the frame.
        place,
        /// Data beats of the frame.
        beats,
    }
}

impl Shape {
    /// Bits of [`Fields`].
    pub(crate) fn fields(&self) -> Vec<u32> {
        let address = self.address;
        let flags = [1; 9];
        let rest = [8, QPN_BITS, PSN, address, address, 64, 32, 32, 64, 64, BYTES, PLACE, self.beats];
        flags.into_iter().chain(rest).collect()
    }

    /// Bits of [`Found`].
    pub(crate) fn found(&self) -> Vec<u32> {
        vec![1, self.queue_pair, 3, self.unit.config.pd_bits, self.address]
    }

    /// Bits of [`Message`].
    pub(crate) fn message(&self) -> Vec<u32> {
        vec![1, 3, PSN, 32, 32, 64]
    }

    /// Bits of [`Admitted`].
    pub(crate) fn admitted(&self) -> Vec<u32> {
        let pd = self.unit.config.pd_bits;
        vec![1, 1, 1, 1, 1, 1, self.queue_pair, self.address, pd, QPN_BITS, 8, PSN, 32, 64, 32, 32, 64, 64]
    }

    /// Bits of [`Cargo`].
    pub(crate) fn cargo(&self) -> Vec<u32> {
        vec![1, BYTES, PLACE, self.beats]
    }
}
