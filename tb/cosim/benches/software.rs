//! Software lookups to compare with: the checks of the decision table, over tables as drivers keep them.
//!
//! [`TwoLevel`] is a two-level table by key index per VM, as the radix trees (xarray) of Linux's rxe and mlx5 drivers
//! find a memory region; [`OneMap`] is one hash map over (network identifier, key). Both hold what the mapping unit
//! holds, and answer what it answers (the tests in the bench compare them with the golden model).

use std::collections::HashMap;

use stagecoach_spec::{Config, Fault, NetId, Op, Region, Request};

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

impl TwoLevel {
    pub fn insert(&mut self, net_id: NetId, index: u32, registered: Registered) {
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
}

impl Lookup for TwoLevel {
    #[inline]
    fn find(&self, net_id: NetId, index: u32) -> Result<Option<&Registered>, Fault> {
        let vm = *self.vms.get(&net_id).ok_or(Fault::UnknownNetwork)?;
        let leaf = self.roots[vm].get(index as usize / LEAF).and_then(Option::as_ref);
        Ok(leaf.and_then(|leaf| leaf[index as usize % LEAF].as_ref()))
    }
}

/// One hash map. It cannot tell an unknown identifier from an unknown key.
#[derive(Default)]
pub struct OneMap {
    regions: HashMap<(NetId, u32), Registered>,
}

impl OneMap {
    pub fn insert(&mut self, net_id: NetId, index: u32, registered: Registered) {
        self.regions.insert((net_id, index), registered);
    }
}

impl Lookup for OneMap {
    #[inline]
    fn find(&self, net_id: NetId, index: u32) -> Result<Option<&Registered>, Fault> {
        Ok(self.regions.get(&(net_id, index)))
    }
}

/// The decision table, and the address of the first byte.
#[inline]
pub fn answer(tables: &impl Lookup, config: &Config, request: &Request) -> (Fault, u64) {
    match check(tables, config, request) {
        Ok(pa) => (Fault::Granted, pa),
        Err(fault) => (fault, 0),
    }
}

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
