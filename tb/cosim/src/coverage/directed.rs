//! Scripts that aim at given bins: what random stimulus has left open.
//!
//! Table 0 of a small unit has three regions of every class of page size: one with everything in place, one whose slots
//! stay empty, one that gives no rights. Each is two pages long.

use stagecoach_spec::{
    Access, Config, Fault, NetId, Preset, Protection, Region, Request, Slices, Stored, Update,
};

use super::bin::{Bin, PageSize, Position, Stall};
use crate::campaign::{Case, Lot};
use crate::session::Setup;
use crate::stimulus::{Script, Step};
use crate::{EngineKind, Pace, Stalls};

/// The only table.
const TABLE: u16 = 0;
/// The protection domain of its regions.
const PD: u32 = 5;
/// Requests for each bin: under a stalling output not every one has to wait.
const TIMES: usize = 4;
/// Pages of a region.
const PAGES: u32 = 2;

/// Classes of page size that a region can have, by index into `page_shifts`.
const SIZES: [PageSize; 3] = [PageSize::Smallest, PageSize::Middle, PageSize::Largest];

/// The three regions of a page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Complete,
    WithoutPages,
    WithoutRights,
}

/// Cases that hit these bins, a lot for each protection and stall that occurs among them.
pub fn lots(bins: &[Bin], seed: u64) -> Vec<Lot> {
    let mut lots = Vec::new();
    for protection in super::PROTECTIONS {
        for stall in Stall::ALL {
            let wanted = |bin: &&Bin| bin.protection == protection && bin.stall == stall;
            let wanted: Vec<Bin> = bins.iter().filter(wanted).copied().collect();
            if !wanted.is_empty() {
                let case = case(&wanted, protection, stall, seed);
                lots.push(Lot { config: case.script.config.clone(), cases: vec![case] });
            }
        }
    }
    lots
}

fn case(bins: &[Bin], protection: Protection, stall: Stall, seed: u64) -> Case {
    let config = Config {
        name: "directed".to_owned(),
        bindings: 2,
        tables: 2,
        regions: 16,
        slots: 16,
        page_shifts: vec![12, 16, 21],
        protection,
        ..Preset::Tiny.config()
    };
    let response = match stall {
        Stall::Free => Pace::Always,
        Stall::Stalled => Pace::Percent(25),
    };
    let setup = Setup {
        kind: EngineKind::Native,
        engine_seed: seed,
        driver_seed: seed,
        stalls: Stalls { response, ..Stalls::NONE },
    };
    let mut steps = preparation(&config);
    for group in Group::ALL {
        let members: Vec<&Bin> = bins.iter().filter(|bin| Group::of(bin) == group).collect();
        if members.is_empty() {
            continue;
        }
        let requests: Vec<Step> =
            (0..TIMES).flat_map(|_| members.iter().map(|bin| Step::Request(request(bin, &config)))).collect();
        let (before, after) = group.around(protection);
        // One at a time: nothing may read a word between two flips of it.
        let quiet = |updates: Vec<Update>| {
            updates.into_iter().flat_map(|update| [Step::Settle, Step::Update(update), Step::Settle])
        };
        steps.extend(quiet(before));
        steps.extend(requests);
        steps.extend(quiet(after));
    }
    Case { setup, script: Script { config, seed, steps } }
}

/// Bins that are met in the same state of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// Everything in order.
    Sound,
    /// The table is frozen.
    Frozen,
    /// The table's word is corrupt.
    CorruptTable,
    /// The first slots of the complete regions are.
    CorruptSlots,
}

impl Group {
    const ALL: [Group; 4] = [Group::Sound, Group::Frozen, Group::CorruptTable, Group::CorruptSlots];

    fn of(bin: &Bin) -> Group {
        match (bin.fault, bin.page_size) {
            (Fault::Frozen, _) => Group::Frozen,
            (Fault::TableCorrupt, PageSize::None) => Group::CorruptTable,
            (Fault::TableCorrupt, _) => Group::CorruptSlots,
            _ => Group::Sound,
        }
    }

    /// Updates that make the state, and that end it.
    fn around(self, protection: Protection) -> (Vec<Update>, Vec<Update>) {
        let corrupt = |words: Vec<Stored>| {
            // So many flipped bits are detected and not corrected.
            let bits = match protection {
                Protection::None => 0,
                Protection::Parity => 1,
                Protection::Secded => 2,
            };
            let flips = |stored| (0..bits).map(move |bit| Update::Inject { stored, bit });
            let flips: Vec<Update> = words.into_iter().flat_map(flips).collect();
            (flips.clone(), flips)
        };
        match self {
            Group::Sound => (Vec::new(), Vec::new()),
            Group::Frozen => (vec![Update::Freeze { table: TABLE }], vec![Update::Thaw { table: TABLE }]),
            Group::CorruptTable => corrupt(vec![Stored::Table { table: TABLE }]),
            Group::CorruptSlots => {
                let first = |size| Stored::Slot { table: TABLE, slot: first_slot(size, Kind::Complete) };
                corrupt(SIZES.iter().map(|size| first(*size)).collect())
            }
        }
    }
}

