//! Part of block `update`: the sequence of states that an update goes through. See the picture at [`crate::update`].

use std::sync::Arc;

use stagecoach_hdl::{Enumeration, ModuleBuilder, RegisterHandle, Signal, wire};

use stagecoach_spec::Protection;
use stagecoach_spec::latency::RETIRE_CYCLES;
use stagecoach_spec::latency::updates::UpdateCycles;

use crate::widths::Widths;
use crate::{counters, dirty, fence, install_check, retire, track_check, update_check};

/// Cycles of LOOK: the record (3 from the arguments, and its check), the notes on region and slot (4 more, and theirs),
/// the arithmetic, the judgement.
fn look_cycles(w: &Widths) -> u64 {
    let arithmetic = install_check::CYCLES.max(track_check::CYCLES);
    u64::from(8 + 2 * w.check_cycles() + arithmetic + update_check::CYCLES)
}

/// Cycles of JUDGE: the judgement again, after a search.
const JUDGE_CYCLES: u64 = 1 + update_check::CYCLES as u64;

/// Cycles of DRAIN before the fence's word is taken for true: a beat ahead of the token was counted when the token was
/// through, and the watched tallies lag a little more.
const DRAIN_CYCLES: u64 = (fence::SETTLE_CYCLES - counters::CYCLES) as u64;

/// Cycles of REAP: the word is asked for through a register.
const REAP_CYCLES: u64 = 1 + dirty::HARVEST_CYCLES as u64;

/// Cycles of UNTRACK: tracking is off, through a register, and no retirement that saw it on sets a bit any more.
const UNTRACK_CYCLES: u64 = 2 + retire::SET_CYCLES as u64;

/// Cycles of RETRACK, so that `track` is accepted as long after tracking is on as `harvest` is after its word was read:
/// then one number, `RETIRE_CYCLES`, says for both which retirements came before.
const RETRACK_CYCLES: u64 = (RETIRE_CYCLES - 1 - retire::TRACK_LAG) as u64;

// A harvest is asked for one cycle into REAP, and accepted two cycles after REAP has its word.
const _: () = assert!(RETIRE_CYCLES == retire::SET_CYCLES + dirty::HARVEST_CYCLES + 1);

/// The contract counts the cycles of a state; here are those that are waited for in it, one less.
fn assert_latencies(w: &Widths) {
    let cycles = UpdateCycles::of(&w.config);
    let states = [
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
}

/// A word less may be written back while an update waits. Each of the five memories gets its turn, and one more for what
/// was read before its word was written.
const SCRUBS_IN_A_ROW: u32 = 16;

/// Bits of the number of a token of one update: `clear_table` sends one and then one for each counter.
pub(crate) const PASS: u32 = 4;

/// What decides where the sequence goes.
pub(crate) struct Turns<'m> {
    /// An update is at the port, and everything is initialised.
    pub(crate) offered: Signal<'m>,
    /// It is `stage`.
    pub(crate) offers_stage: Signal<'m>,
    /// A corrected word is to be written back.
    pub(crate) scrub_wanted: Signal<'m>,
    /// The update needs a search.
    pub(crate) searches: Signal<'m>,
    /// The search is over.
    pub(crate) scan_done: Signal<'m>,
    /// Why the update is refused, 0 if it is not.
    pub(crate) error: Signal<'m>,
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

/// The states.
pub(crate) struct Sequence<'m> {
    m: &'m ModuleBuilder,
    states: Arc<Enumeration>,
    state: RegisterHandle<'m>,
    wait: RegisterHandle<'m>,
    pass: RegisterHandle<'m>,
    scrubs: RegisterHandle<'m>,
}

/// Bits of the counter of waits.
const WAIT: u32 = 6;

impl<'m> Sequence<'m> {
    pub(crate) fn new(m: &'m ModuleBuilder) -> Sequence<'m> {
        let names = [
            "idle", "stage", "look", "scan", "judge", "refuse", "local", "commit", "travel", "drain", "walk",
            "reap", "untrack", "sweep", "retrack", "store", "answer",
        ];
        let variants: Vec<_> = names.iter().zip(0u64..).map(|(name, code)| (*name, code)).collect();
        let states = Enumeration::new("state", 5, &variants);
        Sequence {
            m,
            states,
            state: m.register("state", 5).reset_to(0u32),
            wait: m.register("wait_cycles", WAIT).reset_to(0u32),
            pass: m.register("pass", PASS).reset_to(0u32),
            scrubs: m.register("scrubs", 1).reset_to(0u32),
        }
    }

    /// The sequence is in a state.
    pub(crate) fn at(&self, name: &str) -> Signal<'m> {
        self.state.value().equals(self.m.variant(&self.states, name))
    }

