//! The Verilog-2005 writer.
//!
//! One module per file, children first; names, comments, sections and the designer's order are kept. A RAM
//! wrapper (`ram_…_one_read.v`, `ram_…_two_reads.v`) is written for each kind of memory in use; its text, and
//! nothing else, depends on the device [`Family`]. Names that begin with `ram_` and end so are the writer's.
//!
//! A module with assertions or covers has a second file, `<module>_formal.sv`: the same module with the same
//! ports and its properties, to be read *instead of* the first.
//!
//! The text is a function of the netlist and the family alone: byte-identical from run to run.

mod constant;
mod expression;
mod formal;
mod hoist;
mod layout;
mod module;
mod names;
mod plan;
mod print;
mod ram;

use std::collections::HashMap;
use std::sync::Arc;

use crate::netlist::{Module, Source};
use module::{Written, write_module};

/// The device family that memories are written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Any: memories are inferred.
    #[default]
    Generic,
    /// Lattice ECP5: instances of its block RAM, with the block's output register.
    Ecp5,
    /// AMD Xilinx: memories in the form that Vivado infers block RAM with its output register from.
    Xilinx,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 3] = [Family::Generic, Family::Ecp5, Family::Xilinx];
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A module, Verilog-2005.
    Design,
    /// A module with its properties, to be read instead of the [`FileKind::Design`] file of the same module.
    Formal,
    /// A RAM wrapper, Verilog-2005.
    Ram,
    /// A model of a device's primitive, Verilog-2005: for simulators and linters. Where `SYNTHESIS` is defined it
    /// says nothing.
    Simulation,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerilogFile {
    /// File name, e.g. `binding.v`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What it is for.
    pub kind: FileKind,
}

/// A name that the designer did not give: the writer needed one, because Verilog slices names only or because
/// the value is used more than once.
#[derive(Clone, Debug)]
pub struct DerivedName {
    /// Module that it stands in.
    pub module: String,
    /// The name.
    pub name: String,
    /// Where the value was described; name it there to choose its name.
    pub source: Source,
}

/// The files of `top` and everything below it, for any device: [`write_for`] with [`Family::Generic`].
pub fn write(top: &Arc<Module>) -> Vec<VerilogFile> {
    write_for(top, Family::Generic)
}

/// The files of `top` and everything below it: RAM wrappers, then modules, children before parents.
///
/// Two different modules of one name get different ones (`fifo`, `fifo_2`); equal ones share a file.
pub fn write_for(top: &Arc<Module>, family: Family) -> Vec<VerilogFile> {
    let mut files = ram::files(top, family);
    for (name, module, written, names) in designs(top) {
        files.push(VerilogFile { name: format!("{name}.v"), text: written.text, kind: FileKind::Design });
        if !module.assertions.is_empty() || !module.covers.is_empty() {
            let text = write_module(&module, &name, &|child| names.of(child), true).text;
            files.push(VerilogFile { name: format!("{name}_formal.sv"), text, kind: FileKind::Formal });
        }
    }
    files
}

/// The names in the design files of `top` that no designer gave.
pub fn derived_names(top: &Arc<Module>) -> Vec<DerivedName> {
    let designs = designs(top).into_iter();
    designs
        .flat_map(|(module, _, written, _)| {
            let names = written.derived.into_iter();
            names.map(move |(name, source)| DerivedName { module: module.clone(), name, source })
        })
        .collect()
}

/// Under which name each module is written.
#[derive(Clone, Default)]
struct ModuleNames(HashMap<*const Module, String>);

impl ModuleNames {
    fn of(&self, module: &Module) -> String {
        self.0.get(&std::ptr::from_ref(module)).unwrap_or(&module.name).clone()
    }
}

/// Each distinct module: its name, itself, its text, the names of the modules below it.
fn designs(top: &Arc<Module>) -> Vec<(String, Arc<Module>, Written, ModuleNames)> {
    let mut names = ModuleNames::default();
    // What stands under each name, written as if it had its own.
    let mut texts: HashMap<String, String> = HashMap::new();
    let mut designs = Vec::new();
    for module in top.hierarchy() {
        let plain = write_module(&module, &module.name, &|child| names.of(child), false);
        let mut name = module.name.clone();
        let mut number = 2;
        while texts.get(&name).is_some_and(|text| *text != plain.text) {
            name = format!("{}_{number}", module.name);
            number += 1;
        }
        names.0.insert(Arc::as_ptr(&module), name.clone());
        if texts.insert(name.clone(), plain.text.clone()).is_none() {
            let written = if name == module.name {
                plain
            } else {
                write_module(&module, &name, &|child| names.of(child), false)
            };
            designs.push((name, module, written, names.clone()));
        }
    }
    designs
}
