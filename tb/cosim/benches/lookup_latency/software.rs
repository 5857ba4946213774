//! Software lookups to compare with: the checks of the decision table, over tables as drivers keep them.
//!
//! [`TwoLevel`] is a two-level table by key index per VM, as the radix trees (xarray) of Linux's rxe and mlx5 drivers
//! find a memory region; [`OneMap`] is one hash map over (network identifier, key); [`Trees`] are ordered trees of
//! ordered trees; [`Fast`] is this project's own. All hold what the mapping unit holds, and answer what it answers (the
//! bench compares them with the golden model before it measures).

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;

use stagecoach_model::FastLookup;
use stagecoach_spec::{Config, Fault, NetId, Op, Region, Request, Update};

/// What is measured.
pub trait Candidate {
    fn name(&self) -> &'static str;

    /// The verdict, and the address of the first byte.
    fn answer(&self, request: &Request) -> (Fault, u64);

    /// Asks all at once, if there is a way to.
    fn answer_all(&self, _requests: &[Request]) -> bool {
        false
    }
}

/// The fast model.
pub struct Fast(FastLookup);

impl Fast {
    pub fn new(config: &Config) -> Fast {
        Fast(FastLookup::new(config))
    }

    /// An update that is accepted.
    pub fn update(&mut self, update: &Update) {
        assert_eq!(self.0.update(update), Ok(0), "{update:?}");
    }
}

impl Candidate for Fast {
    fn name(&self) -> &'static str {
        "`FastLookup`"
    }

    #[inline]
    fn answer(&self, request: &Request) -> (Fault, u64) {
        let beat = self.0.lookup_first(request);
        (beat.fault, beat.pa)
    }

    #[inline]
    fn answer_all(&self, requests: &[Request]) -> bool {
        self.0.lookup_each(requests, |_, mut beats| {
            black_box(beats.next());
        });
        true
    }
}

/// A table with the configuration that says what is well-formed.
pub struct Filled<T> {
    tables: T,
    config: Config,
}

/// A table with these regions.
pub fn filled<T: Lookup + Default>(config: &Config, registered: &[(NetId, u32, Registered)]) -> Filled<T> {
    let mut tables = T::default();
    for (net_id, index, registered) in registered {
        tables.insert(*net_id, *index, registered.clone());
    }
    Filled { tables, config: config.clone() }
}

impl<T: Lookup> Candidate for Filled<T> {
    fn name(&self) -> &'static str {
        self.tables.name()
    }

    #[inline]
    fn answer(&self, request: &Request) -> (Fault, u64) {
        match check(&self.tables, &self.config, request) {
            Ok(pa) => (Fault::Granted, pa),
            Err(fault) => (fault, 0),
        }
    }
}

/// A region with its pages' physical addresses.
#[derive(Clone, Debug)]
pub struct Registered {
    pub variant: u8,
    pub region: Region,
    pub page_shift: u32,
    pub pages: Vec<u64>,
}

/// Finds a region by network identifier and key index.
pub trait Lookup {
    fn name(&self) -> &'static str;

    fn insert(&mut self, net_id: NetId, index: u32, registered: Registered);

    /// The table exists, and perhaps the region.
    fn find(&self, net_id: NetId, index: u32) -> Result<Option<&Registered>, Fault>;
}

/// Entries of a leaf.
const LEAF: usize = 64;

type Leaf = Option<Box<[Option<Registered>; LEAF]>>;

/// Identifier → VM by a small hash map, then key index → region by two levels of arrays.
#[derive(Default)]
pub struct TwoLevel {
    vms: HashMap<NetId, usize>,
    roots: Vec<Vec<Leaf>>,
}

