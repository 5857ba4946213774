//! Builds a shared object from Verilog: one Verilator run with its compiler, cached.
//!
//! Everything that the result depends on is in the cache's key: sources, shim, options, the versions of
//! Verilator and of the C++ compiler. A change of any builds anew; nothing needs cleaning by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::verilog::{self, Family, FileKind, VerilogFile};

use crate::cache::{self, Key};
use crate::model::Library;
use crate::{Error, process, shim, tools};

pub use crate::cache::directory as cache_directory;

/// What an unreset register and an unwritten memory word start with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Initial {
    /// Zero: the fastest.
    #[default]
    Fast,
    /// Random, from the seed that the model is made with.
    Unique,
}

/// How hard the C++ compiler works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Optimise {
    /// For long simulations.
    #[default]
    Full,
    /// For many designs that run a few cycles each.
    Quick,
}

/// What a model counts while it runs, for [`crate::Model::write_coverage`]; each costs speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// Nothing.
    #[default]
    None,
    /// Executions of each statement and branch.
    Lines,
    /// Besides, whether each bit of each signal has toggled: most of a generated design has no branches.
    LinesAndToggles,
}

/// The flavour of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Values before the first reset or write.
    pub initial: Initial,
    /// FST waveforms can be written; costs speed even while none is.
    pub wave: bool,
    /// Coverage can be written.
    pub coverage: Coverage,
    /// The design's assertions are checked: [`crate::Model::cycle`] fails where one does.
    pub assertions: bool,
    /// Compiler effort.
    pub optimise: Optimise,
    /// The device family whose memories are simulated.
    pub family: Family,
}

/// A Verilog source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// File name without directories, e.g. `expand.v`.
    pub name: String,
    /// Contents.
    pub text: String,
}

/// The files that a simulation of `module` for `family` reads, models of primitives among them: with `assertions`
/// those with properties in place of the plain ones.
pub fn sources(module: &Arc<Module>, family: Family, assertions: bool) -> Vec<SourceFile> {
    select(verilog::write_for(module, family), assertions)
}

/// Of everything that the writer wrote, the files that a simulation reads.
pub fn select(files: Vec<VerilogFile>, assertions: bool) -> Vec<SourceFile> {
    let formal_of = |design: &str| format!("{}_formal.sv", design.trim_end_matches(".v"));
    let replaced: Vec<String> = files
        .iter()
        .filter(|file| assertions && file.kind == FileKind::Formal)
        .map(|file| file.name.clone())
        .collect();
    files
        .into_iter()
        .filter(|file| match file.kind {
            FileKind::Formal => assertions,
            FileKind::Design => !replaced.contains(&formal_of(&file.name)),
            FileKind::Ram | FileKind::Simulation => true,
        })
        .map(|file| SourceFile { name: file.name, text: file.text })
        .collect()
}

/// Builds `module` (or finds it built) and loads it.
///
/// # Errors
/// A tool is missing or fails, the cache cannot be written, or the result does not load.
pub fn build(module: &Arc<Module>, options: Options) -> Result<Arc<Library>, Error> {
    build_sources(&sources(module, options.family, options.assertions), module, options)
}

/// Builds `sources`, whose top module has the name and ports of `module`, and loads it.
///
/// # Errors
/// As [`build`].
pub fn build_sources(
    sources: &[SourceFile],
    module: &Module,
    options: Options,
) -> Result<Arc<Library>, Error> {
    let plan = Plan {
        sources,
        top: &module.name,
        options,
        cpp: shim::write(module, &options)?,
        product: "model.so",
        is_shared: true,
    };
    Ok(Arc::new(Library::open(&plan.run()?, module, options)?))
}

/// Builds a program of its own from `sources` and `main`, a C++ text that uses Verilator's class
/// [`shim::CLASS`], with the compiler options of [`build`]: the yardstick of the benchmark.
///
/// # Errors
/// As [`build`].
pub fn build_program(
    sources: &[SourceFile],
    module: &Module,
    options: Options,
    main: &str,
) -> Result<PathBuf, Error> {
    let plan = Plan {
        sources,
        top: &module.name,
        options,
        cpp: main.to_owned(),
        product: "program",
        is_shared: false,
    };
    plan.run()
}

