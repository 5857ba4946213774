//! What travels between the blocks of the processing unit.

use stagecoach_hdl::bundle;

use super::shape::Shape;

bundle! {
    /// What is known of a request when it is asked, for block `issue`.
    pub struct Pending {
        /// It reads.
        reads,
        /// It writes.
        writes,
        /// It is an atomic that compares; with neither of the three it is a fetch-and-add, or malformed.
        compares,
        /// Its payload has another length than it says.
        differs,
        /// Words of its payload, to step over.
        payload_words,
        /// What an atomic swaps in or adds.
        operand,
        /// What an atomic compares with.
        compare,
        /// It continues the message that its queue pair's last request belongs to. No bits without a packet decoder.
        continues,
        /// Its queue pair's index. No bits without a packet decoder.
        queue_pair,
    }
}

bundle! {
    /// What is known of a request when it is asked, for block `finish`.
    pub struct Asked {
        /// Handed through.
        tag,
        /// Handed through.
        stream,
        /// The operation's code, as it was asked: 8 bits.
        op,
        /// Words of its payload, to give back.
        payload_words,
        /// Beats of room that it holds for read data.
        room,
    }
}

bundle! {
    /// A piece of a request in the order of the mapping unit's beats, for block `finish`.
    pub struct Piece {
        /// Data beats less one. The first field: block `finish` counts it down.
        beats,
        /// Its bytes are in the place of read `slot`.
        reads,
        /// It is write `slot`.
        writes,
        /// It is the atomic under way.
        atomic,
        /// Its number among the reads or writes under way.
        slot,
        /// The first byte's place in the first beat.
        lane,
        /// The last byte's place in the last beat.
        end,
        /// Bytes.
        bytes,
        /// It is not carried out.
        refused,
        /// Why it is not carried out, 0 if it is.
        fault,
        /// The table.
        table,
        /// The request's last piece.
        last,
    }
}

bundle! {
    /// An address for the memory port.
    pub struct Burst {
        /// The identifier, `slot` or, one bit higher, the atomic's.
        id,
        /// The frame.
        frame,
        /// The first data beat in the frame.
        first,
        /// Data beats less one.
        beats,
        /// The table.
        table,
    }
}

bundle! {
    /// Data for the memory port.
    pub struct Data {
        /// The identifier.
        id,
        /// The first data beat in the frame.
        first,
        /// Data beats less one.
        beats,
        /// The first byte's place in the first beat.
        lane,
        /// The last byte's place in the last beat.
        end,
        /// The word of payload that has the first byte.
        word,
        /// How far the bytes move up from their places in it. The top bit: around the end, so that the first data beat has bytes of two
        /// words.
        turn,
    }
}

bundle! {
    /// What goes back to the mapping unit when a span is over.
    pub struct Over {
        /// The table.
        table,
        /// The frame.
        frame,
        /// The table's epoch.
        epoch,
    }
}

impl Shape {
    /// Bits of a number of payload words of one request.
    pub(crate) fn payload_words(&self) -> u32 {
        stagecoach_hdl::index_width(u64::from(self.request_beats) + 1)
    }

    /// Bits of the number of a data beat in a frame.
    pub(crate) fn frame_beat(&self) -> u32 {
        super::shape::OFFSET - self.lane
    }

    /// Bits of [`Pending`].
    pub(crate) fn pending(&self) -> Vec<u32> {
        vec![1, 1, 1, 1, self.payload_words(), 64, 64, u32::from(self.has_decoder()), self.queue_pair]
    }

    /// Bits of [`Asked`].
    pub(crate) fn asked(&self) -> Vec<u32> {
        let c = &self.config;
        vec![c.tag_bits, c.stream_bits, 8, self.payload_words(), self.read_beats()]
    }

    /// Bits of [`Piece`].
    pub(crate) fn piece(&self) -> Vec<u32> {
        vec![self.beat, 1, 1, 1, self.slot, self.lane, self.lane, self.span, 1, 8, self.table, 1]
    }

    /// Bits of [`Burst`].
    pub(crate) fn burst(&self) -> Vec<u32> {
        vec![self.slot + 1, self.frame, self.frame_beat(), self.beat, self.table]
    }

    /// Bits of [`Data`].
    pub(crate) fn data_word(&self) -> Vec<u32> {
        vec![
            self.slot + 1,
            self.frame_beat(),
            self.beat,
            self.lane,
            self.lane,
            self.payload_place,
            self.lane + 1,
        ]
    }

    /// Bits of [`Over`].
    pub(crate) fn over(&self) -> Vec<u32> {
        vec![self.table, self.frame, 1]
    }
}

impl Shape {
    /// Bits of a number of beats of read data of one request.
    pub(crate) fn read_beats(&self) -> u32 {
        self.payload_words()
    }
}
