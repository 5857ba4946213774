//! The text itself.

use std::sync::Arc;

use stagecoach_hdl::verilog::{self, Family, FileKind};
use stagecoach_hdl::{Bundle as _, MemoryStyle, Module, ModuleBuilder, wire};

use crate::designs;

/// The design file of the topmost module.
fn text(top: &Arc<Module>) -> String {
    let files = verilog::write(top).into_iter();
    files.rev().find(|file| file.kind == FileKind::Design).expect("there is one").text
}

/// What follows `=` or `<=` where `name` gets its value.
fn value(top: &Arc<Module>, name: &str) -> String {
    let text = text(top);
    let (assigned, clocked) = (format!("{name} = "), format!("{name} <= "));
    let line = text.lines().find(|line| line.contains(&assigned) || line.trim().starts_with(&clocked));
    let line = line.unwrap_or_else(|| panic!("`{name}` gets no value:\n{text}"));
    line.split_once("= ").expect("an assignment").1.trim_end_matches(';').to_owned()
}

#[test]
fn a_small_design_reads_as_if_written_by_hand() {
    insta::assert_snapshot!(text(&designs::decide()));
}

#[test]
fn properties_stand_in_a_copy_of_the_module() {
    let files = verilog::write(&designs::decide());
    let names: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.kind)).collect();
    assert_eq!(names, [("decide.v", FileKind::Design), ("decide_formal.sv", FileKind::Formal)]);
    let (design, formal) = (&files[0].text, &files[1].text);
    let (head, properties) = formal.split_once("\n  // ---- properties\n").expect("properties");
    assert!(design.starts_with(head), "the copy differs from the design:\n{formal}");
    insta::assert_snapshot!(properties);
}

#[test]
fn instances_and_forward_wires_keep_their_places() {
    insta::assert_snapshot!(text(&designs::feedback()));
}

#[test]
fn memories_instantiate_a_wrapper() {
    let design = designs::memory(2, 2, 8, MemoryStyle::Block);
    let files = verilog::write(&design);
    let names: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.kind)).collect();
    let expected = [("ram_block_two_reads.v", FileKind::Ram), ("store_2_2_8_block.v", FileKind::Design)];
    assert_eq!(names, expected);
    insta::assert_snapshot!(files[0].text);
    insta::assert_snapshot!(files[1].text);
}

#[test]
fn families_differ_in_the_wrappers_alone() {
    let design = designs::memory(2, 2, 8, MemoryStyle::Auto);
    let files = |family| {
        let (wrappers, designs): (Vec<_>, Vec<_>) =
            verilog::write_for(&design, family).into_iter().partition(|file| file.kind != FileKind::Design);
        (wrappers.into_iter().map(|file| file.name).collect::<Vec<_>>(), designs)
    };
    let (generic, ecp5, xilinx) = (files(Family::Generic), files(Family::Ecp5), files(Family::Xilinx));
    assert_eq!((&generic.1, &generic.1), (&ecp5.1, &xilinx.1));
    assert_eq!(generic.0, ["ram_two_reads.v"]);
    let composed =
        ["ram_one_read.v", "ram_block_one_read.v", "ram_distributed_one_read.v", "ram_two_reads.v"];
    assert!(composed.iter().all(|name| xilinx.0.iter().any(|have| have == name)), "{:?}", xilinx.0);
    assert_eq!(xilinx.0.len(), composed.len());
    assert_eq!(ecp5.0[..2], ["DP16KD.v", "ram_dp16kd_one_read.v"]);
    assert_eq!(ecp5.0.len(), composed.len() + 2);
}

#[test]
fn the_text_is_the_same_every_time() {
    for (first, second) in designs::zoo().iter().zip(designs::zoo()) {
        assert_eq!(verilog::write(first), verilog::write(&second));
    }
}

#[test]
fn no_text_has_a_dollar_a_pragma_or_a_machine_name() {
    let stores = designs::stores();
    let of_family = |family| stores.iter().flat_map(move |design| verilog::write_for(design, family));
    let all = designs::zoo().iter().flat_map(verilog::write).collect::<Vec<_>>();
    for file in all.into_iter().chain(of_family(Family::Ecp5)).chain(of_family(Family::Xilinx)) {
        for (number, line) in file.text.lines().enumerate() {
            let place = || format!("{}:{}: {line}", file.name, number + 1);
            assert!(!line.contains('$'), "{}", place());
            assert!(!line.contains("//verilator") && !line.contains("// verilator"), "{}", place());
            assert!(!line.contains("_T_") && !line.ends_with(' '), "{}", place());
            let breaks = line.split_whitespace().all(|word| word.len() < 60);
            assert!(line.len() <= 112 || !breaks, "too long: {}", place());
        }
        let end = if file.kind == FileKind::Simulation { "endmodule\n`endif\n" } else { "endmodule\n" };
        assert!(file.text.ends_with(end) && !file.text.contains("\n\n\n"), "{}", file.name);
    }
}

// The three silent miscompilations that made us write this writer.

#[test]
fn a_sum_in_a_comparison_keeps_its_width() {
    let m = ModuleBuilder::new("pointers", "");
    let (wp, rp) = (m.input("wp", 8), m.input("rp", 8));
    m.output("full", m.delay("full_q", wp.plus(1u32).equals(rp)));
    // With `32'h1` the sum would be 32 bits wide and ff + 1 would not wrap to 00.
    assert_eq!(value(&m.finish().expect("sound"), "full_q"), "(wp + 8'd1) == rp");
}

