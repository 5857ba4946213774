//! Writer and native simulator mean the same: random designs run natively, in Verilator and in Icarus Verilog.
//!
//! `STAGECOACH_DESIGNS` sets how many (2,000 without it), `STAGECOACH_SEED` the seed:
//!
//! ```sh
//! STAGECOACH_DESIGNS=20000 STAGECOACH_SEED=7 cargo test -p stagecoach-verilator --test differential -- --nocapture
//! ```

mod cases;
mod compare;
mod generate;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use generate::Kind;

/// Designs of one compilation.
const BATCH: usize = 250;
/// Cycles per design after loading.
const CYCLES: usize = 24;

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
        Err(_) => otherwise,
    }
}

#[test]
fn random_designs_mean_the_same_in_all_three_simulators() {
    let designs = number("STAGECOACH_DESIGNS", 2000) as usize;
    let seed = number("STAGECOACH_SEED", 1);
    println!("{designs} designs, STAGECOACH_SEED={seed}");
    let next = AtomicUsize::new(0);
    let compared = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(|| {
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    let first = batch * BATCH;
                    if first >= designs || !failures.lock().unwrap().is_empty() {
                        break;
                    }
                    let count = BATCH.min(designs - first);
                    match one_batch(seed, batch, count) {
                        Ok(left_out) => _ = compared.fetch_add(count - left_out, Ordering::Relaxed),
                        Err(report) => failures.lock().unwrap().push(report),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "STAGECOACH_SEED={seed}: {}", failures.join("\n\n"));
    let compared = compared.into_inner();
    println!("{compared} designs compared");
    assert!(compared + designs / 100 >= designs, "only {compared} of {designs} designs were compared");
}

/// Batch `batch` of run `seed`: the same designs whatever ran before.
fn one_batch(seed: u64, batch: usize, count: usize) -> Result<usize, String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(batch as u64));
    let kinds =
        [Kind::Combinational, Kind::Combinational, Kind::Registers, Kind::Everything, Kind::Everything];
    let designs = (0..count)
        .map(|index| {
            generate::design(&format!("random_{batch}_{index}"), kinds[index % kinds.len()], &mut rng)
        })
        .collect();
    let cases = compare::stimulate(designs, CYCLES, &mut rng);
    compare::compare(&format!("batch_{batch}"), &cases, seed)
}
