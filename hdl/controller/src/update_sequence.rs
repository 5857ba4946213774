//! Part of block `update`: the sequence of states that an update goes through. See the picture at [`crate::update`].
//!
//! A register for each state, and for everything that its successor depends on and that stands still: the block has time,
//! but must not limit the clock.

use stagecoach_hdl::{BigUint, ModuleBuilder, RegisterHandle, Signal, index_width, wire};

use stagecoach_spec::Protection;
use stagecoach_spec::latency::RETIRE_CYCLES;
use stagecoach_spec::latency::updates::UpdateCycles;

use crate::widths::Widths;
use crate::{counters, dirty, fence, install_check, retire, scan, track_check, update_check};

/// Cycles of TAKE: the arguments stand in the second, which operation they name in the third.
const TAKE_CYCLES: u64 = 2;

/// Cycles of LOOK: the record, and its check, behind them the arithmetic and the notes on region and slot, and theirs;
/// then the judgement.
fn look_cycles(w: &Widths) -> u64 {
    let record = scan::READ_CYCLES + w.check_cycles() + 1;
    let notes = NOTES_CYCLES + w.check_cycles();
    let arithmetic = install_check::CYCLES.max(track_check::CYCLES);
    let found = record + arithmetic.max(notes) + update_check::SEARCHED_CYCLES;
    u64::from(found.max(record + update_check::CYCLES))
}

/// Cycles from a standing record to the notes on region and slot: the slice's base, the place, the memory, its word.
const NOTES_CYCLES: u32 = 5;

/// Cycles of JUDGE: the judgement again, after a search; and where it leads.
const JUDGE_CYCLES: u64 = 1 + update_check::SEARCHED_CYCLES as u64;

/// Cycles of DRAIN before the fence's word is taken for true: a beat ahead of the token was counted when the token was
/// through, and the watched tallies lag a little more, if it is more.
const DRAIN_CYCLES: u64 = fence::SETTLE_CYCLES.saturating_sub(counters::CYCLES) as u64;

/// Cycles of REAP: the word is asked for through two registers.
const REAP_CYCLES: u64 = 2 + dirty::HARVEST_CYCLES as u64;

/// Cycles of UNTRACK: tracking is off, through a register, and no retirement that saw it on sets a bit any more.
const UNTRACK_CYCLES: u64 = 2 + retire::SET_CYCLES as u64;

/// Cycles of RETRACK, so that `track` is accepted as long after tracking is on as `harvest` is after its word was read:
/// then one number, `RETIRE_CYCLES`, says for both which retirements came before.
const RETRACK_CYCLES: u64 = (RETIRE_CYCLES - 1 - retire::TRACK_LAG) as u64;

// A harvest is asked for two cycles into REAP, and accepted two cycles after REAP has its word.
const _: () = assert!(RETIRE_CYCLES == retire::SET_CYCLES + dirty::HARVEST_CYCLES + 1);

/// The contract counts the cycles of a state; here are those that are waited for in it, one less.
fn assert_latencies(w: &Widths) {
    let cycles = UpdateCycles::of(&w.config);
    let states = [
        (TAKE_CYCLES, cycles.take),
        (look_cycles(w), cycles.look),
        (JUDGE_CYCLES, cycles.judge),
        (DRAIN_CYCLES, cycles.drain),
        (REAP_CYCLES, cycles.reap),
        (UNTRACK_CYCLES, cycles.untrack),
        (RETRACK_CYCLES, cycles.retrack),
    ];
    for (waited, cycles) in states {
        assert_eq!(waited + 1, u64::from(cycles), "the latency table and this block agree");
    }
    let places = w.config.cam_entries().max(w.config.tables) + w.check_cycles();
    assert_eq!(places + scan::SEARCH_MORE, cycles.search, "the latency table and block scan agree");
}

/// A word less may be written back while an update waits. Each of the five memories gets its turn, and one more for what
/// was read before its word was written.
const SCRUBS_IN_A_ROW: u32 = 16;

