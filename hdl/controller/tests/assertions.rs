//! Every assertion of the hardware can fail: each block is driven against the rule that its neighbours keep.

use std::sync::Arc;

use stagecoach_controller::widths::Widths;
use stagecoach_controller::{binding, expand, queue, request};
use stagecoach_hdl::Module;
use stagecoach_hdl::native::{Options, Simulator};
use stagecoach_spec::{Config, Preset, Protection};

/// Resets `module`, holds `inputs` for `cycles` cycles, others at zero; names the assertions that failed, once each.
fn failures(module: &Arc<Module>, inputs: &[(&str, u64)], cycles: u32) -> Vec<String> {
    let mut simulator = Simulator::new(module, Options::default());
    simulator.set_reset(true);
    simulator.step();
    simulator.set_reset(false);
    for (name, value) in inputs {
        let input = simulator.input(name).expect("the block has this input");
        simulator.set(input, *value);
    }
    for _ in 0..cycles {
        simulator.step();
    }
    let mut names: Vec<_> = simulator.failures().into_iter().map(|failure| failure.name).collect();
    names.dedup();
    names
}

#[test]
fn a_queue_that_gets_more_than_it_holds_says_so() {
    let depth = 4;
    let queue = queue::describe("queue_alone", 8, depth).expect("sound");
    // It holds one word more than its memory.
    assert!(failures(&queue, &[("in_valid", 1)], depth + 1).is_empty());
    assert_eq!(failures(&queue, &[("in_valid", 1)], depth + 6), ["queue_holds"]);
    assert!(failures(&queue, &[("in_valid", 1), ("take", 1)], 100).is_empty());
}

#[test]
fn a_credit_returned_twice_to_request_is_noticed() {
    let request = request::describe(&Widths::of(&Preset::Tiny.config())).expect("sound");
    assert!(failures(&request, &[("init_done", 1), ("req_valid", 1)], 100).is_empty());
    assert_eq!(failures(&request, &[("credit_return", 1)], 8), ["credits_bounded"]);
}

#[test]
fn a_credit_returned_twice_to_expand_is_noticed() {
    let expand = expand::describe(&Widths::of(&Preset::Tiny.config())).expect("sound");
    assert!(failures(&expand, &[], 100).is_empty());
    assert_eq!(failures(&expand, &[("credit_return", 1)], 8), ["credits_bounded"]);
}

#[test]
fn a_flight_credit_returned_twice_to_expand_is_noticed() {
    for max_in_flight in [1, 2, 3, 64] {
        let config = Config { max_in_flight, ..Preset::Tiny.config() };
        let expand = expand::describe(&Widths::of(&config)).expect("sound");
        for source in ["flight_retired", "flight_unused"] {
            assert_eq!(failures(&expand, &[(source, 1)], 1), ["flight_bounded"], "{max_in_flight}");
        }
    }
}

#[test]
fn an_identifier_bound_twice_is_noticed() {
    for protection in [Protection::None, Protection::Parity, Protection::Secded] {
        let config = Config { protection, ..Preset::Tiny.config() };
        let binding = binding::describe(&Widths::of(&config)).expect("sound");
        let mut simulator = Simulator::new(&binding, Options::default());
        simulator.set_reset(true);
        simulator.step();
        simulator.set_reset(false);
        let mut drive = |inputs: &[(&str, u64)], cycles: u32| {
            for (name, value) in inputs {
                let input = simulator.input(name).expect("the block has this input");
                simulator.set(input, *value);
            }
            (0..cycles).for_each(|_| simulator.step());
            simulator.failures().iter().map(|failure| failure.name.clone()).collect::<Vec<_>>()
        };
        // {valid, 0} with its check bits.
        let identifier = match protection {
            Protection::None => 1 << 32,
            Protection::Parity => 0b11 << 32,
            Protection::Secded => last_column_of_33() << 33 | 1 << 32,
        };
        drive(&[("in_token", 1), ("commit_binding", 1), ("commit_identifier", identifier)], 0);
        drive(
            &[
                ("commit_entry", 0),
                (if protection == Protection::None { "req_net_id" } else { "in_net_id" }, 0),
            ],
            8,
        );
        // Bound once, asked for: nothing to tell.
        assert!(drive(&[("in_token", 0), ("in_request", 1)], 8).is_empty());
        drive(&[("in_request", 0), ("in_token", 1), ("commit_entry", 1)], 8);
        let failures = drive(&[("in_token", 0), ("in_request", 1)], 8);
        assert_eq!(failures.first().map(String::as_str), Some("one_match"), "{protection:?}");
    }
}

/// The check bits of a word of 33 bits of which only the highest is one: the 33rd number with three ones.
fn last_column_of_33() -> u64 {
    (0u64..).filter(|column| column.count_ones() == 3).nth(32).expect("there is no end of them")
}
