//! A script and how it is played.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagecoach_hdl::Module;

use crate::engine::{self, EngineKind, EngineOptions};
use crate::session::{self, Failure, Outcome, Setup};
use crate::stimulus::Script;

/// Everything that a run depends on, apart from the hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// How it is played.
    pub setup: Setup,
    /// What is played.
    pub script: Script,
}

impl Case {
    /// Plays it on the design of its configuration.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn play(&self, module: &Arc<Module>) -> Result<Outcome, Failure> {
        session::play(&self.script, module, &self.setup)
    }

    /// As [`Case::play`]; gives a failure's words, also those of a panic.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn outcome(&self, module: &Arc<Module>) -> Result<Outcome, String> {
        // A wrong design may do what the bench does not expect of any.
        match catch_unwind(AssertUnwindSafe(|| self.play(module))) {
            Ok(outcome) => outcome.map_err(|failure| failure.to_string()),
            Err(panic) => Err(format!("the bench panicked: {}", message(&*panic))),
        }
    }

    /// The smallest case that was found to fail too, in at most `time`; on the native engine if it fails there.
    pub fn smallest(&self, module: &Arc<Module>, time: Duration) -> Case {
        let natively = Setup { kind: EngineKind::Native, ..self.setup };
        let native = Case { setup: natively, ..self.clone() };
        let setup = if native.outcome(module).is_err() { natively } else { self.setup };
        let fails = |script: &Script| Case { setup, script: script.clone() }.outcome(module).is_err();
        Case { setup, script: session::smallest(&self.script, time, fails) }
    }

    /// Writes the waveform (FST) of this case on the native engine.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_wave(&self, module: &Arc<Module>, path: &Path) -> Result<(), crate::Error> {
        let options = EngineOptions { seed: self.setup.engine_seed, ..EngineOptions::default() };
        let mut engine = engine::open(EngineKind::Native, module, options)?;
        engine.open_wave(path)?;
        // That it fails is why there is a waveform; whatever happens, the engine completes it.
        let _ = catch_unwind(AssertUnwindSafe(|| session::play_on(engine, &self.script, &self.setup)));
        Ok(())
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
