//! The page with the figures.

use crate::{Curves, Point, REGIONS_TABLES, TABLES_REGIONS};

/// Markdown.
pub fn write(curves: &Curves) -> String {
    let Curves { processor, regions, tables, large } = curves;
    let regions_rows = rows(regions, |point| point.regions);
    let tables_rows = rows(tables, |point| point.tables);
    let Point { measured, .. } = large;
    format!(
        "# Lookups a second of the fast model

Written by `cargo run --release -p stagecoach-model --example lookup_curve`, which also writes
[`lookups.json`](lookups.json); measured on one core of {processor}.

The load: a million random requests that are all granted (table, key, operation and place are random, 64 bytes, every
region of two pages), and every beat of every answer is made. Rates are in millions of lookups a second of the core's
own time, the median of five rounds. *Batched* is `FastLookup::lookup_each`, which overlaps the memory reads of 64
requests at a time; *one by one* is `FastLookup::lookup`. Memory is what the whole process holds with the tables full,
before it makes requests; what it holds from smaller sizes before counts too.

![Lookups a second against table size](lookups.svg)

## Against regions, {REGIONS_TABLES} tables

| regions in all | batched | one by one | memory, MB |
| ---: | ---: | ---: | ---: |
{regions_rows}
## Against tables, {TABLES_REGIONS} regions in all

| tables | batched | one by one | memory, MB |
| ---: | ---: | ---: | ---: |
{tables_rows}
## Many tables, many regions

{} tables with {} regions in all: {:.1} million batched (required: 10), {:.1} million one by one, {:.0} MB (required:
fewer than 256).

What bends the curve is the processor's caches: a lookup reads a region (32 bytes) and a slot (8 bytes) at random places.
",
        large.tables, large.regions, measured.each, measured.one_by_one, measured.megabytes
    )
}

fn rows(points: &[Point], size: impl Fn(&Point) -> u32) -> String {
    let row = |point: &Point| {
        let m = point.measured;
        format!("| {} | {:.1} | {:.1} | {:.0} |\n", size(point), m.each, m.one_by_one, m.megabytes)
    };
    points.iter().map(row).collect()
}
