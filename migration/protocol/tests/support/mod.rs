//! Two machines, an arbiter and a bad network around the state machines of this crate, for an exhaustive checker.

use std::collections::BTreeSet;

use stagecoach_protocol::{
    Address, Arbiter, Arbitration, CardOperation, Decision, Effect, Epoch, Input, Machine, Message, Phase,
    Record,
};
use stateright::{Model, Property};

/// How many of each may happen.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Moves that the operator asks for, in either direction.
    pub moves: u8,
    /// Crashes, of either machine.
    pub crashes: u8,
    /// Writes of clients into the VM's memory.
    pub writes: u8,
    /// Attempts that an operator or a deadline gives up.
    pub give_ups: u8,
}

/// A mistake built in on purpose: the checker must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// None.
    None,
    /// A prepared destination serves when it has waited long enough.
    ServesOnTimeout,
    /// What stands in the journal gets there after everything else was done.
    JournalLast,
    /// The last record of the journal is lost in a crash.
    JournalForgets,
    /// The final pages are read before the fence is over.
    FinalBeforeFence,
    /// A source that waits for the arbiter thaws on its own.
    UncertainThaws,
}

impl Mistake {
    /// Every mistake.
    pub const ALL: [Mistake; 5] = [
        Mistake::ServesOnTimeout,
        Mistake::JournalLast,
        Mistake::JournalForgets,
        Mistake::FinalBeforeFence,
        Mistake::UncertainThaws,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Empty,
    Frozen,
    Granting,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    alive: bool,
    machine: Machine,
    journal: Vec<Record>,
    table: Table,
    /// The highest epoch that the card has seen.
    seen: Epoch,
    /// Which of the VM's writes are in this machine's copy of its memory: how many.
    memory: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    nodes: [Node; 2],
    arbiter: Arbiter,
    /// What was ever sent: all of it may come at any time, more than once, or never.
    network: BTreeSet<(usize, Message<u8>)>,
    writes: u8,
    left: [u8; 4],
    /// The highest epoch that anybody served at.
    served: Epoch,
    stale_bind: bool,
    thaw_after_commit: bool,
}

/// A process ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crash {
    /// After so many effects.
    after: usize,
    /// It ends alone: the card keeps its table, and goes on as it is told last.
    card_survives: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// An input of a node, which crashes while it answers, if at all.
    Input(usize, Input<u8>, Option<Crash>),
    /// A node begins again.
    Restart(usize, Option<Crash>),
    /// The arbiter hears a node.
    Ask(usize, Epoch, Decision),
    /// A client writes where the VM is served.
    Write(usize),
}

const ARBITER: usize = 2;
const MOST_EFFECTS: usize = 3;
const MOVES: usize = 0;
const CRASHES: usize = 1;
const WRITES: usize = 2;
const GIVE_UPS: usize = 3;

#[derive(Clone, Debug)]
pub struct System {
    pub arbitration: Arbitration,
    pub budget: Budget,
    pub mistake: Mistake,
}

