//! Draws a trace: cycle numbers, the clock, one-bit waves, and words as hexagons with their value.
//!
//! The background is transparent, and the colours follow the reader's light or dark scheme. The same trace gives the
//! same text.

use std::fmt::Write;

use super::{Row, Trace};

/// Width of a character of the monospaced 12-pixel font.
const CHARACTER: u32 = 7;
const ROW: u32 = 30;
/// Height of a wave.
const WAVE: u32 = 18;
const MARGIN: u32 = 8;
/// Width of an edge.
const SLANT: u32 = 3;
const NARROWEST_CYCLE: u32 = 26;
const WIDEST_CYCLE: u32 = 84;
/// Width that all cycles together should not exceed, if they can be drawn at all in it.
const WIDEST_PICTURE: u32 = 1200;

const STYLE: &str = "\
text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#24292f}\
.title{font-weight:bold}.number{fill:#6e7781;font-size:10px}.value{text-anchor:middle}.number{text-anchor:middle}\
.wave{fill:none;stroke:#0969da;stroke-width:1.5;stroke-linejoin:round}\
.word{fill:#ddf4ff;stroke:#0969da;stroke-width:1.2;stroke-linejoin:round}\
.unknown{fill:#eaeef2;stroke:#6e7781;stroke-width:1.2}\
.clock{fill:none;stroke:#6e7781;stroke-width:1.2}.grid{stroke:#d0d7de;stroke-width:1;stroke-dasharray:2 3}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.number{fill:#8d96a0}.wave{stroke:#58a6ff}\
.word{fill:#12263f;stroke:#58a6ff}.unknown{fill:#21262d;stroke:#8d96a0}.clock{stroke:#8d96a0}.grid{stroke:#30363d}}";

/// The picture, as the text of an SVG file.
pub(super) fn draw(trace: &Trace, title: Option<&str>) -> String {
    let cycles = trace.rows.iter().map(|row| row.values.len()).max().unwrap_or(0) as u32;
    let longest = trace.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(3) as u32;
    let left = MARGIN + longest * CHARACTER + MARGIN;
    let cycle = trace.rows.iter().map(needed).max().unwrap_or(0).min(widest(cycles)).max(NARROWEST_CYCLE);
    let top = MARGIN + if title.is_some() { 22 } else { 0 };
    let rows_from = top + 16;
    let (width, height) =
        (left + cycles * cycle + 2 * MARGIN, rows_from + (trace.rows.len() as u32 + 1) * ROW + MARGIN);
    let mut picture = Picture { text: String::new(), left, cycle };
    picture.line(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">"
    ));
    if let Some(title) = title {
        picture.line(format_args!("<title>{}</title>", escaped(title)));
    }
    picture.line(format_args!("<style>{STYLE}</style>"));
    if let Some(title) = title {
        let (y, title) = (MARGIN + 12, escaped(title));
        picture.line(format_args!("<text class=\"title\" x=\"{MARGIN}\" y=\"{y}\">{title}</text>"));
    }
    picture.numbers(trace.first, cycles, top + 10, rows_from, height - MARGIN);
    picture.clock(cycles, rows_from);
    for (number, row) in trace.rows.iter().enumerate() {
        picture.row(row, rows_from + (number as u32 + 1) * ROW);
    }
    picture.line(format_args!("</svg>"));
    picture.text
}

/// The widest that a cycle may be in a picture of so many.
fn widest(cycles: u32) -> u32 {
    WIDEST_CYCLE.min(WIDEST_PICTURE / cycles.max(1))
}

/// Width of a cycle with which every value of a row fits where it stands.
fn needed(row: &Row) -> u32 {
    let fits = |run: &Run| room_for(&digits(run.value)).div_ceil(run.length);
    if is_bit(row) { 0 } else { runs(row).iter().map(fits).max().unwrap_or(0) }
}

fn room_for(digits: &str) -> u32 {
    digits.chars().count() as u32 * CHARACTER + 4 * SLANT
}

fn is_bit(row: &Row) -> bool {
    row.values.iter().all(|value| value.len() == 1)
}

/// Cycles in a row with one value.
struct Run<'r> {
    start: u32,
    length: u32,
    value: &'r str,
}

