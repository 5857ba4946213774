//! One machine's part, as source and as destination.

use thiserror::Error;

use crate::words::{Address, Arbitration, CardOperation, Decision, Effect, Epoch, Input, Message, Record};

/// Where a machine stands with a VM. VFIO's name for the device's state follows each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing of the VM is here. (STOP)
    Absent,
    /// Serves it. (RUNNING)
    Serving {
        /// The epoch that it is served at.
        epoch: Epoch,
    },
    /// Serves it, and copies. (PRE_COPY)
    PreCopy {
        /// The epoch that it is served at.
        epoch: Epoch,
        /// The attempt.
        attempt: Epoch,
    },
    /// Frozen; the attempt is not decided as far as this machine knows. (STOP_COPY)
    Frozen {
        /// The epoch that it was served at.
        epoch: Epoch,
        /// The attempt.
        attempt: Epoch,
        /// [`Message::Final`] can be sent: this is no restart.
        whole: bool,
    },
    /// Frozen for ever: the destination serves, or will. (STOP_COPY)
    HandedOver {
        /// The attempt that succeeded.
        attempt: Epoch,
    },
    /// Takes pages and records in. (RESUMING)
    Staging {
        /// The attempt.
        attempt: Epoch,
    },
    /// Everything is here, frozen. (RESUMING)
    Prepared {
        /// The attempt.
        attempt: Epoch,
    },
}

/// The operator asked for what cannot be done now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The VM is not served here.
    #[error(
        "the VM is not served here ({0:?}), so it cannot be moved from here; ask the machine that serves it"
    )]
    NotServing(Phase),
}

/// A machine's part in the moves of one VM.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    arbitration: Arbitration,
    phase: Phase,
    /// The highest epoch that this machine has heard of: the next attempt's is above it.
    highest: Epoch,
}

impl Machine {
    /// One that serves the VM since its beginning.
    pub fn serving(arbitration: Arbitration, epoch: Epoch) -> Machine {
        Machine { arbitration, phase: Phase::Serving { epoch }, highest: epoch }
    }

    /// One that knows nothing of the VM.
    pub fn absent(arbitration: Arbitration) -> Machine {
        Machine { arbitration, phase: Phase::Absent, highest: Epoch(0) }
    }

    /// Where the durable word lies that hands a VM over.
    pub const fn arbitration(&self) -> Arbitration {
        self.arbitration
    }

    /// Where it stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// After a crash: goes on from its journal. The card has lost its tables.
    pub fn restart<Memory>(arbitration: Arbitration, journal: &[Record]) -> (Machine, Vec<Effect<Memory>>) {
        let mut machine = Machine::absent(arbitration);
        let mut served = Epoch(0);
        for record in journal {
            let (Record::Serves(epoch)
            | Record::Moves(epoch)
            | Record::Committed(epoch)
            | Record::Aborted(epoch)
            | Record::Prepared(epoch)
            | Record::Cleared(epoch)) = record;
            machine.highest = machine.highest.max(*epoch);
            if let Record::Serves(epoch) = record {
                served = *epoch;
            }
        }
        let rebuild = |epoch| Effect::Card(CardOperation::RebuildServed(epoch));
        let effects = match journal.last() {
            None | Some(Record::Cleared(_)) => vec![],
            Some(Record::Serves(_) | Record::Aborted(_)) => {
                machine.phase = Phase::Serving { epoch: served };
                vec![rebuild(served), Effect::Card(CardOperation::Thaw(served))]
            }
            Some(Record::Moves(attempt)) => {
                machine.phase = Phase::Frozen { epoch: served, attempt: *attempt, whole: false };
                vec![rebuild(served)]
            }
            Some(Record::Committed(attempt)) => {
                machine.phase = Phase::HandedOver { attempt: *attempt };
                vec![Effect::Send(Address::Peer, Message::Commit(*attempt))]
            }
            Some(Record::Prepared(attempt)) => {
                machine.phase = Phase::Prepared { attempt: *attempt };
                vec![
                    Effect::Card(CardOperation::RebuildStaged(*attempt)),
                    Effect::Send(Address::Peer, Message::Prepared(*attempt)),
                ]
            }
        };
        (machine, effects)
    }

    /// What is to be done about an input. A message that does not belong to what is under way is answered or dropped: it is
    /// late, or was repeated.
    ///
    /// # Errors
    /// The operator asked for what cannot be done now; nothing changes.
    pub fn on<Memory>(&mut self, input: Input<Memory>) -> Result<Vec<Effect<Memory>>, Refusal> {
        Ok(match input {
            Input::Move => return self.begins(),
            Input::Converged => self.converged(),
            Input::GiveUp => self.gives_up(),
            Input::Timeout => self.says_again(),
            Input::Message(message) => self.hears(message),
        })
    }

    fn begins<Memory>(&mut self) -> Result<Vec<Effect<Memory>>, Refusal> {
        let Phase::Serving { epoch } = self.phase else { return Err(Refusal::NotServing(self.phase)) };
        let attempt = self.highest.next();
        self.highest = attempt;
        self.phase = Phase::PreCopy { epoch, attempt };
        Ok(vec![
            Effect::Journal(Record::Moves(attempt)),
            Effect::Card(CardOperation::Track),
            Effect::Send(Address::Peer, Message::Begin(attempt)),
        ])
    }

