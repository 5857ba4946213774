//! A cuckoo CAM: where identifiers go, what `move` and `reseed` do and when they are refused, and that no lookup notices.

mod support;

use std::sync::LazyLock;

use stagecoach_model::cycle::{CycleModel, Inputs};
use stagecoach_model::{FastLookup, Golden};
use stagecoach_spec::{
    Answer, Cam, Command, Config, Counter, Cuckoo, Fault, NetId, PeekEntry, Protection, Request, Seed,
    Slices, Stored, Update, UpdateError, UpdateOp,
};
use support::{accept, counter, fault, peek, refuse};

const WAYS: u8 = Cuckoo::WAYS as u8;
/// The number of the stash among the ways.
const STASH: u8 = WAYS;

fn config() -> Config {
    Config { cam: Some(Cam::Cuckoo), bindings: 30, net_id_bits: 32, tables: 4, ..support::config() }
}

/// Tables 0 to 2, nothing bound.
fn unit(config: &Config) -> Golden {
    let mut golden = Golden::new(config);
    for table in 0..3 {
        accept(&mut golden, Update::SetTable { table, slices: Slices::default() });
    }
    golden
}

/// Identifiers that share their place in every way under the initial seeds.
fn colliding() -> &'static [NetId] {
    static FOUND: LazyLock<Vec<NetId>> = LazyLock::new(search);
    &FOUND
}

fn search() -> Vec<NetId> {
    let cuckoo = Cuckoo::of(&config());
    let places = |id: NetId| cuckoo.initial_seeds().map(|seed| cuckoo.bucket(seed, id));
    let first = places(NetId::from_u128(1));
    (1..).map(NetId::from_u128).filter(|id| places(*id) == first).take(9).collect()
}

/// The places of [`colliding`], way by way, then the stash.
fn places() -> Vec<u32> {
    let cuckoo = Cuckoo::of(&config());
    let seeds = cuckoo.initial_seeds();
    let ways = (0..).zip(seeds).map(|(way, seed)| cuckoo.entry(way, seed, NetId::from_u128(1)));
    ways.chain(Cuckoo::WAYS * cuckoo.depth()..cuckoo.entries()).collect()
}

/// Who stands in an entry, and the table.
fn at(golden: &mut Golden, entry: u32) -> Option<(NetId, u16)> {
    let words = peek(golden, PeekEntry::Binding { entry });
    (words[3] & 1 == 1).then(|| (NetId::from_limbs([words[0], words[1], words[2]]), (words[3] >> 32) as u16))
}

fn request(net_id: NetId) -> Request {
    Request { net_id, ..support::request() }
}

#[test]
fn bind_takes_the_lowest_free_place_of_the_identifier() {
    let mut golden = unit(&config());
    let ids = colliding();
    for (id, place) in ids.iter().zip(places()) {
        assert_eq!(at(&mut golden, place), None);
        accept(&mut golden, Update::Bind { table: 1, net_id: *id });
        assert_eq!(at(&mut golden, place), Some((*id, 1)));
    }
    // Eight of them fit, whatever else is free.
    refuse(&mut golden, Update::Bind { table: 1, net_id: ids[8] }, UpdateError::BindingsFull);
    accept(&mut golden, Update::Unbind { table: 1, net_id: ids[2] });
    assert_eq!(fault(&mut golden, request(ids[2])), Fault::UnknownNetwork);
    accept(&mut golden, Update::Bind { table: 2, net_id: ids[8] });
    assert_eq!(at(&mut golden, places()[2]), Some((ids[8], 2)));
}

#[test]
fn no_more_are_bound_than_the_configuration_says() {
    let mut golden = unit(&config());
    let mut ids = (1..).map(|n| NetId::from_u128((n * 0x9e37_79b1) & 0xffff_ffff));
    let bound =
        ids.by_ref().take(30).filter(|id| golden.update(&Update::Bind { table: 0, net_id: *id }).is_ok());
    assert_eq!(bound.count(), 30);
    let one_more = Update::Bind { table: 0, net_id: ids.next().unwrap() };
    refuse(&mut golden, one_more, UpdateError::BindingsFull);
}