impl Model for System {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let first = Epoch(1);
        let node =
            |machine, journal, table, seen| Node { alive: true, machine, journal, table, seen, memory: 0 };
        let source = Machine::serving(self.arbitration, first);
        let Budget { moves, crashes, writes, give_ups } = self.budget;
        vec![State {
            nodes: [
                node(source, vec![Record::Serves(first)], Table::Granting, first),
                node(Machine::absent(self.arbitration), vec![], Table::Empty, Epoch(0)),
            ],
            arbiter: Arbiter::default(),
            network: BTreeSet::new(),
            writes: 0,
            left: [moves, crashes, writes, give_ups],
            served: first,
            stale_bind: false,
            thaw_after_commit: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, node) in state.nodes.iter().enumerate() {
            if node.table == Table::Granting && state.left[WRITES] > 0 {
                actions.push(Action::Write(number));
            }
            if !node.alive {
                self.with_crashes(state, actions, |crash| Action::Restart(number, crash));
                continue;
            }
            let mut inputs = vec![Input::Timeout];
            if state.left[MOVES] > 0 {
                inputs.push(Input::Move);
            }
            if state.left[GIVE_UPS] > 0 {
                inputs.push(Input::GiveUp);
            }
            if matches!(node.machine.phase(), Phase::PreCopy { .. }) {
                inputs.push(Input::Converged);
            }
            let here = state.network.iter().filter(|(to, _)| *to == number);
            inputs.extend(here.map(|(_, message)| Input::Message(message.clone())));
            for input in inputs {
                self.with_crashes(state, actions, |crash| Action::Input(number, input.clone(), crash));
            }
        }
        for (to, message) in &state.network {
            if let Message::Ask(epoch, wish) = message {
                actions.push(Action::Ask(*to - ARBITER, *epoch, *wish));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Input(number, input, crash) => {
                match input {
                    Input::Move => next.left[MOVES] -= 1,
                    Input::GiveUp => next.left[GIVE_UPS] -= 1,
                    _ => {}
                }
                let effects = self.hears(&mut next, number, input)?;
                self.runs(&mut next, number, effects, crash)?;
            }
            Action::Restart(number, crash) => {
                let effects = self.restarts(&mut next, number);
                self.runs(&mut next, number, effects, crash)?;
            }
            Action::Ask(from, epoch, wish) => {
                let decision = next.arbiter.ask(epoch, wish);
                next.network.insert((from, Message::Decided(epoch, decision)));
            }
            Action::Write(number) => {
                next.left[WRITES] -= 1;
                next.write(number);
            }
        }
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<System>> {
        let mut properties = vec![
            Property::always("at most one machine grants", |_, state: &State| {
                state.nodes.iter().filter(|node| node.table == Table::Granting).count() <= 1
            }),
            Property::always("no completed write is missing where the VM is served", |_, state: &State| {
                let granting = state.nodes.iter().filter(|node| node.table == Table::Granting);
                granting.into_iter().all(|node| node.memory == state.writes)
            }),
            Property::always("no thaw after COMMIT", |_, state: &State| !state.thaw_after_commit),
            Property::always("no stale bind", |_, state: &State| !state.stale_bind),
            Property::always("exactly one serves once both can talk", |system: &System, state: &State| {
                system.settles(state)
            }),
            Property::always("who can ask the arbiter learns what became of it", |system: &System, state| {
                system.learns(state)
            }),
        ];
        if self.budget.moves > 1 {
            properties.push(Property::sometimes("the VM comes back", |_, state: &State| {
                state.nodes[0].table == Table::Granting && state.served >= Epoch(3)
            }));
        }
        properties
    }
}

impl System {
    fn with_crashes(
        &self,
        state: &State,
        actions: &mut Vec<Action>,
        action: impl Fn(Option<Crash>) -> Action,
    ) {
        actions.push(action(None));
        if state.left[CRASHES] > 0 {
            for after in 0..MOST_EFFECTS {
                let crash = |card_survives| Some(Crash { after, card_survives });
                actions.extend([false, true].map(|survives| action(crash(survives))));
            }
        }
    }

    fn hears(&self, state: &mut State, number: usize, input: Input<u8>) -> Option<Vec<Effect<u8>>> {
        let machine = &mut state.nodes[number].machine;
        let input = match (self.mistake, machine.phase(), input) {
            (Mistake::ServesOnTimeout, Phase::Prepared { attempt }, Input::Timeout) => {
                Input::Message(Message::Commit(attempt))
            }
            (Mistake::UncertainThaws, Phase::Frozen { attempt, .. }, Input::Timeout) => {
                Input::Message(Message::Decided(attempt, Decision::Abort))
            }
            (_, _, input) => input,
        };
        machine.on(input).ok()
    }

    fn restarts(&self, state: &mut State, number: usize) -> Vec<Effect<u8>> {
        let node = &mut state.nodes[number];
        let (machine, effects) = Machine::restart(self.arbitration, &node.journal);
        (node.machine, node.alive) = (machine, true);
        node.forget();
        effects
    }

    /// Carries effects out; nothing if a crash was asked for behind more of them than there are.
    fn runs(
        &self,
        state: &mut State,
        number: usize,
        mut effects: Vec<Effect<u8>>,
        crash: Option<Crash>,
    ) -> Option<()> {
        if crash.is_some_and(|crash| crash.after > effects.len()) {
            return None;
        }
        match self.mistake {
            Mistake::JournalLast => effects.sort_by_key(|effect| matches!(effect, Effect::Journal(_))),
            Mistake::FinalBeforeFence => {
                effects.sort_by_key(|effect| !matches!(effect, Effect::SendFinal(_)))
            }
            _ => {}
        }
        let count = effects.len();
        for effect in effects.into_iter().take(crash.map_or(count, |crash| crash.after)) {
            // A client's write may come in before the fence, wherever one still may.
            let fence = effect == Effect::Card(CardOperation::Freeze);
            if fence && self.mistake == Mistake::FinalBeforeFence && state.left[WRITES] > 0 {
                state.left[WRITES] -= 1;
                state.write(number);
            }
            state.does(number, effect);
        }
        if let Some(crash) = crash {
            state.left[CRASHES] -= 1;
            let node = &mut state.nodes[number];
            node.alive = false;
            if !crash.card_survives {
                node.forget();
            }
            // What it thought is gone; equal states shall be equal.
            node.machine = Machine::absent(self.arbitration);
            if self.mistake == Mistake::JournalForgets {
                node.journal.pop();
            }
        }
        Some(())
    }

    /// Everything that is under way is heard, nothing is lost and nobody crashes; what waits is given up in the end.
    fn settles(&self, state: &State) -> bool {
        let mut state = state.clone();
        for round in 0..12 {
            for number in 0..2 {
                let input = if round > 6 { Input::GiveUp } else { Input::Timeout };
                self.step(&mut state, number, input);
            }
            self.deliver(&mut state, &[0, 1]);
        }
        state.nodes.iter().filter(|node| node.table == Table::Granting).count() == 1
    }

    /// A machine that is frozen or prepared talks with the arbiter's node alone.
    fn learns(&self, state: &State) -> bool {
        let waits = |state: &State, number: usize| {
            let phase = state.nodes[number].machine.phase();
            matches!(phase, Phase::Frozen { .. } | Phase::Prepared { .. })
        };
        self.arbitration == Arbitration::OwnJournal
            || (0..2).all(|number| {
                let mut state = state.clone();
                // The first may be a restart.
                for input in [Input::Timeout, Input::Timeout, Input::GiveUp] {
                    self.step(&mut state, number, input);
                    self.deliver(&mut state, &[number]);
                }
                state.nodes[number].alive && !waits(&state, number)
            })
    }

    fn step(&self, state: &mut State, number: usize, input: Input<u8>) {
        let effects = if state.nodes[number].alive {
            self.hears(state, number, input).unwrap_or_default()
        } else {
            self.restarts(state, number)
        };
        self.runs(state, number, effects, None);
    }

    fn deliver(&self, state: &mut State, reachable: &[usize]) {
        for _ in 0..4 {
            for (to, message) in state.network.clone() {
                match message {
                    Message::Ask(epoch, wish) => {
                        let from = to - ARBITER;
                        if reachable.contains(&from) {
                            let decision = state.arbiter.ask(epoch, wish);
                            state.network.insert((from, Message::Decided(epoch, decision)));
                        }
                    }
                    // A machine that was unreachable has its say later.
                    message if reachable.contains(&to) && (reachable.len() == 2 || is_decision(&message)) => {
                        self.step(state, to, Input::Message(message));
                    }
                    _ => {}
                }
            }
        }
    }
}

fn is_decision(message: &Message<u8>) -> bool {
    matches!(message, Message::Decided(..))
}

impl Node {
    /// The card's table is gone: by a crash, or since a process that starts begins with none.
    fn forget(&mut self) {
        (self.table, self.seen) = (Table::Empty, Epoch(0));
    }
}

impl State {
    fn write(&mut self, number: usize) {
        self.writes += 1;
        self.nodes[number].memory += 1;
    }

    fn does(&mut self, number: usize, effect: Effect<u8>) {
        let node = &mut self.nodes[number];
        match effect {
            Effect::Journal(record) => node.journal.push(record),
            Effect::Card(operation) => self.card(number, operation),
            Effect::Send(Address::Peer, message) => {
                self.network.insert((1 - number, message));
            }
            Effect::Send(Address::Arbiter, message) => {
                self.network.insert((ARBITER + number, message));
            }
            Effect::SendFinal(attempt) => {
                self.network.insert((1 - number, Message::Final(attempt, node.memory)));
            }
        }
    }

    fn card(&mut self, number: usize, operation: CardOperation<u8>) {
        let node = &mut self.nodes[number];
        match operation {
            CardOperation::Track => {}
            CardOperation::Freeze => node.table = Table::Frozen,
            CardOperation::Thaw(epoch) => {
                let committed = |attempt: &Epoch| {
                    node.journal.contains(&Record::Committed(*attempt))
                        || self.arbiter.decision(*attempt) == Some(Decision::Commit)
                };
                let moved = |record: &Record| matches!(record, Record::Moves(attempt) if *attempt > epoch && committed(attempt));
                self.thaw_after_commit |= node.journal.iter().any(moved);
                if epoch == node.seen && node.table == Table::Frozen {
                    node.table = Table::Granting;
                }
            }
            CardOperation::Stage(attempt, memory) => {
                (node.table, node.seen, node.memory) = (Table::Frozen, attempt.before(), memory);
            }
            CardOperation::RebuildStaged(attempt) => {
                (node.table, node.seen) = (Table::Frozen, attempt.before());
            }
            CardOperation::RebuildServed(epoch) => (node.table, node.seen) = (Table::Frozen, epoch),
            CardOperation::Bind(epoch) => {
                if epoch > node.seen {
                    self.stale_bind |= epoch <= self.served;
                    self.served = self.served.max(epoch);
                    (node.table, node.seen) = (Table::Granting, epoch);
                }
            }
            CardOperation::Clear => (node.table, node.seen) = (Table::Empty, Epoch(0)),
        }
    }
}
