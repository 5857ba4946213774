//! What was executed, as a page of Markdown.

use std::fmt::Write;

use stagecoach_spec::Protection;

use crate::engine::CodeCoverage;

use super::{Effort, Executed, Lines, PROTECTIONS, Reasons};

impl Lines {
    /// A page: a row for each module and text, then every line that was never executed, with the reason. `tool` is
    /// what Verilator says of its version.
    pub fn markdown(&self, effort: Effort, tool: &str, reasons: &Reasons) -> String {
        let Effort { seed, requests, coverage } = effort;
        let (bits, toggles) = match coverage {
            CodeCoverage::LinesAndToggles => (" Bits are those of its signals.", " --toggles"),
            CodeCoverage::None | CodeCoverage::Lines => ("", ""),
        };
        let mut page = format!(
            "# Line coverage of the generated Verilog\n\n\
             What the random session executes of preset `tiny` without check bits, with parity and with SECDED: random\n\
             scripts with random stalls, {requests} requests for each protection, everything compared with the golden model.\n\
             A module whose text is the same with several protections has one row.{bits} {tool}.\n\n\
             ```sh\n\
             cargo run --release -p stagecoach-cosim --example line_coverage -- --seed {seed} --requests {requests}{toggles} --report docs/line-coverage.md\n\
             ```\n\n\
             "
        );
        page += match coverage {
            CodeCoverage::LinesAndToggles => {
                "| module | protection | lines hit | lines | bits toggled | bits |\n\
                 | --- | --- | ---: | ---: | ---: | ---: |\n"
            }
            CodeCoverage::None | CodeCoverage::Lines => {
                "| module | protection | lines hit | lines |\n| --- | --- | ---: | ---: |\n"
            }
        };
        let mut sums = [0; 4];
        let mut sources: Vec<_> = self.sources.iter().collect();
        // Of a module's texts the one without check bits comes first.
        let first =
            |executed: &Executed| PROTECTIONS.iter().position(|one| executed.protections.contains(one));
        sources.sort_by_key(|(source, executed)| (&source.file, first(executed)));
        for (source, executed) in sources {
            let counts = &executed.counts;
            let ((hit, lines), (toggled, bits)) = (counts.lines_hit(), counts.bits_toggled());
            let row = [hit, lines, toggled, bits];
            write_row(&mut page, &code(&source.file), &names(&executed.protections), row, coverage);
            sums.iter_mut().zip(row).for_each(|(sum, part)| *sum += part);
        }
        write_row(&mut page, "all", "", sums, coverage);

        page += "\n## Lines that were never executed\n\n";
        let unhit = self.unhit();
        if unhit.is_empty() {
            return page + "None.\n";
        }
        page += "| module | protection | line | text | reason |\n| --- | --- | ---: | --- | --- |\n";
        for line in &unhit {
            let (file, protections) = (code(&line.source.file), names(line.protections));
            let (number, text) = (line.number, code(&line.text().replace('|', "\\|")));
            let reason = reasons.of(line).unwrap_or("**none given**");
            // Writing to a string cannot fail.
            let _ = writeln!(page, "| {file} | {protections} | {number} | {text} | {reason} |");
        }
        page
    }
}

fn write_row(page: &mut String, module: &str, protections: &str, counts: [usize; 4], coverage: CodeCoverage) {
    let [hit, lines, toggled, bits] = counts;
    let _ = write!(page, "| {module} | {protections} | {hit} | {lines} |");
    let _ = match coverage {
        CodeCoverage::LinesAndToggles => writeln!(page, " {toggled} | {bits} |"),
        CodeCoverage::None | CodeCoverage::Lines => writeln!(page),
    };
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn names(protections: &[Protection]) -> String {
    if protections.len() == PROTECTIONS.len() {
        return "all".to_owned();
    }
    let name = |protection: &Protection| match protection {
        Protection::None => "none",
        Protection::Parity => "parity",
        Protection::Secded => "secded",
    };
    protections.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use stagecoach_verilator::CoverageData;

    use super::*;
    use crate::lines::Source;

    const EFFORT: Effort = Effort { seed: 3, requests: 50, coverage: CodeCoverage::LinesAndToggles };

    /// Two texts of one module; the first is executed with two protections, its second line only with one of them.
    fn lines() -> Lines {
        let counts = |second: u64| {
            let text = format!(
                "# SystemC::Coverage-3\n\
                C '\x01f\x02a.v\x01l\x021\x01n\x021\x01page\x02v_line/a\x01o\x02block\x01S\x021' 7\n\
                C '\x01f\x02a.v\x01l\x022\x01n\x021\x01page\x02v_line/a\x01o\x02block\x01S\x022' {second}\n\
                C '\x01f\x02a.v\x01l\x021\x01n\x021\x01page\x02v_toggle/a\x01o\x02x[0]' 2\n"
            );
            CoverageData::parse(&text, "a.dat").expect("in Verilator's format").files["a.v"].clone()
        };
        let source = |text: &str| Source { file: "a.v".to_owned(), text: text.to_owned() };
        let mut lines = Lines::default();
        lines.add_source(source("one\n  if (a || b)\n"), Protection::None, &counts(0));
        lines.add_source(source("one\n  two\n"), Protection::Parity, &counts(0));
        lines.add_source(source("one\n  two\n"), Protection::Secded, &counts(1));
        lines
    }

    #[test]
    fn equal_texts_add_up_and_what_was_missed_is_shown_with_its_reason() {
        let lines = lines();
        let unhit = lines.unhit();
        assert_eq!(unhit.len(), 1);
        assert_eq!((unhit[0].number, unhit[0].text()), (2, "if (a || b)"));
        let page = lines.markdown(EFFORT, "Verilator 5", &Reasons::default());
        for row in [
            "| `a.v` | none | 1 | 2 | 1 | 1 |",
            "| `a.v` | parity, secded | 2 | 2 | 1 | 1 |",
            "| all |  | 3 | 4 | 2 | 2 |",
            "| `a.v` | none | 2 | `if (a \\|\\| b)` | **none given** |",
            "--seed 3 --requests 50 --toggles",
        ] {
            assert!(page.contains(row), "no {row} in {page}");
        }
        let plain = Effort { coverage: CodeCoverage::Lines, ..EFFORT };
        let page = lines.markdown(plain, "Verilator 5", &Reasons::default());
        assert!(page.contains("| all |  | 3 | 4 |\n") && !page.contains("toggle"), "{page}");
        let list = "[[line]]\nmodule = 'a'\ntext = 'a ||'\nreason = 'never both'\n";
        let reasons = Reasons::parse(list, "list.toml").expect("a list");
        assert_eq!(reasons.of(&unhit[0]), Some("never both"));
        assert!(lines.markdown(EFFORT, "Verilator 5", &reasons).contains("| never both |"));
        for other in [list.replace("'a'", "'b'"), list.replace("a ||", "a &&")] {
            let reasons = Reasons::parse(&other, "list.toml").expect("a list");
            assert_eq!(reasons.of(&unhit[0]), None, "{other}");
        }
    }
}
