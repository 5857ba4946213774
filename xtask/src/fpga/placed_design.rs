//! What is synthesised: the whole mapping unit, or one module of the controller with what lies below it, as Verilog.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use stagecoach::design::{self, Purpose};
use stagecoach_hdl::Module;
use stagecoach_spec::Config;

use super::cache::Key;
use super::harness::{self, Harness};

/// A Verilog file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A module with everything below it, and its harness.
#[derive(Clone, Debug)]
pub struct Design {
    /// What the measured module is.
    pub module: Arc<Module>,
    /// The Verilog of the measured module.
    pub sources: Vec<Source>,
    /// What stands around it on a device.
    pub harness: Harness,
}

impl Design {
    /// The whole mapping unit.
    ///
    /// # Errors
    /// It cannot be described.
    pub fn unit(config: &Config) -> Result<Design> {
        let module = design::module(config)?;
        let files = design::files(config)?.into_iter();
        let sources = files
            .filter(|file| matches!(file.purpose, Purpose::Design | Purpose::Ram))
            .map(|file| Source { name: file.name, text: file.text })
            .collect();
        Ok(Design { harness: harness::around(&module), module, sources })
    }

    /// The whole controller.
    ///
    /// # Errors
    /// It cannot be described.
    fn controller(config: &Config) -> Result<Design> {
        let module = design::controller(config)?;
        let files = design::files(config)?.into_iter();
        let sources = files
            .filter(|file| matches!(file.purpose, Purpose::Design | Purpose::Ram | Purpose::Controller))
            .filter(|file| file.name != "controller_axi.v")
            .map(|file| Source { name: file.name, text: file.text })
            .collect();
        Ok(Design { harness: harness::around(&module), module, sources })
    }

    /// One module of the controller, alone: a block, the processing unit, or `controller` itself. `name` may leave out what all names begin with: `bounds` for
    /// `mapping_bounds`.
    ///
    /// # Errors
    /// There is no such module; the text names those that there are.
    pub fn block(config: &Config, name: &str) -> Result<Design> {
        let unit = Design::controller(config)?;
        let modules = unit.module.hierarchy();
        let found = modules.iter().find(|module| {
            let prefixes = ["mapping_", "processing_"];
            let is_short = |prefix| module.name.strip_prefix(prefix).is_some_and(|short| short == name);
            module.name == name || prefixes.into_iter().any(is_short)
        });
        let Some(module) = found else {
            let names: Vec<&str> = modules.iter().map(|module| module.name.as_str()).collect();
            bail!("no module is called `{name}`; there are {}", names.join(", "));
        };
        let below = module.hierarchy();
        let foreign: Vec<String> = modules
            .iter()
            .filter(|other| !below.iter().any(|inside| inside.name == other.name))
            .map(|other| format!("{}.v", other.name))
            .collect();
        // RAM wrappers stay, needed or not.
        let sources = unit.sources.into_iter().filter(|source| !foreign.contains(&source.name)).collect();
        Ok(Design { harness: harness::around(module), module: module.clone(), sources })
    }

    /// A key that depends on every byte of the measured module's Verilog.
    pub fn key(&self) -> Key {
        Key::of(self.sources.iter().flat_map(|source| [source.name.as_str(), source.text.as_str()]))
    }

    /// Writes the measured module's Verilog into a folder; gives the names of the files.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<String>> {
        for source in &self.sources {
            fs::write(folder.join(&source.name), &source.text).context("cannot write a temporary file")?;
        }
        Ok(self.sources.iter().map(|source| source.name.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use stagecoach_spec::Preset;

    use super::*;

    #[test]
    fn a_block_brings_what_lies_below_it_and_no_more() {
        let config = Preset::Tiny.config();
        let unit = Design::unit(&config).unwrap();
        let block = Design::block(&config, "update").unwrap();
        assert_eq!(block.module.name, "mapping_update");
        let names: Vec<&str> = block.sources.iter().map(|source| source.name.as_str()).collect();
        assert!(names.contains(&"mapping_scan.v") && !names.contains(&"mapping_unit.v"), "{names:?}");
        assert!(block.sources.iter().all(|source| unit.sources.contains(source)));
    }

    #[test]
    fn an_unknown_block_is_told_the_known_ones() {
        let error = Design::block(&Preset::Tiny.config(), "bound").unwrap_err().to_string();
        assert!(error.contains("`bound`") && error.contains("mapping_bounds"), "{error}");
    }

    #[test]
    fn the_key_follows_the_configuration() {
        let key = |preset: Preset| Design::unit(&preset.config()).unwrap().key();
        assert_eq!(key(Preset::Tiny), key(Preset::Tiny));
        assert_ne!(key(Preset::Tiny), key(Preset::Roce));
    }
}
