//! A configuration's design as files in memory.

use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::verilog::{self, FileKind, VerilogFile};
use stagecoach_spec::Config;

use crate::Error;
use crate::manifest::{MANIFEST, Manifest};
use crate::{amba, core_file, registers, rust_hdl};

/// Name of the configuration among the files.
pub const CONFIGURATION: &str = "configuration.toml";

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A module of the mapping unit, Verilog-2005.
    Design,
    /// A module that only the controller has, Verilog-2005.
    Controller,
    /// The controller with AMBA's clock and reset, Verilog-2005.
    Wrapper,
    /// A RAM wrapper, Verilog-2005: all that depends on the configuration's target.
    Ram,
    /// A model of a device's primitive, for simulators; synthesis tools have their own and see nothing in it.
    Simulation,
    /// A module with its properties, SystemVerilog, to be read instead of the design file of the same module.
    Formal,
    /// The controller's registers, for software: JSON, a C header, a page to read.
    Registers,
    /// The top modules as blocks of rust-hdl.
    RustHdl,
    /// The folder as a FuseSoC core.
    Core,
    /// The configuration.
    Configuration,
    /// The manifest itself, which it does not list.
    Manifest,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// Its name in the folder.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Its text.
    pub text: String,
}

/// What a generated folder holds beside the Verilog, if it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    #[default]
    Nothing,
    /// [`crate::rust_hdl`]: the top modules as blocks of rust-hdl.
    RustHdl,
}

/// A configuration's hardware.
///
/// # Errors
/// The description does not pass the toolkit's checks: a mistake of this project, not of its user.
pub fn module(config: &Config) -> Result<Arc<Module>, Error> {
    stagecoach_controller::mapping_unit(config)
        .map_err(|error| Error::Design { name: config.name.clone(), problem: error.to_string() })
}

/// A configuration's hardware with its registers on AXI4-Lite.
///
/// # Errors
/// As [`module`].
pub fn controller(config: &Config) -> Result<Arc<Module>, Error> {
    stagecoach_controller::controller(config)
        .map_err(|error| Error::Design { name: config.name.clone(), problem: error.to_string() })
}

/// Everything that a generated folder holds, the manifest last. The same configuration always gives the same bytes.
///
/// # Errors
/// As [`module`].
pub fn files(config: &Config) -> Result<Vec<OutputFile>, Error> {
    files_with(config, Extra::Nothing)
}

/// [`files`], with what else is asked for.
///
/// # Errors
/// As [`module`].
pub fn files_with(config: &Config, extra: Extra) -> Result<Vec<OutputFile>, Error> {
    let (module, controller) = (module(config)?, controller(config)?);
    let family = stagecoach_controller::family(config.target);
    let as_output = |file: VerilogFile| OutputFile {
        name: file.name,
        purpose: match file.kind {
            FileKind::Design => Purpose::Design,
            FileKind::Ram => Purpose::Ram,
            FileKind::Simulation => Purpose::Simulation,
            FileKind::Formal => Purpose::Formal,
        },
        text: file.text,
    };
    let mut files: Vec<OutputFile> = verilog::write_for(&module, family).into_iter().map(as_output).collect();
    // What the controller adds; all else is the mapping unit's, byte for byte.
    for file in verilog::write_for(&controller, family).into_iter().map(as_output) {
        if !files.iter().any(|known| known.name == file.name) {
            let purpose = if file.purpose == Purpose::Design { Purpose::Controller } else { file.purpose };
            files.push(OutputFile { purpose, ..file });
        }
    }
    files.push(amba::file(&controller));
    files.extend(registers::files());
    files.push(core_file::file(config, &files));
    if extra == Extra::RustHdl {
        files.push(rust_hdl_file(&module, &controller, &files));
    }
    let text = format!(
        "# The configuration that the files beside this one are generated from.\n{}",
        config.to_toml()
    );
    files.push(OutputFile { name: CONFIGURATION.into(), purpose: Purpose::Configuration, text });
    let text = Manifest::of(config, &module, &controller, &files).to_json();
    files.push(OutputFile { name: MANIFEST.into(), purpose: Purpose::Manifest, text });
    Ok(files)
}

/// Both tops as blocks of rust-hdl, with the files that each is made of.
fn rust_hdl_file(module: &Module, controller: &Module, files: &[OutputFile]) -> OutputFile {
    let named = |purposes: &[Purpose]| -> Vec<&str> {
        let wanted = files.iter().filter(|file| purposes.contains(&file.purpose));
        wanted.map(|file| file.name.as_str()).collect()
    };
    let unit = [Purpose::Simulation, Purpose::Ram, Purpose::Design];
    let all = [Purpose::Simulation, Purpose::Ram, Purpose::Design, Purpose::Controller];
    let tops = [
        rust_hdl::Top { module, described_by: "mapping_unit", files: named(&unit) },
        rust_hdl::Top { module: controller, described_by: "controller", files: named(&all) },
    ];
    rust_hdl::file(&tops)
}