#[test]
fn move_takes_an_identifier_to_its_place_in_a_way_and_no_request_notices() {
    let mut golden = unit(&config());
    let id = colliding()[0];
    accept(&mut golden, Update::Bind { table: 1, net_id: id });
    accept(&mut golden, Update::Freeze { table: 2 });
    let before = golden.request(&request(id));
    let mut stands = places()[0];
    for way in [2, 3, STASH, 1, STASH, STASH, 0] {
        accept(&mut golden, Update::Move { table: 1, net_id: id, way });
        assert_eq!(at(&mut golden, stands), None, "way {way}");
        let entered = golden.config().cam_entries();
        let found: Vec<u32> = (0..entered).filter(|entry| at(&mut golden, *entry).is_some()).collect();
        assert_eq!(found.len(), 1);
        stands = found[0];
        assert_eq!(Cuckoo::of(golden.config()).way_of(stands), u32::from(way));
        // Table, fault and epoch are as before: a move is no fence.
        assert_eq!(golden.request(&request(id)), before);
    }
    assert_eq!(before[0].fault, Fault::InvalidKey);
    // Allowed on a frozen table, as `bind` is.
    accept(&mut golden, Update::Bind { table: 2, net_id: colliding()[1] });
    accept(&mut golden, Update::Move { table: 2, net_id: colliding()[1], way: 3 });
    assert_eq!(fault(&mut golden, request(colliding()[1])), Fault::Frozen);
}

#[test]
fn move_is_refused_in_the_order_of_the_codes() {
    let mut golden = unit(&config());
    let ids = colliding();
    for id in &ids[..7] {
        accept(&mut golden, Update::Bind { table: 1, net_id: *id });
    }
    let moved = |table, net_id, way| Update::Move { table, net_id, way };
    for (update, error) in [
        (moved(99, NetId::from_limbs([0, 1, 0]), 0), UpdateError::BadArgument),
        (moved(99, ids[0], STASH + 1), UpdateError::BadArgument),
        (moved(99, ids[8], 0), UpdateError::NoSuchTable),
        (moved(3, ids[8], 0), UpdateError::TableAbsent),
        (moved(1, ids[8], 0), UpdateError::NotBound),
        // It is bound, but to another table.
        (moved(2, ids[0], 1), UpdateError::NotBound),
        (moved(1, ids[0], 1), UpdateError::BindingsFull),
        // Its own place is not free either.
        (moved(1, ids[1], 1), UpdateError::BindingsFull),
    ] {
        refuse(&mut golden, update, error);
    }
    accept(&mut golden, moved(1, ids[0], STASH));
    refuse(&mut golden, moved(1, ids[1], STASH), UpdateError::BindingsFull);
    accept(&mut golden, moved(1, ids[1], 0));
}

#[test]
fn a_way_is_re_seeded_when_it_is_empty() {
    let mut golden = unit(&config());
    let cuckoo = Cuckoo::of(golden.config());
    let ids = colliding();
    let seed = cuckoo.initial_seeds()[1];
    let flipped = (0..32).map(|bit| Seed::from_limbs([seed.limbs()[0] ^ 1 << bit, 0, 0]));
    let other = flipped.into_iter().find(|other| cuckoo.entry(1, *other, ids[1]) != places()[1]).unwrap();
    let reseed = |way, seed| Update::Reseed { way, seed };
    accept(&mut golden, Update::Bind { table: 1, net_id: ids[0] });
    refuse(&mut golden, reseed(0, other), UpdateError::WayInUse);
    accept(&mut golden, reseed(1, other));
    // The other ways' places are where they were; this one's are elsewhere.
    accept(&mut golden, Update::Bind { table: 2, net_id: ids[1] });
    let place = cuckoo.entry(1, other, ids[1]);
    assert_ne!(place, places()[1]);
    assert_eq!(at(&mut golden, place), Some((ids[1], 2)));
    accept(&mut golden, Update::Move { table: 1, net_id: ids[0], way: STASH });
    accept(&mut golden, reseed(0, other));
    accept(&mut golden, Update::Move { table: 1, net_id: ids[0], way: 0 });
    assert_eq!(at(&mut golden, cuckoo.entry(0, other, ids[0])), Some((ids[0], 1)));
    // Who stands in the stash is in no way.
    accept(&mut golden, Update::Move { table: 2, net_id: ids[1], way: STASH });
    accept(&mut golden, reseed(1, seed));
}

