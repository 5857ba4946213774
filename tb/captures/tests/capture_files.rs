//! File formats, link layers and damage, on files made for the purpose.

use std::io::Write;
use std::path::PathBuf;

use stagecoach_captures::roce::{PacketKind, ResponseKind};
use stagecoach_captures::{
    Capture, CaptureError, Frame, Frames, Packet, RequestHeader, RequestOp, SkipReason, roce,
};
use tempfile::TempDir;

/// A file in a directory that goes with it.
fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.pcap");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read(bytes: &[u8]) -> Result<Vec<Frame>, CaptureError> {
    let (_folder, path) = file(bytes);
    Frames::open(&path)?.collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Words in one byte order.
fn words(big: bool, words: &[u32]) -> Vec<u8> {
    let bytes = words.iter().map(|word| if big { word.to_be_bytes() } else { word.to_le_bytes() });
    bytes.flatten().collect()
}

/// A classic capture of two packets, 3 and 5 bytes long.
fn pcap(big: bool, magic: u32, link: u32, snaplen: u32) -> Vec<u8> {
    let version = if big { 2 << 16 | 4 } else { 4 << 16 | 2 };
    let mut bytes = words(big, &[magic, version, 0, 0, snaplen, link]);
    bytes.extend(words(big, &[1, 999_999, 3, 60]));
    bytes.extend(b"abc");
    bytes.extend(words(big, &[2, 1, 5, 5]));
    bytes.extend(b"defgh");
    bytes
}

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

#[test]
fn stamps_and_byte_orders() {
    for big in [false, true] {
        for (magic, unit) in [(MICROSECONDS, 1000), (NANOSECONDS, 1)] {
            // The first packet was longer (60 bytes) than the snapshot length: that is no damage.
            let plain = pcap(big, magic, 1, 50);
            for bytes in [gzip(&plain), plain] {
                let frames = read(&bytes).unwrap();
                let first = 1_000_000_000 + 999_999 * unit;
                let expected = [
                    Frame { index: 0, time_ns: first, data: b"abc".to_vec() },
                    Frame { index: 1, time_ns: 2_000_000_000 + unit, data: b"defgh".to_vec() },
                ];
                assert_eq!(frames, expected);
            }
        }
    }
}

/// A pcapng capture of one packet, `abc`, at `ticks`, after an unknown block.
fn pcapng(big: bool, resolution: Option<u8>, ticks: u64, link: u32) -> Vec<u8> {
    let block = |kind: u32, body: Vec<u8>| {
        let size = body.len() as u32 + 12;
        [words(big, &[kind, size]), body, words(big, &[size])].concat()
    };
    let halves = |first: u32, second: u32| {
        words(big, &[if big { first << 16 | second } else { second << 16 | first }])
    };
    let mut section = words(big, &[0x1a2b_3c4d]);
    section.extend(halves(1, 0));
    section.extend([0xff; 8]);
    let mut interface = halves(link, 0);
    interface.extend(words(big, &[0]));
    if let Some(resolution) = resolution {
        interface.extend(halves(9, 1));
        interface.extend([resolution, 0, 0, 0]);
        interface.extend(halves(0, 0));
    }
    let mut packet = words(big, &[0, (ticks >> 32) as u32, ticks as u32, 3, 60]);
    packet.extend(b"abc\0");
    [block(0x0a0d_0d0a, section), block(1, interface), block(0xbad, vec![0; 8]), block(6, packet)].concat()
}

#[test]
fn next_generation_captures() {
    for big in [false, true] {
        for (resolution, time_ns) in
            [(None, 5_000_000_000_000), (Some(9), 5_000_000_000), (Some(0x80 | 20), 4_768_371_582_031)]
        {
            let frames = read(&pcapng(big, resolution, 5_000_000_000, 1)).unwrap();
            assert_eq!(frames, [Frame { index: 0, time_ns, data: b"abc".to_vec() }]);
        }
        let error = read(&pcapng(big, None, 5, 113)).unwrap_err();
        assert!(matches!(error, CaptureError::LinkType { .. }), "{error}");
        let whole = pcapng(big, None, 5, 1);
        let error = read(&whole[..whole.len() - 5]).unwrap_err();
        assert!(matches!(error, CaptureError::CutShort { packet: 0, offset: 68, .. }), "{error}");
    }
}