/// A step of Verilator's optimiser that is left out: in version 5.006 it gets some `^` reductions wrong (the
/// differential test found one within 250 designs that reduced every value).
const NO_BIT_OPERATION_TREES: &str = "-fno-const-bit-op-tree";

struct Plan<'a> {
    sources: &'a [SourceFile],
    top: &'a str,
    options: Options,
    cpp: String,
    product: &'static str,
    is_shared: bool,
}

impl Plan<'_> {
    fn run(&self) -> Result<PathBuf, Error> {
        let verilator = tools::find_verilator()?;
        let compiler = tools::find_compiler()?;
        tools::find_make()?;
        let cache = cache::directory();
        if cache.to_string_lossy().chars().any(char::is_whitespace) {
            return Err(Error::Design(format!(
                "cache directory `{}` has a space in its path, where make cannot build; set STAGECOACH_CACHE to another",
                cache.display()
            )));
        }
        let arguments = self.arguments(&compiler.program);
        let mut key = Key::new(self.product);
        key.add("verilator", &verilator.version);
        key.add("compiler", &compiler.version);
        arguments.iter().for_each(|argument| key.add("argument", argument));
        self.sources.iter().for_each(|source| key.add(&source.name, &source.text));
        key.add("cpp", &self.cpp);
        key.add("print", shim::print_header());
        let place = cache::get(&cache, key, self.product, |work| {
            self.write_sources(work)?;
            let mut command = verilator.command();
            command.current_dir(work).args(&arguments);
            // These would override what is chosen here.
            command
                .env_remove("CXXFLAGS")
                .env_remove("CPPFLAGS")
                .env_remove("MAKEFLAGS")
                .env_remove("OPT_FAST");
            let what = format!("Verilator could not build module {}", self.top);
            process::run(&what, &mut command).map_err(explain)?;
            let built = work.join("obj").join(self.product);
            fs::rename(&built, work.join(self.product)).map_err(Error::io("cannot move", &built))?;
            let objects = work.join("obj");
            fs::remove_dir_all(&objects).map_err(Error::io("cannot remove", &objects))
        })?;
        Ok(place.join(self.product))
    }

    fn write_sources(&self, work: &Path) -> Result<(), Error> {
        let write = |name: &str, text: &str| {
            let path = work.join(name);
            fs::write(&path, text).map_err(Error::io("cannot write", &path))
        };
        for source in self.sources {
            write(&source.name, &source.text)?;
        }
        write("stagecoach.cpp", &self.cpp)?;
        write("stagecoach_print.h", shim::print_header())
    }

    /// Everything relative to the directory of the build, so that places do not show in the result.
    fn arguments(&self, compiler: &Path) -> Vec<String> {
        let options = self.options;
        let mut arguments: Vec<String> = ["--cc", "--exe", "--build", "-Wno-fatal", "-O3", "--Mdir", "obj"]
            .iter()
            .map(|word| (*word).to_owned())
            .collect();
        let jobs = std::thread::available_parallelism().map_or(2, usize::from).min(8);
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        add(&[
            "-j",
            &jobs.to_string(),
            "--prefix",
            shim::CLASS,
            "--top-module",
            self.top,
            "-o",
            self.product,
        ]);
        add(&[NO_BIT_OPERATION_TREES]);
        let initial = match options.initial {
            Initial::Fast => "fast",
            Initial::Unique => "unique",
        };
        add(&["--x-assign", initial, "--x-initial", initial]);
        if options.wave {
            add(&["--trace-fst"]);
        }
        match options.coverage {
            Coverage::None => {}
            Coverage::Lines => add(&["--coverage-line"]),
            Coverage::LinesAndToggles => add(&["--coverage-line", "--coverage-toggle"]),
        }
        if options.assertions {
            add(&["--assert"]);
        }
        // -std=c++17 and not gnu++17, whose macros `linux` and `unix` are names that a port may have. A symbol
        // marked as unique would be shared with, and keep loaded, every other model of the process.
        let mut flags = vec!["-std=c++17", "-DVL_TIME_CONTEXT", "-pthread"];
        if self.is_shared {
            flags.extend(["-fPIC", "-fvisibility=hidden", "-include ../stagecoach_print.h"]);
            flags.extend(["-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_FATAL"]);
            let is_clang = compiler.to_string_lossy().contains("clang");
            if !is_clang {
                flags.extend(["-fno-gnu-unique", "-fno-semantic-interposition"]);
            }
            add(&["-LDFLAGS", "-shared"]);
        }
        add(&["-LDFLAGS", "-pthread"]);
        flags.iter().for_each(|flag| add(&["-CFLAGS", flag]));
        // -CFLAGS -O3 would be overridden silently by Verilator 5.006's own OPT_FAST.
        let (fast, slow) = match options.optimise {
            Optimise::Full => ("-O3", "-O1"),
            Optimise::Quick => ("-O0", "-O0"),
        };
        for (name, level) in [("OPT_FAST", fast), ("OPT_GLOBAL", fast), ("OPT_SLOW", slow)] {
            add(&["-MAKEFLAGS", &format!("{name}={level}")]);
        }
        if options.optimise == Optimise::Quick {
            // One C++ file: without optimisation most of the time goes into reading the runtime's headers.
            add(&["-MAKEFLAGS", "VM_PARALLEL_BUILDS=0"]);
        }
        // A Verilator from a package may name the compiler and interpreter of the machine that it was built on.
        let compiler = compiler.to_string_lossy();
        add(&["-MAKEFLAGS", &format!("CXX={compiler}"), "-MAKEFLAGS", &format!("LINK={compiler}")]);
        add(&["-MAKEFLAGS", "PYTHON3=python3"]);
        // Newer Verilators precompile their header without our own include, and then do not find it fit.
        add(&["-MAKEFLAGS", "VK_PCH_I_FAST=", "-MAKEFLAGS", "VK_PCH_I_SLOW="]);
        arguments.extend(self.sources.iter().map(|source| source.name.clone()));
        arguments.push("stagecoach.cpp".to_owned());
        arguments
    }
}

