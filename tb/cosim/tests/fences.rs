//! Fences: each waits for the spans and beats of its own table that were accepted before it, and for nothing else; and
//! nobody else waits.

mod support;

use stagecoach_cosim::driver::Event;
use stagecoach_cosim::{Pace, RetirePace, Spans, Stalls, Testbench};
use stagecoach_spec::{Op, Request, Update, UpdateError};
use support::*;

/// Most cycles from the end of what a fence waits for to its answer.
const REST: u64 = 40;
/// Cycles in which nothing may change.
const A_WHILE: u64 = 400;

/// Every kind of fence of a loaded table, in an order in which each succeeds (`clear_table` after all the others).
fn fences(table: u16) -> Vec<Update> {
    vec![
        Update::ClearSlot { table, slot: SPARE_SLOT },
        Update::SetSlot { table, slot: PAGES, frame: window_base(table) + 1, page_size: 0 },
        Update::Invalidate { table, key: OTHER_KEY },
        Update::Unbind { table, net_id: second_net_id(table) },
        Update::Freeze { table },
    ]
}

/// Plays until the fence is accepted.
fn begin(bench: &mut Testbench, fence: Update) {
    bench.tell(&fence);
    until(bench, "the fence's acceptance", |bench| bench.fences().open().is_some());
}

/// Lets the open fence end; gives the cycles from the end of what it waited for to its answer.
fn end(bench: &mut Testbench) -> u64 {
    until(bench, "the fence's answer", |bench| bench.fences().open().is_none());
    let fence = bench.fences().done().last().expect("a fence was answered");
    fence.answered - fence.drained
}

#[test]
fn a_fence_waits_until_the_spans_of_its_table_are_retired() {
    let mut bench = loaded(&config(), Stalls::NONE);
    for fence in fences(1) {
        bench.driver_mut().hold_retirements(Spans::Table(1));
        for page in 0..3 {
            bench.ask(&access(1, Op::RemoteWrite, page)).unwrap();
        }
        until(&mut bench, "three grants", |bench| bench.driver().unretired() == 3);
        begin(&mut bench, fence);
        for left in (0..3).rev() {
            steps(&mut bench, A_WHILE);
            assert!(bench.fences().open().is_some(), "{fence:?} is over with {} spans", left + 1);
            assert!(bench.driver_mut().retire_next(1));
        }
        let rest = end(&mut bench);
        assert!(rest <= REST, "{fence:?} came {rest} cycles late");
        let seen = *bench.fences().done().last().unwrap();
        assert_eq!((seen.table, seen.spans, seen.beats), (1, 3, 0), "{fence:?}");
        bench.driver_mut().release_retirements(Spans::All);
        settle(&mut bench);
    }
    finish(bench);
}

#[test]
fn a_fence_waits_until_the_beats_of_its_table_are_taken() {
    let empty = Request { length: 0, bound: 0, ..access(1, Op::RemoteRead, 0) };
    let refused = Request { pd: 2, ..access(1, Op::RemoteRead, 0) };
    let several = Request { length: 8192, bound: 8192, ..access(1, Op::RemoteRead, 0) };
    for (request, beats) in [(access(1, Op::RemoteRead, 2), 1), (empty, 1), (refused, 1), (several, 2)] {
        let mut bench = loaded(&config(), Stalls::NONE);
        for fence in fences(1) {
            bench.driver_mut().hold_responses();
            bench.ask(&request).unwrap();
            until(&mut bench, "acceptance", |bench| bench.driver().queued_requests() == 0);
            begin(&mut bench, fence);
            steps(&mut bench, A_WHILE);
            let open = *bench.fences().open().unwrap_or_else(|| panic!("{fence:?}: {request:?} not taken"));
            assert_eq!((open.beats, open.spans), (beats, 0));
            bench.driver_mut().release_responses();
            let rest = end(&mut bench);
            assert!(rest <= REST, "{fence:?} came {rest} cycles late");
            settle(&mut bench);
        }
        finish(bench);
    }
}

