//! The bundled captures made worse: what a capture lacks may leave a verdict unknown, but never
//! turns it round, and no luck with sequence numbers is needed to tell connections apart.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

use stagecoach_captures::connection::assign;
use stagecoach_captures::verdict::judge;
use stagecoach_captures::{Capture, EventLog, Packet, Verdict};

const MACHINES: [(&str, &str); 6] = [
    ("vma", "10.0.1.2"),
    ("vmb", "10.0.2.2"),
    ("vma-ipv6", "fd00:1::2"),
    ("vmb-ipv6", "fd00:2::2"),
    ("vma-vlan", "10.100.1.2"),
    ("vmb-vlan", "10.100.2.2"),
];

fn read(name: &str) -> (Vec<Packet>, EventLog) {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/roce");
    let capture = Capture::read(&data.join(format!("{name}.pcap.gz"))).unwrap();
    (capture.packets, EventLog::read(&data.join(format!("{name}.events.jsonl"))).unwrap())
}

/// Verdicts by index in the capture.
fn verdicts(packets: &[Packet], log: &EventLog, local: IpAddr) -> HashMap<u64, Verdict> {
    let requests = judge(packets, &log.events, local);
    requests.iter().map(|request| (request.packet, request.verdict)).collect()
}

#[test]
fn lost_packets_never_turn_a_verdict_round() {
    // A fixed linear congruential sequence (Knuth's constants): failures can be repeated.
    let mut state = 1_u64;
    for (name, address) in MACHINES {
        let local: IpAddr = address.parse().unwrap();
        let (packets, log) = read(name);
        let whole = verdicts(&packets, &log, local);
        for lost_percent in [1, 10, 40] {
            let mut kept = packets.clone();
            kept.retain(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) % 100 >= lost_percent
            });
            let partial = verdicts(&kept, &log, local);
            let mut known = 0;
            for (packet, verdict) in &partial {
                if *verdict != Verdict::Unknown {
                    known += 1;
                    assert_eq!(*verdict, whole[packet], "{name}, packet {packet}");
                }
            }
            let least = partial.len() * (100 - lost_percent as usize) / 100;
            assert!(known * 100 >= least * 95, "{name}: {known} of {} known", partial.len());
        }
    }
}

#[test]
fn connections_may_all_start_at_the_same_sequence_number() {
    for (name, address) in MACHINES {
        let local: IpAddr = address.parse().unwrap();
        let (mut packets, log) = read(name);
        let whole = verdicts(&packets, &log, local);
        let connections = assign(&packets, &log.events, local);
        let mut first: HashMap<usize, u32> = HashMap::new();
        for (packet, connection) in packets.iter_mut().zip(connections) {
            if let Some(connection) = connection {
                let base = *first.entry(connection).or_insert(packet.psn);
                packet.psn = packet.psn.wrapping_sub(base) & 0x00ff_ffff;
            }
        }
        let changed = verdicts(&packets, &log, local);
        let wrong = whole.iter().filter(|(packet, verdict)| changed[packet] != **verdict).count();
        assert_eq!(wrong, 0, "{name}: {wrong} of {} verdicts", whole.len());
    }
}

#[test]
fn every_response_finds_its_connection() {
    for (name, address) in MACHINES {
        let local: IpAddr = address.parse().unwrap();
        let (packets, log) = read(name);
        let connections = assign(&packets, &log.events, local);
        let mut partners: HashMap<usize, (u32, u16)> = HashMap::new();
        for (packet, connection) in packets.iter().zip(connections) {
            if packet.source != local || !(0x0d..=0x12).contains(&packet.opcode) {
                continue;
            }
            // Ports are no evidence where numbers suffice, so they can confirm the pairing.
            let partner = (packet.qpn, packet.source_port);
            let connection = connection.unwrap();
            assert_eq!(*partners.entry(connection).or_insert(partner), partner, "{name}");
        }
    }
}
