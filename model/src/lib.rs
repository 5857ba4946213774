//! # Golden model of the mapping unit
//!
//! What the hardware must answer, written from the specification with plain maps and arithmetic in 128 bits: slow and
//! obvious. It depends on the contract types alone, never on the hardware's description, so that one mistake is not
//! made twice. It has no clock: a request or command is over before the next begins, which is the order that the
//! pipeline promises. *When* each answer comes is what the [`cycle`] model beside it says.
//!
//! Three answers of the hardware it bounds rather than foretells, and comparisons must allow for that: hardware may count
//! more corrected and uncorrectable words, may have repaired more of them, and may call more memory dirty (while bits of
//! the dirty pool or of a tracking word are flipped).
//!
//! | module | what it holds |
//! | --- | --- |
//! | `tables` | what is stored: bindings, tables, regions, slots |
//! | `binding` | which table an identifier names |
//! | `cam` | which entries of the CAM may hold an identifier |
//! | `decision` | the decision table, row by row |
//! | `translation` | from a granted access to its spans |
//! | `update` | the checks of each update, in the order of their codes, and its effect |
//! | `dirty` | the dirty memory of tracked tables |
//! | `counters`, `fault_log` | what is remembered of requests |
//! | `protection` | flipped bits, and what reading a word that has some comes to |
//! | `part` | slices, windows and bitmaps as parts of a pool |
//! | `pool` | regions or slots by table and place |
//! | `peek` | how entries read back |
//! | [`processing`] | accesses carried out on memory |
//! | [`registration_log`] | the records of accepted changes, and stale epochs |
//! | [`cycle`] | the cycle of each answer |
//! | [`fast`] | [`FastLookup`]: the same answers to lookups in bulk; written apart from the rest and compared with it |
//!
//! ```
//! use stagecoach_model::Golden;
//! use stagecoach_spec::{Access, Fault, NetId, Op, Preset, Region, Request, Slices, Update};
//!
//! let mut golden = Golden::new(&Preset::Tiny.config());
//! let net_id = NetId::from_u128(0x0a00_0102);
//! let slices = Slices { region_count: 8, slot_count: 8, window_base: 0x100, window_count: 0x100, ..Slices::default() };
//! let region = Region {
//!     base: 0x7000, length: 0x1000, first_offset: 0, rights: Access::REMOTE_READ, page_size: 0, first_slot: 0, pd: 1,
//! };
//! for update in [
//!     Update::SetTable { table: 3, slices },
//!     Update::SetSlot { table: 3, slot: 0, frame: 0x123, page_size: 0 },
//!     Update::Install { table: 3, key: 0x05ee, region },
//!     Update::Bind { table: 3, net_id },
//! ] {
//!     golden.update(&update).unwrap();
//! }
//! let beats = golden.request(&Request {
//!     net_id, key: 0x05ee, pd: 1, op: Op::RemoteRead, va: 0x7010, length: 64, bound: 64, stream: 0, tag: 0,
//! });
//! assert_eq!((beats[0].fault, beats[0].pa), (Fault::Granted, 0x12_3010));
//! ```

mod binding;
mod cam;
mod counters;
pub mod cycle;
mod decision;
pub mod decoder;
mod dirty;
pub mod fast;
mod fault_log;
mod icrc;
mod part;
mod peek;
mod pool;
pub mod processing;
mod protection;
pub mod registration_log;
mod tables;
mod translation;
mod update;

pub use fast::FastLookup;

use cam::Seeds;
use counters::Counters;
use decision::Verdict;
use fault_log::FaultLog;
use protection::{Flips, Reading, Word};
use stagecoach_spec::{
    Action, Answer, Beat, Command, Config, Cuckoo, Fault, Request, Retirement, STAGED_WORDS, Staged, Update,
};
use tables::Tables;

/// The mapping unit as the specification describes it.
#[derive(Clone, Debug)]
pub struct Golden {
    config: Config,
    tables: Tables,
    /// The hash functions of a cuckoo CAM.
    seeds: Seeds,
    counters: Counters,
    fault_log: FaultLog,
    flips: Flips,
    /// A write was retired whose tracking word failed its check: dirty bits may be missing.
    unsure: bool,
    staged: Staged,
}

impl Golden {
    /// A mapping unit after reset: nothing is bound, set, valid or present.
    ///
    /// The configuration is taken as checked ([`Config::validate`]).
    pub fn new(config: &Config) -> Golden {
        Golden {
            config: config.clone(),
            tables: Tables::default(),
            seeds: Cuckoo::of(config).initial_seeds(),
            counters: Counters::default(),
            fault_log: FaultLog::new(config.fault_log_entries),
            flips: Flips::new(config.protection),
            unsure: false,
            staged: [0; STAGED_WORDS],
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Answers a request: at least one beat, the last with `last` set. Counts it, and notes it when it is refused.
    ///
    /// The request's fields are taken as fitting their ports ([`Request::check`]).
    pub fn request(&mut self, request: &Request) -> Vec<Beat> {
        self.answer(request).1
    }

    /// As [`Golden::request`], with what was decided before translation.
    fn answer(&mut self, request: &Request) -> (Verdict, Vec<Beat>) {
        let verdict = decision::decide(self, request);
        let beats = match verdict {
            Verdict::Refused { owner, fault } => vec![translation::single(request, owner, fault)],
            Verdict::Unchecked { owner } => vec![translation::without_bytes(request, owner)],
            Verdict::InRegion { owner, slices, region } => {
                translation::spans(self, request, owner, &slices, &region)
            }
        };
        // The last beat speaks for the request.
        if let Some(Beat { table, fault, .. }) = beats.last().copied() {
            self.counters.count(table, fault);
            if fault != Fault::Granted {
                self.fault_log.note(request, table, fault);
            }
        }
        (verdict, beats)
    }

    /// A granted span is over: a write makes its memory dirty where the table is tracked.
    ///
    /// Nothing waits for retirements here; fences, which do, are over at once.
    pub fn retire(&mut self, retirement: &Retirement) {
        let table = retirement.table;
        if !retirement.write {
            return;
        }
        if self.flips.read(Word::Tracking(table)) == Reading::Corrupt {
            self.unsure = true;
            return;
        }
        if let (Some(state), Some(tracking)) =
            (self.tables.tables.get(&table), self.tables.tracking.get_mut(&table))
        {
            tracking.retire(&state.slices, retirement);
        }
    }

    /// Answers one handshake at the update port, staging included.
    pub fn command(&mut self, command: &Command) -> Answer {
        match command.decode(&self.staged, &self.config)? {
            Action::Stage { word, data } => {
                self.staged[word] = data;
                Ok(0)
            }
            Action::Update(update) => update::apply(self, &update),
        }
    }

    /// Plays all commands of an update, as a host does, and gives the answer to the last.
    pub fn update(&mut self, update: &Update) -> Answer {
        let mut answer = Ok(0);
        for command in update.encode() {
            answer = self.command(&command);
        }
        answer
    }
}
