//! The curves as a page and as a picture.

use std::fmt::Write;

use anyhow::{Context, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use stagecoach_spec::Cam;

use super::curves::{Curves, Point, Sweep};

const INK: RGBColor = RGBColor(40, 40, 40);

/// A CAM kind's name and colour.
fn kind(cam: Cam) -> (&'static str, RGBColor) {
    match cam {
        Cam::Register => ("register", RGBColor(0, 95, 160)),
        Cam::Cuckoo => ("cuckoo", RGBColor(200, 80, 0)),
    }
}

/// The page beside `curves.json` and `curves.svg`.
pub fn page(curves: &Curves) -> String {
    let mut page = format!(
        "# Cost as work grows\n\nWritten by `cargo xtask fpga curves`; do not edit. [What the numbers mean](index.md).\n\n\
         {}. {}. nextpnr: `{}`, seed {} alone, so a clock is good to some 5 %. All sizes but the one that grows are \
         those of preset `roce`; there are as many bindings as tables. Cells are counted after synthesis, the harness \
         contained.\n\n![Cycles, clock, cells and block RAMs](curves.svg)\n",
        curves.device,
        curves.tools.join(", "),
        curves.placement,
        curves.seed
    );
    for sweep in Sweep::ALL {
        let _ = write!(
            page,
            "\n## By {}\n\n| {} | CAM | tables | first beat, cycles | MHz | LUT4 | FF | DP16KD |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            sweep.name(),
            sweep.name()
        );
        for point in curves.points.iter().filter(|point| point.sweep == sweep) {
            let clock = match (&point.mhz, &point.not_placed) {
                (Some(mhz), _) => format!("{mhz:.0}"),
                (None, Some(why)) => why.clone(),
                (None, None) => "not placed".into(),
            };
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {clock} | {} | {} | {} |",
                point.size,
                kind(point.cam).0,
                point.tables,
                point.first_beat_cycles,
                point.luts,
                point.ffs,
                point.block_rams
            );
        }
    }
    page
}

/// What a row of panels shows.
struct Figure {
    name: &'static str,
    of: fn(&Point) -> Option<f64>,
}

const FIGURES: [Figure; 5] = [
    Figure { name: "first beat, cycles", of: |point| Some(f64::from(point.first_beat_cycles)) },
    Figure { name: "clock, MHz", of: |point| point.mhz },
    Figure { name: "LUT4, thousands", of: |point| Some(f64::from(point.luts) / 1000.0) },
    Figure { name: "FF, thousands", of: |point| Some(f64::from(point.ffs) / 1000.0) },
    Figure { name: "DP16KD", of: |point| Some(f64::from(point.block_rams)) },
];

/// A panel for every sweep (columns) and figure (rows).
///
/// # Errors
/// The picture cannot be drawn.
pub fn picture(curves: &Curves) -> Result<String> {
    let mut picture = String::new();
    let mut draw = || -> std::result::Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(&mut picture, (1080, 1050)).into_drawing_area();
        root.fill(&WHITE)?;
        let panels = root.split_evenly((FIGURES.len(), Sweep::ALL.len()));
        let places = FIGURES.iter().flat_map(|figure| Sweep::ALL.map(|sweep| (figure, sweep)));
        for (area, (figure, sweep)) in panels.iter().zip(places) {
            draw_panel(area, curves, figure, sweep)?;
        }
        root.present()?;
        Ok(())
    };
    draw().map_err(|error| anyhow!("{error}")).context("cannot draw the curves")?;
    Ok(picture)
}

fn draw_panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    curves: &Curves,
    figure: &Figure,
    sweep: Sweep,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let points: Vec<&Point> = curves.points.iter().filter(|point| point.sweep == sweep).collect();
    let sizes = || points.iter().map(|point| f64::from(point.size));
    let (low, high) = (sizes().fold(f64::MAX, f64::min), sizes().fold(1.0, f64::max));
    let top = points.iter().filter_map(|point| (figure.of)(point)).fold(1.0, f64::max) * 1.15;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{} by {}", figure.name, sweep.name()), ("sans-serif", 14).into_font().color(&INK))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(44)
        .build_cartesian_2d((low * 0.8..high * 1.25).log_scale(), 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|size| format!("{size:.0}"))
        .label_style(("sans-serif", 11).into_font().color(&INK))
        .draw()?;
    for cam in [Cam::Register, Cam::Cuckoo] {
        let (name, colour) = kind(cam);
        let line: Vec<(f64, f64)> = points
            .iter()
            .filter(|point| point.cam == cam)
            .filter_map(|point| Some((f64::from(point.size), (figure.of)(point)?)))
            .collect();
        if line.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)).point_size(3))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 11).into_font().color(&INK))
        .draw()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves() -> Curves {
        let point = |size, mhz, not_placed| Point {
            sweep: Sweep::Regions,
            size,
            cam: Cam::Register,
            tables: 64,
            first_beat_cycles: 19,
            luts: 12_000,
            ffs: 18_000,
            block_rams: 116,
            mhz,
            not_placed,
        };
        Curves {
            device: "device".into(),
            tools: vec!["yosys==1".into()],
            seed: 1,
            placement: "--freq 300".into(),
            points: vec![
                point(256, Some(260.4), None),
                point(65536, None, Some("does not fit: 900 of 208 DP16KD".into())),
            ],
        }
    }

    #[test]
    fn the_page_tells_clocks_and_what_does_not_fit() {
        let page = page(&curves());
        assert!(page.contains("| 256 | register | 64 | 19 | 260 | 12000 | 18000 | 116 |"), "{page}");
        assert!(page.contains("| 65536 | register | 64 | 19 | does not fit: 900 of 208 DP16KD |"));
    }

    #[test]
    fn every_panel_is_drawn() {
        let picture = picture(&curves()).unwrap();
        for sweep in Sweep::ALL {
            assert!(picture.contains(&format!("DP16KD by {}", sweep.name())));
        }
    }
}
