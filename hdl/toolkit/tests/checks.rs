//! Every structural check with a design that breaks it, and what the designer is told.

use std::sync::Arc;

use stagecoach_hdl::{Enumeration, Module, ModuleBuilder, Signal, wire};

/// The messages of a description that is wrong.
fn mistakes(describe: impl FnOnce(&ModuleBuilder)) -> String {
    let m = ModuleBuilder::new("broken", "");
    describe(&m);
    m.finish().expect_err("the description is wrong").to_string()
}

/// Asserts that a wrong description is told all of `parts`, and the line in this file that made the mistake.
#[track_caller]
fn told(describe: impl FnOnce(&ModuleBuilder), parts: &[&str]) {
    let messages = mistakes(describe);
    for part in parts {
        assert!(messages.contains(part), "`{part}` is missing in:\n{messages}");
    }
    assert!(messages.contains("tests/checks.rs:"), "no source line in:\n{messages}");
}

/// A sound child: `sum` follows `left` and `right` in the same cycle.
fn adder() -> Arc<Module> {
    let m = ModuleBuilder::new("adder", "Adds.");
    let (left, right) = (m.input("left", 8), m.input("right", 8));
    m.combinational_path("left", "sum");
    m.combinational_path("right", "sum");
    m.output("sum", left + right);
    m.finish().expect("sound")
}

#[test]
fn differing_widths_name_both_signals_both_widths_and_the_line() {
    let line = line!() + 3;
    let messages = mistakes(|m| {
        let (narrow, wide) = (m.input("narrow", 8), m.input("wide", 9));
        m.output("sum", narrow + wide);
    });
    for part in ["`narrow` (8 bits)", "`wide` (9 bits)", &format!("tests/checks.rs:{line}")] {
        assert!(messages.contains(part), "`{part}` is missing in:\n{messages}");
    }
}

#[test]
fn every_operator_refuses_differing_widths() {
    type Operator = for<'m> fn(Signal<'m>, Signal<'m>) -> Signal<'m>;
    let operators: [(&str, Operator); 12] = [
        ("and", |a, b| a & b),
        ("or", |a, b| a | b),
        ("xor", |a, b| a ^ b),
        ("add", |a, b| a + b),
        ("sub", |a, b| a - b),
        ("equals", |a, b| a.equals(b)),
        ("differs", |a, b| a.differs(b)),
        ("less_than", |a, b| a.less_than(b)),
        ("at_most", |a, b| a.at_most(b)),
        ("add_carry", |a, b| a.add_carry(b)),
        ("sub_borrow", |a, b| a.sub_borrow(b)),
        ("select", |a, b| a.bit(0).select(a, b)),
    ];
    for (name, operator) in operators {
        let messages = mistakes(|m| {
            let (narrow, wide) = (m.input("narrow", 8), m.input("wide", 9));
            m.output("result", operator(narrow, wide));
        });
        assert!(messages.contains("differ in width"), "{name}: {messages}");
    }
}

#[test]
fn a_slice_outside_its_signal_is_refused() {
    told(
        |m| m.output("part", m.input("word", 8).bits(4..9)),
        &["bits 4..9 are not inside", "`word` (8 bits)"],
    );
}

#[test]
fn nothing_is_truncated_or_extended_silently() {
    told(|m| m.output("part", m.input("word", 8).zero_extend(7)), &["cannot be extended to 7 bits"]);
    told(|m| m.output("value", m.constant(4, 16u32)), &["constant 16 does not fit 4 bits"]);
    told(
        |m| {
            let register = m.register("count", 8);
            register.next(m.input("word", 9));
            m.output("count", register.value());
        },
        &["`count` (8 bits)", "`word` (9 bits)", "differ in width"],
    );
    told(
        |m| {
            let register = m.register("count", 2).reset_to(4u32);
            register.next(m.input("word", 2));
            m.output("shown", register.value());
        },
        &["reset value 4 does not fit"],
    );
}

#[test]
fn conditions_enables_and_properties_are_one_bit() {
    told(
        |m| {
            let word = m.input("word", 2);
            m.output("chosen", word.select(word, word));
        },
        &["must be 1 bit wide", "`word` (2 bits)"],
    );
    told(
        |m| {
            let word = m.input("word", 2);
            let register = m.register("kept", 2).enabled_by(word);
            register.next(word);
            m.output("shown", register.value());
        },
        &["must be 1 bit wide"],
    );
    told(|m| m.assert_always("holds", m.input("word", 2), ""), &["must be 1 bit wide"]);
}

#[test]
fn a_wire_or_register_driven_twice_is_refused() {
    told(
        |m| {
            let (word, loose) = (m.input("word", 8), m.wire("loose", 8));
            loose.drive(word);
            loose.drive(!word);
            m.output("shown", loose);
        },
        &["`loose`", "driven twice"],
    );
    told(
        |m| {
            let (word, register) = (m.input("word", 8), m.register("kept", 8));
            register.next(word);
            register.next(!word);
            m.output("shown", register.value());
        },
        &["`kept`", "driven twice"],
    );
    told(|m| m.output("shown", driven(m.input("word", 8))), &["is not a wire"]);
}

