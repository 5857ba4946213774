//! A mapping unit with a cuckoo CAM that gets a request in every cycle while updates change it, beside a plain list of
//! who is bound where.

use std::collections::{BTreeMap, VecDeque};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::mapping_unit;
use stagecoach_hdl::BigUint;
use stagecoach_spec::{
    Cam, Command, Config, Cuckoo, Fault, NetId, PeekEntry, Preset, Protection, Seed, Slices, Update,
    UpdateError,
};

use crate::common::bench::Bench;

/// Longest that an update may take, far beyond what it does.
const PATIENCE: u32 = 100_000;

/// A small unit, so that it is soon initialised.
pub fn configuration(bindings: u32, net_id_bits: u32, protection: Protection) -> Config {
    let tiny = Preset::Tiny.config();
    let cam = Some(Cam::Cuckoo);
    Config {
        cam,
        bindings,
        net_id_bits,
        protection,
        tables: 24,
        regions: 64,
        slots: 64,
        dirty_words: 4,
        fault_log_entries: 0,
        ..tiny
    }
}

/// What a request is answered.
type Verdict = (u64, u64);

/// The unit, and what is known of it.
pub struct Unit {
    pub bench: Bench,
    pub config: Config,
    pub cuckoo: Cuckoo,
    pub seeds: [Seed; Cuckoo::WAYS as usize],
    pub bound: BTreeMap<u32, (NetId, u16)>,
    /// Identifiers that requests ask for.
    pub asked: Vec<NetId>,
    /// Whose entry has more flipped bits than can be corrected.
    pub corrupt: Option<NetId>,
    pub random: ChaCha8Rng,
    waiting: VecDeque<(NetId, Verdict, usize)>,
    /// Answers by the way in which the identifier stood; of those in the stash; of those that were not bound.
    pub answered: [u32; 6],
}

impl Unit {
    /// The unit after initialisation, each table set.
    pub fn new(config: Config, asked: Vec<NetId>, mut random: ChaCha8Rng) -> Unit {
        let module = mapping_unit(&config).expect("sound");
        let cuckoo = Cuckoo::of(&config);
        let mut bench = Bench::new(&module, random.random());
        bench.set("rsp_ready", 1u32);
        while !bench.is("init_done") {
            bench.steps(1);
        }
        let (bound, waiting, seeds) = (BTreeMap::new(), VecDeque::new(), cuckoo.initial_seeds());
        let mut unit = Unit {
            bench,
            config,
            cuckoo,
            seeds,
            bound,
            asked,
            corrupt: None,
            random,
            waiting,
            answered: [0; 6],
        };
        for table in 0..unit.config.tables as u16 {
            let (place, count) = (u32::from(table), u32::from(table % 2));
            let slices = Slices {
                region_base: place,
                region_count: count,
                slot_base: place,
                slot_count: 1,
                window_base: place.into(),
                window_count: 1,
            };
            assert_eq!(unit.update(Update::SetTable { table, slices }), Ok(0));
        }
        unit
    }

    pub fn entry_of(&self, net_id: NetId) -> Option<u32> {
        self.bound.iter().find(|(_, (bound, _))| *bound == net_id).map(|(entry, _)| *entry)
    }

    /// Entries that may hold an identifier, ascending.
    pub fn places(&self, net_id: NetId) -> Vec<u32> {
        (0..self.cuckoo.entries()).filter(|at| self.cuckoo.may_hold(&self.seeds, *at, net_id)).collect()
    }

    fn verdict(&self, net_id: NetId) -> Verdict {
        match self.entry_of(net_id) {
            _ if self.corrupt == Some(net_id) => (Fault::TableCorrupt.code().into(), 0),
            Some(entry) => (Fault::Granted.code().into(), self.bound[&entry].1.into()),
            None => (Fault::UnknownNetwork.code().into(), 0),
        }
    }

    /// Sends an update, with a request in every cycle, and compares the answer.
    pub fn update(&mut self, update: Update) -> Result<u64, UpdateError> {
        let mut answer = Ok(0);
        for command in update.encode() {
            answer = self.command(command, &update);
        }
        answer
    }

    fn command(&mut self, command: Command, update: &Update) -> Result<u64, UpdateError> {
        self.bench.set("upd_valid", 1u32);
        self.bench.set("upd_op", command.op);
        self.bench.set("upd_arg_table", command.table);
        self.bench.set("upd_arg_index", command.index);
        self.bench.set("upd_arg_data", command.data);
        let is_commit = command.op != 0;
        let meant = match *update {
            Update::Bind { net_id, .. } | Update::Unbind { net_id, .. } | Update::Move { net_id, .. } => {
                Some(net_id)
            }
            _ => None,
        };
        let mut expected = Ok(());
        for _ in 0..PATIENCE {
            let net_id = match meant {
                Some(net_id) if self.random.random_bool(0.5) => net_id,
                _ => self.asked[self.random.random_range(0..self.asked.len())],
            };
            let accepted = self.cycle(Some(net_id));
            if accepted {
                self.bench.set("upd_valid", 0u32);
                if is_commit {
                    expected = self.apply(update);
                }
            }
            let done = self.bench.is("upd_done");
            let answer = (self.bench.number("upd_error"), self.bench.number("upd_result"));
            self.bench.steps(1);
            if done {
                let error = expected.err().map_or(0, |error: UpdateError| u64::from(error.code()));
                assert_eq!(answer.0, error, "{update:?} answered; {expected:?} expected");
                return expected.map(|()| answer.1);
            }
        }
        panic!("{update:?} is not answered");
    }

