//! Plays a script on an engine in a testbench; makes a failing script smaller.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use stagecoach_hdl::Module;

use crate::driver::Driver;
use crate::engine::{self, EngineKind, EngineOptions, PortEngine};
use crate::pace::Stalls;
use crate::stimulus::{Script, Step};
use crate::testbench::Testbench;
pub use crate::testbench::{Failure, Outcome};

/// Requests that may wait before the port: few, so that updates race with the requests beside them in the script.
const QUEUED_REQUESTS: usize = 4;

/// How a script is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// On which engine.
    pub kind: EngineKind,
    /// Seed of first contents: nothing may depend on it.
    pub engine_seed: u64,
    /// Seed of stall patterns and of noise on idle payloads.
    pub driver_seed: u64,
    /// When each port is willing.
    pub stalls: Stalls,
}

/// Plays all steps; updates and requests race at their ports.
///
/// # Errors
/// The first thing that is wrong.
pub fn play(script: &Script, module: &Arc<Module>, setup: &Setup) -> Result<Outcome, Failure> {
    let family = stagecoach_controller::family(script.config.target);
    let options = EngineOptions { seed: setup.engine_seed, family, ..EngineOptions::default() };
    play_on(engine::open(setup.kind, module, options)?, script, setup)
}

/// As [`play`], on an engine that is made already (`setup` does not choose it).
///
/// # Errors
/// The first thing that is wrong.
pub fn play_on(engine: Box<dyn PortEngine>, script: &Script, setup: &Setup) -> Result<Outcome, Failure> {
    let mut testbench = Testbench::new(engine, &script.config, setup.driver_seed, setup.stalls)?;
    let mut steps = script.steps.iter().peekable();
    while steps.peek().is_some() {
        while let Some(step) = steps.next_if(|step| has_room(testbench.driver(), step)) {
            match step {
                Step::Request(request) => testbench.ask(request)?,
                Step::Settle => {}
                _ => step.commands().into_iter().for_each(|command| testbench.command(command)),
            }
        }
        testbench.step()?;
    }
    testbench.finish()
}

fn has_room(driver: &Driver, step: &Step) -> bool {
    match step {
        Step::Request(_) => driver.queued_requests() < QUEUED_REQUESTS,
        Step::Settle => driver.is_idle(),
        _ => driver.open_commands() == 0,
    }
}

/// Leaves out steps as long as the script still fails (delta debugging), for at most `time`.
pub fn smallest(script: &Script, time: Duration, mut fails: impl FnMut(&Script) -> bool) -> Script {
    let deadline = Instant::now() + time;
    let mut best = script.clone();
    let mut chunk = best.steps.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        let before = best.steps.len();
        while from < best.steps.len() {
            if Instant::now() > deadline {
                return best;
            }
            let mut smaller = best.clone();
            smaller.steps.drain(from..(from + chunk).min(best.steps.len()));
            if fails(&smaller) {
                best = smaller;
            } else {
                from += chunk;
            }
        }
        if chunk == 1 && best.steps.len() == before {
            return best;
        }
        chunk = (chunk / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stimulus::Shape;
    use stagecoach_spec::Preset;

    #[test]
    fn a_failing_script_shrinks_to_what_matters() {
        let shape = Shape { requests: 300, most_between: 20, fills: 0 };
        let script = Script::random(&Preset::Tiny.config(), 3, shape);
        let requests: Vec<Step> =
            script.steps.iter().copied().filter(|step| matches!(step, Step::Request(_))).collect();
        let (one, other) = (requests[17], requests[200]);
        let fails = |script: &Script| script.steps.contains(&one) && script.steps.contains(&other);
        let smallest = smallest(&script, Duration::from_secs(20), fails);
        assert_eq!(smallest.steps, [one, other]);
        let text = smallest.to_string();
        assert!(text.contains("net_id_bits = 32") && text.contains("seed 3, 2 steps"), "{text}");
    }
}
