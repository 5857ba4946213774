//! Engines that simulate the mapping unit's ports, one clock cycle per call.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagecoach_hdl::Module;
use stagecoach_hdl::native::{self, PortLayout, Simulator};
use stagecoach_hdl::verilog::Family;
use stagecoach_spec::Config;
use stagecoach_verilator as verilator;
pub use stagecoach_verilator::Coverage as CodeCoverage;

use crate::Error;

/// What answers: the model or one of the simulators of the described hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// The golden model: no ports, no clock.
    Golden,
    /// The toolkit's simulator, in this process.
    Native,
    /// The generated Verilog in Verilator.
    Verilator,
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [EngineKind; 3] = [EngineKind::Golden, EngineKind::Native, EngineKind::Verilator];

    /// The name as on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            EngineKind::Golden => "golden",
            EngineKind::Native => "native",
            EngineKind::Verilator => "verilator",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No engine has the name that was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no engine is called `{0}`; there are: golden, native, verilator")]
pub struct UnknownEngine(pub String);

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(given: &str) -> Result<EngineKind, UnknownEngine> {
        let wanted = given.trim().to_ascii_lowercase();
        let found = EngineKind::ALL.into_iter().find(|kind| kind.name() == wanted);
        found.ok_or_else(|| UnknownEngine(given.to_owned()))
    }
}

/// How an engine with ports is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineOptions {
    /// Seed of what registers without reset and memories hold at first. No answer may depend on it.
    pub seed: u64,
    /// A waveform may be asked for (Verilator builds another model for it).
    pub wave: bool,
    /// Verilator: zero instead of random first contents, and no assertions: for speed. The native engine has both
    /// always.
    pub fast: bool,
    /// The native engine: what runs its cycles. No answer may depend on it.
    pub backend: native::Backend,
    /// Verilator: what the model counts, for [`Verilated::write_coverage`]. If anything, then the files without
    /// assertions are simulated: those are the ones that are delivered.
    pub coverage: CodeCoverage,
    /// Verilator: the device family whose memories are simulated.
    pub family: Family,
}

/// A simulator of one module's ports.
pub trait PortEngine {
    /// Which engine it is.
    fn kind(&self) -> EngineKind;

    /// Where the ports lie in the arrays of [`PortEngine::cycle`].
    fn layout(&self) -> &PortLayout;

    /// One clock cycle: applies the inputs, samples the outputs, then gives the rising edge.
    ///
    /// # Errors
    /// The engine stopped, for instance because an assertion failed.
    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error>;

    /// Writes a waveform (FST) of everything from the next cycle on.
    ///
    /// # Errors
    /// The file cannot be written.
    fn open_wave(&mut self, path: &Path) -> Result<(), Error>;

    /// Completes the waveform, if there is one.
    ///
    /// # Errors
    /// The file could not be written.
    fn close_wave(&mut self) -> Result<(), Error>;

    /// Assertions that failed so far, readable.
    fn failures(&self) -> Vec<String>;
}

/// Describes the mapping unit of a configuration.
///
/// # Errors
/// The configuration is impossible, or the description breaks a structural rule.
pub fn describe(config: &Config) -> Result<Arc<Module>, Error> {
    config.validate()?;
    stagecoach_controller::mapping_unit(config)
        .map_err(|errors| Error::Design { config: config.name.clone(), problem: errors.to_string() })
}

/// An engine for a module. The golden model has no ports: it is no such engine.
///
/// # Errors
/// Verilator cannot build the module; or `kind` is [`EngineKind::Golden`] ([`Error::Design`]).
pub fn open(
    kind: EngineKind,
    module: &Arc<Module>,
    options: EngineOptions,
) -> Result<Box<dyn PortEngine>, Error> {
    match kind {
        EngineKind::Golden => Err(Error::Design {
            config: module.name.clone(),
            problem: "the golden model has no ports".to_owned(),
        }),
        EngineKind::Native => Ok(Box::new(Native::new(module, options))),
        EngineKind::Verilator => Ok(Box::new(Verilated::new(module, options)?)),
    }
}

