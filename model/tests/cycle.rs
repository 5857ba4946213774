//! The cycle model at its ports: when things happen, counted by hand from the contract's words.

mod support;

use stagecoach_model::cycle::{CycleModel, Inputs, Outputs};
use stagecoach_spec::latency::loops::{EXPAND_PLACES, FENCE_CYCLES, RESPOND_PLACES, RETIRED_CYCLES};
use stagecoach_spec::latency::updates::init_cycles;
use stagecoach_spec::latency::{RETIRE_CYCLES, check_cycles};
use stagecoach_spec::{
    Answer, Beat, Config, Fault, Op, Preset, Protection, Request, Retirement, Stages, Update, UpdateError,
};
use support::{OTHER_VM, VM, WINDOW, region, request, slices};

/// Cycles in which nothing happens for sure when nothing more is coming.
const LONG: u64 = 400;

/// A model, and everything that it showed.
struct Bench {
    model: CycleModel,
    now: u64,
    rsp_ready: bool,
    /// Beats that were taken, with their cycles.
    beats: Vec<(u64, Beat)>,
    /// Retired as soon as their beat is taken, in the cycle after.
    retires: bool,
    due: Option<Retirement>,
}

/// When an update was accepted and answered, counted from the cycle in which it was offered, and what.
type Played = (u64, u64, Answer);

impl Bench {
    fn new(config: &Config) -> Bench {
        let model = CycleModel::initialised(config);
        Bench { model, now: 0, rsp_ready: true, beats: Vec::new(), retires: true, due: None }
    }

    /// Tables 0 and 1 alike, each with the pages and the region of [`support::one_region`].
    fn loaded(config: &Config) -> Bench {
        let mut bench = Bench::new(config);
        for (table, net_id) in [(0, VM), (1, OTHER_VM)] {
            bench.done(Update::SetTable { table, slices: slices(table) });
            for page in 0..4 {
                let frame = WINDOW + u64::from(table) * 0x10_0000 + u64::from(page);
                bench.done(Update::SetSlot { table, slot: 8 + page, frame, page_size: 0 });
            }
            bench.done(Update::Install { table, key: support::KEY, region: region() });
            bench.done(Update::Bind { table, net_id });
        }
        bench
    }

    fn step(&mut self, mut inputs: Inputs) -> Outputs {
        inputs.rsp_ready = self.rsp_ready;
        inputs.retirement = inputs.retirement.or(self.due.take());
        let outputs = self.model.step(&inputs);
        if let Some(beat) = outputs.beat.filter(|_| self.rsp_ready) {
            self.beats.push((self.now, beat));
            self.due = beat.retirement(true).filter(|_| self.retires);
        }
        self.now += 1;
        outputs
    }

    fn idle(&mut self, cycles: u64) {
        (0..cycles).for_each(|_| {
            self.step(Inputs::default());
        });
    }

    /// Offers requests one behind the other for so many cycles; gives the cycles of those that were accepted.
    fn stream(&mut self, request: &Request, cycles: u64) -> Vec<u64> {
        let offer = Inputs { request: Some(*request), ..Inputs::default() };
        (0..cycles).filter_map(|_| self.step(offer).req_ready.then_some(self.now - 1)).collect()
    }

    fn retire(&mut self, retirement: Retirement) -> u64 {
        self.step(Inputs { retirement: Some(retirement), ..Inputs::default() });
        self.now - 1
    }

    /// Plays an update's last command, the others before.
    fn update(&mut self, update: Update) -> Played {
        let mut played = (0, 0, Ok(0));
        for command in update.encode() {
            let offer = Inputs { command: Some(command), ..Inputs::default() };
            let from = self.now;
            while !self.step(offer).upd_ready {}
            let accepted = self.now - 1 - from;
            let answer = loop {
                if let Some(answer) = self.step(Inputs::default()).answer {
                    break answer;
                }
            };
            played = (accepted, self.now - 1 - from, answer);
        }
        played
    }

    /// As [`Bench::update`], of one that must succeed.
    #[track_caller]
    fn done(&mut self, update: Update) -> (u64, u64) {
        let (accepted, answered, answer) = self.update(update);
        assert!(answer.is_ok(), "{update:?}: {answer:?}");
        (accepted, answered)
    }

    fn cycles_of_beats(&self) -> Vec<u64> {
        self.beats.iter().map(|(cycle, _)| *cycle).collect()
    }
}

fn roce() -> Config {
    Config { max_request_bytes: 16384, ..Preset::Roce.config() }
}

