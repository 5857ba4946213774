//! Which lines of the generated Verilog were executed, and which bits of its signals toggled.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::native::PortLayout;
use stagecoach_spec::Config;
use stagecoach_verilator::{self as verilator, CoverageData};

use super::case::Case;
use super::lot::Lot;
use crate::session::{self, Failure, Outcome};
use crate::stimulus::Shape;
use crate::{EngineKind, Error, PortEngine, engine};

/// Plays a few random cases of a configuration under Verilator, and adds up what they have executed. Verilator's own
/// files go into `folder`.
///
/// # Errors
/// The first thing that is wrong in a run, or with its data.
pub fn cover(config: &Config, seed: u64, folder: &Path) -> Result<CoverageData, Failure> {
    let module = engine::describe(config)?;
    let shape = Shape { requests: 10_000, most_between: 40, fills: 1 };
    let mut sum = CoverageData::default();
    for case in &Lot::of(config, EngineKind::Verilator, seed, shape, 3).cases {
        let file = folder.join("lines.dat");
        sum.add(&play(case, &module, &file)?.1);
    }
    Ok(sum)
}

/// Plays a case under Verilator, counting; `file` is where Verilator's own data goes.
///
/// # Errors
/// The first thing that is wrong in the run, or with the data.
pub fn play(case: &Case, module: &Arc<Module>, file: &Path) -> Result<(Outcome, CoverageData), Failure> {
    let options = verilator::Options {
        initial: verilator::Initial::Unique,
        coverage: verilator::Coverage::LinesAndToggles,
        // A counter beside every bit: optimising that takes longer than it ever gives back.
        optimise: verilator::Optimise::Quick,
        ..verilator::Options::default()
    };
    let library = verilator::build::build(module, options).map_err(Error::from)?;
    let model = verilator::Model::load(&library, case.setup.engine_seed).map_err(Error::from)?;
    let engine = Box::new(Counting { model, file: file.to_owned() });
    let outcome = session::play_on(engine, &case.script, &case.setup)?;
    let data = CoverageData::read(file).map_err(Error::from)?;
    Ok((outcome, data))
}

/// A page of Markdown: a row for each file, then what was never executed.
pub fn markdown(title: &str, data: &CoverageData) -> String {
    let mut page = format!("# Coverage of the generated Verilog: {title}\n\n");
    page += "| file | lines hit | lines | bits toggled | bits |\n| --- | ---: | ---: | ---: | ---: |\n";
    let mut sums = [0; 4];
    for (name, file) in &data.files {
        let ((hit, lines), (toggled, bits)) = (file.lines_hit(), file.bits_toggled());
        page += &format!("| `{name}` | {hit} | {lines} | {toggled} | {bits} |\n");
        sums = [sums[0] + hit, sums[1] + lines, sums[2] + toggled, sums[3] + bits];
    }
    page += &format!("| all | {} | {} | {} | {} |\n", sums[0], sums[1], sums[2], sums[3]);
    page += "\n## Lines that were never executed\n\n";
    let mut any = false;
    for (name, file) in &data.files {
        let lines: Vec<String> = file.unhit_lines().iter().map(u32::to_string).collect();
        if !lines.is_empty() {
            any = true;
            page += &format!("- `{name}`: {}\n", lines.join(", "));
        }
    }
    page + if any { "" } else { "None.\n" }
}

/// A model that writes what it has counted when it goes.
struct Counting {
    model: verilator::Model,
    file: PathBuf,
}

impl Drop for Counting {
    fn drop(&mut self) {
        // Who reads the file finds it missing.
        let _ = self.model.write_coverage(&self.file);
    }
}

impl PortEngine for Counting {
    fn kind(&self) -> EngineKind {
        EngineKind::Verilator
    }

    fn layout(&self) -> &PortLayout {
        self.model.library().layout()
    }

    fn cycle(&mut self, inputs: &[u64], outputs: &mut [u64]) -> Result<(), Error> {
        Ok(self.model.cycle(inputs, outputs)?)
    }

    fn open_wave(&mut self, _: &Path) -> Result<(), Error> {
        Err(Error::NoWave { engine: "verilator with coverage" })
    }

    fn close_wave(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn failures(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_sums_up_and_names_what_was_missed() {
        let text = "# SystemC::Coverage-3\n\
            C '\x01f\x02a.v\x01l\x023\x01n\x021\x01page\x02v_line/a\x01o\x02block\x01S\x023-4' 7\n\
            C '\x01f\x02b.v\x01l\x029\x01n\x021\x01page\x02v_line/b\x01o\x02block\x01S\x029' 0\n\
            C '\x01f\x02b.v\x01l\x021\x01n\x021\x01page\x02v_toggle/b\x01o\x02x[0]' 2\n";
        let data = CoverageData::parse(text, "a.dat").expect("in Verilator's format");
        let page = markdown("a test", &data);
        assert!(page.contains("| `a.v` | 2 | 2 | 0 | 0 |"), "{page}");
        assert!(page.contains("| all | 2 | 3 | 1 | 1 |"), "{page}");
        assert!(page.contains("- `b.v`: 9\n") && !page.contains("None."), "{page}");
    }
}
