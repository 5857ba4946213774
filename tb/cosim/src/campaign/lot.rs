//! Cases of one configuration, made from a seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_spec::{Cam, Config, Preset, Protection};

use super::case::Case;
use crate::session::Setup;
use crate::stimulus::{Script, Shape, configuration};
use crate::{EngineKind, Pace, RetirePace, Stalls};

/// Cases of one configuration: its design is described once.
#[derive(Clone, Debug)]
pub struct Lot {
    /// The configuration.
    pub config: Config,
    /// The cases, with scripts of this configuration.
    pub cases: Vec<Case>,
}

impl Lot {
    /// Random scripts for a configuration. Of three cases nobody stalls in one, everybody in one, and in one each port has
    /// a pattern of its own or none.
    pub fn of(config: &Config, kind: EngineKind, seed: u64, shape: Shape, cases: u64) -> Lot {
        let case = |number: u64| {
            let seed = seed.wrapping_mul(0x1_0000).wrapping_add(number);
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let stalls = match seed % 3 {
                0 => Stalls::NONE,
                1 => everybody_stalls(&mut random),
                _ => Stalls::random(&mut random),
            };
            let setup = Setup { kind, engine_seed: !seed, driver_seed: seed, stalls };
            Case { setup, script: Script::random(config, seed, shape) }
        };
        Lot { config: config.clone(), cases: (0..cases).map(case).collect() }
    }

    /// The same for a random configuration.
    pub fn random(seed: u64, kind: EngineKind, shape: Shape, cases: u64) -> Lot {
        let config = configuration::random(&mut ChaCha8Rng::seed_from_u64(seed));
        Lot::of(&config, kind, seed, shape, cases)
    }
}

fn everybody_stalls(random: &mut impl Rng) -> Stalls {
    let mut pace = || match random.random() {
        true => Pace::Percent(random.random_range(15..=85)),
        false => Pace::Stretches(random.random_range(2..=60)),
    };
    let (request, response, update) = (pace(), pace(), pace());
    let retirement = RetirePace::Random { longest: random.random_range(10..=100) };
    Stalls { request, response, update, retirement }
}

/// An endless row of lots.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// All else follows from it.
    pub seed: u64,
}

/// One lot in so many is played under Verilator.
const VERILATOR_EVERY: u64 = 12;
/// One in so many is that of a preset.
const PRESET_EVERY: u64 = 6;

impl Source {
    /// The lot of a number: mostly random configurations on the native engine; now and then a preset; now and then
    /// Verilator, in one of four configurations that stay the same, as each takes minutes to build.
    pub fn lot(&self, number: u64) -> Lot {
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(number);
        let (turn, round) = (number % VERILATOR_EVERY, number / VERILATOR_EVERY);
        if turn == VERILATOR_EVERY - 1 {
            let shape = Shape { requests: 6_000, most_between: 60, fills: 1 };
            let configs = Source::verilator_configs();
            let config = &configs[round as usize % configs.len()];
            return Lot::of(config, EngineKind::Verilator, seed, shape, 1);
        }
        if turn % PRESET_EVERY == 2 {
            let preset = [Preset::Tiny, Preset::Roce][(number / PRESET_EVERY) as usize % 2];
            let shape = Shape { requests: 10_000, most_between: 60, fills: 1 };
            return Lot::of(&preset.config(), EngineKind::Native, seed, shape, 1);
        }
        let shape = Shape { requests: 5_000, most_between: 50, fills: 1 };
        Lot::random(seed, EngineKind::Native, shape, 3)
    }

    /// What is played under Verilator: presets `tiny` and `roce`, and a random configuration for each protection with
    /// check bits, one with a CAM of registers and one with a cuckoo CAM.
    pub fn verilator_configs() -> Vec<Config> {
        let random = |seed, protection, cam, bindings| {
            let config = configuration::random(&mut ChaCha8Rng::seed_from_u64(seed));
            Config { protection, cam: Some(cam), bindings, ..config }
        };
        vec![
            Preset::Tiny.config(),
            Preset::Roce.config(),
            random(2, Protection::Parity, Cam::Register, 7),
            random(3, Protection::Secded, Cam::Cuckoo, 40),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_follow_from_the_seed_and_differ() {
        let source = Source { seed: 5 };
        let lots: Vec<Lot> = (0..24).map(|number| source.lot(number)).collect();
        assert_eq!(lots[1].cases, source.lot(1).cases);
        assert_ne!(lots[0].cases, Source { seed: 6 }.lot(0).cases);
        let kinds = lots.iter().flat_map(|lot| &lot.cases).map(|case| case.setup.kind);
        assert_eq!(kinds.filter(|kind| *kind == EngineKind::Verilator).count(), 2);
        assert!(lots.iter().any(|lot| lot.config.name == "roce"));
        let seeds: std::collections::BTreeSet<u64> =
            lots.iter().flat_map(|lot| &lot.cases).map(|case| case.script.seed).collect();
        assert_eq!(seeds.len(), lots.iter().map(|lot| lot.cases.len()).sum::<usize>());
        for config in Source::verilator_configs() {
            assert_eq!(config.validate(), Ok(()));
        }
    }
}
