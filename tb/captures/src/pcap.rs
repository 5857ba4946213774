//! Frames of a capture file, one after another: classic pcap (microsecond and nanosecond stamps,
//! both byte orders) and pcapng, each of them gzipped or not.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};
use thiserror::Error;

use crate::input;

/// Why a capture cannot be read. Offsets count bytes of the decompressed file.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The file cannot be opened or read.
    #[error("{path}: cannot be read ({source}); check the name and the permissions")]
    Unreadable {
        /// The capture file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file starts with none of the magic numbers of pcap or pcapng.
    #[error(
        "{path}: not a capture: it starts with {start}, not with the magic number of pcap or pcapng; \
         give the file that tcpdump wrote with -w (the order is ADDRESS=CAPTURE,EVENTS)"
    )]
    NotACapture {
        /// The capture file.
        path: PathBuf,
        /// Its first bytes in hexadecimal, or `nothing`.
        start: String,
    },
    /// The file ends inside its header or a packet.
    #[error(
        "{path}: cut short: it ends inside packet {packet}, whose record starts at byte {offset}; \
         capture or copy it again, or repair it with `editcap`"
    )]
    CutShort {
        /// The capture file.
        path: PathBuf,
        /// 0-based index of the packet that is not whole (0 also when the file header is not).
        packet: u64,
        /// Where its record starts.
        offset: u64,
    },
    /// A link type other than Ethernet (LINKTYPE_ETHERNET, 1).
    #[error(
        "{path}: link type {link_type}, but Ethernet is needed; capture on the network interface \
         itself instead of `any`"
    )]
    LinkType {
        /// The capture file.
        path: PathBuf,
        /// Name and number of the link type.
        link_type: String,
    },
    /// The gzip stream is damaged.
    #[error(
        "{path}: gzip damage at or after byte {offset} (packet {packet}): {words}; copy the file again \
         and test it with `gzip -t`"
    )]
    Gzip {
        /// The capture file.
        path: PathBuf,
        /// 0-based index of the first packet that could not be read.
        packet: u64,
        /// How many bytes were decoded into whole packets.
        offset: u64,
        /// The decoder's words.
        words: String,
    },
    /// A record contradicts the file format.
    #[error("{path}: packet {packet}, at byte {offset}: {words}; capture or copy the file again")]
    Damaged {
        /// The capture file.
        path: PathBuf,
        /// 0-based index of the packet.
        packet: u64,
        /// Where its record starts.
        offset: u64,
        /// What is wrong.
        words: String,
    },
}

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// 0-based index in the capture; every packet of the file counts.
    pub index: u64,
    /// Stamp in nanoseconds since 1970.
    pub time_ns: u64,
    /// The bytes that were captured, from the Ethernet header on.
    pub data: Vec<u8>,
}

enum Format {
    Classic(PcapReader<Box<dyn Read + Send>>),
    Next(PcapNgReader<Box<dyn Read + Send>>),
}

/// Reads a capture file frame by frame. After an error it yields nothing more.
pub struct Frames {
    path: PathBuf,
    format: Format,
    packet: u64,
    offset: u64,
    over: bool,
}

/// Bytes of a classic pcap file header and of a packet's record header.
const FILE_HEADER: u64 = 24;
const RECORD_HEADER: u64 = 16;
/// pcapng block types (IETF draft pcapng, section 4).
const SIMPLE_PACKET: u32 = 3;
const OBSOLETE_PACKET: u32 = 2;
const ENHANCED_PACKET: u32 = 6;

impl Frames {
    /// Opens a capture; its format is recognised by its first bytes.
    ///
    /// # Errors
    /// The file cannot be read, is no capture, ends inside its header, or is not Ethernet.
    pub fn open(path: &Path) -> Result<Frames, CaptureError> {
        let place = Place { path, packet: 0, offset: 0 };
        let (start, bytes) = input::open(path, 12).map_err(|e| place.io(e))?;
        let format = match start[..start.len().min(4)] {
            [0xa1, 0xb2, 0xc3, 0xd4]
            | [0xd4, 0xc3, 0xb2, 0xa1]
            | [0xa1, 0xb2, 0x3c, 0x4d]
            | [0x4d, 0x3c, 0xb2, 0xa1] => {
                let reader = PcapReader::new(bytes).map_err(|e| place.error(e))?;
                place.ethernet(reader.header().datalink)?;
                Format::Classic(reader)
            }
            [0x0a, 0x0d, 0x0d, 0x0a] => Format::Next(PcapNgReader::new(bytes).map_err(|e| place.error(e))?),
            _ => {
                let start = start.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>();
                return Err(CaptureError::NotACapture {
                    path: path.to_owned(),
                    start: if start.is_empty() { "nothing".into() } else { format!("0x{start}") },
                });
            }
        };
        let offset = match &format {
            Format::Classic(_) => FILE_HEADER,
            Format::Next(_) => section_header_size(&start),
        };
        Ok(Frames { path: path.to_owned(), format, packet: 0, offset, over: false })
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
        let place = Place { path: &self.path, packet: self.packet, offset: self.offset };
        let (time_ns, data, size) = match &mut self.format {
            Format::Classic(reader) => match classic(reader, &place)? {
                Some(found) => found,
                None => return Ok(None),
            },
            Format::Next(reader) => match next_generation(reader, &place)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let frame = Frame { index: self.packet, time_ns, data };
        self.packet += 1;
        self.offset += size;
        Ok(Some(frame))
    }
}

impl Iterator for Frames {
    type Item = Result<Frame, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let result = self.next_frame().transpose();
        self.over = !matches!(result, Some(Ok(_)));
        result
    }
}