impl Lookup for TwoLevel {
    fn name(&self) -> &'static str {
        "two levels by key index for each VM (Linux's xarray)"
    }

    fn insert(&mut self, net_id: NetId, index: u32, registered: Registered) {
        let next = self.roots.len();
        let vm = *self.vms.entry(net_id).or_insert(next);
        if vm == next {
            self.roots.push(Vec::new());
        }
        let root = &mut self.roots[vm];
        let (leaf, place) = (index as usize / LEAF, index as usize % LEAF);
        if root.len() <= leaf {
            root.resize_with(leaf + 1, || None);
        }
        let leaf = root[leaf].get_or_insert_with(|| Box::new([const { None }; LEAF]));
        leaf[place] = Some(registered);
    }

    #[inline]
    fn find(&self, net_id: NetId, index: u32) -> Result<Option<&Registered>, Fault> {
        let vm = *self.vms.get(&net_id).ok_or(Fault::UnknownNetwork)?;
        let leaf = self.roots[vm].get(index as usize / LEAF).and_then(Option::as_ref);
        Ok(leaf.and_then(|leaf| leaf[index as usize % LEAF].as_ref()))
    }
}

/// One hash map, with this hash function. It cannot tell an unknown identifier from an unknown key.
#[derive(Default)]
pub struct OneMap<S> {
    regions: HashMap<(NetId, u32), Registered, S>,
}

/// A hash function's name.
pub trait Named {
    const NAME: &'static str;
}

impl Named for RandomState {
    const NAME: &'static str = "one hash map (SipHash, the standard library's)";
}

impl Named for foldhash::fast::FixedState {
    const NAME: &'static str = "one hash map (foldhash)";
}

impl<S: BuildHasher + Named> Lookup for OneMap<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn insert(&mut self, net_id: NetId, index: u32, registered: Registered) {
        self.regions.insert((net_id, index), registered);
    }

    #[inline]
    fn find(&self, net_id: NetId, index: u32) -> Result<Option<&Registered>, Fault> {
        Ok(self.regions.get(&(net_id, index)))
    }
}

/// An ordered tree of VMs, each with one of regions.
#[derive(Default)]
pub struct Trees {
    vms: BTreeMap<NetId, BTreeMap<u32, Registered>>,
}

impl Lookup for Trees {
    fn name(&self) -> &'static str {
        "a B-tree of VMs, each a B-tree of regions"
    }

    fn insert(&mut self, net_id: NetId, index: u32, registered: Registered) {
        self.vms.entry(net_id).or_default().insert(index, registered);
    }

    #[inline]
    fn find(&self, net_id: NetId, index: u32) -> Result<Option<&Registered>, Fault> {
        let regions = self.vms.get(&net_id).ok_or(Fault::UnknownNetwork)?;
        Ok(regions.get(&index))
    }
}

/// The decision table, and the address of the first byte.
#[inline]
fn check(tables: &impl Lookup, config: &Config, request: &Request) -> Result<u64, Fault> {
    let registered = tables.find(request.net_id, request.key_index())?;
    let require = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
    let well_formed = request.op.is_valid()
        && request.length <= config.max_request_bytes
        && request.bound >= request.length
        && request.bound <= 1 << 31;
    require(well_formed, Fault::InvalidRequest)?;
    let Registered { variant, region, page_shift, pages } = registered.ok_or(Fault::InvalidKey)?;
    require(*variant == request.key_variant(), Fault::InvalidKey)?;
    require(region.pd == request.pd, Fault::ProtectionDomain)?;
    require(region.rights.contains(request.op.needed_access()), Fault::AccessRights)?;
    let wraps = request.va.checked_add(u64::from(request.bound).saturating_sub(1)).is_none();
    require(!wraps, Fault::AddressWrap)?;
    let into = request.va.wrapping_sub(region.base);
    let inside = request.va >= region.base
        && into <= region.length
        && u64::from(request.bound) <= region.length - into;
    require(inside, Fault::OutOfBounds)?;
    let position = into + u64::from(region.first_offset);
    let aligned = request.op != Op::RemoteAtomic || position % 8 == 0 && request.length == 8;
    require(aligned, Fault::MisalignedAtomic)?;
    let page = pages.get((position >> page_shift) as usize).ok_or(Fault::PageAbsent)?;
    Ok(page | position & ((1 << page_shift) - 1))
}