fn driven(word: Signal<'_>) -> Signal<'_> {
    word.drive(!word);
    word
}

#[test]
fn what_nobody_drives_is_refused() {
    told(|m| m.output("shown", m.wire("loose", 8)), &["wire `loose` has no driver"]);
    told(|m| m.output("shown", m.register("kept", 8).value()), &["register `kept` has no next value"]);
    told(
        |m| {
            let memory = m.memory("store", 8, 16);
            m.output("shown", memory.read("word", m.input("address", 4)));
        },
        &["memory `store` needs a write port"],
    );
    told(
        |m| {
            let child = m.instance("child", &adder());
            child.input("left", m.input("word", 8));
            m.output("shown", child.output("sum"));
        },
        &["input `right` of instance `child` has no driver"],
    );
}

#[test]
fn what_nobody_reads_is_refused() {
    told(
        |m| m.output("shown", m.input("word", 8).low(6)),
        &["`word` bits 6..8 (of 0..8) are read by nothing"],
    );
    told(
        |m| {
            let word = m.input("word", 8);
            wire!(forgotten = !word);
            let _ = forgotten;
            m.output("shown", word);
        },
        &["`forgotten` is read by nothing"],
    );
    told(
        |m| {
            let ring = m.register("ring", 8);
            ring.next(ring.value().plus(1u32));
            m.output("shown", m.input("word", 8));
        },
        &["`ring` is read by nothing"],
    );
    told(
        |m| {
            let memory = m.memory("store", 8, 16);
            let address = m.input("address", 4);
            memory.write(m.bit(true), address, m.zero(8));
            m.output("shown", memory.read("word", address).low(7));
        },
        &["`word` bits 7..8 (of 0..8) are read by nothing"],
    );
    told(
        |m| {
            let (word, child) = (m.input("word", 8), m.instance("child", &adder()));
            child.input("left", word).input("right", word);
            let kept = m.delay("kept", child.output("sum").low(4));
            m.output("shown", kept);
        },
        &["`child_sum` bits 4..8 (of 0..8) are read by nothing"],
    );
    told(
        |m| {
            let (word, child) = (m.input("word", 8), m.instance("child", &adder()));
            child.input("left", word).input("right", word);
        },
        &["output `sum` of instance `child` is asked for by nobody"],
    );
}

#[test]
fn bits_declared_unused_are_accepted() {
    let m = ModuleBuilder::new("sound", "");
    let word = m.input("word", 8);
    m.unused(word.bits(6..8));
    m.output("shown", m.delay("kept", word.low(6)));
    m.finish().expect("sound");
}

#[test]
fn a_combinational_loop_is_refused() {
    told(
        |m| {
            let (word, loose) = (m.input("word", 8), m.wire("loose", 8));
            m.combinational_path("word", "shown");
            wire!(around = loose ^ word);
            loose.drive(around);
            m.output("shown", loose);
        },
        &["combinational loop", "`around`", "`loose`"],
    );
}

#[test]
fn a_loop_through_an_instance_is_refused() {
    told(
        |m| {
            let child = m.instance("child", &adder());
            let sum = child.output("sum");
            child.input("left", sum).input("right", m.input("word", 8));
            m.combinational_path("word", "shown");
            m.output("shown", sum);
        },
        &["combinational loop", "`child_sum`"],
    );
}

#[test]
fn an_undeclared_path_from_input_to_output_is_refused() {
    told(
        |m| m.output("shown", !m.input("word", 8)),
        &["output `shown` depends combinationally on input `word`"],
    );
    told(
        |m| {
            let child = m.instance("child", &adder());
            let register = m.delay("kept", m.input("other", 8));
            child.input("left", m.input("word", 8)).input("right", register);
            m.output("shown", child.output("sum"));
        },
        &["output `shown` depends combinationally on input `word`"],
    );
}

#[test]
fn a_declared_path_names_ports_that_exist() {
    told(
        |m| {
            m.combinational_path("word", "showm");
            m.output("shown", m.delay("kept", m.input("word", 8)));
        },
        &["a combinational path names port `showm`, which does not exist"],
    );
}

#[test]
fn names_are_legal_and_unique() {
    for (name, problem) in [
        ("reg", "reserved word"),
        ("9th", "not a letter"),
        ("a$b", "not a letter"),
        ("a__b", "double"),
        ("clk", "reserved"),
    ] {
        let messages = mistakes(|m| {
            let word = m.input(name, 8);
            m.output("shown", m.delay("kept", word));
        });
        assert!(messages.contains(problem), "{name}: {messages}");
    }
    told(
        |m| {
            let word = m.input("word", 8);
            m.output("shown", m.delay("word", word));
        },
        &["name `word` is taken already"],
    );
}

#[test]
fn a_modules_name_is_legal_and_blamed_on_its_line() {
    let line = line!() + 1;
    let m = ModuleBuilder::new("module", "");
    let messages = m.finish().expect_err("the name is reserved").to_string();
    let place = format!("tests/checks.rs:{line}");
    assert!(messages.contains("module name `module` is a reserved word"), "{messages}");
    assert!(messages.contains(&place), "`{place}` is missing in:\n{messages}");
}

#[test]
fn two_ports_never_share_a_name() {
    told(
        |m| {
            let word = m.delay("kept", m.input("word", 8));
            m.output("shown", word);
            m.output("shown", word);
        },
        &["two ports called `shown`"],
    );
    told(
        |m| {
            let word = m.input("word", 8);
            m.combinational_path("word", "word");
            m.output("word", word);
        },
        &["two ports called `word`"],
    );
}

#[test]
fn nothing_is_wider_than_the_limit() {
    told(
        |m| {
            let wide = m.concat(&vec![m.input("word", 64); 65]);
            m.output("shown", m.delay("kept", wide));
        },
        &["a concatenation of 4160 bits is wider than 4096"],
    );
    told(|m| m.output("shown", m.input("word", 4097).low(1)), &["a value of 4097 bits is wider than 4096"]);
}

#[test]
fn selections_and_shifts_refuse_what_does_not_fit() {
    told(
        |m| {
            let word = m.input("word", 1);
            m.output("chosen", word.choose(&[word, word, word]));
        },
        &["index `word` (1 bits) cannot reach 3 choices"],
    );
    told(|m| m.output("chosen", m.input("word", 1).choose(&[])), &["a selection among no choices"]);
    told(
        |m| m.output("decoded", m.input("word", 2).decode(5)),
        &["`word` (2 bits) does not decode to 5 bits"],
    );
    told(
        |m| {
            let word = m.input("word", 2);
            m.output("chosen", word.one_hot_choose(&[word]));
        },
        &["`word` (2 bits) selects among 1 choices"],
    );
    told(
        |m| {
            let word = m.input("word", 33);
            m.output("shifted", word.shift_left(word));
        },
        &["shift amount `word` (33 bits) is wider than 32 bits"],
    );
}

#[test]
fn comments_and_codes_name_what_exists() {
    told(|m| m.port_doc("missing", "a comment"), &["there is no port `missing`"]);
    let kind = Enumeration::new("kind", 1, &[("small", 0)]);
    told(|m| m.output("shown", m.variant(&kind, "large")), &["enumeration `kind` has no variant `large`"]);
}

#[test]
fn signals_of_another_module_are_refused() {
    let other = ModuleBuilder::new("other", "");
    let foreign = other.input("foreign", 8);
    let m = ModuleBuilder::new("broken", "");
    let word = m.input("word", 8);
    m.output("shown", m.delay("kept", word));
    let register = m.register("second", 8);
    register.next(foreign);
    m.output("other_shown", register.value());
    let messages = m.finish().expect_err("it takes a foreign signal").to_string();
    assert!(messages.contains("`foreign` (8 bits) belongs to another module"), "{messages}");
}

#[test]
fn ports_of_instances_must_exist_and_fit() {
    told(
        |m| {
            let child = m.instance("child", &adder());
            child.input("middle", m.input("word", 8));
        },
        &["`adder` has no input port `middle`; it has: left, right"],
    );
    told(
        |m| {
            let child = m.instance("child", &adder());
            child.input("left", m.input("word", 9));
        },
        &["port `left` (8 bits)", "`word` (9 bits)"],
    );
    told(
        |m| {
            let (child, word) = (m.instance("child", &adder()), m.input("word", 8));
            child.input("left", word).input("left", word).input("right", word);
        },
        &["port `left` of `adder` is connected twice"],
    );
}

#[test]
fn memories_have_bounds() {
    told(
        |m| {
            m.memory("store", 8, 12);
        },
        &["memory `store`", "power of two"],
    );
    told(
        |m| {
            let (memory, address) = (m.memory("store", 8, 16), m.input("address", 4));
            memory.write(m.bit(true), address, m.zero(8));
            memory.write(m.bit(true), address, m.zero(8));
        },
        &["two write ports"],
    );
    told(
        |m| {
            let (memory, address) = (m.memory("store", 8, 16), m.input("address", 4));
            for port in ["first", "second", "third"] {
                memory.read(port, address);
            }
        },
        &["three read ports"],
    );
    told(
        |m| {
            let memory = m.memory("store", 8, 16);
            memory.write(m.bit(true), m.input("address", 5), m.zero(8));
        },
        &["write address of memory `store` takes 4 bits", "`address` (5 bits)"],
    );
}

#[test]
fn every_mistake_is_told_in_one_run() {
    let messages = mistakes(|m| {
        let (narrow, wide) = (m.input("narrow", 8), m.input("wide", 9));
        m.output("first", narrow + wide);
        m.output("second", narrow & wide);
        m.output("third", m.wire("loose", 8));
    });
    assert_eq!(messages.matches("differ in width").count(), 2, "{messages}");
    assert!(messages.contains("no driver"), "{messages}");
}

#[test]
#[should_panic(expected = "does not fit 2 bits")]
fn an_enumeration_keeps_to_its_width() {
    Enumeration::new("kind", 2, &[("large", 4)]);
}
