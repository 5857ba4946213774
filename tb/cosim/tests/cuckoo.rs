//! The property of the cuckoo CAM: a bound identifier never misses and never selects another VM's table while others are
//! inserted, moved, removed or re-seeded. With a lookup in every cycle.

mod support;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::driver::Event;
use stagecoach_cosim::{EngineKind, EngineOptions, Stalls, Testbench, engine};
use stagecoach_planner::{PlanError, Planner};
use stagecoach_spec::{
    Answer, Cam, Config, Cuckoo, Fault, NetId, Op, PeekEntry, Protection, Request, Seed, Update, UpdateError,
};
use support::{access, done, finish, load, net_id, second_net_id};

/// The number of the stash among the ways.
const STASH: u8 = Cuckoo::WAYS as u8;

/// 60 identifiers fill ways of 16 places each: moves and the stash are needed.
fn config(protection: Protection) -> Config {
    Config { bindings: 60, cam: Some(Cam::Cuckoo), protection, ..support::config() }
}

/// A unit with a planner beside it, and a lookup in every cycle.
struct Busy {
    bench: Testbench,
    planner: Planner,
    random: ChaCha8Rng,
    /// Identifiers that are looked up, with their tables.
    residents: Vec<(NetId, u16)>,
    next: usize,
}

impl Busy {
    /// Tables 0 to 2, each with its two identifiers.
    fn new(kind: EngineKind, config: &Config) -> Busy {
        let module = engine::describe(config).expect("the configuration can be described");
        let options = EngineOptions { seed: 5, ..EngineOptions::default() };
        let engine = engine::open(kind, &module, options).expect("the engine is there");
        let mut bench = Testbench::new(engine, config, 7, Stalls::NONE).expect("the unit initialises itself");
        let mut planner = Planner::new(config);
        let mut residents = Vec::new();
        for table in 0..support::TABLES {
            load(&mut bench, table);
            for net_id in [net_id(table), second_net_id(table)] {
                planner.follow(&Update::Bind { table, net_id }).expect("there is room");
                residents.push((net_id, table));
            }
        }
        Busy { bench, planner, random: ChaCha8Rng::seed_from_u64(3), residents, next: 0 }
    }

