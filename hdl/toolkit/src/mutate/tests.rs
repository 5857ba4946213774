use std::sync::Arc;

use super::{Mutation, Rule, apply, edit, enumerate, is_provably_same};
use crate::native::{Options, Simulator};
use crate::{Enumeration, Module, ModuleBuilder, verilog};

/// A child with something for every rule.
fn child() -> Arc<Module> {
    let m = ModuleBuilder::new("child", "");
    let [a, b, write] = ["a", "b", "write"].map(|name| m.input(name, 8));
    let kind = Enumeration::new("kind", 2, &[("small", 0), ("large", 2)]);
    let less = a.less_than(b).named("less");
    let border = m.delay_reset("border", a.at_most(b) ^ a.equals(b));
    let sum = m.delay("sum", a + b);
    let down = m.register("down", 8).reset_to(200u32).enabled_by(less);
    down.next(down.value() - m.constant(8, 3u32));
    let memory = m.memory("store", 8, 16).output_register();
    memory.write(write.any(), write.bits(2..6), b);
    let one = memory.read_enabled("one", less, a.bits(0..4));
    let two = memory.read("two", b.bits(1..5));
    let sized = less.select(m.variant(&kind, "small"), m.variant(&kind, "large"));
    let sized = m.delay("sized", sized);
    let gate = m.delay("gate", (a.all() & !less) | write.bit(0));
    m.output("words", one ^ two);
    m.output("sum", sum);
    m.output("down", down.value());
    m.output("flags", m.concat(&[border, m.delay("gate_shown", gate), sized]));
    let watched = m.delay("watched", a.less_than(m.constant(8, 9u32)));
    m.assert_always("watch", watched | !watched, "always true");
    m.finish().expect("the child is sound")
}

fn parent() -> Arc<Module> {
    let untouched = ModuleBuilder::new("untouched", "");
    let bit = untouched.input("flag", 1);
    untouched.output("held", untouched.delay("held_q", bit));
    let untouched = untouched.finish().expect("sound");
    let m = ModuleBuilder::new("parent", "");
    let names = ["a", "b", "write"];
    let ports = names.map(|name| m.input(name, 8));
    let instance = m.instance("inner", &child());
    names.iter().zip(ports).for_each(|(name, port)| {
        instance.input(name, port);
    });
    for name in ["words", "sum", "down", "flags"] {
        m.output(name, instance.output_as(name, &format!("inner_{name}")));
    }
    let beside = m.instance("beside", &untouched);
    beside.input("flag", ports[0].bit(3));
    m.output("held", beside.output("held"));
    m.finish().expect("the parent is sound")
}

fn pick(all: &[Mutation], rule: Rule, place: &str, words: &str) -> Mutation {
    let mut found = all.iter().filter(|m| m.rule == rule && m.place == place && m.text.contains(words));
    let first = found.next().unwrap_or_else(|| panic!("no {rule} of {place} with {words}: {all:#?}")).clone();
    assert!(found.next().is_none(), "several {rule} of {place} with {words}");
    first
}

/// An output of the parent over cycles with the inputs a, b and write, after a cycle of reset.
fn outputs(module: &Arc<Module>, name: &str, inputs: &[(u64, u64, u64)]) -> Vec<u64> {
    let mut s = Simulator::new(module, Options::default());
    let [a, b, write] = ["a", "b", "write"].map(|name| s.input(name).expect("a port"));
    let output = s.output(name).expect("a port");
    s.set_reset(true);
    s.step();
    s.set_reset(false);
    let cycles = inputs.iter().map(|values| {
        s.set(a, values.0);
        s.set(b, values.1);
        s.set(write, values.2);
        s.evaluate();
        let shown = s.get(output);
        s.step();
        shown
    });
    cycles.collect()
}