#[test]
fn a_carry_is_kept_by_widening_the_operands() {
    let m = ModuleBuilder::new("carry", "");
    let (a, b) = (m.input("a", 8), m.input("b", 8));
    m.output("sum", m.delay("sum_q", a.add_carry(b)));
    m.output("wrapped", m.delay("wrapped_q", (a + b).zero_extend(9)));
    let module = m.finish().expect("sound");
    assert_eq!(value(&module, "sum_q"), "{1'b0, a} + {1'b0, b}");
    // An operand of a concatenation is as wide as itself: the carry is lost, as the netlist says.
    assert_eq!(value(&module, "wrapped_q"), "{1'b0, a + b}");
}

#[test]
fn a_mask_binds_before_the_comparison() {
    let m = ModuleBuilder::new("mask", "");
    let (a, mask, key) = (m.input("a", 8), m.input("mask", 8), m.input("key", 8));
    m.output("hit", m.delay("hit_q", (a & mask).equals(key)));
    assert_eq!(value(&m.finish().expect("sound"), "hit_q"), "(a & mask) == key");
}

// Names.

#[test]
fn a_value_used_twice_is_named_after_its_consumer() {
    let m = ModuleBuilder::new("twice", "");
    let (a, b) = (m.input("a", 8), m.input("b", 8));
    let difference = a - b;
    let range = m.register("s3_in_range", 1);
    range.next(difference.any() & difference.bit(7));
    m.output("in_range", range.value());
    let module = m.finish().expect("sound");
    assert_eq!(value(&module, "s3_in_range"), "(|s3_in_range_difference) & s3_in_range_difference[7]");
    let derived = verilog::derived_names(&module);
    assert_eq!(derived.len(), 1);
    assert_eq!((derived[0].module.as_str(), derived[0].name.as_str()), ("twice", "s3_in_range_difference"));
    assert!(derived[0].source.file().ends_with("text.rs"));
}

#[test]
fn designs_that_name_their_values_have_no_derived_names() {
    let store = designs::memory(2, 2, 8, MemoryStyle::Block);
    for design in [designs::decide(), designs::combinational(), store] {
        assert!(verilog::derived_names(&design).is_empty(), "{}", design.name);
    }
}

#[test]
fn slices_go_through_concatenations() {
    let m = ModuleBuilder::new("slices", "");
    let (a, b) = (m.input("a", 8), m.input("b", 8));
    let word = m.concat(&[a, m.constant(4, 9u32), !b]);
    m.output("whole", m.delay("whole_q", word.bits(0..8)));
    m.output("across", m.delay("across_q", word.bits(6..14)));
    m.output("fixed", m.delay("fixed_q", word.bits(8..12)));
    m.output("one", m.delay("one_q", word.bits(10..20).bit(9)));
    m.unused(a.bits(2..7));
    let module = m.finish().expect("sound");
    assert_eq!(value(&module, "whole_q"), "~b");
    assert_eq!(value(&module, "across_q"), "{a[1:0], 4'd9, ~b[7:6]}");
    assert_eq!(value(&module, "fixed_q"), "4'd9");
    assert_eq!(value(&module, "one_q"), "a[7]");
}

#[test]
fn modules_of_one_name_share_a_file_only_if_they_are_equal() {
    let child = |step: u32| {
        let m = ModuleBuilder::new("counter", "");
        let count = m.register("count", 4).reset_to(0u32);
        count.next(count.value().plus(step));
        m.output("count", count.value());
        m.finish().expect("sound")
    };
    let m = ModuleBuilder::new("counters", "");
    for (name, step) in [("by_one", 1), ("by_two", 2), ("by_one_too", 1), ("by_two_too", 2)] {
        m.output(&format!("{name}_count"), m.instance(name, &child(step)).output("count"));
    }
    let module = m.finish().expect("sound");
    let names: Vec<_> = verilog::write(&module).into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["counter.v", "counter_2.v", "counters.v"]);
    let text = text(&module);
    for instance in
        ["counter by_one (", "counter_2 by_two (", "counter by_one_too (", "counter_2 by_two_too ("]
    {
        assert!(text.contains(instance), "no `{instance}` in\n{text}");
    }
}

#[test]
fn zero_width_fields_leave_no_trace() {
    let m = ModuleBuilder::new("narrow", "");
    let lookup = designs::Lookup::inputs(&m, "in", &[4, 0, 1]);
    lookup.delay(&m, "s1").outputs(&m, "out");
    assert!(!text(&m.finish().expect("sound")).contains("domain"));
}

#[test]
fn a_wire_named_after_its_first_use_is_declared_before_it() {
    let m = ModuleBuilder::new("late", "");
    let a = m.input("a", 4);
    let early = a.plus(1u32);
    wire!(user = early + a);
    let early = early.named("early");
    m.output("q", m.delay("q_register", user ^ early));
    let text = text(&m.finish().expect("sound"));
    let (first, second) = (text.find("wire [3:0] early"), text.find("wire [3:0] user = early + a;"));
    assert!(first.is_some() && first < second, "{text}");
}