    /// A cycle but for its clock edge, with a request if one is given; whether the update is accepted in it.
    fn cycle(&mut self, net_id: Option<NetId>) -> bool {
        self.bench.set("req_valid", u32::from(net_id.is_some()));
        if let Some(net_id) = net_id {
            self.bench.set("req_net_id", number(net_id));
            if self.bench.is("req_ready") {
                let way = self.entry_of(net_id).map_or(5, |entry| self.cuckoo.way_of(entry));
                self.waiting.push_back((net_id, self.verdict(net_id), way as usize));
            }
        }
        if self.bench.is("rsp_valid") {
            let (net_id, expected, kind) = self.waiting.pop_front().expect("an answer to a request");
            let seen = (self.bench.number("rsp_fault"), self.bench.number("rsp_table"));
            assert_eq!(seen, expected, "(fault, table) of {net_id:?}, bound at {:?}", self.entry_of(net_id));
            self.answered[kind] += 1;
        }
        self.bench.is("upd_ready")
    }

    /// Asks for an identifier and waits.
    pub fn ask(&mut self, net_id: NetId) {
        self.settle();
        while self.waiting.is_empty() {
            self.cycle(Some(net_id));
            self.bench.steps(1);
        }
        self.settle();
    }

    /// Lets all requests be answered.
    pub fn settle(&mut self) {
        while !self.waiting.is_empty() {
            self.cycle(None);
            self.bench.steps(1);
        }
    }

    /// An update as the contract has it, checks of the binding alone.
    fn apply(&mut self, update: &Update) -> Result<(), UpdateError> {
        match *update {
            Update::Bind { table, net_id } => {
                let free = self.places(net_id).into_iter().find(|entry| !self.bound.contains_key(entry));
                if self.entry_of(net_id).is_some() {
                    return Err(UpdateError::AlreadyBound);
                }
                if self.bound.len() as u32 == self.config.bindings {
                    return Err(UpdateError::BindingsFull);
                }
                self.bound.insert(free.ok_or(UpdateError::BindingsFull)?, (net_id, table));
            }
            Update::Unbind { table, net_id } => {
                let entry = self.entry_of(net_id).filter(|entry| self.bound[entry].1 == table);
                self.bound.remove(&entry.ok_or(UpdateError::NotBound)?);
            }
            Update::Move { table, net_id, way } => {
                let from = self.entry_of(net_id).filter(|entry| self.bound[entry].1 == table);
                let from = from.ok_or(UpdateError::NotBound)?;
                let in_way = |entry: &u32| self.cuckoo.way_of(*entry) == u32::from(way);
                let free = |entry: &u32| in_way(entry) && !self.bound.contains_key(entry);
                let to = self.places(net_id).into_iter().find(free).ok_or(UpdateError::BindingsFull)?;
                self.bound.remove(&from);
                self.bound.insert(to, (net_id, table));
            }
            Update::Reseed { way, seed } => {
                if self.in_way(way).next().is_some() {
                    return Err(UpdateError::WayInUse);
                }
                self.seeds[usize::from(way)] = seed;
            }
            _ => (),
        }
        Ok(())
    }

    /// Who stands in a way (or the stash).
    pub fn in_way(&self, way: u8) -> impl Iterator<Item = (NetId, u16)> {
        let at_way = move |entry: &u32| self.cuckoo.way_of(*entry) == u32::from(way);
        self.bound.iter().filter(move |(entry, _)| at_way(entry)).map(|(_, bound)| *bound)
    }

    /// Compares every entry with what `peek` shows.
    pub fn compare_entries(&mut self) {
        for entry in 0..self.cuckoo.entries() {
            let words: Vec<u64> = (0..4)
                .map(|word| {
                    let entry = PeekEntry::Binding { entry };
                    self.update(Update::Peek { entry, word }).expect("there is such an entry")
                })
                .collect();
            let expected = self.bound.get(&entry).map(|(net_id, table)| {
                let [low, middle, high] = net_id.limbs();
                vec![low, middle, high, 1 | u64::from(*table) << 32]
            });
            assert_eq!(words, expected.unwrap_or(vec![0; 4]), "entry {entry}");
        }
    }
}

/// An identifier as the port has it.
fn number(net_id: NetId) -> BigUint {
    let bytes: Vec<u8> = net_id.limbs().into_iter().flat_map(u64::to_le_bytes).collect();
    BigUint::from_bytes_le(&bytes)
}