#[test]
fn a_fence_does_not_wait_for_other_tables() {
    let mut bench = loaded(&config(), Stalls::NONE);
    for other in [0, 2] {
        bench.driver_mut().hold_retirements(Spans::Table(other));
        (0..PAGES).for_each(|page| bench.ask(&access(other, Op::RemoteWrite, page)).unwrap());
    }
    until(&mut bench, "their grants", |bench| bench.driver().unretired() == 2 * PAGES as usize);
    // One that never was: nothing of its table is in flight, only others' is.
    for fence in fences(1) {
        begin(&mut bench, fence);
        let rest = end(&mut bench);
        assert!(rest <= REST, "{fence:?} took {rest} cycles while others' spans were in flight");
        assert!(!bench.fences().done().last().unwrap().waited());
    }
    assert_eq!(bench.driver().unretired(), 2 * PAGES as usize);
    bench.driver_mut().release_retirements(Spans::All);
    settle(&mut bench);
    finish(bench);
}

#[test]
fn a_fence_does_not_wait_for_what_was_accepted_behind_it() {
    let mut bench = loaded(&config(), Stalls::NONE);
    // A slot that the requests do not use, so that they are granted before and after.
    for round in 0..20 {
        bench.driver_mut().hold_retirements(Spans::Table(1));
        bench.ask(&access(1, Op::RemoteWrite, 0)).unwrap();
        until(&mut bench, "a grant", |bench| bench.driver().unretired() == 1);
        begin(
            &mut bench,
            Update::SetSlot { table: 1, slot: SPARE_SLOT, frame: window_base(1) + round, page_size: 0 },
        );
        (0..PAGES).for_each(|page| bench.ask(&access(1, Op::RemoteRead, page)).unwrap());
        until(&mut bench, "later grants", |bench| bench.driver().unretired() == 1 + PAGES as usize);
        steps(&mut bench, A_WHILE);
        assert!(bench.fences().open().is_some());
        // The oldest is the one before the fence.
        assert!(bench.driver_mut().retire_next(1));
        let rest = end(&mut bench);
        assert!(rest <= REST, "the fence took {rest} cycles more, with later spans in flight");
        assert_eq!(bench.driver().unretired(), PAGES as usize);
        bench.driver_mut().release_retirements(Spans::All);
        settle(&mut bench);
    }
    finish(bench);
}

#[test]
fn a_fence_ends_while_its_table_is_asked_in_every_cycle() {
    let stalls = Stalls { retirement: RetirePace::After(30), ..Stalls::NONE };
    let mut bench = loaded(&config(), stalls);
    let requests = 6_000;
    for number in 0..requests {
        bench.ask(&access(1, Op::RemoteWrite, number % PAGES)).unwrap();
    }
    steps(&mut bench, 100);
    let mut frames = 0;
    while bench.driver().queued_requests() > 200 {
        frames += 1;
        let frame = window_base(1) + frames % 64;
        begin(&mut bench, Update::SetSlot { table: 1, slot: SPARE_SLOT, frame, page_size: 0 });
        let rest = end(&mut bench);
        assert!(rest <= REST, "{rest} cycles after the last request before it was over");
    }
    assert!(frames > 20, "only {frames} fences");
    settle(&mut bench);
    // One a cycle all the time, but for the cycles that the tokens take.
    let accepted = accepted(&bench, 1);
    let lost = accepted[accepted.len() - 1] - accepted[0] + 1 - u64::from(requests);
    assert!(lost <= frames, "{lost} cycles without a request, with {frames} tokens");
    assert!(finish(bench).fences.iter().filter(|fence| fence.waited()).count() as u64 >= frames);
}

