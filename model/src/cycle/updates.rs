//! The update port: one update at a time, state by state.
//!
//! ```text
//!  Idle ─▶ Take ─┬▶ Look ─▶ (Search) ─▶ Judge ─┬─▶ Refuse ─────────────────────────────────────────────────┬─▶ Reply ─▶ Answer
//!                │                             ├─▶ (Reap | Untrack ─▶ Sweep ─▶ Retrack) ─▶ Local ─▶ (Store) ┤
//!                │                             └─▶ Prepare ─▶ Commit ─▶ Travel ─▶ (Drain ─▶ (Walk)) ─▶ Store ┘
//!                │                                    ▲                    │                    │
//!                │                                    └────────────────────┴────────────────────┘ another token
//!                └▶ Stage ─▶ Reply
//! ```

use stagecoach_spec::latency::updates::UpdateCycles;
use stagecoach_spec::{Answer, Command, Config, UpdateOp};

use super::fences::Fences;
use super::plan::{Plan, Storing, Tokens, Way, plan};
use crate::Golden;

/// Where the update stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Take,
    Stage,
    Look,
    Search,
    Judge,
    Refuse,
    Reap,
    Untrack,
    Sweep,
    Retrack,
    Local,
    Prepare,
    Commit,
    Travel,
    Drain,
    Walk,
    Store,
    Reply,
    Answer,
}

/// The sequence.
#[derive(Clone, Debug)]
pub(super) struct Updates {
    cycles: UpdateCycles,
    state: State,
    /// Cycles in that state before this one.
    waited: u64,
    command: Command,
    plan: Plan,
    /// The number of the token that is meant.
    token: u32,
    answer: Answer,
    /// Has seen the commands up to the one that is being worked on, and no requests.
    ahead: Golden,
}

/// What a cycle brings.
pub(super) struct Brings<'a> {
    /// A command is at the port, and may be taken up.
    pub(super) offered: Option<&'a Command>,
    /// The token enters.
    pub(super) granted: bool,
    /// It has passed everything.
    pub(super) through: bool,
    pub(super) fences: &'a Fences,
}

impl Updates {
    pub(super) fn new(config: &Config) -> Updates {
        Updates {
            cycles: UpdateCycles::of(config),
            state: State::Idle,
            waited: 0,
            command: Command::default(),
            plan: Plan { searches: false, way: Way::Refused },
            token: 0,
            answer: Ok(0),
            ahead: Golden::new(config),
        }
    }

    /// A token waits to enter.
    pub(super) fn wants_token(&self) -> bool {
        self.state == State::Commit
    }

    /// The update is accepted in this cycle, in which its token may have been `granted`.
    pub(super) fn accepts(&self, granted: bool) -> bool {
        match self.state {
            State::Stage | State::Refuse | State::Local => true,
            State::Commit => granted && self.tokens().accepted_with == self.token,
            _ => false,
        }
    }

    /// Which command it is.
    pub(super) fn command(&self) -> Command {
        self.command
    }

    /// What it will be answered.
    pub(super) fn accepted(&mut self, answer: Answer) {
        self.answer = answer;
    }

    /// The answer, in its cycle.
    pub(super) fn answer(&self) -> Option<Answer> {
        (self.state == State::Answer).then_some(self.answer)
    }

    pub(super) fn step(&mut self, brings: &Brings<'_>) {
        let next = self.next(brings);
        self.waited = if next == self.state { self.waited + 1 } else { 0 };
        self.state = next;
    }

    fn next(&mut self, brings: &Brings<'_>) -> State {
        let cycles = self.cycles;
        match self.state {
            State::Idle => brings.offered.map_or(State::Idle, |command| self.begin(command)),
            State::Take if !self.lasted(cycles.take) => State::Take,
            State::Take if self.command.op == UpdateOp::Stage.code() => State::Stage,
            State::Take => State::Look,
            State::Stage | State::Refuse | State::Store => State::Reply,
            State::Look if !self.lasted(cycles.look) => State::Look,
            State::Look if self.plan.searches => State::Search,
            State::Look => State::Judge,
            State::Search => self.stay_for(cycles.search, State::Judge),
            State::Judge if !self.lasted(cycles.judge) => State::Judge,
            State::Judge => match self.plan.way {
                Way::Refused => State::Refuse,
                Way::Local(_) => State::Local,
                Way::Harvest => State::Reap,
                Way::Untrack | Way::Retrack { .. } => State::Untrack,
                Way::Tokens(_) => State::Prepare,
            },
            State::Reap => self.stay_for(cycles.reap, State::Local),
            State::Untrack => match self.plan.way {
                Way::Retrack { .. } => self.stay_for(cycles.untrack, State::Sweep),
                _ => self.stay_for(cycles.untrack, State::Local),
            },
            State::Sweep => match self.plan.way {
                Way::Retrack { words } if self.waited + 1 < UpdateCycles::sweep(words) => State::Sweep,
                _ => State::Retrack,
            },
            State::Retrack => self.stay_for(cycles.retrack, State::Local),
            State::Local => match self.plan.way {
                Way::Local(Storing::Nothing) | Way::Harvest => State::Reply,
                _ => State::Store,
            },
            State::Prepare => State::Commit,
            State::Commit if brings.granted => State::Travel,
            State::Commit => State::Commit,
            State::Travel if !brings.through => State::Travel,
            State::Travel => match self.tokens() {
                Tokens { fence: Some(_), .. } if self.token == 0 => State::Drain,
                _ => self.next_token(),
            },
            State::Drain => match self.tokens() {
                Tokens { fence: Some(era), .. } if !brings.fences.drained(era) => State::Drain,
                Tokens { walk: Some(_), .. } => self.stay_for(cycles.drain, State::Walk),
                _ => self.stay_for(cycles.drain, State::Store),
            },
            State::Walk if !self.lasted(self.tokens().walk.unwrap_or(0)) => State::Walk,
            State::Walk => self.next_token(),
            State::Reply => State::Answer,
            State::Answer => State::Idle,
        }
    }

    fn begin(&mut self, command: &Command) -> State {
        self.command = *command;
        self.token = 0;
        if command.op == UpdateOp::Stage.code() {
            // The words are staged for whoever comes next; a refusal changes nothing, whatever the reason.
            self.plan = Plan { searches: false, way: Way::Local(Storing::Nothing) };
            let _ = self.ahead.command(command);
        } else {
            self.plan = plan(&mut self.ahead, command);
        }
        State::Take
    }

    fn next_token(&mut self) -> State {
        if self.token == self.tokens().last {
            return State::Store;
        }
        self.token += 1;
        State::Prepare
    }

    fn tokens(&self) -> Tokens {
        match self.plan.way {
            Way::Tokens(tokens) => tokens,
            _ => Tokens::ONE,
        }
    }

    /// This is the last cycle of a state that takes so many, or later.
    fn lasted(&self, cycles: u32) -> bool {
        self.waited + 1 >= u64::from(cycles)
    }

    fn stay_for(&self, cycles: u32, then: State) -> State {
        if self.lasted(cycles) { then } else { self.state }
    }
}
