//! Stored words that stay broken, under a request in every cycle: updates go on.

mod support;

use stagecoach_cosim::{Stalls, Testbench};
use stagecoach_spec::{Config, Op, Protection, Stored, Update};
use support::*;

/// The table whose binding is broken.
const TABLE: u16 = 1;
/// The entry of its first identifier.
const ENTRY: u32 = 2;
/// More than an update takes, by far.
const REQUESTS: u32 = 8_000;

fn broken(protection: Protection, flips: &[(Stored, u16)]) -> Testbench {
    let config = Config { protection, net_id_bits: 29, tables: 3, bindings: 6, dirty_words: 64, ..config() };
    let mut bench = loaded(&config, Stalls::NONE);
    for (stored, bit) in flips {
        done(&mut bench, Update::Inject { stored: *stored, bit: *bit });
    }
    for number in 0..REQUESTS {
        bench.ask(&access(TABLE, Op::RemoteRead, number % PAGES)).unwrap();
    }
    steps(&mut bench, 100);
    bench
}

#[test]
fn updates_go_on_while_a_word_is_corrected_that_cannot_be_written_back() {
    // What the CAM's entry would be written from fails its check.
    let listed = Stored::ListedBinding { entry: ENTRY };
    let flips = [(listed, 0), (listed, 1), (Stored::Binding { entry: ENTRY }, 3)];
    let mut bench = broken(Protection::Secded, &flips);
    for round in 0..4 {
        done(
            &mut bench,
            Update::SetSlot { table: 0, slot: EMPTY_SLOT, frame: window_base(0) + round, page_size: 0 },
        );
        assert!(bench.driver().queued_requests() > 0, "update {round} waited for the requests to end");
    }
    settle(&mut bench);
    finish(bench);
}