#[test]
fn a_first_beat_comes_after_the_sum_of_the_stages() {
    for preset in Preset::all() {
        for protection in [Protection::None, Protection::Parity, Protection::Secded] {
            let config = Config { protection, ..preset.config() };
            let mut bench = Bench::new(&config);
            let accepted = bench.stream(&request(), 1)[0];
            bench.idle(LONG);
            let latency = u64::from(Stages::of(&config).first_beat());
            assert_eq!(bench.cycles_of_beats(), [accepted + latency], "{preset}, {protection:?}");
            assert_eq!(bench.beats[0].1.fault, Fault::UnknownNetwork);
        }
    }
}

#[test]
fn initialisation_clears_a_place_a_cycle() {
    let config = Preset::Tiny.config();
    let mut model = CycleModel::new(&config);
    let first = (0..).find(|_| model.step(&Inputs::default()).init_done);
    assert_eq!(first, Some(init_cycles(&config)));
    assert!(init_cycles(&config) >= u64::from(config.slots.max(config.regions)));
}

#[test]
fn a_request_and_a_span_a_cycle() {
    let mut bench = Bench::loaded(&roce());
    let accepted = bench.stream(&request(), 200);
    assert_eq!(accepted.len(), 200, "a request a cycle");
    bench.idle(LONG);
    let expected: Vec<u64> = accepted.iter().map(|cycle| cycle + 19).collect();
    assert_eq!(bench.cycles_of_beats(), expected);

    let mut bench = Bench::loaded(&roce());
    let four = Request { length: 16384, bound: 16384, ..request() };
    let accepted = bench.stream(&four, 400);
    bench.idle(LONG);
    let first = accepted[0] + 19;
    let expected: Vec<u64> = (first..first + 4 * accepted.len() as u64).collect();
    assert_eq!(bench.cycles_of_beats(), expected, "a span a cycle, whatever waits before");
    assert!(accepted.len() < 140, "and so requests wait at the port: {} were accepted", accepted.len());
}

#[test]
fn a_stalled_output_fills_both_queues_and_then_the_port() {
    let mut bench = Bench::loaded(&roce());
    bench.rsp_ready = false;
    let accepted = bench.stream(&request(), LONG);
    // Beside the places: a beat at the port, a request in the head of expand.
    let places = u64::from(EXPAND_PLACES + RESPOND_PLACES) + 2;
    assert_eq!(accepted.len() as u64, places);
    assert_eq!(places, 50);
    bench.rsp_ready = true;
    let from = bench.now;
    bench.idle(LONG);
    assert_eq!(
        bench.cycles_of_beats(),
        (from..from + places).collect::<Vec<_>>(),
        "and leave without bubbles"
    );
}

#[test]
fn spans_in_flight_are_bounded_until_one_is_retired() {
    let mut bench = Bench::loaded(&Config { max_in_flight: 3, ..roce() });
    bench.retires = false;
    bench.stream(&request(), 10);
    bench.idle(LONG);
    assert_eq!(bench.beats.len(), 3);
    let oldest = bench.beats[0].1.retirement(false).unwrap();
    let retired = bench.retire(oldest);
    bench.idle(LONG);
    // Four cycles to expand, then the stages slot and respond.
    assert_eq!(bench.cycles_of_beats()[3..], [retired + 4 + 5]);
}

#[test]
fn absent_pages_give_their_flight_back_and_what_lies_behind_them_is_dropped() {
    let mut bench = Bench::loaded(&Config { max_in_flight: 2, ..roce() });
    bench.done(Update::ClearSlot { table: 0, slot: 8 });
    let from = bench.now;
    let four = Request { length: 16384, bound: 16384, ..request() };
    let nothing = Request { length: 0, bound: 0, ..request() };
    assert_eq!(bench.stream(&four, 1), [from]);
    assert_eq!(bench.stream(&nothing, 1), [from + 1]);
    bench.idle(LONG);
    let faults: Vec<Fault> = bench.beats.iter().map(|(_, beat)| beat.fault).collect();
    assert_eq!(faults, [Fault::PageAbsent, Fault::Granted]);
    // With so few credits each span waits until the one before is counted, four cycles later; by then those that found no
    // page have given theirs back. The next request waits as long: even without bytes it wants one to be there.
    assert_eq!(bench.cycles_of_beats(), [from + 19, from + 19 + 4 * 4]);
}

/// From the offer to the first cycle behind the judgement: idle 1, taken 3, looked up 37, judged 10.
const JUDGED: u64 = 1 + 3 + 37 + 10;

