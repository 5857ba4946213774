//! Finds out which response belongs to which responder queue pair.
//!
//! A packet names only its destination queue pair: a request the responder's, a response the
//! requester's. The captures hold no exchange of both numbers (connections set up over TCP leave
//! none), so the pairing is learned from the sequence numbers: a response carries the PSN of a
//! request packet that went before it (or lies in the range of a read). Over a connection's
//! life that leaves one candidate, because the first PSNs are random; where several are left, each
//! queue pair takes one partner, then equal UDP source ports decide (kernels derive the port from
//! both numbers, the same on both sides), then the shortest delay.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::events::{Change, Event};
use crate::roce::{Packet, PacketKind, RequestOp, ResponseKind};

/// Whether `psn` is `other` or comes after it, in 24-bit serial arithmetic (half the number
/// space ahead counts as after).
pub fn at_or_past(psn: u32, other: u32) -> bool {
    distance(other, psn) < 1 << 23
}

/// Steps from one PSN to another, modulo 2^24.
fn distance(from: u32, to: u32) -> u32 {
    to.wrapping_sub(from) & 0x00ff_ffff
}

/// A queue pair of the captured responder, from one coming up to the next.
struct Connection {
    peer: IpAddr,
    source_port: u16,
    /// Position in the packet list of its first packet.
    first: usize,
    /// PSN → first position at which a packet had it.
    starts: HashMap<u32, usize>,
    /// Reads: first PSN, most response packets there can be, position.
    reads: Vec<(u32, u32, usize)>,
}

/// The smallest path MTU bounds how many packets a read response can have.
const SMALLEST_MTU: u32 = 256;

impl Connection {
    /// Position of a request packet before `position` that a response with this PSN can answer.
    fn explains(&self, psn: u32, position: usize) -> Option<usize> {
        let start = self.starts.get(&psn).copied().filter(|start| *start < position);
        start.or_else(|| {
            let mut before = self.reads.iter().rev().filter(|read| read.2 < position);
            before.find(|(first, count, _)| distance(*first, psn) < *count).map(|read| read.2)
        })
    }
}

/// Consecutive responses to one requester queue pair that one connection can explain.
struct Segment {
    candidates: Vec<usize>,
    source_port: u16,
    /// Positions of its responses.
    responses: Vec<usize>,
}

/// For each packet the number of its connection: for a requester's packet to `local` the queue
/// pair it names (numbered anew each time that a `qp` event brings it up again), and for a
/// response of `local` the connection whose requests it answers. `None` for all other packets
/// and for responses that answer nothing captured.
pub fn assign(packets: &[Packet], events: &[Event], local: IpAddr) -> Vec<Option<usize>> {
    let mut assigned = vec![None; packets.len()];
    let connections = connections(packets, events, local, &mut assigned);
    let mut segments = segments(packets, &connections, local);
    for (segment, connection) in resolve(packets, &connections, &mut segments) {
        for position in &segments[segment].responses {
            assigned[*position] = Some(connection);
        }
    }
    assigned
}

fn connections(
    packets: &[Packet],
    events: &[Event],
    local: IpAddr,
    assigned: &mut [Option<usize>],
) -> Vec<Connection> {
    let mut came_up: HashMap<u32, Vec<u64>> = HashMap::new();
    for event in events {
        if let Change::QueuePair { qpn, .. } = event.change {
            came_up.entry(qpn).or_default().push(event.time_ns);
        }
    }
    let mut connections: Vec<Connection> = Vec::new();
    let mut numbers: HashMap<(IpAddr, u32, usize), usize> = HashMap::new();
    for (position, packet) in packets.iter().enumerate() {
        let request = match packet.kind {
            PacketKind::Request(header) => Some(header),
            PacketKind::Requester => None,
            _ => continue,
        };
        if packet.destination != local {
            continue;
        }
        let life =
            came_up.get(&packet.qpn).map_or(0, |times| times.partition_point(|time| *time <= packet.time_ns));
        let number = *numbers.entry((packet.source, packet.qpn, life)).or_insert_with(|| {
            connections.push(Connection {
                peer: packet.source,
                source_port: packet.source_port,
                first: position,
                starts: HashMap::new(),
                reads: Vec::new(),
            });
            connections.len() - 1
        });
        let connection = &mut connections[number];
        connection.starts.entry(packet.psn).or_insert(position);
        if let Some(header) = request.filter(|header| header.op == RequestOp::RemoteRead) {
            let count = header.length.div_ceil(SMALLEST_MTU).max(1);
            connection.reads.push((packet.psn, count, position));
        }
        assigned[position] = Some(number);
    }
    connections
}

