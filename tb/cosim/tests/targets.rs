//! The hardware answers the same for every target and every kind of CAM: random scripts on Verilator, over models of
//! the family's memories, give every beat and answer in the very cycle of the native engine, which knows no target.

use stagecoach_cosim::session::{self, Setup};
use stagecoach_cosim::stimulus::{Script, Shape};
use stagecoach_cosim::{EngineKind, Stalls, engine};
use stagecoach_spec::{Cam, Config, Preset, Target};

/// Enough for updates of every kind, and for reads that meet writes.
const SHAPE: Shape = Shape { requests: 3_000, most_between: 40, fills: 1 };

fn every_target_answers_the_same(cam: Cam) {
    let config = Config { cam: Some(cam), ..Preset::Tiny.config() };
    let module = engine::describe(&config).expect("it can be described");
    for (seed, stalls) in [(1, Stalls::NONE), (2, Stalls::random(&mut rand_of(2)))] {
        let script = Script::random(&config, seed, SHAPE);
        let native = Setup { kind: EngineKind::Native, engine_seed: seed, driver_seed: seed, stalls };
        let expected = session::play(&script, &module, &native).expect("the native engine is right");
        for target in Target::ALL {
            let script = Script { config: Config { target, ..script.config.clone() }, ..script.clone() };
            let setup = Setup { kind: EngineKind::Verilator, engine_seed: !seed, ..native };
            let outcome = session::play(&script, &module, &setup)
                .unwrap_or_else(|failure| panic!("target {target}, {cam:?}, seed {seed}: {failure}"));
            let differs = outcome.trace.iter().zip(&expected.trace).find(|(shown, wanted)| shown != wanted);
            assert_eq!(differs, None, "target {target}, {cam:?}, seed {seed}: native on the right");
            assert_eq!(outcome.trace.len(), expected.trace.len(), "target {target}, {cam:?}, seed {seed}");
        }
    }
}

fn rand_of(seed: u64) -> rand_chacha::ChaCha8Rng {
    rand::SeedableRng::seed_from_u64(seed)
}

#[test]
fn every_target_answers_the_same_with_every_cam() {
    Cam::ALL.into_iter().for_each(every_target_answers_the_same);
}