#[test]
fn what_is_cut_short_names_packet_and_offset() {
    let whole = pcap(false, MICROSECONDS, 1, 50);
    for (length, packet, offset) in [(10, 0, 0), (30, 0, 24), (42, 0, 24), (50, 1, 43), (63, 1, 43)] {
        match read(&whole[..length]).unwrap_err() {
            CaptureError::CutShort { packet: p, offset: o, .. } => {
                assert_eq!((p, o), (packet, offset), "{length} bytes");
            }
            other => panic!("{length} bytes: {other}"),
        }
    }
    // A capture that ends between packets is whole.
    assert_eq!(read(&whole[..43]).unwrap().len(), 1);
    // After the damage nothing more is yielded.
    let (_folder, path) = file(&whole[..50]);
    let mut frames = Frames::open(&path).unwrap();
    assert!(frames.next().unwrap().is_ok() && frames.next().unwrap().is_err());
    assert!(frames.next().is_none());
}

#[test]
fn a_wrong_link_type_is_named() {
    let error = read(&pcap(true, MICROSECONDS, 113, 50)).unwrap_err().to_string();
    assert!(error.contains("LINUX_SLL (113)") && error.contains("Ethernet is needed"), "{error}");
}

#[test]
fn what_is_no_capture_is_refused() {
    for (bytes, word) in [(&b"{\"time_us\":1}"[..], "0x7b227469"), (b"", "nothing"), (b"ab", "0x6162")] {
        for bytes in [bytes.to_vec(), gzip(bytes)] {
            let error = read(&bytes).unwrap_err();
            assert!(matches!(error, CaptureError::NotACapture { .. }), "{error}");
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    let error = Frames::open("/nowhere/at/all".as_ref()).err().unwrap();
    assert!(matches!(error, CaptureError::Unreadable { .. }), "{error}");
}

#[test]
fn gzip_damage_is_told_from_a_short_capture() {
    let packed = gzip(&pcap(false, MICROSECONDS, 1, 50));
    let mut wrong_sum = packed.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    for bytes in [&packed[..packed.len() - 12], &packed[..packed.len() - 1], &wrong_sum] {
        let error = read(bytes).unwrap_err();
        assert!(matches!(error, CaptureError::Gzip { .. }), "{error}");
    }
    let error = read(&gzip(&pcap(false, MICROSECONDS, 1, 50)[..50])).unwrap_err();
    assert!(matches!(error, CaptureError::CutShort { packet: 1, offset: 43, .. }), "{error}");
}

#[test]
fn a_stamp_of_a_second_or_more_is_damage() {
    let mut bytes = pcap(false, MICROSECONDS, 1, 50);
    bytes[28..32].copy_from_slice(&1_000_000_u32.to_le_bytes());
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, CaptureError::Damaged { packet: 0, offset: 24, .. }), "{error}");
}

/// A RoCEv2 frame with these VLAN tags (EtherType and identifier) around IPv4 or IPv6.
fn frame(tags: &[(u16, u16)], ipv6: bool, port: u16, transport: &[u8]) -> Frame {
    let mut data = vec![0; 12];
    for (kind, vlan) in tags {
        data.extend(kind.to_be_bytes());
        data.extend(vlan.to_be_bytes());
    }
    let size = transport.len() as u16 + 8;
    if ipv6 {
        data.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        data.extend(size.to_be_bytes());
        data.extend([17, 64]);
        data.extend("fd00::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
        data.extend("fd00::2".parse::<std::net::Ipv6Addr>().unwrap().octets());
    } else {
        data.extend([8, 0, 0x45, 0]);
        data.extend((size + 20).to_be_bytes());
        data.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    }
    data.extend(0xc123_u16.to_be_bytes());
    data.extend(port.to_be_bytes());
    data.extend(size.to_be_bytes());
    data.extend([0, 0]);
    data.extend(transport);
    Frame { index: 4, time_ns: 5, data }
}

/// BTH for queue pair 0x112233 and PSN 0xabcdef, then more headers.
fn transport(opcode: u8, more: &[u8]) -> Vec<u8> {
    let mut bytes = vec![opcode, 0x40, 0xff, 0xff, 0, 0x11, 0x22, 0x33, 0x80, 0xab, 0xcd, 0xef];
    bytes.extend(more);
    bytes
}

const RETH: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x20, 0x30, 0x40, 0, 0, 0x50, 0];
const READ: RequestHeader =
    RequestHeader { op: RequestOp::RemoteRead, key: 0x1020_3040, va: 0x0102_0304_0506_0708, length: 0x5000 };