#[test]
fn an_update_takes_the_cycles_of_its_kind() {
    let mut bench = Bench::loaded(&roce());
    let peek = stagecoach_spec::PeekEntry::Table { table: 0 };
    assert_eq!(bench.done(Update::Peek { entry: peek, word: 4 }), (JUDGED, JUDGED + 2));
    assert_eq!(bench.update(Update::Thaw { table: 0 }), (JUDGED, JUDGED + 2, Err(UpdateError::NotFrozen)));
    // A token: 13 stages to expand, its head, 3 of slot, 1 of respond, 14 until it is through.
    let token = 13 + 1 + 3 + 1 + 14;
    // Then storing, the reply, the answer; before it, it is prepared.
    let enters = JUDGED + 1;
    assert_eq!(
        bench.done(Update::Install { table: 0, key: 0, region: region() }),
        (enters, enters + token + 3)
    );
    // A search of 64 places.
    let unused = stagecoach_spec::NetId::from_u128(5);
    let search = 64 + 9;
    let bind = bench.done(Update::Bind { table: 0, net_id: unused });
    assert_eq!(bind, (enters + search, enters + search + token + 3));
    // A fence waits for its tallies even if nothing is under way.
    assert_eq!(bench.done(Update::Freeze { table: 0 }), (enters, enters + token + 4 + 3));
    // Clearing 64 slots beside 64 entries of the fault log, and twelve counters.
    bench.done(Update::Unbind { table: 0, net_id: unused });
    bench.done(Update::Unbind { table: 0, net_id: VM });
    let cleared = enters + token + 4 + (64 + 11) + 12 * (2 + token) + 3;
    assert_eq!(bench.done(Update::ClearTable { table: 0 }), (enters, cleared));
    // A window of 2^20 frames has 256 words of a bit for 256 KiB.
    let track = Update::Track { table: 1, granule_shift: 18, dirty_base: 0 };
    let tracked = JUDGED + search + 15 + 256 + 15;
    assert_eq!(bench.done(track), (tracked, tracked + 3));
    assert_eq!(bench.done(Update::Harvest { table: 1, word: 3 }), (JUDGED + 6, JUDGED + 8));
}

#[test]
fn protection_adds_its_checks_alone() {
    for protection in [Protection::Parity, Protection::Secded] {
        let check = u64::from(check_cycles(protection));
        let mut bench = Bench::new(&Config { protection, ..roce() });
        let (accepted, ..) = bench.update(Update::Thaw { table: 0 });
        assert_eq!(accepted, JUDGED + check);
    }
}

#[test]
fn a_fence_waits_for_its_own_table_and_nobody_else_waits() {
    let mut bench = Bench::loaded(&roce());
    bench.retires = false;
    bench.stream(&request(), 1);
    bench.idle(LONG);
    let waiting = bench.beats[0].1.retirement(true).unwrap();
    let freeze = Update::Freeze { table: 0 }.encode()[0];
    while !bench.step(Inputs { command: Some(freeze), ..Inputs::default() }).upd_ready {}
    let other = Request { net_id: OTHER_VM, ..request() };
    let from = bench.now;
    assert_eq!(bench.stream(&other, LONG).len() as u64, LONG, "requests of another table go on, one a cycle");
    bench.idle(20);
    let expected: Vec<u64> = (from + 19..from + 19 + LONG).collect();
    assert_eq!(bench.cycles_of_beats()[1..], expected);

    let retired = bench.retire(waiting);
    let answered = loop {
        if bench.step(Inputs::default()).answer.is_some() {
            break bench.now - 1;
        }
    };
    // Counted, known, stored, the reply gathered, answered.
    assert_eq!(answered, retired + u64::from(RETIRED_CYCLES + FENCE_CYCLES) + 3);
}

#[test]
fn a_harvest_has_the_retirements_of_the_promised_cycles() {
    for late in [false, true] {
        let mut bench = Bench::loaded(&roce());
        bench.done(Update::Track { table: 0, granule_shift: 18, dirty_base: 0 });
        bench.retires = false;
        bench.stream(&Request { op: Op::RemoteWrite, ..request() }, 1);
        bench.idle(LONG);
        let waiting = bench.beats[0].1.retirement(true).unwrap();
        let harvest = Update::Harvest { table: 0, word: 0 }.encode()[0];
        let offer = Inputs { command: Some(harvest), ..Inputs::default() };
        // Accepted 6 cycles after the judgement.
        let before = JUDGED + 6 - u64::from(RETIRE_CYCLES) + u64::from(late);
        (0..before).for_each(|_| {
            bench.step(offer);
        });
        let retired = bench.now;
        bench.step(Inputs { retirement: Some(waiting), ..offer });
        while !bench.step(offer).upd_ready {}
        assert_eq!(bench.now - 1 - retired, u64::from(RETIRE_CYCLES) - u64::from(late));
        bench.step(Inputs::default());
        let answer = bench.step(Inputs::default()).answer;
        assert_eq!(answer, Some(Ok(u64::from(!late))));
    }
}
