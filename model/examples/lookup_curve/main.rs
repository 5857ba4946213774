//! Lookups a second of [`stagecoach_model::FastLookup`] against the size of its tables, as JSON, picture and page:
//! `cargo run --release -p stagecoach-model --example lookup_curve`.
//!
//! Writes `lookups.json`, `lookups.svg` and `lookups.md` into `docs/performance`, or into the folder that is named as
//! the only argument. Takes some two minutes, and 1 GB of memory for the largest size.

#[path = "../../benches/load/mod.rs"]
mod load;
mod page;
mod picture;
#[path = "../../benches/rate/mod.rs"]
mod rate;

use anyhow::{Context, Result};
use load::Size;
use rate::Measured;
use serde::Serialize;
use std::path::PathBuf;

/// Regions of all tables together, of 64 tables.
const REGIONS: [u32; 8] = [1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22];
const REGIONS_TABLES: u32 = 64;

/// Tables, of 65,536 regions together.
const TABLES: [u32; 5] = [16, 64, 256, 1024, 4096];
const TABLES_REGIONS: u32 = 1 << 16;

/// Tables and regions of the size that memory is required for.
const LARGE: Size = Size { tables: 4096, regions_per_table: 256 };

/// A point of a curve.
#[derive(Clone, Copy, Debug, Serialize)]
struct Point {
    tables: u32,
    /// Of all tables together.
    regions: u32,
    #[serde(flatten)]
    measured: Measured,
}

impl Point {
    fn measure(size: Size) -> Point {
        let measured = rate::measure(size);
        eprintln!("{size}: {:.1} million/s, {:.1} one by one", measured.each, measured.one_by_one);
        Point { tables: size.tables, regions: size.tables * size.regions_per_table, measured }
    }
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Curves {
    processor: String,
    regions: Vec<Point>,
    tables: Vec<Point>,
    large: Point,
}

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance")),
        PathBuf::from,
    );
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Small sizes first, so that what the process holds is what the size needs.
    let tables = TABLES.map(|tables| Size { tables, regions_per_table: TABLES_REGIONS / tables });
    let regions =
        REGIONS.map(|regions| Size { tables: REGIONS_TABLES, regions_per_table: regions / REGIONS_TABLES });
    let curves = Curves {
        processor: processor(),
        tables: tables.map(Point::measure).to_vec(),
        large: Point::measure(LARGE),
        regions: regions.map(Point::measure).to_vec(),
    };
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("lookups.json", serde_json::to_string_pretty(&curves)? + "\n")?;
    write("lookups.svg", picture::draw(&curves)?)?;
    write("lookups.md", page::write(&curves))?;
    println!("written to {}", folder.display());
    Ok(())
}

/// What the processor calls itself, where Linux says it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or("a processor", |(_, name)| name).to_owned()
}
