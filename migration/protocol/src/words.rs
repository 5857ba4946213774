//! What machines tell each other, their journals and their cards.

use serde::{Deserialize, Serialize};

/// The number of an attempt to serve a VM somewhere. Every attempt to move takes one that was never used, so that nothing
/// of a failed attempt is taken for a part of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Epoch {
        Epoch(self.0 + 1)
    }

    /// The one before it: the highest that a card may have seen which is to serve at this one.
    #[must_use]
    pub const fn before(self) -> Epoch {
        Epoch(self.0.saturating_sub(1))
    }
}

/// Where the one durable word lies that hands a VM over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Arbitration {
    /// In the source's journal.
    OwnJournal,
    /// At a node that both machines can ask.
    Node,
}

/// What the arbiter decided of an attempt; once, and for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Decision {
    /// The destination serves; the source never again in its epoch.
    Commit,
    /// The source goes on.
    Abort,
}

/// Who a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Address {
    /// The other machine of the move.
    Peer,
    /// The arbiter's node.
    Arbiter,
}

/// What is sent. `Memory` stands for what the VM's memory and tables are: in a real move the stream of pages and log, whose
/// digests verify; in the checker a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Message<Memory> {
    /// Source to destination: an attempt begins; pages and records follow.
    Begin(Epoch),
    /// Source to destination, after the freeze fence: all that was missing.
    Final(Epoch, Memory),
    /// Destination to source: verified, staged, frozen.
    Prepared(Epoch),
    /// Source to destination: COMMIT is durable.
    Commit(Epoch),
    /// Source to destination: the attempt is over, and was for nothing.
    Abort(Epoch),
    /// Destination to source: bound and serving; the source may clear.
    Resumed(Epoch),
    /// Destination to source: nothing of this attempt is here, since it crashed or gave up.
    Refused(Epoch),
    /// To the arbiter: decide this, if nothing is decided yet.
    Ask(Epoch, Decision),
    /// From the arbiter: what is decided.
    Decided(Epoch, Decision),
}

/// A line of the journal, which alone survives a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Record {
    /// This machine serves the VM at this epoch.
    Serves(Epoch),
    /// It attempts to move the VM away.
    Moves(Epoch),
    /// COMMIT: the attempt succeeded; this machine never serves the VM in its old epoch again.
    Committed(Epoch),
    /// The attempt failed.
    Aborted(Epoch),
    /// What the source sent is here, verified and durable; not served.
    Prepared(Epoch),
    /// Nothing of the VM is here any more.
    Cleared(Epoch),
}

/// What the card is told. The hardware's own checks of epochs stand behind these: docs/registration-log.md.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CardOperation<Memory> {
    /// `track`: writes are marked from now on, and pages and log are streamed in rounds.
    Track,
    /// Pause the VM, `freeze`, and wait for its fence: nothing of the VM is under way.
    Freeze,
    /// `thaw` at this epoch.
    Thaw(Epoch),
    /// Replay the log of this attempt into a table, frozen and unbound, and take over what came. No older epoch is taken.
    Stage(Epoch, Memory),
    /// Rebuild the table of this attempt, frozen and unbound, from the log, after a crash.
    RebuildStaged(Epoch),
    /// Rebuild the table that was served at this epoch, frozen and bound, from the log, after a crash.
    RebuildServed(Epoch),
    /// `bind` at this epoch: the VM is served here. The network is redirected and the VM resumed behind it.
    Bind(Epoch),
    /// `unbind` and `clear_table`.
    Clear,
}

/// What is to be done, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect<Memory> {
    /// Append to the journal, and go on when it is durable.
    Journal(Record),
    /// At the card.
    Card(CardOperation<Memory>),
    /// To the other machine or the arbiter; may get lost.
    Send(Address, Message<Memory>),
    /// Read what the VM's memory and tables are now, and send them as [`Message::Final`]. Nothing writes any more.
    SendFinal(Epoch),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Input<Memory> {
    /// The operator wants the VM to move.
    Move,
    /// The rounds of pre-copy have come to their stop rule.
    Converged,
    /// The operator, or a deadline, gives the attempt up, if that is still possible.
    GiveUp,
    /// Nothing came for a while: say again what may have got lost.
    Timeout,
    /// A message came.
    Message(Message<Memory>),
}
