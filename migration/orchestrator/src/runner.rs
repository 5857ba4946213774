//! Carries out one effect after the other.

use std::ops::ControlFlow;

use stagecoach_log::{Change, Log, LogError, binary};
use stagecoach_protocol::{
    Address, Arbitration, CardOperation, Effect, Epoch, Input, Machine, Message, Phase, Record, Refusal,
};
use thiserror::Error;

use crate::card::{Card, CardError};
use crate::host::{EpochPort, Host};
use crate::link::{Link, LinkError};
use crate::packet::{Image, Packet};
use crate::store::{Store, StoreError};

/// When pre-copy ends: when a round is short enough, or when rounds were enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRule {
    /// Pages of a round that are few enough to be copied while the VM stands still.
    pub few_pages: usize,
    /// Rounds that may go by.
    pub most_rounds: u32,
}

impl Default for StopRule {
    fn default() -> StopRule {
        StopRule { few_pages: 16, most_rounds: 8 }
    }
}

/// What is about to be done.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// An effect of the protocol.
    Effect(&'a Effect<Image>),
    /// The log is sent ahead, or a table built of it.
    Table,
    /// A page of a round is sent.
    Page {
        /// The guest page.
        page: u64,
    },
}

/// Is told of every step before it is done, and may say that the process ends here, as a crash would.
pub type Observer = Box<dyn FnMut(Step<'_>) -> ControlFlow<()>>;

/// Why a machine stopped. [`Runner::start`] goes on from the journal.
#[derive(Debug, Error)]
pub enum RunError {
    /// The observer said so.
    #[error("stopped before the next step; start again from the journal")]
    Stopped,
    /// The operator asked for what cannot be done now; nothing changed.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The card.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The journal or the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A log that was stored is damaged.
    #[error("the stored log: {0}")]
    Log(#[from] LogError),
    /// The journal speaks of a VM, and no log is there.
    #[error("the journal speaks of a VM, and its log is gone; restore it")]
    LogIsGone,
}

/// One machine's part in the moves of a VM.
pub struct Runner<P, H, S> {
    machine: Machine,
    card: Card<P, H>,
    store: S,
    rule: StopRule,
    rounds: u32,
    observer: Observer,
    complaints: Vec<String>,
}

impl<P: EpochPort, H: Host, S: Store> Runner<P, H, S> {
    /// Goes on from the journal; one without records knows nothing of the VM.
    ///
    /// # Errors
    /// The store cannot be read, or the card not be rebuilt.
    pub fn start(
        arbitration: Arbitration,
        card: Card<P, H>,
        store: S,
        rule: StopRule,
        link: &mut impl Link,
    ) -> Result<Runner<P, H, S>, RunError> {
        let (machine, effects) = Machine::restart(arbitration, &store.records()?);
        let mut runner = Runner::new(machine, card, store, rule);
        // The process may have died alone: what it left at the card and the VM waits for what the journal says.
        if let Some(log) = runner.store.log()? {
            runner.card.forget(&binary::header(&log)?)?;
        }
        runner.run(effects, link)?;
        Ok(runner)
    }

    /// A machine that serves a new VM from now on, whose log this is.
    ///
    /// # Errors
    /// The card has no room, or the store fails.
    pub fn found(
        arbitration: Arbitration,
        mut card: Card<P, H>,
        mut store: S,
        rule: StopRule,
        log: &Log,
    ) -> Result<Runner<P, H, S>, RunError> {
        let epoch = Epoch(log.header().epoch);
        card.stage(log, epoch.before())?;
        store.save_log(&binary::write(log))?;
        store.append(&Record::Serves(epoch))?;
        card.bind(epoch)?;
        let machine = Machine::serving(arbitration, epoch);
        Ok(Runner::new(machine, card, store, rule))
    }

    fn new(machine: Machine, card: Card<P, H>, store: S, rule: StopRule) -> Runner<P, H, S> {
        let observer: Observer = Box::new(|_| ControlFlow::Continue(()));
        Runner { machine, card, store, rule, rounds: 0, observer, complaints: Vec::new() }
    }

    /// Tells somebody of every step from now on.
    pub fn observe(&mut self, observer: Observer) {
        self.observer = observer;
    }

    /// Where the machine stands.
    pub fn phase(&self) -> Phase {
        self.machine.phase()
    }

    /// The card, for who serves accesses with it.
    pub fn card(&mut self) -> &mut Card<P, H> {
        &mut self.card
    }

    /// Card and store, as a crash leaves them.
    pub fn into_parts(self) -> (Card<P, H>, S) {
        (self.card, self.store)
    }

    /// What was refused or lost so far, in words; forgets it.
    pub fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// A change of the VM's table while it is served here. Durable when the call returns.
    ///
    /// # Errors
    /// The VM is not served here, or the card refused.
    pub fn change(&mut self, change: Change) -> Result<(), RunError> {
        let (Phase::Serving { epoch } | Phase::PreCopy { epoch, .. }) = self.phase() else {
            return Err(Refusal::NotServing(self.phase()).into());
        };
        self.card.change(change)?;
        Ok(self.store.save_log(&binary::write(&self.card.log(epoch)?))?)
    }

    /// The operator wants the VM to move.
    ///
    /// # Errors
    /// It is not served here; or what stops a machine.
    pub fn begin_move(&mut self, link: &mut impl Link) -> Result<(), RunError> {
        self.rounds = 0;
        self.hear(Input::Move, link)
    }

    /// The operator, or a deadline, gives the attempt up, if that is still possible.
    ///
    /// # Errors
    /// What stops a machine.
    pub fn give_up(&mut self, link: &mut impl Link) -> Result<(), RunError> {
        self.hear(Input::GiveUp, link)
    }

    /// Nothing came for a while.
    ///
    /// # Errors
    /// What stops a machine.
    pub fn timeout(&mut self, link: &mut impl Link) -> Result<(), RunError> {
        self.hear(Input::Timeout, link)
    }

    /// A round of pre-copy, if it is time for one; the last one, by the [`StopRule`], leads to the freeze. Gives the pages sent.
    ///
    /// # Errors
    /// What stops a machine.
    pub fn round(&mut self, link: &mut impl Link) -> Result<usize, RunError> {
        let Phase::PreCopy { attempt, .. } = self.phase() else { return Ok(0) };
        if self.rounds == 0 {
            self.step(Step::Table)?;
            let log = binary::write(&self.card.log(attempt)?);
            self.send(link, Address::Peer, Packet::Table { attempt, log });
        }
        let pages = self.card.take_dirty()?;
        for page in &pages {
            self.step(Step::Page { page: *page })?;
            let bytes = self.card.page(*page)?;
            self.send(link, Address::Peer, Packet::Page { attempt, page: *page, bytes });
        }
        self.rounds += 1;
        if pages.len() <= self.rule.few_pages || self.rounds >= self.rule.most_rounds {
            self.hear(Input::Converged, link)?;
        }
        Ok(pages.len())
    }

    /// A packet came.
    ///
    /// # Errors
    /// What stops a machine.
    pub fn receive(&mut self, packet: Packet, link: &mut impl Link) -> Result<(), RunError> {
        match packet {
            Packet::Table { attempt, log } => {
                if self.phase() == (Phase::Staging { attempt }) {
                    self.step(Step::Table)?;
                    let ahead = binary::read(&log, attempt.0).map_err(CardError::from);
                    if let Err(error) = ahead.and_then(|log| self.card.build_ahead(&log, attempt.before())) {
                        // Then it is built when all is here, or refused there.
                        self.complaints.push(error.to_string());
                    }
                }
                Ok(())
            }
            Packet::Page { attempt, page, bytes } => {
                if self.phase() == (Phase::Staging { attempt })
                    && let Err(error) = self.card.takes_page(page, &bytes)
                {
                    // What is missing shows at the end.
                    self.complaints.push(error.to_string());
                }
                Ok(())
            }
            Packet::Protocol(Message::Final(attempt, image))
                if self.phase() == (Phase::Staging { attempt }) =>
            {
                match self.card.verify(attempt, &image) {
                    Ok(()) => self.hear(Input::Message(Message::Final(attempt, image)), link),
                    Err(CardError::Pages { wrong, .. }) => {
                        self.send(link, Address::Peer, Packet::Missing { attempt, pages: wrong });
                        Ok(())
                    }
                    Err(error) => {
                        self.hear(Input::GiveUp, link)?;
                        self.refuse(attempt, &error, link)
                    }
                }
            }
            Packet::Missing { attempt, pages } => {
                if matches!(self.phase(), Phase::Frozen { attempt: own, whole: true, .. } if own == attempt) {
                    self.card.owes(&pages)?;
                    self.run(vec![Effect::SendFinal(attempt)], link)?;
                }
                Ok(())
            }
            Packet::Protocol(message) => self.hear(Input::Message(message), link),
        }
    }

    fn hear(&mut self, input: Input<Image>, link: &mut impl Link) -> Result<(), RunError> {
        let effects = self.machine.on(input)?;
        self.run(effects, link)?;
        if self.phase() == Phase::Absent {
            // An attempt that ended may have left a table that was built ahead.
            self.card.clear()?;
        }
        Ok(())
    }

    fn run(&mut self, effects: Vec<Effect<Image>>, link: &mut impl Link) -> Result<(), RunError> {
        for effect in effects {
            self.step(Step::Effect(&effect))?;
            match effect {
                Effect::Journal(record) => self.store.append(&record)?,
                Effect::Send(to, message) => self.send(link, to, Packet::Protocol(message)),
                Effect::SendFinal(attempt) => {
                    let image = self.card.image(attempt)?;
                    self.send(link, Address::Peer, Packet::Protocol(Message::Final(attempt, image)));
                }
                Effect::Card(CardOperation::Stage(attempt, image)) => {
                    if let Err(error) = self.stages(attempt, &image) {
                        // As a crash before the record: the journal knows nothing of it.
                        self.card.clear()?;
                        self.machine =
                            Machine::restart::<Image>(self.machine.arbitration(), &self.store.records()?).0;
                        return self.refuse(attempt, &error, link);
                    }
                }
                Effect::Card(operation) => self.operate(operation)?,
            }
        }
        Ok(())
    }

    fn stages(&mut self, attempt: Epoch, image: &Image) -> Result<(), RunError> {
        self.card.stage(&binary::read(&image.log, attempt.0)?, attempt.before())?;
        Ok(self.store.save_log(&image.log)?)
    }

    fn operate(&mut self, operation: CardOperation<Image>) -> Result<(), RunError> {
        match operation {
            CardOperation::Track => self.card.track()?,
            CardOperation::Freeze => self.card.freeze()?,
            CardOperation::Thaw(epoch) => self.card.thaw(epoch)?,
            CardOperation::Bind(epoch) => self.card.bind(epoch)?,
            CardOperation::Clear => self.card.clear()?,
            CardOperation::RebuildStaged(attempt) => {
                let log = self.stored_log(attempt)?;
                self.card.stage(&log, attempt.before())?;
            }
            CardOperation::RebuildServed(epoch) => {
                let log = self.stored_log(epoch)?;
                self.card.rebuild_bound(&log, epoch)?;
            }
            CardOperation::Stage(..) => unreachable!("it is carried out where its failure is known"),
        }
        Ok(())
    }

    fn stored_log(&self, epoch: Epoch) -> Result<Log, RunError> {
        let bytes = self.store.log()?.ok_or(RunError::LogIsGone)?;
        Ok(binary::read(&bytes, epoch.0)?)
    }

    fn refuse(&mut self, attempt: Epoch, why: &impl ToString, link: &mut impl Link) -> Result<(), RunError> {
        self.complaints.push(format!("attempt {}: {}", attempt.0, why.to_string()));
        self.run(vec![Effect::Send(Address::Peer, Message::Refused(attempt))], link)
    }

    fn step(&mut self, step: Step<'_>) -> Result<(), RunError> {
        match (self.observer)(step) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(RunError::Stopped),
        }
    }

    /// What does not arrive is said again, after [`Runner::timeout`].
    fn send(&mut self, link: &mut impl Link, to: Address, packet: Packet) {
        let sent: Result<(), LinkError> = link.send(to, &packet);
        if let Err(error) = sent {
            self.complaints.push(error.to_string());
        }
    }
}