/// Adds the remedy where the compiler's words mean that a package is missing.
fn explain(error: Error) -> Error {
    let Error::ToolFailed { what, command, words } = error else { return error };
    let hint = if words.contains("zlib.h") || words.contains("-lz: ") {
        "\nFST waveforms need zlib's headers: install the package zlib1g-dev"
    } else if words.contains("lz4.h") || words.contains("-llz4") {
        "\nFST waveforms of this Verilator need lz4's headers: install the package liblz4-dev"
    } else if words.contains("python3: ") || words.contains("python3: not found") {
        "\nVerilator's build needs python3: install the package python3"
    } else {
        ""
    };
    Error::ToolFailed { what, command, words: words + hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_zlib_is_named() {
        let words = "verilated_fst_c.cpp:25:10: fatal error: zlib.h: No such file or directory".to_owned();
        let error = explain(Error::ToolFailed { what: String::new(), command: String::new(), words });
        assert!(error.to_string().contains("zlib1g-dev"));
    }

    #[test]
    fn assertions_replace_the_plain_files() {
        let file = |name: &str, kind| VerilogFile { name: name.to_owned(), text: String::new(), kind };
        let all = || {
            vec![
                file("a.v", FileKind::Design),
                file("a_formal.sv", FileKind::Formal),
                file("b.v", FileKind::Design),
                file("stagecoach_ram.v", FileKind::Ram),
            ]
        };
        let names = |assertions| select(all(), assertions).into_iter().map(|f| f.name).collect::<Vec<_>>();
        assert_eq!(names(false), ["a.v", "b.v", "stagecoach_ram.v"]);
        assert_eq!(names(true), ["a_formal.sv", "b.v", "stagecoach_ram.v"]);
    }
}