/// Bits of the number of a token of one update: `clear_table` sends one and then one for each counter.
pub(crate) const PASS: u32 = 4;

/// What decides where the sequence goes. All but what is offered or happens in a cycle stands still when it is asked for,
/// and comes from registers or nearly so.
pub(crate) struct Turns<'m> {
    /// An update is at the port, and everything is initialised.
    pub(crate) offered: Signal<'m>,
    /// It is `stage`.
    pub(crate) is_stage: Signal<'m>,
    /// A corrected word is to be written back.
    pub(crate) scrub_wanted: Signal<'m>,
    /// The update needs a search.
    pub(crate) searches: Signal<'m>,
    /// The search is over.
    pub(crate) scan_done: Signal<'m>,
    /// The update is refused.
    pub(crate) is_refused: Signal<'m>,
    /// What is to be written back cannot be: what it is made of is corrupt itself.
    pub(crate) scrub_fails: Signal<'m>,
    /// What is to be written back does not concern the pipeline.
    pub(crate) scrub_is_local: Signal<'m>,
    /// Nothing of it concerns the pipeline.
    pub(crate) is_local: Signal<'m>,
    /// It leaves something to store, though local.
    pub(crate) is_local_write: Signal<'m>,
    /// `harvest`.
    pub(crate) is_harvest: Signal<'m>,
    /// `track`.
    pub(crate) is_track: Signal<'m>,
    /// `track` that starts.
    pub(crate) starts_tracking: Signal<'m>,
    /// The last word of a bitmap is being cleared.
    pub(crate) sweep_last: Signal<'m>,
    /// The token enters the pipeline in this cycle.
    pub(crate) commit_granted: Signal<'m>,
    /// The token has passed through.
    pub(crate) token_done: Signal<'m>,
    /// The number of the update's last token.
    pub(crate) last_pass: Signal<'m>,
    /// The number of the token with which the update is accepted.
    pub(crate) accept_pass: Signal<'m>,
    /// What the first token read is no good: no second one.
    pub(crate) gives_up: Signal<'m>,
    /// It waits for what was accepted before.
    pub(crate) is_fence: Signal<'m>,
    /// Nothing accepted before is in flight.
    pub(crate) drained: Signal<'m>,
    /// `clear_table`.
    pub(crate) is_clear_table: Signal<'m>,
    /// The table's slices are clear.
    pub(crate) walk_done: Signal<'m>,
}

/// The states, a register `in_<state>` for each.
pub(crate) struct Sequence<'m> {
    m: &'m ModuleBuilder,
    states: Vec<RegisterHandle<'m>>,
    pass: RegisterHandle<'m>,
    scrubs: RegisterHandle<'m>,
    first_token: Signal<'m>,
}

const STATES: [&str; 20] = [
    "idle", "take", "stage", "look", "scan", "judge", "refuse", "local", "prepare", "commit", "travel",
    "drain", "walk", "reap", "untrack", "sweep", "retrack", "store", "reply", "answer",
];

impl<'m> Sequence<'m> {
    pub(crate) fn new(m: &'m ModuleBuilder) -> Sequence<'m> {
        let state = |name: &&str| m.register(&format!("in_{name}"), 1).reset_to(u32::from(*name == "idle"));
        let states = STATES.iter().map(state).collect();
        let pass = m.register("pass", PASS).reset_to(0u32);
        let first_token = m.delay("first_token", !pass.value().any());
        Sequence { m, states, pass, scrubs: m.register("scrubs", 1).reset_to(0u32), first_token }
    }

    /// The sequence is in a state.
    pub(crate) fn at(&self, name: &str) -> Signal<'m> {
        self.state(name).value()
    }

