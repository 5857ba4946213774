//! The protocol, exhaustively: a share that a test run can afford, and mistakes that must be found. The whole:
//! `cargo run --release -p stagecoach-protocol --example check_protocol`.

mod support;

use stagecoach_protocol::Arbitration;
use stateright::{Checker, HasDiscoveries, Model};
use support::{Budget, Mistake, System};

fn system(arbitration: Arbitration, budget: Budget, mistake: Mistake) -> System {
    System { arbitration, budget, mistake }
}

#[test]
fn two_moves_and_a_crash_are_safe_and_live() {
    for (arbitration, budget) in [
        (Arbitration::OwnJournal, Budget { moves: 2, crashes: 1, writes: 1, give_ups: 1 }),
        (Arbitration::Node, Budget { moves: 2, crashes: 0, writes: 1, give_ups: 1 }),
        (Arbitration::Node, Budget { moves: 1, crashes: 1, writes: 1, give_ups: 1 }),
    ] {
        let checker = system(arbitration, budget, Mistake::None).checker().threads(2).spawn_dfs().join();
        println!("{arbitration:?}, {budget:?}: {} states", checker.unique_state_count());
        checker.assert_properties();
        assert!(checker.unique_state_count() > 1000, "the checker went through them");
    }
}

#[test]
fn every_mistake_is_found() {
    let budget = Budget { moves: 2, crashes: 1, writes: 1, give_ups: 1 };
    let known = [
        (Mistake::ServesOnTimeout, Arbitration::OwnJournal, "at most one machine grants"),
        (Mistake::JournalLast, Arbitration::OwnJournal, "at most one machine grants"),
        (Mistake::JournalForgets, Arbitration::OwnJournal, "at most one machine grants"),
        (
            Mistake::FinalBeforeFence,
            Arbitration::OwnJournal,
            "no completed write is missing where the VM is served",
        ),
        (Mistake::UncertainThaws, Arbitration::Node, "no thaw after COMMIT"),
    ];
    assert_eq!(known.map(|(mistake, ..)| mistake), Mistake::ALL, "none is left out");
    for (mistake, arbitration, property) in known {
        let wanted = HasDiscoveries::AllOf([property].into());
        let checker =
            system(arbitration, budget, mistake).checker().threads(2).finish_when(wanted).spawn_bfs().join();
        let found = checker.discovery(property);
        assert!(found.is_some(), "{mistake:?} breaks `{property}`, and nobody saw it");
    }
}
