//! What can go wrong, and what to try.

use std::net::IpAddr;
use std::path::PathBuf;

use stagecoach_captures::VmError;
use stagecoach_spec::{ConfigError, NetIdError, UnknownPreset, UpdateError};
use thiserror::Error;

/// An error of the command: the place, what is wrong there, and what to try.
#[derive(Debug, Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("{what} {path}: {source}; check that the name is right and that you may use it", path = path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which path.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No preset has the name.
    #[error(transparent)]
    Preset(#[from] UnknownPreset),
    /// A configuration is sound, but no hardware can be described for it.
    #[error("configuration {name}: {problem}; please report it together with the configuration")]
    Design {
        /// The configuration.
        name: String,
        /// What the toolkit's checks say.
        problem: String,
    },
    /// The folder to write holds files that no `generate` wrote.
    #[error(
        "{folder}: holds {file}, which `stagecoach generate` did not write there; give another --out, or move it away",
        folder = folder.display()
    )]
    ForeignFile {
        /// The folder.
        folder: PathBuf,
        /// The first foreign file.
        file: String,
    },
    /// The folder to write cannot be a folder.
    #[error("{path}: {problem}; give another --out", path = path.display())]
    NoFolder {
        /// The path.
        path: PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// A capture or a registration log cannot be used.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// A move stopped.
    #[error(transparent)]
    Run(#[from] stagecoach_migration::RunError),
    /// The move is over before the step to crash at.
    #[error("--crash-at: there is no step {step}; that machine has steps 0 to {last} in this move", last = steps.saturating_sub(1))]
    NoSuchStep {
        /// The step.
        step: u64,
        /// How many there are.
        steps: u64,
    },
    /// Two machines with one address.
    #[error("--vm: {address} is given twice; every machine has an address of its own")]
    DuplicateAddress {
        /// The address.
        address: IpAddr,
    },
    /// An address does not fit the configuration.
    #[error("--vm {address}: {source}")]
    NetId {
        /// The address.
        address: IpAddr,
        /// Both widths.
        source: NetIdError,
    },
    /// The captures hold no request at all, so that there is nothing to compare.
    #[error(
        "no RDMA request to {addresses} in the captures: nothing to replay; the ADDRESS in --vm is the responder's, \
         and the capture must hold RoCEv2 packets (UDP port 4791) that come to it"
    )]
    NothingToReplay {
        /// The machines' addresses.
        addresses: String,
    },
    /// The chosen configuration is too small for the events.
    #[error(
        "configuration {name}: {field} = {has}, but the events need {needs} ({why}); raise {field} to {needs} in the \
         configuration file, or leave --preset and --config out to have it sized"
    )]
    TooSmall {
        /// The configuration.
        name: String,
        /// The field to raise.
        field: &'static str,
        /// Its value.
        has: u64,
        /// The least value that serves.
        needs: u64,
        /// What needs it.
        why: String,
    },
    /// The configuration takes no frames.
    #[error(
        "configuration {name} has no packet decoder: set frontend = \"roce\" in its [processing], or leave --frames away"
    )]
    NoDecoder {
        /// The configuration.
        name: String,
    },
    /// No configuration is large enough for the events.
    #[error(
        "the events need {field} = {needs} ({why}), but {most} is the most that there is; replay fewer machines at once, or logs with lower key indices"
    )]
    TooLarge {
        /// The field.
        field: &'static str,
        /// What it would have to be.
        needs: u64,
        /// Its largest value.
        most: u64,
        /// What needs it.
        why: String,
    },
    /// The engine refused an update that the events ask for.
    #[error("{place}: {update} refused: {source}; please report it with the events")]
    Refused {
        /// The event.
        place: String,
        /// The update.
        update: String,
        /// The reason.
        source: UpdateError,
    },
    /// An engine failed, or answered something that cannot be an answer to what was asked.
    #[error("engine {engine}: {problem}")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// What happened.
        problem: String,
    },
    /// `--wave` with an engine that has no signals.
    #[error("--wave: the engine golden has no signals to record; use --engine native or --engine verilator")]
    NoWave,
    /// A waveform cannot be drawn.
    #[error("waveform {path}: {problem}", path = path.display())]
    Waveform {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to try.
        problem: String,
    },
    /// A file to write is one of those to read, or is to be written twice.
    #[error("{flag} {path}: is also the file of {other}, which it would overwrite; give another name", path = path.display())]
    Overwrites {
        /// The argument that names the file to write.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// The other argument that names it.
        other: &'static str,
    },
    /// The bundled captures are not where the command was built.
    #[error("{path}: the bundled captures are not there; run `cargo run --release -- demo` in a clone of the repository", path = path.display())]
    NoBundle {
        /// Where they should be.
        path: PathBuf,
    },
}

impl Error {
    /// What was being done to which path, to be completed with the operating system's words.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { what, path, source }
    }
}
