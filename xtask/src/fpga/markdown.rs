//! The report as a page.

use std::fmt::Write;

use super::report::{Report, Row};
use super::timing::SlowPath;

/// The page beside `report.json` and `report.svg`.
pub fn page(report: &Report) -> String {
    let mut page = format!(
        "# On an FPGA, measured\n\nWritten by `cargo xtask fpga`; do not edit. [What the numbers mean](index.md).\n\n\
         {}. {}. `{}`; nextpnr: `{}`.\n\n![Clock of every seed](report.svg)\n\n",
        report.device,
        report.tools.join(", "),
        report.synthesis,
        report.placement
    );
    page += &table(report);
    page += "\n## The path that sets the clock\n\nIn the seed of the median. `levels` counts look-up tables and carry \
             chains between the two registers.\n\n\
             | preset | protection | from | to | ns | logic | routing | levels |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for row in &report.presets {
        let _ = writeln!(page, "| `{}` | {} |{}", row.preset, row.protection, path_cells(&row.critical_path));
    }
    let _ = write!(
        page,
        "\n## Xilinx UltraScale+\n\nCounts after `{}`, without harness; not placed.\n\n\
         | preset | protection | LUT | FF | CARRY8 | LUT RAM | RAMB36 | RAMB18 |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        report.xilinx_synthesis
    );
    for row in &report.presets {
        let x = &row.xilinx;
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |",
            row.preset, row.protection, x.luts, x.ffs, x.carries, x.lut_rams, x.ramb36, x.ramb18
        );
    }
    if let Some(bits) = &report.bitstream {
        let _ = write!(
            page,
            "\n## Bitstream\n\nPreset `{}` behind its harness, seed {}: {} bytes, SHA-256 `{}`. \
             `cargo xtask fpga` leaves it as `target/fpga/{}.bit`.\n",
            bits.preset, bits.seed, bits.bytes, bits.sha256, bits.preset
        );
    }
    page
}

/// The table of what every preset takes and reaches.
pub fn table(report: &Report) -> String {
    let mut table =
        "| preset | CAM | protection | median MHz | by seed | first beat | LUT4 | FF | DP16KD | DPR16X4 |\n\
                     | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for row in &report.presets {
        let seeds: Vec<String> = row.mhz.seeds.iter().map(|mhz| format!("{mhz:.0}")).collect();
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {:.0} | {} | {} | {} | {} | {} | {} |",
            row.preset,
            row.cam,
            row.protection,
            row.mhz.median,
            seeds.join(", "),
            first_beat(row),
            row.luts,
            row.ffs,
            row.block_rams,
            row.lut_rams
        );
    }
    for row in &report.impossible {
        let _ = writeln!(
            table,
            "| `{}` | | {} | impossible: {} | | | | | | |",
            row.preset, row.protection, row.problem
        );
    }
    table
}

/// Cycles and ns.
fn first_beat(row: &Row) -> String {
    format!("{} cycles, {:.1} ns", row.first_beat_cycles, row.first_beat_ns)
}

/// `from | to | ns | logic | routing | levels |`.
pub fn path_cells(path: &SlowPath) -> String {
    format!(
        " `{}` | `{}`{} | {:.2} | {:.2} | {:.2} | {} |",
        path.from,
        path.to,
        path.input.suffix(),
        path.ns,
        path.logic_ns,
        path.routing_ns,
        path.levels
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fpga::harness::Size;
    use crate::fpga::report::{Clock, ImpossibleRow, XilinxCounts};
    use crate::fpga::timing::Input;

    fn report() -> Report {
        Report {
            device: "device".into(),
            tools: vec!["yosys==1".into(), "nextpnr==2".into()],
            synthesis: "synth".into(),
            xilinx_synthesis: "synth_xilinx".into(),
            placement: "--freq 300".into(),
            presets: vec![Row {
                preset: "tiny".into(),
                protection: "none".into(),
                cam: "register".into(),
                target: "ecp5".into(),
                sources: "0".into(),
                first_beat_cycles: 18,
                first_beat_ns: 60.0,
                mhz: Clock::of(&[301.0, 299.0, 300.0]),
                luts: 12_000,
                ffs: 9_000,
                block_rams: 43,
                lut_rams: 430,
                harness: Size { luts: 100, ffs: 200 },
                critical_path: SlowPath {
                    from: "a".into(),
                    to: "b".into(),
                    input: Input::Enable,
                    ns: 3.333,
                    logic_ns: 1.0,
                    routing_ns: 2.333,
                    levels: 2,
                    pins: 3,
                },
                xilinx: XilinxCounts { luts: 8_000, ..XilinxCounts::default() },
            }],
            impossible: vec![ImpossibleRow {
                preset: "cloud".into(),
                protection: "none".into(),
                problem: "no Bels remaining".into(),
            }],
            bitstream: None,
        }
    }

    #[test]
    fn the_page_tells_every_figure() {
        let page = page(&report());
        for part in [
            "| `tiny` | register | none | 300 | 301, 299, 300 | 18 cycles, 60.0 ns | 12000 | 9000 | 43 | 430 |",
            "| `tiny` | none | `a` | `b` (enable) | 3.33 | 1.00 | 2.33 | 2 |",
            "| `tiny` | none | 8000 | 0 |",
            "| `cloud` | | none | impossible: no Bels remaining |",
            "yosys==1, nextpnr==2",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(!page.contains("Bitstream"));
    }

    #[test]
    fn rows_that_were_not_measured_anew_stay_in_their_order() {
        let named = |preset: &str, protection: &str| {
            let mut row = report().presets.remove(0);
            (row.preset, row.protection) = (preset.into(), protection.into());
            row
        };
        let with = |rows: Vec<Row>| Report { presets: rows, impossible: Vec::new(), ..report() };
        let mut anew = with(vec![named("roce", "none")]);
        anew.presets[0].luts = 7;
        let old = with(vec![named("tiny", "none"), named("roce", "none"), named("roce", "parity")]);
        anew.keep_rows_of(Some(old.clone()));
        let rows: Vec<_> = anew.presets.iter().map(|row| (row.preset.as_str(), row.luts)).collect();
        assert_eq!(rows, [("tiny", 12_000), ("roce", 7), ("roce", 12_000)]);
        let mut other_tools = Report { placement: "--freq 400".into(), ..with(vec![named("roce", "none")]) };
        other_tools.keep_rows_of(Some(old));
        assert_eq!(other_tools.presets.len(), 1, "figures of other options are no company");
    }

    #[test]
    fn the_data_come_back_as_they_were_written() {
        let text = serde_json::to_string(&report()).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report());
    }
}