fn segments(packets: &[Packet], connections: &[Connection], local: IpAddr) -> Vec<Segment> {
    let mut by_peer: HashMap<IpAddr, Vec<usize>> = HashMap::new();
    let mut by_psn: HashMap<(IpAddr, u32), Vec<usize>> = HashMap::new();
    for (number, connection) in connections.iter().enumerate() {
        by_peer.entry(connection.peer).or_default().push(number);
        for psn in connection.starts.keys() {
            by_psn.entry((connection.peer, *psn)).or_default().push(number);
        }
    }
    // All connections of a peer that began at `from` or later and explain the PSN.
    let search = |peer: IpAddr, psn: u32, position: usize, from: usize| -> Vec<usize> {
        let fits = |number: &&usize| {
            let connection = &connections[**number];
            connection.first >= from && connection.explains(psn, position).is_some()
        };
        let pick = |all: Option<&Vec<usize>>| -> Vec<usize> {
            all.into_iter().flatten().filter(fits).copied().collect()
        };
        let exact = pick(by_psn.get(&(peer, psn)));
        if exact.is_empty() { pick(by_peer.get(&peer)) } else { exact }
    };
    let mut segments: Vec<Segment> = Vec::new();
    let mut current: HashMap<(IpAddr, u32), usize> = HashMap::new();
    for (position, packet) in packets.iter().enumerate() {
        let PacketKind::Response(kind) = packet.kind else {
            continue;
        };
        if packet.source != local {
            continue;
        }
        let name = (packet.destination, packet.qpn);
        let open = current.get(&name).copied();
        if let Some(segment) = open.map(|number| &mut segments[number]) {
            // A resend names a packet that may never have been captured: it proves nothing.
            if matches!(kind, ResponseKind::Resend { .. }) {
                segment.responses.push(position);
                continue;
            }
            let explains = |number: &usize| connections[*number].explains(packet.psn, position).is_some();
            if segment.candidates.iter().any(explains) {
                segment.candidates.retain(explains);
                segment.responses.push(position);
                continue;
            }
        }
        // The requester's number was given to a new queue pair only if a connection that began
        // after the last response explains this one; else a request packet was not captured.
        let after = open.and_then(|number| segments[number].responses.last().copied());
        let candidates = search(packet.destination, packet.psn, position, after.unwrap_or(0));
        match open {
            Some(number) if candidates.is_empty() => segments[number].responses.push(position),
            None if candidates.is_empty() => {}
            _ => {
                current.insert(name, segments.len());
                segments.push(Segment {
                    candidates,
                    source_port: packet.source_port,
                    responses: vec![position],
                });
            }
        }
    }
    segments
}

/// Pairs segments with connections, one to one: those with one candidate first, whose
/// connection the others then lose.
fn resolve(packets: &[Packet], connections: &[Connection], segments: &mut [Segment]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut open: Vec<usize> = (0..segments.len()).collect();
    let mut rivals: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, segment) in segments.iter().enumerate() {
        for candidate in &segment.candidates {
            rivals.entry(*candidate).or_default().push(number);
        }
    }
    let mut decided: Vec<usize> = open.clone();
    decided.retain(|number| segments[*number].candidates.len() == 1);
    let mut done = vec![false; segments.len()];
    loop {
        while let Some(number) = decided.pop() {
            let Some(connection) = segments[number].candidates.first().copied() else {
                continue;
            };
            if std::mem::replace(&mut done[number], true) {
                continue;
            }
            pairs.push((number, connection));
            for rival in rivals.remove(&connection).unwrap_or_default() {
                let candidates = &mut segments[rival].candidates;
                if !done[rival] && candidates.len() > 1 {
                    candidates.retain(|candidate| *candidate != connection);
                    if candidates.len() == 1 {
                        decided.push(rival);
                    }
                }
            }
        }
        open.retain(|number| !done[*number] && !segments[*number].candidates.is_empty());
        // Take the surest of the doubtful.
        let surest = open.iter().flat_map(|number| {
            let segment = &segments[*number];
            segment.candidates.iter().map(move |candidate| {
                let connection = &connections[*candidate];
                let other_port = connection.source_port != segment.source_port;
                let delay: usize = segment
                    .responses
                    .iter()
                    .filter_map(|position| {
                        Some(position - connection.explains(packets[*position].psn, *position)?)
                    })
                    .sum();
                ((other_port, delay), *number, *candidate)
            })
        });
        let Some((_, number, candidate)) = surest.min() else {
            return pairs;
        };
        segments[number].candidates = vec![candidate];
        decided.push(number);
    }
}
