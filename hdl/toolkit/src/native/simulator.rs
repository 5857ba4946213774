//! The simulator: a program, its limbs, and the ports as its user sees them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use num_bigint::BigUint;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::compile::Compiled;
use super::elaborate::{Design, elaborate};
use super::interpret::run;
use super::layout::{PortLayout, limbs_of};
use super::lower::lower;
use super::memory::MemoryState;
use super::program::{Copy, Flow, Place, Program};
use super::properties::{Failure, Properties};
use super::schedule::schedule;
use super::storage::spare;
use super::wave::{Wave, WaveError};
use crate::netlist::{Direction, Module};
use crate::noise::DEFAULT_SEED;

/// What an unwritten memory word and an unreset register hold at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Random bits; the same seed gives the same bits.
    Random {
        /// Seed of the generator (ChaCha8).
        seed: u64,
    },
    /// Zeros: quick to read in a waveform, but hides missing resets.
    Zeros,
}

/// What runs the cycles. Both do the same, to the bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// Machine code made when the simulator is: several times as fast from the first thousand cycles or so on.
    /// Where no code can be made (a processor that the compiler does not know), cycles are interpreted.
    #[default]
    Compiled,
    /// Operation by operation: the reference.
    Interpreted,
}

/// How to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// First contents of registers and memories. Default: random, seed 0.
    pub start: Start,
    /// Seed of the noise that colliding memory accesses read. Default: [`DEFAULT_SEED`], which the generated
    /// Verilog has too.
    pub noise_seed: u32,
    /// Evaluate assertions and cover points in every cycle. Default: yes.
    pub properties: bool,
    /// What runs the cycles. Default: compiled.
    pub backend: Backend,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            start: Start::Random { seed: 0 },
            noise_seed: DEFAULT_SEED,
            properties: true,
            backend: Backend::Compiled,
        }
    }
}

impl Options {
    /// The defaults with another seed for the first contents.
    pub fn seeded(seed: u64) -> Options {
        Options { start: Start::Random { seed }, ..Options::default() }
    }
}

/// Names an input port: its position in [`PortLayout::inputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputId(usize);

/// Names an output port: its position in [`PortLayout::outputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputId(usize);

/// Simulates one module and all below it, cycle by cycle.
///
/// Inputs are set, [`Simulator::evaluate`] settles what follows from them, and [`Simulator::step`] is one clock
/// cycle: settle, then the rising edge. [`Simulator::cycle`] does all that in one call on arrays of limbs.
///
/// ```
/// use stagecoach_hdl::{ModuleBuilder, native::{Options, Simulator}};
///
/// let m = ModuleBuilder::new("accumulator", "Adds up what it is given.");
/// let sum = m.register("sum", 8).reset_to(0u32);
/// sum.next(sum.value() + m.input("amount", 8));
/// m.output("total", sum.value());
/// let module = m.finish().expect("the description is sound");
///
/// let mut simulator = Simulator::new(&module, Options::default());
/// let amount = simulator.input("amount").expect("a port");
/// let total = simulator.output("total").expect("a port");
/// simulator.set_reset(true);
/// simulator.step();
/// simulator.set_reset(false);
/// simulator.set(amount, 20);
/// simulator.step();
/// simulator.step();
/// assert_eq!(simulator.get(total), 40);
/// ```
pub struct Simulator {
    program: Program,
    compiled: Option<Compiled>,
    design: Design,
    layout: PortLayout,
    m: Vec<u64>,
    memories: Vec<MemoryState>,
    properties: Properties,
    /// What compiled cycles tell of properties, and their outputs where nobody asks for them.
    seen: Vec<u8>,
    ignored: Vec<u64>,
    /// Limbs of `rst` that the layout has not: 1 without reset, else 0.
    unlaid: usize,
    settled: bool,
    observed: bool,
    cycle: u64,
    paths: HashMap<String, Place>,
    wave: Option<Wave>,
}

impl Simulator {
    /// Elaborates `module` and gives state its first contents.
    pub fn new(module: &Arc<Module>, options: Options) -> Simulator {
        let design = elaborate(module);
        let inputs = module.ports.iter().filter(|port| port.direction == Direction::Input);
        let widths: Vec<_> = inputs.map(|port| port.width).collect();
        let mut program = lower(&design, &widths, options.properties);
        let layout = PortLayout::of(module);
        let compiled = match options.backend {
            Backend::Compiled => Compiled::new(&program, layout.output_limbs),
            Backend::Interpreted => None,
        };
        if compiled.is_none() {
            program.evaluate = schedule(program.evaluate, program.limbs);
        }
        // A compiler reads it, and nobody else.
        program.flow = Flow::default();
        let mut m = vec![0; compiled.as_ref().map_or(program.limbs, Compiled::limbs)];
        for &(offset, limb) in &program.constants {
            m[offset as usize] = limb;
        }
        let mut random = match options.start {
            Start::Random { seed } => Some(ChaCha8Rng::seed_from_u64(seed)),
            Start::Zeros => None,
        };
        let mut fill = |limbs: &mut [u64]| {
            if let Some(random) = &mut random {
                limbs.iter_mut().for_each(|limb| *limb = random.next_u64());
            }
        };
        for place in &program.state {
            let limbs = &mut m[place.offset as usize..place.offset as usize + limbs_of(place.width)];
            fill(limbs);
            limbs[limbs_of(place.width) - 1] &= u64::MAX >> spare(place.width);
        }
        let memories = program.memories.iter();
        let memories = memories.map(|plan| MemoryState::new(plan, options.noise_seed, &mut fill));
        let memories = memories.collect();
        let properties = Properties::new(&program, !module.has_reset);
        let seen = vec![0; program.assertions.len() + program.covers.len()];
        let ignored = vec![0; layout.output_limbs];
        let unlaid = usize::from(!layout.has_reset);
        Simulator {
            program,
            compiled,
            design,
            layout,
            m,
            memories,
            properties,
            seen,
            ignored,
            unlaid,
            settled: false,
            observed: false,
            cycle: 0,
            paths: HashMap::new(),
            wave: None,
        }
    }

