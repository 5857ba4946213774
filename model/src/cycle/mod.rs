//! # Cycle model
//!
//! *When* the mapping unit answers, to the cycle, under any stalls. *What* it answers is asked of the golden model
//! ([`Golden`]); here are delay lines, queues, credits and the states of an update, with their cycles from the contract's
//! table ([`stagecoach_spec::latency`]).
//!
//! ```text
//!  request ──▶┌───────┐ way of  ┌────────┐ span or ┌──────┐ way of ┌─────────┐
//!  token ────▶│ front │────────▶│ expand │────────▶│ back │───────▶│ respond │──▶ beat
//!             └───────┘ request └────────┘ token   └──────┘ slot   └─────────┘
//!                 ▲   to decide   │    ▲  ▲                          │ │ │ └──▶ token is through
//!                 └─── places ────┘    │  └───────── places ─────────┘ │ └────▶ fences: formed, taken
//!                                      └──── flight: unused, retired ──┘
//!  command ──▶┌─────────┐ token ──▶ front              ┌────────┐
//!   answer ◀──│ updates │◀── is it drained? ───────────│ fences │◀── retirement
//!             └─────────┘                              └────────┘
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | `front` | the request port, the stages up to `decide` |
//! | `expand` | the queue and head that cut requests into spans |
//! | `back` | the stages `slot` and `respond`, the response port |
//! | `traveller` | what passes through them |
//! | `delay`, `places` | what they are made of: delay lines, credits |
//! | `flight` | spans that wait for their retirement |
//! | `fences` | beats under way by table and epoch |
//! | `updates`, `plan` | the states of an update, and which of them it passes |
//!
//! One thing is not foretold: after `inject` has flipped a bit, the unit writes corrected words back when it comes to it
//! (secded), and both protections may answer otherwise than the golden model where words are corrupt that do not matter.
//! Whoever compares stops at the first `inject`.

mod back;
mod delay;
mod expand;
mod fences;
mod flight;
mod front;
mod places;
mod plan;
mod traveller;
mod updates;

use stagecoach_spec::latency::RETIRE_CYCLES;
use stagecoach_spec::latency::updates::init_cycles;
use stagecoach_spec::{Answer, Beat, Command, Config, Request, Retirement, Stages};

use crate::Golden;
use back::Back;
use delay::Delay;
use expand::Expand;
use fences::Fences;
use flight::Flight;
use front::Front;
use traveller::Traveller;
use updates::{Brings, Updates};

/// What stands at the unit's inputs in a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The request that is offered, until it is accepted.
    pub request: Option<Request>,
    /// The beat is taken, if there is one.
    pub rsp_ready: bool,
    /// The command that is offered, until it is accepted.
    pub command: Option<Command>,
    /// A granted span is over.
    pub retirement: Option<Retirement>,
}

/// What stands at the unit's outputs in the same cycle. No output depends on an input of its own cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// A request would be accepted.
    pub req_ready: bool,
    /// The beat at the response port.
    pub beat: Option<Beat>,
    /// The command at the port is accepted.
    pub upd_ready: bool,
    /// The answer to the last command.
    pub answer: Option<Answer>,
    /// Everything is cleared after reset.
    pub init_done: bool,
}

/// The mapping unit, cycle by cycle.
///
/// ```
/// use stagecoach_model::cycle::{CycleModel, Inputs};
/// use stagecoach_spec::{Command, Preset, Stages, Update, latency::updates::UpdateCycles};
///
/// let config = Preset::Tiny.config();
/// let mut model = CycleModel::initialised(&config);
/// let command = Update::Thaw { table: 1 }.encode()[0];
/// let offer = Inputs { command: Some(command), ..Inputs::default() };
/// let refused = (0..).find(|_| model.step(&offer).upd_ready).unwrap();
/// let cycles = UpdateCycles::of(&config);
/// assert_eq!(refused, cycles.take + cycles.look + cycles.judge + 1);
/// ```
#[derive(Clone, Debug)]
pub struct CycleModel {
    now: u64,
    /// The first cycle with `init_done`.
    initialised: u64,
    golden: Golden,
    /// Until they count for harvests and the like.
    retirements: Delay<Retirement>,
    front: Front,
    expand: Expand,
    back: Back,
    flight: Flight,
    fences: Fences,
    updates: Updates,
}

impl CycleModel {
    /// A unit whose reset has just ended: the first step is the first cycle without it.
    ///
    /// The configuration is taken as checked ([`Config::validate`]).
    pub fn new(config: &Config) -> CycleModel {
        let stages = Stages::of(config);
        CycleModel {
            now: 0,
            initialised: init_cycles(config),
            golden: Golden::new(config),
            retirements: Delay::new(RETIRE_CYCLES),
            front: Front::new(&stages),
            expand: Expand::new(),
            back: Back::new(&stages),
            flight: Flight::new(config.max_in_flight),
            fences: Fences::new(),
            updates: Updates::new(config),
        }
    }

    /// A unit whose first step is the first cycle with `init_done` high.
    pub fn initialised(config: &Config) -> CycleModel {
        // Nothing happens before.
        CycleModel { initialised: 0, ..CycleModel::new(config) }
    }

    /// Plays a cycle.
    ///
    /// The senders keep to the ports' rules: what is offered stays until it is accepted, and no span is retired twice.
    pub fn step(&mut self, inputs: &Inputs) -> Outputs {
        let now = self.now;
        self.now += 1;
        while let Some(retirement) = self.retirements.due(now) {
            self.golden.retire(&retirement);
        }
        self.front.begin(now);
        self.expand.begin(now);
        self.flight.begin(now);
        self.fences.begin(now);

        let init_done = now >= self.initialised;
        let may_enter = init_done && self.front.has_place();
        let granted = may_enter && self.updates.wants_token();
        let outputs = Outputs {
            req_ready: may_enter && !self.updates.wants_token(),
            beat: self.back.shown(),
            upd_ready: self.updates.accepts(granted),
            answer: self.updates.answer(),
            init_done,
        };

        if granted {
            self.front.enter(now, Traveller::Token);
        }
        if let Some(request) = inputs.request.filter(|_| outputs.req_ready) {
            let (verdict, beats) = self.golden.answer(&request);
            self.front.enter(now, Traveller::request(&request, &verdict, beats));
        }
        if outputs.upd_ready {
            // A request of the same cycle came before.
            let answer = self.golden.command(&self.updates.command());
            self.updates.accepted(answer);
        }
        if let Some(retirement) = inputs.retirement {
            self.retirements.send(now, retirement);
            self.flight.retired(now);
            self.fences.retired(now, &retirement);
        }

        let brings = Brings {
            offered: inputs.command.as_ref().filter(|_| init_done),
            granted,
            through: self.back.token_through(now),
            fences: &self.fences,
        };
        self.updates.step(&brings);
        if self.back.step(now, inputs.rsp_ready, &mut self.flight, &mut self.fences) {
            self.expand.give_back(now);
        }
        let arriving = self.front.arriving(now);
        let expanded = self.expand.step(now, arriving, &mut self.flight);
        if expanded.loaded {
            self.front.give_back(now);
        }
        if let Some(issued) = expanded.issued {
            self.back.enter(now, issued);
        }
        outputs
    }
}
