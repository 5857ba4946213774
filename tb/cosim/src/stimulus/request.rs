//! Requests that would be granted, and such with one or two flaws.

use rand::Rng;
use stagecoach_spec::{Access, Config, NetId, Op, Region, Request};

use super::update::net_id;
use super::world::World;
use super::{mask, pick, region};

/// A region to aim at, by its table and key.
pub(super) type Target = (u16, u32, Region);

/// A request. `hot` is what the last updates were about; most requests aim there.
pub(super) fn random(random: &mut impl Rng, world: &World, hot: Option<Target>) -> Request {
    let config = world.config();
    let mut request = Request {
        net_id: net_id(random, world),
        key: random.random(),
        pd: random.random::<u32>() & mask(config.pd_bits) as u32,
        op: pick(random, &Op::ALL),
        va: random.random::<u64>() >> random.random_range(0..64),
        length: random.random::<u32>() & mask(config.length_bits()) as u32,
        bound: random.random::<u32>() >> random.random_range(0..32),
        stream: random.random::<u32>() & mask(config.stream_bits) as u32,
        tag: random.random::<u32>() & mask(config.tag_bits) as u32,
    };
    if random.random_ratio(1, 40) {
        return request;
    }
    let targets: Vec<Target> =
        world.regions.iter().map(|((table, _), (key, region))| (*table, *key, *region)).collect();
    let target = match hot {
        Some(hot) if random.random_ratio(2, 3) => Some(hot),
        _ if targets.is_empty() => None,
        _ => Some(pick(random, &targets)),
    };
    let Some((table, key, region)) = target else {
        // Nothing to aim at yet but an identifier.
        if let Some(net_id) = any_identifier(random, world) {
            request.net_id = net_id;
        }
        return request;
    };
    aim(random, world, (table, key, region), &mut request);
    let flaws = pick(random, &[0, 0, 0, 0, 1, 1, 1, 1, 1, 2]);
    for _ in 0..flaws {
        flaw(random, world, &region, &mut request);
    }
    request
}

/// A request that the region grants, if its table is bound and not frozen and the pages are present.
pub(super) fn flawless(random: &mut impl Rng, world: &World, target: Target) -> Request {
    let config = world.config();
    let mut request = Request {
        net_id: NetId::default(),
        key: 0,
        pd: 0,
        op: Op::LocalRead,
        va: 0,
        length: 0,
        bound: 0,
        stream: random.random::<u32>() & mask(config.stream_bits) as u32,
        tag: random.random::<u32>() & mask(config.tag_bits) as u32,
    };
    aim(random, world, target, &mut request);
    request
}

fn aim(random: &mut impl Rng, world: &World, (table, key, region): Target, request: &mut Request) {
    let bound_here: Vec<NetId> =
        world.bindings.iter().filter(|(_, bound)| **bound == table).map(|(net_id, _)| *net_id).collect();
    if !bound_here.is_empty() {
        request.net_id = pick(random, &bound_here);
    }
    request.key = key;
    request.pd = region.pd;
    request.op = permitted(random, region.rights);
    inside(random, world.config(), &region, request);
}

fn any_identifier(random: &mut impl Rng, world: &World) -> Option<NetId> {
    let bound: Vec<NetId> = world.bindings.keys().copied().collect();
    (!bound.is_empty()).then(|| pick(random, &bound))
}

fn permitted(random: &mut impl Rng, rights: Access) -> Op {
    let ops = [Op::RemoteRead, Op::RemoteWrite, Op::RemoteAtomic, Op::LocalRead, Op::LocalWrite];
    let permitted: Vec<Op> = ops.into_iter().filter(|op| rights.contains(op.needed_access())).collect();
    pick(random, &permitted)
}

