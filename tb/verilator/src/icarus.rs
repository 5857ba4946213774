//! Runs vectors through Icarus Verilog: an independent reading of the Verilog, with unknown values.
//!
//! Icarus interprets, so it is slow per cycle; but it starts at once, and any number of designs go into one
//! run.

use std::collections::BTreeMap;
use std::fmt::Write;

use stagecoach_hdl::Module;
use stagecoach_hdl::native::{PortLayout, PortSlot};

use crate::{Error, SourceFile, lint, process, tools};

/// One design with its stimulus.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The design; only its name and ports matter here.
    pub top: &'a Module,
    /// Input limbs of each cycle, as [`PortLayout`] says.
    pub inputs: &'a [Vec<u64>],
    /// First cycle in which every output must be known; unknown bits of earlier ones read as zero.
    pub known_from: usize,
}

/// Runs one design; the outputs' limbs of each cycle, sampled as [`crate::Model::cycle`] does.
///
/// # Errors
/// As [`run_batch`].
pub fn run(files: &[SourceFile], top: &Module, inputs: &[Vec<u64>]) -> Result<Vec<Vec<u64>>, Error> {
    let mut all = run_batch(files, &[Job { top, inputs, known_from: 0 }])?;
    all.pop().ok_or_else(|| Error::Shape("Icarus ran no design".to_owned()))
}

/// Runs many designs in one process; for each the outputs' limbs of each cycle.
///
/// # Errors
/// [`Error::Unknown`] for an output with unknown bits, [`Error::Shape`] for stimulus of another shape,
/// [`Error::ToolFailed`] and [`Error::ToolMissing`].
pub fn run_batch(files: &[SourceFile], jobs: &[Job<'_>]) -> Result<Vec<Vec<Vec<u64>>>, Error> {
    let icarus = tools::find_iverilog()?;
    let work = lint::laid_out(files)?;
    let layouts: Vec<_> = jobs.iter().map(|job| PortLayout::of(job.top)).collect();
    let mut bench = String::new();
    for (index, (job, layout)) in jobs.iter().zip(&layouts).enumerate() {
        if let Some(wrong) = job.inputs.iter().find(|inputs| inputs.len() != layout.input_limbs) {
            let (have, want) = (wrong.len(), layout.input_limbs);
            return Err(Error::Shape(format!(
                "design {} takes {want} limbs a cycle, not {have}",
                job.top.name
            )));
        }
        if layout.input_limbs > 0 && !job.inputs.is_empty() {
            lint::write(work.path(), &format!("stimulus_{index}.hex"), &stimulus(job.inputs))?;
        }
        module(&mut bench, index, job, layout);
    }
    bench.push_str("module stagecoach_bench;\n");
    for index in 0..jobs.len() {
        let _ = writeln!(bench, "  stagecoach_bench_{index} bench_{index} ();");
    }
    bench.push_str("endmodule\n");
    lint::write(work.path(), "stagecoach_bench.v", &bench)?;
    let mut compile = icarus.iverilog.command();
    compile.current_dir(work.path()).args([
        lint::dialect(files),
        "-s",
        "stagecoach_bench",
        "-o",
        "bench.vvp",
    ]);
    compile.arg("stagecoach_bench.v").args(files.iter().map(|file| &file.name));
    process::run("Icarus Verilog could not compile", &mut compile)?;
    let mut simulate = icarus.vvp.command();
    simulate.current_dir(work.path()).args(["-n", "bench.vvp"]);
    let output = process::run("Icarus Verilog could not run", &mut simulate)?;
    read(&String::from_utf8_lossy(&output.stdout), jobs, &layouts)
}

/// One line per cycle: all limbs as one hexadecimal number, the last limb first.
fn stimulus(inputs: &[Vec<u64>]) -> String {
    let mut text = String::new();
    for cycle in inputs {
        cycle.iter().rev().for_each(|limb| {
            let _ = write!(text, "{limb:016x}");
        });
        text.push('\n');
    }
    text
}

/// The bench of one design: `<design> <cycle> <output> <output> …` in every cycle.
fn module(text: &mut String, index: usize, job: &Job<'_>, layout: &PortLayout) {
    let cycles = job.inputs.len();
    let mut connections = Vec::new();
    let _ = writeln!(text, "module stagecoach_bench_{index};");
    text.push_str("  integer cycle;\n");
    if job.top.has_clock {
        text.push_str("  reg bench_clock;\n");
        connections.push(".clk(bench_clock)".to_owned());
    }
    let has_stimulus = layout.input_limbs > 0 && cycles > 0;
    let bits = layout.input_limbs.max(1) * 64;
    let _ = writeln!(text, "  reg [{}:0] vector;", bits - 1);
    let _ = writeln!(text, "  reg [{}:0] vectors [0:{}];", bits - 1, cycles.max(1) - 1);
    for PortSlot { name, width, offset, .. } in &layout.inputs {
        let low = offset * 64;
        connections.push(format!(".{name}(vector[{}:{low}])", low + *width as usize - 1));
    }
    for PortSlot { name, width, .. } in &layout.outputs {
        let _ = writeln!(text, "  wire [{}:0] shown_{name};", width - 1);
        connections.push(format!(".{name}(shown_{name})"));
    }
    let _ = writeln!(text, "  {} device ({});", job.top.name, connections.join(", "));
    text.push_str("  initial begin\n");
    if has_stimulus {
        let _ = writeln!(text, "    $readmemh(\"stimulus_{index}.hex\", vectors);");
    }
    let clock =
        |level: u32| if job.top.has_clock { format!("bench_clock = {level}; ") } else { String::new() };
    let _ = writeln!(text, "    {}vector = 0;", clock(0));
    let _ = writeln!(text, "    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin");
    if has_stimulus {
        text.push_str("      vector = vectors[cycle];\n");
    }
    text.push_str("      #1;\n");
    let format = " %h".repeat(layout.outputs.len());
    let shown: String = layout.outputs.iter().map(|slot| format!(", shown_{}", slot.name)).collect();
    let _ = writeln!(text, "      $display(\"{index} %0d{format}\", cycle{shown});");
    let _ = writeln!(text, "      {}#1; {}\n    end\n  end\nendmodule\n", clock(1), clock(0));
}

fn read(text: &str, jobs: &[Job<'_>], layouts: &[PortLayout]) -> Result<Vec<Vec<Vec<u64>>>, Error> {
    let mut seen: BTreeMap<(usize, usize), Vec<u64>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<usize>().ok());
        let (Some(index), Some(cycle)) = (number(), number()) else { continue };
        let (Some(job), Some(layout)) = (jobs.get(index), layouts.get(index)) else { continue };
        let mut limbs = vec![0; layout.output_limbs];
        for (slot, digits) in layout.outputs.iter().zip(words) {
            let known = parse(digits, &mut limbs[slot.offset..slot.offset + slot.limbs]);
            if !known && cycle >= job.known_from {
                return Err(Error::Unknown {
                    design: job.top.name.clone(),
                    cycle,
                    port: slot.name.clone(),
                    digits: digits.to_owned(),
                });
            }
        }
        seen.insert((index, cycle), limbs);
    }
    let mut results = Vec::new();
    for (index, job) in jobs.iter().enumerate() {
        let cycles: Option<Vec<_>> =
            (0..job.inputs.len()).map(|cycle| seen.remove(&(index, cycle))).collect();
        results.push(cycles.ok_or_else(|| {
            let first: Vec<_> = text.lines().take(5).collect();
            Error::Shape(format!("Icarus lost cycles of {}; it began: {}", job.top.name, first.join(" / ")))
        })?);
    }
    Ok(results)
}