#[test]
fn reserved_bits_of_reseed_and_move_are_bad_arguments() {
    let mut golden = unit(&config());
    let cuckoo = Cuckoo::of(golden.config());
    let bits = cuckoo.seed_bits();
    assert!(bits < 64);
    refuse(&mut golden, Update::Reseed { way: WAYS, seed: Seed::default() }, UpdateError::BadArgument);
    for bit in [bits, 63, 64, 191] {
        let mut limbs = [0; 3];
        limbs[bit as usize / 64] = 1 << (bit % 64);
        let seed = Seed::from_limbs(limbs);
        refuse(&mut golden, Update::Reseed { way: 0, seed }, UpdateError::BadArgument);
    }
    accept(&mut golden, Update::Reseed { way: 3, seed: Seed::from_limbs([1 << (bits - 1), 0, 0]) });
    // `reseed` ignores the table, and both the data.
    for update in (Update::Reseed { way: 0, seed: Seed::default() }).encode() {
        assert_eq!(golden.command(&Command { table: u16::MAX, ..update }), Ok(0));
    }
    let command = Command { op: UpdateOp::Move.code(), table: 0, index: 1 << 31, data: 0 };
    assert_eq!(golden.command(&command), Err(UpdateError::BadArgument));
}

#[test]
fn registers_know_neither_move_nor_reseed() {
    let mut golden = unit(&Config { cam: Some(Cam::Register), ..config() });
    let id = colliding()[0];
    accept(&mut golden, Update::Bind { table: 1, net_id: id });
    refuse(&mut golden, Update::Move { table: 1, net_id: id, way: 1 }, UpdateError::Unsupported);
    refuse(&mut golden, Update::Reseed { way: 1, seed: Seed::default() }, UpdateError::Unsupported);
    assert_eq!(at(&mut golden, 0), Some((id, 1)));
    let beyond = Update::Peek { entry: PeekEntry::Binding { entry: 30 }, word: 0 };
    refuse(&mut golden, beyond, UpdateError::OutOfSlice);
}

#[test]
fn every_entry_can_be_peeked_at_and_none_beyond() {
    let mut golden = unit(&config());
    let entries = golden.config().cam_entries();
    assert_eq!(entries, 4 * 16 + 4);
    assert_eq!(at(&mut golden, entries - 1), None);
    let beyond = Update::Peek { entry: PeekEntry::Binding { entry: entries }, word: 0 };
    refuse(&mut golden, beyond, UpdateError::OutOfSlice);
}

#[test]
fn flipped_entries_are_met_where_the_identifier_may_stand_and_written_anew_by_moves() {
    let mut golden = unit(&Config { protection: Protection::Parity, ..config() });
    let id = colliding()[0];
    accept(&mut golden, Update::Bind { table: 1, net_id: id });
    let [first, second, ..] = places()[..] else { unreachable!("ways and stash") };
    accept(&mut golden, Update::Inject { stored: Stored::Binding { entry: first }, bit: 0 });
    assert_eq!(fault(&mut golden, request(id)), Fault::TableCorrupt);
    // A bit of an entry that is not one of the identifier's places is never met.
    let stranger = (1..).map(NetId::from_u128).find(|id| {
        let cuckoo = Cuckoo::of(&config());
        cuckoo.entry(0, cuckoo.initial_seeds()[0], *id) != first
    });
    assert_eq!(fault(&mut golden, request(stranger.unwrap())), Fault::UnknownNetwork);
    accept(&mut golden, Update::Inject { stored: Stored::Binding { entry: second }, bit: 1 });
    accept(&mut golden, Update::Move { table: 1, net_id: id, way: 1 });
    assert_eq!(fault(&mut golden, request(id)), Fault::InvalidKey);

    // The list that updates search.
    accept(&mut golden, Update::Inject { stored: Stored::ListedBinding { entry: first }, bit: 0 });
    refuse_corrupt(&mut golden, Update::Move { table: 1, net_id: id, way: 0 });
    refuse_corrupt(&mut golden, Update::Bind { table: 1, net_id: colliding()[1] });
    accept(&mut golden, Update::Inject { stored: Stored::ListedBinding { entry: first }, bit: 0 });
    accept(&mut golden, Update::Inject { stored: Stored::Record { table: 1 }, bit: 0 });
    refuse_corrupt(&mut golden, Update::Move { table: 1, net_id: id, way: 0 });
    accept(&mut golden, Update::Reseed { way: 0, seed: Seed::default() });
}

