//! The report as a picture: the clock of every seed.

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

use super::report::Report;

const INK: RGBColor = RGBColor(40, 40, 40);
const MEDIAN: RGBColor = RGBColor(0, 95, 160);
const SEED: RGBColor = RGBColor(120, 170, 210);

/// Median bars with a point for each seed, on a scale that begins at zero.
///
/// # Errors
/// The picture cannot be drawn.
pub fn clocks(report: &Report) -> Result<String> {
    let rows = &report.presets;
    let highest = rows.iter().flat_map(|row| row.mhz.seeds.iter().copied()).fold(300.0, f64::max);
    let mut picture = String::new();
    let mut draw = || -> std::result::Result<(), Box<dyn std::error::Error>> {
        let root =
            SVGBackend::with_string(&mut picture, (900, 40 * rows.len() as u32 + 100)).into_drawing_area();
        root.fill(&WHITE)?;
        let title = "Highest clock on an ECP5-85k, MHz: bar = median, points = seeds";
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 18).into_font().color(&INK))
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(170)
            .build_cartesian_2d(0.0..highest * 1.1, -0.5..rows.len() as f64 - 0.5)?;
        let label = |place: &f64| {
            // The first row on top.
            let row = rows.len().checked_sub(1 + place.round() as usize).and_then(|place| rows.get(place));
            row.map_or(String::new(), |row| format!("{} {}", row.preset, row.protection))
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(rows.len())
            .y_label_formatter(&label)
            .label_style(("sans-serif", 14).into_font().color(&INK))
            .draw()?;
        for (place, row) in rows.iter().rev().enumerate() {
            let y = place as f64;
            chart.draw_series([Rectangle::new(
                [(0.0, y - 0.3), (row.mhz.median, y + 0.3)],
                MEDIAN.filled(),
            )])?;
            chart.draw_series(
                row.mhz
                    .seeds
                    .iter()
                    .map(|mhz| Circle::new((*mhz, y), 4, ShapeStyle::from(SEED).filled().stroke_width(1))),
            )?;
            let text = format!("{:.0}", row.mhz.median);
            let beyond = row.mhz.seeds.iter().copied().fold(row.mhz.median, f64::max) + highest * 0.015;
            chart.draw_series([Text::new(
                text,
                (beyond, y + 0.15),
                ("sans-serif", 14).into_font().color(&INK),
            )])?;
        }
        root.present()?;
        Ok(())
    };
    draw().map_err(|error| anyhow!("{error}")).context("cannot draw the report")?;
    Ok(picture)
}
