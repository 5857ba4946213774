//! The planner against the golden model: every planned update is accepted, and both know the same of every entry.

mod support;

use proptest::prelude::*;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_model::Golden;
use stagecoach_planner::{PlanError, Planner};
use stagecoach_spec::{
    Cam, Config, Cuckoo, Fault, NetId, Op, PeekEntry, Request, Slices, Update, UpdateError,
};
use support::config;

const TABLES: u16 = 4;

/// A unit with a planner beside it.
struct Pair {
    golden: Golden,
    planner: Planner,
    bound: Vec<NetId>,
}

impl Pair {
    fn new(config: &Config) -> Pair {
        let mut golden = Golden::new(config);
        for table in 0..TABLES {
            golden.update(&Update::SetTable { table, slices: Slices::default() }).unwrap();
        }
        Pair { golden, planner: Planner::new(config), bound: Vec::new() }
    }

    /// Plays a plan; whoever is bound is found after each of its steps, in its own table.
    fn play(&mut self, plan: &[Update]) {
        for update in plan {
            assert_eq!(self.golden.update(update), Ok(0), "{update:?} of {plan:?}");
            self.planner.follow(update).unwrap();
            match *update {
                Update::Bind { net_id, .. } => self.bound.push(net_id),
                Update::Unbind { net_id, .. } => self.bound.retain(|bound| *bound != net_id),
                _ => {}
            }
            for net_id in self.bound.clone() {
                let (_, table) = self.planner.at(self.planner.entry_of(net_id).unwrap()).unwrap();
                let beats = self.golden.request(&request(net_id));
                assert_eq!((beats[0].table, beats[0].fault), (table, Fault::InvalidKey), "{update:?}");
            }
        }
    }

    /// An update that nobody planned: both say the same.
    fn try_update(&mut self, update: Update) {
        let answer = self.golden.update(&update).map(|_| ());
        assert_eq!(self.planner.follow(&update), answer, "{update:?}");
        if let (Update::Bind { net_id, .. }, Ok(())) = (update, answer) {
            self.bound.push(net_id);
        }
    }

    fn compare(&mut self) {
        for entry in 0..self.golden.config().cam_entries() {
            let mut word = |word| {
                self.golden.update(&Update::Peek { entry: PeekEntry::Binding { entry }, word }).unwrap()
            };
            let net_id = NetId::from_limbs([word(0), word(1), word(2)]);
            let state = word(3);
            let known = (state & 1 == 1).then_some((net_id, (state >> 32) as u16));
            assert_eq!(self.planner.at(entry), known, "entry {entry}");
        }
        assert_eq!(self.planner.len(), self.bound.len());
    }
}

fn request(net_id: NetId) -> Request {
    Request { net_id, key: 0, pd: 0, op: Op::RemoteRead, va: 0, length: 1, bound: 1, stream: 0, tag: 0 }
}

#[derive(Clone, Debug)]
enum Deed {
    Bind(u16),
    BindOrReseed(u16),
    Unbind(usize),
    Reseed(u8),
    /// Without a plan.
    Bare(u16),
    Move(usize, u8),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => any::<u16>().prop_map(Deed::Bind),
        8 => any::<u16>().prop_map(Deed::BindOrReseed),
        4 => any::<usize>().prop_map(Deed::Unbind),
        1 => (0..4u8).prop_map(Deed::Reseed),
        2 => any::<u16>().prop_map(Deed::Bare),
        3 => (any::<usize>(), 0..5u8).prop_map(|(who, way)| Deed::Move(who, way)),
    ];
    prop::collection::vec(deed, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_accepted_and_both_know_who_stands_where(
        deeds in deeds(),
        seed in any::<u64>(),
        bindings in 1..70u32,
        net_id_bits in prop::sample::select(vec![12, 32, 128, 152, 160]),
        narrow in any::<bool>(),
        kind in prop::sample::select(vec![Cam::Cuckoo, Cam::Cuckoo, Cam::Cuckoo, Cam::Register]),
    ) {
        let config = Config { cam: Some(kind), ..config(bindings, net_id_bits) };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut pair = Pair::new(&config);
        // Few identifiers meet each other often; those of the kernel crowd the initial seeds.
        let crowd = support::colliding(&config, &pair.planner);
        let id = |number: u16| match narrow {
            true => crowd[usize::from(number) % crowd.len()],
            false => NetId::from_u128((u128::from(number) % 97) << (net_id_bits.min(128) - 12)),
        };
        for deed in deeds {
            let table = random.next_u32() as u16 % TABLES;
            let somebody = |number: usize, pair: &Pair| pair.bound.get(number % pair.bound.len().max(1)).copied();
            let plan = match deed {
                Deed::Bind(number) => pair.planner.bind(id(number), table),
                Deed::BindOrReseed(number) => {
                    pair.planner.bind_or_reseed(id(number), table, &mut || random.next_u64())
                }
                Deed::Unbind(number) => somebody(number, &pair).map_or(Ok(Vec::new()), |id| pair.planner.unbind(id)),
                Deed::Reseed(way) => {
                    let seed = Cuckoo::of(&config).draw_seed(&mut || random.next_u64());
                    if way == 0 {
                        pair.try_update(Update::Reseed { way: 1, seed });
                    }
                    pair.planner.reseed(way, seed)
                }
                Deed::Bare(number) => {
                    pair.try_update(Update::Bind { table, net_id: id(number) });
                    Ok(Vec::new())
                }
                Deed::Move(number, way) => {
                    let net_id = somebody(number, &pair).unwrap_or_default();
                    let known = pair.planner.entry_of(net_id).and_then(|entry| pair.planner.at(entry));
                    let table = known.map_or(table, |(_, owner)| owner);
                    pair.try_update(Update::Move { table, net_id, way });
                    Ok(Vec::new())
                }
            };
            match plan {
                Ok(plan) => pair.play(&plan),
                Err(PlanError::Refused(error)) => prop_assert_eq!(error, UpdateError::Unsupported),
                Err(_) => {}
            }
        }
        pair.compare();
    }
}

#[test]
fn what_cannot_be_planned_says_why() {
    let config = Config { cam: Some(Cam::Register), ..config(2, 32) };
    let mut pair = Pair::new(&config);
    let id = |n: u128| NetId::from_u128(n);
    assert!(matches!(pair.planner.bind(id(1 << 32), 0), Err(PlanError::NetId(_))));
    for n in 0..2 {
        let plan = pair.planner.bind(id(n), 1).unwrap();
        pair.play(&plan);
    }
    assert_eq!(pair.planner.bind(id(0), 0), Err(PlanError::AlreadyBound { table: 1 }));
    assert_eq!(pair.planner.bind(id(2), 0), Err(PlanError::Full { bindings: 2 }));
    assert_eq!(pair.planner.reseed(0, Default::default()), Err(PlanError::Refused(UpdateError::Unsupported)));
    assert_eq!(pair.planner.reseed_all(&mut || 0), Ok(Vec::new()));
    pair.compare();
}