/// Such a refusal counts what was read.
#[track_caller]
fn refuse_corrupt(golden: &mut Golden, update: Update) {
    assert_eq!(golden.update(&update), Err(UpdateError::Corrupt), "{update:?}");
}

/// When an update's last command is accepted and answered, counted from its offer, and what.
fn timing(model: &mut CycleModel, update: Update) -> (u64, u64, Answer) {
    let mut played = (0, 0, Ok(0));
    for command in update.encode() {
        let offer = Inputs { command: Some(command), rsp_ready: true, ..Inputs::default() };
        let accepted = (0..).find(|_| model.step(&offer).upd_ready).unwrap_or_default();
        let idle = Inputs { rsp_ready: true, ..Inputs::default() };
        played = (1..)
            .find_map(|later| Some((accepted, accepted + later, model.step(&idle).answer?)))
            .unwrap_or(played);
    }
    played
}

#[test]
fn a_move_takes_as_long_as_a_bind_and_a_reseed_needs_neither_search_nor_token() {
    let config = config();
    let mut model = CycleModel::initialised(&config);
    let ids = colliding();
    let (.., set) = timing(&mut model, Update::SetTable { table: 1, slices: Slices::default() });
    assert_eq!(set, Ok(0));
    let bind = timing(&mut model, Update::Bind { table: 1, net_id: ids[0] });
    let moved = timing(&mut model, Update::Move { table: 1, net_id: ids[0], way: 2 });
    assert_eq!(moved, bind);
    let refused = timing(&mut model, Update::Thaw { table: 1 });
    let reseed = timing(&mut model, Update::Reseed { way: 0, seed: Seed::default() });
    assert_eq!(reseed, (refused.0, refused.1 + 1, Ok(0)));
    let in_use = timing(&mut model, Update::Reseed { way: 2, seed: Seed::default() });
    assert_eq!(in_use, (refused.0, refused.1, Err(UpdateError::WayInUse)));

    // Registers refuse both without a search.
    let mut registers = CycleModel::initialised(&Config { cam: Some(Cam::Register), ..config });
    let refused = timing(&mut registers, Update::Thaw { table: 1 });
    let unknown = timing(&mut registers, Update::Move { table: 1, net_id: ids[0], way: 2 });
    assert_eq!((unknown.0, unknown.1), (refused.0, refused.1));
}

#[test]
fn the_fast_model_has_no_entries_and_takes_moves_as_nothing() {
    let config = config();
    let mut fast = FastLookup::new(&config);
    let id = colliding()[0];
    for update in [
        Update::SetTable { table: 1, slices: Slices::default() },
        Update::Bind { table: 1, net_id: id },
        Update::Move { table: 1, net_id: id, way: 3 },
        Update::Reseed { way: 0, seed: Seed::default() },
    ] {
        assert_eq!(fast.update(&update), Ok(0));
        let is_bound = !matches!(update, Update::SetTable { .. });
        let expected = if is_bound { Fault::InvalidKey } else { Fault::UnknownNetwork };
        assert_eq!(fast.lookup_first(&request(id)).fault, expected, "{update:?}");
    }
}

#[test]
fn moves_are_counted_nowhere() {
    let mut golden = unit(&config());
    let id = colliding()[0];
    accept(&mut golden, Update::Bind { table: 1, net_id: id });
    accept(&mut golden, Update::Move { table: 1, net_id: id, way: 1 });
    assert_eq!(fault(&mut golden, request(id)), Fault::InvalidKey);
    assert_eq!(counter(&mut golden, 1, Fault::InvalidKey), 1);
    let unsure = Update::ReadCounter { table: 1, counter: Counter::Uncorrectable };
    assert_eq!(golden.update(&unsure), Ok(0));
}
