//! Widths of the packet decoder's signals, in one place.

use stagecoach_hdl::index_width;
use stagecoach_spec::{Config, Cuckoo, Icrc, queue_pair};

use crate::processing;

/// Bytes of a frame that headers may reach to: Ethernet with a tag, IPv6, UDP, BTH and AtomicETH.
pub(crate) const HEAD: u32 = 18 + 40 + 8 + 12 + 28;
/// Bits of a number of bytes of a frame or its payload.
pub(crate) const BYTES: u32 = 13;
/// Bits of the place of the payload in its frame.
pub(crate) const PLACE: u32 = 7;
/// Bytes of room for frames.
const ROOM: u32 = 16_384;
/// Frames in the decoder at once.
pub(crate) const FRAMES: u32 = 32;

/// The widths, and the configuration that they follow from.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Those of the processing unit behind it.
    pub unit: processing::Shape,
    /// The table of queue pairs.
    pub table: Cuckoo,
    /// A network identifier: an address.
    pub address: u32,
    /// What a queue pair is found by.
    pub identifier: u32,
    /// Its index.
    pub queue_pair: u32,
    /// Data beats of room for frames.
    pub room: u32,
    /// Data beats of the longest frame.
    pub longest: u32,
    /// A number of data beats of a frame.
    pub beats: u32,
    /// A frame's ICRC is checked.
    pub checks_icrc: bool,
}

impl Shape {
    /// The widths of a configuration that has a decoder.
    pub fn of(config: &Config) -> Shape {
        let unit = processing::Shape::of(config);
        let longest = queue_pair::LONGEST_FRAME / unit.bytes;
        Shape {
            table: queue_pair::table_shape(config),
            address: config.net_id_bits,
            identifier: config.net_id_bits + queue_pair::QPN_BITS,
            queue_pair: unit.queue_pair,
            room: ROOM / unit.bytes,
            longest,
            beats: index_width(u64::from(longest) + 1),
            checks_icrc: config.processing.icrc == Icrc::Checked,
            unit,
        }
    }

    /// Data beats that have the headers.
    pub(crate) fn head_beats(&self) -> u32 {
        HEAD.div_ceil(self.unit.bytes)
    }
}
