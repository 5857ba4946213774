//! Every assertion of the hardware can fail: each block is driven against the rule that its neighbours keep.

use std::sync::Arc;

use stagecoach_controller::widths::Widths;
use stagecoach_controller::{binding, expand, queue, request};
use stagecoach_hdl::Module;
use stagecoach_hdl::native::{Options, Simulator};
use stagecoach_spec::Preset;

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
    assert_eq!(failures(&queue, &[("in_valid", 1)], depth + 2), ["queue_holds"]);
    assert!(failures(&queue, &[("in_valid", 1), ("take", 1)], 100).is_empty());
}

#[test]
fn a_credit_returned_twice_to_request_is_noticed() {
    let request = request::describe(&Widths::of(&Preset::Tiny.config())).expect("sound");
    assert!(failures(&request, &[("init_done", 1), ("req_valid", 1)], 100).is_empty());
    assert_eq!(failures(&request, &[("credit_return", 1)], 1), ["credits_bounded"]);
}

#[test]
fn a_credit_returned_twice_to_expand_is_noticed() {
    let expand = expand::describe(&Widths::of(&Preset::Tiny.config())).expect("sound");
    assert!(failures(&expand, &[], 100).is_empty());
    assert_eq!(failures(&expand, &[("credit_return", 1)], 1), ["credits_bounded"]);
}

#[test]
fn an_identifier_bound_twice_is_noticed() {
    let binding = binding::describe(&Widths::of(&Preset::Tiny.config())).expect("sound");
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
    let token = [("in_token", 1), ("commit_binding", 1), ("commit_valid", 1)];
    drive(&token, 0);
    drive(&[("commit_entry", 0), ("commit_net_id", 7), ("in_net_id", 7)], 8);
    // Bound once, asked for: nothing to tell.
    assert!(drive(&[("in_token", 0), ("in_request", 1)], 8).is_empty());
    drive(&[("in_request", 0), ("in_token", 1), ("commit_entry", 1)], 8);
    let failures = drive(&[("in_token", 0), ("in_request", 1)], 8);
    assert_eq!(failures.first().map(String::as_str), Some("one_match"));
}
