//! Wrong variants of the packet decoder: does the traffic notice them?
//!
//! `STAGECOACH_MUTANTS=400 cargo test --release -p stagecoach-cosim --test frames mutants -- --nocapture` tries more of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use stagecoach_cosim::EngineKind;
use stagecoach_cosim::machine::describe;
use stagecoach_hdl::mutate;

use super::{config, traffic_on};

/// Mutants that a test run tries.
const TRIED: usize = 8;
/// The name of a thread that tries mutants.
const MUTANT: &str = "mutant";
/// Seeds and rounds that a mutant gets until it is caught.
const TURNS: [(u64, usize); 2] = [(1, 4), (2, 8)];
/// Most of a hundred that may survive. Of those that do, most change nothing that can be seen: what stands in front of block
/// `admit` stands there for a cycle longer, so a copy that is a cycle late is the same; resets of values that mean nothing;
/// credits that are more generous than any traffic here needs.
const MOST_SURVIVE: usize = 40;

#[test]
fn mutants_of_the_decoder_are_caught() {
    let count =
        std::env::var("STAGECOACH_MUTANTS").ok().and_then(|count| count.parse().ok()).unwrap_or(TRIED);
    // Frames of a beat or two.
    let config = config(512, 128);
    let sound = describe(&config).expect("it can be described");
    let of_decoder = |module: &str| module.starts_with("decoder_") || module == "packet_decoder";
    let mut mutations: Vec<_> =
        mutate::enumerate(&sound).into_iter().filter(|mutation| of_decoder(&mutation.module)).collect();
    let all = mutations.len();
    mutations.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    let mutants = mutations.iter().map(|mutation| (mutation, mutate::apply(&sound, mutation)));
    let mutants: Vec<_> =
        mutants.filter(|(_, mutant)| !mutate::is_provably_same(&sound, mutant)).take(count).collect();

    // Mutants are meant to fail: nobody needs to read how. Other tests of this process are heard as ever.
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some(MUTANT) {
            others(info);
        }
    }));
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let thread = std::thread::Builder::new().name(MUTANT.to_owned());
            let tries = || {
                while let Some((mutation, mutant)) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let survives = TURNS.iter().all(|(seed, rounds)| {
                        let play = || traffic_on(EngineKind::Native, mutant, &config, *seed, *rounds);
                        catch_unwind(AssertUnwindSafe(play)).is_ok()
                    });
                    if survives {
                        survivors.lock().expect("nobody panics with it").push(mutation.to_string());
                    }
                }
            };
            thread.spawn_scoped(scope, tries).expect("a thread can be made");
        }
    });
    let mut survivors = survivors.into_inner().expect("nobody panics with it");
    survivors.sort();
    println!("{} of {all} mutants of the decoder, {} survive:", mutants.len(), survivors.len());
    survivors.iter().for_each(|survivor| println!("  {survivor}"));
    assert!(100 * survivors.len() <= MOST_SURVIVE * mutants.len(), "too many survive");
}
