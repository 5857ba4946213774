//! What can be wrong with a description.

use std::fmt;

use crate::netlist::Source;

/// One mistake in a description, with the Rust source line that made it.
#[derive(Clone, Debug)]
pub struct DesignError {
    /// Module in which it was made.
    pub module: String,
    /// What is wrong and what to try.
    pub message: String,
    /// Where.
    pub source: Source,
}

impl fmt::Display for DesignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: module {}: {}",
            self.source.file(),
            self.source.line(),
            self.source.column(),
            self.module,
            self.message
        )
    }
}

/// All the mistakes of one module, in the order they were made: a description is read to its end, so one run
/// shows every mistake.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.iter().map(|error| error.to_string()).collect::<Vec<_>>().join("\n"))]
pub struct DesignErrors(pub Vec<DesignError>);
