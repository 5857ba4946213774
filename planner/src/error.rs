//! Why there is no plan.

use stagecoach_spec::{NetIdError, UpdateError};
use thiserror::Error;

/// Why there is no plan. Nothing needs to be undone: plans that fail have no updates.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The identifier is too wide.
    #[error(transparent)]
    NetId(#[from] NetIdError),
    /// It is bound.
    #[error("the network identifier is bound to table {table} already: unbind it there first")]
    AlreadyBound {
        /// To this table.
        table: u16,
    },
    /// It is not bound.
    #[error("the network identifier is not bound: there is nothing to unbind or move")]
    NotBound,
    /// As many identifiers are bound as the configuration allows.
    #[error("the CAM is full: {bindings} identifiers are bound; unbind one, or raise `bindings`")]
    Full {
        /// So many.
        bindings: u32,
    },
    /// All of the identifier's places are taken and cannot be freed, and so is the stash.
    #[error(
        "no row of moves makes room for the network identifier: give a way another seed, or unbind some identifiers"
    )]
    Crowded,
    /// The other ways and the stash have no room for the way's identifiers.
    #[error("way {way} cannot be emptied, since its identifiers have no other place: unbind some first")]
    CannotEmpty {
        /// This way.
        way: u8,
    },
    /// The unit would refuse, whatever the plan.
    #[error(transparent)]
    Refused(#[from] UpdateError),
}
