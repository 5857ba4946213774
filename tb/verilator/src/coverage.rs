//! Reads what a simulation has covered: `coverage.dat`, as [`crate::Model::write_coverage`] writes it.
//!
//! A line of that file is a point with its count: a block of statements, a branch, a bit that toggles. Points of
//! several instances of a module are one here: a line is hit if any instance hits it. A line that belongs to several
//! points (`if (a) b <= c;`) counts as often as its rarest point.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::Error;

/// First line of every such file.
const TITLE: &str = "# SystemC::Coverage-3";

/// What was covered, by source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageData {
    /// By the name of the Verilog file.
    pub files: BTreeMap<String, FileCoverage>,
}

/// What was covered of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCoverage {
    points: BTreeMap<Point, Counted>,
    toggles: BTreeMap<String, u64>,
}

/// A place in a file and what of it is meant: block, if, else…
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    line: u32,
    column: u32,
    what: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counted {
    count: u64,
    lines: BTreeSet<u32>,
}

impl CoverageData {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is not in Verilator's format.
    pub fn read(path: &Path) -> Result<CoverageData, Error> {
        let bytes = std::fs::read(path).map_err(Error::io("cannot read", path))?;
        CoverageData::parse(&String::from_utf8_lossy(&bytes), &path.display().to_string())
    }

    /// Reads a file's text; `name` is for errors.
    ///
    /// # Errors
    /// It is not in Verilator's format.
    pub fn parse(text: &str, name: &str) -> Result<CoverageData, Error> {
        let wrong = |number: usize, problem: &str| {
            Error::Shape(format!("{name}:{}: {problem}; is it a coverage file of Verilator 5?", number + 1))
        };
        if text.lines().next().map(str::trim_end) != Some(TITLE) {
            return Err(wrong(0, "it does not begin with Verilator's title"));
        }
        let mut data = CoverageData::default();
        for (number, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let parts = line.strip_prefix("C '").and_then(|rest| rest.rsplit_once("' "));
            let Some((keys, count)) = parts else { return Err(wrong(number, "no point")) };
            let Ok(count) = count.trim().parse() else { return Err(wrong(number, "no count")) };
            if let Err(problem) = data.point(keys, count) {
                return Err(wrong(number, problem));
            }
        }
        Ok(data)
    }

    /// Adds what another simulation of the same sources has covered.
    pub fn add(&mut self, other: &CoverageData) {
        for (name, file) in &other.files {
            self.files.entry(name.clone()).or_default().add(file);
        }
    }

    fn point(&mut self, keys: &str, count: u64) -> Result<(), &'static str> {
        // \x01 key \x02 value, again and again.
        let keys: BTreeMap<&str, &str> =
            keys.split('\x01').filter_map(|pair| pair.split_once('\x02')).collect();
        let get = |key: &str| keys.get(key).copied();
        let number = |key: &str| get(key).and_then(|text| text.parse::<u32>().ok());
        let (Some(file), Some(line)) = (get("f"), number("l")) else { return Err("a point without place") };
        let kind = get("page").and_then(|page| page.split('/').next()).unwrap_or_default();
        let what = get("o").unwrap_or_default();
        let file = self.files.entry(file.to_owned()).or_default();
        match kind {
            "v_line" | "v_branch" => {
                let lines = match get("S") {
                    Some(list) => lines(list).ok_or("a list of lines that is none")?,
                    // An `else` without statements, or a Verilator that tells no lists.
                    None if what.contains("else") => BTreeSet::new(),
                    None => BTreeSet::from([line]),
                };
                let point = Point { line, column: number("n").unwrap_or(0), what: what.to_owned() };
                let counted = file.points.entry(point).or_default();
                counted.count += count;
                counted.lines.extend(lines);
            }
            "v_toggle" => *file.toggles.entry(what.to_owned()).or_default() += count,
            // Cover points of the user, and whatever a later Verilator adds.
            _ => {}
        }
        Ok(())
    }
}

/// Reads `3,5-7`.
fn lines(list: &str) -> Option<BTreeSet<u32>> {
    let mut lines = BTreeSet::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        lines.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
    }
    Some(lines)
}

impl FileCoverage {
    /// Adds what another simulation of the same text has covered.
    pub fn add(&mut self, other: &FileCoverage) {
        for (point, counted) in &other.points {
            let place = self.points.entry(point.clone()).or_default();
            place.count += counted.count;
            place.lines.extend(&counted.lines);
        }
        for (bit, count) in &other.toggles {
            *self.toggles.entry(bit.clone()).or_default() += count;
        }
    }

    /// How often each line with statements was executed.
    pub fn lines(&self) -> BTreeMap<u32, u64> {
        let mut lines: BTreeMap<u32, u64> = BTreeMap::new();
        for Counted { count, lines: of_point } in self.points.values() {
            for line in of_point {
                lines.entry(*line).and_modify(|least| *least = (*least).min(*count)).or_insert(*count);
            }
        }
        lines
    }

