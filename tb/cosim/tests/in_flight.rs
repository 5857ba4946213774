//! `max_in_flight`: never more granted spans are unretired, and those that wait go on as soon as one is retired.

mod support;

use stagecoach_cosim::{RetirePace, Spans, Stalls};
use stagecoach_spec::{Config, Op, Request, Update};
use support::*;

#[test]
fn the_bound_holds_and_each_retirement_lets_one_go() {
    for max_in_flight in [1, 2, 3, 7, 64, 100] {
        let config = Config { max_in_flight, ..config() };
        let mut bench = loaded(&config, Stalls { retirement: RetirePace::Held, ..Stalls::NONE });
        let requests = max_in_flight + 10;
        for number in 0..requests {
            bench.ask(&access(1, Op::RemoteWrite, number % PAGES)).unwrap();
        }
        for over in 0..=10 {
            steps(&mut bench, 300);
            // Exactly so many: the bound is reached, never exceeded, and a retirement frees exactly one place.
            assert_eq!(bench.fences().spans_in_flight(), u64::from(max_in_flight));
            assert_eq!(taken(&bench, 0).len(), (max_in_flight + over) as usize, "of {max_in_flight}");
            assert!(bench.driver_mut().retire_next(1));
        }
        bench.driver_mut().release_retirements(Spans::All);
        settle(&mut bench);
        let outcome = finish(bench);
        assert_eq!(outcome.peak_in_flight, u64::from(max_in_flight));
        assert_eq!(outcome.histogram.requests(), u64::from(requests));
    }
}

#[test]
fn nothing_hangs_with_few_places() {
    let paces = [
        RetirePace::AtOnce,
        RetirePace::After(50),
        RetirePace::Random { longest: 90 },
        RetirePace::Stretches(70),
    ];
    for (max_in_flight, retirement) in [1, 2, 5].into_iter().zip(paces).chain([(1, paces[3])]) {
        let config = Config { max_in_flight, ..config() };
        let mut bench = loaded(&config, Stalls { retirement, ..Stalls::NONE });
        for number in 0..300 {
            let whole = access((number % 3) as u16, Op::RemoteRead, number % 4);
            // Spans that go, such as find no page, such without bytes, and refusals.
            let request = match number % 5 {
                0 => Request { length: 16384, bound: 16384, ..whole },
                1 => Request { length: 0, bound: 0, ..whole },
                2 => Request { pd: 9, ..whole },
                3 => Request { key: OTHER_KEY, length: 12288, bound: 12288, ..whole },
                _ => whole,
            };
            bench.ask(&request).unwrap();
            if number == 100 {
                // Slots of the other region go, amid its requests.
                (0..3).for_each(|page| bench.tell(&Update::ClearSlot { table: 1, slot: PAGES + 2 * page }));
            }
        }
        settle(&mut bench);
        let outcome = finish(bench);
        assert_eq!(outcome.peak_in_flight, u64::from(max_in_flight), "{retirement:?}");
        assert!(outcome.histogram.fault(stagecoach_spec::Fault::PageAbsent) > 0);
    }
}

#[test]
fn enough_places_keep_one_span_a_cycle() {
    let stalls = Stalls { retirement: RetirePace::After(200), ..Stalls::NONE };
    let mut bench = loaded(&config(), stalls);
    let requests = 3_000;
    for number in 0..requests {
        bench.ask(&access(1, Op::RemoteWrite, number % PAGES)).unwrap();
    }
    settle(&mut bench);
    let accepted = accepted(&bench, 1);
    assert!(accepted.windows(2).all(|pair| pair[1] == pair[0] + 1), "a request had to wait");
    let outcome = finish(bench);
    assert!((200..=260).contains(&outcome.peak_in_flight), "{}", outcome.peak_in_flight);
}