    /// The first cycle of a state that waits.
    pub(crate) fn first_of(&self, name: &str) -> Signal<'m> {
        self.at(name) & !self.wait.value().any()
    }

    /// The number of the token that is meant, from 0.
    pub(crate) fn pass(&self) -> Signal<'m> {
        self.pass.value()
    }

    /// No update is worked on, but a word is written back.
    pub(crate) fn scrubs(&self) -> Signal<'m> {
        self.scrubs.value()
    }

    /// Drives the registers; gives when the update is accepted and when its judgement is known.
    pub(crate) fn run(&self, w: &Widths, turns: &Turns<'m>) -> Milestones<'m> {
        assert_latencies(w);
        let m = self.m;
        let go = |name: &str| m.variant(&self.states, name);
        let waited =
            |name: &str, cycles: u64| self.at(name) & self.wait.value().at_least(m.constant(WAIT, cycles));
        wire!(looked = waited("look", look_cycles(w)));
        wire!(judged = waited("judge", JUDGE_CYCLES));
        wire!(fence_over = waited("drain", DRAIN_CYCLES) & turns.drained);
        wire!(reaped = waited("reap", REAP_CYCLES));
        wire!(untracked = waited("untrack", UNTRACK_CYCLES));
        wire!(retracked = waited("retrack", RETRACK_CYCLES));
        wire!(wait_over = looked | judged | fence_over | reaped | untracked | retracked);
        let waiting = ["look", "judge", "drain", "reap", "untrack", "retrack"];
        let waits = waiting.iter().map(|name| self.at(name)).reduce(|a, b| a | b).expect("some states wait");
        let longer = self.wait.value() + (!self.wait.value().all()).zero_extend(WAIT);
        self.wait.next((waits & !wait_over).select(longer, m.zero(WAIT)));

        let scrubs = self.scrubs.value();
        let idle = self.at("idle");
        // Words that cannot be put right are wanted again and again: an update waits for so many and no more.
        wire!(scrub_due = idle & turns.scrub_wanted);
        wire!(update_due = idle & turns.offered);
        let enough = scrubs_are_enough(m, w, scrub_due, update_due);
        wire!(begins_scrub = scrub_due & !(turns.offered & enough));
        wire!(begins = update_due & !begins_scrub);
        self.scrubs.next(idle.select(begins_scrub, scrubs));
        wire!(more_passes = self.pass.value().differs(turns.last_pass) & !turns.gives_up);
        wire!(token_through = self.at("travel") & turns.token_done);
        let next_pass = self.pass.value().plus(1u32);
        let from_walk = self.at("walk") & turns.walk_done;
        wire!(fences = turns.is_fence & !self.pass.value().any());
        let counts_on = token_through & more_passes & !fences;
        self.pass
            .next(idle.select(m.zero(PASS), (counts_on | from_walk).select(next_pass, self.pass.value())));

        let after_begin = turns.offers_stage.select(go("stage"), go("look"));
        let after_idle = begins_scrub.select(go("look"), begins.select(after_begin, go("idle")));
        let after_look = looked.select(turns.searches.select(go("scan"), go("judge")), go("look"));
        let after_scan = turns.scan_done.select(go("judge"), go("scan"));
        let accepted = turns.is_local.select(go("local"), go("commit"));
        let accepted = turns.is_track.select(go("untrack"), accepted);
        let accepted = turns.is_harvest.select(go("reap"), accepted);
        let of_update = turns.error.any().select(go("refuse"), accepted);
        let writes_back = turns.scrub_is_local.select(go("store"), go("commit"));
        let of_scrub = turns.scrub_fails.select(go("idle"), writes_back);
        let after_judge = judged.select(scrubs.select(of_scrub, of_update), go("judge"));
        let after_local = turns.is_local_write.select(go("store"), go("answer"));
        let after_commit = turns.commit_granted.select(go("travel"), go("commit"));
        let through = fences.select(go("drain"), more_passes.select(go("commit"), go("store")));
        let after_travel = turns.token_done.select(through, go("travel"));
        let after_fence = turns.is_clear_table.select(go("walk"), go("store"));
        let after_untrack = turns.starts_tracking.select(go("sweep"), go("local"));
        let next = [
            after_idle,
            go("answer"),
            after_look,
            after_scan,
            after_judge,
            go("answer"),
            after_local,
            after_commit,
            after_travel,
            fence_over.select(after_fence, go("drain")),
            turns.walk_done.select(go("commit"), go("walk")),
            reaped.select(go("local"), go("reap")),
            untracked.select(after_untrack, go("untrack")),
            turns.sweep_last.select(go("retrack"), go("sweep")),
            retracked.select(go("local"), go("retrack")),
            scrubs.select(go("idle"), go("answer")),
            go("idle"),
        ];
        self.state.next(self.state.value().choose(&next));

        let enters = self.at("commit") & turns.commit_granted & self.pass.value().equals(turns.accept_pass);
        wire!(accepts = self.at("stage") | self.at("refuse") | self.at("local") | enters & !scrubs);
        Milestones { begins, begins_scrub, accepts, looked, judged, fence_over }
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
    /// The update at the port is taken up.
    pub(crate) begins: Signal<'m>,
    /// A word to be written back is.
    pub(crate) begins_scrub: Signal<'m>,
    /// The update is accepted.
    pub(crate) accepts: Signal<'m>,
    /// All that was to be looked up stands.
    pub(crate) looked: Signal<'m>,
    /// The judgement stands.
    pub(crate) judged: Signal<'m>,
    /// The fence is over.
    pub(crate) fence_over: Signal<'m>,
}