    /// Lines with statements that were executed, and all of them.
    pub fn lines_hit(&self) -> (usize, usize) {
        let lines = self.lines();
        (lines.values().filter(|count| **count > 0).count(), lines.len())
    }

    /// Lines with statements that were never executed.
    pub fn unhit_lines(&self) -> Vec<u32> {
        self.lines().into_iter().filter(|(_, count)| *count == 0).map(|(line, _)| line).collect()
    }

    /// Bits of signals that toggled, and all of them; none without [`crate::Coverage::LinesAndToggles`].
    pub fn bits_toggled(&self) -> (usize, usize) {
        (self.toggles.values().filter(|count| **count > 0).count(), self.toggles.len())
    }

    /// Bits of signals that never toggled, e.g. `in_tag[3]`; newer Verilators tell each direction for itself.
    pub fn untoggled_bits(&self) -> Vec<&str> {
        self.toggles.iter().filter(|(_, count)| **count == 0).map(|(bit, _)| bit.as_str()).collect()
    }
}

/// A table with a row per file.
impl fmt::Display for CoverageData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, file) in &self.files {
            let (hit, all) = file.lines_hit();
            write!(f, "{name}: {hit} of {all} lines")?;
            if !file.toggles.is_empty() {
                let (toggled, bits) = file.bits_toggled();
                write!(f, ", {toggled} of {bits} bits")?;
            }
            let unhit: Vec<String> = file.unhit_lines().iter().map(u32::to_string).collect();
            if !unhit.is_empty() {
                write!(f, "; not hit: {}", unhit.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(page: &str, place: &str, what: &str, list: &str, instance: &str, count: u64) -> String {
        let (line, column) = place.split_once(':').unwrap();
        let list = if list.is_empty() { String::new() } else { format!("\x01S\x02{list}") };
        format!(
            "C '\x01f\x02a.v\x01l\x02{line}\x01n\x02{column}\x01page\x02{page}/a\x01o\x02{what}{list}\x01h\x02TOP.{instance}' {count}\n"
        )
    }

    fn data(points: &[String]) -> CoverageData {
        CoverageData::parse(&format!("{TITLE}\n{}", points.concat()), "a.dat").unwrap()
    }

    #[test]
    fn a_line_counts_as_often_as_its_rarest_point_over_all_instances() {
        let points = [
            line("v_line", "3:1", "block", "3,9", "x", 10),
            line("v_branch", "3:5", "if", "3-4", "x", 0),
            line("v_branch", "3:5", "if", "3-4", "y", 2),
            line("v_branch", "3:6", "else", "6-7", "x", 0),
            line("v_branch", "8:2", "else", "", "x", 0),
            line("v_user", "5:1", "reached", "", "x", 0),
        ];
        let data = data(&points);
        let file = &data.files["a.v"];
        assert_eq!(file.lines(), BTreeMap::from([(3, 2), (4, 2), (6, 0), (7, 0), (9, 10)]));
        assert_eq!((file.lines_hit(), file.unhit_lines()), ((3, 5), vec![6, 7]));
        assert_eq!(data.to_string(), "a.v: 3 of 5 lines; not hit: 6, 7\n");
    }

    #[test]
    fn runs_add_up() {
        let run = |first, second| {
            data(&[
                line("v_branch", "3:5", "if", "4", "x", first),
                line("v_branch", "3:6", "else", "6", "x", second),
                line("v_toggle", "1:1", "tag[0]", "", "x", first),
                line("v_toggle", "1:1", "tag[1]", "", "x", 0),
            ])
        };
        let mut sum = run(1, 0);
        assert_eq!(sum.files["a.v"].unhit_lines(), [6]);
        sum.add(&run(0, 1));
        let file = &sum.files["a.v"];
        assert_eq!((file.lines_hit(), file.bits_toggled()), ((2, 2), (1, 2)));
        assert_eq!(file.untoggled_bits(), ["tag[1]"]);
        assert_eq!(sum.to_string(), "a.v: 2 of 2 lines, 1 of 2 bits\n");
    }

    #[test]
    fn another_file_is_refused_with_its_place() {
        for (text, place) in [
            ("TN:\n", "a.dat:1"),
            ("# SystemC::Coverage-3\nC 'x\n", "a.dat:2"),
            ("# SystemC::Coverage-3\nC '\x01f\x02a.v\x01l\x023' many\n", "a.dat:2"),
            ("# SystemC::Coverage-3\nC '\x01f\x02a.v' 1\n", "a.dat:2"),
            ("# SystemC::Coverage-3\nC '\x01f\x02a\x01l\x021\x01page\x02v_line\x01S\x021-x' 1\n", "a.dat:2"),
        ] {
            let error = CoverageData::parse(text, "a.dat").unwrap_err().to_string();
            assert!(error.contains(place), "{error}");
        }
    }
}
