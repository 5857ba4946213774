//! Compares the ports with the cycle model, in every cycle: when requests and updates are accepted, when each beat comes,
//! when each update is answered; under any stalls.
//!
//! The model reads the same inputs as the unit and never looks at the unit's outputs, so one cycle's difference is seen
//! in that cycle. It is not asked any more from the first `inject` on: when the unit writes corrected words back, no
//! table of latencies says.

use stagecoach_model::cycle::{CycleModel, Inputs, Outputs};
use stagecoach_spec::latency::updates::init_cycles;
use stagecoach_spec::{Config, Protection, UpdateOp};

/// What stood at the ports in a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// What the driver gave.
    pub inputs: Inputs,
    /// What the unit gave.
    pub outputs: Outputs,
}

/// Follows one driver.
#[derive(Clone, Debug)]
pub struct CycleCheck {
    model: CycleModel,
    is_protected: bool,
    /// A bit was flipped, or is about to be.
    flipped: bool,
    counts: Counts,
}

/// How much was checked, so that a test can ask for a minimum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cycles in which every port was compared.
    pub cycles: u64,
    /// Beats that came in the very cycle that was foretold.
    pub beats: u64,
    /// Answers to updates that did.
    pub answers: u64,
    /// Cycles behind an `inject`, in which nothing was.
    pub unforetold: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.cycles += other.cycles;
        self.beats += other.beats;
        self.answers += other.answers;
        self.unforetold += other.unforetold;
    }
}

/// A port does in a cycle what the table of latencies does not have there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cycle {cycle}: {port} is off time\n  foretold: {expected}\n  seen:     {got}\n  inputs:   {inputs:x?}"
)]
pub struct OffTime {
    /// The cycle.
    pub cycle: u64,
    /// The first port that differs.
    pub port: &'static str,
    /// What the model says of it.
    pub expected: String,
    /// What was there.
    pub got: String,
    /// What stood at the inputs.
    pub inputs: Box<Inputs>,
}

impl CycleCheck {
    /// For a unit that was just initialised: `init_done` is high for the first time in the cycle before the next, and that
    /// was so many cycles after reset.
    ///
    /// # Errors
    /// The unit took another time for its initialisation.
    pub fn new(config: &Config, cycles: u64) -> Result<CycleCheck, OffTime> {
        let expected = init_cycles(config) + 1;
        if cycles != expected {
            let say = |cycles| format!("high after {cycles} cycles");
            let (expected, got) = (say(expected), say(cycles));
            return Err(OffTime { cycle: 0, port: "init_done", expected, got, inputs: Box::default() });
        }
        Ok(CycleCheck {
            model: CycleModel::initialised(config),
            is_protected: config.protection != Protection::None,
            flipped: false,
            counts: Counts::default(),
        })
    }

    /// What has been checked.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes the next cycle.
    ///
    /// # Errors
    /// A port differs from what was foretold.
    pub fn observe(&mut self, cycle: u64, ports: &Ports) -> Result<(), OffTime> {
        let Ports { inputs, outputs: got } = ports;
        let injects = inputs.command.is_some_and(|command| command.op == UpdateOp::Inject.code());
        self.flipped |= self.is_protected && injects;
        if self.flipped {
            self.counts.unforetold += 1;
            return Ok(());
        }
        let expected = self.model.step(inputs);
        let off = |port, expected, got| OffTime { cycle, port, expected, got, inputs: Box::new(*inputs) };
        let bits = [
            ("init_done", expected.init_done, got.init_done),
            ("req_ready", expected.req_ready, got.req_ready),
            ("upd_ready", expected.upd_ready, got.upd_ready),
        ];
        for (port, expected, got) in bits {
            if expected != got {
                return Err(off(port, u8::from(expected).to_string(), u8::from(got).to_string()));
            }
        }
        if expected.beat != got.beat {
            return Err(off("rsp", format!("{:x?}", expected.beat), format!("{:x?}", got.beat)));
        }
        if expected.answer != got.answer {
            return Err(off("upd_done", format!("{:x?}", expected.answer), format!("{:x?}", got.answer)));
        }
        self.counts.cycles += 1;
        self.counts.beats += u64::from(got.beat.is_some() && inputs.rsp_ready);
        self.counts.answers += u64::from(got.answer.is_some());
        Ok(())
    }
}
