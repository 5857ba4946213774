//! Latencies as bars.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Comparison;
use crate::published::PUBLISHED;

const WIDTH: u32 = 900;
const BAR: i32 = 26;
/// Where bars begin; names stand before.
const NAMES: i32 = 400;
/// Of the longest bar.
const LONGEST: f64 = 400.0;

const UNIT: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const SOFTWARE: RGBColor = RGBColor(0xc2, 0x55, 0x1b);
const OTHERS: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// SVG.
pub fn draw(comparison: &Comparison) -> Result<String, Box<dyn Error>> {
    let unit = comparison.unit.iter().map(|placed| {
        (
            format!("mapping unit, {}, {:.0} MHz ({})", placed.preset, placed.mhz, placed.target),
            placed.latency(),
            UNIT,
        )
    });
    let software = comparison.software.iter().map(|measured| {
        (format!("software: {}", measured.name.replace('`', "")), measured.dependent, SOFTWARE)
    });
    let others = PUBLISHED.iter().filter_map(|published| {
        Some((
            format!("{}, up to {} MHz: lookup only", published.design, published.mhz),
            published.latency()?,
            OTHERS,
        ))
    });
    let bars: Vec<(String, f64, RGBColor)> = unit.chain(software).chain(others).collect();
    let longest = bars.iter().map(|(_, nanoseconds, _)| *nanoseconds).fold(1.0, f64::max);

    let mut text = String::new();
    {
        let height = (bars.len() as i32 + 2) * BAR;
        let area = SVGBackend::with_string(&mut text, (WIDTH, height as u32)).into_drawing_area();
        area.fill(&WHITE)?;
        let font = ("sans-serif", 14).into_font().color(&BLACK);
        let before = font.pos(Pos::new(HPos::Right, VPos::Center));
        let behind = font.pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new("latency of one lookup, ns", (NAMES, BAR / 2), behind.clone()))?;
        for (row, (name, nanoseconds, colour)) in (1..).zip(&bars) {
            let middle = row * BAR + BAR / 2;
            let end = NAMES + (nanoseconds / longest * LONGEST) as i32;
            let corners = [(NAMES, middle - BAR / 3), (end, middle + BAR / 3)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            area.draw(&Text::new(name.clone(), (NAMES - 8, middle), before.clone()))?;
            area.draw(&Text::new(format!("{nanoseconds:.1}"), (end + 6, middle), behind.clone()))?;
        }
        area.present()?;
    }
    Ok(text)
}
