//! Moves between two golden models, with clients and the VM's CPU writing all the time, and whatever can go wrong.

mod support;

use stagecoach_log::Change;
use stagecoach_protocol::{Arbitration, Phase};
use stagecoach_spec::{Access, Region};
use support::{LATE_KEY, PAGES, Weather, World, region};

const BOTH: [Arbitration; 2] = [Arbitration::OwnJournal, Arbitration::Node];

fn server(world: &mut World) -> usize {
    world.servers()[0]
}

#[test]
fn a_vm_moves_there_and_back_while_it_is_used() {
    for arbitration in BOTH {
        let mut world = World::new(arbitration, 1);
        for (from, to) in [(0, 1), (1, 0), (0, 1)] {
            world.turn();
            world.order_move(from);
            world.settle();
            assert_eq!(world.servers(), [to]);
            assert_eq!(world.phase(from), Phase::Absent);
        }
        assert!(
            world.granted > 50 && world.retries > 3,
            "{} granted, {} retries",
            world.granted,
            world.retries
        );
    }
}

#[test]
fn registrations_during_pre_copy_travel_too() {
    let mut world = World::new(Arbitration::OwnJournal, 2);
    world.order_move(0);
    // Written and forgotten before any key names them.
    (60..62).for_each(|page| world.fills(0, page));
    world.with(0, |machine, out| machine.round(out).map(drop));
    assert!(matches!(world.phase(0), Phase::PreCopy { .. }));
    for slot in 0..2 {
        let change = Change::SetSlot { slot: 40 + slot, page: 60 + u64::from(slot), page_size: 0 };
        world.with(0, |machine, _| machine.change(change));
    }
    let late = Region { pd: 9, ..region(Access::REMOTE_READ, 40, 2) };
    world.with(0, |machine, _| machine.change(Change::Install { key: LATE_KEY, region: late }));
    world.settle();
    assert_eq!(world.servers(), [1]);
    assert_eq!(world.asked_again, 0, "their pages were known as new");
    let log = world.machines[1].as_mut().unwrap().card().log(stagecoach_protocol::Epoch(2)).unwrap();
    assert!(log.changes().iter().any(|change| matches!(change, Change::Install { key: LATE_KEY, .. })));
    let pages = log.changes().iter().filter(|change| matches!(change, Change::SetSlot { .. })).count();
    assert_eq!(pages as u64, PAGES + 2);
}

#[test]
fn a_destination_without_a_free_binding_refuses_before_anything_is_handed_over() {
    let mut world = World::new(Arbitration::OwnJournal, 3);
    world.keeps_no_binding(1);
    world.order_move(0);
    world.settle();
    assert_eq!(world.servers(), [0]);
    assert_eq!(world.phase(1), Phase::Absent);
    let complaints = world.machines[1].as_mut().unwrap().complaints();
    assert!(complaints.iter().any(|words| words.contains("bindings")), "{complaints:?}");
}

/// Every step of a move at which a machine can die, one after the other, in every place.
#[test]
fn a_crash_at_every_step_does_no_harm_and_a_retry_succeeds() {
    let mut points = 0;
    for (arbitration, cards_survive) in
        BOTH.into_iter().flat_map(|arbitration| [(arbitration, false), (arbitration, true)])
    {
        for victim in 0..2 {
            for step in 0.. {
                let mut world = World::new(arbitration, 100 + step);
                world.cards_survive = cards_survive;
                world.crash_at(victim, step);
                world.order_move(0);
                world.settle();
                if world.crashes == 0 {
                    assert!(step > 4, "a move has more steps than {step}");
                    break;
                }
                points += 1;
                if server(&mut world) == 0 {
                    world.order_move(0);
                    world.settle();
                }
                assert_eq!(world.servers(), [1], "{arbitration:?}, machine {victim} died at step {step}");
                world.order_move(1);
                world.settle();
                assert_eq!(world.servers(), [0], "and back");
            }
        }
    }
    println!("{points} points, none left out");
    assert!(points > 60, "{points} points");
}

#[test]
fn lost_repeated_and_reordered_packets_and_crashes_do_no_harm() {
    let (mut moved, mut crashes, mut again) = (0, 0, 0);
    for seed in 0..60 {
        let mut world = World::new(BOTH[seed as usize % 2], seed);
        for round in 0..4 {
            let from = server(&mut world);
            world.weather = Weather::Bad(2 + (seed % 5) as u32);
            world.crash_at((seed + round) as usize % 2, (seed * 7 + round * 13) % 60);
            world.order_move(from);
            for turn in 0..12 {
                world.turn();
                if turn % 3 == 2 {
                    world.timeouts();
                }
            }
            world.settle();
            moved += usize::from(server(&mut world) != from);
        }
        crashes += world.crashes;
        again += world.asked_again;
    }
    println!(
        "{moved} of 240 moves succeeded at once, {crashes} crashes, pages asked for again {again} times"
    );
    assert!(
        moved > 60 && crashes > 60 && again > 20,
        "{moved} moved, {crashes} crashes, {again} asked again"
    );
}

#[test]
fn a_cut_link_leaves_at_most_one_that_serves_at_any_step() {
    for arbitration in BOTH {
        for turns in 0..8 {
            let mut world = World::new(arbitration, 500 + turns);
            world.order_move(0);
            for _ in 0..turns {
                world.turn();
            }
            world.weather = Weather::Cut;
            for _ in 0..6 {
                world.turn();
                world.timeouts();
            }
            assert!(world.servers().len() <= 1);
            world.settle();
        }
    }
}
