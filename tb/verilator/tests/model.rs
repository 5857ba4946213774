//! The binding on small designs whose Verilog stands here, so that these tests do not rest on the writer.

use std::sync::Arc;

use stagecoach_hdl::{Module, ModuleBuilder};
use stagecoach_verilator::{
    Coverage, CoverageData, Error, Initial, Library, Model, Optimise, Options, SourceFile, build, structs,
};

mod generated {
    include!("generated/mixer.rs");
}

/// Ports of every kind of Verilator variable: 1, 8, 9, 17, 33, 65 and 130 bits.
fn mixer() -> Arc<Module> {
    let m = ModuleBuilder::new("mixer", "Holds its inputs.");
    for width in [1, 8, 9, 17, 33, 65, 130] {
        let held = m.register(&format!("held_{width}"), width).reset_to(0u32);
        let input = m.input(&format!("in_{width}"), width).doc("a value");
        held.next(!input);
        m.output(&format!("out_{width}"), held.value());
    }
    let from = m.input("from", 64);
    m.output("to", !from);
    m.combinational_path("from", "to");
    m.finish().unwrap()
}

fn mixer_source() -> Vec<SourceFile> {
    let mut text = String::from("module mixer(input wire clk, input wire rst");
    let widths = [1, 8, 9, 17, 33, 65, 130];
    for width in widths {
        text += &format!(",\n  input wire [{0}:0] in_{width}, output reg [{0}:0] out_{width}", width - 1);
    }
    text += ",\n  input wire [63:0] from, output wire [63:0] to);\n  assign to = ~from;\n  always @(posedge clk) begin\n";
    for width in widths {
        text += &format!("    out_{width} <= rst ? {width}'d0 : ~in_{width};\n");
    }
    text += "  end\nendmodule\n";
    vec![SourceFile { name: "mixer.v".to_owned(), text }]
}

fn mixer_library(options: Options) -> Arc<Library> {
    let options = Options { optimise: Optimise::Quick, ..options };
    build::build_sources(&mixer_source(), &mixer(), options).unwrap()
}

#[test]
fn every_width_crosses_in_both_directions_and_is_cut_to_its_width() {
    let library = mixer_library(Options::default());
    let mut model = Model::load(&library, 0).unwrap();
    let layout = library.layout().clone();
    let mut inputs = vec![u64::MAX; layout.input_limbs];
    let mut outputs = vec![0x5555; layout.output_limbs];
    inputs[0] = 1;
    model.cycle(&inputs, &mut outputs).unwrap();
    inputs[0] = u64::MAX - 1; // only bit 0 is the reset
    model.cycle(&inputs, &mut outputs).unwrap();
    assert!(outputs.iter().all(|limb| *limb == 0), "in reset: {outputs:x?}");
    let mut state = 1u64;
    let mut previous = inputs.clone();
    for cycle in 0..200 {
        for limb in &mut inputs[1..] {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *limb = state ^ state >> 31;
        }
        model.cycle(&inputs, &mut outputs).unwrap();
        for out in &layout.outputs {
            // Registered outputs show the inputs of the cycle before, the combinational one those of now.
            let (name, source) = match out.name.strip_prefix("out_") {
                Some(width) => (format!("in_{width}"), &previous),
                None => ("from".to_owned(), &inputs),
            };
            let input = layout.input(&name).unwrap();
            for limb in 0..out.limbs {
                let used = (out.width as usize - limb * 64).min(64);
                let mask = u64::MAX >> (64 - used);
                assert_eq!(
                    outputs[out.offset + limb],
                    !source[input.offset + limb] & mask,
                    "cycle {cycle} port {} limb {limb}",
                    out.name
                );
            }
        }
        previous.clone_from(&inputs);
    }
    assert_eq!(model.cycles(), 202);
}

#[test]
fn arrays_of_another_length_are_refused() {
    let library = mixer_library(Options::default());
    let mut model = Model::load(&library, 0).unwrap();
    let error = model.cycle(&[0; 3], &mut [0; 1]).unwrap_err();
    assert!(matches!(error, Error::Shape(_)), "{error}");
}