    /// The layout of [`Simulator::cycle`]'s arrays.
    pub fn layout(&self) -> &PortLayout {
        &self.layout
    }

    /// The input port called `name`.
    pub fn input(&self, name: &str) -> Option<InputId> {
        let found = self.layout.inputs.iter().position(|slot| slot.name == name)?;
        (found >= usize::from(self.layout.has_reset)).then_some(InputId(found))
    }

    /// The output port called `name`.
    pub fn output(&self, name: &str) -> Option<OutputId> {
        self.layout.outputs.iter().position(|slot| slot.name == name).map(OutputId)
    }

    /// Width of an input in bits.
    pub fn input_width(&self, input: InputId) -> u32 {
        self.layout.inputs[input.0].width
    }

    /// Width of an output in bits.
    pub fn output_width(&self, output: OutputId) -> u32 {
        self.layout.outputs[output.0].width
    }

    /// Sets an input; bits above its width are ignored, limbs above the first become zero.
    pub fn set(&mut self, input: InputId, value: u64) {
        self.set_wide(input, &[value]);
    }

    /// Sets an input from limbs, least significant first; missing limbs are zero, bits above the width ignored.
    pub fn set_wide(&mut self, input: InputId, value: &[u64]) {
        let slot = &self.layout.inputs[input.0];
        let first = slot.offset + self.unlaid;
        for limb in 0..slot.limbs {
            self.m[first + limb] = value.get(limb).copied().unwrap_or(0);
        }
        self.m[first + slot.limbs - 1] &= u64::MAX >> spare(slot.width);
        self.settled = false;
    }

    /// Sets `rst`; without effect on a module that has none.
    pub fn set_reset(&mut self, reset: bool) {
        self.m[0] = u64::from(reset && self.layout.has_reset);
        self.settled = false;
    }

    /// Settles all values for the present inputs and state.
    pub fn evaluate(&mut self) {
        if !self.settled {
            run(&self.program.evaluate, &mut self.m);
            self.settled = true;
            self.observed = false;
        }
    }

    /// The lowest limb of an output for the present inputs and state.
    pub fn get(&mut self, output: OutputId) -> u64 {
        self.get_wide(output)[0]
    }

    /// The limbs of an output for the present inputs and state, least significant first.
    pub fn get_wide(&mut self, output: OutputId) -> &[u64] {
        self.evaluate();
        let Place { offset, width } = self.program.outputs[output.0];
        &self.m[offset as usize..offset as usize + limbs_of(width)]
    }

    /// One clock cycle: settles, checks properties, then the rising edge. An error in writing a waveform is kept
    /// for [`Simulator::finish_wave`].
    pub fn step(&mut self) {
        let mut outputs = std::mem::take(&mut self.ignored);
        if !self.run_compiled(&mut outputs) {
            self.evaluate();
            self.edge();
        }
        self.ignored = outputs;
    }

