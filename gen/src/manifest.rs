//! `manifest.json`: what a generated folder holds.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stagecoach_hdl::Module;
use stagecoach_hdl::netlist::{Direction, MemoryStyle};
use stagecoach_spec::{Config, Stages};

use crate::amba;
use crate::design::{OutputFile, Purpose};

/// Name of the manifest in a generated folder.
pub const MANIFEST: &str = "manifest.json";
/// Layout of the manifest; raised when a field changes its meaning.
pub const FORMAT: u32 = 2;
/// What `generator` says.
const GENERATOR: &str = "stagecoach";

/// What a generated folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `stagecoach`.
    pub generator: String,
    /// [`FORMAT`].
    pub format: u32,
    /// Version of stagecoach that wrote the folder.
    pub version: String,
    /// The configuration.
    pub configuration: Config,
    /// Name of the top module.
    pub top: String,
    /// The other files of the folder, in the order in which a tool can read them.
    pub files: Vec<FileEntry>,
    /// Ports of the top module, `clk` and `rst` first.
    pub ports: Vec<PortEntry>,
    /// The other top module: the first with its registers on AXI4-Lite. Empty in a folder of format 1.
    #[serde(default)]
    pub controller: TopEntry,
    /// The controller with AMBA's clock and reset, `aclk` and `aresetn`. Empty in an older folder.
    #[serde(default)]
    pub controller_axi: TopEntry,
    /// Clock cycles from request to response.
    pub latency: Latency,
    /// Every memory of the design.
    pub memories: Vec<MemoryEntry>,
    /// Bits of all memories together.
    pub memory_bits: u64,
}

/// A top module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopEntry {
    /// Its name.
    pub top: String,
    /// Its ports, clock and reset first.
    pub ports: Vec<PortEntry>,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// A port of the top module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortEntry {
    /// Its name.
    pub name: String,
    /// `input` or `output`.
    pub direction: String,
    /// Bits.
    pub width: u32,
    /// What it carries.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
}

/// Clock cycles from request to response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Per stage, in the order that a request passes them.
    pub stages: Vec<StageEntry>,
    /// From the cycle in which a request is accepted to the one in which its first beat is valid, when nothing
    /// holds it back.
    pub first_beat_cycles: u32,
}

/// A stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEntry {
    /// Its name.
    pub name: String,
    /// Clock cycles.
    pub cycles: u32,
    /// What it does.
    pub what: String,
}

/// A memory of the design.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEntry {
    /// Names of the instances above it and its own, from the top, with dots.
    pub path: String,
    /// Bits of a word.
    pub width: u32,
    /// Words.
    pub depth: u32,
    /// `width` times `depth`.
    pub bits: u64,
    /// Where it shall be kept: `block`, `distributed` or `auto`.
    pub style: String,
}

impl Manifest {
    /// The manifest of a design and its files.
    pub fn of(
        config: &Config,
        module: &Arc<Module>,
        controller: &Arc<Module>,
        files: &[OutputFile],
    ) -> Manifest {
        let stages = Stages::of(config);
        let mut memories = Vec::new();
        collect_memories(module, &module.name, &mut memories);
        Manifest {
            generator: GENERATOR.into(),
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            configuration: config.clone(),
            top: module.name.clone(),
            files: files
                .iter()
                .map(|file| FileEntry {
                    name: file.name.clone(),
                    purpose: file.purpose,
                    sha256: sha256(&file.text),
                })
                .collect(),
            ports: ports(module),
            controller: TopEntry { top: controller.name.clone(), ports: ports(controller) },
            controller_axi: amba::top(controller),
            latency: Latency {
                stages: stages
                    .iter()
                    .map(|s| StageEntry { name: s.name.into(), cycles: s.cycles, what: s.what.into() })
                    .collect(),
                first_beat_cycles: stages.first_beat(),
            },
            memory_bits: memories.iter().map(|memory| memory.bits).sum(),
            memories,
        }
    }

    /// The manifest in a folder; nothing if there is none, or none of ours.
    pub fn read(folder: &Path) -> Option<Manifest> {
        let text = fs::read_to_string(folder.join(MANIFEST)).ok()?;
        let manifest: Manifest = serde_json::from_str(&text).ok()?;
        (manifest.generator == GENERATOR).then_some(manifest)
    }

    /// Whether a file is one of the folder's.
    pub fn names(&self, file: &str) -> bool {
        self.files.iter().any(|entry| entry.name == file)
    }

    /// As text, with a newline at the end.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("strings, numbers and lists are always JSON");
        text + "\n"
    }
}

/// The ports of a module as its Verilog has them.
pub(crate) fn ports(module: &Module) -> Vec<PortEntry> {
    let entry = |name: &str, direction: &str, width, doc: &str| PortEntry {
        name: name.into(),
        direction: direction.into(),
        width,
        doc: doc.into(),
    };
    let clock =
        module.has_clock.then(|| entry("clk", "input", 1, "clock; everything happens at its rising edge"));
    let reset = module.has_reset.then(|| entry("rst", "input", 1, "synchronous reset, active high"));
    let own = module.ports.iter().map(|port| {
        let direction = match port.direction {
            Direction::Input => "input",
            Direction::Output => "output",
        };
        entry(&port.name, direction, port.width, &port.doc)
    });
    clock.into_iter().chain(reset).chain(own).collect()
}

fn collect_memories(module: &Module, path: &str, found: &mut Vec<MemoryEntry>) {
    for memory in &module.memories {
        found.push(MemoryEntry {
            path: format!("{path}.{}", memory.name),
            width: memory.width,
            depth: memory.depth,
            bits: u64::from(memory.width) * u64::from(memory.depth),
            style: match memory.style {
                MemoryStyle::Auto => "auto",
                MemoryStyle::Block => "block",
                MemoryStyle::Distributed => "distributed",
            }
            .into(),
        });
    }
    for instance in &module.instances {
        collect_memories(&instance.module, &format!("{path}.{}", instance.name), found);
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