#[test]
fn typed_structs_reach_their_ports_and_are_current() {
    let written = structs::write(&mixer());
    let committed = include_str!("generated/mixer.rs");
    if std::env::var_os("STAGECOACH_BLESS").is_some() {
        let place = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/generated/mixer.rs");
        std::fs::write(place, &written).unwrap();
        return;
    }
    assert_eq!(written, committed, "run this test with STAGECOACH_BLESS=1 to write the file anew");
    let mut model = Model::load(&mixer_library(Options::default()), 0).unwrap();
    let mut outputs = generated::MixerOutputs::default();
    let inputs = generated::MixerInputs { in_65: [7, 1], in_9: 0x1ff, from: 5, ..Default::default() };
    model.cycle_typed(&inputs, &mut outputs).unwrap();
    assert_eq!(outputs.to, !5);
    model.cycle_typed(&inputs, &mut outputs).unwrap();
    assert_eq!((outputs.out_65, outputs.out_9, outputs.out_8), ([!7, 0], 0, 0xff));
    let swapped = model.cycle_typed(&outputs, &mut generated::MixerInputs::default()).unwrap_err();
    assert!(swapped.to_string().contains("MixerOutputs"), "{swapped}");
}

#[test]
fn each_seed_gives_its_own_first_values_and_fast_gives_zero() {
    let library = mixer_library(Options { initial: Initial::Unique, ..Options::default() });
    let first = |library: &Arc<Library>, seed| {
        let mut model = Model::load(library, seed).unwrap();
        let mut outputs = vec![0; library.layout().output_limbs];
        model.cycle(&vec![0; library.layout().input_limbs], &mut outputs).unwrap();
        outputs.pop(); // `to` is combinational
        outputs
    };
    assert_eq!(first(&library, 1), first(&library, 1));
    assert_ne!(first(&library, 1), first(&library, 2));
    assert!(first(&mixer_library(Options::default()), 1).iter().all(|limb| *limb == 0));
}

#[test]
fn randomised_models_made_by_many_threads_depend_on_their_seed_only() {
    let library = mixer_library(Options { initial: Initial::Unique, ..Options::default() });
    let first = |seed| {
        let mut model = Model::load(&library, seed).unwrap();
        let mut outputs = vec![0; library.layout().output_limbs];
        model.cycle(&vec![0; library.layout().input_limbs], &mut outputs).unwrap();
        outputs
    };
    let alone: Vec<_> = (1..40).map(first).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!((1..40).map(first).collect::<Vec<_>>(), alone));
        }
    });
}

#[test]
fn waveforms_and_coverage_are_written_in_their_flavours_only() {
    let folder = tempfile::tempdir().unwrap();
    let (wave, coverage) = (folder.path().join("a.fst"), folder.path().join("a.dat"));
    let library = mixer_library(Options { wave: true, coverage: Coverage::Lines, ..Options::default() });
    let mut model = Model::load(&library, 0).unwrap();
    model.open_wave(&wave).unwrap();
    let mut outputs = vec![0; library.layout().output_limbs];
    for value in 0..50 {
        model.cycle(&vec![value; library.layout().input_limbs], &mut outputs).unwrap();
    }
    model.write_coverage(&coverage).unwrap();
    assert!(model.open_wave(&folder.path().join("no/such/a.fst")).is_err());
    drop(model);
    assert!(std::fs::metadata(&wave).unwrap().len() > 200);
    let text = std::fs::read_to_string(&coverage).unwrap();
    assert!(text.contains("mixer.v"), "{text}");
    let mut plain = Model::load(&mixer_library(Options::default()), 0).unwrap();
    assert!(plain.open_wave(&wave).unwrap_err().to_string().contains("Options::wave"));
    assert!(plain.write_coverage(&coverage).unwrap_err().to_string().contains("Options::coverage"));
}

