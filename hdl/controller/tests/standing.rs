//! The blocks that work out what stands still: after their cycles, their results are as after any longer time.

mod common;

use std::sync::Arc;

use common::{Block, SEEDS};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_controller::widths::Widths;
use stagecoach_controller::{install_check, track_check, update_check};
use stagecoach_hdl::Module;
use stagecoach_hdl::netlist::Direction;
use stagecoach_spec::{Config, Preset, Protection};

/// Longer than any of the blocks takes.
const LONG: u32 = 80;
const ROUNDS: u32 = 1500;

/// Small and large values alike, and those at the ends.
fn value(random: &mut ChaCha8Rng, width: u32) -> u128 {
    let top = if width == 128 { u128::MAX } else { (1 << width) - 1 };
    let value = random.random::<u128>() & top;
    match random.random_range(0..4) {
        0 => value >> random.random_range(0..=width.min(127)),
        1 => top - (value >> random.random_range(0..=width.min(127))),
        2 => u128::from(random.random_range(0..20u8)) & top,
        _ => value,
    }
}

/// Changes some inputs, again and again, and compares what shows after `cycles` with what shows much later.
fn settles(module: &Arc<Module>, cycles: u32, seed: u64, allowed: impl Fn(&str, u128) -> u128) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut block = Block::new(module, seed);
    let of = |direction| module.ports.iter().filter(move |port| port.direction == direction);
    let inputs: Vec<_> = of(Direction::Input).map(|port| (port.name.clone(), port.width)).collect();
    let outputs: Vec<_> = of(Direction::Output).map(|port| port.name.clone()).collect();
    let mut changed = 0;
    for round in 0..ROUNDS {
        let share = [0.1, 0.5, 1.0][round as usize % 3];
        for (name, width) in &inputs {
            if random.random_bool(share) && name != "reset" {
                let value = value(&mut random, *width);
                block.set(name, allowed(name, value));
            }
        }
        let before: Vec<_> = outputs.iter().map(|name| block.get(name)).collect();
        (0..cycles).for_each(|_| block.step());
        let settled: Vec<_> = outputs.iter().map(|name| block.get(name)).collect();
        (0..LONG).for_each(|_| block.step());
        let later: Vec<_> = outputs.iter().map(|name| block.get(name)).collect();
        assert_eq!(settled, later, "{outputs:?}, seed {seed}, round {round}");
        changed += u32::from(before != later);
    }
    assert_eq!(block.failures(), Vec::<String>::new(), "seed {seed}");
    assert!(changed > ROUNDS / 4, "the results change: {changed}");
}

fn configs() -> Vec<Config> {
    let wide = Config { physical_address_bits: 64, ..Preset::Roce.config() };
    let protected = Config { protection: Protection::Secded, ..Preset::Tiny.config() };
    vec![Preset::Tiny.config(), wide, protected]
}

#[test]
fn install_is_worked_out_in_time() {
    for (config, seed) in configs().iter().flat_map(|config| SEEDS.map(|seed| (config, seed))) {
        let module = install_check::describe(&Widths::of(config)).expect("sound");
        settles(&module, install_check::CYCLES, seed, |_, value| value);
    }
}

#[test]
fn track_is_worked_out_in_time() {
    for (config, seed) in configs().iter().flat_map(|config| SEEDS.map(|seed| (config, seed))) {
        let module = track_check::describe(&Widths::of(config)).expect("sound");
        settles(&module, track_check::CYCLES, seed, |_, value| value);
    }
}

#[test]
fn an_update_is_judged_in_time() {
    for (config, seed) in configs().iter().flat_map(|config| SEEDS.map(|seed| (config, seed))) {
        let module = update_check::describe(&Widths::of(config)).expect("sound");
        settles(&module, update_check::CYCLES, seed, |_, value| value);
    }
}