    fn converged<Memory>(&mut self) -> Vec<Effect<Memory>> {
        let Phase::PreCopy { epoch, attempt } = self.phase else { return vec![] };
        self.phase = Phase::Frozen { epoch, attempt, whole: true };
        vec![Effect::Card(CardOperation::Freeze), Effect::SendFinal(attempt)]
    }

    fn gives_up<Memory>(&mut self) -> Vec<Effect<Memory>> {
        match (self.phase, self.arbitration) {
            // Nothing final was sent, so nobody can have committed.
            (Phase::PreCopy { epoch, attempt }, _) => {
                self.phase = Phase::Serving { epoch };
                let abort = Effect::Send(Address::Peer, Message::Abort(attempt));
                vec![Effect::Journal(Record::Aborted(attempt)), abort]
            }
            (Phase::Frozen { epoch, attempt, .. }, Arbitration::OwnJournal) => self.goes_on(epoch, attempt),
            (Phase::Frozen { attempt, .. }, Arbitration::Node) => {
                vec![Effect::Send(Address::Arbiter, Message::Ask(attempt, Decision::Abort))]
            }
            (Phase::Staging { .. }, _) => {
                self.phase = Phase::Absent;
                vec![Effect::Card(CardOperation::Clear)]
            }
            // A prepared destination waits: the source may have committed.
            _ => vec![],
        }
    }

    fn says_again<Memory>(&mut self) -> Vec<Effect<Memory>> {
        let ask = |attempt, wish| Effect::Send(Address::Arbiter, Message::Ask(attempt, wish));
        match (self.phase, self.arbitration) {
            (Phase::PreCopy { attempt, .. }, _) => vec![Effect::Send(Address::Peer, Message::Begin(attempt))],
            (Phase::Frozen { attempt, whole: true, .. }, _) => vec![Effect::SendFinal(attempt)],
            // The source alone knows that its attempt was cut off by a crash, and without a commit it has not committed.
            (Phase::Frozen { epoch, attempt, whole: false }, Arbitration::OwnJournal) => {
                self.goes_on(epoch, attempt)
            }
            (Phase::Frozen { attempt, whole: false, .. }, Arbitration::Node) => {
                vec![ask(attempt, Decision::Abort)]
            }
            (Phase::HandedOver { attempt }, _) => {
                vec![Effect::Send(Address::Peer, Message::Commit(attempt))]
            }
            (Phase::Prepared { attempt }, Arbitration::OwnJournal) => {
                vec![Effect::Send(Address::Peer, Message::Prepared(attempt))]
            }
            // Prepared means that the source froze and said so: the destination may ask for the commit itself.
            (Phase::Prepared { attempt }, Arbitration::Node) => {
                vec![ask(attempt, Decision::Commit), Effect::Send(Address::Peer, Message::Prepared(attempt))]
            }
            (Phase::Absent | Phase::Serving { .. } | Phase::Staging { .. }, _) => vec![],
        }
    }

    fn hears<Memory>(&mut self, message: Message<Memory>) -> Vec<Effect<Memory>> {
        match message {
            Message::Begin(attempt) if attempt > self.highest => {
                let mut effects = vec![];
                match self.phase {
                    Phase::Absent => {}
                    Phase::Staging { .. } => effects.push(Effect::Card(CardOperation::Clear)),
                    // The source gave that attempt up, or it would not begin another.
                    Phase::Prepared { attempt } => {
                        effects.push(Effect::Journal(Record::Cleared(attempt)));
                        effects.push(Effect::Card(CardOperation::Clear));
                    }
                    _ => return vec![],
                }
                self.highest = attempt;
                self.phase = Phase::Staging { attempt };
                effects
            }
            Message::Final(attempt, memory) if self.phase == (Phase::Staging { attempt }) => {
                self.phase = Phase::Prepared { attempt };
                vec![
                    Effect::Card(CardOperation::Stage(attempt, memory)),
                    Effect::Journal(Record::Prepared(attempt)),
                    Effect::Send(Address::Peer, Message::Prepared(attempt)),
                ]
            }
            Message::Final(attempt, _) => self.hears_final_again(attempt),
            Message::Prepared(attempt) => self.hears_prepared(attempt),
            Message::Refused(attempt) => match self.phase {
                Phase::Frozen { attempt: current, .. } if current == attempt => self.gives_up(),
                _ => vec![],
            },
            Message::Commit(attempt) | Message::Decided(attempt, Decision::Commit) => self.committed(attempt),
            Message::Abort(attempt) | Message::Decided(attempt, Decision::Abort) => self.aborted(attempt),
            Message::Resumed(attempt) => self.hears_resumed(attempt),
            Message::Begin(_) | Message::Ask(..) => vec![],
        }
    }

