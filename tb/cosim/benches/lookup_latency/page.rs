//! The page with the comparison.

use std::fmt::Write;

use crate::Comparison;
use crate::published::PUBLISHED;

/// Markdown.
pub fn write(comparison: &Comparison) -> String {
    let Comparison { cycles, measured_cycles: (least, most), processor, .. } = comparison;
    format!(
        "# Latency of one lookup

Written by `cargo bench -p stagecoach-cosim --bench lookup_latency`.

![Latency of one lookup](latency.svg)

## The mapping unit

A lookup here is the whole decision: identifier, key, protection domain, rights, bounds, page, physical address. The
latency is that of the first beat, a constant of the configuration; a request enters in every cycle. Preset `roce` takes
{cycles} cycles by the table of stages, {least} to {most} measured on the native engine.

{}
## Software

The same decisions over the same tables: all 64 tables and 4096 regions of preset `roce`, four pages each. One core of
{processor}, its own time, the median of seven rounds. *Dependent*: the next lookup is chosen by the last one's answer,
so this is a latency. *Independent*: time per lookup when none waits for another. *Batched*: `FastLookup::lookup_each`.
Every answer was compared with the golden model's first.

{}
{}
## Published figures

{}
## What is not comparable

- The published designs find a value by its identifier and no more: no protection domain, rights, bounds or pages. Of the
  unit's cycles, that is what stages `request` and `binding` do.
- They are on AMD UltraScale+, the unit's clocks are of a Lattice ECP5, an older and slower family. Their clocks are what
  the vendor or author names as reached at best; the unit's are those that its seeds reached.
- FASTHash answers 16 lookups a cycle; its source and the cuckoo map's give no cycles per lookup.
- The software's tables are warm and used by one core; it takes no lock, parses no packet and pays for no way to the
  network card and back. A lookup that misses the caches takes several times as long
  ([against table size](lookups.md)). A driver's own lookup cannot be faster than the dependent figure.
- The unit's time is the same for every request; the software's is an average.
",
        unit(comparison),
        software(comparison),
        ratios(comparison),
        published(),
    )
}

fn unit(comparison: &Comparison) -> String {
    if comparison.unit.is_empty() {
        return "There is no report of clocks (`docs/fpga/report.json`, written by `cargo xtask fpga`) yet.\n".to_owned();
    }
    let mut text = "Clocks are those of the [place-and-route report](../fpga/report.json).\n\n\
        | preset | CAM | target | cycles | clock, MHz | latency, ns | a lookup every, ns |\n\
        | --- | --- | --- | ---: | ---: | ---: | ---: |\n"
        .to_owned();
    for placed in &comparison.unit {
        let seeds =
            if placed.seeds == 1 { "one seed".to_owned() } else { format!("median of {}", placed.seeds) };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {:.1} ({seeds}) | {:.1} | {:.1} |",
            placed.preset,
            placed.cam,
            placed.target,
            placed.cycles,
            placed.mhz,
            placed.latency(),
            placed.interval()
        );
    }
    text
}

fn software(comparison: &Comparison) -> String {
    let mut text =
        "| tables | dependent, ns | independent, ns | batched, ns |\n| --- | ---: | ---: | ---: |\n"
            .to_owned();
    for measured in &comparison.software {
        let batched = measured.batched.map_or("-".to_owned(), |batched| format!("{batched:.1}"));
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.1} | {batched} |",
            measured.name, measured.dependent, measured.independent
        );
    }
    text
}

/// The unit beside each software, in the same run.
fn ratios(comparison: &Comparison) -> String {
    let Some(roce) = comparison.unit.iter().find(|placed| placed.preset == "roce") else {
        return String::new();
    };
    let mut text = format!(
        "The unit on preset `roce` answers in {:.1} ns, and once every {:.1} ns. Time of the software over that of the unit:\n\n\
         | tables | latency | throughput of a core |\n| --- | ---: | ---: |\n",
        roce.latency(),
        roce.interval()
    );
    for measured in &comparison.software {
        let best = measured.batched.map_or(measured.independent, |batched| batched.min(measured.independent));
        let latency = measured.dependent / roce.latency();
        let _ = writeln!(text, "| {} | {latency:.2} | {:.1} |", measured.name, best / roce.interval());
    }
    text
}

fn published() -> String {
    let mut text = "| design | entries | device | clock, MHz | cycles | latency, ns | source |\n\
        | --- | --- | --- | ---: | ---: | ---: | --- |\n"
        .to_owned();
    for design in &PUBLISHED {
        let cycles = design.cycles.map_or("not said".to_owned(), |cycles| cycles.to_string());
        let latency = design.latency().map_or("-".to_owned(), |latency| format!("{latency:.1}"));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {cycles} | {latency} | {} |",
            design.design, design.entries, design.device, design.mhz, design.source
        );
    }
    text
}
