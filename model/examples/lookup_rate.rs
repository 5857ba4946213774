//! Says how many lookups one core makes in a second of its time, beside what is required, the median of several rounds
//! over a million random requests: `cargo run --release -p stagecoach-model --example lookup_rate`.
//!
//! The whole curve against table size: the example `lookup_curve`.

#[path = "../benches/load/mod.rs"]
mod load;
#[path = "../benches/rate/mod.rs"]
mod rate;

use load::Size;
use rate::Measured;

/// Sizes, and the millions of lookups a second that are required of one core.
const REQUIRED: [(Size, Option<f64>); 3] = [
    (Size { tables: 64, regions_per_table: 64 }, Some(50.0)),
    (Size { tables: 64, regions_per_table: 4096 }, None),
    (Size { tables: 4096, regions_per_table: 256 }, Some(10.0)),
];

fn main() {
    for (size, required) in REQUIRED {
        let Measured { one_by_one, each, megabytes } = rate::measure(size);
        let required = required.map_or(String::new(), |rate| format!(" (required: {rate})"));
        println!(
            "{size}: {each:.1} million lookups/s with `lookup_each`{required}, {one_by_one:.1} one by one; the \
             process holds {megabytes:.0} MB"
        );
    }
}
