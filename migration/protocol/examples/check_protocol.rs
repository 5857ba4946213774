//! The whole check of the hand-over: every order of messages, losses, repetitions and crashes within a budget, with the
//! arbiter in the source's journal and as a node of its own; then each mistake that is built in on purpose. Prints how many
//! states there are, and how few steps break what.
//!
//! ```sh
//! cargo run --release -p stagecoach-protocol --example check_protocol
//! ```

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use stagecoach_protocol::Arbitration;
use stateright::report::WriteReporter;
use stateright::{Checker, HasDiscoveries, Model};
use support::{Budget, Mistake, System};

fn main() -> ExitCode {
    let mut good = true;
    for arbitration in [Arbitration::OwnJournal, Arbitration::Node] {
        for budget in [
            Budget { moves: 2, crashes: 1, writes: 2, give_ups: 1 },
            Budget { moves: 2, crashes: 2, writes: 1, give_ups: 0 },
            Budget { moves: 1, crashes: 3, writes: 1, give_ups: 1 },
        ] {
            println!("{arbitration:?}, {budget:?}");
            let system = System { arbitration, budget, mistake: Mistake::None };
            let checker = system.checker().threads(2).spawn_dfs();
            let checker = checker.join_and_report(&mut WriteReporter::new(&mut std::io::stderr()));
            println!("  {} states", checker.unique_state_count());
            for name in checker.discoveries().keys() {
                let is_failure = *name != "the VM comes back";
                good &= !is_failure;
                println!("  {}{name}", if is_failure { "BROKEN: " } else { "seen: " });
            }
        }
    }
    for mistake in Mistake::ALL {
        let budget = Budget { moves: 2, crashes: 1, writes: 1, give_ups: 1 };
        let arbitration =
            if mistake == Mistake::UncertainThaws { Arbitration::Node } else { Arbitration::OwnJournal };
        let system = System { arbitration, budget, mistake };
        let checker = system.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let found = checker.discoveries().into_iter().find(|(name, _)| *name != "the VM comes back");
        good &= found.is_some();
        match found {
            Some((name, path)) => {
                println!("{mistake:?} breaks `{name}` in {} steps", path.into_actions().len())
            }
            None => println!("{mistake:?}: NOT FOUND"),
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
