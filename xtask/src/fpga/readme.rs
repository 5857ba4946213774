//! README's table of clocks and cells, kept equal to the report.

use std::fmt::Write;

use super::report::Report;

/// What stands before the table in README.
const BEGIN: &str = "<!-- cargo xtask fpga: begin -->\n";
/// What stands behind it.
const END: &str = "<!-- cargo xtask fpga: end -->\n";

/// README with today's table between its marks; nothing if the marks are missing.
pub fn with_table(readme: &str, report: &Report) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}{END}{after}", table(report)))
}

/// What every preset takes and reaches without protection.
fn table(report: &Report) -> String {
    let mut table =
        "| preset on an ECP5-85k-8 | CAM | clock, median of seeds | first beat | LUT4 | FF | DP16KD |\n\
                     | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for row in report.presets.iter().filter(|row| row.protection == "none") {
        let _ = writeln!(
            table,
            "| `{}` | {} | {:.0} MHz of {} | {} cycles, {:.1} ns | {} | {} | {} |",
            row.preset,
            row.cam,
            row.mhz.median,
            row.mhz.seeds.len(),
            row.first_beat_cycles,
            row.first_beat_ns,
            row.luts,
            row.ffs,
            row.block_rams
        );
    }
    for row in report.impossible.iter().filter(|row| row.protection == "none") {
        let _ = writeln!(table, "| `{}` | | {} | | | | |", row.preset, row.problem);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::fs;

    use stagecoach_verilator::tools::project_root;

    use super::*;

    #[test]
    fn readme_has_the_committed_reports_table() {
        let readme = fs::read_to_string(project_root().join("README.md")).unwrap();
        match fs::read_to_string(project_root().join("docs/fpga/report.json")) {
            Ok(text) => {
                let report: Report = serde_json::from_str(&text).unwrap();
                assert!(!report.presets.is_empty());
                assert_eq!(with_table(&readme, &report).as_deref(), Some(readme.as_str()));
            }
            Err(_) => assert!(!readme.contains(BEGIN), "README quotes a report that is not there"),
        }
    }

    #[test]
    fn only_what_stands_between_the_marks_is_written() {
        let report = Report {
            device: String::new(),
            tools: Vec::new(),
            synthesis: String::new(),
            xilinx_synthesis: String::new(),
            placement: String::new(),
            presets: Vec::new(),
            impossible: Vec::new(),
            bitstream: None,
        };
        let old = format!("# Title\n{BEGIN}| old |\n{END}The rest.\n");
        let new = with_table(&old, &report).unwrap();
        assert!(
            new.starts_with(&format!("# Title\n{BEGIN}| preset on"))
                && new.ends_with(&format!("{END}The rest.\n"))
        );
        assert!(!new.contains("old"));
        assert_eq!(with_table("# Title\n", &report), None);
    }
}