#[test]
fn every_rule_applies_and_every_mutant_is_sound_and_another_design() {
    let top = parent();
    let all = enumerate(&top);
    for rule in Rule::ALL {
        assert!(all.iter().any(|mutation| mutation.rule == *rule), "{rule}");
    }
    for mutation in &all {
        let mutant = apply(&top, mutation);
        for module in mutant.hierarchy() {
            let errors = crate::checks::check_altered(&module);
            assert!(errors.is_empty(), "{mutation}: {errors:?}");
        }
        assert!(!verilog::write(&mutant).is_empty());
        assert!(!is_provably_same(&top, &mutant), "{mutation}");
        outputs(&mutant, "words", &[(1, 2, 3); 5]);
    }
    for (position, one) in all.iter().enumerate() {
        assert!(all[position + 1..].iter().all(|other| !one.is_twin_of(other)), "{one}");
    }
}

#[test]
fn a_mutant_shares_what_it_does_not_touch() {
    let top = parent();
    let all = enumerate(&top);
    let mutant = apply(&top, &pick(&all, Rule::NotDropped, "gate", ""));
    let find = |top: &Arc<Module>, name: &str| {
        top.hierarchy().into_iter().find(|module| module.name == name).expect("a module")
    };
    assert!(Arc::ptr_eq(&find(&top, "untouched"), &find(&mutant, "untouched")));
    assert!(!Arc::ptr_eq(&find(&top, "child"), &find(&mutant, "child")));
    let foreign = Mutation { module: "elsewhere".to_owned(), ..all[0].clone() };
    assert!(Arc::ptr_eq(&top, &apply(&top, &foreign)));
}

#[test]
fn a_register_in_a_module_without_one_brings_clock_and_reset() {
    let m = ModuleBuilder::new("plain", "");
    let memory = m.memory("store", 4, 4);
    memory.write(m.input("write", 1), m.input("at", 2), m.input("data", 4));
    m.output("word", memory.read("word_read", m.input("from", 2)));
    let plain = m.finish().expect("sound");
    assert!(!plain.has_reset);
    let late = pick(&enumerate(&plain), Rule::WriteLate, "store", "");
    assert!(apply(&plain, &late).has_reset);
}

#[test]
fn what_only_assertions_read_is_left_alone() {
    let all = enumerate(&parent());
    assert!(all.iter().all(|mutation| mutation.place != "watched"), "{all:#?}");
}

#[test]
fn what_plainly_changes_nothing_is_left_out() {
    let m = ModuleBuilder::new("same", "");
    let a = m.input("a", 8);
    let x = a.named("x");
    let twice = (a & x) | m.input("which", 1).select(x, a);
    m.output("out", m.delay("held", twice + m.constant(8, 128u32)));
    let same = m.finish().expect("sound");
    let found: Vec<Rule> = enumerate(&same).iter().map(|mutation| mutation.rule).collect();
    for rule in [Rule::SelectInverted, Rule::SelectStuck, Rule::SumSwapped, Rule::StageBypassed] {
        assert!(!found.contains(&rule), "{rule}");
    }
    assert_eq!(found.iter().filter(|rule| **rule == Rule::TermDropped).count(), 2, "only of the or");
    let dropped = enumerate(&same).into_iter().find(|mutation| mutation.rule == Rule::TermDropped);
    let mutant = apply(&same, &dropped.expect("there is one"));
    assert!(
        is_provably_same(&same, &same) && is_provably_same(&same, &mutant),
        "folding finds these two equal"
    );
}

