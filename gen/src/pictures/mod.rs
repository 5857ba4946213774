//! The waveforms that the documents show, each from a run of preset `tiny` on the native engine.
//!
//! Cycles count from the acceptance that the picture is about. Payloads are unknown while their port's `valid` is low,
//! whatever the wires carry. Nothing is drawn by hand: when the hardware changes, the
//! pictures do, and a test says that those of the documents are stale.

mod scenes;

use std::ops::RangeInclusive;
use std::path::Path;

use crate::Error;
use crate::wave::{Row, Trace};

/// A picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// A request and its beat, and the request's way through the stages.
    Lookup,
    /// A request that crosses a border of pages.
    TwoSpans,
    /// A fence that waits for a span, while another table's requests go on.
    Fence,
}

/// What is drawn of a run.
struct View {
    /// The cycle that is called 0.
    origin: u64,
    /// The cycles that are shown, counted from there.
    cycles: RangeInclusive<i64>,
    signals: &'static [&'static str],
    title: &'static str,
}

impl Picture {
    /// Every picture.
    pub const ALL: [Picture; 3] = [Picture::Lookup, Picture::TwoSpans, Picture::Fence];

    /// Its file in `docs/pictures`.
    pub const fn file(self) -> &'static str {
        match self {
            Picture::Lookup => "lookup.svg",
            Picture::TwoSpans => "two_spans.svg",
            Picture::Fence => "fence.svg",
        }
    }

    /// Plays what it shows, and draws it: the text of an SVG file.
    ///
    /// # Errors
    /// The engine cannot be made or stops, or its waveform cannot be written.
    pub fn draw(self) -> Result<String, Error> {
        let folder =
            tempfile::tempdir().map_err(Error::io("cannot make a folder in", &std::env::temp_dir()))?;
        let wave = folder.path().join("wave.fst");
        let view = match self {
            Picture::Lookup => scenes::lookup(&wave),
            Picture::TwoSpans => scenes::two_spans(&wave),
            Picture::Fence => scenes::fence(&wave),
        };
        let failed =
            |error: stagecoach_cosim::Error| Error::Engine { engine: "native", problem: error.to_string() };
        view.map_err(failed)?.draw(&wave)
    }
}

impl View {
    fn draw(&self, wave: &Path) -> Result<String, Error> {
        let signals: Vec<String> = self.signals.iter().map(|name| (*name).to_owned()).collect();
        let at = |cycle: &i64| self.origin.checked_add_signed(*cycle);
        let mut trace = Trace::read(wave, &signals, at(self.cycles.start()), at(self.cycles.end()))?;
        trace.first = *self.cycles.start();
        blank_what_means_nothing(&mut trace);
        Ok(trace.draw(Some(self.title)))
    }
}

/// Makes a port's payload unknown where its `valid`, if it is shown, is low.
fn blank_what_means_nothing(trace: &mut Trace) {
    let valids: Vec<Row> = trace.rows.iter().filter(|row| row.name.ends_with("_valid")).cloned().collect();
    for valid in valids {
        let port = valid.name.trim_end_matches("valid");
        let is_payload = |row: &&mut Row| {
            let field = row.name.strip_prefix(port);
            field.is_some_and(|field| !["valid", "ready", "done"].contains(&field))
        };
        for row in trace.rows.iter_mut().filter(is_payload) {
            let pairs = row.values.iter_mut().zip(&valid.values);
            pairs.filter(|(_, valid)| *valid == "0").for_each(|(value, _)| *value = "x".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_unknown_while_their_port_is_not_valid() {
        let row = |name: &str, values: [&str; 2]| Row {
            name: name.to_owned(),
            values: values.map(str::to_owned).to_vec(),
        };
        let rows = vec![
            row("req_valid", ["0", "1"]),
            row("req_ready", ["1", "1"]),
            row("req_va", ["1010", "0101"]),
            row("rsp_span", ["1100", "0011"]),
        ];
        let mut trace = Trace { first: 0, rows: rows.clone() };
        blank_what_means_nothing(&mut trace);
        assert_eq!(trace.rows[2].values, ["x", "0101"]);
        assert_eq!([&trace.rows[..2], &trace.rows[3..]], [&rows[..2], &rows[3..]]);
    }
}