    /// A final that finds nothing staged, or comes twice: an answer was lost.
    fn hears_final_again<Memory>(&mut self, attempt: Epoch) -> Vec<Effect<Memory>> {
        // The BEGIN of this attempt was lost, and an older one is still here, which the source gave up: what came for that one is not
        // what this one needs.
        let given_up = match self.phase {
            Phase::Staging { attempt: older } if older < attempt => vec![],
            Phase::Prepared { attempt: older } if older < attempt => {
                vec![Effect::Journal(Record::Cleared(older))]
            }
            _ => return self.answers_final(attempt),
        };
        self.phase = Phase::Absent;
        let refused = Effect::Send(Address::Peer, Message::Refused(attempt));
        given_up.into_iter().chain([Effect::Card(CardOperation::Clear), refused]).collect()
    }

    fn answers_final<Memory>(&self, attempt: Epoch) -> Vec<Effect<Memory>> {
        let answer = match self.phase {
            Phase::Absent => Message::Refused(attempt),
            Phase::Prepared { attempt: current } if current == attempt => Message::Prepared(attempt),
            Phase::Serving { epoch } | Phase::PreCopy { epoch, .. } if epoch == attempt => {
                Message::Resumed(attempt)
            }
            _ => return vec![],
        };
        vec![Effect::Send(Address::Peer, answer)]
    }

    /// The destination serves, so COMMIT is durable, whether this machine has heard of it or not.
    fn hears_resumed<Memory>(&mut self, attempt: Epoch) -> Vec<Effect<Memory>> {
        let mut effects = match self.phase {
            Phase::HandedOver { attempt: current } if current == attempt => vec![],
            Phase::Frozen { attempt: current, .. } if current == attempt => {
                vec![Effect::Journal(Record::Committed(attempt))]
            }
            _ => return vec![],
        };
        self.phase = Phase::Absent;
        effects.push(Effect::Journal(Record::Cleared(attempt)));
        effects.push(Effect::Card(CardOperation::Clear));
        effects
    }

    fn hears_prepared<Memory>(&mut self, prepared: Epoch) -> Vec<Effect<Memory>> {
        match (self.phase, self.arbitration) {
            (Phase::Frozen { attempt, .. }, Arbitration::OwnJournal) if attempt == prepared => {
                self.committed(attempt)
            }
            (Phase::Frozen { attempt, .. }, Arbitration::Node) if attempt == prepared => {
                vec![Effect::Send(Address::Arbiter, Message::Ask(attempt, Decision::Commit))]
            }
            (Phase::HandedOver { attempt }, _) if attempt == prepared => {
                vec![Effect::Send(Address::Peer, Message::Commit(attempt))]
            }
            // What this machine attempted and does not attempt any more was given up; a commit would be remembered.
            (Phase::Serving { epoch }, _) if prepared > epoch => {
                vec![Effect::Send(Address::Peer, Message::Abort(prepared))]
            }
            (Phase::PreCopy { epoch, attempt }, _) if prepared > epoch && prepared < attempt => {
                vec![Effect::Send(Address::Peer, Message::Abort(prepared))]
            }
            _ => vec![],
        }
    }

    fn committed<Memory>(&mut self, decided: Epoch) -> Vec<Effect<Memory>> {
        match self.phase {
            Phase::Frozen { attempt, .. } if attempt == decided => {
                self.phase = Phase::HandedOver { attempt };
                let tell = Effect::Send(Address::Peer, Message::Commit(attempt));
                vec![Effect::Journal(Record::Committed(attempt)), tell]
            }
            Phase::Prepared { attempt } if attempt == decided => {
                self.phase = Phase::Serving { epoch: attempt };
                vec![
                    Effect::Journal(Record::Serves(attempt)),
                    Effect::Card(CardOperation::Bind(attempt)),
                    Effect::Send(Address::Peer, Message::Resumed(attempt)),
                ]
            }
            // The answer may have got lost.
            Phase::Serving { epoch } | Phase::PreCopy { epoch, .. } if epoch == decided => {
                vec![Effect::Send(Address::Peer, Message::Resumed(epoch))]
            }
            _ => vec![],
        }
    }

    fn aborted<Memory>(&mut self, decided: Epoch) -> Vec<Effect<Memory>> {
        match (self.phase, self.arbitration) {
            (Phase::Frozen { epoch, attempt, .. }, Arbitration::Node) if attempt == decided => {
                self.goes_on(epoch, attempt)
            }
            (Phase::Prepared { attempt }, _) if attempt == decided => {
                self.phase = Phase::Absent;
                vec![Effect::Journal(Record::Cleared(attempt)), Effect::Card(CardOperation::Clear)]
            }
            (Phase::Staging { attempt }, _) if attempt == decided => {
                self.phase = Phase::Absent;
                vec![Effect::Card(CardOperation::Clear)]
            }
            _ => vec![],
        }
    }

    /// The source serves again.
    fn goes_on<Memory>(&mut self, epoch: Epoch, attempt: Epoch) -> Vec<Effect<Memory>> {
        self.phase = Phase::Serving { epoch };
        vec![
            Effect::Journal(Record::Aborted(attempt)),
            Effect::Card(CardOperation::Thaw(epoch)),
            Effect::Send(Address::Peer, Message::Abort(attempt)),
        ]
    }
}
