//! The native engine's machine code does what its interpreter does: the same script on both in lock step, and nothing
//! that has a name may differ, at the ports or inside.

use std::path::Path;
use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::session::{self, Setup};
use stagecoach_cosim::stimulus::{Script, Shape, configuration};
use stagecoach_cosim::{EngineKind, Error, PortEngine, Stalls, engine};
use stagecoach_hdl::Module;
use stagecoach_hdl::native::{Backend, Options, PortLayout, Simulator};
use stagecoach_spec::{Config, Preset, Protection};

/// Both backends as one engine.
struct LockStep {
    compiled: Simulator,
    interpreted: Simulator,
    names: Vec<String>,
    outputs: Vec<u64>,
    /// Cycles from one look inside to the next.
    every: u64,
}

impl LockStep {
    fn new(module: &Arc<Module>, seed: u64, every: u64) -> LockStep {
        let simulator = |backend| Simulator::new(module, Options { backend, ..Options::seeded(seed) });
        let (compiled, interpreted) = (simulator(Backend::Compiled), simulator(Backend::Interpreted));
        assert_eq!(compiled.backend(), Backend::Compiled, "this machine has a compiler");
        let names = compiled.names().collect();
        let outputs = vec![0; compiled.layout().output_limbs];
        LockStep { compiled, interpreted, names, outputs, every }
    }

    fn compare(&mut self) {
        let cycle = self.compiled.cycles();
        for name in &self.names {
            let (value, expected) = (self.compiled.peek(name), self.interpreted.peek(name));
            assert_eq!(value, expected, "after cycle {cycle}: {name}");
        }
    }
}

impl PortEngine for LockStep {
    fn kind(&self) -> EngineKind {
        EngineKind::Native
    }

    fn layout(&self) -> &PortLayout {
        self.compiled.layout()
    }

    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        self.compiled.cycle(inputs, outputs);
        self.interpreted.cycle(inputs, &mut self.outputs);
        assert_eq!(outputs, self.outputs, "outputs in cycle {}", self.compiled.cycles() - 1);
        if self.compiled.cycles().is_multiple_of(self.every) {
            self.compare();
        }
        Ok(())
    }

    fn open_wave(&mut self, _: &Path) -> Result<(), Error> {
        Ok(())
    }

    fn close_wave(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn failures(&self) -> Vec<String> {
        assert_eq!(self.compiled.failures(), self.interpreted.failures());
        assert_eq!(self.compiled.cover_counts(), self.interpreted.cover_counts());
        self.compiled.failures().into_iter().map(|failure| failure.name).collect()
    }
}

fn in_lock_step(config: &Config, seed: u64, requests: usize, every: u64) {
    let module = engine::describe(config).expect("the configuration can be described");
    let script = Script::random(config, seed, Shape { requests, most_between: 40, fills: 1 });
    let stalls = Stalls::random(&mut ChaCha8Rng::seed_from_u64(seed));
    let setup = Setup { kind: EngineKind::Native, engine_seed: seed, driver_seed: seed, stalls };
    let engine = LockStep::new(&module, seed, every);
    let played = session::play_on(Box::new(engine), &script, &setup);
    played.unwrap_or_else(|failure| panic!("{}: {failure}", config.to_toml()));
}

#[test]
fn the_smallest_preset_looked_at_in_every_cycle() {
    in_lock_step(&Preset::Tiny.config(), 1, 300, 1);
}

#[test]
fn the_presets() {
    in_lock_step(&Preset::Roce.config(), 2, 1_000, 97);
    in_lock_step(&Preset::Cloud.config(), 3, 300, 997);
}

#[test]
fn protected_tables() {
    let protection = Protection::Secded;
    in_lock_step(&Config { protection, ..Preset::Tiny.config() }, 4, 500, 7);
}

#[test]
fn random_configurations() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for seed in 0..12 {
        in_lock_step(&configuration::random(&mut random), seed, 300, 11);
    }
}