/// Reads hexadecimal digits into limbs; `false` if one is `x` or `z`, which reads as zero.
fn parse(digits: &str, limbs: &mut [u64]) -> bool {
    let mut known = true;
    for (position, digit) in digits.chars().rev().enumerate() {
        match digit.to_digit(16) {
            Some(value) => {
                if let Some(limb) = limbs.get_mut(position / 16) {
                    *limb |= u64::from(value) << (position % 16 * 4);
                }
            }
            None => known = false,
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use stagecoach_hdl::ModuleBuilder;

    use super::*;

    fn held(name: &str, width: u32) -> (std::sync::Arc<Module>, SourceFile) {
        let m = ModuleBuilder::new(name, "");
        m.output("b", m.delay("held", m.input("a", width)));
        let text = format!(
            "module {name}(input wire clk, input wire [{0}:0] a, output reg [{0}:0] b);\n  \
             always @(posedge clk) b <= a;\nendmodule\n",
            width - 1
        );
        (m.finish().unwrap(), SourceFile { name: format!("{name}.v"), text })
    }

    #[test]
    fn several_designs_run_together_and_keep_their_outputs_apart() {
        let ((narrow, narrow_file), (wide, wide_file)) = (held("narrow", 5), held("wide", 100));
        let few: Vec<_> = (1..4).map(|value| vec![value]).collect();
        let many: Vec<_> = (1..6).map(|value| vec![u64::MAX - value, value]).collect();
        let jobs = [
            Job { top: &narrow, inputs: &few, known_from: 1 },
            Job { top: &wide, inputs: &many, known_from: 1 },
        ];
        let results = run_batch(&[narrow_file, wide_file], &jobs).unwrap();
        assert_eq!(results[0], [vec![0], vec![1], vec![2]]);
        assert_eq!(results[1][1..], many[..4]);
    }

    #[test]
    fn unknown_bits_are_reported_with_port_and_cycle() {
        let (module, file) = held("narrow", 5);
        let error = run(&[file], &module, &[vec![1], vec![2]]).unwrap_err();
        assert!(matches!(&error, Error::Unknown { cycle: 0, port, .. } if port == "b"), "{error}");
    }

    #[test]
    fn mistakes_in_verilog_show_in_icarus_own_words() {
        let (module, mut file) = held("narrow", 5);
        file.text = file.text.replace("<= a", "<= missing");
        let error = run(&[file], &module, &[vec![1]]).unwrap_err().to_string();
        assert!(error.contains("missing") && error.contains("iverilog"), "{error}");
    }
}
