//! Wrong variants of some modules of the controller: does the traffic notice them?

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use stagecoach_hdl::{Module, mutate};

/// The name of a thread that tries mutants.
const MUTANT: &str = "mutant";

/// Tries mutants of the modules that `is_meant`, drawn at random but always the same: `tried` of them, or as many as
/// `STAGECOACH_MUTANTS` says. `play` panics if it notices something. Fails if more than `most_survive` in a hundred survive.
pub fn are_caught(
    sound: &Arc<Module>,
    what: &str,
    is_meant: impl Fn(&str) -> bool,
    tried: usize,
    most_survive: usize,
    play: impl Fn(&Arc<Module>) + Sync,
) {
    let asked = std::env::var("STAGECOACH_MUTANTS").ok();
    let count = asked.and_then(|count| count.parse().ok()).unwrap_or(tried);
    let mut mutations: Vec<_> =
        mutate::enumerate(sound).into_iter().filter(|mutation| is_meant(&mutation.module)).collect();
    let all = mutations.len();
    mutations.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    let mutants = mutations.iter().map(|mutation| (mutation, mutate::apply(sound, mutation)));
    let mutants: Vec<_> =
        mutants.filter(|(_, mutant)| !mutate::is_provably_same(sound, mutant)).take(count).collect();

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
                    if catch_unwind(AssertUnwindSafe(|| play(mutant))).is_ok() {
                        survivors.lock().expect("nobody panics with it").push(mutation.to_string());
                    }
                }
            };
            thread.spawn_scoped(scope, tries).expect("a thread can be made");
        }
    });
    let mut survivors = survivors.into_inner().expect("nobody panics with it");
    survivors.sort();
    println!("{} of {all} mutants of {what}, {} survive:", mutants.len(), survivors.len());
    survivors.iter().for_each(|survivor| println!("  {survivor}"));
    assert!(100 * survivors.len() <= most_survive * mutants.len(), "too many survive");
}
