//! Draws the waveforms that the documents show anew, or says whether they are current.
//!
//! ```sh
//! cargo run --release -p stagecoach --example pictures
//! cargo run --release -p stagecoach --example pictures -- --check
//! ```
//!
//! Exit code 1 if one is stale; 2 if something else went wrong.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use stagecoach::pictures::Picture;

/// The waveforms that the documents show.
#[derive(Debug, Parser)]
struct Arguments {
    /// Their folder
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pictures"), hide_default_value = true)]
    out: PathBuf,
    /// Write nothing; say which are not what today's sources give
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut are_current = true;
    for picture in Picture::ALL {
        let (path, drawn) = (arguments.out.join(picture.file()), picture.draw()?);
        if !arguments.check {
            std::fs::create_dir_all(&arguments.out)?;
            std::fs::write(&path, drawn)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(&drawn) {
            println!("{} is stale; draw it anew without --check", path.display());
            are_current = false;
        }
    }
    Ok(are_current)
}
