//! The project's chores: `cargo xtask setup | test | lint | synth | rust-hdl | browser | fpga`.

mod browser;
mod fpga;
mod lint;
mod run;
mod rust_hdl;
mod setup;
mod synth;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Find Verilator, Icarus Verilog and yosys, fetch what is missing, print their versions
    Setup,
    /// Set up, then run every test of the workspace; ends with the runner's totals
    Test {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Ask Verilator and Icarus Verilog for warnings about the generated Verilog; any fails
    Lint,
    /// Synthesise with yosys for ECP5 and tell whether region and slot pools lie in block RAM
    Synth {
        /// Presets; default tiny and roce
        presets: Vec<stagecoach_spec::Preset>,
    },
    /// Test the blocks that `generate --rust-hdl` writes in a rust-hdl design; compiles for minutes at first
    RustHdl,
    /// Look at the page of `stagecoach migrate --html` in a headless Chromium, and keep a picture of it for the documents
    Browser,
    /// Place and route on an ECP5-85k, report clock and cells; needs 10 minutes to 2 hours, but a second when repeated
    Fpga(Box<fpga::Arguments>),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Setup => setup::run(),
        Chore::Test { arguments } => test::run(&arguments),
        Chore::Lint => lint::run(),
        Chore::Synth { presets } => synth::run(&presets),
        Chore::RustHdl => rust_hdl::run(),
        Chore::Browser => browser::run(),
        Chore::Fpga(arguments) => fpga::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