#[test]
fn coverage_tells_the_lines_that_were_not_reached_and_the_bits_that_did_not_toggle() {
    let m = ModuleBuilder::new("branching", "");
    let a = m.input("a", 8);
    m.output("b", m.delay_reset("held", a));
    let text = "module branching(input wire clk, input wire rst, input wire [7:0] a, output reg [7:0] b);\n\
                  always @(posedge clk)\n    if (rst) begin\n      b <= 8'd0;\n    end else if (a == 8'd200) begin\n\
                  b <= 8'd1;\n    end else begin\n      b <= a;\n    end\nendmodule\n";
    let sources = [SourceFile { name: "branching.v".to_owned(), text: text.to_owned() }];
    let coverage = Coverage::LinesAndToggles;
    let options = Options { coverage, optimise: Optimise::Quick, ..Options::default() };
    let library = build::build_sources(&sources, &m.finish().unwrap(), options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, values: &[u64]| {
        let mut model = Model::load(&library, 0).unwrap();
        model.cycle(&[1, 0], &mut [0]).unwrap();
        values.iter().for_each(|value| model.cycle(&[0, *value], &mut [0]).unwrap());
        let path = folder.path().join(name);
        model.write_coverage(&path).unwrap();
        CoverageData::read(&path).unwrap()
    };
    let mut data = run("one.dat", &[1, 2, 3, 0]);
    let file = &data.files["branching.v"];
    assert_eq!(file.unhit_lines(), [5, 6], "the branch begins in the line of its condition: {data}");
    assert!(file.lines()[&8] == 4 && file.lines()[&4] == 1, "{:?}", file.lines());
    assert!(file.untoggled_bits().iter().any(|bit| bit.starts_with("a[7]")), "{data}");
    assert!(!file.untoggled_bits().iter().any(|bit| bit.starts_with("a[1]")), "{data}");
    data.add(&run("two.dat", &[200, 255]));
    let file = &data.files["branching.v"];
    let (hit, all) = file.lines_hit();
    assert!(file.unhit_lines().is_empty() && hit == all && all >= 4, "{data}");
}

fn checked(text: &str) -> (Arc<Module>, Vec<SourceFile>) {
    let m = ModuleBuilder::new("checked", "");
    let a = m.input("a", 8);
    m.output("b", m.delay_reset("held", a));
    let text = format!(
        "module checked(input wire clk, input wire rst, input wire [7:0] a, output reg [7:0] b);\n  \
         always @(posedge clk) b <= rst ? 8'd0 : a;\n  {text}\nendmodule\n"
    );
    (m.finish().unwrap(), vec![SourceFile { name: "checked_formal.sv".to_owned(), text }])
}

#[test]
fn a_failing_assertion_is_an_error_with_its_name_and_leaves_other_models_alone() {
    let (module, sources) = checked("a_small: assert property (@(posedge clk) disable iff (rst) a < 8'd10);");
    let options = Options { assertions: true, optimise: Optimise::Quick, ..Options::default() };
    let library = build::build_sources(&sources, &module, options).unwrap();
    let mut outputs = [0];
    let (mut bad, mut good) = (Model::load(&library, 0).unwrap(), Model::load(&library, 0).unwrap());
    for cycle in 0..5 {
        good.cycle(&[0, 9], &mut outputs).unwrap();
        bad.cycle(&[u64::from(cycle == 0), 10 * u64::from(cycle == 0)], &mut outputs).unwrap();
    }
    let error = bad.cycle(&[0, 10], &mut outputs).unwrap_err();
    assert!(matches!(error, Error::Stopped { cycle: 5, .. }), "{error}");
    assert!(error.to_string().contains("a_small"), "{error}");
    assert!(bad.cycle(&[0, 1], &mut outputs).is_err(), "a stopped model stays stopped");
    good.cycle(&[0, 9], &mut outputs).unwrap();
    assert_eq!(outputs, [9]);
}

#[test]
fn a_finish_or_fatal_in_the_design_ends_the_model_and_not_the_process() {
    for task in ["$finish;", "$fatal(1, \"it broke\");"] {
        let (module, sources) = checked(&format!("always @(posedge clk) if (a == 8'd3) {task}"));
        let options = Options { assertions: true, optimise: Optimise::Quick, ..Options::default() };
        let library = build::build_sources(&sources, &module, options).unwrap();
        let mut model = Model::load(&library, 0).unwrap();
        model.cycle(&[0, 2], &mut [0]).unwrap();
        let error = model.cycle(&[0, 3], &mut [0]).unwrap_err();
        assert!(matches!(error, Error::Stopped { cycle: 1, .. }), "{task} {error}");
    }
}

#[test]
fn mistakes_in_the_verilog_come_with_verilators_words_and_the_command() {
    let (module, mut sources) = checked("");
    sources[0].text = sources[0].text.replace("b <= rst", "b <= missing");
    let error = build::build_sources(&sources, &module, Options::default()).unwrap_err().to_string();
    assert!(error.contains("'missing'") && error.contains("--top-module checked"), "{error}");
}

#[test]
fn a_port_with_the_name_of_a_member_of_the_model_is_named() {
    let m = ModuleBuilder::new("clash", "");
    m.output("b", m.delay("held", m.input("eval", 1)));
    let error = build::build_sources(&[], &m.finish().unwrap(), Options::default()).unwrap_err().to_string();
    assert!(error.contains("`eval`") && error.contains("rename"), "{error}");
}

#[test]
fn models_and_libraries_give_their_memory_back() {
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
    };
    let round = |count: u32| {
        for seed in 0..count {
            let library = mixer_library(Options::default());
            for _ in 0..20 {
                let mut model = Model::load(&library, u64::from(seed)).unwrap();
                let mut outputs = vec![0; library.layout().output_limbs];
                model.cycle(&vec![0; library.layout().input_limbs], &mut outputs).unwrap();
            }
        }
    };
    round(20);
    let before = resident();
    round(100);
    let grown = resident().saturating_sub(before);
    assert!(grown < 4 << 20, "2000 models and 100 loads left {grown} bytes");
}