#[test]
fn other_tables_go_on_at_one_request_a_cycle_while_a_fence_waits() {
    for fence in fences(1) {
        let mut bench = loaded(&config(), Stalls::NONE);
        bench.driver_mut().hold_retirements(Spans::Table(1));
        bench.ask(&access(1, Op::RemoteWrite, 0)).unwrap();
        until(&mut bench, "a grant", |bench| bench.driver().unretired() == 1);
        begin(&mut bench, fence);
        let requests = 1_000u32;
        for number in 0..requests {
            bench.ask(&access(number as u16 % 2 * 2, Op::RemoteRead, number % PAGES)).unwrap();
        }
        let seen = bench.trace().len();
        until(&mut bench, "all of them", |bench| bench.driver().queued_requests() == 0);
        assert!(bench.fences().open().is_some(), "{fence:?} did not wait");
        let mut cycles = Vec::new();
        for timed in &bench.trace()[seen..] {
            if let Event::Accepted(_) = timed.event {
                cycles.push(timed.cycle);
            }
        }
        assert!(cycles.windows(2).all(|pair| pair[1] == pair[0] + 1), "{fence:?}: requests had to wait");
        assert_eq!(cycles.len(), requests as usize);
        bench.driver_mut().release_retirements(Spans::All);
        // The testbench holds every beat to its cycle: none was late.
        let outcome = finish(bench);
        assert!(
            outcome.timing.beats >= u64::from(requests) && outcome.timing.unforetold == 0,
            "{:?}",
            outcome.timing
        );
    }
}

#[test]
fn a_fence_waits_behind_a_stalling_output_and_ends() {
    for pace in [Pace::Percent(10), Pace::Stretches(60)] {
        let retirement = RetirePace::Random { longest: 60 };
        let mut bench = loaded(&config(), Stalls { response: pace, retirement, ..Stalls::NONE });
        for round in 0..30 {
            // So many that some are left when the fence's token comes.
            for page in (0..PAGES).chain(0..PAGES).chain(0..PAGES) {
                bench.ask(&access(1, Op::RemoteWrite, page)).unwrap();
                bench.ask(&access(2, Op::RemoteRead, page)).unwrap();
            }
            let frame = window_base(1) + round;
            begin(&mut bench, Update::SetSlot { table: 1, slot: SPARE_SLOT, frame, page_size: 0 });
            let rest = end(&mut bench);
            assert!(rest <= REST, "{rest} cycles after the last beat and retirement");
        }
        let outcome = finish(bench);
        assert!(outcome.fences.iter().filter(|fence| fence.beats > 0).count() >= 20);
    }
}

#[test]
fn every_fence_turns_the_epoch_and_a_refused_one_does_not() {
    let mut bench = loaded(&config(), Stalls::NONE);
    let mut epoch = false;
    let check = |bench: &mut Testbench, epoch: bool| {
        let beats = ask(bench, &access(1, Op::RemoteRead, 0));
        assert_eq!(beats[0].epoch, epoch);
        // Other tables have epochs of their own.
        assert!(!ask(bench, &access(2, Op::RemoteRead, 0))[0].epoch);
    };
    check(&mut bench, epoch);
    for fence in fences(1) {
        let refused = match fence {
            Update::SetSlot { table, slot, page_size, .. } => {
                (Update::SetSlot { table, slot, frame: 0, page_size }, UpdateError::OutOfWindow)
            }
            Update::ClearSlot { table, .. } => {
                (Update::ClearSlot { table, slot: EMPTY_SLOT }, UpdateError::NotValid)
            }
            Update::Invalidate { table, key } => {
                (Update::Invalidate { table, key: key ^ 1 }, UpdateError::NotValid)
            }
            Update::Unbind { table, .. } => {
                (Update::Unbind { table, net_id: net_id(2) }, UpdateError::NotBound)
            }
            _ => (Update::ClearTable { table: 1 }, UpdateError::TableInUse),
        };
        assert_eq!(answer(&mut bench, refused.0), Err(refused.1));
        check(&mut bench, epoch);
        done(&mut bench, fence);
        epoch = !epoch;
        check(&mut bench, epoch);
    }
    // No fence: nothing was there.
    done(&mut bench, Update::Thaw { table: 1 });
    done(&mut bench, Update::SetSlot { table: 1, slot: EMPTY_SLOT, frame: window_base(1), page_size: 0 });
    check(&mut bench, epoch);

    // A cleared table starts anew.
    done(&mut bench, Update::Unbind { table: 1, net_id: net_id(1) });
    done(&mut bench, Update::ClearTable { table: 1 });
    load(&mut bench, 1);
    check(&mut bench, false);
    finish(bench);
}
