//! A memory behind AXI4 that does all that AXI4 allows: answers in any order of the identifiers, data of several bursts mixed,
//! effects at once or as late as the answer; and checks that what comes is AXI4.

use std::collections::{BTreeSet, VecDeque};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use stagecoach_model::processing::Memory;

use super::channel::{Beat, Sink, Source};
use super::ports::{Ports, bytes, limbs};
use crate::Error;

/// OKAY, SLVERR, DECERR.
const OKAY: u64 = 0;

/// In which order answers come that may come in any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest first, as most memories do.
    Oldest,
    /// At random, beats of several bursts mixed.
    Random,
}

/// How the memory behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Least cycles from an address to its answer.
    pub least_cycles: u64,
    /// How often an answer that is due is given, in percent of the cycles.
    pub answers: u32,
    /// How often each channel is willing, in percent of the cycles.
    pub willing: u32,
    /// Whose turn it is.
    pub order: Order,
}

impl Manner {
    /// As fast as it can be.
    pub const FAST: Manner = Manner { least_cycles: 0, answers: 100, willing: 100, order: Order::Oldest };
}

/// A burst under way.
#[derive(Clone, Debug)]
struct Burst {
    id: u64,
    address: u64,
    beats: u64,
    /// The cycle in which it may be answered.
    due: u64,
    /// Beats that were answered, or words that came.
    at: u64,
    /// Data and strobes, of a write.
    words: Vec<(Vec<u8>, Vec<u64>)>,
    /// What it finds, where it reads when the address comes.
    found: Option<Vec<Vec<u8>>>,
}

/// The memory.
#[derive(Debug)]
pub struct Slave {
    /// What it holds.
    pub memory: Memory,
    /// Frames whose accesses are never answered, while they are here.
    pub silent: BTreeSet<u64>,
    /// How it behaves.
    pub manner: Manner,
    data_bytes: usize,
    ar: Sink,
    aw: Sink,
    w: Sink,
    r: Source,
    b: Source,
    reads: Vec<Burst>,
    /// Writes whose data is not complete.
    collecting: VecDeque<Burst>,
    /// Words that came before their address.
    early: VecDeque<(Vec<u8>, Vec<u64>, bool)>,
    writes: Vec<Burst>,
    /// The most reads and writes that were under way at once.
    pub most: (usize, usize),
}

const ADDRESS: [&str; 10] = ["id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos", "user"];

impl Slave {
    /// An empty memory.
    pub fn new(data_bits: u32) -> Slave {
        Slave {
            memory: Memory::default(),
            silent: BTreeSet::new(),
            manner: Manner::FAST,
            data_bytes: data_bits as usize / 8,
            ar: Sink::new("m_axi_ar", &ADDRESS),
            aw: Sink::new("m_axi_aw", &ADDRESS),
            w: Sink::new("m_axi_w", &["data", "strb", "last"]),
            r: Source::new("m_axi_r", &["id", "data", "resp", "last"]),
            b: Source::new("m_axi_b", &["id", "resp"]),
            reads: Vec::new(),
            collecting: VecDeque::new(),
            early: VecDeque::new(),
            writes: Vec::new(),
            most: (0, 0),
        }
    }

    /// Beats of data that were read, and written.
    pub fn beats(&self) -> (u64, u64) {
        (self.r.taken, self.w.taken)
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.reads.is_empty()
            && self.collecting.is_empty()
            && self.writes.is_empty()
            && self.r.is_idle()
            && self.b.is_idle()
    }

    /// Sets the inputs of a cycle.
    pub fn before(&mut self, ports: &mut Ports, random: &mut ChaCha8Rng) {
        for sink in [&mut self.ar, &mut self.aw, &mut self.w] {
            sink.willing = self.manner.willing;
            sink.before(ports, random);
        }
        self.r.willing = self.manner.willing;
        self.r.before(ports, random);
        self.b.willing = self.manner.willing;
        self.b.before(ports, random);
    }

    /// Looks at the outputs of a cycle.
    ///
    /// # Errors
    /// What came is not AXI4.
    pub fn after(&mut self, ports: &Ports, random: &mut ChaCha8Rng, cycle: u64) -> Result<(), Error> {
        if let Some(beat) = self.ar.after(ports, cycle)? {
            let mut burst = self.burst(&beat, cycle)?;
            if random.random() {
                let found = (0..burst.beats).map(|at| self.word(&burst, at)).collect();
                burst.found = Some(found);
            }
            self.reads.push(burst);
        }
        if let Some(beat) = self.aw.after(ports, cycle)? {
            let burst = self.burst(&beat, cycle)?;
            self.collecting.push_back(burst);
        }
        if let Some(beat) = self.w.after(ports, cycle)? {
            let (data, strobes) = (bytes(&beat[0]), beat[1].clone());
            let silent = (0..self.data_bytes)
                .all(|byte| strobes[byte / 64] >> (byte % 64) & 1 == 1 || data[byte] == 0);
            if !silent {
                let details = format!("{data:x?}, strobes {strobes:x?}");
                return Err(Error::Protocol { cycle, rule: "bytes without a strobe are zero", details });
            }
            self.early.push_back((data, strobes, beat[2][0] == 1));
        }
        self.collect(random, cycle)?;
        self.most = (self.most.0.max(self.reads.len()), self.most.1.max(self.writes.len()));
        self.r.after(ports);
        self.b.after(ports);
        if random.random_range(0..100) < self.manner.answers && self.r.is_idle() {
            self.answer_read(random, cycle);
        }
        if random.random_range(0..100) < self.manner.answers && self.b.is_idle() {
            self.answer_write(random, cycle);
        }
        Ok(())
    }

