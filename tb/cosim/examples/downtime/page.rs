//! The page, the numbers and the picture.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use plotters::prelude::*;

use super::{Measured, PAGES};

/// Links: their name, and bytes in a cycle of 250 MHz.
const LINKS: [(&str, f64); 3] = [("10 Gb/s", 5.0), ("25 Gb/s", 12.5), ("100 Gb/s", 50.0)];
/// Colours of freeze, collect, rebuild, bind, link.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0x44, 0x77, 0xaa),
    RGBColor(0x66, 0xcc, 0xee),
    RGBColor(0x22, 0x88, 0x33),
    RGBColor(0xcc, 0xbb, 0x44),
    RGBColor(0xee, 0x66, 0x77),
];

fn rows(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| regions | registered late | pages written since the last round | freeze | collect | rebuild | bind to first grant | together | bytes behind the freeze |",
    );
    for (name, _) in LINKS {
        let _ = write!(text, " link of {name} |");
    }
    text += "\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for m in measured {
        let _ = write!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | **{}** | {} |",
            m.case.regions,
            m.case.late,
            m.case.dirty,
            m.freeze,
            m.collect,
            m.rebuild,
            m.bind,
            m.total(),
            m.bytes
        );
        for (_, bytes) in LINKS {
            let _ = write!(text, " {} |", (m.bytes as f64 / bytes).ceil());
        }
        text += "\n";
    }
    text
}

pub fn write(
    regions: &[Measured],
    dirty: &[Measured],
    late: &[Measured],
) -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance");
    let (first, last) = (&late[0], &late[late.len() - 1]);
    let each = (last.rebuild - first.rebuild) as f64 / f64::from(last.case.late - first.case.late);
    let text = format!(
        "# Downtime of a move\n\n\
         How long a VM is served by nobody while it moves: from the freeze at its first machine to the first grant at the other, in cycles\n\
         of two controllers in RTL (preset `roce`, native engine), clients asking at both all the time. Written by\n\
         `cargo run --release -p stagecoach-cosim --example downtime`.\n\n\
         ![Downtime by regions registered late and by pages written](downtime.svg)\n\n\
         Each region has {PAGES} pages. *Rebuild*: what is left to do at the destination's table when FINAL is here; *late* regions were registered\n\
         after it had built its table of what it knew.\n\n\
         ## Against the table's size\n\n{}\n\
         ## Against what was registered during pre-copy\n\n{}\n\
         ## Against what was written since the last round\n\n{}\n\
         ## What it says\n\n\
         - **Rebuild** does not depend on the table: the destination builds it when pre-copy begins, and has only the differences left, {each:.0}\n  \
         cycles for each region that was registered meanwhile, nearly all of them register accesses at AXI4-Lite.\n\
         - **Freeze** is the fence: what was granted is finished, 60 cycles of memory here.\n\
         - **Collect** reads the dirty bitmap word by word; it depends on the window's size, not on what was written.\n\
         - The **link's** time comes on top, worked out from the bytes at 250 MHz: log, digests of all pages, pages that were written since the last\n  \
         round. Copying and digesting memory takes no cycles here, nor do the messages' round trips.\n",
        rows(regions),
        rows(late),
        rows(dirty)
    );
    fs::write(folder.join("downtime.md"), text)?;
    picture(&folder.join("downtime.svg"), late, dirty)
}

/// Two rows of stacked bars.
fn picture(path: &Path, late: &[Measured], dirty: &[Measured]) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, (900, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(450);
    for (area, title, measured, name) in [
        (left, "by regions registered late", late, (|m: &Measured| m.case.late) as fn(&Measured) -> u32),
        (right, "by pages written, 64 regions", dirty, |m: &Measured| m.case.dirty),
    ] {
        let link = |m: &Measured| (m.bytes as f64 / LINKS[1].1).ceil() as u64;
        let most = measured.iter().map(|m| m.total() + link(m)).max().unwrap_or(1);
        let bars = measured.len() as i32;
        let mut chart = ChartBuilder::on(&area)
            .caption(format!("Downtime in cycles {title}"), ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(30)
            .y_label_area_size(70)
            .build_cartesian_2d(0..bars * 10, 0..most + most / 5)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .y_label_formatter(&|cycles| format!("{cycles}"))
            .draw()?;
        for (part, colour) in COLOURS.into_iter().enumerate() {
            let label = ["freeze", "collect", "rebuild", "bind", "link of 25 Gb/s"][part];
            let boxes = measured.iter().enumerate().map(|(bar, m)| {
                let parts = [m.freeze, m.collect, m.rebuild, m.bind, link(m)];
                let from: u64 = parts[..part].iter().sum();
                let x = bar as i32 * 10;
                Rectangle::new([(x + 2, from), (x + 8, from + parts[part])], colour.filled())
            });
            chart
                .draw_series(boxes)?
                .label(label)
                .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 8, y + 4)], colour.filled()));
        }
        let names = measured.iter().enumerate().map(|(bar, m)| {
            let top = m.total() + link(m);
            Text::new(format!("{}", name(m)), (bar as i32 * 10 + 4, top + most / 20), ("sans-serif", 13))
        });
        chart.draw_series(names)?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    root.present()?;
    Ok(())
}
