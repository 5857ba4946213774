//! Pairs each request packet with the captured responder's verdict.
//!
//! Only responses captured after a request, on the same connection ([`connection`](crate::connection)),
//! judge it. The first that says something of its PSN decides:
//!
//! | response | requests before its PSN | with its PSN | past its PSN |
//! | --- | --- | --- | --- |
//! | ACK, read response, atomic ACK | granted | granted | – |
//! | NAK 0x61..=0x7f | granted | refused | – |
//! | NAK 0x60, RNR NAK 0x20..=0x3f | granted | not taken | not taken |
//!
//! A responder executes in order, so any response stands for all requests before its PSN
//! (InfiniBand specification, 9.7). What it did not take is `Unknown`, as is what the capture
//! ends without a word on: the responder never judged these packets, their retransmissions it did.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use crate::connection::{assign, at_or_past};
use crate::events::Event;
use crate::roce::{Packet, PacketKind, RequestHeader, RequestOp, ResponseKind};

/// What the captured responder said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It executed the request.
    Granted,
    /// It refused the request.
    Refused {
        /// AETH syndrome, 0x61..=0x7f; 0x62 is a remote access error.
        syndrome: u8,
    },
    /// The capture does not tell.
    Unknown,
}

/// A request packet and its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// 0-based index in the capture.
    pub packet: u64,
    /// Stamp in nanoseconds since 1970.
    pub time_ns: u64,
    /// The client.
    pub peer: IpAddr,
    /// Responder queue pair number.
    pub qpn: u32,
    /// BTH opcode.
    pub opcode: u8,
    /// Packet sequence number, 24 bits.
    pub psn: u32,
    /// What it asks for.
    pub header: RequestHeader,
    /// What the captured responder said.
    pub verdict: Verdict,
    /// A packet with its PSN was captured before on its connection.
    pub retransmission: bool,
    /// A retransmitted write or atomic whose first instance had been granted when it came: the
    /// responder repeats its answer from memory and judges nothing anew (InfiniBand
    /// specification, 9.7; only reads are executed again). Its verdict tells of the time of the
    /// first instance, not of its own.
    pub answered_from_memory: bool,
}

/// The requests to `local`, in the order of the capture.
///
/// `events` tell when a queue pair number was given to a new queue pair; without them a number is
/// taken to mean one queue pair throughout.
pub fn judge(packets: &[Packet], events: &[Event], local: IpAddr) -> Vec<Request> {
    let local = local.to_canonical();
    let connections = assign(packets, events, local);
    let mut requests: Vec<Request> = Vec::new();
    let mut states: HashMap<usize, State> = HashMap::new();
    for (packet, connection) in packets.iter().zip(connections) {
        let Some(connection) = connection else {
            continue;
        };
        let state = states.entry(connection).or_default();
        match packet.kind {
            PacketKind::Request(header) => {
                let retransmission = !state.seen.insert(packet.psn);
                let executed = state.granted.contains(&packet.psn);
                state.waiting.push_back(requests.len());
                requests.push(Request {
                    packet: packet.index,
                    time_ns: packet.time_ns,
                    peer: packet.source,
                    qpn: packet.qpn,
                    opcode: packet.opcode,
                    psn: packet.psn,
                    header,
                    verdict: Verdict::Unknown,
                    retransmission,
                    answered_from_memory: executed && header.op != RequestOp::RemoteRead,
                });
            }
            PacketKind::Response(kind) => state.answer(packet.psn, kind, &mut requests),
            PacketKind::Requester | PacketKind::Other => {}
        }
    }
    requests
}

/// One connection while its packets are gone through.
#[derive(Default)]
struct State {
    /// Requests without a verdict, by their place in the list.
    waiting: VecDeque<usize>,
    /// PSNs of captured requests.
    seen: HashSet<u32>,
    /// PSNs of granted requests.
    granted: HashSet<u32>,
}

