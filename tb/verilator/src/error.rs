//! What can go wrong between a description and a running model.

use std::path::PathBuf;

/// An error of this crate: what failed, where, and what to try.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is not there, or too old.
    #[error("{program} not found ({tried}); {remedy}")]
    ToolMissing {
        /// Which program.
        program: &'static str,
        /// Where it was looked for.
        tried: String,
        /// What to do.
        remedy: String,
    },
    /// A program ran and failed; its own words follow.
    #[error("{what}\n  command: {command}\n{words}")]
    ToolFailed {
        /// What was being done.
        what: String,
        /// The command, as typed in a shell.
        command: String,
        /// The end of what it wrote.
        words: String,
    },
    /// A file or directory could not be used.
    #[error("{what} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The design cannot be built as it is.
    #[error("{0}")]
    Design(String),
    /// A built model does not fit what Rust expects of it.
    #[error("model {path}: {problem}; delete its directory to have it built again", path = path.display())]
    Unfit {
        /// The shared object.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// The model was given arrays or structs of the wrong shape.
    #[error("{0}")]
    Shape(String),
    /// An assertion failed, or the model stopped itself.
    #[error("cycle {cycle}: {message}")]
    Stopped {
        /// Cycles since the model was made, counted from 0.
        cycle: u64,
        /// What the simulator said.
        message: String,
    },
    /// A simulated output had an unknown bit.
    #[error(
        "design {design}, cycle {cycle}: output `{port}` has unknown bits: {digits}; reset or load what drives it"
    )]
    Unknown {
        /// Top module.
        design: String,
        /// Cycle, counted from 0.
        cycle: usize,
        /// Output port.
        port: String,
        /// Its value in hexadecimal, with `x` or `z` digits.
        digits: String,
    },
}

impl Error {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { what, path, source }
    }
}
