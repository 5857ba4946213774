//! Compares an answer with the captured responder's verdict, and counts.

use std::collections::BTreeMap;

use stagecoach_captures::{Request as Captured, Verdict};
use stagecoach_spec::{Fault, Transport, WireCode};

use super::player::Answered;

/// AETH syndromes by which a responder refuses a request for the request's own sake: invalid request, and remote
/// access error. (0x63, remote operational error, says that the responder's own state is at fault.)
const REFUSALS: [u8; 2] = [0x61, 0x62];

/// How an answer stands to the captured verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// They say the same.
    Agrees,
    /// Both refuse, with different NAK codes.
    OtherCode,
    /// They contradict each other.
    Disagrees,
    /// The capture holds no verdict on the request.
    NoVerdict,
    /// The responder repeated an earlier answer from memory without a new look at the table, and the table has
    /// changed since.
    FromMemory,
}

/// Compares. Granted and refused must be the same. Responders differ in the order of their checks, and so in whether
/// an access that is wrong in two ways (or a misaligned atomic, or a length beyond 2^31) is an invalid request or a
/// remote access error: that is told apart, but is no contradiction.
pub fn compare(captured: &Captured, fault: Fault) -> Comparison {
    let wire = fault.wire_code(captured.header.op.op(), Transport::Roce);
    let agrees = match (captured.verdict, wire) {
        (Verdict::Unknown, _) => return Comparison::NoVerdict,
        (Verdict::Granted, wire) => wire == WireCode::Accepted,
        (Verdict::Refused { syndrome }, WireCode::Nak(code)) if code == syndrome => true,
        (Verdict::Refused { syndrome }, WireCode::Nak(code)) => {
            if REFUSALS.contains(&syndrome) && REFUSALS.contains(&code) {
                return Comparison::OtherCode;
            }
            false
        }
        (Verdict::Refused { .. }, _) => false,
    };
    if agrees {
        Comparison::Agrees
    } else if captured.answered_from_memory && fault != Fault::Granted {
        Comparison::FromMemory
    } else {
        Comparison::Disagrees
    }
}

/// What came of a machine's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests asked for.
    pub requests: u64,
    /// Granted by the captured responder.
    pub granted: u64,
    /// Refused by the captured responder.
    pub refused: u64,
    /// Same verdict.
    pub agree: u64,
    /// Of these, refused with another NAK code.
    pub other_code: u64,
    /// Other verdict.
    pub disagree: u64,
    /// No captured verdict.
    pub no_verdict: u64,
    /// Answered from the responder's memory.
    pub from_memory: u64,
    /// Answers by fault.
    pub faults: BTreeMap<Fault, u64>,
}

impl Tally {
    /// Counts an answer.
    pub fn count(&mut self, captured: &Captured, answered: &Answered) -> Comparison {
        self.requests += 1;
        match captured.verdict {
            Verdict::Granted => self.granted += 1,
            Verdict::Refused { .. } => self.refused += 1,
            Verdict::Unknown => {}
        }
        *self.faults.entry(answered.fault).or_default() += 1;
        let comparison = compare(captured, answered.fault);
        match comparison {
            Comparison::Agrees => self.agree += 1,
            Comparison::OtherCode => {
                self.agree += 1;
                self.other_code += 1;
            }
            Comparison::Disagrees => self.disagree += 1,
            Comparison::NoVerdict => self.no_verdict += 1,
            Comparison::FromMemory => self.from_memory += 1,
        }
        comparison
    }

    /// Adds another machine's.
    pub fn add(&mut self, other: &Tally) {
        self.requests += other.requests;
        self.granted += other.granted;
        self.refused += other.refused;
        self.agree += other.agree;
        self.other_code += other.other_code;
        self.disagree += other.disagree;
        self.no_verdict += other.no_verdict;
        self.from_memory += other.from_memory;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_captures::{RequestHeader, RequestOp};

    fn captured(verdict: Verdict, answered_from_memory: bool) -> Captured {
        Captured {
            packet: 0,
            time_ns: 0,
            peer: "10.0.0.9".parse().unwrap(),
            qpn: 17,
            opcode: 0x0a,
            psn: 0,
            header: RequestHeader { op: RequestOp::RemoteWrite, key: 1, va: 0, length: 8 },
            verdict,
            retransmission: answered_from_memory,
            answered_from_memory,
        }
    }

    #[test]
    fn each_pair_of_verdicts_compares_as_written() {
        let refused = |syndrome| Verdict::Refused { syndrome };
        for (verdict, fault, expected) in [
            (Verdict::Granted, Fault::Granted, Comparison::Agrees),
            (Verdict::Granted, Fault::InvalidKey, Comparison::Disagrees),
            (refused(0x62), Fault::Granted, Comparison::Disagrees),
            (refused(0x62), Fault::OutOfBounds, Comparison::Agrees),
            (refused(0x62), Fault::PageAbsent, Comparison::Disagrees),
            (refused(0x62), Fault::UnknownNetwork, Comparison::Disagrees),
            (refused(0x61), Fault::MisalignedAtomic, Comparison::Agrees),
            (refused(0x62), Fault::InvalidRequest, Comparison::OtherCode),
            (refused(0x63), Fault::PageAbsent, Comparison::Agrees),
            (refused(0x63), Fault::MisalignedAtomic, Comparison::Disagrees),
            (refused(0x63), Fault::Granted, Comparison::Disagrees),
            (refused(0x61), Fault::InvalidKey, Comparison::OtherCode),
            (Verdict::Unknown, Fault::InvalidKey, Comparison::NoVerdict),
        ] {
            assert_eq!(compare(&captured(verdict, false), fault), expected, "{verdict:?} {fault}");
        }
    }

    #[test]
    fn an_answer_from_memory_says_nothing_of_a_table_that_now_refuses() {
        let repeated = captured(Verdict::Granted, true);
        assert_eq!(compare(&repeated, Fault::InvalidKey), Comparison::FromMemory);
        assert_eq!(compare(&repeated, Fault::Granted), Comparison::Agrees);
    }
}