    /// One clock cycle in one call: applies `inputs`, settles, samples `outputs`, then the rising edge. Both
    /// arrays are laid out as [`PortLayout`] says.
    ///
    /// # Panics
    /// If an array's length is not the layout's.
    pub fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) {
        self.m[self.unlaid..self.unlaid + self.layout.input_limbs].copy_from_slice(inputs);
        for slot in &self.layout.inputs {
            self.m[self.unlaid + slot.offset + slot.limbs - 1] &= u64::MAX >> spare(slot.width);
        }
        self.settled = false;
        assert_eq!(outputs.len(), self.layout.output_limbs, "outputs as long as the layout says");
        if self.run_compiled(outputs) {
            return;
        }
        self.evaluate();
        for (slot, place) in self.layout.outputs.iter().zip(&self.program.outputs) {
            let from = place.offset as usize;
            outputs[slot.offset..slot.offset + slot.limbs].copy_from_slice(&self.m[from..from + slot.limbs]);
        }
        self.edge();
    }

    /// Clock cycles so far.
    pub fn cycles(&self) -> u64 {
        self.cycle
    }

    /// A cycle in machine code, if there is some and nobody wants to see every value of the cycle.
    fn run_compiled(&mut self, outputs: &mut [u64]) -> bool {
        let Some(compiled) = &self.compiled else { return false };
        if self.wave.is_some() {
            return false;
        }
        let reset = self.m[0] != 0;
        compiled.run(&mut self.m, outputs, &mut self.seen);
        self.properties.count(&self.seen, self.program.assertions.len(), self.cycle, reset);
        for (memory, plan) in self.memories.iter_mut().zip(&compiled.memories) {
            memory.edge(plan, &mut self.m);
        }
        if reset {
            apply(&mut self.m, &self.program.resets);
        }
        self.cycle += 1;
        self.settled = false;
        true
    }

    fn edge(&mut self) {
        let reset = self.m[0] != 0;
        self.properties.check(&self.program, &self.m, self.cycle, reset);
        if self.wave.is_some() {
            self.observe();
            if let Some(wave) = &mut self.wave {
                wave.sample(&self.m, self.cycle);
            }
        }
        let m = &mut self.m[..];
        for (memory, plan) in self.memories.iter_mut().zip(&self.program.memories) {
            memory.edge(plan, m);
        }
        apply(m, &self.program.copies);
        for group in &self.program.groups {
            if m[group.enable as usize] != 0 {
                let copies = group.copies.start as usize..group.copies.end as usize;
                apply(m, &self.program.enabled_copies[copies]);
            }
        }
        if reset {
            apply(m, &self.program.resets);
        }
        self.cycle += 1;
        self.settled = false;
    }

    /// What runs the cycles, which may be another than was asked for: see [`Backend::Compiled`].
    pub fn backend(&self) -> Backend {
        if self.compiled.is_some() { Backend::Compiled } else { Backend::Interpreted }
    }

    /// One line on the size of the compiled program, for benches.
    pub fn statistics(&self) -> String {
        let program = &self.program;
        format!(
            "{:?}, {} functions, {} operations per cycle, {} more to observe, {} limbs, {} + {} block copies and {} \
             enables per edge",
            self.backend(),
            self.compiled.as_ref().map_or(0, Compiled::functions),
            program.evaluate.len(),
            program.observe.len(),
            program.limbs,
            program.copies.len(),
            program.enabled_copies.len(),
            program.groups.len()
        )
    }

    fn observe(&mut self) {
        self.evaluate();
        if !self.observed {
            run(&self.program.observe, &mut self.m);
            self.observed = true;
        }
    }

    /// The paths of all values that [`Simulator::peek`] shows.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.design.names.iter().map(|named| {
            let scope = &self.design.scopes[named.scope].path;
            if scope.is_empty() { named.name.clone() } else { format!("{scope}.{}", named.name) }
        })
    }

    /// Any named value, for the present inputs and state: ports, wires, registers, memory reads. `path` is
    /// `instance.instance.name`, without the name of the top module.
    pub fn peek(&mut self, path: &str) -> Option<BigUint> {
        if self.paths.is_empty() {
            self.paths = self.names().zip(self.program.names.iter().copied()).collect();
        }
        let Place { offset, width } = *self.paths.get(path)?;
        self.observe();
        let limbs = &self.m[offset as usize..offset as usize + limbs_of(width)];
        Some(limbs.iter().rev().fold(BigUint::ZERO, |value, limb| (value << 64u32) | BigUint::from(*limb)))
    }

    /// Assertions that failed, in order; see [`Failure`]. At most [`super::MAX_FAILURES`] are kept.
    pub fn failures(&self) -> Vec<Failure> {
        self.properties.failures(&self.design)
    }

    /// For each cover point its path and the number of cycles out of reset in which it was seen.
    pub fn cover_counts(&self) -> Vec<(String, u64)> {
        self.properties.cover_counts(&self.design)
    }

    /// Writes a waveform (FST) of all named values to `path`, from the next cycle on: cycle `n` lasts from
    /// 10 n to 10 n + 10 ns, `clk` being high in its first half; what follows from the rising edge at its end
    /// is shown in the next cycle. The file is complete after [`Simulator::finish_wave`], or once the
    /// simulator is dropped.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn wave_to(&mut self, path: impl AsRef<Path>) -> Result<(), WaveError> {
        self.finish_wave()?;
        self.wave = Some(Wave::create(path.as_ref(), &self.design, &self.program)?);
        Ok(())
    }

    /// Completes the waveform file, if there is one.
    ///
    /// # Errors
    /// The file could not be written, now or at some cycle before.
    pub fn finish_wave(&mut self) -> Result<(), WaveError> {
        self.wave.take().map_or(Ok(()), |wave| wave.finish(self.cycle))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Nobody is left to tell; finish_wave() is there for those who want to know.
        let _ = self.finish_wave();
    }
}

fn apply(m: &mut [u64], copies: &[Copy]) {
    for Copy { dst, src, limbs } in copies {
        m.copy_within(*src as usize..(src + limbs) as usize, *dst as usize);
    }
}