    /// A cycle with a lookup at the port.
    fn step(&mut self) {
        while self.bench.driver().queued_requests() < 2 {
            let (net_id, table) = self.residents[self.next % self.residents.len()];
            let page = self.next as u32 % support::PAGES;
            self.next += 1;
            let request = Request { net_id, ..access(table, Op::RemoteRead, page) };
            self.bench.ask(&request).expect("the request fits its port");
        }
        self.bench.step().unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Plays an update amid the lookups.
    fn update(&mut self, update: Update) -> Answer {
        let seen = self.bench.trace().len();
        self.bench.tell(&update);
        while self.bench.driver().open_commands() > 0 {
            self.step();
        }
        let mut answers = self.bench.trace()[seen..].iter().filter_map(|timed| match timed.event {
            Event::Answered(answer) => Some(answer),
            _ => None,
        });
        let answer = answers.next_back().expect("it was answered");
        if answer.is_ok() {
            self.planner.follow(&update).expect("the planner says the same");
        }
        answer
    }

    fn play(&mut self, plan: Result<Vec<Update>, PlanError>) -> bool {
        for update in plan.iter().flatten() {
            assert_eq!(self.update(*update), Ok(0), "{update:?} of {plan:?}");
        }
        plan.is_ok()
    }

    /// Somebody who is bound, residents included.
    fn anybody(&mut self) -> (NetId, u16) {
        let entries = self.bench.config().cam_entries();
        let bound: Vec<_> = (0..entries).filter_map(|entry| self.planner.at(entry)).collect();
        bound[self.random.random_range(0..bound.len())]
    }

    /// One of the things that must not disturb anybody.
    fn disturb(&mut self, fills: bool) {
        let table = self.random.random_range(0..support::TABLES);
        let way = self.random.random_range(0..=STASH);
        match self.random.random_range(0..8) {
            0..4 if fills => {
                let net_id = NetId::from_u128(self.random.random::<u32>().into());
                let plan = self.planner.bind_or_reseed(net_id, table, &mut || self.random.random());
                self.play(plan);
            }
            0..4 => {
                let (net_id, _) = self.anybody();
                if !self.residents.iter().any(|(resident, _)| *resident == net_id) {
                    let plan = self.planner.unbind(net_id);
                    self.play(plan);
                }
            }
            4..7 => {
                let (net_id, table) = self.anybody();
                let expected = self.planner.clone().follow(&Update::Move { table, net_id, way });
                let answer = self.update(Update::Move { table, net_id, way });
                assert_eq!(answer.map(|_| ()), expected);
            }
            _ => {
                let way = way % STASH;
                let seed = self.planner.draw_seed(way, &mut || self.random.random());
                if !self.play(self.planner.reseed(way, seed)) {
                    assert_eq!(self.update(Update::Reseed { way, seed }), Err(UpdateError::WayInUse));
                }
            }
        }
    }

    /// Entries read back as the planner knows them.
    fn compare_entries(&mut self) {
        for entry in 0..self.bench.config().cam_entries() {
            let mut word =
                |word| done(&mut self.bench, Update::Peek { entry: PeekEntry::Binding { entry }, word });
            let net_id = NetId::from_limbs([word(0), word(1), word(2)]);
            let state = word(3);
            let stands = (state & 1 == 1).then_some((net_id, (state >> 32) as u16));
            assert_eq!(self.planner.at(entry), stands, "entry {entry}");
        }
    }

    /// Nobody missed and nobody went astray; nearly every cycle from `since` on had a lookup. Gives how many moves and
    /// new seeds there were.
    fn judge(mut self, since: u64) {
        let until = self.bench.driver().cycle();
        self.compare_entries();
        let (mut lookups, mut beats) = (0, 0);
        for timed in self.bench.trace() {
            match timed.event {
                Event::Accepted(_) if (since..until).contains(&timed.cycle) => lookups += 1,
                Event::Taken(beat) => {
                    assert_eq!(
                        (beat.fault, u32::from(beat.table)),
                        (Fault::Granted, beat.stream),
                        "{timed:?}"
                    );
                    beats += 1;
                }
                _ => {}
            }
        }
        // A token takes a cycle, of some hundred that its update does.
        assert!(lookups * 100 >= 98 * (until - since), "{lookups} lookups in {} cycles", until - since);
        assert!(beats > 1_000, "{beats} beats");
        finish(self.bench);
    }
}

fn undisturbed(kind: EngineKind, protection: Protection, rounds: usize) {
    let mut busy = Busy::new(kind, &config(protection));
    let since = busy.bench.driver().cycle();
    let mut most = 0;
    for round in 0..rounds {
        // Up to the last place, and back.
        let fills = round % 120 < 80;
        busy.disturb(fills);
        most = most.max(busy.planner.len());
    }
    assert!(rounds < 150 || most == 60, "at most {most} were bound");
    let initial = Planner::new(busy.bench.config());
    assert_ne!(busy.planner.seeds(), initial.seeds(), "no way was re-seeded");
    busy.judge(since);
}

#[test]
fn a_bound_identifier_never_misses_and_never_selects_another_vm_s_table_natively() {
    undisturbed(EngineKind::Native, Protection::None, 360);
}

#[test]
fn a_bound_identifier_never_misses_and_never_selects_another_vm_s_table_under_verilator() {
    undisturbed(EngineKind::Verilator, Protection::None, 360);
}

#[test]
fn a_bound_identifier_never_misses_under_protection() {
    for protection in [Protection::Parity, Protection::Secded] {
        undisturbed(EngineKind::Native, protection, 120);
    }
}

#[test]
fn requests_in_the_cycles_beside_a_move_s_token_find_their_identifier() {
    for protection in [Protection::None, Protection::Parity, Protection::Secded] {
        let mut busy = Busy::new(EngineKind::Native, &config(protection));
        let (net_id, table) = busy.residents[2];
        busy.residents = vec![(net_id, table)];
        let since = busy.bench.driver().cycle();
        let ways = [STASH, 1, 3, STASH, 0, STASH, STASH, 2];
        let mut moves = 0;
        for way in ways.into_iter().chain(ways) {
            let update = Update::Move { table, net_id, way };
            if busy.planner.clone().follow(&update).is_err() {
                continue; // Another resident has that place.
            }
            moves += 1;
            let seen = busy.bench.trace().len();
            assert_eq!(busy.update(update), Ok(0), "to way {way}");
            let events = &busy.bench.trace()[seen..];
            let moved = events.iter().rfind(|timed| matches!(timed.event, Event::Commanded(_)));
            let token = moved.expect("it was accepted").cycle;
            let asked = |cycle| {
                let is_request = |event: &Event| matches!(event, Event::Accepted(_));
                events.iter().any(|timed| timed.cycle == cycle && is_request(&timed.event))
            };
            assert_eq!([token - 1, token, token + 1].map(asked), [true, false, true], "to way {way}");
        }
        assert!(moves >= 10, "{moves} moves");
        busy.judge(since);
    }
}

#[test]
fn a_full_cam_refuses_without_effect() {
    let mut busy = Busy::new(EngineKind::Native, &config(Protection::None));
    let since = busy.bench.driver().cycle();
    for number in 0.. {
        let net_id = NetId::from_u128(0x2000_0000 + number);
        match busy.planner.bind(net_id, 1) {
            Ok(plan) => assert!(busy.play(Ok(plan))),
            Err(error) => {
                assert_eq!(error, PlanError::Full { bindings: 60 });
                assert_eq!(busy.update(Update::Bind { table: 1, net_id }), Err(UpdateError::BindingsFull));
                break;
            }
        }
    }
    // Nor are its places free for others, nor its ways to be re-seeded.
    let (net_id, table) = busy.residents[0];
    let own = busy.planner.entry_of(net_id).expect("a resident") / Cuckoo::of(busy.bench.config()).depth();
    let stays = Update::Move { table, net_id, way: own as u8 };
    if own < Cuckoo::WAYS {
        assert_eq!(busy.update(stays), Err(UpdateError::BindingsFull));
    }
    for way in 0..STASH {
        let reseed = Update::Reseed { way, seed: Seed::default() };
        assert_eq!(busy.update(reseed), Err(UpdateError::WayInUse));
    }
    let other = (table + 1) % support::TABLES;
    assert_eq!(busy.update(Update::Move { table: other, net_id, way: 0 }), Err(UpdateError::NotBound));
    assert_eq!(busy.update(Update::Move { table, net_id, way: 5 }), Err(UpdateError::BadArgument));
    busy.judge(since);
}

#[test]
fn registers_refuse_moves_and_seeds() {
    let config = Config { cam: Some(Cam::Register), ..config(Protection::None) };
    let mut busy = Busy::new(EngineKind::Native, &config);
    let since = busy.bench.driver().cycle();
    let (net_id, table) = busy.residents[0];
    for update in [
        Update::Move { table, net_id, way: 1 },
        Update::Move { table, net_id, way: STASH },
        Update::Reseed { way: 0, seed: Seed::default() },
    ] {
        for _ in 0..12 {
            assert_eq!(busy.update(update), Err(UpdateError::Unsupported));
        }
    }
    busy.judge(since);
}
