//! Stage `respond` alone, against a plain model: beats and their order, what is told of them, credits given back.

mod common {
    pub mod bench;
}

use std::collections::VecDeque;

use common::bench::Bench;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::respond;
use stagecoach_controller::widths::Widths;
use stagecoach_spec::{Config, Fault, Preset, Protection};

/// Cycles of each run.
const CYCLES: u32 = 20_000;
/// Cycles from a span to what is told of it: the join, and the register behind the beat.
const FORMED_CYCLES: u32 = 2;

/// A span with what its slot says.
#[derive(Clone, Copy, Debug)]
struct Span {
    tag: u64,
    table: u64,
    epoch: u64,
    fault: Fault,
    empty: bool,
    first: bool,
    last: bool,
    bytes: u64,
    present: bool,
    other_size: bool,
    corrupt: bool,
    frame: u64,
    offset: u64,
}

/// A beat as the port shows it.
#[derive(Clone, Debug, PartialEq)]
struct Beat {
    tag: u64,
    fault: u64,
    pa: u64,
    span: u64,
    table: u64,
    epoch: u64,
    first: bool,
    last: bool,
}

/// What is told two cycles after a span or a token came.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    beat: Option<(bool, bool, u64, u64, u64)>,
    token: bool,
    unused: bool,
}

/// Requests cut into spans, as `expand` issues them.
struct Source {
    random: ChaCha8Rng,
    protected: bool,
    left: u32,
    table: u64,
    epoch: u64,
    tag: u64,
}

impl Source {
    fn span(&mut self) -> Span {
        let first = self.left == 0;
        let mut fault = Fault::Granted;
        let mut empty = false;
        if first {
            self.left = self.random.random_range(1..=5);
            self.tag = self.random.random_range(0..256);
            self.table = self.random.random_range(0..16);
            self.epoch = self.random.random_range(0..2);
            if self.random.random_range(0..4) == 0 {
                self.left = 1;
                empty = true;
                let corrupt = if self.protected { Fault::TableCorrupt } else { Fault::InvalidKey };
                let faults = [Fault::Granted, Fault::UnknownNetwork, Fault::Frozen, corrupt];
                fault = faults[self.random.random_range(0..faults.len())];
            }
        }
        self.left -= 1;
        let mut one_in = |count| self.random.random_range(0..count) == 0;
        let (absent, other_size, corrupt) = (one_in(8), one_in(12), one_in(8));
        Span {
            tag: self.tag,
            table: self.table,
            epoch: self.epoch,
            fault,
            empty,
            first,
            last: self.left == 0,
            bytes: self.random.random_range(1..=4096),
            present: !absent,
            other_size,
            corrupt: self.protected && corrupt,
            frame: self.random.random_range(0..1 << 36),
            offset: self.random.random_range(0..4096),
        }
    }
}

/// The stage in plain words.
#[derive(Default)]
struct Model {
    skipping: bool,
    /// Each with whether its table is known, so that fences wait for it.
    waiting: VecDeque<(Beat, bool)>,
}

impl Model {
    fn take(&mut self, span: &Span) -> Told {
        let refused = !span.empty && (span.corrupt || !span.present || span.other_size);
        if span.first {
            self.skipping = false;
        }
        if self.skipping {
            return Told { unused: true, ..Told::default() };
        }
        self.skipping = refused;
        let fault = match (refused, span.corrupt) {
            (true, true) => Fault::TableCorrupt,
            (true, false) => Fault::PageAbsent,
            _ => span.fault,
        };
        let granted = !span.empty && !refused;
        let beat = Beat {
            tag: span.tag,
            fault: u64::from(fault.code()),
            pa: if granted { span.frame << 12 | span.offset } else { 0 },
            span: if granted { span.bytes } else { 0 },
            table: span.table,
            epoch: span.epoch,
            first: span.first,
            last: span.last || refused,
        };
        // What was wrong with the slot comes too late to matter.
        let known = !matches!(span.fault, Fault::UnknownNetwork | Fault::TableCorrupt);
        let told = (beat.last, known, beat.table, beat.epoch, beat.fault);
        self.waiting.push_back((beat, known));
        Told { beat: Some(told), token: false, unused: refused }
    }
}

/// How often the cases came.
#[derive(Debug, Default)]
struct Met {
    granted: u32,
    refused: u32,
    dropped: u32,
    corrupt: u32,
    left: u32,
    stalled: u32,
    tokens: u32,
}

