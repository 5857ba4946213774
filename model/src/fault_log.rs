//! The last refused requests.

use stagecoach_spec::{Fault, Request};

/// A refused request.
#[derive(Clone, Copy, Debug)]
struct Refused {
    /// How many requests had been refused with this one.
    number: u32,
    request: Request,
    table: u16,
    fault: Fault,
}

/// A ring: entry n - 1 modulo the size holds the n-th refused request.
#[derive(Clone, Debug)]
pub(crate) struct FaultLog {
    entries: Vec<Option<Refused>>,
    /// Requests refused so far, modulo 2^32.
    refused: u32,
}

impl FaultLog {
    pub(crate) fn new(entries: u32) -> FaultLog {
        FaultLog { entries: vec![None; entries as usize], refused: 0 }
    }

    /// Notes a refused request with the table and fault of its last beat.
    pub(crate) fn note(&mut self, request: &Request, table: u16, fault: Fault) {
        // A power of two of entries, so that the ring goes on evenly when the count wraps.
        let size = self.entries.len();
        if size > 0 {
            let number = self.refused.wrapping_add(1);
            self.entries[self.refused as usize % size] =
                Some(Refused { number, request: *request, table, fault });
        }
        self.refused = self.refused.wrapping_add(1);
    }

    /// Forgets the requests of a table; the count goes on. A request of an unknown network has no table.
    pub(crate) fn clear(&mut self, table: u16) {
        for entry in &mut self.entries {
            if entry.is_some_and(|e| e.table == table && e.fault != Fault::UnknownNetwork) {
                *entry = None;
            }
        }
    }

    /// The words of an entry that is not empty.
    pub(crate) fn words(&self, entry: u32) -> Option<[u64; 8]> {
        let refused = (*self.entries.get(entry as usize)?)?;
        let Refused { number, request: r, table, fault } = refused;
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let state = u64::from(number)
            | u64::from(fault.code()) << 32
            | u64::from(r.op.code()) << 40
            | 1 << 47
            | u64::from(table) << 48;
        let [low, middle, high] = r.net_id.limbs();
        Some([
            state,
            r.va,
            pair(r.key, r.pd),
            pair(r.length, r.bound),
            pair(r.tag, r.stream),
            low,
            middle,
            high,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagecoach_spec::{NetId, Op};

    #[test]
    fn the_ring_goes_on_when_the_count_wraps() {
        let request = Request {
            net_id: NetId::default(),
            key: 0,
            pd: 0,
            op: Op::RemoteRead,
            va: 0,
            length: 0,
            bound: 0,
            stream: 0,
            tag: 0,
        };
        let mut log = FaultLog { refused: u32::MAX - 1, ..FaultLog::new(4) };
        for _ in 0..3 {
            log.note(&request, 0, Fault::Frozen);
        }
        let numbers: Vec<Option<u32>> =
            (0..4).map(|entry| log.words(entry).map(|words| words[0] as u32)).collect();
        assert_eq!(numbers, [Some(1), None, Some(u32::MAX), Some(0)]);
    }
}
