//! A stage under test, its ports by name: of any width, or without bits, as the configuration has it.

use std::sync::Arc;

use stagecoach_hdl::native::{Options, Simulator};
use stagecoach_hdl::{BigUint, Module};

/// A block under test.
pub struct Bench {
    pub simulator: Simulator,
}

impl Bench {
    /// The block after reset, all inputs zero.
    pub fn new(module: &Arc<Module>, seed: u64) -> Bench {
        let mut simulator = Simulator::new(module, Options::seeded(seed));
        simulator.set_reset(true);
        simulator.step();
        simulator.set_reset(false);
        Bench { simulator }
    }

    /// Sets an input, if it has bits.
    pub fn set(&mut self, name: &str, value: impl Into<BigUint>) {
        if let Some(input) = self.simulator.input(name) {
            self.simulator.set_wide(input, &value.into().to_u64_digits());
        }
    }

    /// An output, zero if it has no bits.
    pub fn get(&mut self, name: &str) -> BigUint {
        let output = self.simulator.output(name);
        let mut limbs = output.map(|output| self.simulator.get_wide(output).to_vec()).unwrap_or_default();
        let mut value = BigUint::ZERO;
        while let Some(limb) = limbs.pop() {
            value = (value << 64u32) | BigUint::from(limb);
        }
        value
    }

    /// An output of at most 64 bits.
    pub fn number(&mut self, name: &str) -> u64 {
        self.get(name).to_u64_digits().first().copied().unwrap_or(0)
    }

    pub fn is(&mut self, name: &str) -> bool {
        self.number(name) == 1
    }

    pub fn steps(&mut self, cycles: u32) {
        (0..cycles).for_each(|_| self.simulator.step());
    }
}