    /// An address, checked.
    fn burst(&self, beat: &Beat, cycle: u64) -> Result<Burst, Error> {
        let field = |name: &str| beat[ADDRESS.iter().position(|field| *field == name).unwrap_or(0)][0];
        let (address, beats) = (field("addr"), field("len") + 1);
        let wrong = |rule, details| Err(Error::Protocol { cycle, rule, details });
        let bytes = self.data_bytes as u64;
        if field("size") != u64::from(self.data_bytes.ilog2()) || field("burst") != 1 || field("lock") != 0 {
            return wrong("bursts are INCR at full width", format!("{beat:x?}"));
        }
        if address % bytes != 0 {
            return wrong("addresses are those of whole beats", format!("{address:#x}"));
        }
        if address >> 12 != (address + beats * bytes - 1) >> 12 {
            return wrong("a burst stays inside 4 KiB", format!("{address:#x}, {beats} beats"));
        }
        let due = cycle + self.manner.least_cycles;
        Ok(Burst { id: field("id"), address, beats, due, at: 0, words: Vec::new(), found: None })
    }

    fn word(&self, burst: &Burst, at: u64) -> Vec<u8> {
        let start = burst.address + at * self.data_bytes as u64;
        (0..self.data_bytes as u64).map(|byte| self.memory.get(start + byte)).collect()
    }

    /// Gives words to the oldest address that lacks some.
    fn collect(&mut self, random: &mut ChaCha8Rng, cycle: u64) -> Result<(), Error> {
        while let (Some(burst), false) = (self.collecting.front_mut(), self.early.is_empty()) {
            let Some((data, strobes, last)) = self.early.pop_front() else { break };
            burst.words.push((data, strobes));
            let is_last = burst.words.len() as u64 == burst.beats;
            if last != is_last {
                let details = format!("{:#x}: word {} of {}", burst.address, burst.words.len(), burst.beats);
                return Err(Error::Protocol { cycle, rule: "WLAST marks the last word of a burst", details });
            }
            if is_last && let Some(mut burst) = self.collecting.pop_front() {
                burst.due = burst.due.max(cycle);
                if random.random() {
                    self.store(&burst);
                    burst.words.clear();
                }
                self.writes.push(burst);
            }
        }
        Ok(())
    }

    fn store(&mut self, burst: &Burst) {
        if self.memory.is_broken(burst.address) {
            return;
        }
        for (at, (data, strobes)) in burst.words.iter().enumerate() {
            for (byte, value) in data.iter().enumerate().take(self.data_bytes) {
                if strobes[byte / 64] >> (byte % 64) & 1 == 1 {
                    self.memory.set(burst.address + (at * self.data_bytes + byte) as u64, *value);
                }
            }
        }
    }

    /// The places of bursts that may be answered: due, not silent, and the oldest of their identifier.
    fn ready(&self, bursts: &[Burst], cycle: u64) -> Vec<usize> {
        let is_first = |place: usize| !bursts[..place].iter().any(|other| other.id == bursts[place].id);
        let speaks = |burst: &Burst| burst.due <= cycle && !self.silent.contains(&(burst.address >> 12));
        (0..bursts.len()).filter(|place| speaks(&bursts[*place]) && is_first(*place)).collect()
    }

    /// Whose turn it is of those that are ready.
    fn chosen(&self, ready: &[usize], random: &mut ChaCha8Rng) -> Option<usize> {
        match self.manner.order {
            Order::Oldest => ready.first().copied(),
            Order::Random if ready.is_empty() => None,
            Order::Random => Some(ready[random.random_range(0..ready.len())]),
        }
    }

    fn answer_read(&mut self, random: &mut ChaCha8Rng, cycle: u64) {
        let ready = self.ready(&self.reads, cycle);
        let Some(place) = self.chosen(&ready, random) else { return };
        let burst = self.reads[place].clone();
        let broken = self.memory.is_broken(burst.address);
        let word = match &burst.found {
            Some(found) => found[burst.at as usize].clone(),
            None => self.word(&burst, burst.at),
        };
        let is_last = burst.at + 1 == burst.beats;
        let response = if broken { 2 + u64::from(random.random::<bool>()) } else { OKAY };
        self.r.send(vec![vec![burst.id], limbs(&word), vec![response], vec![is_last.into()]]);
        if is_last {
            self.reads.remove(place);
        } else {
            self.reads[place].at += 1;
        }
    }

    fn answer_write(&mut self, random: &mut ChaCha8Rng, cycle: u64) {
        let ready = self.ready(&self.writes, cycle);
        let Some(place) = self.chosen(&ready, random) else { return };
        let burst = self.writes.remove(place);
        self.store(&burst);
        let broken = self.memory.is_broken(burst.address);
        let response = if broken { 2 + u64::from(random.random::<bool>()) } else { OKAY };
        self.b.send(vec![vec![burst.id], vec![response]]);
    }
}
