//! Widths of the processing unit's signals, in one place.

use stagecoach_hdl::index_width;
use stagecoach_spec::{Config, Processing};

use crate::widths::Widths;

/// Bits of a place in a 4 KiB frame.
pub(crate) const OFFSET: u32 = 12;
/// Bits of the number of a 64-byte granule in its frame: accesses are kept in order where they share one.
pub(crate) const GRANULE: u32 = 6;
/// Lowest bits of a frame's number that are looked at to tell two apart. Frames that agree in them are kept in order without
/// need, which costs time now and then, and no more.
pub(crate) const FRAME_SEEN: u32 = 8;
/// A quarter of the timeout passes this many times before an access is given up.
pub(crate) const QUARTERS: u32 = 5;
/// Bits of an age in quarters.
pub(crate) const AGE: u32 = 3;

/// The widths, and the configuration that they follow from.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What was configured.
    pub config: Config,
    /// Bits of a data beat.
    pub data: u32,
    /// Bytes of a data beat.
    pub bytes: u32,
    /// A byte's place in a beat.
    pub lane: u32,
    /// Spans under way, reads and writes each.
    pub outstanding: u32,
    /// The number of one.
    pub slot: u32,
    /// An identifier at the memory port.
    pub id: u32,
    /// A table.
    pub table: u32,
    /// A frame.
    pub frame: u32,
    /// A physical address.
    pub address: u32,
    /// Bytes of a span.
    pub span: u32,
    /// Bytes of a request at the mapping unit's port.
    pub length: u32,
    /// Data beats that the longest span has.
    pub span_beats: u32,
    /// The number of a beat in its span.
    pub beat: u32,
    /// Data beats that the longest request has, if it starts at a beat's first byte.
    pub request_beats: u32,
    /// Beats of room for payload.
    pub payload_room: u32,
    /// A place in it.
    pub payload_place: u32,
    /// Beats of room for what was read.
    pub read_room: u32,
    /// Requests at once.
    pub requests: u32,
    /// The index of a queue pair of the packet decoder; nothing without one.
    pub queue_pair: u32,
}

impl Shape {
    /// The widths of a configuration.
    pub fn of(config: &Config) -> Shape {
        let w = Widths::of(config);
        let p: &Processing = &config.processing;
        let bytes = p.data_bytes();
        let most = config.max_request_bytes;
        let in_frame = 4096 / bytes;
        let span_beats = (most.div_ceil(bytes) + 1).next_power_of_two().min(in_frame);
        let payload_room = p.payload_room(most) / bytes;
        Shape {
            config: config.clone(),
            data: p.data_bits,
            bytes,
            lane: p.lane_bits(),
            outstanding: p.outstanding,
            slot: index_width(p.outstanding.into()),
            id: p.axi_id_bits,
            table: w.table,
            frame: w.frame,
            address: config.physical_address_bits,
            span: w.span,
            length: w.length,
            span_beats,
            beat: index_width(span_beats.into()),
            request_beats: most.div_ceil(bytes),
            payload_room,
            payload_place: index_width(payload_room.into()),
            read_room: p.read_room(most) / bytes,
            requests: p.requests,
            queue_pair: match p.queue_pairs() {
                0 => 0,
                count => index_width(count.into()),
            },
        }
    }

    /// Whether requests say which message of which queue pair they belong to: a packet decoder stands before.
    pub fn has_decoder(&self) -> bool {
        self.queue_pair > 0
    }

    /// Whether a span may have more beats than a burst, 256, and is then cut at 256 of them.
    pub fn cuts_bursts(&self) -> bool {
        self.span_beats > 256
    }
}
