//! Updates that move identifiers about in a cuckoo CAM, and such that bind where moves have to make room.

use rand::Rng;
use stagecoach_spec::{Cuckoo, NetId, Seed, Update};

use super::pick;
use super::world::World;

/// Binds an identifier: mostly as the planner would, sometimes with a re-seeded way, sometimes without asking it.
pub(super) fn bind(random: &mut impl Rng, world: &World, net_id: NetId, table: u16) -> Vec<Update> {
    let planner = world.planner();
    let plan = match random.random_range(0..8) {
        0 => None,
        1 => planner.bind_or_reseed(net_id, table, &mut || random.next_u64()).ok(),
        _ => planner.bind(net_id, table).ok(),
    };
    plan.unwrap_or_else(|| vec![Update::Bind { table, net_id }])
}

/// A move, or the plan of a new seed; nothing where there is nobody to move or no room.
pub(super) fn any(random: &mut impl Rng, world: &World) -> Vec<Update> {
    if random.random_ratio(1, 4) {
        return reseed(random, world).unwrap_or_default();
    }
    let bound: Vec<NetId> = world.bindings.keys().copied().collect();
    let net_id = (!bound.is_empty()).then(|| pick(random, &bound));
    net_id.and_then(|net_id| move_of(random, world, net_id)).into_iter().collect()
}

/// A move that has room.
pub(super) fn move_of(random: &mut impl Rng, world: &World, net_id: NetId) -> Option<Update> {
    let table = *world.bindings.get(&net_id)?;
    let moves = (0..=Cuckoo::WAYS as u8).map(|way| Update::Move { table, net_id, way });
    let fits = |update: &Update| world.planner().clone().follow(update).is_ok();
    let possible: Vec<Update> = moves.filter(fits).collect();
    (!possible.is_empty()).then(|| pick(random, &possible))
}

/// A way is emptied and gets another seed, if the others have room.
pub(super) fn reseed(random: &mut impl Rng, world: &World) -> Option<Vec<Update>> {
    let way = random.random_range(0..Cuckoo::WAYS) as u8;
    let seed = match random.random_range(0..8) {
        // Allowed, though everybody shares a bucket.
        0 => Seed::default(),
        _ => world.planner().draw_seed(way, &mut || random.next_u64()),
    };
    world.planner().reseed(way, seed).ok()
}
