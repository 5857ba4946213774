//! A block alone in the native simulator, its ports by name.

use std::collections::HashMap;
use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::native::{InputId, Options, OutputId, Simulator, Start};
use stagecoach_hdl::netlist::Direction;
use stagecoach_hdl::verilog;

/// Seeds to run everything with: other first contents, and another noise where a read and a write collide.
pub const SEEDS: [u64; 2] = [1, 2];

/// The block and its ports.
pub struct Block {
    simulator: Simulator,
    inputs: HashMap<String, InputId>,
    outputs: HashMap<String, OutputId>,
}

impl Block {
    /// The block after reset, all inputs zero.
    pub fn new(module: &Arc<Module>, seed: u64) -> Block {
        let names = verilog::derived_names(module);
        let names: Vec<_> = names.iter().map(|name| format!("{} {}", name.name, name.source)).collect();
        assert!(names.is_empty(), "the writer had to invent names: {names:?}");
        let noise_seed = 0x1234_5678_u32.rotate_left(seed as u32);
        let options = Options { start: Start::Random { seed }, noise_seed, ..Options::default() };
        let mut simulator = Simulator::new(module, options);
        simulator.set_reset(true);
        simulator.step();
        simulator.set_reset(false);
        let of = |direction| module.ports.iter().filter(move |port| port.direction == direction);
        let inputs = of(Direction::Input)
            .map(|port| (port.name.clone(), simulator.input(&port.name).expect("it has this port")));
        let inputs = inputs.collect();
        let outputs = of(Direction::Output)
            .map(|port| (port.name.clone(), simulator.output(&port.name).expect("it has this port")));
        let outputs = outputs.collect();
        Block { simulator, inputs, outputs }
    }

    /// Sets an input.
    pub fn set(&mut self, name: &str, value: impl Into<u128>) {
        let value = value.into();
        let input = *self.inputs.get(name).unwrap_or_else(|| panic!("there is no input {name}"));
        self.simulator.set_wide(input, &[value as u64, (value >> 64) as u64]);
    }

    /// The lower 128 bits of an output.
    pub fn get(&mut self, name: &str) -> u128 {
        let output = *self.outputs.get(name).unwrap_or_else(|| panic!("there is no output {name}"));
        let limbs = self.simulator.get_wide(output);
        limbs.iter().take(2).rev().fold(0, |value, limb| value << 64 | u128::from(*limb))
    }

    /// One clock cycle.
    pub fn step(&mut self) {
        self.simulator.step();
    }

    /// Names of the assertions that failed, once each.
    pub fn failures(&self) -> Vec<String> {
        let mut names: Vec<_> = self.simulator.failures().into_iter().map(|failure| failure.name).collect();
        names.dedup();
        names
    }
}
