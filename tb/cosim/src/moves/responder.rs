//! The least of a reliable transport: a responder that does every packet once, in order, and remembers what its atomics found.

use std::collections::{BTreeMap, VecDeque};

/// Results of atomics that are kept (InfiniBand 1.4, 9.4.5: as many as the responder resources that were agreed on).
const KEPT: usize = 8;

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is next: the card is asked.
    Ask,
    /// It was done: the answer is given again.
    Repeat(u64),
    /// It comes too early, or is being done.
    Drop,
}

#[derive(Clone, Debug, Default)]
struct QueuePair {
    expected: u32,
    busy: bool,
    saved: VecDeque<(u32, u64)>,
}

/// The responder of a machine.
#[derive(Clone, Debug, Default)]
pub struct Responder {
    queue_pairs: BTreeMap<u32, QueuePair>,
}

impl Responder {
    /// A packet came. A queue pair that nobody told of begins with it, as one would that knows nothing of moves.
    pub fn packet(&mut self, number: u32, psn: u32) -> Verdict {
        let fresh = QueuePair { expected: psn, ..QueuePair::default() };
        let pair = self.queue_pairs.entry(number).or_insert(fresh);
        if psn < pair.expected {
            let found = pair.saved.iter().find(|(saved, _)| *saved == psn);
            return found.map_or(Verdict::Drop, |(_, original)| Verdict::Repeat(*original));
        }
        if psn > pair.expected || pair.busy {
            return Verdict::Drop;
        }
        pair.busy = true;
        Verdict::Ask
    }

    /// The card is done with it; whether the client is answered.
    pub fn is_done(&mut self, number: u32, psn: u32, granted: bool, original: u64) -> bool {
        let Some(pair) = self.queue_pairs.get_mut(&number) else { return false };
        pair.busy = false;
        if granted {
            assert_eq!(pair.expected, psn, "one at a time");
            pair.expected = psn + 1;
            pair.saved.push_back((psn, original));
            if pair.saved.len() > KEPT {
                pair.saved.pop_front();
            }
        }
        granted
    }

    /// What moves with the VM.
    pub fn state(&self) -> Vec<(u32, Vec<u8>)> {
        let bytes = |pair: &QueuePair| {
            let saved = pair.saved.iter();
            let saved = saved
                .flat_map(|(psn, original)| [psn.to_le_bytes().to_vec(), original.to_le_bytes().to_vec()]);
            [pair.expected.to_le_bytes().to_vec()].into_iter().chain(saved).flatten().collect()
        };
        self.queue_pairs.iter().map(|(number, pair)| (*number, bytes(pair))).collect()
    }

    /// What another machine's kept.
    pub fn from_state(state: &[(u32, Vec<u8>)]) -> Responder {
        let queue_pairs = state.iter().map(|(number, bytes)| {
            let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
            let saved = (4..bytes.len()).step_by(12).map(|at| (u32_at(at), u64_at(at + 4))).collect();
            (*number, QueuePair { expected: u32_at(0), busy: false, saved })
        });
        Responder { queue_pairs: queue_pairs.collect() }
    }
}