/// An access inside the region, at its borders and those of its pages.
fn inside(random: &mut impl Rng, config: &Config, region: &Region, request: &mut Request) {
    let longest = region.length.min(config.max_request_bytes.into());
    let wanted = match random.random_range(0..7) {
        0 => 0,
        1 => 1,
        2 | 3 => longest,
        4 => 8,
        5 => 4097,
        _ => random.random_range(0..=longest),
    };
    let mut length = wanted.min(longest);
    let slack = region.length - length;
    let offset = region.first_offset as u64;
    // Where 4 KiB frames begin, relative to the region: at 4096 k - offset.
    let frame = |k: u64| (k * 4096).wrapping_sub(offset % 4096);
    let border = frame(random.random_range(0..=slack / 4096 + 1));
    let page = 1u64 << config.page_shifts[usize::from(region.page_size)];
    let page_border = (random.random_range(0..=slack / page + 1) * page).wrapping_sub(offset);
    let four_gib = (((region.base >> 32) + random.random_range(0..2)) << 32).wrapping_sub(region.base);
    let aim = match random.random_range(0..7) {
        0 => 0,
        1 => slack,
        2 => border.wrapping_sub(random.random_range(0..=length)),
        3 => page_border.wrapping_sub(random.random_range(0..=length)),
        4 => four_gib.wrapping_sub(random.random_range(0..=length)),
        5 => border,
        _ => random.random_range(0..=slack),
    };
    let mut at = if aim <= slack { aim } else { slack / 2 };
    if request.op == Op::RemoteAtomic && region.length >= 16 {
        // Aligned by the position in the region, not by the address.
        length = 8;
        let aligned = (at + offset).next_multiple_of(8) - offset;
        at = if aligned <= region.length - 8 { aligned } else { (8 - offset % 8) % 8 };
    }
    request.va = region.base.wrapping_add(at);
    request.length = length as u32;
    let room = (region.length - at).min(1 << 31);
    request.bound = pick(random, &[length, length, room, random_between(length, room)]) as u32;
}

fn random_between(low: u64, high: u64) -> u64 {
    low + (high - low) / 2
}

/// Spoils one thing, or puts it onto a border.
fn flaw(random: &mut impl Rng, world: &World, region: &Region, request: &mut Request) {
    let config = world.config();
    let end = region.base.wrapping_add(region.length);
    let longest_port = mask(config.length_bits()) as u32;
    match random.random_range(0..16) {
        0 => request.net_id = net_id(random, world),
        1 => {
            if let Some(other) = any_identifier(random, world) {
                request.net_id = other;
            }
        }
        2 => request.key ^= 1 << random.random_range(0..32),
        3 => request.key = request.key.wrapping_add(pick(random, &[0x100, 0xff00, 1, 0x8000_0000])),
        4 | 5 => request.pd = region::pd(random, config) ^ (1 & mask(config.pd_bits) as u32),
        6 => request.op = pick(random, &Op::ALL),
        7 => request.op = pick(random, &[Op::RemoteRead, Op::RemoteWrite, Op::RemoteAtomic, Op::LocalWrite]),
        8 => {
            request.va =
                pick(random, &[region.base.wrapping_sub(1), end, end.wrapping_add(1), end.wrapping_sub(1)])
        }
        9 => {
            let bound = u64::from(request.bound);
            let over = pick(random, &[1, 8, 4096]);
            request.va = end.wrapping_sub(bound).wrapping_add(over);
        }
        10 => {
            // The end of the address space: at it, or beyond.
            let over = pick(random, &[0, 1, 1, 7]);
            request.bound = request.bound.max(1);
            request.va = 0u64.wrapping_sub(u64::from(request.bound)).wrapping_add(over);
        }
        11 => request.va = request.va.wrapping_add(pick(random, &[1 << 32, 1 << 63, 1, 4, u64::MAX])),
        12 => {
            let beyond = config.max_request_bytes + 1;
            request.length = pick(random, &[beyond, beyond - 1, longest_port, 0]).min(longest_port);
            request.bound = request.bound.max(request.length);
        }
        13 => request.bound = request.length.saturating_sub(1),
        14 => request.bound = pick(random, &[0, 1 << 31, (1 << 31) + 1, u32::MAX, request.length]),
        _ => {
            request.op = Op::RemoteAtomic;
            request.length = pick(random, &[8, 8, 7, 9, 4, 0, 16]).min(longest_port);
            request.bound = request.length;
            request.va = request.va.wrapping_add(random.random_range(0..8));
        }
    }
}