fn preparation(config: &Config) -> Vec<Step> {
    let slices = Slices {
        region_base: 0,
        region_count: config.regions,
        slot_base: 0,
        slot_count: config.slots,
        window_base: 0,
        window_count: 1 << 16,
    };
    let mut updates = vec![Update::SetTable { table: TABLE, slices }];
    for size in SIZES {
        for page in 0..PAGES {
            let slot = first_slot(size, Kind::Complete) + page;
            updates.push(Update::SetSlot { table: TABLE, slot, frame: 0, page_size: index(size) });
        }
        for kind in [Kind::Complete, Kind::WithoutPages, Kind::WithoutRights] {
            let region = region(size, kind, config);
            updates.push(Update::Install { table: TABLE, key: key(size, kind), region });
        }
    }
    updates.push(Update::Bind { table: TABLE, net_id: net_id() });
    updates.into_iter().map(Step::Update).chain([Step::Settle]).collect()
}

fn net_id() -> NetId {
    NetId::from_u128(0x0a00_0001)
}

/// Index into `page_shifts`; a bin without a region goes to the smallest.
fn index(size: PageSize) -> u8 {
    SIZES.iter().position(|other| *other == size).unwrap_or(0) as u8
}

fn key(size: PageSize, kind: Kind) -> u32 {
    (u32::from(index(size)) * 3 + kind as u32) << 8 | 0x5a
}

fn first_slot(size: PageSize, kind: Kind) -> u32 {
    let pair = u32::from(index(size)) * 2 + u32::from(kind == Kind::WithoutPages);
    pair * PAGES
}

fn region(size: PageSize, kind: Kind, config: &Config) -> Region {
    let index = index(size);
    let rights = if kind == Kind::WithoutRights { Access::NONE } else { Access::ALL };
    Region {
        base: u64::from(index + 1) << 40,
        length: u64::from(PAGES) << config.page_shifts[usize::from(index)],
        first_offset: 0,
        rights,
        page_size: index,
        first_slot: first_slot(size, kind),
        pd: PD,
    }
}

/// A request that hits the bin in the state of its group.
fn request(bin: &Bin, config: &Config) -> Request {
    let kind = match bin.fault {
        Fault::PageAbsent => Kind::WithoutPages,
        Fault::AccessRights => Kind::WithoutRights,
        _ => Kind::Complete,
    };
    let region = region(bin.page_size, kind, config);
    let page = 1u64 << config.page_shifts[usize::from(region.page_size)];
    // 4 bytes at such places are what makes an atomic misaligned.
    let length = if bin.fault == Fault::MisalignedAtomic { 4 } else { 8 };
    let (offset, length) = match bin.position {
        Position::None => (0, 0),
        Position::Inside => (64, length),
        Position::PageStart => (0, length),
        Position::PageEnd => (page - length, length),
        Position::CrossesFrame => (4096 - length / 2, length),
        Position::CrossesPage => (page - length / 2, length),
        Position::WithoutBytes => (64, 0),
        Position::Outside => (0u64.wrapping_sub(64), length),
    };
    // A bound of 0 is granted before the region is read.
    let bound = if bin.position == Position::None { 0 } else { length.max(1) };
    let request = Request {
        net_id: net_id(),
        key: key(bin.page_size, kind),
        pd: PD,
        op: bin.op,
        va: region.base.wrapping_add(offset),
        length: length as u32,
        bound: bound as u32,
        stream: 3,
        tag: 7,
    };
    match bin.fault {
        Fault::UnknownNetwork => Request { net_id: NetId::from_u128(0x0a00_0002), ..request },
        Fault::InvalidRequest => Request { length: 8, bound: 7, ..request },
        Fault::InvalidKey => Request { key: request.key ^ 1, length: 8, bound: 8, ..request },
        Fault::ProtectionDomain => Request { pd: PD ^ 1, ..request },
        Fault::AddressWrap => Request { va: u64::MAX - 3, ..request },
        _ => request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::{Coverage, possible};
    use crate::engine;

    #[test]
    fn they_hit_every_possible_bin() {
        let mut coverage = Coverage::default();
        for round in 0..10 {
            let holes = coverage.holes();
            if holes.is_empty() {
                break;
            }
            for lot in lots(&holes, round) {
                let module = engine::describe(&lot.config).expect("a sound configuration");
                let outcome = lot.cases[0].play(&module).unwrap_or_else(|failure| panic!("{failure}"));
                coverage.add(&outcome.coverage);
            }
        }
        assert!(coverage.holes().is_empty(), "{coverage}");
        assert!(coverage.impossible_hits().is_empty(), "{coverage}");
        println!("{} bins", possible().count());
    }
}