fn runs(row: &Row) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (cycle, value) in row.values.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if run.value == value => run.length += 1,
            _ => runs.push(Run { start: cycle as u32, length: 1, value }),
        }
    }
    runs
}

/// Binary digits as hexadecimal; a digit with an unknown bit is `x`.
fn digits(bits: &str) -> String {
    let bits: Vec<u8> = bits.bytes().collect();
    let nibbles = bits.rchunks(4).rev().map(|nibble| {
        let value = nibble.iter().try_fold(0, |value, bit| match bit {
            b'0' | b'1' => Some(value << 1 | u32::from(bit - b'0')),
            _ => None,
        });
        value.and_then(|value| char::from_digit(value, 16)).unwrap_or('x')
    });
    let all: String = nibbles.collect();
    let short = all.trim_start_matches('0');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

/// `digits` cut in its middle, so that it takes at most `most` characters.
fn shortened(digits: &str, most: usize) -> String {
    let all: Vec<char> = digits.chars().collect();
    match most {
        _ if all.len() <= most => digits.to_owned(),
        0..=2 => String::new(),
        _ => {
            let head = most / 2;
            let tail = all.len() - (most - head - 1);
            all[..head].iter().chain(&['…']).chain(&all[tail..]).collect()
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

struct Picture {
    text: String,
    /// Where cycles begin.
    left: u32,
    /// Width of one.
    cycle: u32,
}

impl Picture {
    fn line(&mut self, words: std::fmt::Arguments) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{words}");
    }

    fn at(&self, cycle: u32) -> u32 {
        self.left + cycle * self.cycle
    }

    fn numbers(&mut self, first: i64, cycles: u32, y: u32, top: u32, bottom: u32) {
        let widest =
            first.to_string().len().max((first + i64::from(cycles)).to_string().len()) as u32 * CHARACTER;
        let each = [1, 2, 5, 10, 20, 50].into_iter().find(|each| each * self.cycle > widest).unwrap_or(100);
        for cycle in 0..=cycles {
            let x = self.at(cycle);
            self.line(format_args!(
                "<line class=\"grid\" x1=\"{x}\" y1=\"{top}\" x2=\"{x}\" y2=\"{bottom}\"/>"
            ));
            let number = first + i64::from(cycle);
            if cycle < cycles && number.rem_euclid(each.into()) == 0 {
                let x = x + self.cycle / 2;
                self.line(format_args!("<text class=\"number\" x=\"{x}\" y=\"{y}\">{number}</text>"));
            }
        }
    }

    fn label(&mut self, name: &str, top: u32) {
        let (y, name) = (top + ROW / 2 + 4, escaped(name));
        self.line(format_args!("<text x=\"{MARGIN}\" y=\"{y}\">{name}</text>"));
    }

    fn clock(&mut self, cycles: u32, top: u32) {
        self.label("clk", top);
        let (high, low) = (top + (ROW - WAVE) / 2, top + (ROW + WAVE) / 2);
        let mut path = format!("M{} {low}", self.at(0));
        for cycle in 0..cycles {
            let (middle, end) = (self.at(cycle) + self.cycle / 2, self.at(cycle + 1));
            let _ = write!(path, "V{high}H{middle}V{low}H{end}");
        }
        self.line(format_args!("<path class=\"clock\" d=\"{path}\"/>"));
    }

    fn row(&mut self, row: &Row, top: u32) {
        self.label(&row.name, top);
        if is_bit(row) { self.bit(row, top) } else { self.word(row, top) }
    }

    fn bit(&mut self, row: &Row, top: u32) {
        let (high, low) = (top + (ROW - WAVE) / 2, top + (ROW + WAVE) / 2);
        let mut path = String::new();
        let mut joined = false;
        for run in runs(row) {
            let (start, end) = (self.at(run.start), self.at(run.start + run.length));
            let now = match run.value {
                "0" => low,
                "1" => high,
                _ => {
                    let width = end - start;
                    self.line(format_args!(
                        "<rect class=\"unknown\" x=\"{start}\" y=\"{high}\" width=\"{width}\" height=\"{WAVE}\"/>"
                    ));
                    joined = false;
                    continue;
                }
            };
            let _ = if joined {
                write!(path, "L{} {now}H{end}", start + SLANT)
            } else {
                write!(path, "M{start} {now}H{end}")
            };
            joined = true;
        }
        self.line(format_args!("<path class=\"wave\" d=\"{path}\"/>"));
    }

    fn word(&mut self, row: &Row, top: u32) {
        let (high, middle, low) = (top + (ROW - WAVE) / 2, top + ROW / 2, top + (ROW + WAVE) / 2);
        for run in runs(row) {
            let (start, end) = (self.at(run.start), self.at(run.start + run.length));
            let (from, to) = (start + SLANT, end - SLANT);
            let digits = digits(run.value);
            let class = if digits.contains('x') { "unknown" } else { "word" };
            self.line(format_args!(
                "<path class=\"{class}\" d=\"M{start} {middle}L{from} {high}H{to}L{end} {middle}L{to} {low}H{from}Z\"><title>{digits}</title></path>"
            ));
            let most = (end - start).saturating_sub(4 * SLANT) / CHARACTER;
            let (x, y, shown) = ((start + end) / 2, middle + 4, shortened(&digits, most as usize));
            if !shown.is_empty() {
                self.line(format_args!("<text class=\"value\" x=\"{x}\" y=\"{y}\">{shown}</text>"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> Trace {
        let row = |name: &str, values: &[&str]| Row {
            name: name.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let rows = vec![
            row("valid", &["x", "0", "1", "1", "0"]),
            row("a<b", &["xxxxxxxx", "00000000", "10100101", "10100101", "01011010"]),
        ];
        Trace { first: 98, rows }
    }

    #[test]
    fn every_signal_cycle_and_value_is_drawn() {
        let picture = draw(&trace(), Some("Two & two"));
        for cycle in 98..103 {
            assert!(picture.contains(&format!(">{cycle}</text>")), "{cycle}: {picture}");
        }
        let has = |words: &str| assert!(picture.contains(words), "no {words} in {picture}");
        has("<title>Two &amp; two</title>");
        has(">a&lt;b</text>");
        for value in ["xx", "0", "a5", "5a"] {
            has(&format!("<title>{value}</title>"));
            has(&format!(">{value}</text>"));
        }
        assert_eq!(picture.matches("class=\"word\"").count(), 3, "equal values are one hexagon");
        assert_eq!(picture.matches("class=\"unknown\"").count(), 2);
        assert_eq!(picture.matches("class=\"grid\"").count(), 6);
        assert_eq!(picture, draw(&trace(), Some("Two & two")));
    }

    #[test]
    fn a_bit_is_low_then_high_then_low() {
        let picture = draw(&trace(), None);
        let path = picture.lines().find(|line| line.contains("class=\"wave\"")).unwrap();
        // Labels take 8 + 5 * 7 + 8 pixels, a cycle the narrowest; rows begin at 24.
        let (left, cycle) = (51, NARROWEST_CYCLE);
        let (high, low) = (24 + ROW + 6, 24 + ROW + 24);
        let at = |number: u32| left + number * cycle;
        let expected = format!(
            "M{} {low}H{}L{} {high}H{}L{} {low}H{}\"",
            at(1),
            at(2),
            at(2) + 3,
            at(4),
            at(4) + 3,
            at(5)
        );
        assert!(path.contains(&expected), "{path}\n{expected}");
    }

    #[test]
    fn long_words_get_room_and_are_cut_where_there_is_none() {
        assert_eq!(digits("1001111"), "4f");
        assert_eq!(digits(&format!("1{}", "0".repeat(64))), "10000000000000000");
        assert_eq!(digits("01x10001"), "x1");
        assert_eq!(shortened("0123456789", 5), "01…89");
        assert_eq!((shortened("012", 3), shortened("0123", 2)), ("012".to_owned(), String::new()));
        let row = Row { name: "w".to_owned(), values: vec!["1".repeat(32); 2] };
        assert_eq!(needed(&row), (8 * 7 + 12) / 2);
        assert_eq!((widest(3), widest(40), widest(400)), (84, 30, 3));
        let picture =
            draw(&Trace { first: 0, rows: vec![Row { values: vec!["1".repeat(160)], ..row }] }, None);
        assert!(picture.contains(&format!("<title>{}</title>", "f".repeat(40))) && picture.contains('…'));
    }
}
