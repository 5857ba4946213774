//! What can go wrong in co-simulation, apart from a wrong answer (that is a [`crate::scoreboard::Mismatch`]).

use std::path::PathBuf;

use stagecoach_spec::{ConfigError, RequestError};

/// An error of an engine, of the unit's behaviour at its ports, or of what it was asked to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The hardware of this configuration cannot be described: an error of ours.
    #[error("the mapping unit of configuration `{config}` cannot be described: {problem}")]
    Design {
        /// The configuration's name.
        config: String,
        /// What the checks say.
        problem: String,
    },
    /// Verilator could not be found, could not build the design, or stopped.
    #[error(transparent)]
    Verilator(#[from] stagecoach_verilator::Error),
    /// The top module lacks a port, or has it in another width.
    #[error("port `{port}` should have {expected} bits, but {found}")]
    Port {
        /// The port.
        port: &'static str,
        /// Its width by the contract.
        expected: u32,
        /// What the module has.
        found: String,
    },
    /// A request's field does not fit its port, so it cannot be asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The engine has no clock or no signals, so it has no waveform either.
    #[error("engine `{engine}` writes no waveform; use native or verilator")]
    NoWave {
        /// The engine.
        engine: &'static str,
    },
    /// The waveform cannot be written.
    #[error("cannot write waveform {path}: {problem}", path = path.display())]
    Wave {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// The unit broke a rule of its ports.
    #[error("cycle {cycle}: {rule}: {details}")]
    Protocol {
        /// When, in cycles since the engine was made.
        cycle: u64,
        /// The rule, in the words of the specification.
        rule: &'static str,
        /// What was seen.
        details: String,
    },
    /// Nothing happened for so long that nothing will.
    #[error("cycle {cycle}: nothing has moved for {cycles} cycles; waiting: {waiting}")]
    Hang {
        /// When it was given up.
        cycle: u64,
        /// How long nothing moved.
        cycles: u64,
        /// What waits for what.
        waiting: String,
    },
    /// Assertions of the described hardware failed.
    #[error("assertions of the hardware failed: {}", .0.join("; "))]
    Assertions(Vec<String>),
}
