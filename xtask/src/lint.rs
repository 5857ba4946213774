//! `cargo xtask lint`: no word from Verilator or Icarus Verilog about any generated file, nor about what the same
//! configurations give for other targets; and the driver compiles without `std`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use stagecoach::design::{self, Purpose};
use stagecoach::generate::DEFAULT_FOLDER;
use stagecoach::manifest::Manifest;
use stagecoach_spec::{Config, Target};
use stagecoach_verilator::{SourceFile, lint, tools};

use crate::run::run as run_program;

/// Ending of a file with properties, which is read instead of the module's design file.
const FORMAL: &str = "_formal.sv";

/// Runs the chore on every folder below `verilog-out`.
pub fn run() -> Result<()> {
    let below = tools::project_root().join(DEFAULT_FOLDER);
    let mut folders: Vec<PathBuf> = fs::read_dir(&below)
        .with_context(|| {
            format!("cannot read {}; run `cargo run --release -- generate --preset roce`", below.display())
        })?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    if folders.is_empty() {
        bail!("{} holds no generated folder", below.display());
    }
    let mut complaints = 0;
    for folder in &folders {
        complaints += lint_folder(folder)?;
    }
    check_no_std()?;
    if complaints > 0 {
        bail!("{complaints} of the lint runs above were not silent");
    }
    Ok(())
}

/// The driver and what it needs say `#![no_std]` without their default features; whatever of `std` they used would be an
/// error then, on any machine.
fn check_no_std() -> Result<()> {
    for package in ["stagecoach-spec", "stagecoach-planner", "stagecoach-host"] {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(tools::project_root());
        run_program(command.args([
            "check",
            "--release",
            "--quiet",
            "--no-default-features",
            "--package",
            package,
        ]))?;
        println!("{package}: compiles without std");
    }
    Ok(())
}

/// Lints the design as it stands, with every module's properties, and for every other target. Gives the number of runs
/// that complained.
fn lint_folder(folder: &Path) -> Result<u32> {
    let name = folder.display();
    let manifest = Manifest::read(folder)
        .with_context(|| format!("{name} has no manifest.json of this version; generate it again"))?;
    let files = |wanted: &[Purpose]| -> Result<Vec<SourceFile>> {
        let named = manifest.files.iter().filter(|file| wanted.contains(&file.purpose));
        named
            .map(|file| {
                let path = folder.join(&file.name);
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                Ok(SourceFile { name: file.name.clone(), text })
            })
            .collect()
    };
    let design = files(&[Purpose::Simulation, Purpose::Ram, Purpose::Design])?;
    // Laid out under their modules' own names, as the design files are that they stand for.
    let mut with_properties = files(&[Purpose::Formal])?;
    for file in &mut with_properties {
        file.name = file.name.replace(FORMAL, ".sv");
    }
    let replaced: Vec<String> = with_properties.iter().map(|file| file.name.replace(".sv", ".v")).collect();
    with_properties.extend(design.iter().filter(|file| !replaced.contains(&file.name)).cloned());

    let controller_top = &manifest.controller.top;
    let controller = files(&[Purpose::Simulation, Purpose::Ram, Purpose::Design, Purpose::Controller])?;
    let axi_top = &manifest.controller_axi.top;
    let mut controller_axi = controller.clone();
    controller_axi.extend(files(&[Purpose::Wrapper])?);
    let mut runs = vec![
        ("design".to_owned(), "verilator", design.len(), lint::verilator(&design, &manifest.top, &[])),
        ("design".to_owned(), "iverilog", design.len(), lint::iverilog(&design, &manifest.top)),
        (
            "controller".to_owned(),
            "verilator",
            controller.len(),
            lint::verilator(&controller, controller_top, &[]),
        ),
        ("controller".to_owned(), "iverilog", controller.len(), lint::iverilog(&controller, controller_top)),
        (
            "controller_axi".to_owned(),
            "verilator",
            controller_axi.len(),
            lint::verilator(&controller_axi, axi_top, &[]),
        ),
        (
            "controller_axi".to_owned(),
            "iverilog",
            controller_axi.len(),
            lint::iverilog(&controller_axi, axi_top),
        ),
        // Icarus Verilog knows no cover statements.
        (
            "properties".to_owned(),
            "verilator",
            with_properties.len(),
            lint::verilator(&with_properties, &manifest.top, &[]),
        ),
    ];
    for target in Target::ALL.into_iter().filter(|target| *target != manifest.configuration.target) {
        let files = files_for(&manifest.configuration, target)?;
        let what = format!("target {target}");
        runs.push((what.clone(), "verilator", files.len(), lint::verilator(&files, &manifest.top, &[])));
        runs.push((what, "iverilog", files.len(), lint::iverilog(&files, &manifest.top)));
    }
    let mut complaints = 0;
    for (what, tool, count, result) in runs {
        match result {
            Ok(()) => println!("{name}: {what}: {tool}: silent ({count} files)"),
            Err(error) => {
                complaints += 1;
                println!("{name}: {what}: {tool}:\n{error}");
            }
        }
    }
    Ok(complaints)
}

/// What a simulator reads of a configuration for a target.
fn files_for(config: &Config, target: Target) -> Result<Vec<SourceFile>> {
    let files = design::files(&Config { target, ..config.clone() })?.into_iter();
    let read = files
        .filter(|file| matches!(file.purpose, Purpose::Simulation | Purpose::Ram | Purpose::Design))
        .map(|file| SourceFile { name: file.name, text: file.text });
    Ok(read.collect())
}