    fn state(&self, name: &str) -> RegisterHandle<'m> {
        self.states[STATES.iter().position(|state| *state == name).expect("it is a state")]
    }

    /// The first cycle of a state.
    pub(crate) fn first_of(&self, name: &str) -> Signal<'m> {
        (self.at(name) & !self.m.delay_reset(&format!("was_in_{name}"), self.at(name)))
            .named(format!("enters_{name}"))
    }

    /// The number of the token that is meant, from 0. It changes as the sequence enters PREPARE.
    pub(crate) fn pass(&self) -> Signal<'m> {
        self.pass.value()
    }

    /// That number is 0; a cycle behind it.
    pub(crate) fn first_token(&self) -> Signal<'m> {
        self.first_token
    }

    /// No update is worked on, but a word is written back.
    pub(crate) fn scrubs(&self) -> Signal<'m> {
        self.scrubs.value()
    }

    /// The sequence has been in a state for so many cycles, and is in it.
    fn waited(&self, name: &str, cycles: u64) -> Signal<'m> {
        if cycles == 0 {
            return self.at(name);
        }
        let (m, here) = (self.m, self.at(name));
        let width = index_width(cycles).max(1);
        let count = m.register(&format!("{name}_cycles"), width).reset_to(0u32);
        count.next(count.value().plus(1u32).gated_by(here));
        let over = m.register(&format!("{name}_over"), 1).reset_to(0u32);
        over.next(here & (over.value() | count.value().is(BigUint::from(cycles - 1))));
        here & over.value()
    }

    /// Drives the registers; gives when the update is accepted and when its judgement is known.
    pub(crate) fn run(&self, w: &Widths, turns: &Turns<'m>) -> Milestones<'m> {
        assert_latencies(w);
        let m = self.m;
        wire!(taken = self.waited("take", TAKE_CYCLES));
        wire!(looked = self.waited("look", look_cycles(w)));
        wire!(judged = self.waited("judge", JUDGE_CYCLES));
        wire!(fence_over = self.waited("drain", DRAIN_CYCLES) & turns.drained);
        wire!(reaped = self.waited("reap", REAP_CYCLES));
        wire!(untracked = self.waited("untrack", UNTRACK_CYCLES));
        wire!(retracked = self.waited("retrack", RETRACK_CYCLES));

        let scrubs = self.scrubs.value();
        let idle = self.at("idle");
        // Words that cannot be put right are wanted again and again: an update waits for so many and no more.
        wire!(scrub_due = idle & turns.scrub_wanted);
        wire!(update_due = idle & turns.offered);
        let enough = scrubs_are_enough(m, w, scrub_due, update_due);
        wire!(begins_scrub = scrub_due & !(turns.offered & enough));
        wire!(begins = update_due | scrub_due);
        self.scrubs.next(idle.select(begins_scrub, scrubs));

        let has_passed = m.delay("had_last_pass", self.pass.value().equals(turns.last_pass));
        let accepts_token = m.delay("accepts_token", self.pass.value().equals(turns.accept_pass) & !scrubs);
        let fences = m.delay("fences", turns.is_fence & !self.pass.value().any());
        wire!(more_passes = !(has_passed | turns.gives_up));
        wire!(token_through = self.at("travel") & turns.token_done);
        wire!(walked = self.at("walk") & turns.walk_done);
        wire!(counts_on = token_through & more_passes & !fences | walked);
        let next_pass = self.pass.value().plus(1u32);
        self.pass.next(idle.select(m.zero(PASS), counts_on.select(next_pass, self.pass.value())));

        let route = |name: &str, when| m.delay(&format!("goes_to_{name}"), when);
        wire!(accepted = !(scrubs | turns.is_refused));
        wire!(written_back = scrubs & !turns.scrub_fails);
        wire!(is_plain = !(turns.is_harvest | turns.is_track));
        let goes_to_idle = route("idle", scrubs & turns.scrub_fails);
        let goes_to_store = route("store", written_back & turns.scrub_is_local);
        let goes_to_refuse = route("refuse", !scrubs & turns.is_refused);
        let goes_to_reap = route("reap", accepted & turns.is_harvest);
        let goes_to_untrack = route("untrack", accepted & turns.is_track);
        let goes_to_local = route("local", accepted & is_plain & turns.is_local);
        let travels = accepted & is_plain & !turns.is_local;
        let goes_to_prepare = route("prepare", travels | written_back & !turns.scrub_is_local);

        let stages = m.delay("stages", turns.is_stage & !scrubs);
        let (searched, swept) = (self.at("scan") & turns.scan_done, self.at("sweep") & turns.sweep_last);
        let (local, store) = (self.at("local"), self.at("store"));
        wire!(granted = self.at("commit") & turns.commit_granted);
        let stays = |name: &str, over: Signal<'m>| self.at(name) & !over;
        let passed = token_through & !fences & !more_passes;
        let next = [
            ("idle", idle & !begins | self.at("answer") | store & scrubs | judged & goes_to_idle),
            ("take", begins | stays("take", taken)),
            ("stage", taken & stages),
            ("look", taken & !stages | stays("look", looked)),
            ("scan", looked & turns.searches | stays("scan", turns.scan_done)),
            ("judge", looked & !turns.searches | searched | stays("judge", judged)),
            ("refuse", judged & goes_to_refuse),
            ("local", judged & goes_to_local | reaped | untracked & !turns.starts_tracking | retracked),
            ("prepare", judged & goes_to_prepare | counts_on),
            ("commit", self.at("prepare") | stays("commit", turns.commit_granted)),
            ("travel", granted | stays("travel", turns.token_done)),
            ("drain", token_through & fences | stays("drain", fence_over)),
            ("walk", fence_over & turns.is_clear_table | stays("walk", turns.walk_done)),
            ("reap", judged & goes_to_reap | stays("reap", reaped)),
            ("untrack", judged & goes_to_untrack | stays("untrack", untracked)),
            ("sweep", untracked & turns.starts_tracking | stays("sweep", turns.sweep_last)),
            ("retrack", swept | stays("retrack", retracked)),
            (
                "store",
                judged & goes_to_store
                    | local & turns.is_local_write
                    | passed
                    | fence_over & !turns.is_clear_table,
            ),
            ("reply", self.at("stage") | self.at("refuse") | local & !turns.is_local_write | store & !scrubs),
            ("answer", self.at("reply")),
        ];
        assert_eq!(next.len(), STATES.len(), "every state is entered");
        for (name, when) in next {
            self.state(name).next(when);
        }
        let one = self.states.iter().map(|state| state.value().zero_extend(5)).reduce(|a, b| a + b);
        let one = one.expect("there are states").is(1u32);
        m.assert_always("one_state", one, "the sequence is in one state");

        wire!(accepts = self.at("stage") | self.at("refuse") | local | granted & accepts_token);
        Milestones { accepts, looked, judged, fence_over }
    }
}

/// Words enough were written back while an update waited: it takes its turn, and the next one counts anew.
fn scrubs_are_enough<'m>(
    m: &'m ModuleBuilder,
    w: &Widths,
    wanted: Signal<'m>,
    offered: Signal<'m>,
) -> Signal<'m> {
    if w.config.protection != Protection::Secded {
        return m.bit(false);
    }
    let count = m.register("scrubs_in_a_row", SCRUBS_IN_A_ROW.ilog2()).reset_to(0u32).enabled_by(offered);
    count.next(count.value().plus(1u32).gated_by(wanted));
    count.value().all()
}

/// Cycles in which something is known or done.
pub(crate) struct Milestones<'m> {
    /// The update is accepted.
    pub(crate) accepts: Signal<'m>,
    /// All that was to be looked up stands.
    pub(crate) looked: Signal<'m>,
    /// The judgement stands.
    pub(crate) judged: Signal<'m>,
    /// The fence is over.
    pub(crate) fence_over: Signal<'m>,
}
