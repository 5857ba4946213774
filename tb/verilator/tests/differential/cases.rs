//! Named designs: the three expressions that rust-hdl 0.46.0 miscompiles, and their neighbours.

use std::sync::{Arc, OnceLock};

use stagecoach_hdl::native::Backend;
use stagecoach_hdl::{Module, ModuleBuilder, Signal};

use crate::compare::{Case, compare, in_process};

/// Inputs as (name, width, value); the design as a function of them; the output that is right.
struct Named {
    name: &'static str,
    inputs: &'static [(&'static str, u32, u64)],
    result: for<'m> fn(&[Signal<'m>]) -> Signal<'m>,
    expected: u64,
}

const CASES: &[Named] = &[
    // rust-hdl: `wp.val() + 1 == rp.val()` became `wp + 32'h1 == rp`, which is never true at the wrap.
    Named {
        name: "pointer_wraps",
        inputs: &[("write_pointer", 8, 0xff), ("read_pointer", 8, 0x00)],
        result: |s| s[0].plus(1u32).equals(s[1]),
        expected: 1,
    },
    // rust-hdl: `bit_cast::<9, 8>(a + b)` became `((a + b) & 9'h1ff)`, which grows a carry that is not there.
    Named {
        name: "sum_extended",
        inputs: &[("a", 8, 0xff), ("b", 8, 0x01)],
        result: |s| (s[0] + s[1]).zero_extend(9),
        expected: 0x000,
    },
    // rust-hdl: `a & m == k` was written without parentheses, where Verilog's `==` binds tighter than `&`.
    Named {
        name: "masked_comparison",
        inputs: &[("a", 8, 0x12), ("mask", 8, 0xf0), ("key", 8, 0x10)],
        result: |s| (s[0] & s[1]).equals(s[2]),
        expected: 1,
    },
    // Where the carry is asked for, it is there.
    Named {
        name: "sum_with_carry",
        inputs: &[("a", 8, 0xff), ("b", 8, 0x01)],
        result: |s| s[0].add_carry(s[1]),
        expected: 0x100,
    },
    // The sum is shifted at its own width: Verilog would widen it to that of the assignment.
    Named {
        name: "sum_shifted",
        inputs: &[("a", 8, 0xff), ("b", 8, 0x03), ("by", 1, 1)],
        result: |s| (s[0] + s[1]).shift_right(s[2]).zero_extend(12),
        expected: 0x001,
    },
    // A complement is taken at its own width too.
    Named {
        name: "complement_extended",
        inputs: &[("a", 4, 0x5)],
        result: |s| (!s[0]).zero_extend(8),
        expected: 0x0a,
    },
    // A borrow must not survive into a comparison.
    Named {
        name: "difference_compared",
        inputs: &[("a", 8, 0x01), ("b", 8, 0x02), ("limit", 8, 0xff)],
        result: |s| (s[0] - s[1]).equals(s[2]),
        expected: 1,
    },
];

fn module(case: &Named) -> Arc<Module> {
    let builder = ModuleBuilder::new(case.name, "A case that is easily miscompiled.");
    let inputs: Vec<_> = case.inputs.iter().map(|(name, width, _)| builder.input(name, *width)).collect();
    builder.output("result", (case.result)(&inputs));
    case.inputs.iter().for_each(|(input, ..)| builder.combinational_path(input, "result"));
    builder.finish().unwrap()
}

/// The case is right natively, and all three simulators agree on it (all cases are compiled together, once).
fn check(name: &str) {
    let of = |case: &Named| Case {
        module: module(case),
        inputs: vec![case.inputs.iter().map(|(.., value)| *value).collect()],
        compared_from: 0,
    };
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    for backend in [Backend::Compiled, Backend::Interpreted] {
        assert_eq!(in_process(&of(case), 0, backend).outputs, [[case.expected]], "natively, {backend:?}");
    }
    static AGREE: OnceLock<Result<usize, String>> = OnceLock::new();
    let agree = AGREE.get_or_init(|| compare("named_cases", &CASES.iter().map(of).collect::<Vec<_>>(), 0));
    assert_eq!(agree, &Ok(0));
}

#[test]
fn an_incremented_pointer_wraps_before_it_is_compared() {
    check("pointer_wraps");
}

#[test]
fn an_extended_sum_has_no_carry() {
    check("sum_extended");
}

#[test]
fn a_masked_comparison_masks_first() {
    check("masked_comparison");
}

#[test]
fn a_sum_with_carry_has_one() {
    check("sum_with_carry");
}

#[test]
fn a_shifted_sum_loses_its_carry() {
    check("sum_shifted");
}

#[test]
fn an_extended_complement_has_zeros_above() {
    check("complement_extended");
}

#[test]
fn a_negative_difference_is_compared_modulo_its_width() {
    check("difference_compared");
}