#[test]
fn changes_do_what_they_say() {
    let top = parent();
    let all = enumerate(&top);
    let play = |rule, place, words: &str, output, inputs: &[(u64, u64, u64)]| {
        let mutant = apply(&top, &pick(&all, rule, place, words));
        (outputs(&top, output, inputs), outputs(&mutant, output, inputs))
    };
    let sums = [(0x70, 0x20, 0), (1, 1, 0), (0, 0, 0)];
    let (good, carry) = play(Rule::CarryDropped, "sum", "", "sum", &sums);
    assert_eq!((good[1], carry[1], carry[2]), (0x90, 0x10, 2));
    let (good, difference) = play(Rule::SumSwapped, "sum", "", "sum", &sums);
    assert_eq!((good[1], difference[1]), (0x90, 0x50));
    let (good, late) = play(Rule::StageLater, "sum", "", "sum", &sums);
    assert_eq!((good[1], good[2], late[2]), (0x90, 2, 0x90));
    let falling = [(0, 1, 0), (1, 1, 0), (0, 1, 0), (0, 1, 0)];
    let down = |rule, words: &str| play(rule, "down", words, "down", &falling);
    assert_eq!(down(Rule::EnableRemoved, "").0, [200, 197, 197, 194]);
    assert_eq!(down(Rule::EnableRemoved, "").1, [200, 197, 194, 191]);
    assert_eq!(down(Rule::EnableStuck, "").1, [200; 4]);
    assert_eq!(down(Rule::ResetInverted, "").1, [55, 52, 52, 49]);
    assert_eq!(down(Rule::ConstantOffByOne, "becomes `4`").1, [200, 196, 196, 192]);
    let (_, swapped) = play(Rule::ComparisonSwapped, "less", "", "down", &falling);
    assert_eq!(swapped, [200, 197, 194, 191], "`<=` also enables where both are 1");
    let (_, exchanged) = play(Rule::InputsExchanged, "inner", "inputs a and b", "down", &falling);
    assert_eq!(exchanged, [200; 4]);
}

#[test]
fn a_bypassed_stage_is_a_cycle_early_and_never_a_path_from_input_to_output() {
    let m = ModuleBuilder::new("two", "");
    let first = m.register("first", 8).enabled_by(m.input("enable", 1));
    first.next(m.input("a", 8));
    m.output("out", m.delay("second", first.value()));
    let two = m.finish().expect("sound");
    let all = enumerate(&two);
    let early = pick(&all, Rule::StageBypassed, "first", "");
    assert_eq!(all.iter().filter(|mutation| mutation.rule == Rule::StageBypassed).count(), 2);
    let run = |module: &Arc<Module>| -> Vec<u64> {
        let mut s = Simulator::new(module, Options::default());
        let (a, enable) = (s.input("a").expect("a port"), s.input("enable").expect("a port"));
        let out = s.output("out").expect("a port");
        let steps = [(5, 1), (6, 1), (7, 0), (8, 1), (9, 0)];
        let shown = steps.map(|(value, on)| {
            s.set(a, value);
            s.set(enable, on);
            s.evaluate();
            let shown = s.get(out);
            s.step();
            shown
        });
        shown[2..].to_vec()
    };
    assert_eq!(run(&two), [5, 6, 6]);
    assert_eq!(run(&apply(&two, &early)), [6, 6, 8]);
    let m = ModuleBuilder::new("one", "");
    m.output("out", m.delay("only", m.input("a", 8)));
    let one = m.finish().expect("sound");
    assert!(enumerate(&one).iter().all(|mutation| mutation.rule != Rule::StageBypassed));
}

#[test]
fn a_loop_or_a_wrong_width_is_noticed() {
    let m = ModuleBuilder::new("counter", "");
    let count = m.register("count", 4).reset_to(0u32);
    count.next(count.value().plus(1u32));
    m.output("out", count.value());
    let counter = m.finish().expect("sound");
    assert!(enumerate(&counter).iter().all(|mutation| mutation.rule != Rule::StageBypassed));
    let bypassed = edit::altered(&counter, &edit::Edit::Bypass(crate::netlist::RegisterId(0)));
    assert!(!edit::is_sound(&bypassed));
    let mut narrow = Module::clone(&counter);
    narrow.registers[0].width = 3;
    assert!(edit::is_sound(&counter) && !edit::is_sound(&narrow));
}
