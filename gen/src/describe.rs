//! `describe`: pipeline, ports and memories of a configuration.

use std::fmt::Write;

use crate::Error;
use crate::cli::Choice;
use crate::design;
use crate::manifest::Manifest;
use crate::output::{grouped, print};

/// Clocks at which the description tells the latency in nanoseconds, in MHz.
const CLOCKS_MHZ: [u32; 3] = [200, 250, 322];

/// Runs the command.
///
/// # Errors
/// The configuration cannot be used.
pub fn run(choice: &Choice) -> Result<bool, Error> {
    let config = choice.config()?;
    let (module, controller) = (design::module(&config)?, design::controller(&config)?);
    print(&describe(&Manifest::of(&config, &module, &controller, &[])))?;
    Ok(true)
}

/// The description of a design, from its manifest.
pub fn describe(manifest: &Manifest) -> String {
    let mut text = format!("{}\n\nPipeline of {}\n", manifest.configuration, manifest.top);
    // Writing to a string cannot fail.
    let mut line = |words: std::fmt::Arguments| {
        let _ = writeln!(text, "{}", words.to_string().trim_end());
    };
    line(format_args!("  {:<10} {:>6}  {:<6} does", "stage", "cycles", "at"));
    let mut at = 0;
    for stage in &manifest.latency.stages {
        line(format_args!("  {:<10} {:>6}  {:<6} {}", stage.name, stage.cycles, at, stage.what));
        at += stage.cycles;
    }
    let first_beat = manifest.latency.first_beat_cycles;
    let times =
        CLOCKS_MHZ.map(|mhz| format!("{:.1} ns at {mhz} MHz", f64::from(first_beat) * 1e3 / f64::from(mhz)));
    line(format_args!(
        "  request to first beat: {first_beat} cycles ({}), then a span a cycle",
        times.join(", ")
    ));
    line(format_args!("\nPorts"));
    for port in &manifest.ports {
        line(format_args!("  {:<6} {:<16} {:>4}  {}", port.direction, port.name, port.width, port.doc));
    }
    line(format_args!("\nMemories"));
    let width = manifest.memories.iter().map(|memory| memory.path.len()).max().unwrap_or_default();
    for memory in &manifest.memories {
        let (depth, bits) = (grouped(memory.depth.into()), grouped(memory.bits));
        line(format_args!(
            "  {:width$}  {depth:>9} x {:>3} = {bits:>12} bits  {}",
            memory.path, memory.width, memory.style
        ));
    }
    let kibibytes = manifest.memory_bits.div_ceil(8 * 1024);
    line(format_args!("  together {} bits ({} KiB)", grouped(manifest.memory_bits), grouped(kibibytes)));
    text
}
