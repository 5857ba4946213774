//! Wrong variants of the packet decoder: does the traffic notice them?
//!
//! `STAGECOACH_MUTANTS=400 cargo test --release -p stagecoach-cosim --test frames mutants -- --nocapture` tries more of them.

use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::describe;

use super::{checked, traffic_on};

#[path = "../support/mutants.rs"]
mod sample;

/// Mutants that a test run tries.
const TRIED: usize = 8;
/// Seeds and rounds that a mutant gets until it is caught.
const TURNS: [(u64, usize); 2] = [(1, 4), (2, 8)];
/// Most of a hundred that may survive. Of those that do, most change nothing that can be seen: what stands in front of block
/// `admit` stands there for a cycle longer, so a copy that is a cycle late is the same; resets of values that mean nothing;
/// credits that are more generous than any traffic here needs.
const MOST_SURVIVE: usize = 40;

#[test]
fn mutants_of_the_decoder_are_caught() {
    // Frames of a beat or two.
    let config = checked(512, 128);
    let sound = describe(&config).expect("it can be described");
    let of_decoder = |module: &str| module.starts_with("decoder_") || module == "packet_decoder";
    sample::are_caught(&sound, "the decoder", of_decoder, TRIED, MOST_SURVIVE, |mutant| {
        for (seed, rounds) in TURNS {
            traffic_on(EngineKind::Native, mutant, &config, seed, rounds);
        }
    });
}
