//! The curves as a picture.

use crate::{Curves, Point, REGIONS_TABLES, TABLES_REGIONS};
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

const SIZE: (u32, u32) = (960, 400);
const BATCHED: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const ONE_BY_ONE: RGBColor = RGBColor(0xc2, 0x55, 0x1b);

/// SVG: the two curves side by side.
pub fn draw(curves: &Curves) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
        let (left, right) = area.split_horizontally(SIZE.0 / 2);
        let all = curves.regions.iter().chain(&curves.tables);
        let highest = all.map(|point| point.measured.each.max(point.measured.one_by_one)).fold(0.0, f64::max);
        let regions = format!("regions in all, {REGIONS_TABLES} tables");
        chart(&left, &regions, &curves.regions, |point| point.regions, highest)?;
        let tables = format!("tables, {TABLES_REGIONS} regions in all");
        chart(&right, &tables, &curves.tables, |point| point.tables, highest)?;
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(text)
}

/// Millions of lookups a second against a size on a logarithmic axis.
fn chart(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    points: &[Point],
    size: impl Fn(&Point) -> u32,
    highest: f64,
) -> Result<()> {
    let sizes = points.iter().map(&size);
    let least = sizes.clone().min().unwrap_or(1);
    let most = sizes.max().unwrap_or(2);
    let told = |error: &dyn std::fmt::Display| anyhow!("cannot draw: {error}");
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(48)
        .build_cartesian_2d((least..most).log_scale().base(2.0), 0.0..highest * 1.1)
        .map_err(|error| told(&error))?;
    chart
        .configure_mesh()
        .x_desc(title)
        .y_desc("million lookups/s of a core")
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(|error| told(&error))?;
    let batched = points.iter().map(|point| (size(point), point.measured.each)).collect::<Vec<_>>();
    let one_by_one = points.iter().map(|point| (size(point), point.measured.one_by_one)).collect();
    for (label, colour, line) in [("batched", BATCHED, batched), ("one by one", ONE_BY_ONE, one_by_one)] {
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)).point_size(3))
            .map_err(|error| told(&error))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()
        .map_err(|error| told(&error))
}