/// Bytes of a pcapng section header block, from its first 12 bytes: type, size, and the magic
/// that tells the byte order.
fn section_header_size(start: &[u8]) -> u64 {
    match *start {
        [_, _, _, _, a, b, c, d, 0x1a, ..] => u32::from_be_bytes([a, b, c, d]).into(),
        [_, _, _, _, a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]).into(),
        _ => 0,
    }
}

/// Stamp, bytes, and how far the file was read.
type Found = (u64, Vec<u8>, u64);

/// The raw record is taken, because the reader's checked one refuses packets that are longer
/// than the snapshot length: every capture that was cut on purpose has those.
fn classic<R: Read>(reader: &mut PcapReader<R>, place: &Place<'_>) -> Result<Option<Found>, CaptureError> {
    let unit = match reader.header().ts_resolution {
        TsResolution::MicroSecond => 1_000,
        TsResolution::NanoSecond => 1,
    };
    let Some(record) = reader.next_raw_packet() else {
        return Ok(None);
    };
    let record = record.map_err(|e| place.error(e))?;
    let fraction = u64::from(record.ts_frac) * unit;
    if fraction >= 1_000_000_000 {
        return Err(place.damaged("the stamp's fraction is a second or more".into()));
    }
    let time_ns = u64::from(record.ts_sec) * 1_000_000_000 + fraction;
    let size = RECORD_HEADER + record.data.len() as u64;
    Ok(Some((time_ns, record.data.into_owned(), size)))
}

/// Skips blocks that hold no packet. The packet header is read here, because the reader takes
/// every stamp for nanoseconds, whatever the interface's `if_tsresol` says.
fn next_generation<R: Read>(
    reader: &mut PcapNgReader<R>,
    place: &Place<'_>,
) -> Result<Option<Found>, CaptureError> {
    let mut size = 0;
    loop {
        let at = Place { offset: place.offset + size, ..*place };
        let big = reader.section().endianness == Endianness::Big;
        let Some(block) = reader.next_raw_block() else {
            return Ok(None);
        };
        let block = block.map_err(|e| at.error(e))?;
        size += u64::from(block.initial_len);
        let body = match block.type_ {
            ENHANCED_PACKET => block.body.into_owned(),
            SIMPLE_PACKET | OBSOLETE_PACKET => {
                let words = "a packet block without a usable stamp; convert the file with \
                             `editcap -F pcap`";
                return Err(at.damaged(words.into()));
            }
            _ => continue,
        };
        let word = |index: usize| -> Option<u32> {
            let bytes = body.get(index * 4..index * 4 + 4)?.try_into().ok()?;
            Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
        };
        let (Some(interface), Some(high), Some(low), Some(length)) = (word(0), word(1), word(2), word(3))
        else {
            return Err(at.damaged("the packet block is too short for its header".into()));
        };
        let Some(interface) = reader.interfaces().get(interface as usize) else {
            return Err(at.damaged(format!("no interface {interface} is described")));
        };
        at.ethernet(interface.linktype)?;
        let ticks = u64::from(high) << 32 | u64::from(low);
        let time_ns = stamp_ns(ticks, &interface.options)
            .ok_or_else(|| at.damaged("the stamp does not fit 64 bits of nanoseconds".into()))?;
        let Some(data) = body.get(20..).and_then(|rest| rest.get(..length as usize)) else {
            return Err(at.damaged("the packet is longer than its block".into()));
        };
        return Ok(Some((time_ns, data.to_vec(), size)));
    }
}

/// A pcapng stamp in nanoseconds: `if_tsresol` is a negative power of ten, or of two when its
/// top bit is set, and microseconds when absent; `if_tsoffset` is in seconds.
fn stamp_ns(ticks: u64, options: &[InterfaceDescriptionOption<'_>]) -> Option<u64> {
    let (mut resolution, mut offset) = (6_u8, 0_u64);
    for option in options {
        match option {
            InterfaceDescriptionOption::IfTsResol(value) => resolution = *value,
            InterfaceDescriptionOption::IfTsOffset(value) => offset = *value,
            _ => {}
        }
    }
    let power = u32::from(resolution & 0x7f);
    let a_second = if resolution & 0x80 != 0 { 2_u128 } else { 10 }.checked_pow(power)?;
    let nanoseconds = u128::from(ticks).checked_mul(1_000_000_000)? / a_second;
    u64::try_from(nanoseconds + u128::from(offset) * 1_000_000_000).ok()
}

/// Where in which file: what every error names.
struct Place<'a> {
    path: &'a Path,
    packet: u64,
    offset: u64,
}

impl Place<'_> {
    fn damaged(&self, words: String) -> CaptureError {
        let Place { packet, offset, .. } = *self;
        CaptureError::Damaged { path: self.path.to_owned(), packet, offset, words }
    }

    fn io(&self, source: io::Error) -> CaptureError {
        let (path, packet, offset) = (self.path.to_owned(), self.packet, self.offset);
        if let Some(words) = input::gzip_damage(&source) {
            return CaptureError::Gzip { path, packet, offset, words };
        }
        if source.kind() == io::ErrorKind::UnexpectedEof {
            return CaptureError::CutShort { path, packet, offset };
        }
        CaptureError::Unreadable { path, source }
    }

    fn error(&self, error: PcapError) -> CaptureError {
        match error {
            PcapError::IoError(source) => self.io(source),
            other => self.damaged(other.to_string()),
        }
    }

    fn ethernet(&self, link: DataLink) -> Result<(), CaptureError> {
        if link == DataLink::ETHERNET {
            return Ok(());
        }
        let link_type = format!("{link:?} ({})", u32::from(link));
        Err(CaptureError::LinkType { path: self.path.to_owned(), link_type })
    }
}
