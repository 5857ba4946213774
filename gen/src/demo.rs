//! `demo`: generate a preset, check it, replay the bundled captures on the native engine.

use std::path::{Path, PathBuf};
use std::time::Instant;

use stagecoach_spec::Preset;

use crate::Error;
use crate::check::check_folder;
use crate::cli::{Choice, EngineChoice, VmArgument};
use crate::design::Purpose;
use crate::generate::generate;
use crate::manifest::Manifest;
use crate::output::{counted, grouped, print};
use crate::replay::{Outputs, replay};

/// The bundled machines: name of the files, address.
pub const MACHINES: [(&str, &str); 6] = [
    ("vma", "10.0.1.2"),
    ("vmb", "10.0.2.2"),
    ("vma-ipv6", "fd00:1::2"),
    ("vmb-ipv6", "fd00:2::2"),
    ("vma-vlan", "10.100.1.2"),
    ("vmb-vlan", "10.100.2.2"),
];

/// Runs the command.
///
/// # Errors
/// No temporary folder can be written, or the bundled captures are not there.
pub fn run() -> Result<bool, Error> {
    let started = Instant::now();
    let machines = bundled()?;
    let config = Preset::Roce.config();
    let temporary = std::env::temp_dir();
    let folder = tempfile::tempdir().map_err(Error::io("cannot write into folder", temporary))?;
    let out = folder.path().join(&config.name);

    let files = generate(&config, &out)?;
    let lines: usize =
        files.iter().filter(|f| f.purpose == Purpose::Design).map(|f| f.text.lines().count()).sum();
    print(&format!("1. generate  {}: {}", config, counted(files.len() as u64, "file", "files")))?;
    if let Some(manifest) = Manifest::read(&out) {
        let cycles = manifest.latency.first_beat_cycles;
        let (lines, bits) = (grouped(lines as u64), grouped(manifest.memory_bits));
        print(&format!(", {lines} lines of Verilog, {bits} memory bits, first beat after {cycles} cycles"))?;
    }
    let differences = check_folder(&out, &config)?;
    let verdict =
        if differences.is_empty() { "fresh: generated twice, byte for byte the same" } else { "stale" };
    print(&format!(
        "\n2. check     {verdict}\n3. replay    {} captured machines in one mapping unit\n\n",
        machines.len()
    ))?;
    let choice = Choice { preset: Some(Preset::Roce), config: None };
    let report = replay(&machines, &choice, EngineChoice::Native, Outputs::default())?;
    print(&report.text())?;
    print(&format!("\ndemo took {:.1} s\n", started.elapsed().as_secs_f64()))?;
    Ok(differences.is_empty() && report.total().disagree == 0)
}

/// The bundled captures, as arguments of `replay`.
///
/// # Errors
/// The folder is not where it was when the command was built.
pub fn bundled() -> Result<Vec<VmArgument>, Error> {
    let folder = bundle_folder();
    if !folder.is_dir() {
        return Err(Error::NoBundle { path: folder });
    }
    let machine = |(name, address): (&str, &str)| VmArgument {
        text: address.to_owned(),
        address: address.parse().expect("the bundled addresses are tested"),
        capture: folder.join(format!("{name}.pcap.gz")),
        events: folder.join(format!("{name}.events.jsonl")),
    };
    Ok(MACHINES.map(machine).into())
}

fn bundle_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tb/captures/data/roce")
}