#[test]
fn tags_and_address_families() {
    let one = [(0x8100, 100)];
    let two = [(0x88a8, 5), (0x8100, 100)];
    for tags in [&[][..], &one, &two] {
        for ipv6 in [false, true] {
            let packet = roce::parse(&frame(tags, ipv6, 4791, &transport(0x0c, &RETH))).unwrap();
            let (source, destination) = if ipv6 { ("fd00::1", "fd00::2") } else { ("10.0.0.1", "10.0.0.2") };
            let expected = Packet {
                index: 4,
                time_ns: 5,
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                source_port: 0xc123,
                opcode: 0x0c,
                qpn: 0x11_2233,
                psn: 0xab_cdef,
                kind: PacketKind::Request(READ),
            };
            assert_eq!(packet, expected);
        }
    }
}

#[test]
fn opcodes_and_syndromes() {
    let kind = |opcode: u8, more: &[u8]| {
        roce::parse(&frame(&[], false, 4791, &transport(opcode, more))).map(|packet| packet.kind)
    };
    for opcode in [0x06, 0x0a, 0x0b] {
        let write = RequestHeader { op: RequestOp::RemoteWrite, ..READ };
        assert_eq!(kind(opcode, &RETH), Ok(PacketKind::Request(write)));
    }
    let atomic = RequestHeader { op: RequestOp::RemoteAtomic, length: 8, ..READ };
    for opcode in [0x13, 0x14] {
        assert_eq!(kind(opcode, &[&RETH[..], &[9; 12]].concat()), Ok(PacketKind::Request(atomic)));
        assert_eq!(kind(opcode, &RETH), Err(SkipReason::TooShort));
    }
    assert_eq!(kind(0x0c, &RETH[..15]), Err(SkipReason::TooShort));
    let answers = [
        (0x00, ResponseKind::Acknowledge),
        (0x1f, ResponseKind::Acknowledge),
        (0x20, ResponseKind::Resend { syndrome: 0x20 }),
        (0x3f, ResponseKind::Resend { syndrome: 0x3f }),
        (0x60, ResponseKind::Resend { syndrome: 0x60 }),
        (0x61, ResponseKind::Refuse { syndrome: 0x61 }),
        (0x62, ResponseKind::Refuse { syndrome: 0x62 }),
        (0x7f, ResponseKind::Refuse { syndrome: 0x7f }),
    ];
    for (syndrome, expected) in answers {
        assert_eq!(kind(0x11, &[syndrome, 0, 0, 1]), Ok(PacketKind::Response(expected)));
    }
    for opcode in [0x0d, 0x0e, 0x0f, 0x10, 0x12] {
        assert_eq!(kind(opcode, &[0; 12]), Ok(PacketKind::Response(ResponseKind::Acknowledge)));
    }
    assert_eq!(kind(0x07, &[]), Ok(PacketKind::Requester));
    assert_eq!(kind(0x64, &[]), Ok(PacketKind::Other));
    assert_eq!(kind(0x2a, &[]), Ok(PacketKind::Other));
}

#[test]
fn other_frames_are_skipped_and_counted_by_reason() {
    let good = frame(&[], false, 4791, &transport(0x0c, &RETH));
    let mut arp = good.clone();
    arp.data[12..14].copy_from_slice(&[8, 6]);
    let mut fragment = good.clone();
    fragment.data[20] = 0x20;
    let mut tcp = good.clone();
    tcp.data[23] = 6;
    let mut version = good.clone();
    version.data[43] |= 1;
    let mut cut = good.clone();
    cut.data.truncate(60);
    let mut stump = good.clone();
    stump.data.truncate(9);
    let http = frame(&[], true, 80, &transport(0x0c, &RETH));
    let mut bytes = words(false, &[NANOSECONDS, 4 << 16 | 2, 0, 0, 65535, 1]);
    for frame in [&good, &arp, &fragment, &tcp, &version, &cut, &stump, &http, &good] {
        let size = frame.data.len() as u32;
        bytes.extend(words(false, &[0, 5, size, size]));
        bytes.extend(&frame.data);
    }
    let (_folder, path) = file(&bytes);
    let capture = Capture::read(&path).unwrap();
    let indices: Vec<u64> = capture.packets.iter().map(|packet| packet.index).collect();
    assert_eq!(indices, [0, 8]);
    let skipped: Vec<(SkipReason, u64)> = capture.skipped.into_iter().collect();
    let expected = [
        (SkipReason::NotIp, 1),
        (SkipReason::Fragment, 1),
        (SkipReason::NotUdp, 1),
        (SkipReason::OtherPort, 1),
        (SkipReason::TooShort, 2),
        (SkipReason::UnknownVersion, 1),
    ];
    assert_eq!(skipped, expected);
}
