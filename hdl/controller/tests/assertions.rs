//! Every assertion of the hardware can fail: each block is driven against the rule that its neighbours keep.

use std::sync::Arc;

use stagecoach_controller::widths::Widths;
use stagecoach_controller::{expand, queue, request};
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