fn run(protection: Protection, seed: u64) -> Met {
    let w = Widths::of(&Config { protection, ..Preset::Tiny.config() });
    let mut bench = Bench::new(&respond::describe(&w).expect("sound"), seed);
    let random = ChaCha8Rng::seed_from_u64(seed);
    let protected = protection != Protection::None;
    let mut source = Source { random, protected, left: 0, table: 0, epoch: 0, tag: 0 };
    let (mut model, mut met) = (Model::default(), Met::default());
    let mut told: VecDeque<Told> = (0..FORMED_CYCLES).map(|_| Told::default()).collect();
    let mut credits = respond::QUEUE_DEPTH;
    // Beats are in `waiting` as soon as their span came; they show later.
    let mut left = None;
    let mut ready_percent = 50;
    for cycle in 0..CYCLES {
        if cycle % 50 == 0 {
            ready_percent = [5, 50, 100][source.random.random_range(0..3)];
        }
        let token = source.random.random_range(0..10) == 0;
        let arrives = !token && credits > 0 && source.random.random_range(0..10) > 0;
        let ready = source.random.random_range(0..100) < ready_percent;
        let mut now = Told { token, ..Told::default() };
        if arrives {
            credits -= 1;
            let span = source.span();
            now = model.take(&span);
            drive(&mut bench, &span);
            met.dropped += u32::from(now.beat.is_none());
            met.refused += u32::from(now.beat.is_some() && now.unused);
            met.corrupt += u32::from(now.beat.is_some() && span.corrupt && now.unused);
            met.granted += u32::from(!span.empty && !now.unused);
        }
        met.tokens += u32::from(token);
        bench.set("in_request", u32::from(arrives));
        bench.set("in_token", u32::from(token));
        bench.set("rsp_ready", u32::from(ready));
        told.push_back(now);

        let beat = bench.is("formed_beat");
        let seen = Told {
            beat: beat.then(|| {
                let (last, known) = (bench.is("formed_last"), bench.is("formed_known"));
                let (table, epoch) = (bench.number("formed_table"), bench.number("formed_epoch"));
                (last, known, table, epoch, bench.number("formed_fault"))
            }),
            token: bench.is("formed_token"),
            unused: bench.is("flight_unused"),
        };
        assert_eq!(Some(seen), told.pop_front(), "{protection:?}, seed {seed}, cycle {cycle}");

        let seen_left =
            bench.is("left_valid").then(|| (bench.number("left_table"), bench.number("left_epoch")));
        assert_eq!(seen_left, left.take(), "{protection:?}, seed {seed}, cycle {cycle}");
        credits += u32::from(bench.is("place_free"));
        if bench.is("rsp_valid") {
            let shown = shown(&mut bench);
            let front = model.waiting.front();
            let known = front.is_some_and(|(_, known)| *known);
            assert_eq!(
                Some(&shown),
                front.map(|(beat, _)| beat),
                "{protection:?}, seed {seed}, cycle {cycle}"
            );
            met.stalled += u32::from(!ready);
            if ready {
                left = (shown.span == 0 && known).then_some((shown.table, shown.epoch));
                met.left += u32::from(left.is_some());
                model.waiting.pop_front();
            }
        }
        bench.steps(1);
    }
    assert!(bench.simulator.failures().is_empty(), "{:?}", bench.simulator.failures());
    met
}

fn drive(bench: &mut Bench, span: &Span) {
    let numbers = [
        ("in_tag", span.tag),
        ("in_table", span.table),
        ("in_epoch", span.epoch),
        ("in_fault", u64::from(span.fault.code())),
        ("in_empty", u64::from(span.empty)),
        ("in_first", u64::from(span.first)),
        ("in_last", u64::from(span.last)),
        ("in_span", span.bytes),
        ("in_offset", span.offset),
        ("in_slot_present", u64::from(span.present)),
        ("in_slot_page_size", u64::from(span.other_size)),
        ("in_slot_frame", span.frame),
        ("in_corrupt", u64::from(span.corrupt)),
    ];
    for (name, value) in numbers {
        bench.set(name, value);
    }
}

fn shown(bench: &mut Bench) -> Beat {
    Beat {
        tag: bench.number("rsp_tag"),
        fault: bench.number("rsp_fault"),
        pa: bench.number("rsp_pa"),
        span: bench.number("rsp_span"),
        table: bench.number("rsp_table"),
        epoch: bench.number("rsp_epoch"),
        first: bench.is("rsp_first"),
        last: bench.is("rsp_last"),
    }
}

#[test]
fn beats_and_what_is_told_of_them_equal_a_plain_model() {
    for (protection, seed) in
        [(Protection::None, 1), (Protection::None, 2), (Protection::Parity, 3), (Protection::Secded, 4)]
    {
        let met = run(protection, seed);
        let often = [met.granted, met.refused, met.dropped, met.left, met.stalled, met.tokens];
        assert!(often.into_iter().all(|times| times > 300), "{met:?}");
        assert!(protection == Protection::None || met.corrupt > 100, "{met:?}");
    }
}