/// The toolkit's simulator.
pub struct Native {
    simulator: Simulator,
}

impl Native {
    /// A simulator of `module`; its memories' collision noise follows the seed too.
    pub fn new(module: &Arc<Module>, options: EngineOptions) -> Native {
        // Odd, as a generator of noise must not start from zero.
        let noise_seed = (options.seed as u32).wrapping_mul(0x9e37_79b1) | 1;
        let seeded =
            native::Options { noise_seed, backend: options.backend, ..native::Options::seeded(options.seed) };
        Native { simulator: Simulator::new(module, seeded) }
    }
}

impl PortEngine for Native {
    fn kind(&self) -> EngineKind {
        EngineKind::Native
    }

    fn layout(&self) -> &PortLayout {
        self.simulator.layout()
    }

    #[inline]
    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        self.simulator.cycle(inputs, outputs);
        Ok(())
    }

    fn open_wave(&mut self, path: &Path) -> Result<(), Error> {
        let opened = self.simulator.wave_to(path);
        opened.map_err(|error| Error::Wave { path: path.to_owned(), problem: error.source.to_string() })
    }

    fn close_wave(&mut self) -> Result<(), Error> {
        let finished = self.simulator.finish_wave();
        finished.map_err(|error| Error::Wave { path: error.path, problem: error.source.to_string() })
    }

    fn failures(&self) -> Vec<String> {
        let failures = self.simulator.failures();
        let readable = failures.iter().map(|failure| {
            let place = if failure.path.is_empty() { "top" } else { &failure.path };
            format!("cycle {}: {place}: {}: {}", failure.cycle, failure.name, failure.doc)
        });
        readable.collect()
    }
}

/// The generated Verilog in Verilator.
pub struct Verilated {
    model: verilator::Model,
}

impl Verilated {
    /// Builds the model, or takes it from the cache.
    ///
    /// # Errors
    /// As [`verilator::build::build`].
    pub fn new(module: &Arc<Module>, options: EngineOptions) -> Result<Verilated, Error> {
        let flavour = verilator::Options {
            initial: if options.fast { verilator::Initial::Fast } else { verilator::Initial::Unique },
            wave: options.wave,
            coverage: options.coverage,
            family: options.family,
            assertions: !options.fast && options.coverage == CodeCoverage::None,
            // Counting makes the C++ text several times as long; compiling it well takes longer than it saves.
            optimise: match options.coverage {
                CodeCoverage::None => verilator::Optimise::Full,
                CodeCoverage::Lines | CodeCoverage::LinesAndToggles => verilator::Optimise::Quick,
            },
        };
        let library = verilator::build::build(module, flavour)?;
        Ok(Verilated { model: verilator::Model::load(&library, options.seed)? })
    }

    /// Writes what was executed so far, for [`verilator::CoverageData::read`].
    ///
    /// # Errors
    /// The file cannot be written, or [`EngineOptions::coverage`] asked for none.
    pub fn write_coverage(&mut self, path: &Path) -> Result<(), Error> {
        Ok(self.model.write_coverage(path)?)
    }
}

impl PortEngine for Verilated {
    fn kind(&self) -> EngineKind {
        EngineKind::Verilator
    }

    fn layout(&self) -> &PortLayout {
        self.model.library().layout()
    }

    #[inline]
    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        Ok(self.model.cycle(inputs, outputs)?)
    }

    fn open_wave(&mut self, path: &Path) -> Result<(), Error> {
        Ok(self.model.open_wave(path)?)
    }

    fn close_wave(&mut self) -> Result<(), Error> {
        self.model.close_wave();
        Ok(())
    }

    fn failures(&self) -> Vec<String> {
        Vec::new() // The first one ends the simulation with an error.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_engines_round_trip() {
        for kind in EngineKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "icarus".parse::<EngineKind>().unwrap_err();
        assert!(error.to_string().contains("golden, native, verilator"), "{error}");
    }
}
