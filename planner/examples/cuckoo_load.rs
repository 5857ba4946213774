//! How full the ways of a cuckoo CAM become, and with how many moves: the tables of `docs/performance/cuckoo.md`.
//!
//! ```text
//! cargo run --release -p stagecoach-planner --example cuckoo_load
//! ```

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stagecoach_planner::{PlanError, Planner};
use stagecoach_spec::{Cam, Config, Cuckoo, Update};

#[path = "../tests/support/ids.rs"]
mod ids;
use ids::Ids;

const SEEDS: u64 = 100;

/// What filling a CAM shows, seed after seed.
#[derive(Default)]
struct Figures {
    /// Identifiers bound before the first failure, as a percentage of the ways' places.
    loads: Vec<f64>,
    /// Moves of every bind up to 95 % of the places.
    moves: Vec<usize>,
    /// Most identifiers in the stash until then.
    most_in_stash: usize,
}

fn planner(config: &Config, seed: u64) -> Planner {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut planner = Planner::unlimited(config);
    if let Ok(plan) = planner.reseed_all(&mut || random.next_u64()) {
        follow(&mut planner, &plan);
    }
    planner
}

fn follow(planner: &mut Planner, plan: &[Update]) {
    for update in plan {
        planner.follow(update).expect("a plan is accepted");
    }
}

fn fill(config: &Config, ids: Ids, seed: u64, figures: &mut Figures) {
    let mut planner = planner(config, seed);
    let mut random = ChaCha8Rng::seed_from_u64(!seed);
    let start = random.next_u32() & 0xf_ffff;
    let places = (Cuckoo::WAYS * Cuckoo::of(config).depth()) as usize;
    for n in 0.. {
        let plan = match planner.bind(ids.nth(n, start, config, &mut random), 0) {
            Ok(plan) => plan,
            // Random identifiers of few bits come twice.
            Err(PlanError::AlreadyBound { .. }) => continue,
            Err(_) => break,
        };
        follow(&mut planner, &plan);
        if planner.len() * 100 <= places * Cuckoo::LOAD_PERCENT as usize {
            figures.moves.push(plan.len() - 1);
            figures.most_in_stash = figures.most_in_stash.max(planner.in_stash());
        }
    }
    figures.loads.push(planner.len() as f64 * 100.0 / places as f64);
}

fn print_loads() {
    println!(
        "| places | id bits | identifiers | least load | median | seeds below 95 % | moves, mean | 99 % | most | most in stash |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for bindings in [60, 243, 1024, 4096] {
        let kinds = [
            (32, Ids::Random),
            (32, Ids::Ipv4Block),
            (128, Ids::Random),
            (128, Ids::Ipv6Block),
            (152, Ids::Random),
            (152, Ids::VniBlock),
            (152, Ids::VniTimesIpv4),
        ];
        for (net_id_bits, ids) in kinds {
            let config = Config { bindings, net_id_bits, cam: Some(Cam::Cuckoo), ..Config::default() };
            let mut figures = Figures::default();
            (0..SEEDS).for_each(|seed| fill(&config, ids, seed, &mut figures));
            let Figures { mut loads, mut moves, most_in_stash } = figures;
            loads.sort_by(f64::total_cmp);
            moves.sort_unstable();
            let mean = moves.iter().sum::<usize>() as f64 / moves.len() as f64;
            println!(
                "| 4 x {} | {net_id_bits} | {} | {:.1} % | {:.1} % | {} | {mean:.2} | {} | {} | {most_in_stash} |",
                Cuckoo::of(&config).depth(),
                ids.name(),
                loads[0],
                loads[loads.len() / 2],
                loads.iter().filter(|load| **load < 95.0).count(),
                moves[moves.len() * 99 / 100],
                moves[moves.len() - 1],
            );
        }
    }
}

/// Re-seeding the first way of 4 x 512 places.
fn print_reseeds() {
    println!("| load | seeds under which a way could be emptied | updates, mean | most |");
    println!("| --- | --- | --- | --- |");
    let config = Config { bindings: 1024, net_id_bits: 152, cam: Some(Cam::Cuckoo), ..Config::default() };
    let cuckoo = Cuckoo::of(&config);
    let places = Cuckoo::WAYS * cuckoo.depth();
    for percent in [25, 50, 60, 65, 70, 75] {
        let plans: Vec<usize> = (0..SEEDS)
            .filter_map(|seed| {
                let mut planner = planner(&config, seed);
                let mut random = ChaCha8Rng::seed_from_u64(!seed);
                for n in 0..places * percent / 100 {
                    let plan = planner.bind(Ids::Random.nth(n, 0, &config, &mut random), 0).ok()?;
                    follow(&mut planner, &plan);
                }
                let seed = planner.draw_seed(0, &mut || random.next_u64());
                planner.reseed(0, seed).ok().map(|plan| plan.len())
            })
            .collect();
        let mean = plans.iter().sum::<usize>() as f64 / plans.len().max(1) as f64;
        let most = plans.iter().max().copied().unwrap_or(0);
        println!("| {percent} % | {} of {SEEDS} | {mean:.0} | {most} |", plans.len());
    }
}

fn main() {
    print_loads();
    println!();
    print_reseeds();
}