impl State {
    fn answer(&mut self, psn: u32, kind: ResponseKind, requests: &mut [Request]) {
        let State { waiting, granted, .. } = self;
        waiting.retain(|place| {
            let request = &mut requests[*place];
            let verdict = match kind {
                ResponseKind::Refuse { syndrome } if psn == request.psn => Verdict::Refused { syndrome },
                ResponseKind::Resend { .. } if at_or_past(request.psn, psn) => return false,
                _ if at_or_past(psn, request.psn) => Verdict::Granted,
                _ => return true,
            };
            request.verdict = verdict;
            if verdict == Verdict::Granted {
                granted.insert(request.psn);
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Change;

    const VM: &str = "10.0.0.2";
    const CLIENT: &str = "10.0.0.1";

    /// A conversation: packets are numbered and stamped in the order they are added.
    #[derive(Default)]
    struct Talk(Vec<Packet>);

    impl Talk {
        fn add(&mut self, from: &str, to: &str, qpn: u32, psn: u32, kind: PacketKind) -> usize {
            let index = self.0.len() as u64;
            self.0.push(Packet {
                index,
                time_ns: index * 1000,
                source: from.parse().unwrap(),
                destination: to.parse().unwrap(),
                source_port: 0xc000,
                opcode: 0,
                qpn,
                psn,
                kind,
            });
            self.0.len() - 1
        }

        fn ask(&mut self, op: RequestOp, length: u32, qpn: u32, psn: u32) {
            let header = RequestHeader { op, key: 1, va: 0, length };
            self.add(CLIENT, VM, qpn, psn, PacketKind::Request(header));
        }

        fn write(&mut self, qpn: u32, psn: u32) {
            self.ask(RequestOp::RemoteWrite, 8, qpn, psn);
        }

        fn answer(&mut self, qpn: u32, psn: u32, kind: ResponseKind) {
            self.add(VM, CLIENT, qpn, psn, PacketKind::Response(kind));
        }

        fn verdicts(&self, events: &[Event]) -> Vec<Verdict> {
            let requests = judge(&self.0, events, VM.parse().unwrap());
            requests.iter().map(|request| request.verdict).collect()
        }
    }

    use ResponseKind::{Acknowledge, Refuse, Resend};
    use Verdict::{Granted, Refused, Unknown};

    const ACCESS: u8 = 0x62;

    #[test]
    fn one_acknowledgement_grants_all_up_to_its_psn() {
        let mut talk = Talk::default();
        for psn in [0xff_fffe, 0xff_ffff, 0, 1] {
            talk.write(17, psn);
        }
        talk.answer(40, 0, Acknowledge);
        assert_eq!(talk.verdicts(&[]), [Granted, Granted, Granted, Unknown]);
    }

    #[test]
    fn a_refusal_names_one_request_and_grants_those_before() {
        let mut talk = Talk::default();
        for psn in [5, 6, 7] {
            talk.write(17, psn);
        }
        talk.answer(40, 6, Refuse { syndrome: ACCESS });
        assert_eq!(talk.verdicts(&[]), [Granted, Refused { syndrome: ACCESS }, Unknown]);
    }

    #[test]
    fn a_sequence_error_is_no_refusal() {
        let mut talk = Talk::default();
        talk.write(17, 5);
        talk.write(17, 7);
        talk.answer(40, 5, Acknowledge);
        talk.answer(40, 6, Resend { syndrome: 0x60 });
        talk.write(17, 6);
        talk.write(17, 7);
        talk.answer(40, 7, Refuse { syndrome: ACCESS });
        let refused = Refused { syndrome: ACCESS };
        assert_eq!(talk.verdicts(&[]), [Granted, Unknown, Granted, refused]);
        let requests = judge(&talk.0, &[], VM.parse().unwrap());
        let again: Vec<bool> = requests.iter().map(|r| r.retransmission).collect();
        assert_eq!(again, [false, false, false, true]);
    }

    #[test]
    fn a_write_that_comes_again_is_answered_from_memory_but_a_read_is_not() {
        for (op, from_memory) in
            [(RequestOp::RemoteWrite, true), (RequestOp::RemoteAtomic, true), (RequestOp::RemoteRead, false)]
        {
            let mut talk = Talk::default();
            talk.ask(op, 8, 17, 5);
            talk.answer(40, 5, Acknowledge);
            talk.ask(op, 8, 17, 5);
            talk.answer(40, 5, Acknowledge);
            let requests = judge(&talk.0, &[], VM.parse().unwrap());
            assert!(!requests[0].retransmission && !requests[0].answered_from_memory);
            assert!(requests[1].retransmission);
            assert_eq!(requests[1].answered_from_memory, from_memory);
            assert_eq!(requests[1].verdict, Granted);
        }
    }

    #[test]
    fn a_response_before_the_request_says_nothing() {
        let mut talk = Talk::default();
        talk.write(17, 5);
        talk.answer(40, 5, Refuse { syndrome: ACCESS });
        talk.write(17, 5);
        assert_eq!(talk.verdicts(&[]), [Refused { syndrome: ACCESS }, Unknown]);
    }

    #[test]
    fn the_middle_of_a_read_response_finds_its_connection() {
        let mut talk = Talk::default();
        talk.ask(RequestOp::RemoteRead, 4096, 17, 100);
        talk.write(18, 900);
        talk.answer(40, 103, Acknowledge);
        talk.answer(41, 900, Refuse { syndrome: ACCESS });
        assert_eq!(talk.verdicts(&[]), [Granted, Refused { syndrome: ACCESS }]);
    }

    #[test]
    fn connections_with_equal_numbers_are_told_apart_later() {
        let mut talk = Talk::default();
        talk.write(17, 0);
        talk.write(18, 0);
        talk.answer(41, 0, Refuse { syndrome: ACCESS });
        talk.answer(40, 0, Acknowledge);
        talk.write(17, 1);
        talk.answer(40, 1, Acknowledge);
        assert_eq!(talk.verdicts(&[]), [Granted, Refused { syndrome: ACCESS }, Granted]);
    }

    #[test]
    fn a_connection_has_one_partner() {
        let mut talk = Talk::default();
        talk.write(18, 0);
        talk.write(17, 0);
        // By delay alone 17 would be taken, but 17 is the partner of 40.
        talk.answer(41, 0, Refuse { syndrome: ACCESS });
        talk.answer(40, 0, Acknowledge);
        talk.write(17, 1);
        talk.answer(40, 1, Acknowledge);
        assert_eq!(talk.verdicts(&[]), [Refused { syndrome: ACCESS }, Granted, Granted]);
    }

    #[test]
    fn a_response_to_a_request_that_was_not_captured_stays_on_its_connection() {
        let mut talk = Talk::default();
        talk.write(18, 100);
        talk.answer(41, 100, Acknowledge);
        talk.write(17, 5);
        talk.answer(40, 5, Acknowledge);
        talk.write(17, 6);
        // Nothing explains 9; 100 was sent by a connection that is older than this one's words.
        for psn in [9, 100] {
            let mut longer = Talk(talk.0.clone());
            longer.answer(40, psn, Acknowledge);
            assert_eq!(longer.verdicts(&[]), [Granted, Granted, Granted], "{psn}");
        }
    }

    #[test]
    fn a_call_to_resend_proves_no_pairing() {
        let mut talk = Talk::default();
        talk.write(17, 5);
        talk.answer(40, 5, Acknowledge);
        talk.write(17, 6);
        talk.write(18, 7);
        talk.answer(40, 7, Resend { syndrome: 0x60 });
        assert_eq!(talk.verdicts(&[]), [Granted, Granted, Unknown]);
    }

    #[test]
    fn only_what_was_granted_is_answered_from_memory() {
        let mut talk = Talk::default();
        talk.write(17, 5);
        talk.write(17, 5);
        talk.answer(40, 5, Acknowledge);
        let requests = judge(&talk.0, &[], VM.parse().unwrap());
        assert!(requests[1].retransmission && !requests[1].answered_from_memory);
        assert_eq!(talk.verdicts(&[]), [Granted, Granted]);
    }

    #[test]
    fn equal_ports_decide_where_numbers_do_not() {
        for ports in [[1, 2], [2, 1]] {
            let mut talk = Talk::default();
            talk.write(17, 0);
            talk.write(18, 0);
            talk.answer(41, 0, Refuse { syndrome: ACCESS });
            talk.answer(40, 0, Acknowledge);
            (talk.0[0].source_port, talk.0[1].source_port) = (ports[0], ports[1]);
            (talk.0[2].source_port, talk.0[3].source_port) = (1, 2);
            let refused = Refused { syndrome: ACCESS };
            let expected = if ports[0] == 1 { [refused, Granted] } else { [Granted, refused] };
            assert_eq!(talk.verdicts(&[]), expected);
        }
    }

    #[test]
    fn a_client_may_use_its_queue_pair_number_again() {
        let mut talk = Talk::default();
        talk.write(17, 50);
        talk.answer(40, 50, Refuse { syndrome: ACCESS });
        talk.write(18, 3);
        talk.answer(40, 3, Acknowledge);
        assert_eq!(talk.verdicts(&[]), [Refused { syndrome: ACCESS }, Granted]);
    }

    #[test]
    fn a_queue_pair_that_comes_up_again_starts_anew() {
        let mut talk = Talk::default();
        talk.write(17, 50);
        talk.write(17, 60);
        talk.answer(40, 60, Acknowledge);
        let events =
            [0, 500].map(|time_ns| Event { time_ns, line: 1, change: Change::QueuePair { qpn: 17, pd: 1 } });
        assert_eq!(talk.verdicts(&events), [Unknown, Granted]);
        assert_eq!(talk.verdicts(&[]), [Granted, Granted]);
    }

    #[test]
    fn an_answer_to_another_machine_or_client_is_not_ours() {
        let mut talk = Talk::default();
        talk.write(17, 5);
        let ack = PacketKind::Response(Acknowledge);
        talk.add(VM, "10.0.0.9", 40, 5, ack);
        talk.add("10.0.0.7", CLIENT, 40, 5, ack);
        talk.add(CLIENT, VM, 17, 5, ack);
        assert_eq!(talk.verdicts(&[]), [Unknown]);
    }
}
